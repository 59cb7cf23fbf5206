//! What the fuzz targets of UKeys do with bytes from outside, so that plain tests can do the same.
//!
//! What is read must be written the same, byte for byte: one thing has one form.
#![allow(dead_code, unreachable_pub)]

use ukey::Public;
use ukey::file;
use ukey::shares::Share;

/// The PIN of the samples.
pub const PIN: &[u8] = b"123456";

/// A UKey file. Opening one may cost a GiB of memory; here only what costs little is opened.
pub fn ukey_file(data: &[u8]) -> bool {
    let Ok(public) = file::read_public(data) else { return false };
    assert!(data.len() <= file::MAX_LEN);
    assert_eq!(Public::from_bytes(&public.to_bytes()).as_ref(), Ok(&public));
    let cost = file::read_cost(data).expect("what was read can be read again");
    if cost.memory() * cost.passes() <= 256 {
        let _ = file::open(data, PIN);
    }
    true
}

/// The public part of one.
pub fn ukey_public(data: &[u8]) -> bool {
    let Ok(public) = Public::from_bytes(data) else { return false };
    assert_eq!(public.to_bytes(), data);
    true
}

/// A share of a secret.
pub fn share(data: &[u8]) -> bool {
    let Ok(share) = Share::from_bytes(data) else { return false };
    assert_eq!(share.to_bytes().as_bytes(), data);
    assert!((1..=share.count()).contains(&share.index()));
    true
}
