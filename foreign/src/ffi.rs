//! The C functions of a module, each behind a safe one that keeps what the standard asks of a caller: pointers are
//! valid for as long as the call takes, and lengths are those of what they point to.

use std::ffi::{CString, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::ptr;

use crypto::Secret;
use cryptoki_sys as c;
use wire::Rv;

use crate::{Error, LONGEST, Token};

/// `CKF_WRAP`
pub(crate) const WRAP: u64 = c::CKF_WRAP;

/// The most slots, and the most objects of a token, that are taken note of.
const MOST: usize = 1 << 20;
/// Room for a wrapped key, in bytes: the longest is an RSA key of 16384 bits, of less than ten thousand.
const ROOM: usize = 1 << 16;
/// Objects that are asked for at once.
const AT_ONCE: usize = 256;

/// A module that is loaded and initialised.
pub(crate) struct Library {
    functions: c::CK_FUNCTION_LIST,
    /// The functions are its. It is not unloaded: what it set up for the end of a thread or of the program would be gone.
    _loaded: ManuallyDrop<c::Pkcs11>,
    /// The module may look at it for as long as it is initialised.
    parameters: Option<CString>,
    /// Whether it was initialised here.
    ours: bool,
}

/// Calls a function of the module's list, if it is there.
macro_rules! call {
    ($library:expr, $name:ident($($argument:expr),*)) => {
        match $library.functions.$name {
            None => Err(Error::Missing(stringify!($name))),
            // SAFETY: the function is the module's, which is loaded; every pointer that is handed to it is null where
            // the standard allows that, or comes from a slice or variable that lives until it returns and has the
            // length that is said.
            Some(function) => checked(stringify!($name), unsafe { function($($argument),*) }),
        }
    };
}

fn checked(function: &'static str, code: c::CK_RV) -> Result<(), Error> {
    match code {
        c::CKR_OK => Ok(()),
        code => Err(Error::Failed { function, code: Rv(code) }),
    }
}

/// Whether an error only says that there is nothing to be told.
const fn is_untold(error: &Error) -> bool {
    matches!(error, Error::Failed { code: Rv::ATTRIBUTE_SENSITIVE | Rv::ATTRIBUTE_TYPE_INVALID, .. })
}

const fn attribute(kind: u64) -> c::CK_ATTRIBUTE {
    c::CK_ATTRIBUTE { type_: kind, pValue: ptr::null_mut(), ulValueLen: 0 }
}

/// A pointer for C to bytes that it only reads.
fn readable(bytes: &[u8]) -> *mut u8 {
    if bytes.is_empty() { ptr::null_mut() } else { bytes.as_ptr().cast_mut() }
}

impl Library {
    pub(crate) fn open(path: &Path, parameters: Option<&str>) -> Result<Self, Error> {
        let parameters = parameters.map(CString::new).transpose().map_err(|_| Error::Parameters)?;
        // SAFETY: loading runs the module's initialisers. Whoever names a module has this program run it.
        let loaded = unsafe { c::Pkcs11::new(path) }.map_err(|error| Error::Load(error.to_string()))?;
        let list = *loaded.C_GetFunctionList.as_ref().map_err(|_| Error::Missing("C_GetFunctionList"))?;
        let mut functions = ptr::null_mut();
        // SAFETY: the module is loaded, and the place for its answer can be written.
        checked("C_GetFunctionList", unsafe { list(&raw mut functions) })?;
        // SAFETY: it is null or what the standard says: a list of functions that lasts as long as the module.
        let functions = *unsafe { functions.as_ref() }.ok_or(Error::Missing("list of functions"))?;
        let mut library = Self { functions, _loaded: ManuallyDrop::new(loaded), parameters, ours: false };
        library.initialize()?;
        Ok(library)
    }

    fn initialize(&mut self) -> Result<(), Error> {
        let reserved = self.parameters.as_ref().map_or(ptr::null_mut(), |text| text.as_ptr().cast_mut());
        let mut arguments = c::CK_C_INITIALIZE_ARGS {
            CreateMutex: None,
            DestroyMutex: None,
            LockMutex: None,
            UnlockMutex: None,
            flags: c::CKF_OS_LOCKING_OK,
            pReserved: reserved.cast(),
        };
        match call!(self, C_Initialize((&raw mut arguments).cast::<c_void>())) {
            Ok(()) => self.ours = true,
            // Another has initialised it, who goes on with it; with which parameters is not known.
            Err(Error::Failed { code: Rv::CRYPTOKI_ALREADY_INITIALIZED, .. })
                if self.parameters.is_none() => {}
            Err(Error::Failed { code: Rv::CRYPTOKI_ALREADY_INITIALIZED, .. }) => return Err(Error::InUse),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    pub(crate) fn slots(&self) -> Result<Vec<u64>, Error> {
        let mut count = 0;
        call!(self, C_GetSlotList(c::CK_TRUE, ptr::null_mut(), &raw mut count))?;
        let mut slots = vec![0; usize::try_from(count).unwrap_or(MOST).min(MOST)];
        let mut count = slots.len() as u64;
        call!(self, C_GetSlotList(c::CK_TRUE, slots.as_mut_ptr(), &raw mut count))?;
        slots.truncate(usize::try_from(count).unwrap_or(MOST));
        Ok(slots)
    }

    /// The token in a slot; none if nobody has initialised it.
    pub(crate) fn token(&self, slot: u64) -> Result<Option<Token>, Error> {
        let mut info = c::CK_TOKEN_INFO::default();
        call!(self, C_GetTokenInfo(slot, &raw mut info))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches([' ', '\0']).to_owned();
        Ok((info.flags & c::CKF_TOKEN_INITIALIZED != 0).then(|| Token {
            slot,
            label: text(&info.label),
            serial: text(&info.serialNumber),
            needs_login: info.flags & c::CKF_LOGIN_REQUIRED != 0,
        }))
    }

    pub(crate) fn mechanism_flags(&self, slot: u64, mechanism: u64) -> Result<u64, Error> {
        let mut info = c::CK_MECHANISM_INFO::default();
        call!(self, C_GetMechanismInfo(slot, mechanism, &raw mut info))?;
        Ok(info.flags)
    }

    pub(crate) fn open_session(&self, slot: u64) -> Result<u64, Error> {
        let mut session = 0;
        call!(self, C_OpenSession(slot, c::CKF_SERIAL_SESSION, ptr::null_mut(), None, &raw mut session))?;
        Ok(session)
    }

    pub(crate) fn close_session(&self, session: u64) -> Result<(), Error> {
        call!(self, C_CloseSession(session))
    }

    /// Logs in; where this program has logged in before, the PIN is looked at nevertheless.
    pub(crate) fn log_in(&self, session: u64, pin: &[u8]) -> Result<(), Error> {
        let len = pin.len() as u64;
        let again = || call!(self, C_Login(session, c::CKU_USER, readable(pin), len));
        match again() {
            Err(Error::Failed { code: Rv::USER_ALREADY_LOGGED_IN, .. }) => {
                call!(self, C_Logout(session))?;
                again()
            }
            other => other,
        }
    }

    pub(crate) fn token_objects(&self, session: u64) -> Result<Vec<u64>, Error> {
        let stays = [c::CK_TRUE];
        let mut template =
            c::CK_ATTRIBUTE { pValue: readable(&stays).cast(), ulValueLen: 1, ..attribute(c::CKA_TOKEN) };
        call!(self, C_FindObjectsInit(session, &raw mut template, 1))?;
        let found = self.found(session);
        call!(self, C_FindObjectsFinal(session))?;
        found
    }

    fn found(&self, session: u64) -> Result<Vec<u64>, Error> {
        let mut found = Vec::new();
        loop {
            let (mut some, mut count) = ([0; AT_ONCE], 0);
            call!(self, C_FindObjects(session, some.as_mut_ptr(), AT_ONCE as u64, &raw mut count))?;
            let some = some.get(..usize::try_from(count).unwrap_or(AT_ONCE)).unwrap_or(&some);
            if some.is_empty() {
                return Ok(found);
            }
            found.extend_from_slice(some);
            if found.len() > MOST {
                return Err(Error::TooLong { len: found.len() as u64 });
            }
        }
    }

    pub(crate) fn attribute_len(&self, session: u64, object: u64, kind: u64) -> Result<Option<usize>, Error> {
        let mut asked = attribute(kind);
        match call!(self, C_GetAttributeValue(session, object, &raw mut asked, 1)) {
            Err(error) if is_untold(&error) => return Ok(None),
            other => other?,
        }
        let len = asked.ulValueLen;
        if len == c::CK_UNAVAILABLE_INFORMATION {
            return Ok(None);
        }
        let len = usize::try_from(len).ok().filter(|len| *len <= LONGEST);
        len.map(Some).ok_or(Error::TooLong { len: asked.ulValueLen })
    }

    pub(crate) fn attribute(&self, session: u64, object: u64, kind: u64) -> Result<Option<Secret>, Error> {
        let Some(len) = self.attribute_len(session, object, kind)? else { return Ok(None) };
        if len == 0 {
            return Ok(Some(Secret::new(Vec::new())));
        }
        let mut bytes = vec![0; len];
        let mut asked =
            c::CK_ATTRIBUTE { pValue: bytes.as_mut_ptr().cast(), ulValueLen: len as u64, ..attribute(kind) };
        let told = call!(self, C_GetAttributeValue(session, object, &raw mut asked, 1));
        bytes.truncate(usize::try_from(asked.ulValueLen).unwrap_or(0));
        let bytes = Secret::new(bytes);
        match told {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if is_untold(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn create(&self, session: u64, attributes: &[(u64, &[u8])]) -> Result<u64, Error> {
        let mut template: Vec<_> = attributes
            .iter()
            .map(|(kind, value)| c::CK_ATTRIBUTE {
                pValue: readable(value).cast(),
                ulValueLen: value.len() as u64,
                ..attribute(*kind)
            })
            .collect();
        let (mut object, len) = (0, template.len() as u64);
        call!(self, C_CreateObject(session, template.as_mut_ptr(), len, &raw mut object))?;
        Ok(object)
    }

    pub(crate) fn wrap(
        &self,
        session: u64,
        mechanism: u64,
        parameter: &[u8],
        under: u64,
        key: u64,
    ) -> Result<Vec<u8>, Error> {
        let mut mechanism = c::CK_MECHANISM {
            mechanism,
            pParameter: readable(parameter).cast(),
            ulParameterLen: parameter.len() as u64,
        };
        // There is room for any: a module's answer to how much it needs may be more than it writes.
        let (mut wrapped, mut len) = (vec![0; ROOM], ROOM as u64);
        call!(self, C_WrapKey(session, &raw mut mechanism, under, key, wrapped.as_mut_ptr(), &raw mut len))?;
        wrapped.truncate(usize::try_from(len).unwrap_or(ROOM));
        Ok(wrapped)
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        if self.ours {
            // There is nothing more to do where that fails.
            let _ = call!(self, C_Finalize(ptr::null_mut()));
        }
    }
}
