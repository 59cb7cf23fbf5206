//! Objects from elsewhere: what they must be to come in, by what they are compared with their source, and what
//! their attributes may say of their past.
//!
//! A key keeps what it was elsewhere: `CKA_LOCAL`, `CKA_KEY_GEN_MECHANISM`, `CKA_ALWAYS_SENSITIVE` and
//! `CKA_NEVER_EXTRACTABLE` say of it here what they said there. No decision goes by them alone: it is marked
//! ([`Attr::IMPORTED`]), its copies are marked, and a marked key is never one that was made here
//! ([`crate::object::Object::is_made_here`]).

use crypto::ed25519::Variant;
use crypto::{Hash, dh, dsa, ec, ed25519, rsa, sm2, x25519};
use wire::Template;
use wire::admin::import::{Arrival, Checked, History};

use crate::error::Error;
use crate::object::{Attr, AttributeMap, Class, Maker, Material, Object, create};

/// The attributes of an object from elsewhere, and by what it was compared with its source.
///
/// # Errors
/// As [`create`]; `TemplateInconsistent` if it is not what the source says it is.
pub(crate) fn accepted(arrival: &Arrival, maker: &Maker) -> Result<(AttributeMap, Checked), Error> {
    let mut attributes = create(&arrival.template, maker)?;
    let checked = Checked {
        check_value: compare_check_value(&attributes, arrival.check_value.as_deref().unwrap_or_default())?,
        public: compare_public(&attributes, &arrival.public, maker)?,
        used: try_out(&attributes)?,
    };
    if is_key(&attributes) {
        remember(&mut attributes, arrival.history.unwrap_or_default())?;
    }
    Ok((attributes, checked))
}

/// Whether an object here is the same as one that comes: a key by its value, all else by its content.
pub(crate) fn is_same(new: &AttributeMap, here: &Object) -> bool {
    let here = here.attributes();
    [Attr::CLASS, Attr::KEY_TYPE, Attr::LABEL, Attr::ID]
        .iter()
        .all(|name| bytes(new, *name) == bytes(here, *name))
        && match class(new) {
            Some(Class::SECRET_KEY) => match (new.secret(Attr::VALUE), here.secret(Attr::VALUE)) {
                (Some(new), Some(here)) => crypto::equal(new.as_bytes(), here.as_bytes()),
                _ => false,
            },
            Some(Class::PRIVATE_KEY | Class::PUBLIC_KEY) => {
                bytes(new, Attr::PUBLIC_KEY_INFO) == bytes(here, Attr::PUBLIC_KEY_INFO)
            }
            _ => [
                Attr::VALUE,
                Attr::URL,
                Attr::APPLICATION,
                Attr::OBJECT_ID,
                Attr::PRIME,
                Attr::SUBPRIME,
                Attr::BASE,
            ]
            .iter()
            .all(|name| bytes(new, *name) == bytes(here, *name)),
        }
}

/// An attribute's bytes; one that is not there is empty.
fn bytes(attributes: &AttributeMap, name: Attr) -> &[u8] {
    attributes.plain(name).unwrap_or_default()
}

fn class(attributes: &AttributeMap) -> Option<Class> {
    attributes.ulong(Attr::CLASS).map(Class)
}

fn is_key(attributes: &AttributeMap) -> bool {
    matches!(class(attributes), Some(Class::PUBLIC_KEY | Class::PRIVATE_KEY | Class::SECRET_KEY))
}

/// Whether there was a check value to compare; it must be the right one. A short key has none here.
fn compare_check_value(attributes: &AttributeMap, given: &[u8]) -> Result<bool, Error> {
    match attributes.plain(Attr::CHECK_VALUE) {
        Some(own) if !own.is_empty() && !given.is_empty() => {
            if own == given {
                return Ok(true);
            }
            Err(differs("CKA_CHECK_VALUE", "value"))
        }
        _ => Ok(false),
    }
}

/// Whether there was a public half to compare; one of those given must be the right one.
fn compare_public(attributes: &AttributeMap, given: &[Template], maker: &Maker) -> Result<bool, Error> {
    if class(attributes) != Some(Class::PRIVATE_KEY) || given.is_empty() {
        return Ok(false);
    }
    let own = bytes(attributes, Attr::PUBLIC_KEY_INFO);
    let fits =
        |template| create(template, maker).is_ok_and(|half| bytes(&half, Attr::PUBLIC_KEY_INFO) == own);
    if given.iter().any(fits) { Ok(true) } else { Err(differs("public key", "private key")) }
}

fn differs(what: &str, whose: &str) -> Error {
    Error::TemplateInconsistent(format!(
        "the {what} that the source has is not that of the {whose}: it was altered"
    ))
}

/// Uses a private key, and its public half against it: what it signs must verify, what it agrees on must be
/// agreed on. Whether there was anything to use.
fn try_out(attributes: &AttributeMap) -> Result<bool, Error> {
    const MESSAGE: &[u8] = b"A key that came from elsewhere is tried before it is kept.";
    if class(attributes) != Some(Class::PRIVATE_KEY) {
        return Ok(false);
    }
    let digest = crypto::hash::digest(Hash::Sha256, MESSAGE)?;
    let worked = match Material::of(attributes)? {
        Material::Rsa(key) => {
            let public = key.public();
            let public = rsa::PublicKey::from_parts(&public.modulus(), &public.public_exponent())?;
            let signature = key.sign_pkcs1(Some(Hash::Sha256), &digest)?;
            public.verify_pkcs1(Some(Hash::Sha256), &digest, &signature).is_ok()
        }
        Material::Ec(key) => {
            let public = ec::PublicKey::from_point(key.curve(), &key.public().point()?)?;
            public.verify(&digest, &key.sign(&digest)?).is_ok()
        }
        Material::Sm2(key) => {
            let public = sm2::PublicKey::from_point(&key.public().point())?;
            public.verify_digest(&digest, &key.sign_digest(&digest)?).is_ok()
        }
        Material::Ed25519(key) => {
            let public = ed25519::PublicKey::from_bytes(key.public().as_bytes())?;
            public.verify(Variant::Pure, MESSAGE, &key.sign(Variant::Pure, MESSAGE)?).is_ok()
        }
        Material::X25519(key) => {
            let other = x25519::PrivateKey::generate()?;
            let (one, two) = (key.agree(&other.public())?, other.agree(&key.public())?);
            crypto::equal(one.as_bytes(), two.as_bytes())
        }
        Material::Dsa(key) => {
            let public = key.public();
            let public = dsa::PublicKey::from_value(public.parameters().clone(), public.value())?;
            public.verify(&digest, &key.sign(&digest)?).is_ok()
        }
        Material::Dh(key) => {
            let own = key.public();
            let other = dh::PrivateKey::generate(own.group().clone(), None)?;
            let (one, two) = (key.agree(other.public().value())?, other.agree(own.value())?);
            crypto::equal(one.as_bytes(), two.as_bytes())
        }
        _ => return Ok(false),
    };
    if worked { Ok(true) } else { Err(differs("key's signature", "public half")) }
}

/// Writes what the key was elsewhere, and that it was elsewhere.
fn remember(attributes: &mut AttributeMap, history: History) -> Result<(), Error> {
    let History { local, key_gen_mechanism, always_sensitive, never_extractable } = history;
    attributes.set_flag(Attr::IMPORTED, true);
    attributes.set_flag(Attr::LOCAL, local);
    attributes.set_ulong(Attr::KEY_GEN_MECHANISM, key_gen_mechanism.unwrap_or(u64::MAX));
    if class(attributes) == Some(Class::PUBLIC_KEY) {
        return Ok(());
    }
    for (was, is, past, now) in [
        (always_sensitive, attributes.flag(Attr::SENSITIVE), Attr::ALWAYS_SENSITIVE, Attr::SENSITIVE),
        (never_extractable, !attributes.flag(Attr::EXTRACTABLE), Attr::NEVER_EXTRACTABLE, Attr::EXTRACTABLE),
    ] {
        if was && !is {
            return Err(Error::TemplateInconsistent(format!("{past} is true, and {now} says otherwise")));
        }
        attributes.set_flag(past, was);
    }
    Ok(())
}
