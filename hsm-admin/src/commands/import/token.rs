//! `import token`, `import nss` and `import kryoptic`: a token through its own PKCS#11 module.

use std::path::{Path, PathBuf};

use clap::Args;

use super::To;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret::{self, Prompt};
use crate::source::token::{NSS_MODULE, NSS_TOKEN, Source, Wanted};

/// Bring in every object of a token behind another PKCS#11 module
///
/// The module is loaded into this program. Certificates, public keys, data and keys that are not sensitive are read; a key
/// that is sensitive but extractable is wrapped by the module itself, under a key that is made for this in its session
/// and known here alone. What is not extractable stays, and is named. Nothing is changed in the token.
#[derive(Debug, Args)]
pub(crate) struct Token {
    /// Where to: label, serial number or slot number of a partition
    partition: String,

    #[command(flatten)]
    module: Module,

    #[command(flatten)]
    pin: SourcePin,

    #[command(flatten)]
    to: To,
}

/// Bring in every object of a Kryoptic token, through Kryoptic's module
///
/// As `import token`. Kryoptic finds its configuration as for any application (KRYOPTIC_CONF), or where --parameters
/// says.
#[derive(Debug, Args)]
pub(crate) struct Kryoptic {
    /// Where to: label, serial number or slot number of a partition
    partition: String,

    #[command(flatten)]
    module: Module,

    #[command(flatten)]
    pin: SourcePin,

    #[command(flatten)]
    to: To,
}

/// Bring in every object of an NSS database, through NSS's own module
///
/// As `import token`, for the folder with cert9.db and key4.db. It is opened for reading only.
#[derive(Debug, Args)]
pub(crate) struct Nss {
    /// The database's folder
    folder: PathBuf,

    /// Where to: label, serial number or slot number of a partition
    partition: String,

    /// NSS's softoken, if it is not where the system's libraries are
    #[arg(long, value_name = "PATH", default_value = NSS_MODULE)]
    module: PathBuf,

    #[command(flatten)]
    pin: SourcePin,

    #[command(flatten)]
    to: To,
}

/// A module, and which of its tokens.
#[derive(Debug, Args)]
struct Module {
    /// The PKCS#11 module that reaches the token
    #[arg(long, value_name = "PATH")]
    module: PathBuf,

    /// The token's label or serial number
    #[arg(long, value_name = "LABEL", required_unless_present = "slot", conflicts_with = "slot")]
    token: Option<String>,

    /// The token's slot number
    #[arg(long, value_name = "N")]
    slot: Option<u64>,

    /// A string that the module wants when it is initialised (pReserved of `C_Initialize`)
    #[arg(long, value_name = "TEXT")]
    parameters: Option<String>,
}

/// Where the PIN of the source's user is; if it is not given, it is asked for.
#[derive(Debug, Args)]
struct SourcePin {
    /// Read the token's PIN from this file (its first line)
    #[arg(long, value_name = "FILE")]
    source_pin_file: Option<PathBuf>,

    /// Read the token's PIN from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "source_pin_file")]
    source_pin_fd: Option<u32>,
}

impl Token {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        self.module.bring("token", &self.partition, &self.pin, &self.to, daemon, screen)
    }
}

impl Kryoptic {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        self.module.bring("kryoptic token", &self.partition, &self.pin, &self.to, daemon, screen)
    }
}

impl Nss {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let parameters = parameters(&self.folder)?;
        let source = Source::find(&self.module, Some(&parameters), Wanted::Named(NSS_TOKEN))?;
        let name = format!("nss database {}", self.folder.display());
        bring(&source, &name, &self.partition, &self.pin, &self.to, daemon, screen)
    }
}

impl Module {
    fn bring(
        &self,
        kind: &str,
        partition: &str,
        pin: &SourcePin,
        to: &To,
        daemon: &Daemon,
        screen: &Screen,
    ) -> Result<(), Error> {
        let wanted = match (&self.token, self.slot) {
            (Some(name), _) => Wanted::Named(name),
            (None, slot) => Wanted::Slot(slot.unwrap_or_default()), // the grammar asks for one of the two
        };
        let source = Source::find(&self.module, self.parameters.as_deref(), wanted)?;
        let name = format!("{kind} {:?} ({})", source.token.label, source.token.serial);
        bring(&source, &name, partition, pin, to, daemon, screen)
    }
}

fn bring(
    source: &Source,
    name: &str,
    partition: &str,
    pin: &SourcePin,
    to: &To,
    daemon: &Daemon,
    screen: &Screen,
) -> Result<(), Error> {
    let pin = source.token.needs_login.then(|| pin.obtain()).transpose()?;
    let things = source.read(pin.as_deref())?;
    to.bring(daemon, screen, partition, name, &things)
}

impl SourcePin {
    fn obtain(&self) -> Result<wire::Bytes, Error> {
        secret::obtain(
            secret::Source::of(self.source_pin_file.as_deref(), self.source_pin_fd),
            "the PIN of the token's user",
            Prompt::Once,
            "give --source-pin-file or --source-pin-fd",
        )
    }
}

/// What NSS's module is told at its initialisation (NSS, "PKCS #11 Module Specs").
fn parameters(folder: &Path) -> Result<String, Error> {
    let refuse = |why: &str| Error::Source { file: folder.display().to_string(), why: why.to_owned() };
    if !folder.join("key4.db").exists() {
        return Err(refuse(if folder.join("key3.db").exists() {
            "it is an NSS database of the old form (key3.db): `certutil -K -d sql:FOLDER` makes the new one of it"
        } else {
            "there is no NSS database in it: no key4.db"
        }));
    }
    let text = folder.to_str().ok_or_else(|| refuse("NSS takes a path that is UTF-8"))?;
    let quoted = text.replace('\\', "\\\\").replace('\'', "\\'");
    Ok(format!("configdir='sql:{quoted}' certPrefix='' keyPrefix='' secmod='' flags=readOnly,noModDB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_quoted_for_nss_as_it_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("it's \\ odd");
        std::fs::create_dir(&odd).unwrap();
        assert!(parameters(&odd).unwrap_err().to_string().contains("no key4.db"));
        std::fs::write(odd.join("key4.db"), "").unwrap();
        assert!(parameters(&odd).unwrap().contains("it\\'s \\\\ odd' certPrefix"));
    }
}
