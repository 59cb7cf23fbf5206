//! SM2, SM3 and SM4 through the module, beside OpenSSL's command line: the numbers of README.md, the parameters as they
//! lie in memory, and keys that come in and go out wrapped.

use std::fs;
use std::process::Command;

use conformance::mechanism::{Mechanism, Param};
use conformance::module::ObjectHandle;
use conformance::names::Rv;
use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use tests::{Place, Run};

#[allow(dead_code)] // here openssl works on files of the place
#[path = "../../crypto/tests/support/openssl.rs"]
mod program;

use program::der_signature;

const CKK_SM2: u64 = 0xc34c_5601;
const CKK_SM4: u64 = 0xc34c_5602;
const CKM_SM2_KEY_PAIR_GEN: u64 = 0xc34c_5601;
const CKM_SM2_SM3: u64 = 0xc34c_5603;
const CKM_SM2_ENCRYPT: u64 = 0xc34c_5604;
const CKM_SM3_HMAC: u64 = 0xc34c_5612;
const CKM_SM4_KEY_GEN: u64 = 0xc34c_5621;
const CKM_SM4_ECB: u64 = 0xc34c_5622;
const CKM_SM4_CBC_PAD: u64 = 0xc34c_5624;
const CKM_SM4_GCM: u64 = 0xc34c_5626;

/// openssl on files of the place.
fn openssl(place: &Place, line: &str) -> Run {
    Run::of(Command::new("openssl").current_dir(place.path("")).args(line.split_whitespace()))
}

fn pair(session: Session, label: &str) -> (ObjectHandle, ObjectHandle) {
    let common = || Template::new().bool(ck::CKA_TOKEN, true).bytes(ck::CKA_LABEL, label.as_bytes());
    session.generate_pair(&Mechanism::plain(CKM_SM2_KEY_PAIR_GEN), &common(), &common()).unwrap()
}

fn sm4(session: Session, extractable: bool) -> ObjectHandle {
    let template = Template::new().ulong(ck::CKA_VALUE_LEN, 16).bool(ck::CKA_EXTRACTABLE, extractable);
    session.generate(&Mechanism::plain(CKM_SM4_KEY_GEN), &template).unwrap()
}

fn found(session: Session, class: u64, label: &str) -> ObjectHandle {
    let template = Template::new().ulong(ck::CKA_CLASS, class).bytes(ck::CKA_LABEL, label.as_bytes());
    let all = session.find(&template).unwrap();
    assert_eq!(all.len(), 1);
    all[0]
}

#[test]
fn openssl_verifies_and_opens_what_a_key_on_the_token_signs_and_seals() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("keys", "standard");
    let session = place.user("keys");
    pair(session, "national");
    daemon.stop();

    // The keys are there after a restart, as the pair that they were.
    let daemon = place.start();
    let session = place.user("keys");
    let private = found(session, ck::CKO_PRIVATE_KEY, "national");
    let public = found(session, ck::CKO_PUBLIC_KEY, "national");
    let info = session.get(private, ck::CKA_PUBLIC_KEY_INFO).unwrap();
    assert_eq!(info, session.get(public, ck::CKA_PUBLIC_KEY_INFO).unwrap());
    fs::write(place.path("public.der"), info).unwrap();
    fs::write(place.path("message"), b"message").unwrap();
    let id = b"ALICE123@YAHOO.COM";
    let parameter = [(id.as_ptr() as u64).to_ne_bytes(), (id.len() as u64).to_ne_bytes()].concat();
    let by_id = Mechanism::bytes(CKM_SM2_SM3, &parameter);
    let verify = "pkeyutl -verify -pubin -inkey public.der -keyform DER -rawin -in message -sigfile signature -digest sm3";
    for (how, distid, other) in [
        (Mechanism::plain(CKM_SM2_SM3), "1234567812345678", "ALICE123@YAHOO.COM"),
        (by_id, "ALICE123@YAHOO.COM", "1234567812345678"),
    ] {
        let signature = session.sign(&how, private, b"message").unwrap();
        assert_eq!(signature.len(), 64);
        fs::write(place.path("signature"), der_signature(&signature)).unwrap();
        openssl(&place, &format!("{verify} -pkeyopt distid:{distid}")).succeeds().done();
        openssl(&place, &format!("{verify} -pkeyopt distid:{other}")).fails().done();
    }
    openssl(&place, "pkeyutl -encrypt -pubin -inkey public.der -keyform DER -in message -out sealed")
        .succeeds()
        .done();
    let sealed = fs::read(place.path("sealed")).unwrap();
    let opened = session.decrypt(&Mechanism::plain(CKM_SM2_ENCRYPT), private, &sealed).unwrap();
    assert_eq!(opened, b"message");
    let raw = Mechanism::ulong(CKM_SM2_ENCRYPT, 1);
    let sealed = session.encrypt(&raw, public, b"message").unwrap();
    assert_eq!(sealed.len(), 65 + 32 + 7);
    assert_eq!(session.decrypt(&raw, private, &sealed).unwrap(), b"message");

    // Another curve's mechanisms are not for it, and it is not for theirs.
    let refused = session.sign(&Mechanism::plain(ck::CKM_ECDSA), private, &[7; 32]).unwrap_err();
    assert_eq!(refused, Rv(ck::CKR_KEY_TYPE_INCONSISTENT));
    daemon.stop();
}

#[test]
fn keys_come_in_wrapped_and_go_out_as_the_policy_of_all_keys_has_it() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("keys", "standard");
    let session = place.user("keys");
    let kwp = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
    let wrapping = session
        .generate(
            &Mechanism::plain(ck::CKM_AES_KEY_GEN),
            &Template::new().ulong(ck::CKA_VALUE_LEN, 32).yes(&[ck::CKA_WRAP, ck::CKA_UNWRAP]),
        )
        .unwrap();

    // A key that may not leave does not, one that may comes back as the same.
    let closed = sm4(session, false);
    assert_eq!(session.wrap(&kwp, wrapping, closed).unwrap_err(), Rv(ck::CKR_KEY_UNEXTRACTABLE));
    assert_eq!(session.get(closed, ck::CKA_VALUE).unwrap_err(), Rv(ck::CKR_ATTRIBUTE_SENSITIVE));
    let open = sm4(session, true);
    let ecb = Mechanism::plain(CKM_SM4_ECB);
    let sealed = session.encrypt(&ecb, open, &[7; 32]).unwrap();
    let blob = session.wrap(&kwp, wrapping, open).unwrap();
    let back = session.unwrap(&kwp, wrapping, &blob, &Template::secret(CKK_SM4)).unwrap();
    assert_eq!(session.decrypt(&ecb, back, &sealed).unwrap(), [7; 32]);

    // A private key that openssl made and wrapped comes in, under the key that it was wrapped with and no other.
    openssl(&place, "genpkey -algorithm SM2 -out key.pem").succeeds().done();
    openssl(&place, "pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der").succeeds().done();
    openssl(&place, "pkey -inform DER -in key.der -pubout -outform DER -out public.der").succeeds().done();
    let (key, iv) = ("09".repeat(32), "03".repeat(16));
    openssl(&place, &format!("enc -aes-256-cbc -K {key} -iv {iv} -in key.der -out blob")).succeeds().done();
    let blob = fs::read(place.path("blob")).unwrap();
    let of = |value: u8| {
        let template = Template::secret(ck::CKK_AES).bytes(ck::CKA_VALUE, &[value; 32]);
        session.create(&template.bool(ck::CKA_UNWRAP, true)).unwrap()
    };
    let (cbc, template) = (Mechanism::cbc_pad(&[3; 16]), Template::private(CKK_SM2).bool(ck::CKA_SIGN, true));
    assert_eq!(session.unwrap(&cbc, of(8), &blob, &template).unwrap_err(), Rv(ck::CKR_WRAPPED_KEY_INVALID));
    let other = Template::private(ck::CKK_EC).bool(ck::CKA_SIGN, true);
    assert_eq!(session.unwrap(&cbc, of(9), &blob, &other).unwrap_err(), Rv(ck::CKR_WRAPPED_KEY_INVALID));
    let key = session.unwrap(&cbc, of(9), &blob, &template).unwrap();
    let info = session.get(key, ck::CKA_PUBLIC_KEY_INFO).unwrap();
    assert_eq!(info, fs::read(place.path("public.der")).unwrap());
    let signature = session.sign(&Mechanism::plain(CKM_SM2_SM3), key, b"data").unwrap();
    fs::write(place.path("signature"), der_signature(&signature)).unwrap();
    fs::write(place.path("message"), b"data").unwrap();
    openssl(
        &place,
        "pkeyutl -verify -inkey key.der -keyform DER -rawin -in message -sigfile signature -digest sm3 \
         -pkeyopt distid:1234567812345678",
    )
    .succeeds()
    .done();
    daemon.stop();
}

#[test]
fn sm4_and_sm3_are_openssls() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("keys", "standard");
    let session = place.user("keys");
    let bytes = [0x42; 16];
    let template = Template::secret(CKK_SM4).bytes(ck::CKA_VALUE, &bytes).bool(ck::CKA_SENSITIVE, true);
    let key = session.create(&template).unwrap();
    fs::write(place.path("plain"), b"a text of some length").unwrap();
    let (hex, iv) = ("42".repeat(16), "07".repeat(16));
    openssl(&place, &format!("enc -sm4-cbc -K {hex} -iv {iv} -in plain -out sealed")).succeeds().done();
    let cbc = Mechanism::bytes(CKM_SM4_CBC_PAD, &[7; 16]);
    let sealed = fs::read(place.path("sealed")).unwrap();
    assert_eq!(session.encrypt(&cbc, key, b"a text of some length").unwrap(), sealed);
    assert_eq!(session.decrypt(&cbc, key, &sealed).unwrap(), b"a text of some length");

    let gcm = |iv: &[u8]| Mechanism {
        id: CKM_SM4_GCM,
        param: Param::Gcm { iv: iv.to_vec(), aad: b"aad".to_vec(), tag_bits: 128 },
    };
    let mut sealed = session.encrypt(&gcm(&[1; 12]), key, b"data").unwrap();
    assert_eq!(session.decrypt(&gcm(&[1; 12]), key, &sealed).unwrap(), b"data");
    sealed[0] ^= 1;
    let refused = session.decrypt(&gcm(&[1; 12]), key, &sealed).unwrap_err();
    assert_eq!(refused, Rv(ck::CKR_ENCRYPTED_DATA_INVALID));

    let template = Template::secret(ck::CKK_GENERIC_SECRET)
        .bytes(ck::CKA_VALUE, b"a key for a MAC")
        .bool(ck::CKA_SIGN, true);
    let mac_key = session.create(&template).unwrap();
    let tag = session.sign(&Mechanism::plain(CKM_SM3_HMAC), mac_key, b"a text of some length").unwrap();
    let key: String = b"a key for a MAC".iter().map(|byte| format!("{byte:02x}")).collect();
    openssl(&place, &format!("dgst -sm3 -mac HMAC -macopt hexkey:{key} -binary -out tag plain"))
        .succeeds()
        .done();
    assert_eq!(tag, fs::read(place.path("tag")).unwrap());
    for wrong in [8, 24, 32] {
        let template = Template::secret(CKK_SM4).bytes(ck::CKA_VALUE, &vec![1; wrong]);
        assert_eq!(session.create(&template).unwrap_err(), Rv(ck::CKR_ATTRIBUTE_VALUE_INVALID));
    }
    daemon.stop();
}
