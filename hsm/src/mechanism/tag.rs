//! Signatures that are the first bytes of a MAC.

use crypto::mac::{Cmac, Hmac};
use crypto::sm3;

use super::{Signer, Verifier, words};
use crate::error::Error;
use wire::{Params, Value};

/// A MAC being computed.
pub(super) enum Mac {
    Hmac(Hmac),
    HmacSm3(sm3::Hmac),
    Cmac(Cmac),
}

impl Mac {
    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        Ok(match self {
            Self::Hmac(mac) => mac.update(data),
            Self::HmacSm3(mac) => {
                mac.update(data);
                Ok(())
            }
            Self::Cmac(mac) => mac.update(data),
        }?)
    }

    /// The first `len` bytes.
    fn finish(self, len: usize) -> Result<Vec<u8>, Error> {
        let mut tag = match self {
            Self::Hmac(mac) => mac.finish(),
            Self::HmacSm3(mac) => Ok(mac.finish()),
            Self::Cmac(mac) => mac.finish(),
        }?;
        tag.truncate(len);
        Ok(tag)
    }
}

/// A MAC of which the first `len` bytes are the signature; makes and checks it.
pub(super) struct Tag {
    /// The MAC.
    pub(super) mac: Mac,
    /// Length of the signature in bytes.
    pub(super) len: usize,
}

impl Signer for Tag {
    fn len(&self) -> u64 {
        self.len as u64
    }

    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.mac.update(data)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Error> {
        self.mac.finish(self.len)
    }
}

impl Verifier for Tag {
    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.mac.update(data)
    }

    fn finish(self: Box<Self>, signature: &[u8]) -> Result<(), Error> {
        if signature.len() != self.len {
            return Err(Error::SignatureLenRange);
        }
        let tag = self.mac.finish(self.len)?;
        if crypto::equal(&tag, signature) { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}

/// `CK_MAC_GENERAL_PARAMS`: how many bytes of the MAC the signature has, one at least.
///
/// # Errors
/// `MechanismParamInvalid` unless it is 1 to `most`.
pub(super) fn general_len(params: &Params, most: usize) -> Result<usize, Error> {
    let [Value::Ulong(len)] = words(params)? else {
        return Err(Error::MechanismParamInvalid("it must be CK_MAC_GENERAL_PARAMS"));
    };
    match usize::try_from(*len) {
        Ok(len) if (1..=most).contains(&len) => Ok(len),
        _ => Err(Error::MechanismParamInvalid("the MAC does not have that many bytes")),
    }
}
