//! Signatures and MACs.

use std::sync::Arc;

use wire::calls::sign::{Sign, SignCalls, SignFinal, SignInit, SignRecover, SignRecoverInit, SignUpdate};
use wire::{Output, Repeat};

use super::Application;
use crate::error::Error;
use crate::operation::Recovery;
use crate::policy::Usage;
use crate::session::Waits;

impl SignCalls for Application {
    fn sign_init(&self, call: SignInit) -> Result<Repeat, Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let Some(mechanism) = call.mechanism else {
            operations.sign.cancel();
            return Ok(Repeat::Ask);
        };
        if operations.sign.is_active() {
            return Err(Error::OperationActive);
        }
        let permit = self.permit(&session, Usage::Sign, &mechanism, call.key)?;
        let begin = permit.row.sign.ok_or(Error::MechanismInvalid(mechanism.id))?;
        permit.begin(&mut operations.sign, begin(&permit.material, &mechanism.params)?)?;
        operations.wait_for(Waits::Sign, permit.authentication);
        Ok(permit.repeat())
    }

    fn sign(&self, call: Sign<'_>) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().sign.sign(call.data.0, call.room)
    }

    fn sign_update(&self, call: SignUpdate<'_>) -> Result<(), Error> {
        self.session(call.session)?.operations.lock().sign.update(call.data.0)
    }

    fn sign_final(&self, call: SignFinal) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().sign.finish(call.room)
    }

    fn sign_recover_init(&self, call: SignRecoverInit) -> Result<(), Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let Some(mechanism) = call.mechanism else {
            operations.sign_recover.cancel();
            return Ok(());
        };
        if operations.sign_recover.is_active() {
            return Err(Error::OperationActive);
        }
        let permit = self.permit(&session, Usage::SignRecover, &mechanism, call.key)?;
        let run = permit.row.sign_recover.ok_or(Error::MechanismInvalid(mechanism.id))?;
        let recovery = Recovery { run, key: Arc::clone(&permit.material), params: mechanism.params };
        permit.begin(&mut operations.sign_recover, Box::new(recovery))?;
        operations.wait_for(Waits::SignRecover, permit.authentication);
        Ok(())
    }

    fn sign_recover(&self, call: SignRecover<'_>) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().sign_recover.whole(call.data.0, call.room)
    }
}
