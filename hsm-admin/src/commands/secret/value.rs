//! Values: put, got, and made at random. They come from prompts, files and descriptors, never from the command line.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{In, Look, call, named, version};
use crate::commands::kms::{Desk, text};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret::{self, Prompt};
use crate::table::printable;
use crate::whole;

/// The most bytes of a value.
const MOST: u64 = 32 * 1024;

/// Make a secret, or give one another version
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// Its name: letters, digits, - and _
    name: String,

    /// Read the value from a file; - is standard input [default: ask for it]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pairs", "ask"])]
    file: Option<PathBuf>,

    /// The file has bytes, and not a text
    #[arg(long, requires = "file")]
    binary: bool,

    /// A pair of the value that is no secret, such as username=app (repeatable)
    #[arg(long = "pair", value_name = "KEY=VALUE")]
    pairs: Vec<String>,

    /// A pair of the value that is asked for, such as password (repeatable)
    #[arg(long = "ask", value_name = "KEY")]
    ask: Vec<String>,

    /// The stages that the version gets, instead of SYSCURRENT (repeatable)
    #[arg(long = "stage", value_name = "STAGE")]
    stages: Vec<String>,

    /// When the version expires: after so many days, or a date such as 2027-01-31
    #[arg(long, value_name = "WHEN")]
    expires: Option<super::versions::When>,

    /// Refuse if the secret is there already
    #[arg(long)]
    new: bool,

    /// For a new secret: what it is for, in words
    #[arg(long)]
    description: Option<String>,

    /// For a new secret: the key that encrypts it, by id or alias [default: csms/default]
    #[arg(long)]
    key: Option<String>,

    /// For a new secret: the event by which its changes are told
    #[arg(long)]
    event: Option<String>,

    /// For a new secret: the enterprise project that it is in
    #[arg(long, value_name = "ID")]
    enterprise_project: Option<String>,

    /// For a new secret: a tag (repeatable)
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,

    #[command(flatten)]
    place: In,
}

/// Show what is in a secret
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Its name; with :VERSION, such as db:v3 or db:SYSPREVIOUS, another version than the current one
    secret: String,

    /// Of a value of pairs: the one of this key alone
    #[arg(long, value_name = "KEY")]
    pair: Option<String>,

    /// Write it to a file that only the owner reads, as it is
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    look: Look,

    #[command(flatten)]
    place: In,
}

/// Make a random password, which is kept nowhere
#[derive(Debug, Args)]
pub(crate) struct Password {
    /// How many characters
    #[arg(long, default_value_t = 32)]
    length: u32,

    /// Characters that are not in it
    #[arg(long, value_name = "CHARACTERS", default_value = "")]
    without: String,

    /// Letters and digits alone
    #[arg(long)]
    plain: bool,

    #[command(flatten)]
    place: In,
}

impl Put {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let is_there = self.is_there(&desk)?;
        if is_there && self.new {
            return Err(Error::Failed(format!("there is a secret {:?} already", printable(&self.name))));
        }
        let mut fields = self.value()?;
        if is_there {
            self.check_for_a_version()?;
            fields.insert("secret_name".into(), self.name.clone().into());
            if !self.stages.is_empty() {
                fields.insert("version_stages".into(), self.stages.clone().into());
            }
            if let Some(when) = &self.expires {
                fields.insert("expire_time".into(), when.millis()?.into());
            }
            let made = call(&desk, "CreateSecretVersion", &Value::Object(fields))?;
            return screen.show(&made["version_metadata"], |made| {
                format!("Secret {:?} has version {}.", printable(&self.name), text(made, "id"))
            });
        }
        if !self.stages.is_empty() || self.expires.is_some() {
            return Err(Error::Usage(
                "a new secret's first version is SYSCURRENT: --stage and --expires are for those after it"
                    .into(),
            ));
        }
        let given = [
            ("name", Some(&self.name)),
            ("description", self.description.as_ref()),
            ("kms_key_id", self.key.as_ref()),
            ("enterprise_project_id", self.enterprise_project.as_ref()),
        ];
        fields.extend(given.into_iter().filter_map(|(name, text)| Some((name.into(), text?.clone().into()))));
        if let Some(event) = &self.event {
            fields.insert("event_subscriptions".into(), json!([event]));
        }
        let tag = |text: &String| {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            json!({ "key": key, "value": value })
        };
        if !self.tags.is_empty() {
            fields.insert("tags".into(), self.tags.iter().map(tag).collect());
        }
        let made = call(&desk, "CreateSecret", &Value::Object(fields))?;
        screen.show(&made["secret"], |made| {
            format!("Made secret {:?}: {}", printable(&self.name), text(made, "id"))
        })
    }

    fn is_there(&self, desk: &Desk<'_>) -> Result<bool, Error> {
        match call(desk, "ShowSecret", &json!({ "secret_name": self.name })) {
            Ok(_) => Ok(true),
            Err(Error::Failed(why)) if why.contains("CSMS.0106") => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn check_for_a_version(&self) -> Result<(), Error> {
        let of_new = [&self.description, &self.key, &self.event, &self.enterprise_project];
        if of_new.iter().any(|given| given.is_some()) || !self.tags.is_empty() {
            return Err(Error::Usage(format!(
                "secret {:?} is there, and gets another version: `secret set`, `secret event` and `secret tag` change the rest",
                printable(&self.name)
            )));
        }
        Ok(())
    }

    /// The value, as the field of a request.
    fn value(&self) -> Result<Map<String, Value>, Error> {
        let field =
            |name: &str, text: &str| Map::from_iter([(name.to_owned(), Value::String(text.to_owned()))]);
        if let Some(path) = &self.file {
            let bytes = read(path)?;
            if self.binary {
                return Ok(field("secret_binary", &Zeroizing::new(BASE64.encode(&bytes))));
            }
            let text = std::str::from_utf8(&bytes)
                .map_err(|_| Error::Usage("the file is no text in UTF-8: give --binary".into()))?;
            return Ok(field("secret_string", text));
        }
        if self.pairs.is_empty() && self.ask.is_empty() {
            return Ok(field("secret_string", &asked("the value", "give --file")?));
        }
        let mut pairs = Map::new();
        for pair in &self.pairs {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| Error::Usage(format!("{pair:?}: expected KEY=VALUE; --ask asks for one")))?;
            pairs.insert(key.to_owned(), value.into());
        }
        for key in &self.ask {
            let value = asked(&printable(key), "give --file with all pairs as JSON")?;
            pairs.insert(key.clone(), Value::String(value.to_string()));
        }
        Ok(field("secret_string", &Zeroizing::new(Value::Object(pairs).to_string())))
    }
}

/// Something that is typed unseen, and twice.
fn asked(what: &str, instead: &str) -> Result<Zeroizing<String>, Error> {
    let typed = secret::ask(what, Prompt::Twice, instead)?;
    let typed = typed.ok_or_else(|| Error::NotConfirmed(format!("{what} is empty")))?;
    secret::text(&typed, what)
}

/// What is in a file, or comes from standard input, up to the most that a value can be.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let from: Box<dyn Read> = match path.as_os_str() == "-" {
        true if io::stdin().is_terminal() => {
            return Err(Error::Usage(
                "standard input is a terminal: without --file the value is asked for".into(),
            ));
        }
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(|cause| unread(path, cause))?),
    };
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MOST).unwrap_or_default() + 64));
    from.take(MOST + 1).read_to_end(&mut bytes).map_err(|cause| unread(path, cause))?;
    if bytes.len() as u64 > MOST {
        return Err(Error::Usage(format!("a value has at most {MOST} bytes")));
    }
    Ok(bytes)
}

fn unread(path: &Path, cause: io::Error) -> Error {
    Error::Secret { what: "the value".to_owned(), from: path.display().to_string(), cause }
}

/// The bytes of a value.
pub(super) fn bytes(version: &Value) -> Result<Zeroizing<Vec<u8>>, Error> {
    match (version["secret_string"].as_str(), version["secret_binary"].as_str()) {
        (Some(text), _) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
        (_, Some(text)) => BASE64.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| Error::Unknown),
        _ => Err(Error::Unknown),
    }
}

/// The pairs of a value, if it is a JSON object.
pub(super) fn pairs(bytes: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(pairs)) => Some(pairs),
        _ => None,
    }
}

/// The text of a pair's value: that of a text is the text itself.
pub(super) fn pair_text(value: &Value) -> Zeroizing<String> {
    Zeroizing::new(match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

impl Get {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let (name, which) = named(&self.secret);
        let code = self.look.ask(&desk, self.output.is_none())?;
        let version = version(&desk, name, which, code)?;
        let whole = bytes(&version)?;
        let wanted = match &self.pair {
            None => whole,
            Some(key) => {
                let pairs =
                    pairs(&whole).ok_or_else(|| Error::Failed("the value is not one of pairs".into()))?;
                let value = pairs.get(key);
                let value = value
                    .ok_or_else(|| Error::Failed(format!("the value has no pair {:?}", printable(key))))?;
                Zeroizing::new(pair_text(value).as_bytes().to_vec())
            }
        };
        if let Some(path) = &self.output {
            whole::put(path, &wanted)
                .map_err(|cause| Error::File { path: path.clone(), why: cause.to_string() })?;
            let metadata = &version["version_metadata"];
            return screen
                .show(metadata, |of| format!("Version {} is in {}.", text(of, "id"), path.display()));
        }
        if screen.is_json() && self.pair.is_none() {
            return screen.show(&version, |_| String::new());
        }
        write_out(&wanted)
    }
}

/// Writes bytes as they are: a program gets no more than them, a terminal the end of the line too, and nothing that it
/// would act by.
fn write_out(bytes: &[u8]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let written = match out.is_terminal() {
        false => out.write_all(bytes),
        true => match std::str::from_utf8(bytes) {
            Ok(text) => {
                let shown: Zeroizing<String> = Zeroizing::new(
                    text.chars()
                        .map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c })
                        .collect(),
                );
                writeln!(out, "{}", shown.trim_end_matches('\n'))
            }
            Err(_) => writeln!(out, "{} bytes that are no text: --output writes them to a file", bytes.len()),
        },
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Print(error)),
        _ => Ok(()),
    }
}

impl Password {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let fields = json!({
            "length": self.length,
            "exclude_characters": self.without,
            "exclude_punctuation": self.plain,
        });
        let made = call(&desk, "GenerateRandomPassword", &fields)?;
        screen.show(&made, |made| text(made, "password").to_owned())
    }
}
