//! Two operations at once: the data goes through both, or both end.

use wire::calls::dual::{
    DecryptDigestUpdate, DecryptVerifyUpdate, DigestEncryptUpdate, DualCalls, SignEncryptUpdate,
};
use wire::{Output, Room};

use super::Application;
use crate::error::Error;
use crate::mechanism::{Cipher, Digester, Signer, Verifier};
use crate::operation::Slot;

impl DualCalls for Application {
    fn digest_encrypt_update(&self, call: DigestEncryptUpdate<'_>) -> Result<Output, Error> {
        let session = self.session(call.session)?;
        let operations = &mut *session.operations.lock();
        encrypt(
            &mut operations.encrypt,
            &mut operations.digest,
            Slot::<dyn Digester>::update,
            call.data.0,
            call.room,
        )
    }

    fn decrypt_digest_update(&self, call: DecryptDigestUpdate<'_>) -> Result<Output, Error> {
        let session = self.session(call.session)?;
        let operations = &mut *session.operations.lock();
        decrypt(
            &mut operations.decrypt,
            &mut operations.digest,
            Slot::<dyn Digester>::update,
            call.data.0,
            call.room,
        )
    }

    fn sign_encrypt_update(&self, call: SignEncryptUpdate<'_>) -> Result<Output, Error> {
        let session = self.session(call.session)?;
        let operations = &mut *session.operations.lock();
        encrypt(
            &mut operations.encrypt,
            &mut operations.sign,
            Slot::<dyn Signer>::update,
            call.data.0,
            call.room,
        )
    }

    fn decrypt_verify_update(&self, call: DecryptVerifyUpdate<'_>) -> Result<Output, Error> {
        let session = self.session(call.session)?;
        let operations = &mut *session.operations.lock();
        decrypt(
            &mut operations.decrypt,
            &mut operations.verify,
            Slot::<dyn Verifier>::update,
            call.data.0,
            call.room,
        )
    }
}

/// The plain data goes to `other`, if it was encrypted.
fn encrypt<T: ?Sized>(
    cipher: &mut Slot<dyn Cipher>,
    other: &mut Slot<T>,
    update: impl Fn(&mut Slot<T>, &[u8]) -> Result<(), Error>,
    data: &[u8],
    room: Room,
) -> Result<Output, Error> {
    both(cipher, other, |cipher, other| {
        let output = cipher.update(data, room)?;
        if matches!(output, Output::Bytes(_)) {
            update(other, data)?;
        }
        Ok(output)
    })
}

/// What was decrypted goes to `other`.
fn decrypt<T: ?Sized>(
    cipher: &mut Slot<dyn Cipher>,
    other: &mut Slot<T>,
    update: impl Fn(&mut Slot<T>, &[u8]) -> Result<(), Error>,
    data: &[u8],
    room: Room,
) -> Result<Output, Error> {
    both(cipher, other, |cipher, other| {
        let output = cipher.update(data, room)?;
        if let Output::Bytes(plain) = &output {
            update(other, plain)?;
        }
        Ok(output)
    })
}

/// An error ends both, since one may have gone on and the other not.
fn both<T: ?Sized>(
    cipher: &mut Slot<dyn Cipher>,
    other: &mut Slot<T>,
    act: impl FnOnce(&mut Slot<dyn Cipher>, &mut Slot<T>) -> Result<Output, Error>,
) -> Result<Output, Error> {
    if !cipher.is_active() || !other.is_active() {
        return Err(Error::OperationNotInitialized);
    }
    let result = act(cipher, other);
    if result.is_err() {
        cipher.cancel();
        other.cancel();
    }
    result
}
