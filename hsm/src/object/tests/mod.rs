//! The rules of objects, over every class and attribute, and the templates and keys that the tests use.

use std::sync::LazyLock;

use crypto::ec::{self, Curve};
use crypto::{Secret, dh, dsa, ed25519, rsa, sm2, x25519};
use wire::template::{AttributeValue as Sent, Leaf, Query};
use wire::{Attribute, List, Room, Rv, Template};

use super::attributes::certificate::{X_509, X_509_ATTR_CERT};
use super::*;
use crate::user::User;

mod changing;
mod finding;
mod groups;
mod keys;
mod making;
mod reading;
mod receiving;
mod storing;

pub(super) const USER: Maker = Maker { user: User::User, rw: true, profile: Profile::Standard };
pub(super) const NOBODY: Maker = Maker { user: User::Nobody, ..USER };
pub(super) const OFFICER: Maker = Maker { user: User::So, ..USER };
pub(super) const STRICT: Maker = Maker { profile: Profile::Strict, ..USER };
pub(super) const LEGACY: Maker = Maker { profile: Profile::Legacy, ..USER };

/// What a template gives, as it can be written down.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given(pub(super) Attr, pub(super) Vec<u8>);

pub(super) fn flag(attribute: Attr, value: bool) -> Given {
    Given(attribute, vec![u8::from(value)])
}

pub(super) fn ulong(attribute: Attr, value: u64) -> Given {
    Given(attribute, value.to_le_bytes().to_vec())
}

pub(super) fn bytes(attribute: Attr, value: &[u8]) -> Given {
    Given(attribute, value.to_vec())
}

pub(super) fn template(given: &[Given]) -> Template {
    let one =
        |given: &Given| Attribute { kind: given.0.into(), value: Sent::Bytes(given.1.as_slice().into()) };
    List::new(given.iter().map(one).collect()).unwrap()
}

/// `given` and after it an attribute whose value is a template.
pub(super) fn with_nested(given: &[Given], attribute: Attr, nested: &[Given]) -> Template {
    let leaf = |given: &Given| Leaf { kind: given.0.into(), value: given.1.as_slice().into() };
    let nested = Sent::Template(List::new(nested.iter().map(leaf).collect()).unwrap());
    let mut all = template(given).into_vec();
    all.push(Attribute { kind: attribute.into(), value: nested });
    List::new(all).unwrap()
}

pub(super) fn without(given: &[Given], attribute: Attr) -> Vec<Given> {
    given.iter().filter(|given| given.0 != attribute).cloned().collect()
}

pub(super) fn with(given: &[Given], more: &[Given]) -> Vec<Given> {
    let kept = given.iter().filter(|one| more.iter().all(|new| new.0 != one.0));
    kept.chain(more).cloned().collect()
}

pub(super) fn made(given: &[Given]) -> AttributeMap {
    create(&template(given), &USER).unwrap()
}

pub(super) fn object(number: u64, given: &[Given]) -> Object {
    Object::new(number, made(given), Profile::Standard)
}

pub(super) fn refusal<T: fmt::Debug>(result: Result<T, Error>) -> Rv {
    result.unwrap_err().rv()
}

/// What `C_GetAttributeValue` tells with room for everything.
pub(super) fn read(object: &Object, attribute: Attr) -> (Rv, Option<Vec<u8>>) {
    let query = Query { kind: attribute.into(), room: Room::Bytes(1 << 20), nested: List::default() };
    let answers = read::answer(object, &[query], true);
    match &answers.answers[0] {
        wire::template::Answer::Value(bytes) => (answers.rv, Some(bytes.to_vec())),
        _ => (answers.rv, None),
    }
}

pub(super) static RSA: LazyLock<rsa::PrivateKey> =
    LazyLock::new(|| rsa::PrivateKey::generate(1024, &[1, 0, 1]).unwrap());
pub(super) static EC: LazyLock<ec::PrivateKey> =
    LazyLock::new(|| ec::PrivateKey::generate(Curve::P256).unwrap());
pub(super) static ED: LazyLock<ed25519::PrivateKey> =
    LazyLock::new(|| ed25519::PrivateKey::generate().unwrap());
pub(super) static X: LazyLock<x25519::PrivateKey> = LazyLock::new(|| x25519::PrivateKey::generate().unwrap());

pub(super) static SM2: LazyLock<sm2::PrivateKey> = LazyLock::new(|| sm2::PrivateKey::generate().unwrap());
pub(super) static DSA: LazyLock<dsa::PrivateKey> =
    LazyLock::new(|| dsa::PrivateKey::generate(dsa::Parameters::generate(1024, 160).unwrap()).unwrap());
pub(super) static DH: LazyLock<dh::PrivateKey> =
    LazyLock::new(|| dh::PrivateKey::generate(dh::Group::named(2048).unwrap(), None).unwrap());

pub(super) const ED_NAME: &[u8] = b"\x13\x0cedwards25519";
pub(super) const X_OID: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x6e];

fn head(class: Class, key_type: KeyType) -> Vec<Given> {
    vec![ulong(Attr::CLASS, class.0), ulong(Attr::KEY_TYPE, key_type.0)]
}

pub(super) fn secret_key(key_type: KeyType, value: &[u8]) -> Vec<Given> {
    with(&head(Class::SECRET_KEY, key_type), &[bytes(Attr::VALUE, value)])
}

pub(super) fn aes() -> Vec<Given> {
    secret_key(KeyType::AES, &[7; 16])
}

pub(super) fn rsa_private() -> Vec<Given> {
    let parts = RSA.to_parts();
    let key = [
        bytes(Attr::MODULUS, &parts.n),
        bytes(Attr::PUBLIC_EXPONENT, &parts.e),
        bytes(Attr::PRIVATE_EXPONENT, parts.d.as_bytes()),
    ];
    with(&head(Class::PRIVATE_KEY, KeyType::RSA), &key)
}

pub(super) fn rsa_public() -> Vec<Given> {
    let key = [bytes(Attr::MODULUS, &RSA.public().modulus()), bytes(Attr::PUBLIC_EXPONENT, &[1, 0, 1])];
    with(&head(Class::PUBLIC_KEY, KeyType::RSA), &key)
}

pub(super) fn ec_private() -> Vec<Given> {
    let key = [bytes(Attr::EC_PARAMS, EC.curve().oid()), bytes(Attr::VALUE, EC.scalar().unwrap().as_bytes())];
    with(&head(Class::PRIVATE_KEY, KeyType::EC), &key)
}

pub(super) fn ec_public() -> Vec<Given> {
    let point = der::octet_string(&EC.public().point().unwrap()).unwrap();
    let key = [bytes(Attr::EC_PARAMS, EC.curve().oid()), bytes(Attr::EC_POINT, &point)];
    with(&head(Class::PUBLIC_KEY, KeyType::EC), &key)
}

fn curve25519(class: Class, key_type: KeyType, params: &[u8], part: Given) -> Vec<Given> {
    with(&head(class, key_type), &[bytes(Attr::EC_PARAMS, params), part])
}

/// A DSA key with this value.
pub(super) fn dsa_key(class: Class, value: &[u8]) -> Vec<Given> {
    let public = DSA.public();
    let group = public.parameters();
    let key = [
        bytes(Attr::PRIME, group.prime()),
        bytes(Attr::SUBPRIME, group.subprime()),
        bytes(Attr::BASE, group.base()),
        bytes(Attr::VALUE, value),
    ];
    with(&head(class, KeyType::DSA), &key)
}

/// A Diffie–Hellman key with this value.
pub(super) fn dh_key(class: Class, value: &[u8]) -> Vec<Given> {
    let public = DH.public();
    let group = public.group();
    let key = [bytes(Attr::PRIME, group.prime()), bytes(Attr::BASE, group.base()), bytes(Attr::VALUE, value)];
    with(&head(class, KeyType::DH), &key)
}

/// A template with just what it needs for each kind of object there is.
pub(super) fn kinds() -> Vec<Vec<Given>> {
    let class = |class: Class| ulong(Attr::CLASS, class.0);
    let secret = |key_type| secret_key(key_type, &[9; 32]);
    let xts: Vec<u8> = (0..64).collect();
    let (ed_public, x_public) = (ED.public(), X.public());
    let mut kinds = vec![
        vec![class(Class::DATA)],
        vec![
            class(Class::CERTIFICATE),
            ulong(Attr::CERTIFICATE_TYPE, X_509),
            bytes(Attr::SUBJECT, &[0x30, 0]),
            bytes(Attr::VALUE, &[0x30, 0]),
        ],
        vec![
            class(Class::CERTIFICATE),
            ulong(Attr::CERTIFICATE_TYPE, X_509_ATTR_CERT),
            bytes(Attr::OWNER, &[0x30, 0]),
            bytes(Attr::VALUE, &[0x30, 0]),
        ],
        with(
            &head(Class::DOMAIN_PARAMETERS, KeyType::DSA),
            &[bytes(Attr::PRIME, &[0xfb]), bytes(Attr::SUBPRIME, &[5]), bytes(Attr::BASE, &[2])],
        ),
        with(
            &head(Class::DOMAIN_PARAMETERS, KeyType::DH),
            &[bytes(Attr::PRIME, &[0xfb]), bytes(Attr::BASE, &[2])],
        ),
        rsa_public(),
        rsa_private(),
        ec_public(),
        ec_private(),
        secret_key(KeyType::AES_XTS, &xts),
        dsa_key(Class::PUBLIC_KEY, DSA.public().value()),
        dsa_key(Class::PRIVATE_KEY, DSA.value().as_bytes()),
        dh_key(Class::PUBLIC_KEY, DH.public().value()),
        dh_key(Class::PRIVATE_KEY, DH.value().unwrap().as_bytes()),
    ];
    let ed = KeyType::EC_EDWARDS;
    kinds.push(curve25519(Class::PUBLIC_KEY, ed, ED_NAME, bytes(Attr::EC_POINT, ed_public.as_bytes())));
    kinds.push(curve25519(Class::PRIVATE_KEY, ed, ED_NAME, bytes(Attr::VALUE, ED.seed().as_bytes())));
    let x = KeyType::EC_MONTGOMERY;
    kinds.push(curve25519(Class::PUBLIC_KEY, x, X_OID, bytes(Attr::EC_POINT, x_public.as_bytes())));
    kinds.push(curve25519(Class::PRIVATE_KEY, x, X_OID, bytes(Attr::VALUE, X.to_bytes().as_bytes())));
    let (sm2_private, sm2_public) = (SM2.scalar(), SM2.public().point());
    kinds.push(with(&head(Class::PUBLIC_KEY, KeyType::SM2), &[bytes(Attr::EC_POINT, &sm2_public)]));
    kinds.push(with(&head(Class::PRIVATE_KEY, KeyType::SM2), &[bytes(Attr::VALUE, sm2_private.as_bytes())]));
    kinds.push(secret_key(KeyType::SM4, &[9; 16]));
    let rest = attributes::key::SECRET_TYPES.iter().map(|kind| KeyType(*kind));
    kinds.extend(rest.filter(|kind| ![KeyType::AES_XTS, KeyType::SM4].contains(kind)).map(secret));
    kinds
}

/// The class and the key type or certificate type that a template names.
pub(super) fn kind_of(given: &[Given]) -> (Class, Option<u64>) {
    let ulong = |attribute| {
        let given = given.iter().find(|given| given.0 == attribute)?;
        Some(u64::from_le_bytes(given.1.as_slice().try_into().unwrap()))
    };
    (Class(ulong(Attr::CLASS).unwrap()), ulong(Attr::KEY_TYPE).or(ulong(Attr::CERTIFICATE_TYPE)))
}

pub(super) fn secret(bytes: &[u8]) -> Secret {
    Secret::new(bytes.to_vec())
}
