//! Keys: made, wrapped, unwrapped and derived.

use std::sync::Arc;

use crypto::Secret;
use wire::calls::key::{DeriveKey, GenerateKey, GenerateKeyPair, KeyCalls, UnwrapKey, WrapKey};
use wire::{ObjectHandle, Output, Template};

use super::Application;
use super::permit::Permit;
use crate::error::Error;
use crate::event::Act;
use crate::mechanism::{DerivedKey, Mechanism};
use crate::object::{
    Attr, AttributeMap, Class, KeyType, Object, Origin, Unwrapping, derived, generated, generated_pair,
    pkcs8, unwrapped, wanted, wanted_derived, wanted_pair,
};
use crate::policy::{Usage, decide_wrap};
use crate::session::Session;
use crate::user::rights::{self, Deed};

impl KeyCalls for Application {
    fn generate_key(&self, call: GenerateKey) -> Result<ObjectHandle, Error> {
        let session = self.session(call.session)?;
        let (row, key) = self.new_key(&session, &call.mechanism, &call.template)?;
        self.add_one(&session, &self.makes(&session, "generate", row), key)
    }

    fn generate_key_pair(&self, call: GenerateKeyPair) -> Result<(ObjectHandle, ObjectHandle), Error> {
        let session = self.session(call.session)?;
        let (row, public, private) = self.new_pair(&session, &call.mechanism, &call.public, &call.private)?;
        match self.add(&session, &self.makes(&session, "generate", row), vec![public, private])?.as_slice() {
            [public, private] => Ok((*public, *private)),
            _ => Err(Error::Internal("a pair is two objects")),
        }
    }

    fn wrap_key(&self, call: WrapKey) -> Result<Output, Error> {
        let session = self.session(call.session)?;
        self.mechanism(&session, Usage::Wrap, &call.mechanism)?;
        let key = self.object(&session, call.key).ok_or(Error::KeyHandleInvalid(call.key.0))?;
        let permit = self.permit(&session, Usage::Wrap, &call.mechanism, call.wrapping_key)?;
        let made = match permit.object.class() {
            Class::PUBLIC_KEY => self.private_half(&session, &permit.object)?,
            _ => Some(Arc::clone(&permit.object)),
        };
        let user = self.login(&session.partition).user;
        let decision = rights::check(user, Deed::wrapping(key.attributes()), key.attributes())
            .and_then(|()| decide_wrap(session.partition.profile(), &permit.object, made.as_ref(), &key));
        let leaves = self.makes(&session, "leave wrapped", permit.row);
        leaves.unless_done(Some(&key), decision)?;
        let wrap = permit.row.wrap.ok_or(Error::MechanismInvalid(call.mechanism.id))?;
        let wrapped = wrap(&permit.material, &call.mechanism.params, &wrappable(&key)?)?;
        if let Some(answer) = call.room.open_answer(wrapped.len() as u64) {
            return Ok(answer);
        }
        permit.claim()?;
        session.partition.note_wrapped(&self.hsm.vault, &key)?;
        leaves.done(Some(&key))?;
        Ok(Output::Bytes(wrapped.into()))
    }

    fn unwrap_key(&self, call: UnwrapKey<'_>) -> Result<ObjectHandle, Error> {
        let session = self.session(call.session)?;
        let permit = self.permit(&session, Usage::Unwrap, &call.mechanism, call.unwrapping_key)?;
        permit.pay()?;
        let use_ = self.use_of(&session, Usage::Unwrap, permit.row);
        let key = use_.unless_done(Some(&permit.object), self.unwrapped(&session, &permit, &call))?;
        permit.claim()?;
        self.add_one(&session, &self.makes(&session, "unwrap", permit.row), key)
    }

    fn derive_key(&self, call: DeriveKey) -> Result<ObjectHandle, Error> {
        let session = self.session(call.session)?;
        let permit = self.permit(&session, Usage::Derive, &call.mechanism, call.base_key)?;
        permit.pay()?;
        let derive = permit.row.derive.ok_or(Error::MechanismInvalid(call.mechanism.id))?;
        let maker = self.maker(&session);
        let (key_type, len) = wanted_derived(&call.template, &permit.object, &maker)?;
        let len = len.map(usize::try_from).transpose().map_err(|_| too_long())?;
        let value = derive(&permit.material, &call.mechanism.params, DerivedKey { key_type, len })?;
        let key = derived(&call.template, &value, &permit.object, call.mechanism.id, &maker)?;
        permit.claim()?;
        self.add_one(&session, &self.makes(&session, "derive", permit.row), key)
    }
}

impl Application {
    /// The attributes of a secret key, or of domain parameters, that a mechanism makes now.
    pub(super) fn new_key(
        &self,
        session: &Session,
        mechanism: &wire::Mechanism,
        template: &Template,
    ) -> Result<(&Mechanism, AttributeMap), Error> {
        let row = session.partition.mechanism(&self.hsm.mechanisms, mechanism.id)?;
        let generate = row.generate.ok_or(Error::MechanismInvalid(row.id))?;
        let (id, key_type, maker) = (row.id, made_type(row.key_types)?, self.maker(session));
        let wanted = wanted(template, row.makes, key_type, &maker)?;
        let made = generate(&mechanism.params, &wanted)?;
        Ok((row, generated(template, row.makes, key_type, made.private, id, &maker)?))
    }

    /// The attributes of the public and of the private key of a pair that a mechanism makes now.
    pub(super) fn new_pair(
        &self,
        session: &Session,
        mechanism: &wire::Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<(&Mechanism, AttributeMap, AttributeMap), Error> {
        let row = session.partition.mechanism(&self.hsm.mechanisms, mechanism.id)?;
        let generate = row.generate_pair.ok_or(Error::MechanismInvalid(row.id))?;
        let (id, key_type, maker) = (row.id, made_type(row.key_types)?, self.maker(session));
        let wanted = wanted_pair(public, private, key_type, &maker)?;
        let made = generate(&mechanism.params, &wanted.0, &wanted.1)?;
        let (public, private) = generated_pair(public, private, key_type, made, id, &maker)?;
        Ok((row, public, private))
    }

    /// An act by which a key comes or leaves, by a mechanism.
    pub(super) fn makes<'a>(
        &'a self,
        session: &'a Session,
        action: &'static str,
        row: &'a Mechanism,
    ) -> Act<'a> {
        Act { mechanism: Some(row.name), ..self.life(session, action) }
    }

    /// The attributes of the key in a blob.
    fn unwrapped(
        &self,
        session: &Session,
        permit: &Permit<'_>,
        call: &UnwrapKey<'_>,
    ) -> Result<AttributeMap, Error> {
        let unwrap = permit.row.unwrap.ok_or(Error::MechanismInvalid(call.mechanism.id))?;
        let bytes = unwrap(&permit.material, &call.mechanism.params, call.wrapped.0)?;
        let partition = &session.partition;
        let closed = permit.object.is_closed();
        let origin = |_: &Secret, attributes: &AttributeMap| {
            let known = partition.origin_of(attributes)?;
            if !permit.row.malleable {
                return Ok(known);
            }
            // A key that never left can only have wrapped what left here: all else is cut and pasted. Of what
            // came from elsewhere nobody knows the pieces, so that it must not become readable.
            match known {
                None if closed => Err(Error::WrappedKeyInvalid),
                None => Ok(Some(Origin { sensitive: true, extractable: true, wrap_with_trusted: false })),
                known => Ok(known),
            }
        };
        let stand_in = |len: usize| partition.stand_in(call.wrapped.0, len);
        let unwrapping = Unwrapping {
            key: &permit.object,
            zero_padding: permit.row.zero_padding,
            origin: &origin,
            stand_in: permit.row.rejects_implicitly.then_some(&stand_in),
        };
        unwrapped(&call.template, &bytes, &unwrapping, &self.maker(session))
    }

    /// The object that is the private half of a public key: of the token, or one of the application's own.
    fn private_half(&self, session: &Session, public: &Object) -> Result<Option<Arc<Object>>, Error> {
        if let Some(half) = session.partition.private_half(public)? {
            return Ok(Some(half));
        }
        let place = self.place(&session.partition);
        let objects = place.objects.read();
        let mut halves = objects.index.iter().filter(|own| own.class() == Class::PRIVATE_KEY);
        Ok(halves.find(|own| Arc::ptr_eq(own.roles(), public.roles())).cloned())
    }
}

fn too_long() -> Error {
    Error::AttributeValueInvalid { attribute: Attr::VALUE_LEN, reason: "longer than memory".to_owned() }
}

/// The type of key that a mechanism makes: the first of its row.
fn made_type(types: &[KeyType]) -> Result<KeyType, Error> {
    types.first().copied().ok_or(Error::Internal("a mechanism that makes keys says of what type"))
}

/// The bytes of a key as they are wrapped: a secret key's value, a private key's PKCS#8.
fn wrappable(key: &Object) -> Result<Secret, Error> {
    match key.class() {
        Class::SECRET_KEY => match key.attributes().secret(Attr::VALUE) {
            Some(value) => Ok(value.duplicate()),
            None => Err(Error::KeyNotWrappable("it has no value")),
        },
        Class::PRIVATE_KEY => pkcs8::encode(key.material()?),
        _ => Err(Error::KeyNotWrappable("only secret and private keys are wrapped")),
    }
}
