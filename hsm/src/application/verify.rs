//! Checking signatures and MACs.

use std::sync::Arc;

use wire::calls::verify::{
    Verify, VerifyCalls, VerifyFinal, VerifyInit, VerifyRecover, VerifyRecoverInit, VerifyUpdate,
};
use wire::{Output, Repeat};

use super::Application;
use crate::error::Error;
use crate::operation::Recovery;
use crate::policy::Usage;
use crate::session::Waits;

impl VerifyCalls for Application {
    fn verify_init(&self, call: VerifyInit) -> Result<Repeat, Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let Some(mechanism) = call.mechanism else {
            operations.verify.cancel();
            return Ok(Repeat::Ask);
        };
        if operations.verify.is_active() {
            return Err(Error::OperationActive);
        }
        let permit = self.permit(&session, Usage::Verify, &mechanism, call.key)?;
        let begin = permit.row.verify.ok_or(Error::MechanismInvalid(mechanism.id))?;
        permit.begin(&mut operations.verify, begin(&permit.material, &mechanism.params)?)?;
        operations.wait_for(Waits::Verify, permit.authentication);
        Ok(permit.repeat())
    }

    fn verify(&self, call: Verify<'_>) -> Result<(), Error> {
        self.session(call.session)?.operations.lock().verify.verify(call.data.0, call.signature.0)
    }

    fn verify_update(&self, call: VerifyUpdate<'_>) -> Result<(), Error> {
        self.session(call.session)?.operations.lock().verify.update(call.data.0)
    }

    fn verify_final(&self, call: VerifyFinal<'_>) -> Result<(), Error> {
        self.session(call.session)?.operations.lock().verify.finish(call.signature.0)
    }

    fn verify_recover_init(&self, call: VerifyRecoverInit) -> Result<(), Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let Some(mechanism) = call.mechanism else {
            operations.verify_recover.cancel();
            return Ok(());
        };
        if operations.verify_recover.is_active() {
            return Err(Error::OperationActive);
        }
        let permit = self.permit(&session, Usage::VerifyRecover, &mechanism, call.key)?;
        let run = permit.row.verify_recover.ok_or(Error::MechanismInvalid(mechanism.id))?;
        let recovery = Recovery { run, key: Arc::clone(&permit.material), params: mechanism.params };
        permit.begin(&mut operations.verify_recover, Box::new(recovery))?;
        operations.wait_for(Waits::VerifyRecover, permit.authentication);
        Ok(())
    }

    fn verify_recover(&self, call: VerifyRecover<'_>) -> Result<Output, Error> {
        self.session(call.session)?.operations.lock().verify_recover.whole(call.signature.0, call.room)
    }
}
