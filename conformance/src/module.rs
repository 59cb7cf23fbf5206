//! Loads a PKCS#11 module by path and calls its functions; the raw `CK_RV` is always in sight.
//!
//! Almost all of this crate's unsafe code is here. Each call hands the module slices, templates and mechanisms
//! that live for the length of the call; what the module does with them is the very thing under test.

use std::path::Path;
use std::ptr::null_mut;

use cryptoki_sys as ck;
use libloading::Library;

pub use crate::calls::{Begin, Feed, Finish, ObjectHandle, Reply, Room, SessionHandle, Transform};
use crate::calls::{made, output};
use crate::mechanism::Mechanism;
use crate::names::Rv;
use crate::template::Template;

/// A loaded module.
pub struct Module {
    library: Library,
    list: *const ck::CK_FUNCTION_LIST,
}

// SAFETY: the list is read-only for as long as the library is loaded, which is until the process ends; the
// standard lets several threads call a module that was initialised with `CKF_OS_LOCKING_OK`.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

/// Calls a function of the list, or answers `CKR_FUNCTION_NOT_SUPPORTED` if its entry is null.
macro_rules! invoke {
    ($function:expr, $($argument:expr),* $(,)?) => {
        match $function {
            // SAFETY: the pointers are to live values of the types that the standard names, or null on purpose.
            Some(function) => Rv(unsafe { function($($argument),*) }),
            None => Rv(ck::CKR_FUNCTION_NOT_SUPPORTED),
        }
    };
}
pub(crate) use invoke;

impl Module {
    /// Loads the module; it stays loaded until the process ends.
    ///
    /// # Errors
    /// What the loader said, or that the module has no function list.
    pub fn load(path: &Path) -> Result<&'static Self, String> {
        // SAFETY: loading runs the module's initialisers, which is what the user asked for.
        let library = unsafe { Library::new(path) }.map_err(|error| error.to_string())?;
        let mut list: *mut ck::CK_FUNCTION_LIST = null_mut();
        // SAFETY: the standard gives `C_GetFunctionList` this type.
        let rv = unsafe {
            let get = library
                .get::<unsafe extern "C" fn(*mut *mut ck::CK_FUNCTION_LIST) -> ck::CK_RV>(
                    b"C_GetFunctionList",
                )
                .map_err(|error| error.to_string())?;
            Rv(get(&raw mut list))
        };
        rv.ok().map_err(|rv| format!("C_GetFunctionList: {rv}"))?;
        if list.is_null() {
            return Err("C_GetFunctionList gave a null list".into());
        }
        Ok(Box::leak(Box::new(Self { library, list })))
    }

    /// The functions of PKCS#11 2.40.
    pub fn functions(&self) -> &ck::CK_FUNCTION_LIST {
        // SAFETY: checked not to be null in `load`; a module's list lives as long as the module.
        unsafe { &*self.list }
    }

    /// Whether the module exports `symbol`.
    pub fn exports(&self, symbol: &str) -> bool {
        // SAFETY: the symbol is looked up, not used.
        unsafe { self.library.get::<*const ()>(symbol.as_bytes()) }.is_ok()
    }

    /// The functions of PKCS#11 3.0, if the module has that interface.
    pub fn functions_3_0(&self) -> Option<&ck::CK_FUNCTION_LIST_3_0> {
        let mut interface: *mut ck::CK_INTERFACE = null_mut();
        let mut version = ck::CK_VERSION { major: 3, minor: 0 };
        let mut name = *b"PKCS 11\0";
        // SAFETY: the standard gives `C_GetInterface` this type, and the "PKCS 11" interface of version 3.0
        // this list.
        unsafe {
            let get = self
                .library
                .get::<unsafe extern "C" fn(*mut u8, *mut ck::CK_VERSION, *mut *mut ck::CK_INTERFACE, u64) -> u64>(
                    b"C_GetInterface",
                )
                .ok()?;
            let rv = get(name.as_mut_ptr(), &raw mut version, &raw mut interface, 0);
            let list = interface.as_ref().filter(|_| rv == ck::CKR_OK)?.pFunctionList;
            list.cast::<ck::CK_FUNCTION_LIST_3_0>().as_ref()
        }
    }

    /// `C_Initialize` with operating system locks.
    pub fn initialize(&self) -> Rv {
        self.initialize_with(Some(ck::CK_C_INITIALIZE_ARGS {
            CreateMutex: None,
            DestroyMutex: None,
            LockMutex: None,
            UnlockMutex: None,
            flags: ck::CKF_OS_LOCKING_OK,
            pReserved: null_mut(),
        }))
    }

    /// `C_Initialize` with arguments, or with a null pointer.
    pub fn initialize_with(&self, args: Option<ck::CK_C_INITIALIZE_ARGS>) -> Rv {
        let mut args = args;
        let pointer = args.as_mut().map_or(null_mut(), |args| std::ptr::from_mut(args).cast());
        invoke!(self.functions().C_Initialize, pointer)
    }

    /// `C_Finalize`.
    pub fn finalize(&self) -> Rv {
        invoke!(self.functions().C_Finalize, null_mut())
    }

    /// `C_GetSlotList`.
    ///
    /// # Errors
    /// The module's.
    pub fn slots(&self, with_token: bool) -> Result<Vec<ck::CK_SLOT_ID>, Rv> {
        let mut count = 0;
        let present = ck::CK_BBOOL::from(with_token);
        invoke!(self.functions().C_GetSlotList, present, null_mut(), &raw mut count).ok()?;
        let mut slots = vec![0; usize::try_from(count).map_err(|_| Rv(ck::CKR_GENERAL_ERROR))?];
        invoke!(self.functions().C_GetSlotList, present, slots.as_mut_ptr(), &raw mut count).ok()?;
        slots.truncate(usize::try_from(count).unwrap_or(0));
        Ok(slots)
    }

    /// `C_GetSlotList` into a buffer of `room` entries, with the count it wrote.
    pub fn slot_list(&self, with_token: bool, room: Option<usize>) -> (Rv, u64) {
        let mut slots = vec![0; room.unwrap_or(0).max(1)];
        let mut count = room.unwrap_or(0) as u64;
        let pointer = if room.is_some() { slots.as_mut_ptr() } else { null_mut() };
        let present = ck::CK_BBOOL::from(with_token);
        (invoke!(self.functions().C_GetSlotList, present, pointer, &raw mut count), count)
    }

    /// `C_GetTokenInfo`.
    ///
    /// # Errors
    /// The module's.
    pub fn token_info(&self, slot: ck::CK_SLOT_ID) -> Result<ck::CK_TOKEN_INFO, Rv> {
        let mut info = ck::CK_TOKEN_INFO::default();
        invoke!(self.functions().C_GetTokenInfo, slot, &raw mut info).ok()?;
        Ok(info)
    }

    /// The slot whose token has this label.
    ///
    /// # Errors
    /// The module's; `CKR_TOKEN_NOT_PRESENT` if no token has the label.
    pub fn slot_of(&self, label: &str) -> Result<ck::CK_SLOT_ID, Rv> {
        let named = |slot: &ck::CK_SLOT_ID| {
            let info = self.token_info(*slot).unwrap_or_default();
            String::from_utf8_lossy(&info.label).trim_end() == label
        };
        self.slots(true)?.into_iter().find(named).ok_or(Rv(ck::CKR_TOKEN_NOT_PRESENT))
    }

    /// `C_GetMechanismList`.
    ///
    /// # Errors
    /// The module's.
    pub fn mechanisms(&self, slot: ck::CK_SLOT_ID) -> Result<Vec<ck::CK_MECHANISM_TYPE>, Rv> {
        let mut count = 0;
        invoke!(self.functions().C_GetMechanismList, slot, null_mut(), &raw mut count).ok()?;
        let mut list = vec![0; usize::try_from(count).map_err(|_| Rv(ck::CKR_GENERAL_ERROR))?];
        invoke!(self.functions().C_GetMechanismList, slot, list.as_mut_ptr(), &raw mut count).ok()?;
        list.truncate(usize::try_from(count).unwrap_or(0));
        Ok(list)
    }

    /// `C_GetMechanismInfo`.
    ///
    /// # Errors
    /// The module's.
    pub fn mechanism_info(&self, slot: ck::CK_SLOT_ID, id: u64) -> Result<ck::CK_MECHANISM_INFO, Rv> {
        let mut info = ck::CK_MECHANISM_INFO { ulMinKeySize: 0, ulMaxKeySize: 0, flags: 0 };
        invoke!(self.functions().C_GetMechanismInfo, slot, id, &raw mut info).ok()?;
        Ok(info)
    }

    /// `C_InitToken`.
    pub fn init_token(&self, slot: ck::CK_SLOT_ID, so_pin: &str, label: &str) -> Rv {
        let mut padded = [b' '; 32];
        for (to, from) in padded.iter_mut().zip(label.bytes()) {
            *to = from;
        }
        let pin = so_pin.as_bytes();
        let function = self.functions().C_InitToken;
        invoke!(function, slot, pin.as_ptr().cast_mut(), pin.len() as u64, padded.as_mut_ptr())
    }

    /// `C_OpenSession` with the flags as they are.
    ///
    /// # Errors
    /// The module's.
    pub fn open(&self, slot: ck::CK_SLOT_ID, flags: ck::CK_FLAGS) -> Result<SessionHandle, Rv> {
        let mut session = 0;
        invoke!(self.functions().C_OpenSession, slot, flags, null_mut(), None, &raw mut session).ok()?;
        Ok(session)
    }

    /// `C_CloseAllSessions`.
    pub fn close_all(&self, slot: ck::CK_SLOT_ID) -> Rv {
        invoke!(self.functions().C_CloseAllSessions, slot)
    }

    /// A `C_*Init` that takes a key; without a mechanism, the pointer is null.
    pub fn begin(
        &self,
        which: Begin,
        session: SessionHandle,
        how: Option<&Mechanism>,
        key: ObjectHandle,
    ) -> Rv {
        let list = self.functions();
        let function = match which {
            Begin::Encrypt => list.C_EncryptInit,
            Begin::Decrypt => list.C_DecryptInit,
            Begin::Sign => list.C_SignInit,
            Begin::SignRecover => list.C_SignRecoverInit,
            Begin::Verify => list.C_VerifyInit,
            Begin::VerifyRecover => list.C_VerifyRecoverInit,
        };
        match how {
            Some(how) => how.with_raw(|how| invoke!(function, session, how, key)),
            None => invoke!(function, session, null_mut(), key),
        }
    }

    /// `C_DigestInit`.
    pub fn begin_digest(&self, session: SessionHandle, how: &Mechanism) -> Rv {
        how.with_raw(|how| invoke!(self.functions().C_DigestInit, session, how))
    }

    /// A function from bytes to bytes.
    pub fn transform(&self, which: Transform, session: SessionHandle, data: &[u8], room: Room) -> Reply {
        self.transform_claiming(which, session, data, data.len() as u64, room)
    }

    /// A function from bytes to bytes, told a length that may not be the data's.
    pub fn transform_claiming(
        &self,
        which: Transform,
        session: SessionHandle,
        data: &[u8],
        claimed: u64,
        room: Room,
    ) -> Reply {
        let list = self.functions();
        let function = match which {
            Transform::Encrypt => list.C_Encrypt,
            Transform::EncryptUpdate => list.C_EncryptUpdate,
            Transform::Decrypt => list.C_Decrypt,
            Transform::DecryptUpdate => list.C_DecryptUpdate,
            Transform::Digest => list.C_Digest,
            Transform::Sign => list.C_Sign,
            Transform::SignRecover => list.C_SignRecover,
            Transform::VerifyRecover => list.C_VerifyRecover,
            Transform::DigestEncryptUpdate => list.C_DigestEncryptUpdate,
            Transform::DecryptDigestUpdate => list.C_DecryptDigestUpdate,
            Transform::SignEncryptUpdate => list.C_SignEncryptUpdate,
            Transform::DecryptVerifyUpdate => list.C_DecryptVerifyUpdate,
        };
        let data = data.as_ptr().cast_mut();
        output(room, |out, len| invoke!(function, session, data, claimed, out, len))
    }

    /// A function that takes bytes, told a length that may not be the data's.
    pub fn feed(&self, which: Feed, session: SessionHandle, data: &[u8], claimed: u64) -> Rv {
        let list = self.functions();
        let function = match which {
            Feed::DigestUpdate => list.C_DigestUpdate,
            Feed::SignUpdate => list.C_SignUpdate,
            Feed::VerifyUpdate => list.C_VerifyUpdate,
            Feed::VerifyFinal => list.C_VerifyFinal,
            Feed::SeedRandom => list.C_SeedRandom,
        };
        invoke!(function, session, data.as_ptr().cast_mut(), claimed)
    }

    /// A function that gives the last bytes of an operation.
    pub fn finish(&self, which: Finish, session: SessionHandle, room: Room) -> Reply {
        let list = self.functions();
        let function = match which {
            Finish::EncryptFinal => list.C_EncryptFinal,
            Finish::DecryptFinal => list.C_DecryptFinal,
            Finish::DigestFinal => list.C_DigestFinal,
            Finish::SignFinal => list.C_SignFinal,
            Finish::GetOperationState => list.C_GetOperationState,
        };
        output(room, |out, len| invoke!(function, session, out, len))
    }

    /// `C_Verify`.
    pub fn verify(&self, session: SessionHandle, data: &[u8], signature: &[u8]) -> Rv {
        let (data, data_len) = (data.as_ptr().cast_mut(), data.len() as u64);
        let (signature, len) = (signature.as_ptr().cast_mut(), signature.len() as u64);
        invoke!(self.functions().C_Verify, session, data, data_len, signature, len)
    }

    /// `C_WrapKey`.
    pub fn wrap(
        &self,
        session: SessionHandle,
        how: &Mechanism,
        wrapping: ObjectHandle,
        key: ObjectHandle,
        room: Room,
    ) -> Reply {
        let function = self.functions().C_WrapKey;
        how.with_raw(|how| output(room, |out, len| invoke!(function, session, how, wrapping, key, out, len)))
    }

    /// `C_UnwrapKey`.
    ///
    /// # Errors
    /// The module's.
    pub fn unwrap(
        &self,
        session: SessionHandle,
        how: &Mechanism,
        key: ObjectHandle,
        blob: &[u8],
        template: &Template,
    ) -> Result<ObjectHandle, Rv> {
        let function = self.functions().C_UnwrapKey;
        let (data, len) = (blob.as_ptr().cast_mut(), blob.len() as u64);
        how.with_raw(|how| {
            made(template, |list, count, out| {
                invoke!(function, session, how, key, data, len, list, count, out)
            })
        })
    }

    /// `C_DeriveKey`.
    ///
    /// # Errors
    /// The module's.
    pub fn derive(
        &self,
        session: SessionHandle,
        how: &Mechanism,
        base: ObjectHandle,
        template: &Template,
    ) -> Result<ObjectHandle, Rv> {
        let function = self.functions().C_DeriveKey;
        how.with_raw(|how| {
            made(template, |list, count, out| invoke!(function, session, how, base, list, count, out))
        })
    }

    /// `C_GenerateKey`.
    ///
    /// # Errors
    /// The module's.
    pub fn generate(
        &self,
        session: SessionHandle,
        how: &Mechanism,
        template: &Template,
    ) -> Result<ObjectHandle, Rv> {
        let function = self.functions().C_GenerateKey;
        how.with_raw(|how| {
            made(template, |list, count, out| invoke!(function, session, how, list, count, out))
        })
    }

    /// `C_GenerateKeyPair`: the public key, then the private one.
    ///
    /// # Errors
    /// The module's.
    pub fn generate_pair(
        &self,
        session: SessionHandle,
        how: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<(ObjectHandle, ObjectHandle), Rv> {
        let (mut one, mut two) = (0, 0);
        let function = self.functions().C_GenerateKeyPair;
        let rv = how.with_raw(|how| {
            public.with_raw(|public| {
                private.with_raw(|private| {
                    let (public, public_len) = (public.as_mut_ptr(), public.len() as u64);
                    let (private, private_len) = (private.as_mut_ptr(), private.len() as u64);
                    let (one, two) = (&raw mut one, &raw mut two);
                    invoke!(function, session, how, public, public_len, private, private_len, one, two)
                })
            })
        });
        rv.ok()?;
        Ok((one, two))
    }

    /// `C_GenerateRandom` of `claimed` bytes into a buffer of `room`.
    pub fn random(&self, session: SessionHandle, room: usize, claimed: u64) -> (Rv, Vec<u8>) {
        let mut bytes = vec![0; room];
        (invoke!(self.functions().C_GenerateRandom, session, bytes.as_mut_ptr(), claimed), bytes)
    }
}
