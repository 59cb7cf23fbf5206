//! Digests: FIPS 180-4's and FIPS 202's examples, and RustCrypto's `sha1`, `sha2`, `sha3`.

use hsm::mechanism::Digester;
use wire::Params;

use crate::support::{HASHES, digest, hex, oracle_hash, random, row};

pub(crate) const OUTSIDE: &[u64] =
    &[0x220, 0x255, 0x250, 0x260, 0x270, 0x48, 0x4c, 0x2b5, 0x2b0, 0x2c0, 0x2d0];
pub(crate) const ORACLE: &[u64] = OUTSIDE;

/// NIST, "Examples with Intermediate Values": the message "abc".
const ABC: &[(u64, &str)] = &[
    (0x220, "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (0x255, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
    (0x250, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        0x260,
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    ),
    (
        0x270,
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    (0x48, "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"),
    (0x4c, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
    (0x2b5, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
    (0x2b0, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
    (
        0x2c0,
        "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
    ),
    (
        0x2d0,
        "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e
         10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
    ),
];

#[test]
fn each_digest_of_abc_is_that_of_the_standard() {
    let ids: Vec<u64> = ABC.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, OUTSIDE);
    for (id, expected) in ABC {
        assert_eq!(digest(*id, b"abc").unwrap(), hex(expected), "{}", row(*id).name);
    }
}

#[test]
fn each_digest_is_the_one_another_library_makes() {
    for (id, hash) in HASHES {
        for len in [0, 1, 55, 64, 111, 128, 135, 136, 1000] {
            let data = random(len);
            assert_eq!(digest(id, &data).unwrap(), oracle_hash(hash, &data), "{} of {len}", row(id).name);
        }
    }
}

#[test]
fn a_copy_of_a_digest_goes_on_by_itself() {
    for (id, hash) in HASHES {
        let mut first = row(id).digest.unwrap()(&Params::None).unwrap();
        first.update(b"one").unwrap();
        let mut second: Box<dyn Digester> = first.duplicate().unwrap();
        second.update(b"two").unwrap();
        assert_eq!(first.len(), hash.len() as u64);
        assert_eq!(first.finish().unwrap(), oracle_hash(hash, b"one"));
        assert_eq!(second.finish().unwrap(), oracle_hash(hash, b"onetwo"));
    }
}
