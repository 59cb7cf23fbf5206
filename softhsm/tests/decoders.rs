//! What the fuzz targets do, on real files that were bent in many places.

use std::fs;

#[path = "../../fuzz/softhsm.rs"]
mod targets;

/// Files that SoftHSM2 2.6.1 wrote: a token with the PINs 123456 and 87654321, and a private key in it.
fn samples() -> [(fn(&[u8]) -> bool, Vec<u8>); 2] {
    let file = |name: &str| fs::read(format!("{}/tests/samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    [(targets::softhsm_token, file("token.object")), (targets::softhsm_object, file("private.object"))]
}

#[test]
fn bent_files_upset_no_decoder() {
    for (target, file) in samples() {
        assert!(target(&file));
        for at in 0..file.len() {
            target(&file[..at]);
            for bit in [0x01, 0x80, 0xff] {
                let mut bent = file.clone();
                bent[at] ^= bit;
                target(&bent);
            }
        }
    }
}
