//! A token behind another maker's PKCS#11 module: every object of it, read through the module or wrapped out by it.

use std::path::Path;

use crypto::Secret;
use foreign::{Module, Object, Session, Token};
use softhsm::{Attribute, Value};
use wire::Rv;
use wire::admin::import::Arrival;

use super::key::{self, PrivateKey};
use super::number::{attribute, class};
use super::object::{self, Attributes, Public};
use super::{Draft, Thing};
use crate::error::Error;

mod transport;

use transport::Transport;

/// The label of the token in which NSS keeps what its database holds.
pub(crate) const NSS_TOKEN: &str = "NSS Certificate DB";
/// The module of NSS, where the loader finds it.
pub(crate) const NSS_MODULE: &str = "libsoftokn3.so";

/// Which token of a module.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted<'a> {
    /// The one of this label or serial number.
    Named(&'a str),
    /// The one in this slot.
    Slot(u64),
}

/// A token behind a module.
pub(crate) struct Source {
    module: Module,
    pub(crate) token: Token,
    path: String,
}

/// An object as it was read.
struct Found {
    attributes: Attributes,
    /// Why not all of it can be had.
    missing: Option<String>,
}

impl Source {
    /// Loads the module and finds the token.
    pub(crate) fn find(module: &Path, parameters: Option<&str>, wanted: Wanted<'_>) -> Result<Self, Error> {
        let path = module.display().to_string();
        let refuse = |why: String| Error::Source { file: path.clone(), why };
        let module = Module::open(module, parameters).map_err(|error| refuse(error.to_string()))?;
        let tokens = module.tokens().map_err(|error| refuse(error.to_string()))?;
        let is_it = |token: &&Token| match wanted {
            Wanted::Named(name) => token.label == name || token.serial == name,
            Wanted::Slot(slot) => token.slot == slot,
        };
        let mut fit = tokens.iter().filter(is_it);
        let token = match (fit.next(), fit.next()) {
            (Some(token), None) => token.clone(),
            (None, _) => return Err(refuse(format!("there is no such token: {}", listed(&tokens)))),
            _ => {
                return Err(refuse(format!(
                    "several tokens have that label: name one with --slot: {}",
                    listed(&tokens)
                )));
            }
        };
        Ok(Self { module, token, path })
    }

    /// Reads every object, logged in with the PIN if the token wants one.
    pub(crate) fn read(&self, pin: Option<&[u8]>) -> Result<Vec<Thing>, Error> {
        let refuse = |why: String| Error::Source { file: self.path.clone(), why };
        let session = self.module.session(self.token.slot).map_err(|error| refuse(error.to_string()))?;
        if let Some(pin) = pin {
            session.log_in(pin).map_err(|error| refuse(not_logged_in(&error)))?;
        }
        let objects = session.objects().map_err(|error| refuse(error.to_string()))?;
        let transport = Transport::new(&self.module, &session, self.token.slot, pin.is_some());
        let mut found: Vec<_> =
            objects.into_iter().map(|object| read(&session, object, &transport)).collect();
        let trusted: Vec<_> = found.extract_if(.., |found| class_of(found) == Some(nss::TRUST)).collect();
        found.retain(|found| class_of(found).is_none_or(|class| !OF_THE_TOKEN.contains(&class)));
        let publics: Vec<_> = found.iter().filter_map(public).collect();
        let damaged = found.iter().any(|found| class_of(found).is_none());
        let mut things: Vec<_> =
            found.iter().map(|found| thing(found, &publics, damaged, &trusted)).collect();
        things.sort_by(|one, other| (&one.name, &one.class).cmp(&(&other.name, &other.class)));
        Ok(things)
    }
}

/// Classes that tell of the token itself: hardware features, mechanisms, profiles, validations.
const OF_THE_TOKEN: [u64; 4] = [5, 7, 9, 10];

/// What NSS has of its own (`pkcs11n.h`).
mod nss {
    /// `CKO_NSS_TRUST`: for what the user trusts a certificate.
    pub(super) const TRUST: u64 = 0xce53_4353;
}

fn listed(tokens: &[Token]) -> String {
    let names: Vec<_> =
        tokens.iter().map(|token| format!("{:?} in slot {}", token.label, token.slot)).collect();
    if names.is_empty() { "the module has none".into() } else { format!("it has {}", names.join(", ")) }
}

fn not_logged_in(error: &foreign::Error) -> String {
    match error {
        foreign::Error::Failed { code: Rv::PIN_INCORRECT, .. } => {
            "wrong PIN: the token counts it, and may lock after too many".into()
        }
        foreign::Error::Failed { code: Rv::PIN_LOCKED, .. } => {
            "the token has locked its PIN after too many wrong ones".into()
        }
        other => other.to_string(),
    }
}

/// The form of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Flag,
    Number,
    Bytes,
    Mechanisms,
}

/// Attributes of objects of one kind.
type Group = &'static [(u64, Form)];

const EVERY: Group = &[
    (attribute::TOKEN, Form::Flag),
    (attribute::PRIVATE, Form::Flag),
    (attribute::LABEL, Form::Bytes),
    (0x170, Form::Flag), // CKA_MODIFIABLE
    (0x171, Form::Flag), // CKA_COPYABLE
    (0x172, Form::Flag), // CKA_DESTROYABLE
];
const DATA: Group = &[
    (0x10, Form::Bytes), // CKA_APPLICATION
    (0x12, Form::Bytes), // CKA_OBJECT_ID
];
const DATES: Group = &[
    (0x110, Form::Bytes), // CKA_START_DATE
    (0x111, Form::Bytes), // CKA_END_DATE
];
const CERTIFICATE: Group = &[
    (attribute::CERTIFICATE_TYPE, Form::Number),
    (attribute::ID, Form::Bytes),
    (attribute::SUBJECT, Form::Bytes),
    (attribute::ISSUER, Form::Bytes),
    (attribute::SERIAL_NUMBER, Form::Bytes),
    (attribute::TRUSTED, Form::Flag),
    (attribute::CHECK_VALUE, Form::Bytes),
    (0x87, Form::Number), // CKA_CERTIFICATE_CATEGORY
    (0x88, Form::Number), // CKA_JAVA_MIDP_SECURITY_DOMAIN
    (0x89, Form::Bytes),  // CKA_URL
    (0x8a, Form::Bytes),  // CKA_HASH_OF_SUBJECT_PUBLIC_KEY
    (0x8b, Form::Bytes),  // CKA_HASH_OF_ISSUER_PUBLIC_KEY
];
const KEY: Group = &[
    (attribute::KEY_TYPE, Form::Number),
    (attribute::ID, Form::Bytes),
    (attribute::DERIVE, Form::Flag),
    (attribute::LOCAL, Form::Flag),
    (attribute::KEY_GEN_MECHANISM, Form::Number),
    (0x4000_0600, Form::Mechanisms), // CKA_ALLOWED_MECHANISMS
];
const PUBLIC_KEY: Group = &[
    (attribute::SUBJECT, Form::Bytes),
    (attribute::TRUSTED, Form::Flag),
    (attribute::ENCRYPT, Form::Flag),
    (attribute::WRAP, Form::Flag),
    (0x10a, Form::Flag), // CKA_VERIFY
    (0x10b, Form::Flag), // CKA_VERIFY_RECOVER
];
const CLOSED: Group = &[
    (attribute::SENSITIVE, Form::Flag),
    (attribute::EXTRACTABLE, Form::Flag),
    (attribute::ALWAYS_SENSITIVE, Form::Flag),
    (attribute::NEVER_EXTRACTABLE, Form::Flag),
    (attribute::DECRYPT, Form::Flag),
    (attribute::UNWRAP, Form::Flag),
    (0x108, Form::Flag), // CKA_SIGN
    (0x210, Form::Flag), // CKA_WRAP_WITH_TRUSTED
];
const PRIVATE_KEY: Group = &[
    (attribute::SUBJECT, Form::Bytes),
    (0x109, Form::Flag), // CKA_SIGN_RECOVER
    (0x202, Form::Flag), // CKA_ALWAYS_AUTHENTICATE
];
const SECRET_KEY: Group = &[
    (attribute::CHECK_VALUE, Form::Bytes),
    (attribute::TRUSTED, Form::Flag),
    (attribute::ENCRYPT, Form::Flag),
    (attribute::WRAP, Form::Flag),
    (attribute::VALUE_LEN, Form::Number),
    (0x10a, Form::Flag), // CKA_VERIFY
];

/// What is asked of an object: some tokens answer for attributes that an object of its class cannot have. What a private or
/// secret key is made of is had otherwise.
const fn groups(class: u64) -> &'static [Group] {
    match class {
        class::CERTIFICATE => &[EVERY, DATES, CERTIFICATE],
        class::PUBLIC_KEY => &[EVERY, DATES, KEY, PUBLIC_KEY],
        class::PRIVATE_KEY => &[EVERY, DATES, KEY, CLOSED, PRIVATE_KEY],
        class::SECRET_KEY => &[EVERY, DATES, KEY, CLOSED, SECRET_KEY],
        nss::TRUST => &[&[(attribute::ISSUER, Form::Bytes), (attribute::SERIAL_NUMBER, Form::Bytes)]],
        _ => &[EVERY, DATA],
    }
}

/// What public keys, certificates and data are made of besides.
const CONTENT: &[u64] = &[
    attribute::VALUE,
    attribute::MODULUS,
    attribute::PUBLIC_EXPONENT,
    attribute::EC_PARAMS,
    attribute::EC_POINT,
    0x130, // CKA_PRIME
    0x131, // CKA_SUBPRIME
    0x132, // CKA_BASE
];

/// What a private key is made of that its token tells, since it is not sensitive.
const PRIVATE: &[u64] = &[
    attribute::MODULUS,
    attribute::PUBLIC_EXPONENT,
    attribute::PRIVATE_EXPONENT,
    attribute::PRIME_1,
    attribute::PRIME_2,
    attribute::EXPONENT_1,
    attribute::EXPONENT_2,
    attribute::COEFFICIENT,
    attribute::EC_PARAMS,
    attribute::VALUE,
];

/// Templates that hold a key to something. They are not read, and without them it would be held to less.
const TEMPLATES: &[(u64, &str)] = &[
    (0x4000_0211, "CKA_WRAP_TEMPLATE"),
    (0x4000_0212, "CKA_UNWRAP_TEMPLATE"),
    (0x4000_0213, "CKA_DERIVE_TEMPLATE"),
];

fn class_of(found: &Found) -> Option<u64> {
    object::number(&found.attributes, attribute::CLASS)
}

fn read(session: &Session<'_>, object: Object, transport: &Transport<'_>) -> Found {
    let mut attributes = Attributes::new();
    let missing = read_all(session, object, transport, &mut attributes).err();
    Found { attributes, missing }
}

fn read_all(
    session: &Session<'_>,
    object: Object,
    transport: &Transport<'_>,
    into: &mut Attributes,
) -> Result<(), String> {
    let class =
        ask(session, object, attribute::CLASS)?.ok_or("its token does not tell of what class it is")?;
    into.insert(Attribute(attribute::CLASS), parsed(Form::Number, class)?);
    let class = object::number(into, attribute::CLASS).unwrap_or(u64::MAX);
    for (kind, form) in groups(class).iter().copied().flatten() {
        if let Some(value) = ask(session, object, *kind)? {
            into.insert(Attribute(*kind), parsed(*form, value)?);
        }
    }
    for (kind, name) in TEMPLATES {
        let len = session.attribute_len(object, *kind).map_err(|error| error.to_string())?;
        if len.is_some_and(|len| len > 0) {
            return Err(format!("it has a {name}, which is not read through a module"));
        }
    }
    match class {
        class::PRIVATE_KEY | class::SECRET_KEY => key_of(session, object, transport, into),
        _ => take(session, object, CONTENT, into),
    }
}

/// An attribute's bytes, if there are any.
fn ask(session: &Session<'_>, object: Object, kind: u64) -> Result<Option<Secret>, String> {
    let value = session.attribute(object, kind).map_err(|error| error.to_string())?;
    Ok(value.filter(|value| !value.is_empty()))
}

fn take(session: &Session<'_>, object: Object, kinds: &[u64], into: &mut Attributes) -> Result<(), String> {
    for kind in kinds {
        if let Some(value) = ask(session, object, *kind)? {
            let value = if *kind == attribute::EC_POINT {
                Secret::new(key::octets(value.as_bytes())?)
            } else {
                value
            };
            into.insert(Attribute(*kind), Value::Bytes(value));
        }
    }
    Ok(())
}

fn parsed(form: Form, value: Secret) -> Result<Value, String> {
    let number = |bytes: &[u8]| {
        bytes.try_into().map(u64::from_ne_bytes).map_err(|_| "a number in it has a length of its own")
    };
    Ok(match form {
        Form::Bytes => Value::Bytes(value),
        Form::Flag => Value::Flag(value.as_bytes().iter().any(|byte| *byte != 0)),
        Form::Number => Value::Number(number(value.as_bytes())?),
        Form::Mechanisms => {
            let list = value.as_bytes().chunks(size_of::<u64>()).map(number);
            Value::Mechanisms(list.collect::<Result<_, _>>()?)
        }
    })
}

/// What a private or secret key is made of: wrapped by its own token if it may leave so, read if it is not sensitive.
fn key_of(
    session: &Session<'_>,
    object: Object,
    transport: &Transport<'_>,
    into: &mut Attributes,
) -> Result<(), String> {
    let has = |into: &Attributes, kind| object::flag(into, kind);
    let (sensitive, extractable) = (has(into, attribute::SENSITIVE), has(into, attribute::EXTRACTABLE));
    let not_wrapped = if extractable {
        match transport.take_out(object) {
            Ok(value) => return unpack(&value, into),
            Err(why) => why,
        }
    } else {
        "it is not extractable: its token never lets it leave".to_owned()
    };
    if sensitive {
        return Err(not_wrapped);
    }
    take(session, object, PRIVATE, into)?;
    let has_value = |kind| into.contains_key(&Attribute(kind));
    if has_value(attribute::VALUE) || has_value(attribute::PRIVATE_EXPONENT) {
        Ok(())
    } else {
        Err(not_wrapped)
    }
}

/// Puts a key that was unwrapped among its attributes: a secret key as it is, a private key from PKCS#8.
fn unpack(value: &Secret, into: &mut Attributes) -> Result<(), String> {
    let own = |bytes: &[u8]| Value::Bytes(Secret::new(bytes.to_vec()));
    if object::number(into, attribute::CLASS) == Some(class::SECRET_KEY) {
        let len = object::number(into, attribute::VALUE_LEN).and_then(|len| usize::try_from(len).ok());
        let value = unpadded(value.as_bytes(), len.unwrap_or(value.len()))?;
        into.insert(Attribute(attribute::VALUE), own(value));
        return Ok(());
    }
    let der = unpadded(value.as_bytes(), key::der_len(value.as_bytes())?)?;
    let key = PrivateKey::from_pkcs8(der)?;
    if object::number(into, attribute::KEY_TYPE) != Some(key.key_type()) {
        return Err("what its token wrapped is a key of another type".into());
    }
    if let Some(params) = key.params()? {
        into.insert(Attribute(attribute::EC_PARAMS), own(&params));
    }
    into.extend(key.parts().into_iter().map(|(part, bytes)| (Attribute(part), own(bytes))));
    Ok(())
}

/// The key of this length without the zeros behind it, with which some tokens (SoftHSM2) fill the last block before they wrap.
fn unpadded(value: &[u8], len: usize) -> Result<&[u8], String> {
    let (key, padding) =
        value.split_at_checked(len).ok_or("what its token wrapped is shorter than the key")?;
    let good = padding.len() < 16 && padding.iter().all(|byte| *byte == 0);
    if good { Ok(key) } else { Err("what its token wrapped is longer than the key".into()) }
}

/// A public key to compare with: an object of its own, or in a certificate.
fn public(found: &Found) -> Option<Public> {
    if class_of(found) != Some(class::CERTIFICATE) {
        return object::public(&found.attributes);
    }
    let (key_type, parts) = key::certified(object::bytes(&found.attributes, attribute::VALUE)).ok()?;
    let mut draft = Draft::default();
    draft.number(attribute::CLASS, class::PUBLIC_KEY);
    draft.number(attribute::KEY_TYPE, key_type);
    parts.iter().for_each(|(part, value)| draft.bytes(*part, value));
    let id = object::bytes(&found.attributes, attribute::ID).to_vec();
    Some(Public { id, key_type, template: draft.finish().ok()? })
}

fn thing(found: &Found, publics: &[Public], damaged: bool, trusted: &[Found]) -> Thing {
    let attributes = &found.attributes;
    object::thing("(no label)", attributes, |notes| -> Result<Box<Arrival>, String> {
        if let Some(why) = &found.missing {
            return Err(why.clone());
        }
        if class_of(found).is_some_and(|class| class >= VENDOR) {
            return Err("it is of a class of its maker's own, which has no meaning here".into());
        }
        let same = |other: &Found| {
            [attribute::ISSUER, attribute::SERIAL_NUMBER]
                .iter()
                .all(|kind| object::bytes(attributes, *kind) == object::bytes(&other.attributes, *kind))
        };
        if class_of(found) == Some(class::CERTIFICATE) && trusted.iter().any(same) {
            notes.push("for what NSS trusts it is not taken over: a token does not say that".into());
        }
        object::translate(attributes, publics, damaged, notes)
    })
}

/// `CKO_VENDOR_DEFINED`
const VENDOR: u64 = 0x8000_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zeros_of_less_than_a_block_are_taken_for_padding() {
        assert_eq!(unpadded(&[1, 2, 0, 0], 2).unwrap(), [1, 2]);
        assert_eq!(unpadded(&[1, 0], 2).unwrap(), [1, 0]);
        for (value, len) in [(&[1, 2, 0, 1][..], 2), (&[0; 18], 2), (&[1], 2)] {
            assert!(unpadded(value, len).is_err(), "{value:?}");
        }
    }
}
