//! The registry as a whole: no row without vectors, no number or name but the standard's, no layout but the header's.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::size_of;

use cryptoki_sys as ck;
use hsm::mechanism::Field;
use wire::MechanismId;
use wire::layout::LeafWord;

use crate::support::{ALL, row};
use crate::{
    aead, blocks, curves, dh, digests, dsa, edwards, generate, key_agreement, keywrap, macs, national,
    rsa_encryption, rsa_signatures,
};

/// Rows without published vectors, and why.
const NO_VECTORS: &[(u64, &str)] = &[
    (0x1054, "RSA AES key wrap: OAEP and KWP, which have vectors, in a row"),
    (0x18, SHA3_DSA),
    (0x19, SHA3_DSA),
    (0x1a, SHA3_DSA),
    (0x1b, SHA3_DSA),
];
const SHA3_DSA: &str = "DSA had its last vectors before SHA-3: both have theirs";

fn union(lists: &[&[u64]]) -> BTreeSet<u64> {
    lists.iter().copied().flatten().copied().collect()
}

#[test]
fn every_mechanism_has_vectors_from_outside_and_another_implementation() {
    let outside = union(&[
        aead::OUTSIDE,
        blocks::OUTSIDE,
        &curves::outside(),
        dh::OUTSIDE,
        digests::OUTSIDE,
        dsa::OUTSIDE,
        edwards::OUTSIDE,
        key_agreement::OUTSIDE,
        keywrap::OUTSIDE,
        &macs::outside(),
        national::OUTSIDE,
        rsa_encryption::OUTSIDE,
        &rsa_signatures::outside(),
    ]);
    let oracle = union(&[
        aead::ORACLE,
        blocks::ORACLE,
        &curves::oracle(),
        dh::ORACLE,
        digests::ORACLE,
        dsa::ORACLE,
        edwards::ORACLE,
        &generate::oracle(),
        key_agreement::ORACLE,
        keywrap::ORACLE,
        &macs::oracle(),
        national::ORACLE,
        rsa_encryption::ORACLE,
        &rsa_signatures::oracle(),
    ]);
    for row in ALL.iter() {
        let random = row.generate.is_some() || row.generate_pair.is_some();
        let excused = NO_VECTORS.iter().any(|(id, _)| *id == row.id.0);
        assert!(outside.contains(&row.id.0) || random || excused, "{} has no vectors", row.name);
        assert!(oracle.contains(&row.id.0), "{} has no other implementation beside it", row.name);
    }
    for id in outside.union(&oracle) {
        assert!(ALL.find(MechanismId(*id)).is_ok(), "{id:#x} is tested and not there");
    }
}

macro_rules! named {
    ($($name:ident)*) => {
        [$((ck::$name, stringify!($name)),)*]
    };
}

#[test]
fn every_number_and_name_is_that_of_the_header() {
    let header: BTreeMap<u64, &str> = named! {
        CKM_RSA_PKCS_KEY_PAIR_GEN CKM_RSA_PKCS CKM_RSA_X_509 CKM_RSA_PKCS_OAEP CKM_RSA_PKCS_PSS CKM_RSA_AES_KEY_WRAP
        CKM_SHA1_RSA_PKCS CKM_SHA224_RSA_PKCS CKM_SHA256_RSA_PKCS CKM_SHA384_RSA_PKCS CKM_SHA512_RSA_PKCS
        CKM_SHA3_224_RSA_PKCS CKM_SHA3_256_RSA_PKCS CKM_SHA3_384_RSA_PKCS CKM_SHA3_512_RSA_PKCS
        CKM_SHA1_RSA_PKCS_PSS CKM_SHA224_RSA_PKCS_PSS CKM_SHA256_RSA_PKCS_PSS CKM_SHA384_RSA_PKCS_PSS
        CKM_SHA512_RSA_PKCS_PSS CKM_SHA3_224_RSA_PKCS_PSS CKM_SHA3_256_RSA_PKCS_PSS CKM_SHA3_384_RSA_PKCS_PSS
        CKM_SHA3_512_RSA_PKCS_PSS
        CKM_EC_KEY_PAIR_GEN CKM_ECDSA CKM_ECDSA_SHA1 CKM_ECDSA_SHA224 CKM_ECDSA_SHA256 CKM_ECDSA_SHA384
        CKM_ECDSA_SHA512 CKM_ECDSA_SHA3_224 CKM_ECDSA_SHA3_256 CKM_ECDSA_SHA3_384 CKM_ECDSA_SHA3_512
        CKM_ECDH1_DERIVE CKM_ECDH1_COFACTOR_DERIVE CKM_EC_EDWARDS_KEY_PAIR_GEN CKM_EC_MONTGOMERY_KEY_PAIR_GEN
        CKM_EDDSA
        CKM_DSA_PARAMETER_GEN CKM_DSA_KEY_PAIR_GEN CKM_DSA CKM_DSA_SHA1 CKM_DSA_SHA224 CKM_DSA_SHA256 CKM_DSA_SHA384
        CKM_DSA_SHA512 CKM_DSA_SHA3_224 CKM_DSA_SHA3_256 CKM_DSA_SHA3_384 CKM_DSA_SHA3_512
        CKM_DH_PKCS_PARAMETER_GEN CKM_DH_PKCS_KEY_PAIR_GEN CKM_DH_PKCS_DERIVE
        CKM_AES_KEY_GEN CKM_AES_ECB CKM_AES_CBC CKM_AES_CBC_PAD CKM_AES_CTR CKM_AES_GCM CKM_AES_CCM CKM_AES_CMAC
        CKM_AES_CMAC_GENERAL CKM_AES_KEY_WRAP CKM_AES_KEY_WRAP_PAD CKM_AES_KEY_WRAP_KWP CKM_AES_XTS
        CKM_AES_XTS_KEY_GEN
        CKM_GENERIC_SECRET_KEY_GEN
        CKM_SHA_1 CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SHA_1_KEY_GEN
        CKM_SHA224 CKM_SHA224_HMAC CKM_SHA224_HMAC_GENERAL CKM_SHA224_KEY_GEN
        CKM_SHA256 CKM_SHA256_HMAC CKM_SHA256_HMAC_GENERAL CKM_SHA256_KEY_GEN
        CKM_SHA384 CKM_SHA384_HMAC CKM_SHA384_HMAC_GENERAL CKM_SHA384_KEY_GEN
        CKM_SHA512 CKM_SHA512_HMAC CKM_SHA512_HMAC_GENERAL CKM_SHA512_KEY_GEN
        CKM_SHA512_224 CKM_SHA512_224_HMAC CKM_SHA512_224_HMAC_GENERAL CKM_SHA512_224_KEY_GEN
        CKM_SHA512_256 CKM_SHA512_256_HMAC CKM_SHA512_256_HMAC_GENERAL CKM_SHA512_256_KEY_GEN
        CKM_SHA3_224 CKM_SHA3_224_HMAC CKM_SHA3_224_HMAC_GENERAL CKM_SHA3_224_KEY_GEN
        CKM_SHA3_256 CKM_SHA3_256_HMAC CKM_SHA3_256_HMAC_GENERAL CKM_SHA3_256_KEY_GEN
        CKM_SHA3_384 CKM_SHA3_384_HMAC CKM_SHA3_384_HMAC_GENERAL CKM_SHA3_384_KEY_GEN
        CKM_SHA3_512 CKM_SHA3_512_HMAC CKM_SHA3_512_HMAC_GENERAL CKM_SHA3_512_KEY_GEN
    }
    .into_iter()
    .collect();
    let (vendor, standard): (Vec<_>, Vec<_>) =
        ALL.iter().map(|row| (row.id.0, row.name)).partition(|(id, _)| *id >= ck::CKM_VENDOR_DEFINED);
    assert_eq!(standard.into_iter().collect::<BTreeMap<_, _>>(), header);
    // What the standard has not is in our own range, under the names of README.md.
    assert_eq!(vendor, national::NAMES);
    let range = ck::CKM_VENDOR_DEFINED | 0x434c_5600; // "CLV"
    assert!(vendor.iter().all(|(id, _)| id & !0xff == range));
}

/// The numbers of key types that the standard has not.
#[test]
fn key_types_of_our_own_are_in_our_own_range() {
    use hsm::object::KeyType;
    let range = ck::CKK_VENDOR_DEFINED | 0x434c_5600;
    let ours = [KeyType::SM2, KeyType::SM4, KeyType::SM3_HMAC].map(|key_type| key_type.0);
    assert_eq!(ours, [range + 1, range + 2, range + 3]);
    for row in ALL.iter().filter(|row| row.id.0 < ck::CKM_VENDOR_DEFINED) {
        assert!(row.key_types.iter().all(|key_type| !ours.contains(&key_type.0)), "{}", row.name);
    }
}

#[test]
fn every_key_type_is_that_of_the_header() {
    use hsm::object::KeyType;
    for (ours, header) in [
        (KeyType::RSA, ck::CKK_RSA),
        (KeyType::DSA, ck::CKK_DSA),
        (KeyType::DH, ck::CKK_DH),
        (KeyType::EC, ck::CKK_EC),
        (KeyType::EC_EDWARDS, ck::CKK_EC_EDWARDS),
        (KeyType::EC_MONTGOMERY, ck::CKK_EC_MONTGOMERY),
        (KeyType::AES, ck::CKK_AES),
        (KeyType::AES_XTS, ck::CKK_AES_XTS),
        (KeyType::GENERIC_SECRET, ck::CKK_GENERIC_SECRET),
        (KeyType::SHA_1_HMAC, ck::CKK_SHA_1_HMAC),
        (KeyType::SHA224_HMAC, ck::CKK_SHA224_HMAC),
        (KeyType::SHA256_HMAC, ck::CKK_SHA256_HMAC),
        (KeyType::SHA384_HMAC, ck::CKK_SHA384_HMAC),
        (KeyType::SHA512_HMAC, ck::CKK_SHA512_HMAC),
        (KeyType::SHA512_224_HMAC, ck::CKK_SHA512_224_HMAC),
        (KeyType::SHA512_256_HMAC, ck::CKK_SHA512_256_HMAC),
        (KeyType::SHA3_224_HMAC, ck::CKK_SHA3_224_HMAC),
        (KeyType::SHA3_256_HMAC, ck::CKK_SHA3_256_HMAC),
        (KeyType::SHA3_384_HMAC, ck::CKK_SHA3_384_HMAC),
        (KeyType::SHA3_512_HMAC, ck::CKK_SHA3_512_HMAC),
    ] {
        assert_eq!(ours.0, header, "{ours}");
    }
}

/// The size in memory of what a layout describes, with 8-byte words.
fn size(fields: &[Field]) -> usize {
    let mut end: usize = 0;
    let mut alignment = 1;
    for field in fields {
        let (len, align) = match field {
            Field::Bool => (1, 1),
            Field::Whole(len) | Field::Inline(len) => (usize::from(*len), 1),
            Field::Ulong | Field::Struct(_) => (8, 8),
            Field::Bytes | Field::LenBytes => (16, 8),
        };
        end = end.next_multiple_of(align) + len;
        alignment = alignment.max(align);
    }
    end.next_multiple_of(alignment)
}

#[test]
fn every_layout_has_the_size_of_the_structure_in_the_header() {
    let pss = size_of::<ck::CK_RSA_PKCS_PSS_PARAMS>();
    let gcm = [size_of::<ck::CK_GCM_PARAMS>(), 40, size_of::<ck::CK_GCM_WRAP_PARAMS>()];
    let known: BTreeMap<u64, Vec<usize>> = [
        (ck::CKM_RSA_PKCS_OAEP, vec![size_of::<ck::CK_RSA_PKCS_OAEP_PARAMS>()]),
        (ck::CKM_RSA_AES_KEY_WRAP, vec![size_of::<ck::CK_RSA_AES_KEY_WRAP_PARAMS>()]),
        (ck::CKM_RSA_PKCS_PSS, vec![pss]),
        (ck::CKM_ECDH1_DERIVE, vec![size_of::<ck::CK_ECDH1_DERIVE_PARAMS>()]),
        (ck::CKM_ECDH1_COFACTOR_DERIVE, vec![size_of::<ck::CK_ECDH1_DERIVE_PARAMS>()]),
        (ck::CKM_EDDSA, vec![size_of::<ck::CK_EDDSA_PARAMS>()]),
        (ck::CKM_DH_PKCS_DERIVE, vec![8192 / 8]), // at the most
        (ck::CKM_AES_CBC, vec![16]),
        (ck::CKM_AES_CBC_PAD, vec![16]),
        (ck::CKM_AES_XTS, vec![16]),
        (ck::CKM_AES_CTR, vec![size_of::<ck::CK_AES_CTR_PARAMS>()]),
        (ck::CKM_AES_GCM, gcm.to_vec()),
        (ck::CKM_AES_CCM, vec![size_of::<ck::CK_CCM_PARAMS>()]),
        (ck::CKM_AES_CMAC_GENERAL, vec![size_of::<ck::CK_MAC_GENERAL_PARAMS>()]),
        (ck::CKM_AES_KEY_WRAP, vec![8]),
        (ck::CKM_AES_KEY_WRAP_KWP, vec![4]),
        (ck::CKM_AES_KEY_WRAP_PAD, vec![4]),
        (national::SM2_SM3, vec![16]), // a pointer and a length
        (national::SM2_ENCRYPT, vec![8]),
        (national::SM4_CBC, vec![16]),
        (national::SM4_CBC_PAD, vec![16]),
        (national::SM4_CTR, vec![size_of::<ck::CK_AES_CTR_PARAMS>()]),
        (national::SM4_GCM, gcm[..2].to_vec()),
    ]
    .into();
    for row in ALL.iter() {
        let sizes: Vec<usize> = row.params.iter().map(|fields| size(fields)).collect();
        let expected = match known.get(&row.id.0) {
            Some(sizes) => sizes.clone(),
            None if row.name.ends_with("_PSS") => vec![pss],
            None if row.name.ends_with("_HMAC_GENERAL") => vec![8],
            None => vec![],
        };
        assert_eq!(sizes, expected, "{}", row.name);
    }
    let Field::Struct(oaep) = row(ck::CKM_RSA_AES_KEY_WRAP).params[0][1] else { panic!("a structure") };
    assert!(matches!(oaep, [LeafWord::Ulong, LeafWord::Ulong, LeafWord::Ulong, LeafWord::Bytes]));
    assert_eq!(ALL.layouts().len(), ALL.iter().filter(|row| !row.params.is_empty()).count());
}

/// `CK_MECHANISM_INFO` of rows whose unit or flags are easy to get wrong.
#[test]
fn mechanism_info_has_the_units_and_flags_of_the_standard() {
    let curve =
        ck::CKF_EC_F_P | ck::CKF_EC_OID | ck::CKF_EC_UNCOMPRESS | ck::CKF_EC_COMPRESS | ck::CKF_EC_CURVENAME;
    let all_rsa = ck::CKF_SIGN
        | ck::CKF_VERIFY
        | ck::CKF_SIGN_RECOVER
        | ck::CKF_VERIFY_RECOVER
        | ck::CKF_ENCRYPT
        | ck::CKF_DECRYPT
        | ck::CKF_WRAP
        | ck::CKF_UNWRAP;
    let cipher = ck::CKF_ENCRYPT | ck::CKF_DECRYPT | ck::CKF_WRAP | ck::CKF_UNWRAP;
    for (id, min, max, flags) in [
        (ck::CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, 8192, ck::CKF_GENERATE_KEY_PAIR),
        (ck::CKM_RSA_PKCS, 1024, 8192, all_rsa),
        (ck::CKM_EC_KEY_PAIR_GEN, 224, 521, ck::CKF_GENERATE_KEY_PAIR | curve),
        (ck::CKM_ECDSA, 224, 521, ck::CKF_SIGN | ck::CKF_VERIFY | curve),
        (ck::CKM_ECDH1_DERIVE, 224, 521, ck::CKF_DERIVE | curve),
        (ck::CKM_EDDSA, 255, 255, ck::CKF_SIGN | ck::CKF_VERIFY | curve),
        (ck::CKM_DSA_PARAMETER_GEN, 1024, 3072, ck::CKF_GENERATE),
        (ck::CKM_DSA_KEY_PAIR_GEN, 1024, 3072, ck::CKF_GENERATE_KEY_PAIR),
        (ck::CKM_DSA_SHA256, 1024, 3072, ck::CKF_SIGN | ck::CKF_VERIFY),
        (ck::CKM_DH_PKCS_PARAMETER_GEN, 2048, 8192, ck::CKF_GENERATE),
        (ck::CKM_DH_PKCS_KEY_PAIR_GEN, 2048, 8192, ck::CKF_GENERATE_KEY_PAIR),
        (ck::CKM_DH_PKCS_DERIVE, 1024, 8192, ck::CKF_DERIVE),
        (ck::CKM_AES_KEY_GEN, 16, 32, ck::CKF_GENERATE),
        (ck::CKM_AES_GCM, 16, 32, cipher),
        (ck::CKM_AES_XTS, 64, 64, ck::CKF_ENCRYPT | ck::CKF_DECRYPT),
        (ck::CKM_GENERIC_SECRET_KEY_GEN, 8, 32768, ck::CKF_GENERATE),
        (ck::CKM_SHA256_KEY_GEN, 1, 4096, ck::CKF_GENERATE),
        (ck::CKM_SHA256_HMAC, 1, 1 << 20, ck::CKF_SIGN | ck::CKF_VERIFY),
        (ck::CKM_SHA256, 0, 0, ck::CKF_DIGEST),
        (national::SM2_KEY_PAIR_GEN, 256, 256, ck::CKF_GENERATE_KEY_PAIR | curve),
        (national::SM2, 256, 256, ck::CKF_SIGN | ck::CKF_VERIFY | curve),
        (national::SM2_ENCRYPT, 256, 256, ck::CKF_ENCRYPT | ck::CKF_DECRYPT | curve),
        (national::SM3, 0, 0, ck::CKF_DIGEST),
        (national::SM4_GCM, 16, 16, ck::CKF_ENCRYPT | ck::CKF_DECRYPT),
    ] {
        let info = row(id).info();
        let name = row(id).name;
        assert_eq!((info.min_key_size, info.max_key_size), (min, max), "{name}");
        assert_eq!(info.flags, flags, "{name}");
    }
}
