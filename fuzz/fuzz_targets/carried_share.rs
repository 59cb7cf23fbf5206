//! Fuzzes `carried_share`: see `backups.rs`.
#![no_main]

#[path = "../backups.rs"]
mod backups;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    backups::carried_share(data);
});
