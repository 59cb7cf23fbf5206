//! Where traces can go to beside the audit log. The daemon says what there is; here is only what names mean.

use crate::iam::AccountId;

/// What there is outside.
pub trait Outside: Send + Sync {
    /// Why nothing can be written to a bucket of an account, whose name is one; none if it can.
    fn fault(&self, account: AccountId, bucket: &str) -> Option<String>;

    /// Makes a bucket of an account, if it is not there.
    ///
    /// # Errors
    /// Why it cannot be made.
    fn make(&self, account: AccountId, bucket: &str) -> Result<(), String>;

    /// Whether all that is recorded is sent to a receiver of logs.
    fn forwards(&self) -> bool;
}

/// What is wrong with the name of a bucket; none if nothing is. A name that is one is the name of a folder too, and of
/// no other than one.
#[must_use]
pub fn bucket_fault(name: &str) -> Option<&'static str> {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let known = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    match () {
        () if !(3..=63).contains(&bytes.len()) => Some("a bucket's name has 3 to 63 characters"),
        () if !bytes.iter().all(known) => Some("a bucket's name has small letters, digits, . and - alone"),
        () if !ends(bytes.first()) || !ends(bytes.last()) => {
            Some("a bucket's name begins and ends with a letter or a digit")
        }
        () if ["..", ".-", "-."].iter().any(|pair| name.contains(pair)) => {
            Some("in a bucket's name no . stands beside another, or beside a -")
        }
        () if name.parse::<std::net::Ipv4Addr>().is_ok() => Some("a bucket's name is no address"),
        () => None,
    }
}

/// Whether files can have this in front of their names.
pub(super) fn is_prefix(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buckets_name_is_the_name_of_one_folder_and_nothing_else() {
        for good in ["abc", "a.b", "traces-2026", "0-9", &"a".repeat(63)] {
            assert_eq!(bucket_fault(good), None, "{good}");
        }
        for bad in [
            "",
            "ab",
            "..",
            "...",
            "a..b",
            "../etc",
            "a/b",
            "/abc",
            "abc/",
            "a\0b",
            "ABC",
            "a_b",
            "-ab",
            "ab-",
            ".abc",
            "abc.",
            "a.-b",
            "a-.b",
            "10.0.0.1",
            "bücher",
            "a b",
            &"a".repeat(64),
        ] {
            assert!(bucket_fault(bad).is_some(), "{bad:?}");
        }
        assert!(is_prefix("") && is_prefix("a._-Z9") && is_prefix(&"a".repeat(64)));
        for bad in ["a/b", "../a", "a b", "ä", &"a".repeat(65)] {
            assert!(!is_prefix(bad), "{bad:?}");
        }
    }
}
