//! Fuzzes `softhsm_token`: see `softhsm.rs`.
#![no_main]

#[path = "../softhsm.rs"]
mod softhsm_files;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    softhsm_files::softhsm_token(data);
});
