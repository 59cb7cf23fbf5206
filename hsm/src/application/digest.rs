//! Digests.

use std::sync::Arc;

use wire::calls::digest::{Digest, DigestCalls, DigestFinal, DigestInit, DigestKey, DigestUpdate};
use wire::{MechanismId, ObjectHandle, Output, Repeat};

use super::Application;
use crate::error::Error;
use crate::event::{Act, Class};
use crate::object::Material;
use crate::operation::{Active, Authentication};
use crate::policy::decide_digest;
use crate::session::Session;

impl DigestCalls for Application {
    fn digest_init(&self, call: DigestInit) -> Result<Repeat, Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let Some(mechanism) = call.mechanism else {
            operations.digest.cancel();
            return Ok(Repeat::Ask);
        };
        if operations.digest.is_active() {
            return Err(Error::OperationActive);
        }
        let row = session.partition.mechanism(&self.hsm.mechanisms, mechanism.id)?;
        let work = row.digest.ok_or(Error::MechanismInvalid(mechanism.id))?(&mechanism.params)?;
        let authentication = Authentication::NotNeeded;
        let (id, mechanism) = (row.id, row.name);
        operations.digest.begin(Active { work, id, mechanism, authentication, key: None })?;
        Ok(Repeat::Same)
    }

    fn digest(&self, call: Digest<'_>) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().digest.digest(call.data.0, call.room)
    }

    fn digest_update(&self, call: DigestUpdate<'_>) -> Result<(), Error> {
        self.session(call.session)?.operations.lock().digest.update(call.data.0)
    }

    fn digest_key(&self, call: DigestKey) -> Result<(), Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let mechanism = operations.digest.mechanism()?;
        let result = self.key_to_digest(&session, mechanism, call.key).and_then(|key| match &*key {
            Material::Secret(secret) => operations.digest.update(secret.bytes().as_bytes()),
            _ => Err(Error::KeyIndigestible("it is no secret key")),
        });
        if result.is_err() {
            operations.digest.cancel();
        }
        result
    }

    fn digest_final(&self, call: DigestFinal) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().digest.finish(call.room)
    }
}

impl Application {
    /// The key, if the policy lets it be digested. The event is recorded either way.
    fn key_to_digest(
        &self,
        session: &Session,
        mechanism: MechanismId,
        key: ObjectHandle,
    ) -> Result<Arc<Material>, Error> {
        let object = self.object(session, key).ok_or(Error::KeyHandleInvalid(key.0))?;
        let decision = decide_digest(mechanism, &object).and_then(|()| object.material().cloned());
        let name = self.hsm.mechanisms.find(mechanism)?.name;
        let act = self.act(session, Class::Use(session.partition.uses()), "digest");
        Act { mechanism: Some(name), ..act }.outcome(Some(&object), &decision)?;
        decision
    }
}
