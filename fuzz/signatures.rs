//! What the fuzz targets of signed requests do with bytes from outside, so that plain tests can do the same.
#![allow(dead_code, unreachable_pub)]

use signing::huawei::{Authorization, canonical_path, canonical_query, pairs, target};

/// A header `Authorization`: what is read is written so that it is read the same.
pub fn authorization(data: &[u8]) -> bool {
    let Ok(read) = Authorization::parse(data) else { return false };
    assert_eq!(Authorization::parse(read.to_string().as_bytes()).as_ref(), Ok(&read));
    assert!(read.signed().iter().count() <= 100);
    true
}

/// A path, a question mark, and a query: the canonical form has itself as its form, and the same meaning.
pub fn signed_query(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let canonical = canonical_query(query);
    assert_eq!(canonical_query(&canonical), canonical);
    let mut meant = pairs(query);
    meant.sort();
    assert_eq!(pairs(&canonical), meant);
    let sent = target(path, query);
    assert!(sent.bytes().all(|byte| byte.is_ascii_graphic()));
    let (sent, _) = sent.split_once('?').unwrap_or((&sent, ""));
    assert_eq!(canonical_path(sent), canonical_path(path));
    true
}
