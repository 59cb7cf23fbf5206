//! How objects come to be: created from a template, or generated.

use wire::{MechanismId, Template};

use super::asked::{self, Asked};
use super::attributes::{self, Default, Given, Row, Way, certificate, domain, key};
use super::computed;
use super::usage::Usages;
use super::{Attr, AttributeMap, Class, KeyType};
use crate::error::Error;
use crate::mechanism::{Generated, Wanted};
use crate::policy::Profile;
use crate::user::User;
use crate::user::rights::{self, Deed};

/// Who makes or changes an object, and under which rules.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    /// Who is logged in.
    pub user: User,
    /// Whether the session is read/write.
    pub rw: bool,
    /// The partition's profile.
    pub profile: Profile,
}

impl Maker {
    /// Refuses an object that this caller may not make.
    ///
    /// # Errors
    /// `UserNotLoggedIn` for a private object if the user is not logged in, and for a token object of a crypto user;
    /// `SessionReadOnly` for a token object in a read-only session.
    pub fn may_make(&self, attributes: &AttributeMap) -> Result<(), Error> {
        self.may(Deed::making(attributes), attributes)
    }

    /// Refuses what this caller may not do to an object.
    ///
    /// # Errors
    /// As [`rights::check`]; `SessionReadOnly` for a token object in a read-only session.
    pub(crate) fn may(&self, deed: Deed, attributes: &AttributeMap) -> Result<(), Error> {
        rights::check(self.user, deed, attributes)?;
        if attributes.flag(Attr::TOKEN) && !self.rw {
            return Err(Error::SessionReadOnly);
        }
        Ok(())
    }
}

/// `C_CreateObject`: the attributes of the new object.
///
/// # Errors
/// What the standard says for templates (PKCS#11 3.2, "Creating objects"); `AttributeValueInvalid`,
/// `DomainParamsInvalid` and their like for a key that is not valid.
pub fn create(template: &Template, maker: &Maker) -> Result<AttributeMap, Error> {
    let asked = Asked::new(template)?;
    let class = Class(asked.ulong(Attr::CLASS).ok_or(Error::TemplateIncomplete(Attr::CLASS))?);
    let kind = kind_of(class, &asked)?;
    let mut draft = Draft::new(&asked, class, kind, Way::Create, maker, None)?;
    if class == Class::CERTIFICATE {
        check_certificate(&draft.attributes)?;
    }
    computed::complete(&mut draft.attributes)?;
    draft.finish(maker)
}

/// What a generation is asked for, checked before anything is made.
///
/// # Errors
/// As [`generated`].
pub fn wanted(template: &Template, class: Class, key_type: KeyType, maker: &Maker) -> Result<Wanted, Error> {
    let asked = Asked::new(template)?;
    let draft = Draft::new(&asked, class, Some(key_type.0), Way::Generate, maker, None)?;
    maker.may_make(&draft.attributes)?;
    Ok(draft.attributes)
}

/// As [`wanted`], for the public and the private half of a pair.
///
/// # Errors
/// As [`generated_pair`].
pub fn wanted_pair(
    public: &Template,
    private: &Template,
    key_type: KeyType,
    maker: &Maker,
) -> Result<(Wanted, Wanted), Error> {
    let (public, private) = (Asked::new(public)?, Asked::new(private)?);
    let half = |class, own: &Asked<'_>, other: &Asked<'_>| {
        let draft = Draft::new(own, class, Some(key_type.0), Way::Generate, maker, Some(other))?;
        maker.may_make(&draft.attributes)?;
        Ok::<_, Error>(draft.attributes)
    };
    Ok((half(Class::PUBLIC_KEY, &public, &private)?, half(Class::PRIVATE_KEY, &private, &public)?))
}

/// `C_GenerateKey`: the attributes of the new key, of which `parts` are what the mechanism made.
///
/// # Errors
/// What the standard says for templates.
pub fn generated(
    template: &Template,
    class: Class,
    key_type: KeyType,
    parts: AttributeMap,
    mechanism: MechanismId,
    maker: &Maker,
) -> Result<AttributeMap, Error> {
    let asked = Asked::new(template)?;
    let draft = Draft::new(&asked, class, Some(key_type.0), Way::Generate, maker, None)?;
    draft.generated(parts, mechanism, maker)
}

/// `C_GenerateKeyPair`: the attributes of the public and of the private key.
///
/// # Errors
/// What the standard says for templates.
pub fn generated_pair(
    public: &Template,
    private: &Template,
    key_type: KeyType,
    parts: Generated,
    mechanism: MechanismId,
    maker: &Maker,
) -> Result<(AttributeMap, AttributeMap), Error> {
    let (public, private) = (Asked::new(public)?, Asked::new(private)?);
    let half = |class, own: &Asked<'_>, other: &Asked<'_>, parts| {
        let draft = Draft::new(own, class, Some(key_type.0), Way::Generate, maker, Some(other))?;
        draft.generated(parts, mechanism, maker)
    };
    Ok((
        half(Class::PUBLIC_KEY, &public, &private, parts.public)?,
        half(Class::PRIVATE_KEY, &private, &public, parts.private)?,
    ))
}

/// The attributes of an object on its way.
pub(super) struct Draft {
    pub(super) attributes: AttributeMap,
}

impl Draft {
    /// What the template says and, where it says nothing, the defaults.
    ///
    /// # Errors
    /// `TemplateInconsistent`, `AttributeReadOnly`, `AttributeValueInvalid`, `TemplateIncomplete`.
    pub(super) fn new(
        asked: &Asked<'_>,
        class: Class,
        kind: Option<u64>,
        way: Way,
        maker: &Maker,
        other_half: Option<&Asked<'_>>,
    ) -> Result<Self, Error> {
        let mut attributes = given(asked, class, kind, way, maker)?;
        let usages = Usages::new(class, KeyType(kind.unwrap_or(0)), way, maker.profile, asked, other_half)?;
        for row in attributes::rows(class, kind).filter(|row| !asked.has(row.attribute)) {
            if row.when(way) == Given::Must {
                return Err(Error::TemplateIncomplete(row.attribute));
            }
            match row.default {
                Default::Flag(flag) => attributes.set_flag(row.attribute, flag),
                Default::Ulong(number) => attributes.set_ulong(row.attribute, number),
                Default::Usage => attributes.set_flag(row.attribute, usages.default(row.attribute)),
                Default::Empty | Default::Rule => {}
            }
        }
        attributes.set_ulong(Attr::CLASS, class.0);
        if let Some(kind) = kind {
            attributes.set_ulong(kind_attribute(class), kind);
        }
        if guarded(class) && !asked.has(Attr::SENSITIVE) {
            // The standard's default for secret keys is false. A key that nobody asks to get out loses nothing
            // by being sensitive, and may then wrap others.
            let open = class == Class::SECRET_KEY && attributes.flag(Attr::EXTRACTABLE);
            attributes.set_flag(Attr::SENSITIVE, !open || maker.profile == Profile::Strict);
        }
        Ok(Self { attributes })
    }

    fn generated(
        mut self,
        parts: AttributeMap,
        mechanism: MechanismId,
        maker: &Maker,
    ) -> Result<AttributeMap, Error> {
        self.take(parts)?;
        computed::complete(&mut self.attributes)?;
        self.attributes.set_flag(Attr::LOCAL, true);
        // Domain parameters do not say how they were made.
        if self.attributes.get(Attr::KEY_GEN_MECHANISM).is_some() {
            self.attributes.set_ulong(Attr::KEY_GEN_MECHANISM, mechanism.0);
        }
        if self.attributes.get(Attr::SENSITIVE).is_some() {
            let (sensitive, extractable) =
                (self.attributes.flag(Attr::SENSITIVE), self.attributes.flag(Attr::EXTRACTABLE));
            self.attributes.set_flag(Attr::ALWAYS_SENSITIVE, sensitive);
            self.attributes.set_flag(Attr::NEVER_EXTRACTABLE, !extractable);
        }
        self.finish(maker)
    }

    /// Takes over what a mechanism made or a blob held. What the template said must be the same.
    pub(super) fn take(&mut self, parts: AttributeMap) -> Result<(), Error> {
        for (attribute, value) in parts {
            match self.attributes.get(attribute) {
                // One curve has several names; the key must be one of the curve that was asked for.
                Some(_) if attribute == Attr::EC_PARAMS => None,
                Some(asked) if *asked != value => {
                    return Err(Error::TemplateInconsistent(format!("{attribute} is not that of the key")));
                }
                _ => self.attributes.set(attribute, value),
            };
        }
        Ok(())
    }

    /// The last checks, and the object's own identity.
    pub(super) fn finish(mut self, maker: &Maker) -> Result<AttributeMap, Error> {
        maker.may_make(&self.attributes)?;
        self.attributes.set_plain(Attr::UNIQUE_ID, unique_id()?);
        Ok(self.attributes)
    }
}

/// Whether objects of this class have something to hide.
pub(super) fn guarded(class: Class) -> bool {
    matches!(class, Class::PRIVATE_KEY | Class::SECRET_KEY)
}

/// A new `CKA_UNIQUE_ID`.
pub(crate) fn unique_id() -> Result<String, Error> {
    let bytes = crypto::random::bytes(16)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What the template gives, each attribute checked against its row.
fn given(
    asked: &Asked<'_>,
    class: Class,
    kind: Option<u64>,
    way: Way,
    maker: &Maker,
) -> Result<AttributeMap, Error> {
    let mut attributes = AttributeMap::new();
    for (attribute, value) in asked.iter() {
        let row = attributes::row(class, kind, attribute)
            .ok_or_else(|| Error::TemplateInconsistent(format!("{attribute} is not one of {class}")))?;
        if row.when(way) == Given::Never {
            return Err(Error::AttributeReadOnly { attribute, reason: "the token sets it" });
        }
        check_own(row, asked, class, kind, maker)?;
        attributes.set(attribute, asked::stored(row, value)?);
    }
    Ok(attributes)
}

fn check_own(
    row: &Row,
    asked: &Asked<'_>,
    class: Class,
    kind: Option<u64>,
    maker: &Maker,
) -> Result<(), Error> {
    let attribute = row.attribute;
    let fixed = match attribute {
        Attr::CLASS => Some(class.0),
        Attr::KEY_TYPE | Attr::CERTIFICATE_TYPE => kind,
        _ => None,
    };
    if fixed.is_some() && asked.ulong(attribute) != fixed {
        return Err(Error::TemplateInconsistent(format!("{attribute} is not what the call makes")));
    }
    if attribute == Attr::TRUSTED && asked.flag(attribute) == Some(true) && maker.user != User::So {
        return Err(Error::AttributeReadOnly { attribute, reason: "only the security officer sets it" });
    }
    Ok(())
}

const fn kind_attribute(class: Class) -> Attr {
    match class {
        Class::CERTIFICATE => Attr::CERTIFICATE_TYPE,
        _ => Attr::KEY_TYPE,
    }
}

/// The key type or certificate type that a template of `C_CreateObject` names.
fn kind_of(class: Class, asked: &Asked<'_>) -> Result<Option<u64>, Error> {
    let types = types_of(class)?;
    if types.is_empty() {
        return Ok(None);
    }
    let attribute = kind_attribute(class);
    let kind = asked.ulong(attribute).ok_or(Error::TemplateIncomplete(attribute))?;
    check_kind(class, KeyType(kind))?;
    Ok(Some(kind))
}

/// Refuses a key type or certificate type that objects of this class do not have here.
pub(super) fn check_kind(class: Class, kind: KeyType) -> Result<(), Error> {
    if types_of(class)?.contains(&kind.0) {
        return Ok(());
    }
    let reason = format!("{kind} is no type of {class} that is supported");
    Err(Error::AttributeValueInvalid { attribute: kind_attribute(class), reason })
}

fn types_of(class: Class) -> Result<&'static [u64], Error> {
    Ok(match class {
        Class::DATA => &[],
        Class::CERTIFICATE => certificate::TYPES,
        Class::PUBLIC_KEY | Class::PRIVATE_KEY => key::PAIR_TYPES,
        Class::SECRET_KEY => key::SECRET_TYPES,
        Class::DOMAIN_PARAMETERS => domain::TYPES,
        _ => {
            let reason = format!("objects of class {class} cannot be made");
            return Err(Error::AttributeValueInvalid { attribute: Attr::CLASS, reason });
        }
    })
}

/// Of a certificate, the value or a URL for it must be there, and with a URL the two hashes.
fn check_certificate(attributes: &AttributeMap) -> Result<(), Error> {
    let has = |attribute| attributes.plain(attribute).is_some_and(|value| !value.is_empty());
    if !has(Attr::URL) {
        return if has(Attr::VALUE) { Ok(()) } else { Err(Error::TemplateIncomplete(Attr::VALUE)) };
    }
    for hash in [Attr::HASH_OF_SUBJECT_PUBLIC_KEY, Attr::HASH_OF_ISSUER_PUBLIC_KEY] {
        if !has(hash) {
            return Err(Error::TemplateIncomplete(hash));
        }
    }
    Ok(())
}
