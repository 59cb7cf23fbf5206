//! Fuzzes `backup`: see `backups.rs`.
#![no_main]

#[path = "../backups.rs"]
mod backups;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    backups::backup(data);
});
