//! PINs, drawn by the HSM.

use zeroize::Zeroizing;

use super::Kms;
use super::allow::About;
use super::cipher::Form;
use super::error::Result;
use crate::caller::Caller;

/// Digits of a PIN.
const DIGITS: usize = 12;
/// The name of the key that PINs are encrypted with.
const KEY: &str = "kms/default";
/// What the ciphertext of a PIN is bound to, so that it passes for nothing else.
const ADDITIONAL: &[u8] = b"pin";

impl Kms {
    /// A PIN of twelve digits.
    ///
    /// # Errors
    /// `Forbidden`; what the HSM says.
    pub fn pin(&self, caller: &Caller) -> Result<Zeroizing<String>> {
        self.permitted_in(caller, "CreatePin", About::NOTHING)?;
        let mut pin = Zeroizing::new(String::with_capacity(DIGITS));
        while pin.len() < DIGITS {
            let random = self.hsm.random_secret(DIGITS)?;
            // Of 256 values 250 make each digit equally likely.
            let digits =
                random.as_bytes().iter().filter(|byte| **byte < 250).map(|byte| char::from(b'0' + byte % 10));
            let room = DIGITS - pin.len();
            pin.extend(digits.take(room));
        }
        Ok(pin)
    }

    /// A PIN, encrypted with the project's key `kms/default`: `DecryptData` with the additional data `pin` opens it.
    ///
    /// # Errors
    /// As [`Self::pin`].
    pub fn sealed_pin(&self, caller: &Caller) -> Result<Vec<u8>> {
        let pin = self.pin(caller)?;
        let key = self.permitted(caller, "CreatePin", KEY)?.key;
        let desk = self.desk(key.slot, caller)?;
        self.seal(&desk, &key, Form::Data, pin.as_bytes(), ADDITIONAL)
    }
}
