//! The few PKCS#11 calls that the benchmark needs, made safe: the only file here that calls a module.
//!
//! Nothing is allocated on the timed paths: templates and mechanisms are built before and borrowed.

use std::ffi::c_void;
use std::fmt;
use std::path::Path;
use std::ptr;

use cryptoki_sys::*;
use libloading::{Library, Symbol};

/// What went wrong: a module that is no module, or a call that did not answer CKR_OK.
#[derive(Debug)]
pub(crate) enum Error {
    Load(String),
    Call { function: &'static str, rv: CK_RV },
    Wrong(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(why) => write!(f, "cannot load the module: {why}"),
            Self::Call { function, rv } => write!(f, "{function} answered {rv:#x}"),
            Self::Wrong(what) => write!(f, "wrong result: {what}"),
        }
    }
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Calls a function of the list and turns its CK_RV into a `Result`.
macro_rules! call {
    ($module:expr, $function:ident $(, $argument:expr)* $(,)?) => {{
        let Some(function) = $module.functions.$function else {
            return Err(Error::Load(concat!(stringify!($function), " is missing").to_owned()));
        };
        // SAFETY: each argument is a plain number, null, or a pointer into memory that outlives the call
        // and has the length passed beside it; callers in this file keep that.
        match unsafe { function($($argument),*) } {
            CKR_OK => Ok(()),
            rv => Err(Error::Call { function: stringify!($function), rv }),
        }
    }};
}

fn length(len: usize) -> CK_ULONG {
    len as CK_ULONG
}

/// A loaded and initialised module.
pub(crate) struct Module {
    functions: CK_FUNCTION_LIST,
    _library: Library,
}

impl Module {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let failed = |e: libloading::Error| Error::Load(format!("{}: {e}", path.display()));
        // SAFETY: whoever runs the benchmark names the module to be run.
        let library = unsafe { Library::new(path) }.map_err(failed)?;
        let mut list: *mut CK_FUNCTION_LIST = ptr::null_mut();
        // SAFETY: the symbol has this type by the standard; the list lives as long as the library.
        let functions = unsafe {
            let get: Symbol<'_, unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV> =
                library.get(b"C_GetFunctionList\0").map_err(failed)?;
            match get(&raw mut list) {
                CKR_OK if !list.is_null() => *list,
                rv => return Err(Error::Call { function: "C_GetFunctionList", rv }),
            }
        };
        let module = Self { functions, _library: library };
        let mut arguments = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..Default::default() };
        call!(module, C_Initialize, (&raw mut arguments).cast::<c_void>())?;
        Ok(module)
    }

    /// The slot whose token bears the label.
    pub(crate) fn slot(&self, label: &str) -> Result<CK_SLOT_ID> {
        let mut slots = [0; 256];
        let mut count = length(slots.len());
        call!(self, C_GetSlotList, CK_TRUE, slots.as_mut_ptr(), &raw mut count)?;
        for slot in slots.into_iter().take(count as usize) {
            let mut info = CK_TOKEN_INFO::default();
            call!(self, C_GetTokenInfo, slot, &raw mut info)?;
            if String::from_utf8_lossy(&info.label).trim_end() == label {
                return Ok(slot);
            }
        }
        Err(Error::Load(format!("no token is labelled {label:?}")))
    }

    pub(crate) fn has_mechanism(&self, slot: CK_SLOT_ID, mechanism: CK_MECHANISM_TYPE) -> bool {
        let mut info = CK_MECHANISM_INFO::default();
        let mut ask = || call!(self, C_GetMechanismInfo, slot, mechanism, &raw mut info);
        ask().is_ok()
    }

    pub(crate) fn open(&self, slot: CK_SLOT_ID) -> Result<Session<'_>> {
        let mut handle = 0;
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        call!(self, C_OpenSession, slot, flags, ptr::null_mut(), None, &raw mut handle)?;
        Ok(Session { module: self, handle })
    }
}

/// An open session. Copied freely; [`Session::close`] ends it.
#[derive(Clone, Copy)]
pub(crate) struct Session<'a> {
    module: &'a Module,
    handle: CK_SESSION_HANDLE,
}

impl Session<'_> {
    pub(crate) fn close(self) -> Result<()> {
        call!(self.module, C_CloseSession, self.handle)
    }

    pub(crate) fn login(self, pin: &str) -> Result<()> {
        call!(self.module, C_Login, self.handle, CKU_USER, pin.as_ptr().cast_mut(), length(pin.len()))
    }

    /// Signs `data` into `out`; returns the signature's length.
    pub(crate) fn sign(
        self,
        by: &mut Mechanism,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let mut len = length(out.len());
        let data_ptr = data.as_ptr().cast_mut();
        call!(self.module, C_SignInit, self.handle, by.raw(), key)?;
        call!(
            self.module,
            C_Sign,
            self.handle,
            data_ptr,
            length(data.len()),
            out.as_mut_ptr(),
            &raw mut len
        )?;
        Ok(len as usize)
    }

    pub(crate) fn verify(
        self,
        by: &mut Mechanism,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let (data_ptr, signature_ptr) = (data.as_ptr().cast_mut(), signature.as_ptr().cast_mut());
        call!(self.module, C_VerifyInit, self.handle, by.raw(), key)?;
        call!(
            self.module,
            C_Verify,
            self.handle,
            data_ptr,
            length(data.len()),
            signature_ptr,
            length(signature.len())
        )
    }

    pub(crate) fn encrypt(
        self,
        by: &mut Mechanism,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let mut len = length(out.len());
        let data_ptr = data.as_ptr().cast_mut();
        call!(self.module, C_EncryptInit, self.handle, by.raw(), key)?;
        call!(
            self.module,
            C_Encrypt,
            self.handle,
            data_ptr,
            length(data.len()),
            out.as_mut_ptr(),
            &raw mut len
        )?;
        Ok(len as usize)
    }

    pub(crate) fn decrypt(
        self,
        by: &mut Mechanism,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize> {
        let mut len = length(out.len());
        let data_ptr = data.as_ptr().cast_mut();
        call!(self.module, C_DecryptInit, self.handle, by.raw(), key)?;
        call!(
            self.module,
            C_Decrypt,
            self.handle,
            data_ptr,
            length(data.len()),
            out.as_mut_ptr(),
            &raw mut len
        )?;
        Ok(len as usize)
    }

    pub(crate) fn digest(self, by: &mut Mechanism, data: &[u8], out: &mut [u8]) -> Result<usize> {
        let mut len = length(out.len());
        let data_ptr = data.as_ptr().cast_mut();
        call!(self.module, C_DigestInit, self.handle, by.raw())?;
        call!(
            self.module,
            C_Digest,
            self.handle,
            data_ptr,
            length(data.len()),
            out.as_mut_ptr(),
            &raw mut len
        )?;
        Ok(len as usize)
    }

    pub(crate) fn random(self, out: &mut [u8]) -> Result<()> {
        call!(self.module, C_GenerateRandom, self.handle, out.as_mut_ptr(), length(out.len()))
    }

    /// A whole search: init, one `C_FindObjects` into `found`, final. Returns how many were found.
    pub(crate) fn find(self, template: &mut Template, found: &mut [CK_OBJECT_HANDLE]) -> Result<usize> {
        let mut count = 0;
        let (raw, len) = template.raw();
        call!(self.module, C_FindObjectsInit, self.handle, raw, len)?;
        call!(
            self.module,
            C_FindObjects,
            self.handle,
            found.as_mut_ptr(),
            length(found.len()),
            &raw mut count
        )?;
        call!(self.module, C_FindObjectsFinal, self.handle)?;
        Ok(count as usize)
    }

    pub(crate) fn create(self, template: &mut Template) -> Result<CK_OBJECT_HANDLE> {
        let mut handle = 0;
        let (raw, len) = template.raw();
        call!(self.module, C_CreateObject, self.handle, raw, len, &raw mut handle)?;
        Ok(handle)
    }

    pub(crate) fn destroy(self, object: CK_OBJECT_HANDLE) -> Result<()> {
        call!(self.module, C_DestroyObject, self.handle, object)
    }

    pub(crate) fn generate(self, by: &mut Mechanism, template: &mut Template) -> Result<CK_OBJECT_HANDLE> {
        let mut handle = 0;
        let (raw, len) = template.raw();
        call!(self.module, C_GenerateKey, self.handle, by.raw(), raw, len, &raw mut handle)?;
        Ok(handle)
    }

    /// Returns the public and the private key.
    pub(crate) fn generate_pair(
        self,
        by: &mut Mechanism,
        public: &mut Template,
        private: &mut Template,
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let mut handles = (0, 0);
        let (public, public_len) = public.raw();
        let (private, private_len) = private.raw();
        call!(
            self.module,
            C_GenerateKeyPair,
            self.handle,
            by.raw(),
            public,
            public_len,
            private,
            private_len,
            &raw mut handles.0,
            &raw mut handles.1,
        )?;
        Ok(handles)
    }

    /// Reads the template's attributes of an object into the template's own values.
    pub(crate) fn attributes(self, object: CK_OBJECT_HANDLE, template: &mut Template) -> Result<()> {
        let (raw, len) = template.raw();
        call!(self.module, C_GetAttributeValue, self.handle, object, raw, len)
    }
}

/// Attributes whose values it owns, laid out as C wants them.
pub(crate) struct Template {
    values: Vec<Box<[u8]>>,
    raw: Vec<CK_ATTRIBUTE>,
}

impl Template {
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), raw: Vec::new() }
    }

    pub(crate) fn bytes(mut self, type_: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.values.push(value.into());
        self.raw.push(CK_ATTRIBUTE { type_, pValue: ptr::null_mut(), ulValueLen: 0 });
        self
    }

    pub(crate) fn flag(self, type_: CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        self.bytes(type_, &[u8::from(value)])
    }

    pub(crate) fn number(self, type_: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Self {
        self.bytes(type_, &value.to_ne_bytes())
    }

    /// The value of the attribute at `index`.
    pub(crate) fn value(&self, index: usize) -> &[u8] {
        &self.values[index]
    }

    /// What a call has written of the value of the attribute at `index`.
    pub(crate) fn written(&self, index: usize) -> &[u8] {
        &self.values[index][..self.raw[index].ulValueLen as usize]
    }

    /// The value of the attribute at `index`, to be changed in place.
    pub(crate) fn value_mut(&mut self, index: usize) -> &mut [u8] {
        &mut self.values[index]
    }

    /// The attributes for one call. Pointers and lengths are set afresh, as a call may have changed them.
    fn raw(&mut self) -> (*mut CK_ATTRIBUTE, CK_ULONG) {
        for (attribute, value) in self.raw.iter_mut().zip(&mut self.values) {
            attribute.pValue = value.as_mut_ptr().cast();
            attribute.ulValueLen = length(value.len());
        }
        (self.raw.as_mut_ptr(), length(self.raw.len()))
    }
}

/// A mechanism and the parameter that it owns.
pub(crate) enum Mechanism {
    Plain(CK_MECHANISM),
    Bytes { raw: CK_MECHANISM, value: Box<[u8]> },
    Gcm { raw: CK_MECHANISM, params: Box<CK_GCM_PARAMS>, iv: Box<[u8; 12]> },
}

impl Mechanism {
    pub(crate) fn plain(mechanism: CK_MECHANISM_TYPE) -> Self {
        Self::Plain(CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 })
    }

    pub(crate) fn with_bytes(mechanism: CK_MECHANISM_TYPE, value: &[u8]) -> Self {
        let raw = CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 };
        Self::Bytes { raw, value: value.into() }
    }

    /// AES-GCM with a tag of 128 bits, a nonce of 96 bits that starts at zero, and no other data.
    pub(crate) fn gcm() -> Self {
        let raw = CK_MECHANISM { mechanism: CKM_AES_GCM, pParameter: ptr::null_mut(), ulParameterLen: 0 };
        let params = CK_GCM_PARAMS {
            pIv: ptr::null_mut(),
            ulIvLen: 12,
            ulIvBits: 96,
            pAAD: ptr::null_mut(),
            ulAADLen: 0,
            ulTagBits: 128,
        };
        Self::Gcm { raw, params: Box::new(params), iv: Box::new([0; 12]) }
    }

    /// Moves on to a nonce that was not used yet. `lane` keeps threads apart.
    pub(crate) fn next_nonce(&mut self, lane: u32) {
        if let Self::Gcm { iv, .. } = self {
            let (ours, counter) = iv.split_at_mut(4);
            ours.copy_from_slice(&lane.to_be_bytes());
            for byte in counter.iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
        }
    }

    fn raw(&mut self) -> *mut CK_MECHANISM {
        match self {
            Self::Plain(raw) => raw,
            Self::Bytes { raw, value } => {
                raw.pParameter = value.as_mut_ptr().cast();
                raw.ulParameterLen = length(value.len());
                raw
            }
            Self::Gcm { raw, params, iv } => {
                params.pIv = iv.as_mut_ptr();
                raw.pParameter = ptr::from_mut(params.as_mut()).cast();
                raw.ulParameterLen = length(size_of::<CK_GCM_PARAMS>());
                raw
            }
        }
    }
}
