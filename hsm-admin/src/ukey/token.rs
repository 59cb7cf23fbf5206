//! UKeys on tokens: two P-256 key pairs behind a PKCS#11 module, one that signs and one that derives.
//!
//! Both have the label that is the UKey's name. A smart card that was filled by other means will do as well, if
//! its keys have one label and say what they may be used for; one key pair that does both is both.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Failure, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::{AuthPin, RawAuthPin};
use ukey::{Error, Holder, Public, Secret};

use super::uri::Uri;

/// The curve P-256 as `CKA_EC_PARAMS`: its object identifier in DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// Length in bytes of an uncompressed point of P-256.
const POINT: usize = 65;
/// Length in bytes of an ECDH shared secret on P-256.
const SHARED: u64 = 32;
/// Length in bytes of a key's `CKA_ID`.
const ID: u32 = 16;

/// A UKey on a token that its PIN has opened.
pub(crate) struct TokenKey {
    session: Session,
    public: Public,
    signing: ObjectHandle,
    sealing: ObjectHandle,
}

impl TokenKey {
    /// Logs in to the token, and finds the two keys.
    pub(crate) fn open(uri: &Uri, pin: &[u8]) -> Result<Self, Error> {
        let session = session(uri, false)?;
        log_in(&session, pin)?;
        let name = object(&session, uri)?;
        let find = |usage| only(&session, ObjectClass::PRIVATE_KEY, &name, usage);
        let (signing, sealing) = (find(Usage::Sign)?, find(Usage::Derive)?);
        let public = Public::p256(&name, &point(&session, signing)?, &point(&session, sealing)?)?;
        Ok(Self { session, public, signing, sealing })
    }

    /// Makes the two keys of a UKey on the token.
    pub(crate) fn create(uri: &Uri, name: &str, pin: &[u8]) -> Result<Public, Error> {
        let session = session(uri, true)?;
        log_in(&session, pin)?;
        let label = Attribute::Label(name.into());
        if !session.find_objects(&[label]).map_err(failed)?.is_empty() {
            return Err(Error::Holder(format!("the token has an object with the label {name:?} already")));
        }
        let signing = make(&session, name, Usage::Sign)?;
        let made = make(&session, name, Usage::Derive).and_then(|sealing| {
            let public =
                Public::p256(name, &value_point(&session, signing.0)?, &value_point(&session, sealing.0)?);
            public.inspect_err(|_| destroy(&session, sealing))
        });
        // Half a UKey is none.
        made.inspect_err(|_| destroy(&session, signing))
    }
}

/// The public half of a UKey on a token, without its PIN where the token shows it.
pub(crate) fn public(uri: &Uri) -> Result<Public, Error> {
    let session = session(uri, false)?;
    let name = object(&session, uri)?;
    let find = |usage| only(&session, ObjectClass::PUBLIC_KEY, &name, usage);
    let signing = find(Usage::Verify)?;
    // `CKA_DERIVE` says nothing on a public key. One key pair that does both has no other beside it.
    let sealing = find(Usage::NoVerify).unwrap_or(signing);
    Public::p256(&name, &value_point(&session, signing)?, &value_point(&session, sealing)?)
}

/// Changes the PIN of the whole token.
pub(crate) fn change_pin(uri: &Uri, old: &[u8], new: &[u8]) -> Result<(), Error> {
    let text = |pin: &[u8]| {
        let text =
            String::from_utf8(pin.to_vec()).map_err(|_| Error::Holder("a token's PIN is UTF-8".into()))?;
        Ok::<_, Error>(AuthPin::from(text))
    };
    let (session, old_text, new) = (session(uri, true)?, text(old)?, text(new)?);
    log_in(&session, old)?;
    session.set_pin(&old_text, &new).map_err(failed)
}

impl Holder for TokenKey {
    fn public(&self) -> &Public {
        &self.public
    }

    fn sign(&self, context: &str, message: &[u8]) -> Result<Vec<u8>, Error> {
        let digest = Public::digest(context, message)?;
        self.session.sign(&Mechanism::Ecdsa, self.signing, &digest).map_err(failed)
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Secret, Error> {
        self.public.open_with(context, sealed, |peer| {
            let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), peer));
            let template = [
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::GENERIC_SECRET),
                Attribute::ValueLen(SHARED.into()),
                Attribute::Token(false),
                Attribute::Sensitive(false),
                Attribute::Extractable(true),
            ];
            let derived = self.session.derive_key(&mechanism, self.sealing, &template).map_err(failed)?;
            let value = attribute(&self.session, derived, AttributeType::Value);
            self.session.destroy_object(derived).map_err(failed)?;
            value.map(Secret::new)
        })
    }
}

/// A session with the one token that the URI names.
fn session(uri: &Uri, write: bool) -> Result<Session, Error> {
    let module = Pkcs11::new(&uri.module).map_err(|error| match error {
        Failure::LibraryLoading(cause) => {
            Error::Holder(format!("cannot load the module {}: {cause}", uri.module.display()))
        }
        other => failed(other),
    })?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Another UKey behind the same module is open.
        Ok(()) | Err(Failure::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(failed(error)),
    }
    let slots = module.get_slots_with_token().map_err(failed)?;
    let mut named = slots.into_iter().filter(|slot| is_named(&module, *slot, uri));
    let slot = match (named.next(), named.next()) {
        (Some(slot), None) => slot,
        (None, _) => return Err(Error::Holder(format!("there is no token with {}", uri.token_words()))),
        _ => return Err(Error::Holder(format!("there are several tokens with {}", uri.token_words()))),
    };
    if write { module.open_rw_session(slot) } else { module.open_ro_session(slot) }.map_err(failed)
}

/// Whether the token in a slot is the one that the URI names. One that does not answer is not.
fn is_named(module: &Pkcs11, slot: Slot, uri: &Uri) -> bool {
    let Ok(token) = module.get_token_info(slot) else { return false };
    let is =
        |asked: &Option<String>, said: &str| asked.as_deref().is_none_or(|asked| asked == said.trim_end());
    token.token_initialized()
        && is(&uri.token, token.label())
        && is(&uri.serial, token.serial_number())
        && is(&uri.manufacturer, token.manufacturer_id())
        && is(&uri.model, token.model())
}

/// Has the token check the PIN, even where this program has logged in to it before. The holder that did so then
/// signs no more: a logout takes its handles of private keys.
fn log_in(session: &Session, pin: &[u8]) -> Result<(), Error> {
    let pin = RawAuthPin::new(Box::new(pin.to_vec()));
    let again = || session.login_with_raw(UserType::User, &pin);
    let done = match again() {
        Err(Failure::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => session.logout().and_then(|()| again()),
        other => other,
    };
    done.map_err(|error| match error {
        Failure::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _) => {
            Error::Holder("wrong PIN: the token counts it, and locks after too many".into())
        }
        Failure::Pkcs11(RvError::PinLocked, _) => {
            Error::Holder("the token has locked its PIN after too many wrong ones".into())
        }
        other => failed(other),
    })
}

/// The label of the UKey: what the URI says, or that of the token's one key that signs.
fn object(session: &Session, uri: &Uri) -> Result<String, Error> {
    if let Some(name) = &uri.object {
        return Ok(name.clone());
    }
    let template =
        [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(KeyType::EC), Attribute::Verify(true)];
    let found = session.find_objects(&template).map_err(failed)?;
    let [only] = found[..] else {
        let why = format!("the token has {} keys that could be a UKey: name one by object=", found.len());
        return Err(Error::Holder(why));
    };
    let label = attribute(session, only, AttributeType::Label)?;
    String::from_utf8(label).map_err(|_| Error::Holder("the key's label is not UTF-8".into()))
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usage {
    Sign,
    Derive,
    Verify,
    NoVerify,
}

impl Usage {
    const fn attribute(self) -> Attribute {
        match self {
            Self::Sign => Attribute::Sign(true),
            Self::Derive => Attribute::Derive(true),
            Self::Verify => Attribute::Verify(true),
            Self::NoVerify => Attribute::Verify(false),
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::Sign => "signs",
            Self::Derive => "derives",
            Self::Verify => "verifies",
            Self::NoVerify => "does not verify",
        }
    }
}

/// The one key of a label for a usage.
fn only(session: &Session, class: ObjectClass, label: &str, usage: Usage) -> Result<ObjectHandle, Error> {
    let template = [
        Attribute::Class(class),
        Attribute::KeyType(KeyType::EC),
        Attribute::Label(label.into()),
        usage.attribute(),
    ];
    match session.find_objects(&template).map_err(failed)?[..] {
        [key] => Ok(key),
        ref found => Err(Error::Holder(format!(
            "the token has {} EC keys with the label {label:?} of which each {}, and one is needed",
            found.len(),
            usage.verb()
        ))),
    }
}

/// The public point that belongs to a private key: that of the public key with its `CKA_ID`.
fn point(session: &Session, private: ObjectHandle) -> Result<Vec<u8>, Error> {
    let id = attribute(session, private, AttributeType::Id)?;
    let template =
        [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(KeyType::EC), Attribute::Id(id)];
    match session.find_objects(&template).map_err(failed)?[..] {
        [public] => value_point(session, public),
        _ => Err(Error::Holder("the token has not one public key for the private key, by its CKA_ID".into())),
    }
}

/// `CKA_EC_POINT` of a public key: an uncompressed point, which some tokens wrap in an OCTET STRING and some do not.
fn value_point(session: &Session, public: ObjectHandle) -> Result<Vec<u8>, Error> {
    let point = attribute(session, public, AttributeType::EcPoint)?;
    match point.strip_prefix(&[4, 65]) {
        Some(inner) if inner.len() == POINT => Ok(inner.to_vec()),
        _ => Ok(point),
    }
}

fn attribute(session: &Session, object: ObjectHandle, kind: AttributeType) -> Result<Vec<u8>, Error> {
    let found = session.get_attributes(object, &[kind]).map_err(failed)?;
    match found.into_iter().next() {
        Some(
            Attribute::Value(bytes)
            | Attribute::EcPoint(bytes)
            | Attribute::Id(bytes)
            | Attribute::Label(bytes),
        ) => Ok(bytes),
        _ => Err(Error::Holder(format!("the token does not tell {kind}"))),
    }
}

/// Makes a key pair for one usage: public key, private key.
fn make(session: &Session, name: &str, usage: Usage) -> Result<(ObjectHandle, ObjectHandle), Error> {
    let id = Attribute::Id(session.generate_random_vec(ID).map_err(failed)?);
    let label = Attribute::Label(name.into());
    let signs = usage == Usage::Sign;
    let public = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Verify(signs),
        Attribute::EcParams(P256.to_vec()),
        label.clone(),
        id.clone(),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(signs),
        Attribute::Derive(!signs),
        label,
        id,
    ];
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).map_err(failed)
}

/// Takes back what was made. There is nothing more to say where that fails too.
fn destroy(session: &Session, (public, private): (ObjectHandle, ObjectHandle)) {
    let _ = session.destroy_object(public);
    let _ = session.destroy_object(private);
}

fn failed(error: Failure) -> Error {
    Error::Holder(match error {
        Failure::Pkcs11(code, function) => format!("the token failed in {function}: {code}"),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
    const CONFIG: &str = "SOFTHSM2_CONF";

    /// A token's login counts for the whole program: another's PIN must not open what the first one did.
    #[test]
    fn a_second_holder_in_one_program_shows_its_pin_to_the_token_as_well() {
        if !Path::new(MODULE).exists() {
            println!("skipped: {MODULE} is not installed (scripts/install-clients does it)");
            return;
        }
        let inside =
            std::env::var_os(CONFIG).is_some_and(|config| config.to_string_lossy().contains("ukey-test"));
        if inside { two_holders() } else { again_with_a_token() }
    }

    fn two_holders() {
        let uri = Uri::parse(&format!("pkcs11:token=card;object=Ada?module-path={MODULE}")).unwrap();
        TokenKey::create(&uri, "Ada", b"123456").unwrap();
        let first = TokenKey::open(&uri, b"123456").unwrap();
        let refused = TokenKey::open(&uri, b"654321").err().map(|error| error.to_string());
        assert!(refused.is_some_and(|text| text.starts_with("wrong PIN")));
        assert!(first.sign("test", b"x").is_err(), "the wrong PIN ended the login");
        let second = TokenKey::open(&uri, b"123456").unwrap();
        second.public().verify("test", b"x", &second.sign("test", b"x").unwrap()).unwrap();
    }

    /// Runs the test in a process of its own, as the module reads its configuration from the environment.
    fn again_with_a_token() {
        let folder = tempfile::Builder::new().prefix("ukey-test-").tempdir().unwrap();
        let config = folder.path().join("softhsm2.conf");
        let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", folder.path().display());
        std::fs::write(&config, text).unwrap();
        let run = |program: &Path, words: &[&str]| {
            let output = Command::new(program).args(words).env(CONFIG, &config).output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        };
        let init = ["--init-token", "--free", "--label", "card", "--pin", "123456", "--so-pin", "87654321"];
        run(Path::new("softhsm2-util"), &init);
        let test = concat!(
            "ukey::token::tests::",
            "a_second_holder_in_one_program_shows_its_pin_to_the_token_as_well"
        );
        run(&std::env::current_exe().unwrap(), &["--exact", test, "--nocapture"]);
    }
}
