//! The import of a key's material in a dialog, as in the cloud's console: the token stays in the session and ends with it.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use data_encoding::BASE64;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use serde_json::json;

use super::super::data::{read, write_private};
use super::super::desk::Desk;
use super::super::text;
use super::{Import, MOST, Parts, by_openssl, imported, is_symmetric};
use crate::error::Error;
use crate::screen::{self, Screen};

/// Leads through an import.
///
/// # Errors
/// `Usage` where there is nobody to ask; `NotConfirmed` for who leaves before it is done.
pub(super) fn run(desk: &Desk<'_>, key: &str, import: &Import, screen: &Screen) -> Result<(), Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::Usage(
            "no terminal: give --material, --download, or --wrapped and --token".into(),
        ));
    }
    let symmetric = is_symmetric(desk, key)?;
    let fields = json!({ "key_id": key, "wrapping_algorithm": import.algorithm });
    // The daemon makes the token good for nothing when this connection ends, and so does a process that is killed.
    let (made, _session) = desk.import_parameters(&fields)?;
    let public = BASE64.decode(text(&made, "public_key").as_bytes()).map_err(|_| Error::Unknown)?;
    let mut editor = DefaultEditor::new()?;
    let wrapping = format!("wrappingKey_{}", text(&made, "key_id"));
    let wrapping = asked(&mut editor, "Write the wrapping key to: ", &wrapping)?;
    write_private(&wrapping, &public)?;
    anstream::eprintln!("{}", by_openssl(&wrapping));
    anstream::eprintln!("The token stays here, and is good until you leave: by Ctrl-C, or when it is done.");
    let token = text(&made, "import_token");
    loop {
        let outcome = wrapped(&mut editor, symmetric)
            .map(|(material, private_key)| Parts { token: token.to_owned(), material, private_key })
            .and_then(|parts| import.upload(desk, key, &parts));
        match outcome {
            Ok(done) => return screen.show(&done, |_| imported(key)),
            Err(error @ (Error::Failed(_) | Error::Read(_) | Error::File { .. })) => screen::complain(&error),
            Err(error) => return Err(error),
        }
    }
}

/// What was wrapped: a symmetric key, or a temporary key and a private one.
fn wrapped(editor: &mut DefaultEditor, symmetric: bool) -> Result<(Vec<u8>, Option<Vec<u8>>), Error> {
    let what = if symmetric { "The wrapped key: " } else { "The wrapped temporary key: " };
    let material = asked(editor, what, "")?;
    let private_key = match symmetric {
        true => None,
        false => Some(asked(editor, "The wrapped private key: ", "")?),
    };
    let read = |path: PathBuf| read(Some(&path), MOST).map(|bytes| bytes.to_vec());
    Ok((read(material)?, private_key.map(read).transpose()?))
}

/// A file that somebody names.
fn asked(editor: &mut DefaultEditor, prompt: &str, proposal: &str) -> Result<PathBuf, Error> {
    loop {
        match editor.readline_with_initial(prompt, (proposal, "")) {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => return Ok(PathBuf::from(line.trim())),
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => {
                return Err(Error::NotConfirmed("the import was left: its token is good no more".into()));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
