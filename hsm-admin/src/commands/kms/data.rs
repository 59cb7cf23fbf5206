//! The tool for small data, and signatures.
//!
//! As the vendor's tool does, `encrypt` encrypts the data's base64 text, with an enabled symmetric key that somebody
//! made; `decrypt` finds the key by the ciphertext, and gives back only what is such text. So the interface's
//! `DecryptData` gives the base64 text of what was encrypted here, and what was encrypted there is refused here.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use data_encoding::BASE64;
use serde_json::Value;
use zeroize::Zeroizing;

use super::desk::{Desk, In, fields};
use super::text;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::whole;

/// The most bytes that the interface encrypts, and that a signature is over.
const MOST: usize = 4096;
/// As many bytes as have that much base64.
const MOST_DATA: usize = MOST / 4 * 3;

/// KMS: encrypt small data, at most 4 KB in base64, with an enabled symmetric key
#[derive(Debug, Args)]
pub(crate) struct Encrypt {
    /// The key's id, alias or name
    key: String,

    /// The data [default: standard input]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    #[command(flatten)]
    place: In,
}

/// KMS: decrypt what `key encrypt` gave; the key is found by it
#[derive(Debug, Args)]
pub(crate) struct Decrypt {
    /// The ciphertext in base64 [default: standard input]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Where the data goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    place: In,
}

/// KMS: sign a message, at most 4 KB, or a digest of one
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The key's id, alias or name
    key: String,

    /// How, such as ECDSA_SHA_256
    #[arg(long)]
    algorithm: String,

    /// The message [default: standard input]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// What is given is the digest already
    #[arg(long)]
    digest: bool,

    #[command(flatten)]
    place: In,
}

/// KMS: check a signature; exit code 1 says that it is not good
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The signature, in base64
    #[arg(long)]
    signature: String,

    #[command(flatten)]
    of: Sign,
}

/// KMS: show the public key of a pair, as PEM
#[derive(Debug, Args)]
pub(crate) struct Public {
    /// The key's id, alias or name
    key: String,

    #[command(flatten)]
    place: In,
}

impl Public {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let shown = desk.call("ShowPublicKey", &desk.about(&self.key)?)?;
        screen.show(&shown, |shown| text(shown, "public_key").lines().collect::<Vec<_>>().join("\n"))
    }
}

impl Encrypt {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let about = desk.about(&self.key)?;
        check(&desk.call("ListKeyDetail", &about)?["key_info"])?;
        let data = read(self.input.as_deref(), MOST_DATA)?;
        let mut body = about;
        body["plain_text"] = BASE64.encode(&data).into();
        let made = desk.call("EncryptData", &body)?;
        wipe(&mut body, "plain_text");
        screen.show(&made, |made| text(made, "cipher_text").to_owned())
    }
}

impl Decrypt {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let cipher = read(self.input.as_deref(), 4 * MOST)?;
        let cipher = String::from_utf8_lossy(&cipher).trim().to_owned();
        let mut opened = desk.call("DecryptData", &fields([("cipher_text", cipher)]))?;
        let data = BASE64.decode(text(&opened, "plain_text").as_bytes()).map(Zeroizing::new);
        let key = fields([("key_id", text(&opened, "key_id").to_owned())]);
        wipe(&mut opened, "plain_text");
        wipe(&mut opened, "plain_text_base64");
        let data = data.map_err(|_| Error::Failed("this was not encrypted by `key encrypt`".into()))?;
        check(&desk.call("ListKeyDetail", &key)?["key_info"])?;
        match &self.output {
            Some(path) => write_private(path, &data)?,
            None if screen.is_json() => {
                let shown = serde_json::json!({ "key_id": key["key_id"], "data": BASE64.encode(&data) });
                return screen.show(&shown, |_| String::new());
            }
            None => std::io::stdout().write_all(&data).map_err(Error::Write)?,
        }
        Ok(())
    }
}

impl Sign {
    /// The fields that signing and checking have in common.
    fn body(&self, desk: &Desk<'_>) -> Result<Value, Error> {
        let mut body = desk.about(&self.key)?;
        body["message"] = BASE64.encode(&read(self.input.as_deref(), MOST)?).into();
        body["signing_algorithm"] = self.algorithm.clone().into();
        body["message_type"] = if self.digest { "DIGEST" } else { "RAW" }.into();
        Ok(body)
    }

    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let made = desk.call("Sign", &self.body(&desk)?)?;
        screen.show(&made, |made| text(made, "signature").to_owned())
    }
}

impl Verify {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.of.place.desk(daemon)?;
        let mut body = self.of.body(&desk)?;
        body["signature"] = self.signature.trim().into();
        let answer = desk.call("ValidateSignature", &body)?;
        match text(&answer, "signature_valid") {
            "true" => screen.show(&answer, |_| "The signature is good.".to_owned()),
            _ => Err(Error::Failed("the signature is not of this message by this key".into())),
        }
    }
}

/// The tool's rules, which the interface does not have.
fn check(key: &Value) -> Result<(), Error> {
    let refused = |why: &str| Err(Error::Failed(format!("{why}: see `key call EncryptData`")));
    let spec = text(key, "key_spec");
    if text(key, "default_key_flag") == "1" {
        return refused("this tool does not take default keys");
    }
    if !(spec.starts_with("AES") || spec == "SM4") {
        return refused("this tool takes symmetric keys only");
    }
    match text(key, "key_state") {
        "2" => Ok(()),
        _ => Err(Error::Failed("this tool takes enabled keys only".into())),
    }
}

fn wipe(value: &mut Value, field: &str) {
    if let Some(Value::String(text)) = value.get_mut(field) {
        zeroize::Zeroize::zeroize(text);
    }
}

/// A file's bytes, or those of standard input: at most so many.
pub(super) fn read(path: Option<&Path>, most: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    let limit = most as u64 + 1;
    match path {
        Some(path) => std::fs::File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|error| Error::File { path: path.to_owned(), why: error.to_string() })?,
        None => std::io::stdin().take(limit).read_to_end(&mut bytes).map_err(Error::Read)?,
    };
    if bytes.len() > most {
        return Err(Error::Failed(format!("the data has more than {most} bytes")));
    }
    Ok(bytes)
}

/// Writes a file that only its owner reads.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    whole::put(path, bytes).map_err(|error| Error::File { path: path.to_owned(), why: error.to_string() })
}
