//! `import`: objects from elsewhere, each brought in whole or not at all, and compared with its source.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ::softhsm::Who;
use clap::{Args, Subcommand};
use wire::admin::import::{self as protocol, Arrived, MAX_ARRIVAL, MAX_ARRIVALS};
use wire::admin::{Ask, Told};
use wire::{Bytes, codec};
use zeroize::Zeroizing;

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{Bar, Screen};
use crate::secret::{self, Prompt, Source};
use crate::source::key::Wishes;
use crate::source::{Thing, file, p12, pem, softhsm, ssh};

mod report;
mod token;

use report::{Outcome, remarks, rows, table};

/// Bring in keys and certificates from elsewhere
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    Softhsm(Softhsm),
    Pem(Pem),
    P12(P12),
    Ssh(Ssh),
    Nss(token::Nss),
    Kryoptic(token::Kryoptic),
    Token(token::Token),
}

/// Bring in every object of a SoftHSM2 token, with its attributes
///
/// The token's files are read as they are: stop what uses them first. Every object is compared with its source
/// before it is kept: its check value, its public key, and a signature made and verified. What is here already is
/// passed over, so that the command can be given again.
#[derive(Debug, Args)]
pub(crate) struct Softhsm {
    /// The token's folder, or the folder with all tokens (directories.tokendir)
    folder: PathBuf,

    /// Where to: label, serial number or slot number of a partition
    partition: String,

    /// Of several tokens, the one of this label or serial number
    #[arg(long, value_name = "LABEL")]
    token: Option<String>,

    /// Open the token with the PIN of its security officer, which opens the same objects
    #[arg(long)]
    so: bool,

    /// Read the token's PIN from this file (its first line)
    #[arg(long, value_name = "FILE")]
    source_pin_file: Option<PathBuf>,

    /// Read the token's PIN from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "source_pin_file")]
    source_pin_fd: Option<u32>,

    #[command(flatten)]
    to: To,
}

/// Bring in private keys and certificates in PEM or DER
///
/// PKCS#8, plain or encrypted, PKCS#1, SEC 1 and X.509. A private key becomes two objects, itself and its public
/// half; its id is the SHA-1 of the public key, as that of its certificate.
#[derive(Debug, Args)]
pub(crate) struct Pem {
    #[command(flatten)]
    from: From,
}

/// Bring in the private keys and certificates of a PKCS#12 file
#[derive(Debug, Args)]
pub(crate) struct P12 {
    #[command(flatten)]
    from: From,
}

/// Bring in a private key of OpenSSH
#[derive(Debug, Args)]
pub(crate) struct Ssh {
    #[command(flatten)]
    from: From,
}

/// A file, and what its objects get that it does not say.
#[derive(Debug, Args)]
struct From {
    /// The file
    file: PathBuf,

    /// Where to: label, serial number or slot number of a partition
    partition: String,

    /// The objects' label; else what the file says, or its name
    #[arg(long)]
    label: Option<String>,

    /// The objects' id, in hexadecimal; else the SHA-1 of the public key
    #[arg(long, value_parser = parse_hex, value_name = "HEX")]
    id: Option<Hex>,

    /// Let private keys leave again, wrapped
    #[arg(long)]
    extractable: bool,

    /// Read the file's passphrase from this file (its first line)
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,

    /// Read the file's passphrase from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "passphrase_file")]
    passphrase_fd: Option<u32>,

    #[command(flatten)]
    to: To,
}

/// Bytes that are typed in hexadecimal.
#[derive(Clone, Debug)]
pub(super) struct Hex(pub(super) Vec<u8>);

pub(super) fn parse_hex(text: &str) -> Result<Hex, String> {
    let wrong = || "expected pairs of hexadecimal digits, such as 01ff".to_owned();
    let digits: Vec<u32> =
        text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>().ok_or_else(wrong)?;
    let (pairs, []) = digits.as_chunks::<2>() else { return Err(wrong()) };
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).map_err(|_| wrong());
    pairs.iter().map(byte).collect::<Result<_, _>>().map(Hex)
}

/// How objects are brought in.
#[derive(Debug, Args)]
struct To {
    #[command(flatten)]
    pin: UserPin,

    /// Show what would be brought in, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Where the PIN of a partition's user is; if it is not given, it is asked for.
#[derive(Debug, Args)]
pub(super) struct UserPin {
    /// Read the PIN of the partition's user from this file (its first line)
    #[arg(long, value_name = "FILE", alias = "pin-file")]
    pub(super) user_pin_file: Option<PathBuf>,

    /// Read the PIN of the partition's user from this file descriptor (its first line)
    #[arg(long, value_name = "N", alias = "pin-fd", conflicts_with = "user_pin_file")]
    pub(super) user_pin_fd: Option<u32>,
}

impl UserPin {
    pub(super) fn obtain(&self) -> Result<Bytes, Error> {
        secret::obtain(
            Source::of(self.user_pin_file.as_deref(), self.user_pin_fd),
            "the PIN of the partition's user",
            Prompt::Once,
            "give --user-pin-file or --user-pin-fd",
        )
    }
}

impl Import {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Softhsm(from) => from.run(daemon, screen),
            Self::Pem(Pem { from }) => from.run(daemon, screen, "pem", pem::read),
            Self::P12(P12 { from }) => from.run(daemon, screen, "p12", p12::read),
            Self::Ssh(Ssh { from }) => from.run(daemon, screen, "ssh", ssh::read),
            Self::Nss(from) => from.run(daemon, screen),
            Self::Kryoptic(from) => from.run(daemon, screen),
            Self::Token(from) => from.run(daemon, screen),
        }
    }
}

impl Softhsm {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let source = softhsm::Source::find(&self.folder, self.token.as_deref())?;
        let (who, what) = match self.so {
            true => (Who::Officer, "the PIN of the token's security officer"),
            false => (Who::User, "the PIN of the token's user"),
        };
        let pin = secret::obtain(
            Source::of(self.source_pin_file.as_deref(), self.source_pin_fd),
            what,
            Prompt::Once,
            "give --source-pin-file or --source-pin-fd",
        )?;
        let things = source.read(who, &pin)?;
        let name = format!("softhsm token {:?} ({})", source.token.label, source.token.serial);
        self.to.bring(daemon, screen, &self.partition, &name, &things)
    }
}

type ReadFile = fn(&[u8], &Wishes, pem::Ask<'_>) -> Result<Vec<Thing>, Error>;

impl From {
    fn run(&self, daemon: &Daemon, screen: &Screen, kind: &str, read: ReadFile) -> Result<(), Error> {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let wishes = Wishes {
            label: self.label.clone(),
            id: self.id.clone().map(|id| id.0),
            extractable: self.extractable,
            file: name(&self.file).unwrap_or_else(|| self.file.display().to_string()),
        };
        let mut passphrase = || {
            secret::obtain(
                Source::of(self.passphrase_file.as_deref(), self.passphrase_fd),
                "the file's passphrase",
                Prompt::Once,
                "give --passphrase-file or --passphrase-fd",
            )
        };
        let things = read(&file::read(&self.file)?, &wishes, &mut passphrase)?;
        let source = format!("{kind} file {}", self.file.display());
        self.to.bring(daemon, screen, &self.partition, &source, &things)
    }
}

impl To {
    /// Brings the things in, shows what became of each, and fails if any was refused.
    fn bring(
        &self,
        daemon: &Daemon,
        screen: &Screen,
        partition: &str,
        source: &str,
        things: &[Thing],
    ) -> Result<(), Error> {
        let policy = match daemon.ask(&Ask::PartitionShow { partition: partition.to_owned() })? {
            Told::Partition(shown) => shown.policy,
            _ => return Err(Error::Unknown),
        };
        let ready: Vec<_> = things.iter().filter_map(|thing| thing.arrival.as_deref().ok()).collect();
        let mut outcomes = Vec::new();
        let pin = if ready.is_empty() { None } else { Some(self.pin.obtain()?) };
        for batch in ready.chunks(MAX_ARRIVALS) {
            let ask = protocol::Ask::Objects {
                partition: partition.to_owned(),
                pin: pin.clone().unwrap_or_default(),
                source: source.to_owned(),
                dry_run: self.dry_run,
            };
            outcomes.extend(send(daemon, ask, batch)?);
        }
        let rows = rows(things, outcomes, self.dry_run);
        screen.show(&rows, |rows| {
            let table = table(rows).render(crate::screen::width());
            format!("{table}{}", remarks(rows, things, &policy))
        })?;
        match rows.iter().filter(|row| row.result == Outcome::Refused).count() {
            0 => Ok(()),
            refused => {
                let rest = if self.dry_run { "nothing was changed" } else { "the rest is done" };
                Err(Error::Partly(format!(
                    "{refused} of {} objects cannot be brought in; {rest}",
                    rows.len()
                )))
            }
        }
    }
}

/// Sends objects, and hears what became of each.
fn send(daemon: &Daemon, ask: protocol::Ask, batch: &[&protocol::Arrival]) -> Result<Vec<Arrived>, Error> {
    let mut bytes = Zeroizing::new(Vec::new());
    for arrival in batch {
        let mut one = Zeroizing::new(Vec::new());
        codec::encode(*arrival, &mut one).map_err(|_| Error::Unknown)?;
        let len = u32::try_from(one.len()).ok().filter(|len| *len <= MAX_ARRIVAL);
        bytes.extend(len.ok_or_else(|| Error::Failed("an object is too long".into()))?.to_le_bytes());
        bytes.extend_from_slice(&one);
    }
    let mut conversation = daemon.open()?;
    match conversation.ask(&Ask::Import(ask))? {
        Told::Send => {}
        _ => return Err(Error::Unknown),
    }
    match conversation.send(Shown { data: &bytes, total: bytes.len() as u64, bar: Bar::default() })? {
        Told::Import(protocol::Told::Arrived(list)) if list.len() == batch.len() => Ok(list.into_vec()),
        _ => Err(Error::Unknown),
    }
}

/// Data on its way, which shows how far it has come.
struct Shown<'a> {
    data: &'a [u8],
    total: u64,
    bar: Bar,
}

impl Read for Shown<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.data.read(into)?;
        self.bar.show(self.total - self.data.len() as u64, self.total);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_pairs_of_digits() {
        assert_eq!(parse_hex("01fF").unwrap().0, [1, 255]);
        assert!(parse_hex("").unwrap().0.is_empty());
        for wrong in ["1", "0g", "0x01", "é1"] {
            assert!(parse_hex(wrong).is_err(), "{wrong}");
        }
    }
}
