//! Mechanism parameters: missing, too short, too long, absurd.

use cryptoki_sys as ck;

use super::{Bench, Group, Outcome, State, want, want_error};
use crate::mechanism::{Mechanism, Param};
use crate::module::Begin;
use crate::template::Template;

type Pick = fn(&Bench) -> Result<u64, Outcome>;

const fn with(id: u64, param: Param) -> Mechanism {
    Mechanism { id, param }
}

fn gcm(iv: usize, tag_bits: u64) -> Mechanism {
    with(ck::CKM_AES_GCM, Param::Gcm { iv: vec![1; iv], aad: Vec::new(), tag_bits })
}

fn gcm_null(iv_len: u64, aad_len: u64, tag_bits: u64) -> Mechanism {
    with(ck::CKM_AES_GCM, Param::GcmNull { iv_len, aad_len, tag_bits })
}

fn oaep(hash: u64, mgf: u64) -> Mechanism {
    with(ck::CKM_RSA_PKCS_OAEP, Param::Oaep { hash, mgf })
}

fn aes(bench: &Bench) -> Result<u64, Outcome> {
    Ok(bench.aes()?)
}

fn rsa_public(bench: &Bench) -> Result<u64, Outcome> {
    Ok(bench.rsa()?.0)
}

fn rsa_private(bench: &Bench) -> Result<u64, Outcome> {
    Ok(bench.rsa()?.1)
}

pub(super) fn checks(group: &mut Group<'_>) {
    let cbc = ck::CKM_AES_CBC;
    let rows: Vec<(&str, Begin, Mechanism, Pick)> = vec![
        ("AES-CBC without an IV", Begin::Encrypt, Mechanism::plain(cbc), aes),
        ("AES-CBC with an IV of 15 bytes", Begin::Encrypt, Mechanism::cbc(&[0; 15]), aes),
        ("AES-CBC with an IV of 17 bytes", Begin::Encrypt, Mechanism::cbc(&[0; 17]), aes),
        ("AES-CBC with a null IV of 16 bytes", Begin::Encrypt, with(cbc, Param::Null(16)), aes),
        ("AES-CBC with a null IV of 2^64-1 bytes", Begin::Encrypt, with(cbc, Param::Null(u64::MAX)), aes),
        ("AES-CBC-PAD without an IV", Begin::Decrypt, Mechanism::plain(ck::CKM_AES_CBC_PAD), aes),
        ("AES-CBC-PAD with an IV of 8 bytes", Begin::Encrypt, Mechanism::cbc_pad(&[0; 8]), aes),
        ("AES-ECB with a parameter", Begin::Encrypt, Mechanism::bytes(ck::CKM_AES_ECB, &[0; 16]), aes),
        ("AES-CTR without a parameter", Begin::Encrypt, Mechanism::plain(ck::CKM_AES_CTR), aes),
        ("AES-CTR with a short parameter", Begin::Encrypt, Mechanism::bytes(ck::CKM_AES_CTR, &[0; 8]), aes),
        (
            "AES-CTR with a counter of 0 bits",
            Begin::Encrypt,
            Mechanism::bytes(ck::CKM_AES_CTR, &[0; 24]),
            aes,
        ),
        ("AES-CTR with a counter of 200 bits", Begin::Encrypt, wide_counter(), aes),
        ("AES-GCM without a parameter", Begin::Encrypt, Mechanism::plain(ck::CKM_AES_GCM), aes),
        ("AES-GCM with a short parameter", Begin::Encrypt, Mechanism::bytes(ck::CKM_AES_GCM, &[0; 16]), aes),
        ("AES-GCM with an IV of 0 bytes", Begin::Encrypt, gcm(0, 128), aes),
        ("AES-GCM with a tag of 0 bits", Begin::Encrypt, gcm(12, 0), aes),
        ("AES-GCM with a tag of 127 bits", Begin::Encrypt, gcm(12, 127), aes),
        ("AES-GCM with a tag of 256 bits", Begin::Encrypt, gcm(12, 256), aes),
        ("AES-GCM with a null IV of 12 bytes", Begin::Encrypt, gcm_null(12, 0, 128), aes),
        ("AES-GCM with null data of 10 bytes", Begin::Decrypt, gcm_null(12, 10, 128), aes),
        ("AES-GCM with a null IV of 2^64-1 bytes", Begin::Encrypt, gcm_null(u64::MAX, 0, 128), aes),
        ("RSA-OAEP without a parameter", Begin::Encrypt, Mechanism::plain(ck::CKM_RSA_PKCS_OAEP), rsa_public),
        (
            "RSA-OAEP with a short parameter",
            Begin::Encrypt,
            Mechanism::bytes(ck::CKM_RSA_PKCS_OAEP, &[0; 8]),
            rsa_public,
        ),
        (
            "RSA-OAEP with a hash that is none",
            Begin::Encrypt,
            oaep(ck::CKM_AES_ECB, ck::CKG_MGF1_SHA1),
            rsa_public,
        ),
        ("RSA-OAEP with an MGF that is none", Begin::Encrypt, oaep(ck::CKM_SHA_1, 0x7777), rsa_public),
        ("RSA-PSS without a parameter", Begin::Sign, Mechanism::plain(ck::CKM_RSA_PKCS_PSS), rsa_private),
        (
            "RSA-PSS with a short parameter",
            Begin::Sign,
            Mechanism::bytes(ck::CKM_RSA_PKCS_PSS, &[0; 8]),
            rsa_private,
        ),
        (
            "RSA-PSS with a salt longer than the key",
            Begin::Sign,
            Mechanism::pss(ck::CKM_RSA_PKCS_PSS, ck::CKM_SHA256, ck::CKG_MGF1_SHA256, 1000),
            rsa_private,
        ),
        (
            "RSA-PSS with a salt of 2^64-1 bytes",
            Begin::Sign,
            Mechanism::pss(ck::CKM_RSA_PKCS_PSS, ck::CKM_SHA256, ck::CKG_MGF1_SHA256, u64::MAX),
            rsa_private,
        ),
        (
            "SHA256-RSA-PSS with another hash",
            Begin::Sign,
            Mechanism::pss(ck::CKM_SHA256_RSA_PKCS_PSS, ck::CKM_SHA_1, ck::CKG_MGF1_SHA1, 20),
            rsa_private,
        ),
        ("RSA-PKCS with a parameter", Begin::Sign, Mechanism::bytes(ck::CKM_RSA_PKCS, &[0; 8]), rsa_private),
        ("ECDSA with a parameter", Begin::Sign, Mechanism::bytes(ck::CKM_ECDSA, &[0; 8]), |b| Ok(b.ec()?.1)),
        ("HMAC with a parameter", Begin::Sign, Mechanism::bytes(ck::CKM_SHA256_HMAC, &[0; 8]), |b| {
            Ok(b.hmac()?)
        }),
        ("general HMAC without a length", Begin::Sign, Mechanism::plain(ck::CKM_SHA256_HMAC_GENERAL), |b| {
            Ok(b.hmac()?)
        }),
        ("general HMAC of 33 bytes", Begin::Sign, Mechanism::ulong(ck::CKM_SHA256_HMAC_GENERAL, 33), |b| {
            Ok(b.hmac()?)
        }),
    ];
    for (name, which, how, key) in rows {
        group.add(State::User, name, move |bench| {
            bench.has(how.id)?;
            want(bench.session.begin(which, &how, key(bench)?), &[ck::CKR_MECHANISM_PARAM_INVALID])
        });
    }
    group.add(State::User, "SHA-256 with a parameter", |bench| {
        let how = Mechanism::bytes(ck::CKM_SHA256, &[0; 8]);
        want(bench.module.begin_digest(bench.session.handle, &how), &[ck::CKR_MECHANISM_PARAM_INVALID])
    });
    group.add(State::User, "AES-KEY-GEN with a parameter", |bench| {
        let how = Mechanism::bytes(ck::CKM_AES_KEY_GEN, &[0; 8]);
        let template = Template::new().bool(ck::CKA_TOKEN, false).ulong(ck::CKA_VALUE_LEN, 16);
        want_error(bench.session.generate(&how, &template), &[ck::CKR_MECHANISM_PARAM_INVALID])
    });
    let derivations: [(&str, Mechanism); 3] = [
        ("ECDH without a parameter", Mechanism::plain(ck::CKM_ECDH1_DERIVE)),
        ("ECDH with a short parameter", Mechanism::bytes(ck::CKM_ECDH1_DERIVE, &[0; 8])),
        (
            "ECDH with a KDF that is none",
            with(ck::CKM_ECDH1_DERIVE, Param::Ecdh { kdf: 0x7777, public: vec![4; 65] }),
        ),
    ];
    for (name, how) in derivations {
        group.add(State::User, name, move |bench| {
            let template = Template::secret(ck::CKK_GENERIC_SECRET).bool(ck::CKA_TOKEN, false);
            bench.has(how.id)?;
            let answer = bench.session.derive(&how, bench.ec()?.1, &template.ulong(ck::CKA_VALUE_LEN, 32));
            want_error(answer, &[ck::CKR_MECHANISM_PARAM_INVALID])
        });
    }
}

/// A counter of 200 bits in a block of 128.
fn wide_counter() -> Mechanism {
    let mut bytes = 200u64.to_ne_bytes().to_vec();
    bytes.extend([0; 16]);
    Mechanism::bytes(ck::CKM_AES_CTR, &bytes)
}
