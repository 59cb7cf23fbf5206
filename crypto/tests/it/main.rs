//! The algorithms against vectors from outside (Wycheproof, NIST, RFCs, OpenSSL), against pure-Rust
//! implementations as oracles, and against bad input.
#![allow(missing_docs)]

mod asymmetric;
mod groups;
mod implicit_rejection;
mod mldsa;
mod nist;
mod oracle;
mod rsa_keys;
mod symmetric;
mod wycheproof_asymmetric;
mod wycheproof_symmetric;

/// Bytes of hexadecimal digits; white space is skipped.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}
