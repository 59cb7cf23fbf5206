//! Decryption.

use wire::calls::decrypt::{Decrypt, DecryptCalls, DecryptFinal, DecryptInit, DecryptUpdate};
use wire::{Output, Repeat};

use super::Application;
use crate::error::Error;
use crate::policy::Usage;
use crate::session::Waits;

impl DecryptCalls for Application {
    fn decrypt_init(&self, call: DecryptInit) -> Result<Repeat, Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let Some(mechanism) = call.mechanism else {
            operations.decrypt.cancel();
            return Ok(Repeat::Ask);
        };
        if operations.decrypt.is_active() {
            return Err(Error::OperationActive);
        }
        let permit = self.permit(&session, Usage::Decrypt, &mechanism, call.key)?;
        let begin = permit.row.decrypt.ok_or(Error::MechanismInvalid(mechanism.id))?;
        permit.begin(&mut operations.decrypt, begin(&permit.material, &mechanism.params)?)?;
        operations.wait_for(Waits::Decrypt, permit.authentication);
        Ok(permit.repeat())
    }

    fn decrypt(&self, call: Decrypt<'_>) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().decrypt.whole(call.data.0, call.room)
    }

    fn decrypt_update(&self, call: DecryptUpdate<'_>) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().decrypt.update(call.data.0, call.room)
    }

    fn decrypt_final(&self, call: DecryptFinal) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().decrypt.finish(call.room)
    }
}
