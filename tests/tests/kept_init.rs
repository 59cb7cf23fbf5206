//! An `Init` that the module answers by itself is answered as the daemon would: whatever another session, thread
//! or process has changed meanwhile.

use conformance::calls::{Begin, Room, Transform};
use conformance::mechanism::Mechanism;
use conformance::module::{Module, ObjectHandle};
use conformance::names::Rv;
use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use std::os::unix::net::UnixStream;
use std::path::Path;
use tests::{Client, in_own_process};
use wire::calls::{object, session};
use wire::template::{Attribute, AttributeValue};
use wire::{AttributeType, List, SessionHandle, Slice, SlotId};

fn var(name: &str) -> String {
    std::env::var(name).expect("a variable of dev-up")
}

/// The module, with the user logged in.
struct Here {
    module: &'static Module,
    slot: ck::CK_SLOT_ID,
    session: Session,
}

impl Here {
    fn new() -> Self {
        let module = Module::load(Path::new(&var("P11_MODULE"))).unwrap();
        module.initialize().ok().unwrap();
        let slot = module.slot_of(&var("P11_LABEL")).unwrap();
        let session = Session::open(module, slot).unwrap();
        session.login(ck::CKU_USER, &var("P11_PIN")).ok().unwrap();
        Self { module, slot, session }
    }

    fn aes(&self, template: &Template) -> ObjectHandle {
        let all = [ck::CKA_TOKEN, ck::CKA_ENCRYPT, ck::CKA_DECRYPT, ck::CKA_UNWRAP, ck::CKA_SIGN];
        let common = Template::new().yes(&all).ulong(ck::CKA_VALUE_LEN, 32).bytes(ck::CKA_LABEL, b"kept");
        self.session.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &common.with(template)).unwrap()
    }

    /// `C_EncryptInit` and `C_Encrypt` of a block, with an IV of its own; the code is that of `Init`.
    fn encrypts(&self, key: ObjectHandle, iv: u8) -> Rv {
        let rv = self.session.begin(Begin::Encrypt, &Mechanism::cbc(&[iv; 16]), key);
        if rv.ok().is_ok() {
            let done = self.session.transform(Transform::Encrypt, &[7; 16], Room::Bytes(64));
            done.ok().unwrap();
        }
        rv
    }
}

/// Another process of the same user, without the module.
struct Elsewhere {
    client: Client,
    session: SessionHandle,
}

impl Elsewhere {
    fn new(slot: ck::CK_SLOT_ID) -> Self {
        let socket = UnixStream::connect(var("CLAVIGER_SOCKET")).unwrap();
        let mut client = Client::over(socket).unwrap();
        let session = client.call(&session::OpenSession { slot: SlotId(slot), flags: 6 }).unwrap();
        let pin = var("P11_PIN");
        let login = session::Login { session, user: ck::CKU_USER, pin: Some(Slice(pin.as_bytes())) };
        client.call(&login).unwrap();
        Self { client, session }
    }

    fn key(&mut self) -> wire::ObjectHandle {
        let session = self.session;
        let label = Attribute {
            kind: AttributeType(ck::CKA_LABEL),
            value: AttributeValue::Bytes(b"kept"[..].into()),
        };
        let template = List::new(vec![label]).unwrap();
        self.client.call(&object::FindObjectsInit { session, template }).unwrap();
        let found = self.client.call(&object::FindObjects { session, max: 1 }).unwrap();
        self.client.call(&object::FindObjectsFinal { session }).unwrap();
        *found.first().expect("the key")
    }

    fn destroy(&mut self) {
        let object = self.key();
        self.client.call(&object::DestroyObject { session: self.session, object }).unwrap();
    }
}

fn is(rv: Rv, expected: ck::CK_RV) -> bool {
    rv.0 == expected
}

#[test]
fn a_key_that_another_process_destroyed_is_no_key_at_init() {
    in_own_process("a_key_that_another_process_destroyed_is_no_key_at_init", || {
        let here = Here::new();
        let key = here.aes(&Template::new());
        for iv in 0..3 {
            assert!(is(here.encrypts(key, iv), ck::CKR_OK));
        }
        Elsewhere::new(here.slot).destroy();
        assert!(is(here.encrypts(key, 4), ck::CKR_KEY_HANDLE_INVALID));
    });
}

#[test]
fn a_use_that_another_process_forbade_is_forbidden_at_init() {
    in_own_process("a_use_that_another_process_forbade_is_forbidden_at_init", || {
        let here = Here::new();
        let key = here.aes(&Template::new());
        for iv in 0..3 {
            assert!(is(here.encrypts(key, iv), ck::CKR_OK));
        }
        let mut other = Elsewhere::new(here.slot);
        let (session, object) = (other.session, other.key());
        let no = Attribute {
            kind: AttributeType(ck::CKA_ENCRYPT),
            value: AttributeValue::Bytes([ck::CK_FALSE][..].into()),
        };
        let template = List::new(vec![no]).unwrap();
        other.client.call(&object::SetAttributeValue { session, object, template }).unwrap();
        assert!(is(here.encrypts(key, 4), ck::CKR_KEY_FUNCTION_NOT_PERMITTED));
    });
}

#[test]
fn after_a_log_out_by_another_session_init_refuses() {
    in_own_process("after_a_log_out_by_another_session_init_refuses", || {
        let here = Here::new();
        let key = here.aes(&Template::new());
        assert!(is(here.encrypts(key, 1), ck::CKR_OK) && is(here.encrypts(key, 2), ck::CKR_OK));
        Session::open(here.module, here.slot).unwrap().logout().ok().unwrap();
        assert!(is(here.encrypts(key, 3), ck::CKR_KEY_HANDLE_INVALID));
    });
}

#[test]
fn a_second_init_finds_the_first_active() {
    in_own_process("a_second_init_finds_the_first_active", || {
        let here = Here::new();
        let key = here.aes(&Template::new());
        assert!(is(here.encrypts(key, 1), ck::CKR_OK));
        for _ in 0..2 {
            let begin = |iv| here.session.begin(Begin::Encrypt, &Mechanism::cbc(&[iv; 16]), key);
            assert!(is(begin(2), ck::CKR_OK));
            assert!(is(begin(3), ck::CKR_OPERATION_ACTIVE));
            here.session.transform(Transform::Encrypt, &[7; 16], Room::Bytes(64)).ok().unwrap();
        }
    });
}

#[test]
fn each_ciphertext_has_the_iv_of_its_own_init() {
    in_own_process("each_ciphertext_has_the_iv_of_its_own_init", || {
        let here = Here::new();
        let key = here.aes(&Template::new());
        std::thread::scope(|scope| {
            for thread in 0..2 {
                let (module, slot) = (here.module, here.slot);
                scope.spawn(move || {
                    let session = Session::open(module, slot).unwrap();
                    for round in 0..100u8 {
                        let cbc = Mechanism::cbc(&[thread * 100 + round; 16]);
                        let sealed = session.encrypt(&cbc, key, &[round; 32]).unwrap();
                        assert_eq!(session.decrypt(&cbc, key, &sealed).unwrap(), [round; 32]);
                    }
                });
            }
        });
    });
}
