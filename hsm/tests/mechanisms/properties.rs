//! What holds for every mechanism: parts come to the same as the whole, outputs keep to the lengths that were
//! promised, and garbage never does worse than an error.

use hsm::mechanism::{Cipher, Mechanism};
use proptest::prelude::*;
use wire::mechanism::Leaf;
use wire::{List, Params, Value};

use crate::refusals::{KEYS, every_use, working};
use crate::support::{ALL, Key, random, row};

/// Lengths that cut `len` into parts.
fn parts(len: usize, cuts: &[usize]) -> Vec<usize> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (len + 1)).collect();
    at.sort_unstable();
    at.push(len);
    let starts = std::iter::once(0).chain(at.iter().copied());
    starts.zip(at.iter().copied()).map(|(start, end)| end - start).collect()
}

fn split<'a>(data: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = data;
    parts(data.len(), cuts)
        .into_iter()
        .map(|len| {
            let (part, after) = rest.split_at(len);
            rest = after;
            part
        })
        .collect()
}

/// Runs a cipher over parts, and holds each step to what it promised.
fn run(mut cipher: Box<dyn Cipher>, data: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut output = Vec::new();
    for part in split(data, cuts) {
        let most = cipher.update_len(part.len() as u64);
        let before = output.len();
        cipher.update(part, &mut output).unwrap();
        assert!((output.len() - before) as u64 <= most, "an update gave more than it promised");
    }
    let most = cipher.final_len();
    let before = output.len();
    cipher.finish(&mut output).unwrap();
    assert!((output.len() - before) as u64 <= most, "the end gave more than it promised");
    output
}

fn whole(cipher: Box<dyn Cipher>, data: &[u8]) -> Vec<u8> {
    let most = cipher.whole_len(data.len() as u64);
    let mut output = b"before".to_vec();
    cipher.whole(data, &mut output).unwrap();
    assert!((output.len() - 6) as u64 <= most, "the whole gave more than it promised");
    output.split_off(6)
}

/// A length near `len` that the mechanism takes.
fn fitting(row: &Mechanism, len: usize) -> usize {
    match row.name {
        "CKM_AES_ECB" | "CKM_AES_CBC" | "CKM_SM4_ECB" | "CKM_SM4_CBC" => len.next_multiple_of(16),
        "CKM_AES_KEY_WRAP" => len.next_multiple_of(8).max(16),
        "CKM_AES_KEY_WRAP_KWP" | "CKM_AES_KEY_WRAP_PAD" => len.max(1),
        "CKM_AES_XTS" => len.max(16),
        "CKM_RSA_PKCS_PSS" | "CKM_SM2" => 32,
        "CKM_SM2_ENCRYPT" => len.max(1),
        "CKM_ECDSA" => len.max(1),
        "CKM_DSA" => 28,
        _ if row.name.starts_with("CKM_RSA") => len.clamp(1, 190),
        _ => len,
    }
}

fn signs(row: &Mechanism, data: &[u8], cuts: &[usize]) {
    let (Some(sign), Some(verify)) = (row.sign, row.verify) else { return };
    let (private, public, params) = working(row, data.len());
    let mut signer = sign(&private, &params).unwrap();
    let (single, len) = (signer.single_part(), signer.len());
    assert_eq!(verify(&public, &params).unwrap().single_part(), single, "{}", row.name);
    signer.update(data).unwrap();
    let signature = signer.finish().unwrap();
    assert_eq!(signature.len() as u64, len, "{}", row.name);
    let mut verifier = verify(&public, &params).unwrap();
    let pieces = if single { vec![data] } else { split(data, cuts) };
    for piece in &pieces {
        verifier.update(piece).unwrap();
    }
    verifier.finish(&signature).unwrap();
    let mut signer = sign(&private, &params).unwrap();
    for piece in &pieces {
        signer.update(piece).unwrap();
    }
    let again = signer.finish().unwrap();
    let mut verifier = verify(&public, &params).unwrap();
    verifier.update(data).unwrap();
    verifier.finish(&again).unwrap();
}

fn ciphers(row: &Mechanism, data: &[u8], cuts: &[usize]) {
    let (Some(encrypt), Some(decrypt)) = (row.encrypt, row.decrypt) else { return };
    let (private, public, params) = working(row, data.len());
    let begin = |public: &Key| encrypt(public, &params).unwrap();
    let sealed = whole(begin(&public), data);
    let opened = whole(decrypt(&private, &params).unwrap(), &sealed);
    let expected = match row.name {
        "CKM_RSA_X_509" => [vec![0; 256 - data.len()], data.to_vec()].concat(),
        _ => data.to_vec(),
    };
    assert_eq!(opened, expected, "{}", row.name);
    let single = begin(&public).single_part();
    assert_eq!(decrypt(&private, &params).unwrap().single_part(), single, "{}", row.name);
    if !single {
        assert_eq!(run(begin(&public), data, cuts), sealed, "{}", row.name);
        assert_eq!(run(decrypt(&private, &params).unwrap(), &sealed, cuts), data, "{}", row.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn parts_come_to_the_same_as_the_whole(len in 0_usize..200, cuts in prop::collection::vec(0_usize..1000, 0..6)) {
        for row in ALL.iter() {
            let data = random(fitting(row, len));
            signs(row, &data, &cuts);
            ciphers(row, &data, &cuts);
            if let Some(digest) = row.digest {
                let mut one = digest(&Params::None).unwrap();
                one.update(&data).unwrap();
                let mut many = digest(&Params::None).unwrap();
                for part in split(&data, &cuts) {
                    many.update(part).unwrap();
                }
                prop_assert_eq!(one.len() as usize, many.finish().unwrap().len());
                let mut again = digest(&Params::None).unwrap();
                for part in split(&data, &cuts) {
                    again.update(part).unwrap();
                }
                prop_assert_eq!(one.finish().unwrap(), again.finish().unwrap());
            }
        }
    }

    #[test]
    fn what_is_wrapped_unwraps_to_the_same_but_for_the_zeros_the_row_admits(len in 16_usize..120) {
        for row in ALL.iter() {
            let (Some(wrap), Some(unwrap)) = (row.wrap, row.unwrap) else { continue };
            let (private, public, params) = working(row, len);
            let target = random(len);
            let wrapped = wrap(&public, &params, &crypto::Secret::new(target.clone())).unwrap();
            let opened = unwrap(&private, &params, &wrapped).unwrap();
            let (key, zeros) = opened.as_bytes().split_at(len);
            prop_assert_eq!(key, &target[..], "{}", row.name);
            prop_assert!(zeros.len() <= row.zero_padding && zeros.iter().all(|byte| *byte == 0), "{}", row.name);
        }
    }
}

fn leaf() -> impl Strategy<Value = Leaf> {
    prop_oneof![
        prop_oneof![0_u64..20, any::<u64>(), Just(0x250), Just(0x220)].prop_map(Leaf::Ulong),
        any::<u8>().prop_map(Leaf::Bool),
        prop::collection::vec(any::<u8>(), 0..70).prop_map(|bytes| Leaf::Bytes(bytes.into())),
        Just(Leaf::Null),
    ]
}

fn garbage() -> impl Strategy<Value = Params> {
    let value = prop_oneof![
        4 => leaf().prop_map(Value::from),
        1 => prop::collection::vec(leaf(), 0..6).prop_map(|leaves| Value::Struct(List::new(leaves).unwrap())),
    ];
    prop_oneof![
        1 => Just(Params::None),
        1 => any::<u64>().prop_map(|len| Params::Mismatch { len }),
        8 => prop::collection::vec(value, 0..7).prop_map(|values| Params::Words(List::new(values).unwrap())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever comes, the answer is a value or an error.
    #[test]
    fn garbage_never_panics(params in garbage(), data in prop::collection::vec(any::<u8>(), 0..300), which in 0_usize..12) {
        for row in ALL.iter() {
            every_use(row, &KEYS[which], &params, &data);
            let (private, public, working) = working(row, data.len());
            every_use(row, &private, &params, &data);
            every_use(row, &public, &params, &data);
            every_use(row, &public, &working, &data);
        }
    }
}

#[test]
fn lengths_do_not_overflow() {
    for row in ALL.iter() {
        let (private, public, params) = working(row, 16);
        let ciphers = [
            row.encrypt.map(|begin| begin(&public, &params)),
            row.decrypt.map(|begin| begin(&private, &params)),
        ];
        for cipher in ciphers.into_iter().flatten() {
            let cipher = cipher.unwrap();
            for input in [0, 1, u64::MAX - 1, u64::MAX] {
                cipher.update_len(input);
                cipher.whole_len(input);
            }
            cipher.final_len();
        }
    }
}

/// What is gathered is bounded by what one call carries.
#[test]
fn an_operation_that_gathers_its_data_stops_at_the_limit() {
    let gcm = row(0x1087);
    let (private, _, params) = working(gcm, 16);
    let mut cipher = gcm.decrypt.unwrap()(&private, &params).unwrap();
    let part = vec![0; 1 << 20];
    let mut taken = 0;
    let error = loop {
        match cipher.update(&part, &mut Vec::new()) {
            Ok(()) => taken += part.len() as u64,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, hsm::Error::EncryptedDataLenRange));
    assert!(taken <= wire::frame::MAX_DATA && taken + part.len() as u64 > wire::frame::MAX_DATA);
}
