//! How keys come in from outside: unwrapped, or derived from another key.

use crypto::Secret;
use wire::{MechanismId, Template};

use super::asked::{self, Asked};
use super::attributes::Way;
use super::make::{Draft, Maker, check_kind};
use super::{Attr, AttributeMap, AttributeValue, Class, KeyType, Object, computed, pkcs8};
use crate::error::Error;
use crate::policy::Profile;

/// What is known of a key that once left the partition, or is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its `CKA_SENSITIVE`.
    pub sensitive: bool,
    /// Its `CKA_EXTRACTABLE`.
    pub extractable: bool,
    /// Its `CKA_WRAP_WITH_TRUSTED`.
    pub wrap_with_trusted: bool,
}

impl Origin {
    /// What a key's attributes say.
    #[must_use]
    pub fn of(attributes: &AttributeMap) -> Self {
        Self {
            sensitive: attributes.flag(Attr::SENSITIVE),
            extractable: attributes.flag(Attr::EXTRACTABLE),
            wrap_with_trusted: attributes.flag(Attr::WRAP_WITH_TRUSTED),
        }
    }

    /// The stricter of two.
    #[must_use]
    pub const fn meet(self, other: Self) -> Self {
        Self {
            sensitive: self.sensitive || other.sensitive,
            extractable: self.extractable && other.extractable,
            wrap_with_trusted: self.wrap_with_trusted || other.wrap_with_trusted,
        }
    }

    fn demands(self) -> impl Iterator<Item = (Attr, bool)> {
        let demands = [
            (self.sensitive, Attr::SENSITIVE, true),
            (!self.extractable, Attr::EXTRACTABLE, false),
            (self.wrap_with_trusted, Attr::WRAP_WITH_TRUSTED, true),
        ];
        demands.into_iter().filter(|(demanded, ..)| *demanded).map(|(_, attribute, flag)| (attribute, flag))
    }

    /// Makes a new key as strict as this; fails where its template asks otherwise.
    fn bind(self, asked: &Asked<'_>, attributes: &mut AttributeMap) -> Result<(), Error> {
        for (attribute, flag) in self.demands() {
            if asked.flag(attribute).is_some_and(|asked| asked != flag) {
                return Err(Error::TemplateInconsistent(format!(
                    "{attribute} of this key is {flag}, and nothing that is made of it can have less"
                )));
            }
            attributes.set_flag(attribute, flag);
        }
        Ok(())
    }
}

/// How a key comes out of its wrapping.
pub struct Unwrapping<'a> {
    /// The key it is unwrapped with.
    pub key: &'a Object,
    /// The most zeros that the mechanism leaves at the end: `CKA_VALUE_LEN` says where a secret key ends, and a
    /// private key says so itself.
    pub zero_padding: usize,
    /// Tells, of the key's bytes and attributes, what is known of the key: what is unwrapped has no more rights
    /// than it had before. It is asked twice of a secret key whose value is the PKCS#8 of a private one.
    pub origin: &'a dyn Fn(&Secret, &AttributeMap) -> Result<Option<Origin>, Error>,
    /// Where nobody may learn whether the blob opened: makes a secret of so many bytes, always the same for one
    /// blob, in place of one whose length is not right.
    pub stand_in: Option<&'a dyn Fn(usize) -> Result<Secret, Error>>,
}

/// `C_UnwrapKey`: the attributes of the key that `bytes` hold, which are a secret key's value or the PKCS#8 of
/// a private key.
///
/// # Errors
/// What the standard says for templates, the key's `CKA_UNWRAP_TEMPLATE` included; `WrappedKeyInvalid` for
/// whatever is wrong with the bytes.
pub fn unwrapped(
    template: &Template,
    bytes: &Secret,
    unwrapping: &Unwrapping<'_>,
    maker: &Maker,
) -> Result<AttributeMap, Error> {
    let Unwrapping { key, zero_padding, origin, stand_in } = *unwrapping;
    let plan = Plan::new(template, key, Attr::UNWRAP_TEMPLATE)?;
    let asked = Asked::new(&plan.template)?;
    if maker.profile == Profile::Strict {
        for usage in [Attr::WRAP, Attr::UNWRAP] {
            if asked.flag(usage) == Some(true) && plan.own.iter().all(|(own, _)| *own != usage) {
                return Err(Error::TemplateInconsistent(format!(
                    "{usage} of an unwrapped key only comes from the CKA_UNWRAP_TEMPLATE of the key it is unwrapped with"
                )));
            }
        }
    }
    let mut draft = Draft::new(&asked, plan.class, Some(plan.key_type.0), Way::Unwrap, maker, None)?;
    maker.may_make(&draft.attributes)?;
    let len = match plan.class {
        Class::PRIVATE_KEY => pkcs8::len(bytes).unwrap_or(bytes.len()),
        _ => asked.ulong(Attr::VALUE_LEN).and_then(|len| usize::try_from(len).ok()).unwrap_or(bytes.len()),
    };
    let bytes = &match stand_in {
        Some(stand_in) if plan.class == Class::SECRET_KEY => {
            plan.plausible(bytes, asked.ulong(Attr::VALUE_LEN), stand_in)?
        }
        _ => cut(bytes, len, zero_padding)?,
    };
    let parts = match plan.class {
        Class::PRIVATE_KEY => pkcs8::decode(bytes, plan.key_type).map_err(|_| Error::WrappedKeyInvalid)?,
        _ => value(bytes),
    };
    draft.take(parts)?;
    computed::complete(&mut draft.attributes).map_err(|error| match error {
        Error::TemplateInconsistent(_) => error,
        _ => Error::WrappedKeyInvalid,
    })?;
    if maker.profile != Profile::Legacy {
        let mut known = origin(bytes, &draft.attributes)?;
        if let Some(mut disguised) = pkcs8::recognize(bytes).filter(|_| plan.class == Class::SECRET_KEY)
            && computed::complete(&mut disguised).is_ok()
        {
            known = known.into_iter().chain(origin(bytes, &disguised)?).reduce(Origin::meet);
        }
        if let Some(known) = known {
            known.bind(&asked, &mut draft.attributes)?;
        }
    }
    draft.finish(maker)
}

/// What a derivation is asked for: the new key's type and, where the template says, its length in bytes. It
/// is checked before anything is derived.
///
/// # Errors
/// As [`derived`].
pub fn wanted_derived(
    template: &Template,
    base: &Object,
    maker: &Maker,
) -> Result<(KeyType, Option<u64>), Error> {
    let plan = Plan::new(template, base, Attr::DERIVE_TEMPLATE)?;
    let asked = Asked::new(&plan.template)?;
    let draft = Draft::new(&asked, plan.class, Some(plan.key_type.0), Way::Derive, maker, None)?;
    maker.may_make(&draft.attributes)?;
    Ok((plan.key_type, asked.ulong(Attr::VALUE_LEN)))
}

/// `C_DeriveKey`: the attributes of the secret key with this value. From a secret key comes nothing less
/// sensitive or more extractable; from a key agreement comes what the template says, as the standard has it
/// ("Elliptic curve Diffie-Hellman").
///
/// # Errors
/// What the standard says for templates, the base key's `CKA_DERIVE_TEMPLATE` included.
pub fn derived(
    template: &Template,
    bytes: &Secret,
    base: &Object,
    _mechanism: MechanismId,
    maker: &Maker,
) -> Result<AttributeMap, Error> {
    let plan = Plan::new(template, base, Attr::DERIVE_TEMPLATE)?;
    let asked = Asked::new(&plan.template)?;
    if plan.class != Class::SECRET_KEY {
        return Err(Error::TemplateInconsistent(format!("{} cannot be derived", plan.class)));
    }
    let mut draft = Draft::new(&asked, plan.class, Some(plan.key_type.0), Way::Derive, maker, None)?;
    draft.take(value(bytes))?;
    computed::complete(&mut draft.attributes)?;
    let attributes = &mut draft.attributes;
    if base.class() == Class::SECRET_KEY && maker.profile != Profile::Legacy {
        Origin::of(base.attributes()).bind(&asked, attributes)?;
    }
    let unsaid = !asked.has(Attr::SENSITIVE) && !asked.has(Attr::EXTRACTABLE);
    if base.class() == Class::PRIVATE_KEY && unsaid && maker.profile != Profile::Strict {
        // What two sides have agreed on is for the caller to use: Java and others read it and say nothing of it.
        attributes.set_flag(Attr::SENSITIVE, false);
        attributes.set_flag(Attr::EXTRACTABLE, true);
    }
    let always = base.flag(Attr::ALWAYS_SENSITIVE) && attributes.flag(Attr::SENSITIVE);
    let never = base.flag(Attr::NEVER_EXTRACTABLE) && !attributes.flag(Attr::EXTRACTABLE);
    attributes.set_flag(Attr::ALWAYS_SENSITIVE, always);
    attributes.set_flag(Attr::NEVER_EXTRACTABLE, never);
    draft.finish(maker)
}

/// The first `len` bytes, if what follows is padding: at most so many zeros.
fn cut(bytes: &Secret, len: usize, zero_padding: usize) -> Result<Secret, Error> {
    match bytes.as_bytes().split_at_checked(len) {
        Some((key, padding)) if padding.len() <= zero_padding && padding.iter().all(|byte| *byte == 0) => {
            Ok(Secret::new(key.to_vec()))
        }
        _ => Err(Error::WrappedKeyInvalid),
    }
}

fn value(bytes: &Secret) -> AttributeMap {
    [(Attr::VALUE, AttributeValue::Secret(bytes.duplicate()))].into_iter().collect()
}

/// A caller's template together with that of the key it uses.
struct Plan<'a> {
    template: Template,
    own: &'a [(Attr, Vec<u8>)],
    class: Class,
    key_type: KeyType,
}

impl Plan<'_> {
    /// The bytes, if a key of the type can have so many and the template does not say another number; else
    /// others, of a number that is right.
    fn plausible(
        &self,
        bytes: &Secret,
        asked: Option<u64>,
        stand_in: impl Fn(usize) -> Result<Secret, Error>,
    ) -> Result<Secret, Error> {
        const USUAL: usize = 32;
        let can_be = |len: usize| match self.key_type {
            KeyType::AES => [16, 24, 32].contains(&len),
            KeyType::AES_XTS => len == 64,
            KeyType::SM4 => len == 16,
            _ => len > 0,
        };
        let asked =
            asked.and_then(|len| usize::try_from(len).ok()).filter(|len| can_be(*len) && *len <= 4096);
        if can_be(bytes.len()) && asked.is_none_or(|asked| asked == bytes.len()) {
            return Ok(bytes.duplicate());
        }
        stand_in(asked.unwrap_or(match self.key_type {
            KeyType::AES_XTS => 64,
            KeyType::SM4 => 16,
            _ => USUAL,
        }))
    }
}

impl<'a> Plan<'a> {
    fn new(template: &Template, key: &'a Object, attribute: Attr) -> Result<Self, Error> {
        let own: &[_] = match key.attributes().get(attribute) {
            Some(AttributeValue::Template(own)) => own,
            _ => &[],
        };
        let template = asked::merged(template, own)?;
        let asked = Asked::new(&template)?;
        // The standard does not ask for the class here, and some clients leave it out.
        let class = asked.ulong(Attr::CLASS).map_or(Class::SECRET_KEY, Class);
        if !super::make::guarded(class) {
            return Err(Error::TemplateInconsistent(format!("{class} is no class of a key that is hidden")));
        }
        let key_type = KeyType(asked.ulong(Attr::KEY_TYPE).ok_or(Error::TemplateIncomplete(Attr::KEY_TYPE))?);
        check_kind(class, key_type)?;
        Ok(Self { template, own, class, key_type })
    }
}
