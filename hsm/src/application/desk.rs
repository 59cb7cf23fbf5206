//! Where a service works on a partition for somebody: its keys are objects there like all others, under the same
//! policy and recorded the same, and what the service keeps of them changes in one commit with them.
//!
//! Who may ask what of a service, the service has decided before it comes here. So a desk needs no PIN; it is an
//! application of its own, for as long as one request lasts.

use std::sync::Arc;

use crypto::Secret;
use wire::calls::decrypt::{Decrypt, DecryptCalls, DecryptInit};
use wire::calls::encrypt::{Encrypt, EncryptCalls, EncryptInit};
use wire::calls::key::{DeriveKey, KeyCalls};
use wire::calls::session::{OpenSession, SessionCalls};
use wire::calls::sign::{Sign, SignCalls, SignInit};
use wire::calls::verify::{Verify, VerifyCalls, VerifyInit};
use wire::handshake::ApplicationToken;
use wire::{Attribute, List, Mechanism, Output, Room, SessionHandle, Slice, Template, template};

use super::{Application, Login};
use crate::error::Error;
use crate::event::{Act, Actor, Class, Door, Person};
use crate::hsm::Hsm;
use crate::object::{Attr, AttributeMap, AttributeValue, KeyType, Object, create, pkcs8, roles, unique_id};
use crate::partition::{Partition, Revision, Task};
use crate::remote::Remote;
use crate::service::Write;
use crate::user::User;
use crate::vault::Version;

/// `CKF_RW_SESSION | CKF_SERIAL_SESSION`
const SESSION: u64 = 6;

/// For whom a service works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The name, for people.
    pub name: String,
    /// What tells this one from others for ever.
    pub id: String,
}

impl Guest {
    /// The guest, as who acts.
    #[must_use]
    pub fn actor(&self) -> Actor<'_> {
        Actor { door: Door::Rest, peer: None, user: "user", person: Some(self.person()) }
    }

    pub(super) fn person(&self) -> Person<'_> {
        Person { name: &self.name, id: &self.id }
    }
}

/// A key or a pair that was made or brought, and is nowhere yet.
#[derive(Debug)]
pub struct Fresh(Vec<Object>);

impl Fresh {
    /// The numbers that its objects will have on the partition: of a pair the public key's first.
    #[must_use]
    pub fn numbers(&self) -> Vec<u64> {
        self.0.iter().map(|object| object.number).collect()
    }

    /// Bits of the modulus, of an RSA pair.
    #[must_use]
    pub fn modulus_bits(&self) -> Option<u64> {
        let modulus = self.0.first()?.attributes().plain(Attr::MODULUS)?;
        let zeros = u64::from(modulus.first()?.leading_zeros());
        Some(modulus.len() as u64 * 8 - zeros)
    }

    /// `CKA_EC_PARAMS`, of a pair on a curve.
    #[must_use]
    pub fn curve(&self) -> Option<&[u8]> {
        self.0.first()?.attributes().plain(Attr::EC_PARAMS)
    }
}

/// What is done in one commit.
#[derive(Debug, Default)]
pub struct Work<'a> {
    /// What it is, as it is recorded.
    pub action: &'static str,
    /// What else there is to say of it, none of it secret.
    pub details: &'a [(&'a str, String)],
    /// Keys that come.
    pub add: Vec<Fresh>,
    /// Objects that change, by number.
    pub revise: Vec<(u64, Revision)>,
    /// Objects that go, by number. One that is gone already is no error.
    pub remove: Vec<u64>,
    /// What the service keeps, each with the slot of the partition whose record it is; 0 for the HSM's own.
    pub writes: Vec<(u64, Write)>,
}

/// A service's place on a partition, for one guest.
pub struct Desk {
    application: Application,
    partition: Arc<Partition>,
    session: SessionHandle,
}

impl Hsm {
    /// A desk on the partition of a slot.
    ///
    /// # Errors
    /// `SlotIdInvalid`, `TokenNotInitialized`, `Frozen`; `Crypto` if no tag can be drawn.
    pub fn desk(self: &Arc<Self>, slot: u64, guest: Guest) -> Result<Desk, Error> {
        let slot = wire::SlotId(slot);
        let partition = self.partition(slot).ok_or(Error::SlotIdInvalid(slot.0))?;
        let token = ApplicationToken([0; 16]);
        let application = Application::blank(Arc::clone(self), token, Remote::PEER, Door::Rest, Some(guest))?;
        let session = application.open_session(OpenSession { slot, flags: SESSION })?;
        let place = application.place(&partition);
        *place.login.write() = Login { user: User::User, name: None, generation: 1 };
        Ok(Desk { application, partition, session })
    }
}

impl Desk {
    /// The partition.
    #[must_use]
    pub const fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// Makes a secret key.
    ///
    /// # Errors
    /// As `C_GenerateKey`.
    pub fn generate(&self, mechanism: &Mechanism, template: &Template) -> Result<Fresh, Error> {
        let session = self.application.session(self.session)?;
        let (_, key) = self.application.new_key(&session, mechanism, template)?;
        self.unused(vec![key])
    }

    /// Makes a pair of keys.
    ///
    /// # Errors
    /// As `C_GenerateKeyPair`.
    pub fn generate_pair(
        &self,
        mechanism: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<Fresh, Error> {
        let session = self.application.session(self.session)?;
        let (_, public, private) = self.application.new_pair(&session, mechanism, public, private)?;
        self.unused(vec![public, private])
    }

    /// Brings keys from elsewhere.
    ///
    /// # Errors
    /// As `C_CreateObject`.
    pub fn bring(&self, templates: &[Template]) -> Result<Fresh, Error> {
        let session = self.application.session(self.session)?;
        let maker = self.application.maker(&session);
        self.fresh(templates.iter().map(|template| create(template, &maker)).collect::<Result<_, _>>()?)
    }

    /// Brings a pair from elsewhere, whose private key is given as PKCS #8. The templates say what the halves are
    /// beside that.
    ///
    /// # Errors
    /// `DataInvalid` if it is not the private key of this type; else as `C_CreateObject`.
    pub fn bring_pair(
        &self,
        pkcs8: &Secret,
        key_type: KeyType,
        public: Template,
        private: Template,
    ) -> Result<Fresh, Error> {
        let parts = pkcs8::decode(pkcs8, key_type)?;
        let private = self.bring(&[with(private, key_type, &parts, |_| true)?])?;
        let [half] = private.0.as_slice() else { return Err(Error::Internal("a private key is one object")) };
        // Of the numbers that both halves have, the public one takes what the private one was checked with.
        half.material()?;
        let shared =
            |attribute: Attr| matches!(attribute, Attr::MODULUS | Attr::PUBLIC_EXPONENT | Attr::EC_PARAMS);
        let mut parts = half.attributes().duplicate();
        let mut public = with(public, key_type, &parts, shared)?;
        if parts.get(Attr::EC_PARAMS).is_some() {
            let point = crate::object::spki::point(&spki(half)?)?;
            parts.set_plain(Attr::EC_POINT, point);
            public = with(public, key_type, &parts, |attribute| attribute == Attr::EC_POINT)?;
        }
        let public = self.bring(&[public])?;
        Ok(Fresh(public.0.into_iter().chain(private.0).collect()))
    }

    /// Objects of another desk's partition as they would be on this one: the same keys, which are not there yet.
    ///
    /// # Errors
    /// `ObjectHandleInvalid` if one is not there; `KeyUnextractable` if its key is under a quorum, which holds in its
    /// own partition only.
    pub fn copies(&self, of: &Self, numbers: &[u64]) -> Result<Fresh, Error> {
        let mut objects = Vec::with_capacity(numbers.len());
        for number in numbers {
            let object = of.partition.object(*number).ok_or(Error::ObjectHandleInvalid(*number))?;
            if object.roles().is_guarded() {
                return Err(Error::KeyUnextractable("uses of it need the approval of its quorum"));
            }
            let mut attributes = object.attributes_to_store();
            attributes.set_plain(Attr::UNIQUE_ID, unique_id()?);
            objects.push(attributes);
        }
        self.fresh(objects)
    }

    fn fresh(&self, keys: Vec<AttributeMap>) -> Result<Fresh, Error> {
        let objects = keys.into_iter().map(|attributes| self.partition.new_object(attributes));
        Ok(Fresh(objects.collect::<Result<_, _>>()?))
    }

    /// New keys, which nobody had before: they take the roles that they are for with their making, so that their first
    /// use writes nothing.
    fn unused(&self, mut keys: Vec<AttributeMap>) -> Result<Fresh, Error> {
        for attributes in &mut keys {
            match roles::meant(attributes) {
                0 => {}
                meant => attributes.set_ulong(Attr::ROLES_USED, meant.into()),
            }
        }
        self.fresh(keys)
    }

    /// Gives a pair out that was made for the guest and is kept nowhere: the private key as PKCS #8, the public
    /// one as SubjectPublicKeyInfo, both DER. The private key must have been made extractable.
    ///
    /// # Errors
    /// `KeyUnextractable`; `NotRecorded`.
    pub fn give_out(&self, pair: &Fresh, details: &[(&str, String)]) -> Result<(Secret, Vec<u8>), Error> {
        let [public, private] = pair.0.as_slice() else { return Err(Error::Internal("a pair is two keys")) };
        if !private.flag(Attr::EXTRACTABLE) {
            return Err(Error::KeyUnextractable("CKA_EXTRACTABLE is false"));
        }
        let session = self.application.session(self.session)?;
        let act = Act { details, ..self.application.life(&session, "give out a key pair") };
        let bytes = pkcs8::encode(private.material()?).and_then(|key| Ok((key, spki(public)?)));
        act.outcome(Some(private), &bytes)?;
        bytes
    }

    /// Does all of a work or nothing, in one commit with a record of each object, and gives the version that the records have
    /// then. The objects that came are there afterwards, under the numbers that [`Fresh::numbers`] told.
    ///
    /// # Errors
    /// `ObjectCount`; `ObjectHandleInvalid` for an object to be revised that is gone; `Conflict` of the vault if
    /// a record was changed meanwhile; what else the vault says.
    pub fn commit(&self, work: Work<'_>) -> Result<Version, Error> {
        let hsm = &self.application.hsm;
        let session = self.application.session(self.session)?;
        let touches_objects = !(work.add.is_empty() && work.revise.is_empty() && work.remove.is_empty());
        let class = if touches_objects { Class::LifeCycle } else { Class::Administration };
        let act = Act { details: work.details, ..self.application.act(&session, class, work.action) };
        let writes = work.writes.into_iter().map(|(domain, write)| write.change(domain)).collect();
        let task = Task {
            add: work.add.into_iter().flat_map(|fresh| fresh.0).collect(),
            revise: work.revise,
            remove: work.remove,
            writes,
        };
        let ends = |(number, revision): &(u64, Revision)| {
            matches!(revision, Revision::Suspended(true)).then_some(*number)
        };
        let ended: Vec<u64> =
            task.revise.iter().filter_map(ends).chain(task.remove.iter().copied()).collect();
        let changes = !(task.revise.is_empty() && task.remove.is_empty());
        let _changing = changes.then(|| hsm.changing(&self.partition));
        let done = self.partition.perform(&hsm.vault, hsm.settings.max_token_objects, task, &act);
        if done.is_ok() && !ended.is_empty() {
            hsm.end_operations_with(&self.partition, &ended);
        }
        act.unless_done(None, done)
    }

    /// Records something of which nothing is kept.
    ///
    /// # Errors
    /// `NotRecorded`: then it must not happen.
    pub fn record(&self, action: &'static str, details: &[(&str, String)]) -> Result<(), Error> {
        let session = self.application.session(self.session)?;
        let act = self.application.act(&session, Class::Use(self.partition.uses()), action);
        Act { details, ..act }.done(None)
    }

    /// A public key as SubjectPublicKeyInfo, DER.
    ///
    /// # Errors
    /// `ObjectHandleInvalid` if there is none of this number.
    pub fn public_key(&self, number: u64) -> Result<Vec<u8>, Error> {
        spki(&*self.partition.object(number).ok_or(Error::ObjectHandleInvalid(number))?)
    }

    /// Signs, or makes a MAC.
    ///
    /// # Errors
    /// As `C_SignInit` and `C_Sign`.
    pub fn sign(&self, number: u64, mechanism: Mechanism, data: &[u8]) -> Result<Vec<u8>, Error> {
        let (session, key) = (self.session, self.application.handle_of(self.session, number)?);
        self.application.sign_init(SignInit { session, mechanism: Some(mechanism), key })?;
        output(self.application.sign(Sign { session, data: Slice(data), room: ROOM })?)
    }

    /// Whether a signature or MAC is right.
    ///
    /// # Errors
    /// As `C_VerifyInit` and `C_Verify`, but for a signature that is not right.
    pub fn verify(
        &self,
        number: u64,
        mechanism: Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        let (session, key) = (self.session, self.application.handle_of(self.session, number)?);
        self.application.verify_init(VerifyInit { session, mechanism: Some(mechanism), key })?;
        match self.application.verify(Verify { session, data: Slice(data), signature: Slice(signature) }) {
            Ok(()) => Ok(true),
            Err(Error::SignatureInvalid | Error::SignatureLenRange) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Encrypts.
    ///
    /// # Errors
    /// As `C_EncryptInit` and `C_Encrypt`.
    pub fn encrypt(&self, number: u64, mechanism: Mechanism, data: &[u8]) -> Result<Vec<u8>, Error> {
        let (session, key) = (self.session, self.application.handle_of(self.session, number)?);
        self.application.encrypt_init(EncryptInit { session, mechanism: Some(mechanism), key })?;
        output(self.application.encrypt(Encrypt { session, data: Slice(data), room: ROOM })?)
    }

    /// Decrypts.
    ///
    /// # Errors
    /// As `C_DecryptInit` and `C_Decrypt`.
    pub fn decrypt(&self, number: u64, mechanism: Mechanism, data: &[u8]) -> Result<Secret, Error> {
        let (session, key) = (self.session, self.application.handle_of(self.session, number)?);
        self.application.decrypt_init(DecryptInit { session, mechanism: Some(mechanism), key })?;
        output(self.application.decrypt(Decrypt { session, data: Slice(data), room: ROOM })?).map(Secret::new)
    }

    /// Derives a secret, which is given to the guest and kept nowhere. The template must make it readable.
    ///
    /// # Errors
    /// As `C_DeriveKey`; `KeyUnextractable`.
    pub fn derive(&self, number: u64, mechanism: Mechanism, template: Template) -> Result<Secret, Error> {
        let base_key = self.application.handle_of(self.session, number)?;
        let call = DeriveKey { session: self.session, mechanism, base_key, template };
        let derived = self.application.derive_key(call)?;
        let object = self.application.object_of(self.session, derived)?;
        if object.flag(Attr::SENSITIVE) || !object.flag(Attr::EXTRACTABLE) {
            return Err(Error::KeyUnextractable("it is sensitive or not extractable"));
        }
        let value = object.attributes().secret(Attr::VALUE);
        value.map(Secret::duplicate).ok_or(Error::Internal("a derived key has a value"))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.application.end();
    }
}

/// As much as an operation may give: it is not asked for its length first.
const ROOM: Room = Room::Bytes(template::MAX_VALUE);

/// A template with the type of a key and those of its parts that are wanted.
fn with(
    template: Template,
    key_type: KeyType,
    parts: &AttributeMap,
    wanted: impl Fn(Attr) -> bool,
) -> Result<Template, Error> {
    let mut attributes = template.into_vec();
    let there =
        |attributes: &[Attribute], name: Attr| attributes.iter().any(|given| given.kind == name.into());
    if !there(&attributes, Attr::KEY_TYPE) {
        let value = template::AttributeValue::Bytes(key_type.0.to_le_bytes().as_slice().into());
        attributes.push(Attribute { kind: Attr::KEY_TYPE.into(), value });
    }
    for (name, value) in parts.iter().filter(|(name, _)| wanted(*name)) {
        let bytes = match value {
            AttributeValue::Plain(bytes) => bytes.as_slice(),
            AttributeValue::Secret(secret) => secret.as_bytes(),
            AttributeValue::Template(_) => continue,
        };
        if !there(&attributes, name) {
            let value = template::AttributeValue::Bytes(bytes.into());
            attributes.push(Attribute { kind: name.into(), value });
        }
    }
    List::new(attributes).ok_or(Error::Internal("a template has room for the parts of a key"))
}

fn output(output: Output) -> Result<Vec<u8>, Error> {
    match output {
        Output::Bytes(bytes) => Ok(bytes.to_vec()),
        _ => Err(Error::Internal("there is room for what an operation gives")),
    }
}

fn spki(public: &Object) -> Result<Vec<u8>, Error> {
    let info = public.attributes().plain(Attr::PUBLIC_KEY_INFO).filter(|info| !info.is_empty());
    info.map(<[u8]>::to_vec).ok_or(Error::KeyTypeInconsistent("the public half of a pair"))
}
