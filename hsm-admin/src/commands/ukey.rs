//! `ukey`: the keys by which people are known to the HSM, made, shown, tried, and given another PIN.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use ukey::{Algorithm, Holder, Public, Secret, file};
use wire::Bytes;

use crate::error::Error;
use crate::screen::{GOOD, Screen};
use crate::secret::{self, Prompt, Source};
use crate::table::{Cell, facts, printable};
use crate::ukey::{Spec, Uri, token};
use crate::whole::{self, Readers};

const PIN: &str = "the UKey's PIN";
const OLD_PIN: &str = "the UKey's old PIN";
const NEW_PIN: &str = "the UKey's new PIN";

/// What the signatures of `ukey test` are made in.
const CONTEXT: &str = "ukey test";

const EXAMPLES: &str = "\
A UKey is a file, or a key pair on a token, given as a PKCS#11 URI:
  pkcs11:token=Ada;object=admin?module-path=/usr/lib/opensc-pkcs11.so

Examples:
  hsm-admin ukey create --name \"Ada Lovelace\" --out /media/usb/ada.ukey
  hsm-admin ukey create --token \\
    'pkcs11:token=Ada;object=admin?module-path=/usr/lib/opensc-pkcs11.so'
  hsm-admin ukey show ada.ukey --public ada.pub
  hsm-admin ukey pin ada.ukey
  hsm-admin ukey test ada.ukey --pin-file ada.pin";

/// Make, show and try UKeys: the keys by which people are known to the HSM
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum UKey {
    Create(Create),
    Show(Show),
    Pin(Pin),
    Test(Test),
}

/// Make a UKey, as a file or on a token
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// The holder's name for it, at most 64 bytes; on a token, the label of its keys
    #[arg(long, required_unless_present = "token")]
    name: Option<String>,

    /// The file to make; one that is there is never overwritten
    #[arg(long, value_name = "FILE", required_unless_present = "token")]
    out: Option<PathBuf>,

    /// Make it on this token: a PKCS#11 URI with the token's label and module
    #[arg(long, value_name = "URI", conflicts_with_all = ["out", "memory", "passes"])]
    token: Option<String>,

    /// What its keys are; a token makes P-256
    #[arg(long, value_enum, value_name = "NAME")]
    algorithm: Option<Choice>,

    /// MiB of memory that each try at the PIN costs
    #[arg(long, value_name = "MIB", default_value_t = file::Cost::DEFAULT.memory() / 1024,
          value_parser = clap::value_parser!(u32).range(8..=1024))]
    memory: u32,

    /// Passes over that memory that each try costs
    #[arg(long, value_name = "N", default_value_t = file::Cost::DEFAULT.passes(),
          value_parser = clap::value_parser!(u32).range(1..=64))]
    passes: u32,

    #[command(flatten)]
    pin: PinFrom,
}

/// Show what is known of a UKey without its PIN
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// A UKey file, its exported public part, or a PKCS#11 URI
    ukey: Spec,

    /// Write the public part to this file, for registration with an HSM
    #[arg(long, value_name = "FILE")]
    public: Option<PathBuf>,
}

/// Change the PIN of a UKey; of one on a token, the token's
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Pin {
    /// A UKey file or a PKCS#11 URI
    ukey: Spec,

    #[command(flatten)]
    pin: PinFrom,

    /// Read the new PIN from this file (its first line)
    #[arg(long, value_name = "FILE")]
    new_pin_file: Option<PathBuf>,

    /// Read the new PIN from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "new_pin_file")]
    new_pin_fd: Option<u32>,
}

/// Sign and open something with a UKey, to see that PIN and keys are good
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Test {
    /// A UKey file or a PKCS#11 URI
    ukey: Spec,

    #[command(flatten)]
    pin: PinFrom,
}

/// Where the PIN is, if it is not to be asked for.
#[derive(Debug, Args)]
struct PinFrom {
    /// Read the PIN from this file (its first line)
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,

    /// Read the PIN from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "pin_file")]
    pin_fd: Option<u32>,
}

impl PinFrom {
    fn obtain(&self, what: &str, prompt: Prompt) -> Result<Bytes, Error> {
        let source = Source::of(self.pin_file.as_deref(), self.pin_fd);
        secret::obtain(source, what, prompt, "give --pin-file or --pin-fd")
    }
}

/// An algorithm, as it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    Ed25519,
    P256,
    Sm2,
}

impl UKey {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create(create) => create.run(screen),
            Self::Show(show) => show.run(screen),
            Self::Pin(pin) => pin.run(screen),
            Self::Test(test) => test.run(screen),
        }
    }
}

impl Create {
    fn run(&self, screen: &Screen) -> Result<(), Error> {
        let (public, place) = match (&self.token, &self.out) {
            (Some(uri), _) => (self.on_token(uri)?, "on the token".to_owned()),
            (None, Some(out)) => {
                (self.as_file(out)?, format!("in {}", printable(&out.display().to_string())))
            }
            (None, None) => return Err(Error::Usage("give --out or --token".into())),
        };
        screen.show(&describe(&public), |_| {
            let (name, id) = (printable(public.name()), public.id());
            format!("UKey {id} of {name} is {place}.\nWithout its PIN nobody can use it: there is no other way in.")
        })
    }

    fn as_file(&self, out: &Path) -> Result<Public, Error> {
        let spec = Spec::File(out.to_owned());
        let refuse = |error: ukey::Error| spec.refuse(error);
        let name = self.name.as_deref().unwrap_or_default();
        let algorithm = match self.algorithm {
            None | Some(Choice::Ed25519) => Algorithm::Ed25519,
            Some(Choice::P256) => Algorithm::P256,
            Some(Choice::Sm2) => Algorithm::Sm2,
        };
        let cost = file::Cost::new(self.memory.saturating_mul(1024), self.passes, 1).map_err(refuse)?;
        // What would be refused in the end is refused before a PIN is thought up.
        ukey::check_name(name).map_err(refuse)?;
        if out.symlink_metadata().is_ok() {
            return Err(spec.refuse("there is something there already, and it is not overwritten"));
        }
        let pin = self.pin.obtain(PIN, Prompt::Twice)?;
        let (bytes, public) = file::create(name, algorithm, &pin, cost).map_err(refuse)?;
        write(out, &bytes, Readers::Owner)?;
        Ok(public)
    }

    fn on_token(&self, text: &str) -> Result<Public, Error> {
        let spec = Spec::Token(text.to_owned());
        let refuse = |error: ukey::Error| spec.refuse(error);
        if !matches!(self.algorithm, None | Some(Choice::P256)) {
            return Err(Error::Usage("a UKey on a token is P-256: leave out --algorithm".into()));
        }
        let Spec::Token(text) = text.parse().unwrap_or_else(|never| match never {}) else {
            return Err(Error::Usage("--token takes a PKCS#11 URI, as in pkcs11:token=Ada".into()));
        };
        let uri = Uri::parse(&text).map_err(refuse)?;
        let name = match (&self.name, &uri.object) {
            (Some(name), Some(object)) if name != object => {
                return Err(Error::Usage("--name and the URI's object differ: give one of them".into()));
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => return Err(Error::Usage("give --name, or object= in the URI".into())),
        };
        ukey::check_name(name).map_err(refuse)?;
        // The token has its PIN already: it is asked for once.
        let pin = self.pin.obtain("the token's PIN", Prompt::Once)?;
        token::TokenKey::create(&uri, name, &pin).map_err(refuse)
    }
}

impl Show {
    fn run(&self, screen: &Screen) -> Result<(), Error> {
        let public = crate::ukey::public(&self.ukey)?;
        let cost = match &self.ukey {
            Spec::File(path) => file::read_cost(&crate::ukey::read(path)?).ok(),
            Spec::Token(_) => None,
        };
        if let Some(path) = &self.public {
            write(path, &public.to_bytes(), Readers::All)?;
        }
        let kept = match (&self.ukey, cost) {
            (Spec::Token(_), _) => "token",
            (Spec::File(_), Some(_)) => "file",
            (Spec::File(_), None) => "public part",
        };
        let mut value = describe(&public);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("kept".into(), kept.into());
            if let Some(cost) = cost {
                fields.insert("memory_kib".into(), cost.memory().into());
                fields.insert("passes".into(), cost.passes().into());
                fields.insert("lanes".into(), cost.lanes().into());
            }
        }
        screen.show(&value, |_| {
            let mut rows = vec![
                ("name", Cell::from(public.name())),
                ("id", Cell::from(public.id().to_string())),
                ("algorithm", Cell::from(public.algorithm().name())),
                ("kept as", Cell::from(kept)),
            ];
            if let Some(cost) = cost {
                let (memory, passes) = (cost.memory(), cost.passes());
                rows.push((
                    "a try at the PIN",
                    Cell::from(format!("{memory} KiB of memory, {passes} passes over it")),
                ));
            }
            facts(rows)
        })
    }
}

impl Pin {
    fn run(&self, screen: &Screen) -> Result<(), Error> {
        let refuse = |error: ukey::Error| self.ukey.refuse(error);
        let new = Source::of(self.new_pin_file.as_deref(), self.new_pin_fd);
        let new = || secret::obtain(new, NEW_PIN, Prompt::Twice, "give --new-pin-file or --new-pin-fd");
        match &self.ukey {
            Spec::File(path) => {
                let bytes = crate::ukey::read(path)?;
                file::read_public(&bytes).map_err(refuse)?;
                let old = self.pin.obtain(OLD_PIN, Prompt::Once)?;
                let changed = file::change_pin(&bytes, &old, &new()?).map_err(refuse)?;
                whole::replace(path, &changed)
                    .map_err(|cause| self.ukey.refuse(format!("cannot write it: {cause}")))?;
            }
            Spec::Token(text) => {
                let uri = Uri::parse(text).map_err(refuse)?;
                let old = self.pin.obtain(OLD_PIN, Prompt::Once)?;
                token::change_pin(&uri, &old, &new()?).map_err(refuse)?;
            }
        }
        screen.show(&json!({ "pin_changed": true }), |_| "The PIN is changed.".into())
    }
}

impl Test {
    fn run(&self, screen: &Screen) -> Result<(), Error> {
        let pin = self.pin.obtain(PIN, Prompt::Once)?;
        let begun = Instant::now();
        let holder = crate::ukey::open(&self.ukey, &pin)?;
        let took = begun.elapsed();
        try_out(holder.as_ref()).map_err(|error| self.ukey.refuse(error))?;
        let public = holder.public();
        let mut value = describe(public);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("signs".into(), true.into());
            fields.insert("opens".into(), true.into());
            fields.insert("pin_seconds".into(), took.as_secs_f64().into());
        }
        screen.show(&value, |_| {
            facts(vec![
                ("name", Cell::from(public.name())),
                ("id", Cell::from(public.id().to_string())),
                ("the PIN", Cell::from(format!("is right; it took {}", seconds(took))).styled(GOOD)),
                ("a challenge", Cell::from("was signed, and the signature verified").styled(GOOD)),
                ("a sealed secret", Cell::from("was opened").styled(GOOD)),
            ])
        })
    }
}

/// Has the holder do all that a UKey is for.
fn try_out(holder: &dyn Holder) -> Result<(), ukey::Error> {
    let (challenge, public) = (ukey::random(32)?, holder.public());
    let signature = holder.sign(CONTEXT, &challenge)?;
    public.verify(CONTEXT, &challenge, &signature)?;
    let secret = Secret::new(ukey::random(32)?);
    let sealed = public.seal(CONTEXT.as_bytes(), &secret)?;
    if holder.open(CONTEXT.as_bytes(), &sealed)? == secret {
        Ok(())
    } else {
        Err(ukey::Error::Sealed { by: public.id() })
    }
}

/// A UKey for programs.
fn describe(public: &Public) -> serde_json::Value {
    let full: String = public.id().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "name": public.name(),
        "id": public.id().to_string(),
        "digest": full,
        "algorithm": public.algorithm().name(),
    })
}

fn write(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), Error> {
    whole::create(path, bytes, readers).map_err(|cause| {
        Spec::File(path.to_owned()).refuse(match cause.kind() {
            io::ErrorKind::AlreadyExists => {
                "there is something there already, and it is not overwritten".to_owned()
            }
            _ => format!("cannot write it: {cause}"),
        })
    })
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
