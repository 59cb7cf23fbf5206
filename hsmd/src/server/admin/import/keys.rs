//! Keys made and destroyed from the console, and what leaves: public keys, certificates, wrapped keys.

use crypto::ec;
use hsm::object::{Attr, Class};
use wire::admin::Told;
use wire::admin::import::{Curve, KeyKind, NewKey, Public, Told as Answer, Wrapping};
use wire::calls::key::{GenerateKey, GenerateKeyPair, KeyCalls, WrapKey};
use wire::calls::object::{DestroyObject, ObjectCalls};
use wire::template::AttributeValue;
use wire::{
    Attribute, Bytes, List, Mechanism, MechanismId, Output, Params, Room, Template, Value, mechanism,
};

use super::desk::Desk;
use crate::server::describe;

/// `CKM_SHA256` and `CKG_MGF1_SHA256`, for OAEP.
const SHA256: u64 = 0x250;
const MGF1_SHA256: u64 = 2;
/// `CKZ_DATA_SPECIFIED`
const DATA_SPECIFIED: u64 = 1;
/// More than any wrapped key has, in bytes.
const ROOM: Room = Room::Bytes(64 << 10);

/// Object identifiers in DER (RFC 8410).
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
const X25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x6e];

/// How the keys of a kind are made.
enum Recipe {
    /// One key: the mechanism, and its length in bytes.
    One(u64, u64),
    /// A pair: the mechanism, and what the public half's template says.
    Pair(u64, Vec<(Attr, Vec<u8>)>),
}

fn recipe(kind: KeyKind) -> Recipe {
    let curve = |mechanism, oid: &[u8]| Recipe::Pair(mechanism, vec![(Attr::EC_PARAMS, oid.to_vec())]);
    match kind {
        KeyKind::Aes(bits) => Recipe::One(0x1080, u64::from(bits) / 8),
        KeyKind::Secret(bits) => Recipe::One(0x350, u64::from(bits) / 8),
        KeyKind::Rsa(bits) => {
            let bits = (Attr::MODULUS_BITS, u64::from(bits).to_le_bytes().to_vec());
            Recipe::Pair(0x0, vec![bits, (Attr::PUBLIC_EXPONENT, vec![1, 0, 1])])
        }
        KeyKind::Curve(Curve::P224) => curve(0x1040, ec::Curve::P224.oid()),
        KeyKind::Curve(Curve::P256) => curve(0x1040, ec::Curve::P256.oid()),
        KeyKind::Curve(Curve::P384) => curve(0x1040, ec::Curve::P384.oid()),
        KeyKind::Curve(Curve::P521) => curve(0x1040, ec::Curve::P521.oid()),
        KeyKind::Curve(Curve::Secp256k1) => curve(0x1040, ec::Curve::Secp256k1.oid()),
        KeyKind::Curve(Curve::Ed25519) => curve(0x1055, ED25519),
        KeyKind::Curve(Curve::X25519) => curve(0x1056, X25519),
    }
}

/// Makes a key or a pair on the token: sensitive, and extractable only if that is asked for.
pub(super) fn generate(desk: &Desk, key: &NewKey) -> Result<Told, String> {
    let common = || {
        vec![
            (Attr::TOKEN, vec![1]),
            (Attr::LABEL, key.label.clone().into_bytes()),
            (Attr::ID, key.id.to_vec()),
        ]
    };
    let guarded = || {
        let extractable = (Attr::EXTRACTABLE, vec![u8::from(key.extractable)]);
        [common(), vec![(Attr::PRIVATE, vec![1]), (Attr::SENSITIVE, vec![1]), extractable]].concat()
    };
    let (session, application) = (desk.session, &desk.application);
    let plain = |id| Mechanism { id: MechanismId(id), params: Params::None };
    let handles = match recipe(key.kind) {
        Recipe::One(mechanism, len) => {
            let len = vec![(Attr::VALUE_LEN, len.to_le_bytes().to_vec())];
            let template = template(&[guarded(), len].concat())?;
            let call = GenerateKey { session, mechanism: plain(mechanism), template };
            application.generate_key(call).map(|key| vec![key])
        }
        Recipe::Pair(mechanism, of_kind) => {
            let public = template(&[common(), of_kind].concat())?;
            let private = template(&guarded())?;
            let call = GenerateKeyPair { session, mechanism: plain(mechanism), public, private };
            application.generate_key_pair(call).map(|(public, private)| vec![public, private])
        }
    };
    let handles = handles.map_err(|error| error.to_string())?;
    let made = handles.into_iter().map(|handle| Ok(describe::object(&*desk.by_handle(handle)?)));
    let made = made.collect::<Result<Vec<_>, String>>()?;
    Ok(Told::Import(Answer::Made(List::new(made).ok_or("a pair is two objects")?)))
}

/// Destroys an object.
pub(super) fn destroy(desk: &Desk, number: u64) -> Result<Told, String> {
    let (object, _) = desk.object(number)?;
    desk.application
        .destroy_object(DestroyObject { session: desk.session, object })
        .map_err(|error| error.to_string())?;
    Ok(Told::Done)
}

/// Shows a public key, that of a private key as well, or a certificate.
pub(super) fn public(desk: &Desk, number: u64) -> Result<Told, String> {
    let (_, object) = desk.object(number)?;
    let plain = |attribute| object.attributes().plain(attribute).filter(|bytes| !bytes.is_empty());
    let label = String::from_utf8_lossy(plain(Attr::LABEL).unwrap_or_default()).into_owned();
    let shown = match object.class() {
        Class::PUBLIC_KEY | Class::PRIVATE_KEY => {
            let der = plain(Attr::PUBLIC_KEY_INFO).ok_or("its public key is not known here")?;
            Public::Key { der: Bytes::from(der), label }
        }
        Class::CERTIFICATE => {
            let der = plain(Attr::VALUE).ok_or("the certificate is elsewhere: it has a URL and no value")?;
            Public::Certificate { der: Bytes::from(der), label }
        }
        class => return Err(format!("a {class} has nothing public")),
    };
    Ok(Told::Import(Answer::Public(shown)))
}

/// Wraps a key, as the partition's policy lets an application do it.
pub(super) fn wrapped(desk: &Desk, number: u64, under: u64, how: Wrapping) -> Result<Told, String> {
    let ((key, _), (wrapping_key, _)) = (desk.object(number)?, desk.object(under)?);
    let call = WrapKey { session: desk.session, mechanism: wrapping(how)?, wrapping_key, key, room: ROOM };
    match desk.application.wrap_key(call).map_err(|error| error.to_string())? {
        Output::Bytes(bytes) => Ok(Told::Import(Answer::Wrapped(bytes))),
        _ => Err("the wrapped key is longer than any key".into()),
    }
}

fn wrapping(how: Wrapping) -> Result<Mechanism, String> {
    let list = |words| List::new(words).map(Params::Words).ok_or_else(|| "too many parameters".to_owned());
    let (id, params) = match how {
        Wrapping::AesKwp => (0x210b, Params::None),
        Wrapping::AesKw => (0x2109, Params::None),
        Wrapping::RsaOaep => {
            let words = [Value::Ulong(SHA256), Value::Ulong(MGF1_SHA256), Value::Ulong(DATA_SPECIFIED)];
            (0x9, list([words.to_vec(), vec![Value::Bytes(Bytes::default())]].concat())?)
        }
        Wrapping::RsaAes => {
            use mechanism::Leaf;
            let oaep = vec![
                Leaf::Ulong(SHA256),
                Leaf::Ulong(MGF1_SHA256),
                Leaf::Ulong(DATA_SPECIFIED),
                Leaf::Bytes(Bytes::default()),
            ];
            let oaep = List::new(oaep).ok_or("too many parameters")?;
            (0x1054, list(vec![Value::Ulong(256), Value::Struct(oaep)])?)
        }
    };
    Ok(Mechanism { id: MechanismId(id), params })
}

fn template(given: &[(Attr, Vec<u8>)]) -> Result<Template, String> {
    let one = |(kind, value): &(Attr, Vec<u8>)| Attribute {
        kind: (*kind).into(),
        value: AttributeValue::Bytes(Bytes::from(value.as_slice())),
    };
    List::new(given.iter().map(one).collect()).ok_or_else(|| "too many attributes".into())
}
