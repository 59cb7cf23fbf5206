//! Fuzzes `record`: see `audit_targets.rs`.
#![no_main]

#[path = "../audit_targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    targets::record(data);
});
