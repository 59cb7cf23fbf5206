//! What the fake daemon answers to each call.

use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use wire::calls::decrypt::*;
use wire::calls::digest::*;
use wire::calls::dual::*;
use wire::calls::encrypt::*;
use wire::calls::key::*;
use wire::calls::object::*;
use wire::calls::random::*;
use wire::calls::session::*;
use wire::calls::sign::*;
use wire::calls::slot::*;
use wire::calls::verify::*;
use wire::info::{MechanismInfo, SessionInfo, SlotInfo, TokenInfo};
use wire::template::Answers;
use wire::{Bytes, List, MechanismId, ObjectHandle, Output, Repeat, Rv, SessionHandle, Slice, SlotId};

use super::{CUT, Connection, MADE_UP, Session, list, lock};

/// The PIN that is right.
pub const PIN: &[u8] = b"1234";

fn reversed(Slice(data): Slice) -> Vec<u8> {
    data.iter().rev().copied().collect()
}

impl SlotCalls for Connection {
    fn get_slot_list(&self, call: GetSlotList) -> Result<List<SlotId, MAX_SLOTS>, Rv> {
        Ok(list(if call.token_present { vec![SlotId(0)] } else { vec![SlotId(0), SlotId(7)] }))
    }
    fn get_slot_info(&self, call: GetSlotInfo) -> Result<SlotInfo, Rv> {
        if call.slot.0 != 0 {
            return Err(Rv::SLOT_ID_INVALID);
        }
        Ok(SlotInfo {
            description: "x".repeat(63) + "é",
            manufacturer: "maker".into(),
            flags: 1,
            hardware_version: (1, 2),
            firmware_version: (3, 4),
        })
    }
    fn get_token_info(&self, _: GetTokenInfo) -> Result<TokenInfo, Rv> {
        Ok(TokenInfo {
            label: "label".into(),
            manufacturer: "maker".into(),
            model: "model".into(),
            serial: "0123456789abcdef".into(),
            flags: 5,
            max_sessions: 11,
            sessions: 12,
            max_rw_sessions: 13,
            rw_sessions: 14,
            max_pin_len: 15,
            min_pin_len: 16,
            total_public_memory: 17,
            free_public_memory: 18,
            total_private_memory: 19,
            free_private_memory: u64::MAX,
            hardware_version: (1, 2),
            firmware_version: (3, 4),
            utc_time: String::new(),
        })
    }
    fn get_mechanism_list(&self, _: GetMechanismList) -> Result<List<MechanismId, MAX_MECHANISMS>, Rv> {
        Ok(list(vec![MADE_UP, MechanismId(1), MechanismId(2)]))
    }
    fn get_mechanism_info(&self, call: GetMechanismInfo) -> Result<MechanismInfo, Rv> {
        Ok(MechanismInfo { min_key_size: 1, max_key_size: 2, flags: call.mechanism.0 })
    }
    fn init_token(&self, call: InitToken<'_>) -> Result<(), Rv> {
        if call.label.0.len() == 32 { Ok(()) } else { Err(Rv::ARGUMENTS_BAD) }
    }
    fn wait_for_slot_event(&self, _: WaitForSlotEvent) -> Result<Option<SlotId>, Rv> {
        Ok(lock(&self.state.event).take())
    }
}

impl SessionCalls for Connection {
    fn open_session(&self, _: OpenSession) -> Result<SessionHandle, Rv> {
        let handle = self.state.next.fetch_add(1, SeqCst);
        let mut applications = lock(&self.state.applications);
        let application = applications.get_mut(&self.token).ok_or(Rv::DEVICE_ERROR)?;
        application.sessions.insert(handle, Session::default());
        Ok(SessionHandle(handle))
    }
    fn close_session(&self, call: CloseSession) -> Result<(), Rv> {
        self.session(call.session, |_| Ok(()))?;
        lock(&self.state.applications).get_mut(&self.token).unwrap().sessions.remove(&call.session.0);
        Ok(())
    }
    fn close_all_sessions(&self, _: CloseAllSessions) -> Result<(), Rv> {
        lock(&self.state.applications).get_mut(&self.token).unwrap().sessions.clear();
        Ok(())
    }
    fn get_session_info(&self, call: GetSessionInfo) -> Result<SessionInfo, Rv> {
        self.session(call.session, |_| Ok(SessionInfo { slot: 0, state: 2, flags: 6, device_error: 0 }))
    }
    fn login(&self, call: Login<'_>) -> Result<(), Rv> {
        self.session(call.session, |_| match call.pin {
            Some(Slice(PIN)) => Ok(()),
            Some(_) => Err(Rv::PIN_INCORRECT),
            None => Err(Rv::ARGUMENTS_BAD),
        })
    }
    fn login_user(&self, call: LoginUser<'_>) -> Result<(), Rv> {
        self.login(Login { session: call.session, user: call.user, pin: call.pin })
    }

    fn logout(&self, call: Logout) -> Result<(), Rv> {
        self.session(call.session, |_| Ok(()))
    }
    fn init_pin(&self, call: InitPIN<'_>) -> Result<(), Rv> {
        self.session(call.session, |_| call.pin.map(drop).ok_or(Rv::ARGUMENTS_BAD))
    }
    fn set_pin(&self, call: SetPIN<'_>) -> Result<(), Rv> {
        self.session(call.session, |_| call.old.and(call.new).map(drop).ok_or(Rv::ARGUMENTS_BAD))
    }
    fn get_operation_state(&self, call: GetOperationState) -> Result<Output, Rv> {
        self.session(call.session, |_| {
            Ok(call.room.open_answer(5).unwrap_or(Output::Bytes(b"state".as_slice().into())))
        })
    }
    fn set_operation_state(&self, call: SetOperationState<'_>) -> Result<(), Rv> {
        self.session(call.session, |_| {
            if call.state.0 == b"state" { Ok(()) } else { Err(Rv::SAVED_STATE_INVALID) }
        })
    }
    fn session_cancel(&self, call: SessionCancel) -> Result<(), Rv> {
        self.session(call.session, |session| {
            session.operations.clear();
            Ok(())
        })
    }
}

impl ObjectCalls for Connection {
    fn create_object(&self, call: CreateObject) -> Result<ObjectHandle, Rv> {
        *lock(&self.state.template) = Some(call.template);
        self.session(call.session, |_| Ok(ObjectHandle(1)))
    }
    fn copy_object(&self, call: CopyObject) -> Result<ObjectHandle, Rv> {
        self.session(call.session, |_| Ok(ObjectHandle(2)))
    }
    fn destroy_object(&self, call: DestroyObject) -> Result<(), Rv> {
        self.session(call.session, |_| Ok(()))
    }
    fn get_object_size(&self, call: GetObjectSize) -> Result<u64, Rv> {
        self.session(call.session, |_| Ok(77))
    }
    fn get_attribute_value(&self, call: GetAttributeValue) -> Result<Answers, Rv> {
        self.session(call.session, |_| Ok(()))?;
        *lock(&self.state.asked) = call.queries.into_vec();
        lock(&self.state.answers).clone().ok_or(Rv::OBJECT_HANDLE_INVALID)
    }
    fn set_attribute_value(&self, call: SetAttributeValue) -> Result<(), Rv> {
        self.session(call.session, |_| Ok(()))
    }
    fn find_objects_init(&self, call: FindObjectsInit) -> Result<(), Rv> {
        self.session(call.session, |session| {
            session.found = 0;
            Ok(())
        })
    }
    fn find_objects(&self, call: FindObjects) -> Result<List<ObjectHandle, MAX_FOUND>, Rv> {
        self.session(call.session, |session| {
            let end = self.state.objects.load(SeqCst).min(session.found + call.max.min(MAX_FOUND as u64));
            let found = (session.found..end).map(ObjectHandle).collect();
            session.found = end;
            Ok(list(found))
        })
    }
    fn find_objects_final(&self, call: FindObjectsFinal) -> Result<(), Rv> {
        self.session(call.session, |_| Ok(()))
    }
}

impl EncryptCalls for Connection {
    fn encrypt_init(&self, call: EncryptInit) -> Result<Repeat, Rv> {
        self.begin(call.session, "encrypt", call.mechanism)
    }
    fn encrypt(&self, call: Encrypt<'_>) -> Result<Output, Rv> {
        self.give(call.session, "encrypt", call.room, true, |_| reversed(call.data))
    }
    fn encrypt_update(&self, call: EncryptUpdate<'_>) -> Result<Output, Rv> {
        self.give(call.session, "encrypt", call.room, false, |_| reversed(call.data))
    }
    fn encrypt_final(&self, call: EncryptFinal) -> Result<Output, Rv> {
        self.give(call.session, "encrypt", call.room, true, |_| b"end".to_vec())
    }
}

impl DecryptCalls for Connection {
    fn decrypt_init(&self, call: DecryptInit) -> Result<Repeat, Rv> {
        self.begin(call.session, "decrypt", call.mechanism)
    }
    fn decrypt(&self, call: Decrypt<'_>) -> Result<Output, Rv> {
        self.give(call.session, "decrypt", call.room, true, |_| reversed(call.data))
    }
    fn decrypt_update(&self, call: DecryptUpdate<'_>) -> Result<Output, Rv> {
        self.give(call.session, "decrypt", call.room, false, |_| reversed(call.data))
    }
    fn decrypt_final(&self, call: DecryptFinal) -> Result<Output, Rv> {
        self.give(call.session, "decrypt", call.room, true, |_| Vec::new())
    }
}

impl DigestCalls for Connection {
    fn digest_init(&self, call: DigestInit) -> Result<Repeat, Rv> {
        self.begin(call.session, "digest", call.mechanism)
    }
    fn digest(&self, call: Digest<'_>) -> Result<Output, Rv> {
        self.give(call.session, "digest", call.room, true, |_| vec![1; 32])
    }
    fn digest_update(&self, call: DigestUpdate<'_>) -> Result<(), Rv> {
        self.step(call.session, "digest")
    }
    fn digest_key(&self, call: DigestKey) -> Result<(), Rv> {
        self.step(call.session, "digest")
    }
    fn digest_final(&self, call: DigestFinal) -> Result<Output, Rv> {
        self.give(call.session, "digest", call.room, true, |_| vec![1; 32])
    }
}

impl SignCalls for Connection {
    fn sign_init(&self, call: SignInit) -> Result<Repeat, Rv> {
        self.begin(call.session, "sign", call.mechanism)
    }
    /// A signature is the encoding of the mechanism, and the data.
    fn sign(&self, call: Sign<'_>) -> Result<Output, Rv> {
        let delay = *lock(&self.state.delay);
        if !delay.is_zero() {
            thread::sleep(delay);
        }
        if call.data.0 == CUT {
            self.cut.store(true, SeqCst);
        }
        self.give(call.session, "sign", call.room, true, |session| {
            let mut signature = Vec::new();
            wire::codec::encode(session.mechanism.as_ref().unwrap(), &mut signature).unwrap();
            signature.extend_from_slice(call.data.0);
            signature
        })
    }
    fn sign_update(&self, call: SignUpdate<'_>) -> Result<(), Rv> {
        self.step(call.session, "sign")
    }
    fn sign_final(&self, call: SignFinal) -> Result<Output, Rv> {
        self.give(call.session, "sign", call.room, true, |_| vec![2; 8])
    }
    fn sign_recover_init(&self, call: SignRecoverInit) -> Result<(), Rv> {
        self.init(call.session, "sign recover", call.mechanism)
    }
    fn sign_recover(&self, call: SignRecover<'_>) -> Result<Output, Rv> {
        self.give(call.session, "sign recover", call.room, true, |_| reversed(call.data))
    }
}

impl VerifyCalls for Connection {
    fn verify_init(&self, call: VerifyInit) -> Result<Repeat, Rv> {
        self.begin(call.session, "verify", call.mechanism)
    }
    fn verify(&self, call: Verify<'_>) -> Result<(), Rv> {
        self.init(call.session, "verify", None)?;
        if call.data == call.signature { Ok(()) } else { Err(Rv::SIGNATURE_INVALID) }
    }
    fn verify_update(&self, call: VerifyUpdate<'_>) -> Result<(), Rv> {
        self.step(call.session, "verify")
    }
    fn verify_final(&self, call: VerifyFinal<'_>) -> Result<(), Rv> {
        self.init(call.session, "verify", None)
    }
    fn verify_recover_init(&self, call: VerifyRecoverInit) -> Result<(), Rv> {
        self.init(call.session, "verify recover", call.mechanism)
    }
    fn verify_recover(&self, call: VerifyRecover<'_>) -> Result<Output, Rv> {
        self.give(call.session, "verify recover", call.room, true, |_| reversed(call.signature))
    }
}

impl DualCalls for Connection {
    fn digest_encrypt_update(&self, call: DigestEncryptUpdate<'_>) -> Result<Output, Rv> {
        self.step(call.session, "digest")?;
        self.give(call.session, "encrypt", call.room, false, |_| reversed(call.data))
    }
    fn decrypt_digest_update(&self, call: DecryptDigestUpdate<'_>) -> Result<Output, Rv> {
        self.step(call.session, "digest")?;
        self.give(call.session, "decrypt", call.room, false, |_| reversed(call.data))
    }
    fn sign_encrypt_update(&self, call: SignEncryptUpdate<'_>) -> Result<Output, Rv> {
        self.step(call.session, "sign")?;
        self.give(call.session, "encrypt", call.room, false, |_| reversed(call.data))
    }
    fn decrypt_verify_update(&self, call: DecryptVerifyUpdate<'_>) -> Result<Output, Rv> {
        self.step(call.session, "verify")?;
        self.give(call.session, "decrypt", call.room, false, |_| reversed(call.data))
    }
}

impl KeyCalls for Connection {
    fn generate_key(&self, call: GenerateKey) -> Result<ObjectHandle, Rv> {
        self.session(call.session, |_| Ok(ObjectHandle(3)))
    }
    fn generate_key_pair(&self, call: GenerateKeyPair) -> Result<(ObjectHandle, ObjectHandle), Rv> {
        self.session(call.session, |_| Ok((ObjectHandle(4), ObjectHandle(5))))
    }
    fn wrap_key(&self, call: WrapKey) -> Result<Output, Rv> {
        self.session(call.session, |_| {
            Ok(call.room.open_answer(4).unwrap_or(Output::Bytes(b"blob".as_slice().into())))
        })
    }
    fn unwrap_key(&self, call: UnwrapKey<'_>) -> Result<ObjectHandle, Rv> {
        let result =
            if call.wrapped.0 == b"blob" { Ok(ObjectHandle(6)) } else { Err(Rv::WRAPPED_KEY_INVALID) };
        self.session(call.session, |_| result)
    }
    fn derive_key(&self, call: DeriveKey) -> Result<ObjectHandle, Rv> {
        self.session(call.session, |_| Ok(ObjectHandle(8)))
    }
}

impl RandomCalls for Connection {
    fn seed_random(&self, call: SeedRandom<'_>) -> Result<(), Rv> {
        self.session(call.session, |_| Ok(()))
    }
    fn generate_random(&self, call: GenerateRandom) -> Result<Bytes, Rv> {
        self.session(call.session, |_| Ok(vec![0x5a; usize::try_from(call.len).unwrap()].into()))
    }
}
