//! What the fuzz targets of SoftHSM2's files do with bytes from outside.
#![allow(dead_code, unreachable_pub)]

use softhsm::{LIMIT, MAX_ATTRIBUTES, Stored, Token, Who};

/// An object's file.
pub fn softhsm_object(data: &[u8]) -> bool {
    let Ok(stored) = Stored::read(data) else { return false };
    assert!(data.len() <= LIMIT && stored.iter().count() <= MAX_ATTRIBUTES);
    let _ = stored.check_complete();
    true
}

/// A token's file, and what a PIN opens of it.
pub fn softhsm_token(data: &[u8]) -> bool {
    let Ok(token) = Token::read(data) else { return false };
    for who in [Who::User, Who::Officer] {
        if let Ok(opened) = token.open(who, b"123456") {
            let _ = Stored::read(data).and_then(|stored| opened.object(stored));
        }
    }
    true
}
