//! AES-GCM and AES-CCM (PKCS#11 3.2, "Additional AES Mechanisms").
//!
//! What is decrypted is held back until its tag is checked. The standard names tags of any length; those that NIST
//! SP 800-38D and SP 800-38C do not have are refused, and so is an empty GCM IV.

use std::sync::Arc;

use crypto::Secret;
use crypto::aead::{GcmSeal, ccm_open, ccm_seal};
use wire::{MechanismId, Params, Value};

use super::aes::{ROW, aes_key};
use super::gather::{self, Direction, Parts};
use super::{Cipher, Field, Mechanism, generic, words};
use crate::error::Error;
use crate::object::{Material, SecretKey};

/// `CK_GCM_PARAMS`: IV, its bits, additional data, bits of the tag.
const CK_GCM_PARAMS: &[Field] = &[Field::Bytes, Field::Ulong, Field::Bytes, Field::Ulong];
/// The same in PKCS#11 2.20 and 2.30, without the bits of the IV.
const GCM_PARAMS_OF_2_20: &[Field] = &[Field::Bytes, Field::Bytes, Field::Ulong];
/// What GCM takes where it wraps no keys.
pub(super) const GCM_PARAMS: &[&[Field]] = &[CK_GCM_PARAMS, GCM_PARAMS_OF_2_20];

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: MechanismId(0x1087),
        name: "CKM_AES_GCM",
        params: &[
            CK_GCM_PARAMS,
            GCM_PARAMS_OF_2_20,
            // CK_GCM_WRAP_PARAMS: IV, its fixed bits, its generator, additional data, bits of the tag.
            &[Field::Bytes, Field::Ulong, Field::Ulong, Field::Bytes, Field::Ulong],
        ],
        any_bytes: true,
        encrypt: Some(gcm_encrypt),
        decrypt: Some(gcm_decrypt),
        wrap: Some(gcm_wrap),
        unwrap: Some(gcm_unwrap),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x1088),
        name: "CKM_AES_CCM",
        // CK_CCM_PARAMS: length of the data, nonce, additional data, length of the MAC.
        params: &[&[Field::Ulong, Field::Bytes, Field::Bytes, Field::Ulong]],
        any_bytes: true,
        encrypt: Some(ccm_encrypt),
        decrypt: Some(ccm_decrypt),
        ..ROW
    },
];

/// The parameter of GCM.
pub(super) struct Gcm {
    pub(super) iv: Vec<u8>,
    pub(super) aad: Vec<u8>,
    /// Bytes.
    pub(super) tag_len: usize,
}

impl Gcm {
    /// `CK_GCM_PARAMS`. Its `ulIvBits` is ignored: clients leave it zero, and the IV has its length by itself.
    pub(super) fn read(params: &Params) -> Result<Self, Error> {
        match words(params)? {
            [Value::Bytes(iv), Value::Ulong(_), Value::Bytes(aad), Value::Ulong(tag_bits)]
            | [Value::Bytes(iv), Value::Bytes(aad), Value::Ulong(tag_bits)] => Self::of(iv, aad, *tag_bits),
            _ => Err(Error::MechanismParamInvalid("it must be CK_GCM_PARAMS")),
        }
    }

    /// `CK_GCM_PARAMS` or `CK_GCM_WRAP_PARAMS`. An IV that the token makes would have to get back to the caller in
    /// the parameter, which only the message functions do, so that the caller must give it (`CKG_NO_GENERATE`).
    /// Unwrapping ignores the generator, as the standard has it.
    fn read_wrap(params: &Params, direction: Direction) -> Result<Self, Error> {
        match words(params)? {
            [
                Value::Bytes(iv),
                Value::Ulong(_),
                Value::Ulong(generator),
                Value::Bytes(aad),
                Value::Ulong(tag_bits),
            ] => {
                if *generator != 0 && direction == Direction::Encrypt {
                    return Err(Error::MechanismParamInvalid("only CKG_NO_GENERATE is supported"));
                }
                Self::of(iv, aad, *tag_bits)
            }
            _ => Self::read(params),
        }
    }

    fn of(iv: &[u8], aad: &[u8], tag_bits: u64) -> Result<Self, Error> {
        const MAX_IV: usize = 1 << 16; // as the library has it
        if iv.is_empty() || iv.len() > MAX_IV {
            return Err(Error::MechanismParamInvalid("a GCM IV has 1 to 65536 bytes"));
        }
        let tag_len = match tag_bits {
            32 => 4,
            64 => 8,
            96 => 12,
            104 => 13,
            112 => 14,
            120 => 15,
            128 => 16,
            _ => {
                return Err(Error::MechanismParamInvalid(
                    "a GCM tag has 32, 64, 96, 104, 112, 120 or 128 bits",
                ));
            }
        };
        Ok(Self { iv: iv.to_vec(), aad: aad.to_vec(), tag_len })
    }

    fn seal(&self, key: &SecretKey, data: &[u8]) -> Result<Vec<u8>, Error> {
        key.gcm()?.seal(&self.iv, &self.aad, self.tag_len, data).map_err(|error| match error {
            crypto::Error::TooLong => Direction::Encrypt.too_long(),
            other => other.into(),
        })
    }

    /// The data, or `invalid` if the tag is wrong.
    fn open(&self, key: &SecretKey, sealed: &[u8], invalid: Error) -> Result<Vec<u8>, Error> {
        key.gcm()?.open(&self.iv, &self.aad, self.tag_len, sealed).map_err(|error| match error {
            crypto::Error::InvalidData(_) => invalid,
            other => other.into(),
        })
    }
}

/// Encryption, which gives out what it can at once.
struct Sealing {
    key: Arc<Material>,
    gcm: Gcm,
    /// Once data came in a part.
    begun: Option<GcmSeal>,
}

fn gcm_encrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    generic::secret(key, "AES-GCM")?.gcm()?;
    Ok(Box::new(Sealing { key: Arc::clone(key), gcm: Gcm::read(params)?, begun: None }))
}

impl Sealing {
    fn begin(&self) -> Result<GcmSeal, Error> {
        let key = generic::secret(&self.key, "AES-GCM")?.gcm()?;
        Ok(key.seal_parts(&self.gcm.iv, &self.gcm.aad, self.gcm.tag_len)?)
    }
}

impl Cipher for Sealing {
    fn update_len(&self, input: u64) -> u64 {
        input
    }

    fn final_len(&self) -> u64 {
        self.gcm.tag_len as u64
    }

    fn update(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Error> {
        let mut begun = match self.begun.take() {
            Some(begun) => begun,
            None => self.begin()?,
        };
        begun.update(input, output).map_err(|error| match error {
            crypto::Error::TooLong => Direction::Encrypt.too_long(),
            other => other.into(),
        })?;
        self.begun = Some(begun);
        Ok(())
    }

    fn finish(mut self: Box<Self>, output: &mut Vec<u8>) -> Result<(), Error> {
        let begun = match self.begun.take() {
            Some(begun) => begun,
            None => self.begin()?,
        };
        Ok(begun.finish(output)?)
    }

    fn whole(mut self: Box<Self>, input: &[u8], output: &mut Vec<u8>) -> Result<(), Error> {
        if self.begun.is_some() {
            self.update(input, output)?;
            return self.finish(output);
        }
        let sealed = self.gcm.seal(generic::secret(&self.key, "AES-GCM")?, input)?;
        gather::append(sealed, output);
        Ok(())
    }
}

fn gcm_decrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    generic::secret(key, "AES-GCM")?.gcm()?;
    let (key, gcm) = (Arc::clone(key), Gcm::read(params)?);
    let tag_len = gcm.tag_len as u64;
    Ok(gather::cipher(
        Direction::Decrypt,
        Parts::Many,
        move |len| len.saturating_sub(tag_len),
        move |sealed| {
            if sealed.len() < gcm.tag_len {
                return Err(Error::EncryptedDataLenRange);
            }
            gcm.open(generic::secret(&key, "AES-GCM")?, sealed, Error::EncryptedDataInvalid)
        },
    ))
}

fn gcm_wrap(key: &Arc<Material>, params: &Params, target: &Secret) -> Result<Vec<u8>, Error> {
    let key = generic::secret(key, "AES-GCM")?;
    Gcm::read_wrap(params, Direction::Encrypt)?.seal(key, target.as_bytes())
}

fn gcm_unwrap(key: &Arc<Material>, params: &Params, wrapped: &[u8]) -> Result<Secret, Error> {
    let key = generic::secret(key, "AES-GCM")?;
    let gcm = Gcm::read_wrap(params, Direction::Decrypt)?;
    if wrapped.len() <= gcm.tag_len {
        return Err(Error::WrappedKeyLenRange);
    }
    Ok(Secret::new(gcm.open(key, wrapped, Error::WrappedKeyInvalid)?))
}

/// `CK_CCM_PARAMS`
struct Ccm {
    data_len: usize,
    nonce: Vec<u8>,
    aad: Vec<u8>,
    mac_len: usize,
}

impl Ccm {
    fn read(params: &Params) -> Result<Self, Error> {
        let [Value::Ulong(data_len), Value::Bytes(nonce), Value::Bytes(aad), Value::Ulong(mac_len)] =
            words(params)?
        else {
            return Err(Error::MechanismParamInvalid("it must be CK_CCM_PARAMS"));
        };
        if !(7..=13).contains(&nonce.len()) {
            return Err(Error::MechanismParamInvalid("a CCM nonce has 7 to 13 bytes"));
        }
        if !matches!(mac_len, 4 | 6 | 8 | 10 | 12 | 14 | 16) {
            return Err(Error::MechanismParamInvalid("a CCM MAC has 4, 6, 8, 10, 12, 14 or 16 bytes"));
        }
        let bits = 8 * (15 - nonce.len()); // of the length of the data
        if *data_len > wire::frame::MAX_DATA || (bits < 64 && data_len >> bits != 0) {
            return Err(Error::MechanismParamInvalid("ulDataLen is more than fits"));
        }
        Ok(Self {
            data_len: *data_len as usize,
            nonce: nonce.to_vec(),
            aad: aad.to_vec(),
            mac_len: *mac_len as usize,
        })
    }
}

fn ccm_encrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (key, ccm) = (aes_key(key)?, Ccm::read(params)?);
    let len = (ccm.data_len + ccm.mac_len) as u64;
    Ok(gather::cipher(
        Direction::Encrypt,
        Parts::Many,
        move |_| len,
        move |data| {
            if data.len() != ccm.data_len {
                return Err(Error::DataLenRange("not the ulDataLen of the parameter"));
            }
            Ok(ccm_seal(&key, &ccm.nonce, &ccm.aad, ccm.mac_len, data)?)
        },
    ))
}

fn ccm_decrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (key, ccm) = (aes_key(key)?, Ccm::read(params)?);
    let len = ccm.data_len as u64;
    Ok(gather::cipher(
        Direction::Decrypt,
        Parts::Many,
        move |_| len,
        move |sealed| {
            if sealed.len() != ccm.data_len + ccm.mac_len {
                return Err(Error::EncryptedDataLenRange);
            }
            ccm_open(&key, &ccm.nonce, &ccm.aad, ccm.mac_len, sealed).map_err(|error| match error {
                crypto::Error::InvalidData(_) => Error::EncryptedDataInvalid,
                other => other.into(),
            })
        },
    ))
}
