//! Digests: SHA-1, SHA-2 and SHA-3 (FIPS 180-4, FIPS 202; PKCS#11 3.2, "Digests").

use crypto::Hash;
use crypto::hash::Digest;
use wire::{MechanismId, Params};

use super::{Digester, Mechanism, no_params};
use crate::error::Error;

macro_rules! digests {
    ($($id:literal $name:literal $hash:ident;)*) => {
        pub(super) static MECHANISMS: &[Mechanism] = &[$(Mechanism {
            id: MechanismId($id),
            name: $name,
            digest: Some(|params| begin(Hash::$hash, params)),
            ..Mechanism::NONE
        },)*];
    };
}

digests! {
    0x220 "CKM_SHA_1" Sha1;
    0x255 "CKM_SHA224" Sha224;
    0x250 "CKM_SHA256" Sha256;
    0x260 "CKM_SHA384" Sha384;
    0x270 "CKM_SHA512" Sha512;
    0x48 "CKM_SHA512_224" Sha512_224;
    0x4c "CKM_SHA512_256" Sha512_256;
    0x2b5 "CKM_SHA3_224" Sha3_224;
    0x2b0 "CKM_SHA3_256" Sha3_256;
    0x2c0 "CKM_SHA3_384" Sha3_384;
    0x2d0 "CKM_SHA3_512" Sha3_512;
}

struct Hashing {
    hash: Hash,
    digest: Digest,
}

fn begin(hash: Hash, params: &Params) -> Result<Box<dyn Digester>, Error> {
    no_params(params)?;
    Ok(Box::new(Hashing { hash, digest: Digest::new(hash)? }))
}

impl Digester for Hashing {
    fn len(&self) -> u64 {
        self.hash.len() as u64
    }

    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        Ok(self.digest.update(data)?)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Error> {
        Ok(self.digest.finish()?)
    }

    fn duplicate(&self) -> Result<Box<dyn Digester>, Error> {
        Ok(Box::new(Self { hash: self.hash, digest: self.digest.try_clone()? }))
    }
}
