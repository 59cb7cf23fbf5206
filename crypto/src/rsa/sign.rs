//! RSA signatures: PKCS#1 1.5 and PSS (RFC 8017, "Signature Schemes with Appendix").

use super::{PrivateKey, PublicKey};
use crate::ffi::rsa::Padding;
use crate::{Error, Hash, equal};

const WRONG: Error = Error::InvalidData("the signature is wrong");
const DIGEST: Error = Error::InvalidData("the digest does not have the length of the hash");

impl PrivateKey {
    /// Signs with PKCS#1 1.5. With a hash, `data` is its digest and goes into a `DigestInfo`; without, `data` is
    /// whatever the caller put together and goes in as it is.
    ///
    /// # Errors
    /// `InvalidData` if a digest has the wrong length; `TooLong` for more than the modulus less 11 bytes.
    pub fn sign_pkcs1(&self, hash: Option<Hash>, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.private_operation(Padding::Pkcs1, &payload(hash, data, self.modulus_len())?)
    }

    /// Signs a digest with PSS.
    ///
    /// # Errors
    /// `InvalidData` if the digest has the wrong length; `InvalidParameter` if digest and salt do not fit the
    /// modulus.
    pub fn sign_pss(
        &self,
        hash: Hash,
        mgf_hash: Hash,
        salt_len: usize,
        digest: &[u8],
    ) -> Result<Vec<u8>, Error> {
        check_pss(hash, salt_len, digest, self.modulus_len())?;
        self.0.sign_pss(hash, mgf_hash, salt_len, digest)
    }
}

impl PublicKey {
    /// Verifies what [`PrivateKey::sign_pkcs1`] made.
    ///
    /// # Errors
    /// `InvalidData` if the signature is wrong; else as signing.
    pub fn verify_pkcs1(&self, hash: Option<Hash>, data: &[u8], signature: &[u8]) -> Result<(), Error> {
        let expected = payload(hash, data, self.modulus_len())?;
        if equal(&self.recover_pkcs1(signature)?, &expected) { Ok(()) } else { Err(WRONG) }
    }

    /// What was signed with PKCS#1 1.5: the data of a signature without a hash, or a whole `DigestInfo`.
    ///
    /// # Errors
    /// `InvalidData` if the signature is wrong.
    pub fn recover_pkcs1(&self, signature: &[u8]) -> Result<Vec<u8>, Error> {
        if signature.len() != self.modulus_len() {
            return Err(Error::InvalidData("the signature does not have the length of the modulus"));
        }
        self.0.recover(Padding::Pkcs1, signature).map_err(|_| WRONG)
    }

    /// Verifies what [`PrivateKey::sign_pss`] made. The salt must have this length.
    ///
    /// # Errors
    /// `InvalidData` if the signature is wrong; else as signing.
    pub fn verify_pss(
        &self,
        hash: Hash,
        mgf_hash: Hash,
        salt_len: usize,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        check_pss(hash, salt_len, digest, self.modulus_len())?;
        if signature.len() != self.modulus_len() {
            return Err(Error::InvalidData("the signature does not have the length of the modulus"));
        }
        self.0.verify_pss(hash, mgf_hash, salt_len, digest, signature)
    }
}

fn check_pss(hash: Hash, salt_len: usize, digest: &[u8], modulus_len: usize) -> Result<(), Error> {
    if digest.len() != hash.len() {
        return Err(DIGEST);
    }
    if salt_len.saturating_add(hash.len() + 2) > modulus_len {
        return Err(Error::InvalidParameter("the PSS salt is too long for the modulus"));
    }
    Ok(())
}

/// What PKCS#1 1.5 pads.
fn payload(hash: Option<Hash>, data: &[u8], modulus_len: usize) -> Result<Vec<u8>, Error> {
    let payload = match hash {
        Some(hash) if data.len() != hash.len() => return Err(DIGEST),
        Some(hash) => digest_info(hash, data),
        None => data.to_vec(),
    };
    if payload.len() + 11 > modulus_len { Err(Error::TooLong) } else { Ok(payload) }
}

/// The DER of a `DigestInfo` (RFC 8017, "EMSA-PKCS1-v1_5").
fn digest_info(hash: Hash, digest: &[u8]) -> Vec<u8> {
    /// 2.16.840.1.101.3.4.2: the arc of NIST's hash algorithms, which lacks its last number.
    const NIST: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    /// 1.3.14.3.2.26
    const SHA1: [u8; 5] = [0x2b, 0x0e, 0x03, 0x02, 0x1a];
    let (arc, last): (&[u8], &[u8]) = match hash {
        Hash::Sha1 => (&SHA1, &[]),
        Hash::Sha256 => (&NIST, &[1]),
        Hash::Sha384 => (&NIST, &[2]),
        Hash::Sha512 => (&NIST, &[3]),
        Hash::Sha224 => (&NIST, &[4]),
        Hash::Sha512_224 => (&NIST, &[5]),
        Hash::Sha512_256 => (&NIST, &[6]),
        Hash::Sha3_224 => (&NIST, &[7]),
        Hash::Sha3_256 => (&NIST, &[8]),
        Hash::Sha3_384 => (&NIST, &[9]),
        Hash::Sha3_512 => (&NIST, &[10]),
    };
    let oid = arc.len() + last.len();
    // All lengths are below 128, so that each is one byte.
    let (algorithm, whole) = (oid as u8 + 4, oid as u8 + digest.len() as u8 + 8);
    let head = [0x30, whole, 0x30, algorithm, 0x06, oid as u8];
    [&head, arc, last, &[0x05, 0x00, 0x04, digest.len() as u8], digest].concat()
}
