//! Fuzzes `authorization`: see `signatures.rs`.
#![no_main]

#[path = "../signatures.rs"]
mod signatures;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    signatures::authorization(data);
});
