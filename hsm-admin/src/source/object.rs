//! An object with the attributes that it has in another token, and what is sent of it.

use std::collections::BTreeMap;

use softhsm::{Attribute, Value};
use wire::admin::import::{Arrival, History, MAX_PUBLIC};
use wire::template::{AttributeType, Leaf};
use wire::{Bytes, List, Template};

use super::number::{attribute, class, class_name, key_type, key_type_name};
use super::{Draft, Thing, hex};

/// An object's attributes, in the clear.
pub(super) type Attributes = BTreeMap<Attribute, Value>;

pub(super) fn number(attributes: &Attributes, kind: u64) -> Option<u64> {
    match attributes.get(&Attribute(kind)) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    }
}

pub(super) fn flag(attributes: &Attributes, kind: u64) -> bool {
    matches!(attributes.get(&Attribute(kind)), Some(Value::Flag(true)))
}

pub(super) fn bytes(attributes: &Attributes, kind: u64) -> &[u8] {
    match attributes.get(&Attribute(kind)) {
        Some(Value::Bytes(bytes)) => bytes.as_bytes(),
        _ => &[],
    }
}

/// A public key of the source: to which private keys it may belong, and what it is.
pub(super) struct Public {
    pub(super) id: Vec<u8>,
    pub(super) key_type: u64,
    pub(super) template: Template,
}

/// What a public key is made of, whatever its type.
const PUBLIC_PARTS: [u64; 8] = [
    attribute::MODULUS,
    attribute::PUBLIC_EXPONENT,
    attribute::EC_PARAMS,
    attribute::EC_POINT,
    attribute::PRIME,
    attribute::SUBPRIME,
    attribute::BASE,
    attribute::VALUE,
];

pub(super) fn public(attributes: &Attributes) -> Option<Public> {
    if number(attributes, attribute::CLASS) != Some(class::PUBLIC_KEY) {
        return None;
    }
    let (id, key_type) =
        (bytes(attributes, attribute::ID).to_vec(), number(attributes, attribute::KEY_TYPE)?);
    let mut draft = Draft::default();
    draft.number(attribute::CLASS, class::PUBLIC_KEY);
    draft.number(attribute::KEY_TYPE, key_type);
    for part in PUBLIC_PARTS {
        let value = bytes(attributes, part);
        if !value.is_empty() {
            draft.bytes(part, value);
        }
    }
    Some(Public { id, key_type, template: draft.finish().ok()? })
}

/// An object as a [`Thing`]; `unnamed` is what it is called where it has no label.
pub(super) fn thing(
    unnamed: &str,
    attributes: &Attributes,
    arrival: impl FnOnce(&mut Vec<String>) -> Result<Box<Arrival>, String>,
) -> Thing {
    let label = String::from_utf8_lossy(bytes(attributes, attribute::LABEL)).into_owned();
    let mut notes = Vec::new();
    let arrival = arrival(&mut notes);
    Thing {
        name: if label.is_empty() { unnamed.to_owned() } else { label },
        class: number(attributes, attribute::CLASS).map(class_name).unwrap_or_default(),
        kind: number(attributes, attribute::KEY_TYPE).map(key_type_name).unwrap_or_default(),
        id: hex(bytes(attributes, attribute::ID)),
        arrival,
        notes,
    }
}

/// What stands in the history, is worked out anew, or has no meaning any more: not in the template.
const NOT_GIVEN: [u64; 14] = [
    attribute::UNIQUE_ID,
    attribute::CHECK_VALUE,
    attribute::LOCAL,
    attribute::KEY_GEN_MECHANISM,
    attribute::ALWAYS_SENSITIVE,
    attribute::NEVER_EXTRACTABLE,
    attribute::MODULUS_BITS,
    attribute::PRIME_BITS,
    attribute::SUBPRIME_BITS,
    attribute::VALUE_BITS,
    attribute::VALUE_LEN,
    attribute::TRUSTED,
    attribute::SECONDARY_AUTH,
    attribute::AUTH_PIN_FLAGS,
];

/// What is sent of an object. `damaged` says that some of the source's objects cannot be read.
pub(super) fn translate(
    attributes: &Attributes,
    publics: &[Public],
    damaged: bool,
    notes: &mut Vec<String>,
) -> Result<Box<Arrival>, String> {
    let mut draft = Draft::default();
    for (Attribute(kind), value) in attributes.iter().filter(|(kind, _)| !NOT_GIVEN.contains(&kind.0)) {
        match value {
            Value::Flag(flag) => draft.flag(*kind, *flag),
            Value::Number(number) => draft.number(*kind, *number),
            Value::Bytes(bytes) if bytes.is_empty() => {}
            Value::Bytes(bytes) => draft.bytes(*kind, bytes.as_bytes()),
            Value::Mechanisms(list) if list.is_empty() => {}
            Value::Mechanisms(list) => draft.bytes(*kind, &flat(list)),
            Value::Map(map) if map.is_empty() => {}
            Value::Map(map) => draft.template(*kind, leaves(map)?)?,
        }
    }
    if flag(attributes, attribute::TRUSTED) {
        notes.push("CKA_TRUSTED is not taken over: the security officer gives it here".into());
    }
    let this = number(attributes, attribute::CLASS);
    let public = publics_of(attributes, publics);
    let check_value = Some(bytes(attributes, attribute::CHECK_VALUE)).filter(|value| !value.is_empty());
    if this == Some(class::SECRET_KEY) && check_value.is_none() {
        notes.push("the source has no check value to compare with".into());
    }
    if this == Some(class::PRIVATE_KEY) && public.is_empty() {
        // An RSA key has its modulus with it. Of others nothing but the public key tells whether it was altered.
        if damaged && number(attributes, attribute::KEY_TYPE) != Some(key_type::RSA) {
            return Err(
                "its public key is not there to compare with, and others of the token are damaged".into()
            );
        }
        notes.push("the source has no public key to compare with".into());
    }
    Ok(Box::new(Arrival {
        template: draft.finish()?,
        history: Some(history(attributes)),
        check_value: check_value.map(Bytes::from),
        public,
    }))
}

fn history(attributes: &Attributes) -> History {
    History {
        local: flag(attributes, attribute::LOCAL),
        key_gen_mechanism: number(attributes, attribute::KEY_GEN_MECHANISM),
        always_sensitive: flag(attributes, attribute::ALWAYS_SENSITIVE),
        never_extractable: flag(attributes, attribute::NEVER_EXTRACTABLE),
    }
}

/// The public keys that a private key may belong to: those with its id and type.
fn publics_of(attributes: &Attributes, publics: &[Public]) -> List<Template, MAX_PUBLIC> {
    let mut fit = Vec::new();
    let (id, key_type) = (bytes(attributes, attribute::ID), number(attributes, attribute::KEY_TYPE));
    if number(attributes, attribute::CLASS) == Some(class::PRIVATE_KEY) && !id.is_empty() {
        let own = publics.iter().filter(|public| public.id == id && Some(public.key_type) == key_type);
        fit.extend(own.take(MAX_PUBLIC).map(|public| public.template.clone()));
    }
    List::new(fit).unwrap_or_default()
}

fn flat(list: &[u64]) -> Vec<u8> {
    list.iter().flat_map(|mechanism| mechanism.to_le_bytes()).collect()
}

fn leaves(map: &BTreeMap<Attribute, Value>) -> Result<Vec<Leaf>, String> {
    map.iter()
        .map(|(Attribute(kind), value)| {
            let value = match value {
                Value::Flag(flag) => vec![u8::from(*flag)],
                Value::Number(number) => number.to_le_bytes().to_vec(),
                Value::Bytes(bytes) => bytes.as_bytes().to_vec(),
                Value::Mechanisms(list) => flat(list),
                Value::Map(_) => return Err("a template in it holds a template".to_owned()),
            };
            Ok(Leaf { kind: AttributeType(*kind), value: Bytes::from(value) })
        })
        .collect()
}
