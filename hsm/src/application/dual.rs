//! Two operations at once: the data goes through both, or both end.

use wire::calls::dual::{
    DecryptDigestUpdate, DecryptVerifyUpdate, DigestEncryptUpdate, DualCalls, SignEncryptUpdate,
};
use wire::{Output, Room};

use super::Application;
use crate::error::Error;
use crate::session::Operations;

impl DualCalls for Application {
    fn digest_encrypt_update(&self, call: DigestEncryptUpdate<'_>) -> Result<Output, Error> {
        let session = self.session(call.session)?;
        let operations = &mut *session.operations.lock();
        let output = operations.encrypt_if(operations.digest.is_active(), call.data.0, call.room)?;
        if matches!(output, Output::Bytes(_)) {
            operations.digest.update(call.data.0)?;
        }
        Ok(output)
    }

    fn decrypt_digest_update(&self, call: DecryptDigestUpdate<'_>) -> Result<Output, Error> {
        let session = self.session(call.session)?;
        let operations = &mut *session.operations.lock();
        let output = operations.decrypt_if(operations.digest.is_active(), call.data.0, call.room)?;
        if let Output::Bytes(data) = &output {
            operations.digest.update(data)?;
        }
        Ok(output)
    }

    fn sign_encrypt_update(&self, call: SignEncryptUpdate<'_>) -> Result<Output, Error> {
        let session = self.session(call.session)?;
        let operations = &mut *session.operations.lock();
        let output = operations.encrypt_if(operations.sign.is_active(), call.data.0, call.room)?;
        if matches!(output, Output::Bytes(_)) {
            operations.sign.update(call.data.0)?;
        }
        Ok(output)
    }

    fn decrypt_verify_update(&self, call: DecryptVerifyUpdate<'_>) -> Result<Output, Error> {
        let session = self.session(call.session)?;
        let operations = &mut *session.operations.lock();
        let output = operations.decrypt_if(operations.verify.is_active(), call.data.0, call.room)?;
        if let Output::Bytes(data) = &output {
            operations.verify.update(data)?;
        }
        Ok(output)
    }
}

impl Operations {
    fn encrypt_if(&mut self, other_is_active: bool, data: &[u8], room: Room) -> Result<Output, Error> {
        if !other_is_active {
            return Err(Error::OperationNotInitialized);
        }
        self.encrypt.update(data, room)
    }

    fn decrypt_if(&mut self, other_is_active: bool, data: &[u8], room: Room) -> Result<Output, Error> {
        if !other_is_active {
            return Err(Error::OperationNotInitialized);
        }
        self.decrypt.update(data, room)
    }
}
