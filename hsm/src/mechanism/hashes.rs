//! Which hash function the standard's numbers mean where they are part of a mechanism's parameter.

use crypto::Hash;

/// `CKM_*` of a digest (`hashAlg` of PSS and OAEP).
pub(super) const fn of_mechanism(number: u64) -> Option<Hash> {
    Some(match number {
        0x220 => Hash::Sha1,
        0x255 => Hash::Sha224,
        0x250 => Hash::Sha256,
        0x260 => Hash::Sha384,
        0x270 => Hash::Sha512,
        0x48 => Hash::Sha512_224,
        0x4c => Hash::Sha512_256,
        0x2b5 => Hash::Sha3_224,
        0x2b0 => Hash::Sha3_256,
        0x2c0 => Hash::Sha3_384,
        0x2d0 => Hash::Sha3_512,
        _ => return None,
    })
}

/// `CKG_MGF1_*`
pub(super) const fn of_mgf1(number: u64) -> Option<Hash> {
    Some(match number {
        1 => Hash::Sha1,
        2 => Hash::Sha256,
        3 => Hash::Sha384,
        4 => Hash::Sha512,
        5 => Hash::Sha224,
        6 => Hash::Sha3_224,
        7 => Hash::Sha3_256,
        8 => Hash::Sha3_384,
        9 => Hash::Sha3_512,
        _ => return None,
    })
}

/// `CKD_*_KDF` of ANSI X9.63.
pub(super) const fn of_x963(number: u64) -> Option<Hash> {
    Some(match number {
        2 => Hash::Sha1,
        5 => Hash::Sha224,
        6 => Hash::Sha256,
        7 => Hash::Sha384,
        8 => Hash::Sha512,
        10 => Hash::Sha3_224,
        11 => Hash::Sha3_256,
        12 => Hash::Sha3_384,
        13 => Hash::Sha3_512,
        _ => return None,
    })
}
