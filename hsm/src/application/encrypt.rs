//! Encryption.

use wire::calls::encrypt::{Encrypt, EncryptCalls, EncryptFinal, EncryptInit, EncryptUpdate};
use wire::{Output, Repeat};

use super::Application;
use crate::error::Error;
use crate::policy::Usage;
use crate::session::Waits;

impl EncryptCalls for Application {
    fn encrypt_init(&self, call: EncryptInit) -> Result<Repeat, Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let Some(mechanism) = call.mechanism else {
            operations.encrypt.cancel();
            return Ok(Repeat::Ask);
        };
        if operations.encrypt.is_active() {
            return Err(Error::OperationActive);
        }
        let permit = self.permit(&session, Usage::Encrypt, &mechanism, call.key)?;
        let begin = permit.row.encrypt.ok_or(Error::MechanismInvalid(mechanism.id))?;
        permit.begin(&mut operations.encrypt, begin(&permit.material, &mechanism.params)?)?;
        operations.wait_for(Waits::Encrypt, permit.authentication);
        Ok(permit.repeat())
    }

    fn encrypt(&self, call: Encrypt<'_>) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().encrypt.whole(call.data.0, call.room)
    }

    fn encrypt_update(&self, call: EncryptUpdate<'_>) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().encrypt.update(call.data.0, call.room)
    }

    fn encrypt_final(&self, call: EncryptFinal) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().encrypt.finish(call.room)
    }
}
