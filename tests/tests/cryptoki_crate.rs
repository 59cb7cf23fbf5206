//! The Rust crate `cryptoki` as a client: it loads the module into its own process.

use std::env::var;
use std::thread;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use tests::in_own_process;

const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

struct Token {
    module: Pkcs11,
    slot: Slot,
}

impl Token {
    fn open() -> Self {
        let module = Pkcs11::new(var("P11_MODULE").unwrap()).unwrap();
        module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        let label = var("P11_LABEL").unwrap();
        let slots = module.get_slots_with_initialized_token().unwrap();
        let slot =
            slots.into_iter().find(|slot| module.get_token_info(*slot).unwrap().label() == label).unwrap();
        Self { module, slot }
    }

    fn session(&self) -> Session {
        let session = self.module.open_rw_session(self.slot).unwrap();
        match session.login(UserType::User, Some(&AuthPin::from(var("P11_PIN").unwrap()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => session,
            Err(error) => panic!("{error}"),
        }
    }
}

fn rsa(session: &Session, public: Attribute, private: Attribute) -> (ObjectHandle, ObjectHandle) {
    session
        .generate_key_pair(
            &Mechanism::RsaPkcsKeyPairGen,
            &[Attribute::ModulusBits(2048.into()), Attribute::PublicExponent(vec![1, 0, 1]), public],
            &[Attribute::Sensitive(true), Attribute::Private(true), private],
        )
        .unwrap()
}

fn ec(session: &Session, label: &str, private: Attribute) -> (ObjectHandle, ObjectHandle) {
    let label = Attribute::Label(label.into());
    session
        .generate_key_pair(
            &Mechanism::EccKeyPairGen,
            &[Attribute::EcParams(P256.to_vec()), Attribute::Verify(true), label.clone()],
            &[Attribute::Sensitive(true), Attribute::Private(true), private, label],
        )
        .unwrap()
}

fn aes(session: &Session, more: &[Attribute]) -> ObjectHandle {
    let template = [&[Attribute::ValueLen(32.into())], more].concat();
    session.generate_key(&Mechanism::AesKeyGen, &template).unwrap()
}

#[test]
fn the_library_the_slots_and_the_mechanisms_are_listed() {
    in_own_process("the_library_the_slots_and_the_mechanisms_are_listed", || {
        let token = Token::open();
        assert!(!token.module.get_library_info().unwrap().manufacturer_id().is_empty());
        assert!(token.module.get_slot_info(token.slot).unwrap().token_present());
        let info = token.module.get_token_info(token.slot).unwrap();
        assert!(
            info.token_initialized() && info.user_pin_initialized() && info.login_required() && info.rng()
        );
        let mechanisms = token.module.get_mechanism_list(token.slot).unwrap();
        for wanted in [MechanismType::RSA_PKCS, MechanismType::ECDSA, MechanismType::AES_GCM] {
            assert!(mechanisms.contains(&wanted), "{wanted}");
            token.module.get_mechanism_info(token.slot, wanted).unwrap();
        }
        for mechanism in mechanisms {
            token.module.get_mechanism_info(token.slot, mechanism).unwrap();
        }
    });
}

#[test]
fn rsa_signs_with_pkcs1_and_pss_and_refuses_what_was_altered() {
    in_own_process("rsa_signs_with_pkcs1_and_pss_and_refuses_what_was_altered", || {
        let session = Token::open().session();
        let (public, private) = rsa(&session, Attribute::Verify(true), Attribute::Sign(true));
        let pss = PkcsPssParams {
            hash_alg: MechanismType::SHA256,
            mgf: PkcsMgfType::MGF1_SHA256,
            s_len: 32.into(),
        };
        for mechanism in [Mechanism::Sha256RsaPkcs, Mechanism::Sha256RsaPkcsPss(pss)] {
            let mut signature = session.sign(&mechanism, private, b"message").unwrap();
            assert_eq!(signature.len(), 256);
            session.verify(&mechanism, public, b"message", &signature).unwrap();
            signature[100] ^= 1;
            let refused = session.verify(&mechanism, public, b"message", &signature);
            assert!(matches!(refused, Err(Error::Pkcs11(RvError::SignatureInvalid, _))), "{refused:?}");
            let short = session.verify(&mechanism, public, b"message", &signature[1..]);
            assert!(matches!(short, Err(Error::Pkcs11(RvError::SignatureLenRange, _))), "{short:?}");
        }
    });
}

#[test]
fn ecdsa_signs_in_parts_and_at_once() {
    in_own_process("ecdsa_signs_in_parts_and_at_once", || {
        let token = Token::open();
        let session = token.session();
        let (public, private) = ec(&session, "ec", Attribute::Sign(true));
        let signature = session.sign(&Mechanism::Ecdsa, private, &[7; 32]).unwrap();
        assert_eq!(signature.len(), 64);
        session.verify(&Mechanism::Ecdsa, public, &[7; 32], &signature).unwrap();
        let mechanisms = token.module.get_mechanism_list(token.slot).unwrap();
        if mechanisms.contains(&MechanismType::ECDSA_SHA256) {
            session.sign_init(&Mechanism::EcdsaSha256, private).unwrap();
            session.sign_update(b"one ").unwrap();
            session.sign_update(b"two").unwrap();
            let signature = session.sign_final().unwrap();
            session.verify(&Mechanism::EcdsaSha256, public, b"one two", &signature).unwrap();
        }
    });
}

#[test]
fn aes_gcm_seals_and_opens_and_notices_a_flipped_bit() {
    in_own_process("aes_gcm_seals_and_opens_and_notices_a_flipped_bit", || {
        let session = Token::open().session();
        let key = aes(&session, &[Attribute::Encrypt(true), Attribute::Decrypt(true)]);
        for len in [0, 1, 64, 100_000] {
            let plain = vec![0x5a; len];
            let (mut iv, mut iv2, mut iv3) = ([9; 12], [9; 12], [9; 12]);
            let seal = Mechanism::AesGcm(GcmParams::new(&mut iv, b"header", 128.into()).unwrap());
            let mut sealed = session.encrypt(&seal, key, &plain).unwrap();
            assert_eq!(sealed.len(), len + 16);
            let open = Mechanism::AesGcm(GcmParams::new(&mut iv2, b"header", 128.into()).unwrap());
            assert_eq!(session.decrypt(&open, key, &sealed).unwrap(), plain);
            sealed[len / 2] ^= 0x80;
            let again = Mechanism::AesGcm(GcmParams::new(&mut iv3, b"header", 128.into()).unwrap());
            session.decrypt(&again, key, &sealed).unwrap_err();
        }
    });
}

#[test]
fn aes_cbc_encrypts_in_parts_of_odd_sizes() {
    in_own_process("aes_cbc_encrypts_in_parts_of_odd_sizes", || {
        let session = Token::open().session();
        let key = aes(&session, &[Attribute::Encrypt(true), Attribute::Decrypt(true)]);
        let plain: Vec<u8> = (0..1000_u32).map(|n| n as u8).collect();
        let whole = session.encrypt(&Mechanism::AesCbcPad([3; 16]), key, &plain).unwrap();
        session.encrypt_init(&Mechanism::AesCbcPad([3; 16]), key).unwrap();
        let mut parts = Vec::new();
        for part in plain.chunks(37) {
            parts.extend(session.encrypt_update(part).unwrap());
        }
        parts.extend(session.encrypt_final().unwrap());
        assert_eq!(parts, whole);
        session.decrypt_init(&Mechanism::AesCbcPad([3; 16]), key).unwrap();
        let mut opened = Vec::new();
        for part in whole.chunks(41) {
            opened.extend(session.decrypt_update(part).unwrap());
        }
        opened.extend(session.decrypt_final().unwrap());
        assert_eq!(opened, plain);
    });
}

#[test]
fn rsa_oaep_opens_what_it_sealed() {
    in_own_process("rsa_oaep_opens_what_it_sealed", || {
        let session = Token::open().session();
        let (public, private) = rsa(&session, Attribute::Encrypt(true), Attribute::Decrypt(true));
        // SHA-1, as SoftHSM2 has no other.
        let oaep = || {
            let source = PkcsOaepSource::empty();
            Mechanism::RsaPkcsOaep(PkcsOaepParams::new(MechanismType::SHA1, PkcsMgfType::MGF1_SHA1, source))
        };
        let sealed = session.encrypt(&oaep(), public, b"a secret").unwrap();
        assert_eq!(session.decrypt(&oaep(), private, &sealed).unwrap(), b"a secret");
        let longest = session.encrypt(&oaep(), public, &[1; 214]).unwrap();
        assert_eq!(session.decrypt(&oaep(), private, &longest).unwrap(), [1; 214]);
        if var("P11_MODULE").unwrap().contains("softhsm") {
            return println!("skipped on SoftHSM2: it answers CKR_GENERAL_ERROR to data that is too long");
        }
        let too_long = session.encrypt(&oaep(), public, &[1; 215]);
        assert!(matches!(too_long, Err(Error::Pkcs11(RvError::DataLenRange, _))), "{too_long:?}");
    });
}

#[test]
fn a_key_is_wrapped_and_unwrapped_and_still_the_same() {
    in_own_process("a_key_is_wrapped_and_unwrapped_and_still_the_same", || {
        let session = Token::open().session();
        let usage = [Attribute::Encrypt(true), Attribute::Decrypt(true)];
        let inner = aes(&session, &[&usage[..], &[Attribute::Extractable(true)]].concat());
        let outer = aes(
            &session,
            &[
                Attribute::Wrap(true),
                Attribute::Unwrap(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
            ],
        );
        let blob = session.wrap_key(&Mechanism::AesKeyWrap, outer, inner).unwrap();
        assert_eq!(blob.len(), 40);
        let template = [
            &usage[..],
            &[
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::AES),
                Attribute::Sensitive(true),
            ],
        ]
        .concat();
        let again = session.unwrap_key(&Mechanism::AesKeyWrap, outer, &blob, &template).unwrap();
        let by = Mechanism::AesCbcPad([1; 16]);
        assert_eq!(
            session.encrypt(&by, again, b"the same").unwrap(),
            session.encrypt(&by, inner, b"the same").unwrap()
        );
        let mut forged = blob;
        forged[3] ^= 1;
        session.unwrap_key(&Mechanism::AesKeyWrap, outer, &forged, &template).unwrap_err();
    });
}

#[test]
fn two_parties_derive_the_same_secret() {
    in_own_process("two_parties_derive_the_same_secret", || {
        let session = Token::open().session();
        let (our_public, our_private) = ec(&session, "ours", Attribute::Derive(true));
        let (their_public, their_private) = ec(&session, "theirs", Attribute::Derive(true));
        let point = |key| match session.get_attributes(key, &[AttributeType::EcPoint]).unwrap().remove(0) {
            // The point itself, out of its OCTET STRING.
            Attribute::EcPoint(point) => point[2..].to_vec(),
            other => panic!("{other:?}"),
        };
        let secret = |private, public: ObjectHandle| {
            let point = point(public);
            let by = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), &point));
            let template = [
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::GENERIC_SECRET),
                Attribute::ValueLen(32.into()),
                Attribute::Sensitive(false),
                Attribute::Extractable(true),
            ];
            let derived = session.derive_key(&by, private, &template).unwrap();
            session.get_attributes(derived, &[AttributeType::Value]).unwrap()
        };
        let one = secret(our_private, their_public);
        assert!(matches!(&one[..], [Attribute::Value(value)] if value.len() == 32 && value != &[0; 32]));
        assert_eq!(one, secret(their_private, our_public));
    });
}

#[test]
fn objects_are_found_by_what_they_are_changed_and_destroyed() {
    in_own_process("objects_are_found_by_what_they_are_changed_and_destroyed", || {
        let session = Token::open().session();
        let mut keys = Vec::new();
        for number in 0..50 {
            let label = Attribute::Label(format!("key {number}").into_bytes());
            keys.push(aes(&session, &[Attribute::Token(true), label, Attribute::Id(vec![number])]));
        }
        let all = session.find_objects(&[Attribute::KeyType(KeyType::AES)]).unwrap();
        assert_eq!(all.len(), 50);
        assert_eq!(session.find_objects(&[Attribute::Id(vec![17])]).unwrap(), [keys[17]]);
        assert_eq!(session.find_objects(&[Attribute::Label(b"key 31".to_vec())]).unwrap(), [keys[31]]);
        session.update_attributes(keys[31], &[Attribute::Label(b"renamed".to_vec())]).unwrap();
        assert!(session.find_objects(&[Attribute::Label(b"key 31".to_vec())]).unwrap().is_empty());
        assert_eq!(session.find_objects(&[Attribute::Label(b"renamed".to_vec())]).unwrap(), [keys[31]]);
        for key in &keys {
            session.destroy_object(*key).unwrap();
        }
        assert!(session.find_objects(&[Attribute::KeyType(KeyType::AES)]).unwrap().is_empty());
        let gone = session.get_attributes(keys[0], &[AttributeType::Label]);
        assert!(matches!(gone, Err(Error::Pkcs11(RvError::ObjectHandleInvalid, _))), "{gone:?}");
    });
}

#[test]
fn a_wrong_pin_is_refused_and_private_objects_stay_hidden() {
    in_own_process("a_wrong_pin_is_refused_and_private_objects_stay_hidden", || {
        let token = Token::open();
        let session = token.session();
        aes(
            &session,
            &[Attribute::Token(true), Attribute::Private(true), Attribute::Label(b"hidden".to_vec())],
        );
        session.logout().unwrap();
        assert!(session.find_objects(&[Attribute::Label(b"hidden".to_vec())]).unwrap().is_empty());
        let refused = session.login(UserType::User, Some(&AuthPin::from("not the PIN".to_owned())));
        assert!(matches!(refused, Err(Error::Pkcs11(RvError::PinIncorrect, _))), "{refused:?}");
        let session = token.session();
        assert_eq!(session.find_objects(&[Attribute::Label(b"hidden".to_vec())]).unwrap().len(), 1);
    });
}

#[test]
fn eight_threads_sign_and_verify_each_in_a_session_of_its_own() {
    in_own_process("eight_threads_sign_and_verify_each_in_a_session_of_its_own", || {
        let token = Token::open();
        let (public, private) = ec(token.session_kept(), "shared", Attribute::Sign(true));
        thread::scope(|scope| {
            for thread in 0..8_u8 {
                let token = &token;
                scope.spawn(move || {
                    let session = token.session();
                    for round in 0..50 {
                        let digest = [thread ^ round; 32];
                        let signature = session.sign(&Mechanism::Ecdsa, private, &digest).unwrap();
                        session.verify(&Mechanism::Ecdsa, public, &digest, &signature).unwrap();
                        let key = aes(&session, &[Attribute::Encrypt(true)]);
                        session.destroy_object(key).unwrap();
                    }
                });
            }
        });
    });
}

impl Token {
    /// A session that stays open as long as the process, so that its objects and login do.
    fn session_kept(&self) -> &'static Session {
        Box::leak(Box::new(self.session()))
    }
}
