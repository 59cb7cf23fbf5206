//! Digests.

use wire::Output;
use wire::calls::digest::{Digest, DigestCalls, DigestFinal, DigestInit, DigestKey, DigestUpdate};

use super::Application;
use crate::error::Error;
use crate::object::{Attr, Class, Material};
use crate::operation::{Active, Authentication};

impl DigestCalls for Application {
    fn digest_init(&self, call: DigestInit) -> Result<(), Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let Some(mechanism) = call.mechanism else {
            operations.digest.cancel();
            return Ok(());
        };
        if operations.digest.is_active() {
            return Err(Error::OperationActive);
        }
        let row = self.hsm.mechanisms.find(mechanism.id)?;
        let work = row.digest.ok_or(Error::MechanismInvalid(mechanism.id))?(&mechanism.params)?;
        let authentication = Authentication::NotNeeded;
        operations.digest.begin(Active { work, mechanism: row.name, authentication })
    }

    fn digest(&self, call: Digest<'_>) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().digest.digest(call.data.0, call.room)
    }

    fn digest_update(&self, call: DigestUpdate<'_>) -> Result<(), Error> {
        self.session(call.session)?.operations.lock().digest.update(call.data.0)
    }

    /// The digest of a key says something of it, so a key that must not be read is digested only where its
    /// value could be (PKCS#11 3.2, "C_DigestKey": a token may refuse).
    fn digest_key(&self, call: DigestKey) -> Result<(), Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let result =
            self.object(&session, call.key).ok_or(Error::KeyHandleInvalid(call.key.0)).and_then(|key| {
                if key.class() != Class::SECRET_KEY {
                    return Err(Error::KeyIndigestible("it is no secret key"));
                }
                if key.flag(Attr::SENSITIVE) || !key.flag(Attr::EXTRACTABLE) {
                    return Err(Error::KeyIndigestible("it is sensitive or not extractable"));
                }
                self.event(&session, "digest", Some(&key), wire::Rv::OK);
                match &**key.material()? {
                    Material::Secret(secret) => operations.digest.update(secret.bytes().as_bytes()),
                    _ => Err(Error::KeyIndigestible("it is no secret key")),
                }
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
