//! `CK_MECHANISM_INFO.flags`, from what a mechanism's row has (PKCS#11 3.2, "CK_MECHANISM_INFO").

use super::Mechanism;

const ENCRYPT: u64 = 0x100;
const DECRYPT: u64 = 0x200;
const DIGEST: u64 = 0x400;
const SIGN: u64 = 0x800;
const SIGN_RECOVER: u64 = 0x1000;
const VERIFY: u64 = 0x2000;
const VERIFY_RECOVER: u64 = 0x4000;
const GENERATE: u64 = 0x8000;
const GENERATE_KEY_PAIR: u64 = 0x1_0000;
const WRAP: u64 = 0x2_0000;
const UNWRAP: u64 = 0x4_0000;
const DERIVE: u64 = 0x8_0000;

/// The flags of a row.
pub(super) fn of(row: &Mechanism) -> u64 {
    [
        (row.encrypt.is_some(), ENCRYPT),
        (row.decrypt.is_some(), DECRYPT),
        (row.digest.is_some(), DIGEST),
        (row.sign.is_some(), SIGN),
        (row.sign_recover.is_some(), SIGN_RECOVER),
        (row.verify.is_some(), VERIFY),
        (row.verify_recover.is_some(), VERIFY_RECOVER),
        (row.generate.is_some(), GENERATE),
        (row.generate_pair.is_some(), GENERATE_KEY_PAIR),
        (row.wrap.is_some(), WRAP),
        (row.unwrap.is_some(), UNWRAP),
        (row.derive.is_some(), DERIVE),
    ]
    .into_iter()
    .filter_map(|(has, flag)| has.then_some(flag))
    .fold(row.curve_flags, |flags, flag| flags | flag)
}
