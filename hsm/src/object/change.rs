//! How objects change and are copied. A template is checked whole before anything changes.

use wire::Template;

use super::asked::{self, Asked};
use super::attributes::{self, Change};
use super::make::{Maker, unique_id};
use super::{Attr, AttributeMap, AttributeValue, Class, Object, Role, Roles, roles};
use crate::error::Error;
use crate::policy::Profile;
use crate::user::User;
use crate::user::rights::{self, Deed};

/// `C_SetAttributeValue`: the attributes after it.
///
/// # Errors
/// `ActionProhibited` for an object that may not change; `AttributeTypeInvalid` for an attribute it does not
/// have; `AttributeReadOnly` for one that may not change, or not so; else as for a template of a new object.
pub fn changed(source: &Object, template: &Template, maker: &Maker) -> Result<AttributeMap, Error> {
    maker.may(Deed::changing(source.attributes()), source.attributes())?;
    if !source.flag(Attr::MODIFIABLE) {
        return Err(Error::ActionProhibited("CKA_MODIFIABLE is false"));
    }
    let asked = Asked::new(template)?;
    let mut attributes = source.attributes().duplicate();
    for (attribute, value) in asked.iter() {
        let row = attributes::row_of(source, attribute).ok_or(Error::AttributeTypeInvalid(attribute))?;
        let value = asked::stored(row, value)?;
        let flag = matches!(&value, AttributeValue::Plain(bytes) if bytes.contains(&1));
        let allowed = match row.change {
            Change::Never | Change::Copy | Change::CopyToTrue => Err("it is set when the object is made"),
            change => step(change, source, attribute, flag, maker),
        };
        allowed.map_err(|reason| Error::AttributeReadOnly { attribute, reason })?;
        if let Some(reason) = barred(source, attribute, flag, maker.profile) {
            return Err(Error::AttributeReadOnly { attribute, reason });
        }
        attributes.set(attribute, value);
    }
    remember_roles(source, &mut attributes, maker.profile);
    check_roles(&attributes, &asked, maker.profile).map_err(|attribute| Error::AttributeReadOnly {
        attribute,
        reason: "it conflicts with another usage",
    })?;
    Ok(attributes)
}

/// `C_CopyObject`: the attributes of the copy. Of a key, the copy is the same key: what it has been used for
/// goes with it.
///
/// # Errors
/// `ActionProhibited` for an object that may not be copied; `AttributeReadOnly` for an attribute that may not
/// change, or not so; `TemplateInconsistent` for one it does not have, or a usage that the history excludes.
pub fn copied(source: &Object, template: &Template, maker: &Maker) -> Result<AttributeMap, Error> {
    rights::check(maker.user, Deed::copying(source.attributes()), source.attributes())?;
    if !source.flag(Attr::COPYABLE) {
        return Err(Error::ActionProhibited("CKA_COPYABLE is false"));
    }
    let asked = Asked::new(template)?;
    let mut attributes = source.attributes().duplicate();
    for (attribute, value) in asked.iter() {
        let row = attributes::row_of(source, attribute).ok_or_else(|| {
            Error::TemplateInconsistent(format!("{attribute} is not one of {}", source.class()))
        })?;
        let value = asked::stored(row, value)?;
        if source.attributes().get(attribute) == Some(&value) {
            continue;
        }
        let flag = matches!(&value, AttributeValue::Plain(bytes) if bytes.contains(&1));
        let allowed = match row.change {
            Change::Never => Err("it is that of the object copied"),
            Change::CopyToTrue => step(Change::ToTrue, source, attribute, flag, maker),
            change => step(change, source, attribute, flag, maker),
        };
        allowed.map_err(|reason| Error::AttributeReadOnly { attribute, reason })?;
        if let Some(reason) = barred(source, attribute, flag, maker.profile) {
            return Err(Error::TemplateInconsistent(format!("{attribute} cannot be true: {reason}")));
        }
        attributes.set(attribute, value);
    }
    remember_roles(source, &mut attributes, maker.profile);
    check_roles(&attributes, &asked, maker.profile).map_err(|attribute| {
        Error::TemplateInconsistent(format!("{attribute} conflicts with another usage"))
    })?;
    maker.may_make(&attributes)?;
    attributes.set_plain(Attr::UNIQUE_ID, unique_id()?);
    Ok(attributes)
}

/// Whether an attribute may become this, and if not, why.
fn step(
    change: Change,
    source: &Object,
    attribute: Attr,
    flag: bool,
    maker: &Maker,
) -> Result<(), &'static str> {
    let is = source.attributes().flag(attribute);
    match change {
        Change::Always | Change::Copy => Ok(()),
        Change::ToTrue | Change::CopyToTrue if is && !flag => Err("true, it stays so"),
        Change::ToFalse if !is && flag => Err("false, it stays so"),
        Change::ToTrue | Change::CopyToTrue | Change::ToFalse => Ok(()),
        Change::Officer if maker.user == User::So || is == flag => Ok(()),
        Change::Officer => Err("only the security officer sets it"),
        Change::Never => Err("it never changes"),
    }
}

/// Why a usage may not become true, for a key that has been used for the contrary, or was not made here.
fn barred(source: &Object, attribute: Attr, flag: bool, profile: Profile) -> Option<&'static str> {
    let role = Role::of(attribute, source.class()).filter(|_| flag && is_key(source.class()))?;
    if source.roles().conflict(role).is_some() {
        return Some("the key has been used for what excludes it");
    }
    let foreign = profile == Profile::Strict && role == Role::Wrap && !source.is_made_here();
    let trusted = source.flag(Attr::TRUSTED);
    (foreign && !trusted && !source.attributes().flag(attribute)).then_some("the key was not made here")
}

/// Writes down what the key has been used for; under [`Profile::Strict`], to have had a role is as good as to
/// have used it once it is given up, so that roles are not taken in turns.
fn remember_roles(source: &Object, attributes: &mut AttributeMap, profile: Profile) {
    if !is_key(source.class()) {
        return;
    }
    let given_up = roles::granted(source.attributes()) & !roles::granted(attributes);
    let had = if profile == Profile::Strict { given_up } else { 0 };
    let used = source.roles().used() | had;
    if used != 0 {
        attributes.set_ulong(Attr::ROLES_USED, used.into());
    }
}

/// Under [`Profile::Strict`], a usage that the template makes true may not conflict with one that is, or was.
fn check_roles(attributes: &AttributeMap, asked: &Asked<'_>, profile: Profile) -> Result<(), Attr> {
    if profile != Profile::Strict {
        return Ok(());
    }
    let had = Roles::kept(attributes, profile);
    for role in Role::ALL.into_iter().filter(|role| asked.flag(role.attribute()) == Some(true)) {
        let meets = role.conflicts().iter().any(|other| attributes.flag(other.attribute()));
        if meets || had.conflict(role).is_some() {
            return Err(role.attribute());
        }
    }
    Ok(())
}

fn is_key(class: Class) -> bool {
    matches!(class, Class::PUBLIC_KEY | Class::PRIVATE_KEY | Class::SECRET_KEY)
}
