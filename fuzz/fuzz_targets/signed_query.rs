//! Fuzzes `signed_query`: see `signatures.rs`.
#![no_main]

#[path = "../signatures.rs"]
mod signatures;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    signatures::signed_query(data);
});
