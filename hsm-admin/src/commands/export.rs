//! `export`: what may leave a partition: public keys, certificates, and keys under another key.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use pem_rfc7468::LineEnding;
use serde::Serialize;
use wire::admin::import::{self as protocol, Public, Wrapping};
use wire::admin::{Ask, Told};

use super::import::UserPin;
use super::key::{CLASSES, first_of, one_among};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;

/// Get out public keys, certificates, and keys under another key
#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    Public(PublicKey),
    Wrapped(Wrapped),
}

/// Get out a public key or a certificate
///
/// Of several of that name the public key, else the certificate, else of the private
/// key its public half.
#[derive(Debug, Args)]
pub(crate) struct PublicKey {
    #[command(flatten)]
    which: Which,

    /// Its form
    #[arg(long, value_enum, default_value_t = Form::Pem)]
    form: Form,

    /// The file that it goes to, which must not exist yet; else to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// The object is private: log in as the partition's user
    #[arg(long)]
    login: bool,

    #[command(flatten)]
    pin: UserPin,
}

/// Get out a key, wrapped by another key of the partition
///
/// The partition's policy decides, as for every application: a key whose CKA_EXTRACTABLE is false never leaves,
/// and a sensitive one only under a key that was made here and never left, or that the security officer trusts.
#[derive(Debug, Args)]
pub(crate) struct Wrapped {
    #[command(flatten)]
    which: Which,

    /// The wrapping key: its unique id, its label, or its id as id:HEX
    #[arg(long, value_name = "KEY")]
    under: String,

    /// Of several keys of that name, the one of this class
    #[arg(long, value_name = "CLASS", value_parser = CLASSES.map(|(word, _)| word))]
    under_class: Option<String>,

    /// How it is wrapped
    #[arg(long, value_parser = Wrapping::ALL.map(Wrapping::name), default_value = "aes-kwp")]
    how: String,

    /// The file that it goes to, which must not exist yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    pin: UserPin,
}

/// An object of a partition.
#[derive(Debug, Args)]
struct Which {
    /// Where: label, serial number or slot number of a partition
    partition: String,

    /// Which: its unique id, its label, or its id as id:HEX
    object: String,

    /// Of several, the one of this class
    #[arg(long, value_parser = CLASSES.map(|(word, _)| word))]
    class: Option<String>,
}

/// The forms of a public key or a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Text: SubjectPublicKeyInfo, or X.509
    Pem,
    /// Bytes: the same
    Der,
    /// The line that OpenSSH has in `authorized_keys`; of keys only
    Ssh,
}

/// What is shown of a file that was written.
#[derive(Debug, Serialize)]
struct Written {
    file: String,
    bytes: usize,
}

impl Export {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Public(command) => command.run(daemon, screen),
            Self::Wrapped(command) => command.run(daemon, screen),
        }
    }
}

impl PublicKey {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let Which { partition, object, class } = &self.which;
        let order = ["public", "certificate", "private"];
        let found = first_of(daemon, partition, object, class.as_deref(), &order)?;
        if found.private && !self.login {
            return Err(Error::Usage("the object is private: give --login".into()));
        }
        let pin = if self.login { Some(self.pin.obtain()?) } else { None };
        let ask = protocol::Ask::Public { partition: partition.clone(), pin, number: found.number };
        let Told::Import(protocol::Told::Public(public)) = daemon.ask(&Ask::Import(ask))? else {
            return Err(Error::Unknown);
        };
        let bytes = self.form.encode(&public).map_err(Error::Failed)?;
        match &self.out {
            Some(path) => write(path, &bytes, screen),
            None => std::io::stdout().write_all(&bytes).map_err(Error::Print),
        }
    }
}

impl Form {
    fn encode(self, public: &Public) -> Result<Vec<u8>, String> {
        let (der, label, name) = match public {
            Public::Key { der, label } => (der, "PUBLIC KEY", label),
            Public::Certificate { der, label } => (der, "CERTIFICATE", label),
        };
        match self {
            Self::Der => Ok(der.to_vec()),
            Self::Pem => pem_rfc7468::encode_string(label, LineEnding::LF, der)
                .map(String::into_bytes)
                .map_err(|error| error.to_string()),
            Self::Ssh if label == "CERTIFICATE" => Err("OpenSSH has no form for X.509 certificates".into()),
            Self::Ssh => super::super::source::ssh::authorized(der, name).map(String::into_bytes),
        }
    }
}

impl Wrapped {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let Which { partition, object, class } = &self.which;
        let how = Wrapping::ALL.into_iter().find(|how| how.name() == self.how);
        let how = how.ok_or_else(|| Error::Usage("no such way to wrap".into()))?;
        // Which key leaves, and under which, is not chosen by the way.
        let class = ("--class", class.as_deref());
        let found = one_among(daemon, partition, object, class, &["secret", "private"])?;
        let class = ("--under-class", self.under_class.as_deref());
        let under = one_among(daemon, partition, &self.under, class, &["secret", "public"])?;
        let ask = protocol::Ask::Wrapped {
            partition: partition.clone(),
            pin: self.pin.obtain()?,
            number: found.number,
            under: under.number,
            how,
        };
        match daemon.ask(&Ask::Import(ask))? {
            Told::Import(protocol::Told::Wrapped(bytes)) => write(&self.out, &bytes, screen),
            _ => Err(Error::Unknown),
        }
    }
}

/// Writes a new file.
fn write(path: &Path, bytes: &[u8], screen: &Screen) -> Result<(), Error> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path);
    file.as_mut()
        .map_err(|error| std::io::Error::new(error.kind(), error.to_string()))
        .and_then(|file| file.write_all(bytes))
        .map_err(|cause| Error::File { path: path.to_owned(), why: cause.to_string() })?;
    let written = Written { file: path.display().to_string(), bytes: bytes.len() };
    screen.show(&written, |written| format!("Wrote {} bytes to {}.", written.bytes, written.file))
}
