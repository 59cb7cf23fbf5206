//! Arguments for any function of the 2.40 list, one of them null or absurd on demand.

use std::ptr::null_mut;

use cryptoki_sys as ck;

use crate::module::{Module, invoke};
use crate::names::Rv;

/// What must be going on for a function to be worth calling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    Encrypting,
    Decrypting,
    Signing,
    Verifying,
    RecoverSigning,
    RecoverVerifying,
    Digesting,
    Finding,
    DigestingAndEncrypting,
    DecryptingAndDigesting,
    SigningAndEncrypting,
    DecryptingAndVerifying,
}

/// Arguments that are all well, but for one.
pub(super) struct Arguments {
    pub(super) session: u64,
    pub(super) slot: u64,
    pub(super) key: u64,
    pub(super) mechanism: ck::CK_MECHANISM,
    /// Which pointer is null, counted from 0.
    pub(super) null: Option<usize>,
    /// Which length is absurd, counted from 0, and what it is.
    pub(super) absurd: Option<(usize, u64)>,
    pointers: usize,
    lengths: usize,
    memory: Vec<Box<[u64; 512]>>,
    attributes: Box<[ck::CK_ATTRIBUTE; 1]>,
    label: Box<[u8; 8]>,
}

impl Arguments {
    pub(super) fn new(session: u64, slot: u64, key: u64, mechanism: u64) -> Self {
        let mut label = Box::new(*b"argument");
        let attribute = ck::CK_ATTRIBUTE {
            type_: ck::CKA_LABEL,
            pValue: label.as_mut_ptr().cast(),
            ulValueLen: label.len() as u64,
        };
        Self {
            session,
            slot,
            key,
            mechanism: ck::CK_MECHANISM { mechanism, pParameter: null_mut(), ulParameterLen: 0 },
            null: None,
            absurd: None,
            pointers: 0,
            lengths: 0,
            memory: Vec::new(),
            attributes: Box::new([attribute]),
            label,
        }
    }

    fn session(&self) -> u64 {
        self.session
    }

    fn slot(&self) -> u64 {
        self.slot
    }

    fn key(&self) -> u64 {
        self.key
    }

    fn zero(&self) -> u64 {
        0
    }

    fn one(&self) -> u64 {
        1
    }

    fn yes(&self) -> u8 {
        1
    }

    fn open(&self) -> u64 {
        ck::CKF_SERIAL_SESSION
    }

    fn nobody<T>(&self) -> *mut T {
        null_mut()
    }

    fn silent(&self) -> ck::CK_NOTIFY {
        None
    }

    /// A pointer of the function's own type to 4096 zero bytes.
    fn place<T>(&mut self) -> *mut T {
        let null = self.null == Some(self.pointers);
        self.pointers += 1;
        if null { null_mut() } else { self.fresh(0) }
    }

    /// A buffer for output, which may be null by the rules and so is none of the pointers that are tried.
    fn out<T>(&mut self) -> *mut T {
        self.fresh(0)
    }

    /// A pointer to the length of [`Self::out`]; the number is in range for bytes and for handles.
    fn room(&mut self) -> *mut ck::CK_ULONG {
        let null = self.null == Some(self.pointers);
        self.pointers += 1;
        if null { null_mut() } else { self.fresh(512) }
    }

    fn how(&mut self) -> *mut ck::CK_MECHANISM {
        let null = self.null == Some(self.pointers);
        self.pointers += 1;
        if null { null_mut() } else { &raw mut self.mechanism }
    }

    fn list(&mut self) -> *mut ck::CK_ATTRIBUTE {
        let null = self.null == Some(self.pointers);
        self.pointers += 1;
        if null { null_mut() } else { self.attributes.as_mut_ptr() }
    }

    fn len(&mut self) -> u64 {
        self.length(16)
    }

    fn count(&mut self) -> u64 {
        self.length(1)
    }

    fn length(&mut self, usual: u64) -> u64 {
        let at = self.lengths;
        self.lengths += 1;
        match self.absurd {
            Some((place, length)) if place == at => length,
            _ => usual,
        }
    }

    fn fresh<T>(&mut self, first: u64) -> *mut T {
        debug_assert!(!self.label.is_empty());
        let mut memory = Box::new([0; 512]);
        memory[0] = first;
        let pointer = memory.as_mut_ptr().cast();
        self.memory.push(memory);
        pointer
    }
}

/// A function of the list, with what its arguments are.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) before: Before,
    /// The mechanism it is called with, where it takes one.
    pub(super) mechanism: u64,
    kinds: &'static [&'static str],
    pub(super) call: fn(&Module, &mut Arguments) -> Rv,
}

impl Row {
    /// The pointers that must not be null.
    pub(super) fn pointers(&self) -> Vec<&'static str> {
        let counted = ["place", "room", "how", "list"];
        self.kinds.iter().copied().filter(|kind| counted.contains(kind)).collect()
    }

    /// How many lengths and counts it takes.
    pub(super) fn lengths(&self) -> usize {
        self.kinds.iter().filter(|kind| ["len", "count"].contains(kind)).count()
    }
}

macro_rules! rows {
    ($($before:ident $mechanism:expr => $name:ident($($kind:ident),*);)*) => {
        /// Every function of the 2.40 list but `C_Initialize`, `C_Finalize` and `C_GetFunctionList`.
        pub(super) static ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            before: Before::$before,
            mechanism: $mechanism,
            kinds: &[$(stringify!($kind)),*],
            call: |module, arguments| {
                let _ = &arguments;
                invoke!(module.functions().$name, $(arguments.$kind()),*)
            },
        }),*];
    };
}

rows! {
    Nothing 0 => C_GetInfo(place);
    Nothing 0 => C_GetSlotList(yes, out, room);
    Nothing 0 => C_GetSlotInfo(slot, place);
    Nothing 0 => C_GetTokenInfo(slot, place);
    Nothing 0 => C_GetMechanismList(slot, out, room);
    Nothing 0 => C_GetMechanismInfo(slot, aes, place);
    Nothing 0 => C_InitToken(slot, place, len, place);
    Nothing 0 => C_InitPIN(session, place, len);
    Nothing 0 => C_SetPIN(session, place, len, place, len);
    Nothing 0 => C_OpenSession(slot, open, nobody, silent, place);
    Nothing 0 => C_CloseSession(session);
    Nothing 0 => C_CloseAllSessions(slot);
    Nothing 0 => C_GetSessionInfo(session, place);
    Digesting 0 => C_GetOperationState(session, out, room);
    Nothing 0 => C_SetOperationState(session, place, len, zero, zero);
    Nothing 0 => C_Login(session, one, place, len);
    Nothing 0 => C_Logout(session);
    Nothing 0 => C_CreateObject(session, list, count, place);
    Nothing 0 => C_CopyObject(session, key, list, count, place);
    Nothing 0 => C_DestroyObject(session, key);
    Nothing 0 => C_GetObjectSize(session, key, place);
    Nothing 0 => C_GetAttributeValue(session, key, list, count);
    Nothing 0 => C_SetAttributeValue(session, key, list, count);
    Nothing 0 => C_FindObjectsInit(session, list, count);
    Finding 0 => C_FindObjects(session, place, one, room);
    Finding 0 => C_FindObjectsFinal(session);
    Nothing ck::CKM_AES_ECB => C_EncryptInit(session, how, key);
    Encrypting 0 => C_Encrypt(session, place, len, out, room);
    Encrypting 0 => C_EncryptUpdate(session, place, len, out, room);
    Encrypting 0 => C_EncryptFinal(session, out, room);
    Nothing ck::CKM_AES_ECB => C_DecryptInit(session, how, key);
    Decrypting 0 => C_Decrypt(session, place, len, out, room);
    Decrypting 0 => C_DecryptUpdate(session, place, len, out, room);
    Decrypting 0 => C_DecryptFinal(session, out, room);
    Nothing ck::CKM_SHA256 => C_DigestInit(session, how);
    Digesting 0 => C_Digest(session, place, len, out, room);
    Digesting 0 => C_DigestUpdate(session, place, len);
    Digesting 0 => C_DigestKey(session, key);
    Digesting 0 => C_DigestFinal(session, out, room);
    Nothing ck::CKM_SHA256_HMAC => C_SignInit(session, how, key);
    Signing 0 => C_Sign(session, place, len, out, room);
    Signing 0 => C_SignUpdate(session, place, len);
    Signing 0 => C_SignFinal(session, out, room);
    Nothing ck::CKM_RSA_PKCS => C_SignRecoverInit(session, how, key);
    RecoverSigning 0 => C_SignRecover(session, place, len, out, room);
    Nothing ck::CKM_SHA256_HMAC => C_VerifyInit(session, how, key);
    Verifying 0 => C_Verify(session, place, len, place, len);
    Verifying 0 => C_VerifyUpdate(session, place, len);
    Verifying 0 => C_VerifyFinal(session, place, len);
    Nothing ck::CKM_RSA_PKCS => C_VerifyRecoverInit(session, how, key);
    RecoverVerifying 0 => C_VerifyRecover(session, place, len, out, room);
    DigestingAndEncrypting 0 => C_DigestEncryptUpdate(session, place, len, out, room);
    DecryptingAndDigesting 0 => C_DecryptDigestUpdate(session, place, len, out, room);
    SigningAndEncrypting 0 => C_SignEncryptUpdate(session, place, len, out, room);
    DecryptingAndVerifying 0 => C_DecryptVerifyUpdate(session, place, len, out, room);
    Nothing ck::CKM_AES_KEY_GEN => C_GenerateKey(session, how, list, count, place);
    Nothing ck::CKM_EC_KEY_PAIR_GEN => C_GenerateKeyPair(session, how, list, count, list, count, place, place);
    Nothing ck::CKM_AES_KEY_WRAP => C_WrapKey(session, how, key, key, out, room);
    Nothing ck::CKM_AES_KEY_WRAP => C_UnwrapKey(session, how, key, place, len, list, count, place);
    Nothing ck::CKM_AES_ECB_ENCRYPT_DATA => C_DeriveKey(session, how, key, list, count, place);
    Nothing 0 => C_SeedRandom(session, place, len);
    Nothing 0 => C_GenerateRandom(session, place, len);
    Nothing 0 => C_GetFunctionStatus(session);
    Nothing 0 => C_CancelFunction(session);
    Nothing 0 => C_WaitForSlotEvent(one, place, nobody);
}

impl Arguments {
    fn aes(&self) -> u64 {
        ck::CKM_AES_ECB
    }
}
