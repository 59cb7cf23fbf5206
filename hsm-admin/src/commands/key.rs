//! `key`: keys of partitions, made and destroyed as the partition's user, and what guards them; and keys of the KMS.

use clap::{Args, Subcommand};
use wire::Bytes;
use wire::admin::import::{self as protocol, Curve, KeyKind, NewKey};
use wire::admin::{self, Ask, Told};

use super::import::{Hex, UserPin, parse_hex};
use super::key_quorum::{Authorize, Quorum};
use super::object;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret;

/// The kinds of key on the command line.
const KINDS: &str = "rsa:BITS, ec:P-224, ec:P-256, ec:P-384, ec:P-521, ec:secp256k1, ed25519, x25519, aes:BITS or secret:BITS";

const AFTER: &str = "\
Two kinds of key:
  of a partition   generate, destroy, quorum, authorize: they name a partition.
                   generate and destroy ask for the PIN of its user, and no
                   other command does
  of the KMS       all others: they belong to a project of an account, and are
                   named by id, alias or name. --project says which project, as
                   its id or as ACCOUNT/NAME; where there is one, it is that.

Examples:
  hsm-admin key create invoices --spec EC_P256
  hsm-admin key list --state enabled --spec AES_256
  hsm-admin key create legacy --origin external
  hsm-admin key import legacy --material key.bin
  hsm-admin key delete old-1 old-2 --days 30
  hsm-admin key call ListKeyDetail '{\"key_id\": \"…\"}'
  hsm-admin key generate payments --type ec:P-256 --label signing";

/// Make and destroy keys, as the partition's user, and have their use approved; keys of the KMS
#[derive(Debug, Subcommand)]
#[command(after_help = AFTER)]
pub(crate) enum Key {
    #[command(flatten)]
    Kms(Box<super::kms::Kms>),
    Generate(Generate),
    Destroy(Destroy),
    #[command(subcommand)]
    Quorum(Quorum),
    Authorize(Authorize),
}

/// Make a key or a pair of keys on the token
///
/// It is sensitive, and never leaves the partition unless --extractable is given.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// Where: label, serial number or slot number of a partition
    partition: String,

    /// What: rsa:BITS, ec:CURVE, ed25519, x25519, aes:BITS or secret:BITS
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_kind)]
    kind: KeyKind,

    /// Its label
    #[arg(long)]
    label: String,

    /// Its id, in hexadecimal
    #[arg(long, value_name = "HEX", value_parser = parse_hex)]
    id: Option<Hex>,

    /// Let it leave the partition, wrapped
    #[arg(long)]
    extractable: bool,

    #[command(flatten)]
    pin: UserPin,
}

/// Destroy a key, or another object, for good
#[derive(Debug, Args)]
pub(crate) struct Destroy {
    /// Where: label, serial number or slot number of a partition
    partition: String,

    /// Which: its unique id, its label, or its id as id:HEX; more than one fits only with --class
    object: String,

    /// Of several, the one of this class: data, certificate, public, private or secret
    #[arg(long, value_parser = CLASSES.map(|(word, _)| word))]
    class: Option<String>,

    /// Do not ask before it is destroyed
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    pin: UserPin,
}

/// The words for classes, and the standard's names.
pub(super) const CLASSES: [(&str, &str); 5] = [
    ("data", "CKO_DATA"),
    ("certificate", "CKO_CERTIFICATE"),
    ("public", "CKO_PUBLIC_KEY"),
    ("private", "CKO_PRIVATE_KEY"),
    ("secret", "CKO_SECRET_KEY"),
];

impl Key {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Kms(command) => command.run(daemon, screen),
            Self::Generate(command) => command.run(daemon, screen),
            Self::Destroy(command) => command.run(daemon, screen),
            Self::Quorum(command) => command.run(daemon, screen),
            Self::Authorize(command) => command.run(daemon, screen),
        }
    }
}

impl Generate {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let key = NewKey {
            kind: self.kind,
            label: self.label.clone(),
            id: Bytes::from(self.id.clone().map(|id| id.0).unwrap_or_default()),
            extractable: self.extractable,
        };
        let pin = self.pin.obtain()?;
        let ask = protocol::Ask::Generate { partition: self.partition.clone(), pin, key };
        match daemon.ask(&Ask::Import(ask))? {
            Told::Import(protocol::Told::Made(made)) => {
                screen.table(&made.into_vec(), |made| object::table(made))
            }
            _ => Err(Error::Unknown),
        }
    }
}

impl Destroy {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let found = one(daemon, &self.partition, &self.object, self.class.as_deref())?;
        if !self.yes {
            let consequence = format!(
                "The {} {:?} of partition {:?} will be destroyed, for good.",
                object::class(&found.class),
                found.label,
                self.partition
            );
            let (kind, word) = match found.label.is_empty() {
                true => ("its unique id", &found.unique_id),
                false => ("its label", &found.label),
            };
            secret::confirm(&consequence, kind, word)?;
        }
        let (partition, pin, number) = (self.partition.clone(), self.pin.obtain()?, found.number);
        match daemon.ask(&Ask::Import(protocol::Ask::Destroy { partition, pin, number }))? {
            Told::Done => screen.show(&found, |found| {
                format!("Destroyed the {} {:?}.", object::class(&found.class), found.label)
            }),
            _ => Err(Error::Unknown),
        }
    }
}

/// The one object that a unique id, a label or an id names.
pub(super) fn one(
    daemon: &Daemon,
    partition: &str,
    name: &str,
    class: Option<&str>,
) -> Result<admin::Object, Error> {
    let standard = |word: &str| CLASSES.iter().find(|(known, _)| *known == word).map(|(_, name)| *name);
    let class = class.and_then(standard);
    one_of(daemon, partition, name, |object| class.is_none_or(|class| object.class == class))
}

/// As [`one`]; of several, where no class is given, those of the first of these classes that is there: the halves of a pair
/// and its certificate mostly have one name.
pub(super) fn first_of(
    daemon: &Daemon,
    partition: &str,
    name: &str,
    class: Option<&str>,
    order: &[&str],
) -> Result<admin::Object, Error> {
    if class.is_some() {
        return one(daemon, partition, name, class);
    }
    let mut found = named(daemon, partition, name, |_| true)?;
    let is = |word: &str, object: &admin::Object| {
        CLASSES.iter().any(|(known, class)| *known == word && object.class == *class)
    };
    if let Some(word) = order.iter().find(|word| found.iter().any(|object| is(word, object))) {
        found.retain(|object| is(word, object));
    }
    only(found, name, "--class")
}

/// As [`one`]; where no class is given, of objects of these classes, if there are any: the other half of a pair mostly has
/// the same name. `option` is what tells a class.
pub(super) fn one_among(
    daemon: &Daemon,
    partition: &str,
    name: &str,
    (option, class): (&str, Option<&str>),
    classes: &[&str],
) -> Result<admin::Object, Error> {
    if class.is_some() {
        return one(daemon, partition, name, class);
    }
    let mut found = named(daemon, partition, name, |_| true)?;
    let fits = |object: &admin::Object| {
        CLASSES.iter().any(|(word, class)| classes.contains(word) && object.class == *class)
    };
    if found.iter().any(fits) {
        found.retain(fits);
    }
    only(found, name, option)
}

/// As [`one`], of the objects that may be meant.
pub(super) fn one_of(
    daemon: &Daemon,
    partition: &str,
    name: &str,
    may_be: impl Fn(&admin::Object) -> bool,
) -> Result<admin::Object, Error> {
    only(named(daemon, partition, name, may_be)?, name, "--class")
}

/// The objects of this name that may be meant.
fn named(
    daemon: &Daemon,
    partition: &str,
    name: &str,
    may_be: impl Fn(&admin::Object) -> bool,
) -> Result<Vec<admin::Object>, Error> {
    let fits = |object: &admin::Object| {
        let named = match name.strip_prefix("id:") {
            Some(id) => object.id.eq_ignore_ascii_case(id),
            None => object.unique_id == name || object.label == name,
        };
        named && may_be(object)
    };
    Ok(object::all(daemon, partition)?.into_iter().filter(fits).collect())
}

fn only(mut found: Vec<admin::Object>, name: &str, option: &str) -> Result<admin::Object, Error> {
    match (found.pop(), found.len()) {
        (Some(object), 0) => Ok(object),
        (None, _) => Err(Error::Failed(format!("no object of the partition is named {name:?}"))),
        (Some(last), more) => {
            found.push(last);
            let all: Vec<_> = found
                .iter()
                .take(8)
                .map(|object| format!("{} {}", object::class(&object.class), object.unique_id))
                .collect();
            Err(Error::Failed(format!(
                "{} objects of the partition are named {name:?}: name one by its class ({option}) or its unique id: {}",
                more + 1,
                all.join(", ")
            )))
        }
    }
}

fn parse_kind(text: &str) -> Result<KeyKind, String> {
    let wrong = || format!("expected {KINDS}");
    let (word, rest) = text.split_once(':').unwrap_or((text, ""));
    let bits = || rest.parse::<u32>().ok().filter(|bits| bits % 8 == 0 && *bits > 0).ok_or_else(wrong);
    Ok(match (word.to_ascii_lowercase().as_str(), rest.to_ascii_lowercase().as_str()) {
        ("rsa", _) => KeyKind::Rsa(bits()?),
        ("aes", _) => KeyKind::Aes(bits()?),
        ("secret", _) => KeyKind::Secret(bits()?),
        ("ec", "p-224") => KeyKind::Curve(Curve::P224),
        ("ec", "p-256") => KeyKind::Curve(Curve::P256),
        ("ec", "p-384") => KeyKind::Curve(Curve::P384),
        ("ec", "p-521") => KeyKind::Curve(Curve::P521),
        ("ec", "secp256k1") => KeyKind::Curve(Curve::Secp256k1),
        ("ed25519", "") => KeyKind::Curve(Curve::Ed25519),
        ("x25519", "") => KeyKind::Curve(Curve::X25519),
        _ => return Err(wrong()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_key_is_a_word_and_a_size_or_curve() {
        assert_eq!(parse_kind("rsa:2048"), Ok(KeyKind::Rsa(2048)));
        assert_eq!(parse_kind("EC:p-256"), Ok(KeyKind::Curve(Curve::P256)));
        assert_eq!(parse_kind("ed25519"), Ok(KeyKind::Curve(Curve::Ed25519)));
        assert_eq!(parse_kind("aes:256"), Ok(KeyKind::Aes(256)));
        for wrong in ["", "rsa", "rsa:x", "rsa:0", "rsa:2047", "ec:P-255", "ed25519:1", "des:64", "aes:-8"] {
            assert!(parse_kind(wrong).is_err(), "{wrong}");
        }
    }
}
