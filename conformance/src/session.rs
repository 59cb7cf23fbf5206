//! A session: the module's calls without the bookkeeping.

use std::ptr::null_mut;

use cryptoki_sys as ck;

use crate::calls::{made, output};
use crate::mechanism::Mechanism;
use crate::module::{Begin, Module, ObjectHandle, Room, SessionHandle, Transform, invoke};
use crate::names::Rv;
use crate::template::Template;

/// Room enough for anything that these programs ask for in one call.
const PLENTY: usize = 8192;

/// An open session. It is not closed when dropped: who outlives whom is part of what is tested.
#[derive(Clone, Copy)]
pub struct Session {
    /// The module that gave it.
    pub module: &'static Module,
    /// Its handle.
    pub handle: SessionHandle,
}

/// One attribute as `C_GetAttributeValue` left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// What the module wrote to `ulValueLen`.
    pub len: u64,
    /// The buffer.
    pub bytes: Vec<u8>,
}

impl Session {
    /// Opens a read-write session.
    ///
    /// # Errors
    /// The module's.
    pub fn open(module: &'static Module, slot: ck::CK_SLOT_ID) -> Result<Self, Rv> {
        let handle = module.open(slot, ck::CKF_SERIAL_SESSION | ck::CKF_RW_SESSION)?;
        Ok(Self { module, handle })
    }

    /// Opens a read-only session.
    ///
    /// # Errors
    /// The module's.
    pub fn open_read_only(module: &'static Module, slot: ck::CK_SLOT_ID) -> Result<Self, Rv> {
        Ok(Self { module, handle: module.open(slot, ck::CKF_SERIAL_SESSION)? })
    }

    /// `C_CloseSession`.
    pub fn close(&self) -> Rv {
        invoke!(self.module.functions().C_CloseSession, self.handle)
    }

    /// `C_Login`.
    pub fn login(&self, user: ck::CK_USER_TYPE, pin: &str) -> Rv {
        let function = self.module.functions().C_Login;
        invoke!(function, self.handle, user, pin.as_ptr().cast_mut(), pin.len() as u64)
    }

    /// `C_LoginUser`; `FUNCTION_NOT_SUPPORTED` if the module has no interface of version 3.0.
    pub fn login_user(&self, user: ck::CK_USER_TYPE, pin: &str, name: &str) -> Rv {
        let function = self.module.functions_3_0().and_then(|list| list.C_LoginUser);
        let (pin, pin_len) = (pin.as_ptr().cast_mut(), pin.len() as u64);
        let (name, name_len) = (name.as_ptr().cast_mut(), name.len() as u64);
        invoke!(function, self.handle, user, pin, pin_len, name, name_len)
    }

    /// `C_Logout`.
    pub fn logout(&self) -> Rv {
        invoke!(self.module.functions().C_Logout, self.handle)
    }

    /// `C_SetPIN`.
    pub fn set_pin(&self, old: &str, new: &str) -> Rv {
        let (old, old_len) = (old.as_ptr().cast_mut(), old.len() as u64);
        let (new, new_len) = (new.as_ptr().cast_mut(), new.len() as u64);
        invoke!(self.module.functions().C_SetPIN, self.handle, old, old_len, new, new_len)
    }

    /// `C_InitPIN`.
    pub fn init_pin(&self, pin: &str) -> Rv {
        invoke!(self.module.functions().C_InitPIN, self.handle, pin.as_ptr().cast_mut(), pin.len() as u64)
    }

    /// `C_GetSessionInfo`.
    ///
    /// # Errors
    /// The module's.
    pub fn info(&self) -> Result<ck::CK_SESSION_INFO, Rv> {
        let mut info = ck::CK_SESSION_INFO { slotID: 0, state: 0, flags: 0, ulDeviceError: 0 };
        invoke!(self.module.functions().C_GetSessionInfo, self.handle, &raw mut info).ok()?;
        Ok(info)
    }

    /// `C_CreateObject`.
    ///
    /// # Errors
    /// The module's.
    pub fn create(&self, template: &Template) -> Result<ObjectHandle, Rv> {
        let function = self.module.functions().C_CreateObject;
        made(template, |list, count, out| invoke!(function, self.handle, list, count, out))
    }

    /// `C_CopyObject`.
    ///
    /// # Errors
    /// The module's.
    pub fn copy(&self, object: ObjectHandle, template: &Template) -> Result<ObjectHandle, Rv> {
        let function = self.module.functions().C_CopyObject;
        made(template, |list, count, out| invoke!(function, self.handle, object, list, count, out))
    }

    /// `C_DestroyObject`.
    pub fn destroy(&self, object: ObjectHandle) -> Rv {
        invoke!(self.module.functions().C_DestroyObject, self.handle, object)
    }

    /// `C_GetObjectSize`.
    ///
    /// # Errors
    /// The module's.
    pub fn object_size(&self, object: ObjectHandle) -> Result<u64, Rv> {
        let mut size = 0;
        invoke!(self.module.functions().C_GetObjectSize, self.handle, object, &raw mut size).ok()?;
        Ok(size)
    }

    /// `C_SetAttributeValue`.
    pub fn set(&self, object: ObjectHandle, template: &Template) -> Rv {
        let function = self.module.functions().C_SetAttributeValue;
        template.with_raw(|list| invoke!(function, self.handle, object, list.as_mut_ptr(), list.len() as u64))
    }

    /// `C_GetAttributeValue` of several attributes, each with its own room.
    pub fn get_all(&self, object: ObjectHandle, asked: &[(ck::CK_ATTRIBUTE_TYPE, Room)]) -> (Rv, Vec<Got>) {
        let mut buffers: Vec<Vec<u8>> = asked
            .iter()
            .map(|(_, room)| if let Room::Bytes(size) = room { vec![0; *size] } else { Vec::new() })
            .collect();
        let mut list: Vec<_> = asked
            .iter()
            .zip(&mut buffers)
            .map(|((kind, room), buffer)| ck::CK_ATTRIBUTE {
                type_: *kind,
                pValue: if let Room::Bytes(_) = room { buffer.as_mut_ptr().cast() } else { null_mut() },
                ulValueLen: buffer.len() as u64,
            })
            .collect();
        let function = self.module.functions().C_GetAttributeValue;
        let rv = invoke!(function, self.handle, object, list.as_mut_ptr(), list.len() as u64);
        let got = list.iter().zip(buffers).map(|(raw, bytes)| Got { len: raw.ulValueLen, bytes }).collect();
        (rv, got)
    }

    /// The value of one attribute.
    ///
    /// # Errors
    /// The module's.
    pub fn get(&self, object: ObjectHandle, kind: ck::CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>, Rv> {
        let (rv, got) = self.get_all(object, &[(kind, Room::Bytes(PLENTY))]);
        rv.ok()?;
        let got = got.into_iter().next().ok_or(Rv(ck::CKR_GENERAL_ERROR))?;
        let len = usize::try_from(got.len).map_err(|_| Rv(ck::CKR_GENERAL_ERROR))?;
        got.bytes.get(..len).map(<[u8]>::to_vec).ok_or(Rv(ck::CKR_GENERAL_ERROR))
    }

    /// The value of one `CK_BBOOL`.
    ///
    /// # Errors
    /// The module's.
    pub fn get_bool(&self, object: ObjectHandle, kind: ck::CK_ATTRIBUTE_TYPE) -> Result<bool, Rv> {
        Ok(self.get(object, kind)?.first().is_some_and(|byte| *byte != 0))
    }

    /// `C_FindObjectsInit`.
    pub fn find_begin(&self, template: &Template) -> Rv {
        let function = self.module.functions().C_FindObjectsInit;
        template.with_raw(|list| {
            let pointer = if list.is_empty() { null_mut() } else { list.as_mut_ptr() };
            invoke!(function, self.handle, pointer, list.len() as u64)
        })
    }

    /// `C_FindObjects`.
    ///
    /// # Errors
    /// The module's.
    pub fn find_next(&self, most: usize) -> Result<Vec<ObjectHandle>, Rv> {
        let (mut found, mut count) = (vec![0; most.max(1)], 0);
        let function = self.module.functions().C_FindObjects;
        invoke!(function, self.handle, found.as_mut_ptr(), most as u64, &raw mut count).ok()?;
        found.truncate(usize::try_from(count).unwrap_or(0));
        Ok(found)
    }

    /// `C_FindObjectsFinal`.
    pub fn find_end(&self) -> Rv {
        invoke!(self.module.functions().C_FindObjectsFinal, self.handle)
    }

    /// All objects that match a template.
    ///
    /// # Errors
    /// The module's.
    pub fn find(&self, template: &Template) -> Result<Vec<ObjectHandle>, Rv> {
        self.find_begin(template).ok()?;
        let mut all = Vec::new();
        loop {
            let some = self.find_next(64)?;
            if some.is_empty() {
                self.find_end().ok()?;
                return Ok(all);
            }
            all.extend(some);
        }
    }

    /// `C_GenerateKey`.
    ///
    /// # Errors
    /// The module's.
    pub fn generate(&self, how: &Mechanism, template: &Template) -> Result<ObjectHandle, Rv> {
        self.module.generate(self.handle, how, template)
    }

    /// `C_GenerateKeyPair`: the public key, then the private one.
    ///
    /// # Errors
    /// The module's.
    pub fn generate_pair(
        &self,
        how: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<(ObjectHandle, ObjectHandle), Rv> {
        self.module.generate_pair(self.handle, how, public, private)
    }

    /// `C_WrapKey`.
    ///
    /// # Errors
    /// The module's.
    pub fn wrap(&self, how: &Mechanism, wrapping: ObjectHandle, key: ObjectHandle) -> Result<Vec<u8>, Rv> {
        self.module.wrap(self.handle, how, wrapping, key, Room::Bytes(PLENTY)).ok()
    }

    /// `C_UnwrapKey`.
    ///
    /// # Errors
    /// The module's.
    pub fn unwrap(
        &self,
        how: &Mechanism,
        key: ObjectHandle,
        blob: &[u8],
        template: &Template,
    ) -> Result<ObjectHandle, Rv> {
        self.module.unwrap(self.handle, how, key, blob, template)
    }

    /// `C_DeriveKey`.
    ///
    /// # Errors
    /// The module's.
    pub fn derive(
        &self,
        how: &Mechanism,
        base: ObjectHandle,
        template: &Template,
    ) -> Result<ObjectHandle, Rv> {
        self.module.derive(self.handle, how, base, template)
    }

    /// `C_EncryptInit` and `C_Encrypt`.
    ///
    /// # Errors
    /// The module's.
    pub fn encrypt(&self, how: &Mechanism, key: ObjectHandle, data: &[u8]) -> Result<Vec<u8>, Rv> {
        self.one_shot(Begin::Encrypt, Transform::Encrypt, how, key, data)
    }

    /// `C_DecryptInit` and `C_Decrypt`.
    ///
    /// # Errors
    /// The module's.
    pub fn decrypt(&self, how: &Mechanism, key: ObjectHandle, data: &[u8]) -> Result<Vec<u8>, Rv> {
        self.one_shot(Begin::Decrypt, Transform::Decrypt, how, key, data)
    }

    /// `C_SignInit` and `C_Sign`.
    ///
    /// # Errors
    /// The module's.
    pub fn sign(&self, how: &Mechanism, key: ObjectHandle, data: &[u8]) -> Result<Vec<u8>, Rv> {
        self.one_shot(Begin::Sign, Transform::Sign, how, key, data)
    }

    /// A `C_*Init`.
    pub fn begin(&self, which: Begin, how: &Mechanism, key: ObjectHandle) -> Rv {
        self.module.begin(which, self.handle, Some(how), key)
    }

    /// A function from bytes to bytes.
    pub fn transform(&self, which: Transform, data: &[u8], room: Room) -> crate::module::Reply {
        self.module.transform(which, self.handle, data, room)
    }

    /// `C_SetOperationState` without keys.
    pub fn set_operation_state(&self, state: &[u8]) -> Rv {
        let function = self.module.functions().C_SetOperationState;
        invoke!(function, self.handle, state.as_ptr().cast_mut(), state.len() as u64, 0, 0)
    }

    /// `C_DigestKey`.
    pub fn digest_key(&self, key: ObjectHandle) -> Rv {
        invoke!(self.module.functions().C_DigestKey, self.handle, key)
    }

    /// `C_GetFunctionStatus` and `C_CancelFunction`.
    pub fn legacy(&self) -> (Rv, Rv) {
        let list = self.module.functions();
        (invoke!(list.C_GetFunctionStatus, self.handle), invoke!(list.C_CancelFunction, self.handle))
    }

    fn one_shot(
        &self,
        begin: Begin,
        transform: Transform,
        how: &Mechanism,
        key: ObjectHandle,
        data: &[u8],
    ) -> Result<Vec<u8>, Rv> {
        self.begin(begin, how, key).ok()?;
        output(Room::Bytes(data.len() + PLENTY), |out, len| {
            let list = self.module.functions();
            let function = match transform {
                Transform::Encrypt => list.C_Encrypt,
                Transform::Decrypt => list.C_Decrypt,
                _ => list.C_Sign,
            };
            invoke!(function, self.handle, data.as_ptr().cast_mut(), data.len() as u64, out, len)
        })
        .ok()
    }
}
