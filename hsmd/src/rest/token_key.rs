//! A TLS key that stays in its token: in a partition of this HSM, or behind any other PKCS#11 module.
//!
//! The daemon is an application like any other here: it loads the module, logs in with the user's PIN, and so is under
//! the partition's policy, quorum and audit. While the HSM is sealed, nobody can shake hands.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use cryptoki::error::{Error as ModuleError, RvError};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use der::asn1::UintRef;
use der::{Encode, Sequence};
use parking_lot::Mutex;
use rustls::pki_types::{AlgorithmIdentifier, SubjectPublicKeyInfoDer, alg_id};
use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use serde::Deserialize;
use spki::SubjectPublicKeyInfoRef;
use tokio::sync::{Semaphore, SemaphorePermit as Permit};
use tokio::task::block_in_place;

use crate::modules::Module;
use crate::root_key;

/// Sessions that are kept for the next handshakes.
const IDLE: usize = 16;
/// Handshakes that wait for the token at once.
pub(super) const CALLS: usize = 128;

/// Where the key is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    /// The PKCS#11 module.
    module: PathBuf,
    /// The token's label.
    token: String,
    /// The private key's label.
    key: String,
    /// A file of mode 0600 with the user's PIN.
    pin_file: PathBuf,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {:?} of token {:?}", self.key, self.token)
    }
}

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The module, the token, or what it answers.
    #[error("the {0}: {1}")]
    Token(Arc<Place>, String),
    /// The PIN was refused before. It is not tried again, or else it would come to be locked.
    #[error("the {0}: its PIN was refused; it is tried again when the daemon is started anew")]
    Refused(Arc<Place>),
    /// As many handshakes wait for it as may.
    #[error("the {0} does not answer: {CALLS} handshakes wait for it")]
    Busy(Arc<Place>),
    /// The PIN cannot be read.
    #[error("the PIN for the {0}: {1}")]
    Pin(Arc<Place>, String),
    /// The key is of another type, or has no public half to make a certificate for.
    #[error("the {0} {1}")]
    Unfit(Arc<Place>, &'static str),
}

/// The key.
pub(crate) struct TokenKey {
    place: Arc<Place>,
    module: OnceLock<Module>,
    pool: Mutex<Pool>,
    /// Held by whoever logs in.
    entering: Mutex<()>,
    /// Whether the PIN was.
    refused: AtomicBool,
    /// Places for calls of the module.
    calls: Semaphore,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Ready>,
    /// The public half, as the token last told it.
    public: Option<Vec<u8>>,
}

/// A session in which the key was found.
struct Ready {
    session: Session,
    key: ObjectHandle,
}

impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl TokenKey {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place: Arc::new(place),
            module: OnceLock::new(),
            pool: Mutex::default(),
            entering: Mutex::default(),
            refused: AtomicBool::new(false),
            calls: Semaphore::new(CALLS),
        }
    }

    /// The key's SubjectPublicKeyInfo, as the token tells it.
    ///
    /// # Errors
    /// As [`Self::with`]; `Unfit` of a token that does not tell it.
    pub(crate) fn public(&self) -> Result<Vec<u8>, KeyError> {
        if let Some(known) = self.pool.lock().public.clone() {
            return Ok(known);
        }
        let _place = self.place_for_a_call()?;
        let ready = self.open()?;
        self.keep(ready);
        self.pool.lock().public.clone().ok_or_else(|| {
            self.unfit("does not tell its public half (CKA_PUBLIC_KEY_INFO): give a certificate for it")
        })
    }

    /// Does something with the key. Sessions of an HSM that was sealed meanwhile are no good: a new one is.
    ///
    /// # Errors
    /// `Token`, `Refused`, `Pin`
    fn with<T>(&self, act: impl Fn(&Session, ObjectHandle) -> Result<T, ModuleError>) -> Result<T, KeyError> {
        let _place = self.place_for_a_call()?;
        let idle = self.pool.lock().idle.pop();
        if let Some(ready) = idle {
            if let Ok(done) = act(&ready.session, ready.key) {
                self.keep(ready);
                return Ok(done);
            }
            // The others are as old.
            let old = {
                let mut pool = self.pool.lock();
                pool.public = None;
                std::mem::take(&mut pool.idle)
            };
            drop(old);
        }
        let ready = self.open()?;
        let done = act(&ready.session, ready.key).map_err(|error| self.failed(&error))?;
        self.keep(ready);
        Ok(done)
    }

    /// Each call of the module holds a thread. Where a token does not answer, they must not come to be all there are.
    fn place_for_a_call(&self) -> Result<Permit<'_>, KeyError> {
        self.calls.try_acquire().map_err(|_| KeyError::Busy(Arc::clone(&self.place)))
    }

    fn keep(&self, ready: Ready) {
        let mut pool = self.pool.lock();
        if pool.idle.len() < IDLE {
            pool.idle.push(ready);
        }
    }

    /// A new session, with the key.
    fn open(&self) -> Result<Ready, KeyError> {
        let failed = |error: ModuleError| self.failed(&error);
        let module = self.module()?;
        let slot = module.slot_of(&self.place.token).map_err(failed)?;
        let slot = slot.ok_or_else(|| self.refuse("there is no token of this label".into()))?;
        let session = module.open_ro_session(slot).map_err(failed)?;
        self.log_in(&session)?;
        let wanted = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Label(self.place.key.clone().into_bytes()),
        ];
        let key = match session.find_objects(&wanted).map_err(failed)?.as_slice() {
            [one] => *one,
            [] => return Err(self.refuse("there is no private key of this label".into())),
            _ => return Err(self.refuse("several private keys have this label".into())),
        };
        let told = session.get_attributes(key, &[AttributeType::PublicKeyInfo]).map_err(failed)?;
        let public = told.into_iter().find_map(|attribute| match attribute {
            Attribute::PublicKeyInfo(info) => Some(info).filter(|info| !info.is_empty()),
            _ => None,
        });
        self.pool.lock().public = public;
        Ok(Ready { session, key })
    }

    fn module(&self) -> Result<&Module, KeyError> {
        if let Some(module) = self.module.get() {
            return Ok(module);
        }
        let module = Module::of(&self.place.module).map_err(|error| self.failed(&error))?;
        Ok(self.module.get_or_init(|| module))
    }

    /// One after the other: where the PIN is wrong, no more than one try is used up.
    fn log_in(&self, session: &Session) -> Result<(), KeyError> {
        let _alone = self.entering.lock();
        if self.refused.load(Ordering::Acquire) {
            return Err(KeyError::Refused(Arc::clone(&self.place)));
        }
        let pin = root_key::pin(&self.place.pin_file);
        let pin = pin.map_err(|error| KeyError::Pin(Arc::clone(&self.place), error.to_string()))?;
        let Ok(pin) = String::from_utf8(pin.to_vec()) else {
            return Err(KeyError::Pin(Arc::clone(&self.place), "expected UTF-8".into()));
        };
        use RvError::{PinExpired, PinIncorrect, PinInvalid, PinLenRange, PinLocked, UserAlreadyLoggedIn};
        match session.login(UserType::User, Some(&AuthPin::from(pin))) {
            Ok(()) | Err(ModuleError::Pkcs11(UserAlreadyLoggedIn, _)) => Ok(()),
            Err(error) => {
                if let ModuleError::Pkcs11(
                    PinIncorrect | PinInvalid | PinLenRange | PinLocked | PinExpired,
                    _,
                ) = error
                {
                    self.refused.store(true, Ordering::Release);
                }
                Err(self.failed(&error))
            }
        }
    }

    fn failed(&self, error: &ModuleError) -> KeyError {
        self.refuse(error.to_string())
    }

    fn refuse(&self, why: String) -> KeyError {
        KeyError::Token(Arc::clone(&self.place), why)
    }

    fn unfit(&self, why: &'static str) -> KeyError {
        KeyError::Unfit(Arc::clone(&self.place), why)
    }
}

/// The key, as TLS signs with it for one certificate.
#[derive(Debug)]
pub(crate) struct Signing {
    key: Arc<TokenKey>,
    /// The certificate's SubjectPublicKeyInfo.
    info: Vec<u8>,
    algorithm: SignatureAlgorithm,
    schemes: &'static [SignatureScheme],
}

impl Signing {
    /// The key, for a certificate of this public half.
    ///
    /// # Errors
    /// `Unfit` for a type that TLS has no signatures of.
    pub(crate) fn new(key: &Arc<TokenKey>, info: &[u8]) -> Result<Self, KeyError> {
        const KINDS: [(AlgorithmIdentifier, SignatureAlgorithm, &[SignatureScheme]); 5] = [
            (alg_id::ECDSA_P256, SignatureAlgorithm::ECDSA, &[SignatureScheme::ECDSA_NISTP256_SHA256]),
            (alg_id::ECDSA_P384, SignatureAlgorithm::ECDSA, &[SignatureScheme::ECDSA_NISTP384_SHA384]),
            (alg_id::ECDSA_P521, SignatureAlgorithm::ECDSA, &[SignatureScheme::ECDSA_NISTP521_SHA512]),
            (alg_id::ED25519, SignatureAlgorithm::ED25519, &[SignatureScheme::ED25519]),
            (
                alg_id::RSA_ENCRYPTION,
                SignatureAlgorithm::RSA,
                &[
                    SignatureScheme::RSA_PSS_SHA256,
                    SignatureScheme::RSA_PSS_SHA384,
                    SignatureScheme::RSA_PSS_SHA512,
                    SignatureScheme::RSA_PKCS1_SHA256,
                    SignatureScheme::RSA_PKCS1_SHA384,
                    SignatureScheme::RSA_PKCS1_SHA512,
                ],
            ),
        ];
        let unfit = || key.unfit("is not of a type that TLS signs with: RSA, P-256, P-384, P-521 or Ed25519");
        let parsed = SubjectPublicKeyInfoRef::try_from(info).map_err(|_| unfit())?;
        let named = parsed.algorithm.to_der().map_err(|_| unfit())?;
        // Of the sequence, what is in it: its own head has two bytes, as short as it is.
        let named = named.get(2..).unwrap_or_default();
        let (_, algorithm, schemes) =
            KINDS.into_iter().find(|(kind, ..)| kind.as_ref() == named).ok_or_else(unfit)?;
        Ok(Self { key: Arc::clone(key), info: info.to_vec(), algorithm, schemes })
    }
}

impl SigningKey for Signing {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = *self.schemes.iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(Handshake { key: Arc::clone(&self.key), info: self.info.clone(), scheme }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(self.info.as_slice().into())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

#[derive(Debug)]
struct Handshake {
    key: Arc<TokenKey>,
    info: Vec<u8>,
    scheme: SignatureScheme,
}

impl Signer for Handshake {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signed =
            block_in_place(|| self.key.with(|session, key| signature(session, key, self.scheme, message)));
        let signed = signed.and_then(|signed| match self.key.pool.lock().public.as_deref() {
            // The label may have come to another key.
            Some(public) if !public.is_empty() && public != self.info => {
                Err(self.key.unfit("is not the one that the certificate is for"))
            }
            _ => Ok(signed),
        });
        signed.map_err(|error| {
            super::tls::tell(&error);
            rustls::Error::General(error.to_string())
        })
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// A signature in the form of TLS.
fn signature(
    session: &Session,
    key: ObjectHandle,
    scheme: SignatureScheme,
    message: &[u8],
) -> Result<Vec<u8>, ModuleError> {
    let pss = |hash_alg, mgf, len: u64| PkcsPssParams { hash_alg, mgf, s_len: len.into() };
    // Not every token hashes for ECDSA.
    let hash = match scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256 => crypto::Hash::Sha256,
        SignatureScheme::ECDSA_NISTP384_SHA384 => crypto::Hash::Sha384,
        SignatureScheme::ECDSA_NISTP521_SHA512 => crypto::Hash::Sha512,
        SignatureScheme::RSA_PSS_SHA256 => {
            let parameters = pss(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, 32);
            return session.sign(&Mechanism::Sha256RsaPkcsPss(parameters), key, message);
        }
        SignatureScheme::RSA_PSS_SHA384 => {
            let parameters = pss(MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, 48);
            return session.sign(&Mechanism::Sha384RsaPkcsPss(parameters), key, message);
        }
        SignatureScheme::RSA_PSS_SHA512 => {
            let parameters = pss(MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, 64);
            return session.sign(&Mechanism::Sha512RsaPkcsPss(parameters), key, message);
        }
        SignatureScheme::RSA_PKCS1_SHA256 => return session.sign(&Mechanism::Sha256RsaPkcs, key, message),
        SignatureScheme::RSA_PKCS1_SHA384 => return session.sign(&Mechanism::Sha384RsaPkcs, key, message),
        SignatureScheme::RSA_PKCS1_SHA512 => return session.sign(&Mechanism::Sha512RsaPkcs, key, message),
        _ => {
            let pure = EddsaParams::new(EddsaSignatureScheme::Pure);
            return session.sign(&Mechanism::Eddsa(pure), key, message);
        }
    };
    let digest = crypto::hash::digest(hash, message).map_err(|_| ModuleError::InvalidValue)?;
    let numbers = session.sign(&Mechanism::Ecdsa, key, &digest)?;
    der_of(&numbers).map_err(|_| ModuleError::InvalidValue)
}

/// `ECDSA-Sig-Value` (RFC 3279).
#[derive(Sequence)]
struct TwoNumbers<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

fn der_of(numbers: &[u8]) -> der::Result<Vec<u8>> {
    let (r, s) = numbers.split_at(numbers.len() / 2);
    TwoNumbers { r: UintRef::new(r)?, s: UintRef::new(s)? }.to_der()
}
