//! Fuzzes `ukey_public`: see `ukeys.rs`.
#![no_main]

#[path = "../ukeys.rs"]
mod ukeys;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ukeys::ukey_public(data);
});
