//! Diffie–Hellman modulo a prime (PKCS#3; PKCS#11 3.2, "Diffie-Hellman").
//!
//! The domain parameters that are handed out are those of RFC 3526. Keys are made in groups of 2048 to 8192 bits; those
//! that come from elsewhere are used from 1024 bits on.

use std::sync::Arc;

use crypto::Secret;
use crypto::dh::{Group, NAMED_BITS, PrivateKey};
use wire::{MechanismId, Params, Value};

use super::dsa::domain_error;
use super::{DerivedKey, Field, Generated, Mechanism, Wanted, ecdh, no_params, wanted, words};
use crate::error::Error;
use crate::object::{Attr, AttributeMap, Class, KeyType, Material};

/// The fewest bits of prime that a key is made with.
const GENERATED: u64 = 2048;

const ROW: Mechanism = Mechanism {
    key_types: &[KeyType::DH],
    key_sizes: GENERATED..=8192, // bits of the prime
    ..Mechanism::NONE
};

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: MechanismId(0x2001),
        name: "CKM_DH_PKCS_PARAMETER_GEN",
        makes: Class::DOMAIN_PARAMETERS,
        generate: Some(generate_parameters),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x20),
        name: "CKM_DH_PKCS_KEY_PAIR_GEN",
        generate_pair: Some(generate),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x21),
        name: "CKM_DH_PKCS_DERIVE",
        key_sizes: 1024..=8192,
        params: &[&[Field::Whole(1024)]], // the other side's public value
        derive: Some(derive),
        ..ROW
    },
];

fn generate_parameters(params: &Params, wanted: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    let bits = wanted::ulong(wanted, Attr::PRIME_BITS)?;
    let named = NAMED_BITS.into_iter().find(|named| *named as u64 == bits).ok_or_else(|| {
        wanted::invalid(Attr::PRIME_BITS, "primes have 2048, 3072, 4096, 6144 or 8192 bits".into())
    })?;
    Ok(Generated { private: attributes(&Group::named(named)?), public: AttributeMap::new() })
}

fn attributes(group: &Group) -> AttributeMap {
    let mut attributes = AttributeMap::new();
    attributes.set_plain(Attr::PRIME, group.prime());
    attributes.set_plain(Attr::BASE, group.base());
    attributes
}

fn generate(params: &Params, public: &Wanted, private: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    let (p, g) = (wanted::bytes(public, Attr::PRIME)?, wanted::bytes(public, Attr::BASE)?);
    let group = Group::new(p, g).map_err(domain_error)?;
    if (group.bits() as u64) < GENERATED {
        return Err(Error::DomainParamsInvalid("keys are made with primes of 2048 bits and more"));
    }
    let bits = private.ulong(Attr::VALUE_BITS).map(|bits| usize::try_from(bits).unwrap_or(usize::MAX));
    let (mut public, mut private) = (attributes(&group), attributes(&group));
    let key = PrivateKey::generate(group, bits).map_err(|error| match error {
        crypto::Error::InvalidParameter(reason) => wanted::invalid(Attr::VALUE_BITS, reason.into()),
        other => other.into(),
    })?;
    public.set_plain(Attr::VALUE, key.public().value());
    private.set_secret(Attr::VALUE, key.value()?);
    Ok(Generated { private, public })
}

/// The shared number, as long as the prime (PKCS#3, "Second phase"); of a shorter key the last bytes.
fn derive(key: &Arc<Material>, params: &Params, wanted: DerivedKey) -> Result<Secret, Error> {
    let Material::Dh(key) = &**key else { return Err(Error::KeyTypeInconsistent("Diffie-Hellman")) };
    let [Value::Bytes(peer)] = words(params)? else {
        return Err(Error::MechanismParamInvalid("it must be the public value of the other side"));
    };
    let shared = key.agree(peer).map_err(|error| match error {
        crypto::Error::InvalidKey(_) => {
            Error::MechanismParamInvalid("the public value is not one of the group's")
        }
        other => other.into(),
    })?;
    ecdh::truncated(shared, wanted.len)
}
