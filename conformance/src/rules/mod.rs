//! The standard's rules, as checks that run on any module.
//!
//! Each check runs in a process of its own, from a state it names, and compares return codes with those of
//! PKCS#11 3.2 (2.40 where they do not differ). Where the standard leaves a choice, every choice passes.

mod arguments;
mod attributes;
mod buffers;
mod fork;
mod general;
mod interfaces;
mod keys;
mod login;
mod matrix;
mod objects;
mod order;
mod parameters;
mod points;
mod sessions;
mod templates;

use cryptoki_sys as ck;
use serde::{Deserialize, Serialize};

use crate::child;
use crate::mechanism::Mechanism;
use crate::module::{Module, ObjectHandle};
use crate::names::Rv;
use crate::options::Target;
use crate::session::Session;
use crate::template::Template;

/// What a check starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The module is loaded.
    Loaded,
    /// `C_Initialize` was called.
    Initialized,
    /// A read-write session is open, nobody is logged in.
    Public,
    /// A read-write session is open, the user is logged in.
    User,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub enum Outcome {
    /// The module did as the standard says.
    Pass,
    /// It did not.
    Fail {
        /// What the standard says.
        expected: String,
        /// What the module did.
        got: String,
    },
    /// It has no such function or mechanism.
    Skip {
        /// What is missing.
        why: String,
    },
    /// It crashed or hung.
    Crashed {
        /// How.
        how: String,
    },
}

type Checked = Result<(), Outcome>;

/// A check with a name.
pub struct Check {
    /// The rule in a few words, after the name of its group.
    pub name: String,
    state: State,
    run: Box<dyn Fn(&Bench) -> Checked>,
}

/// What a check works with.
struct Bench {
    module: &'static Module,
    slot: ck::CK_SLOT_ID,
    session: Session,
    target: Target,
}

impl From<Rv> for Outcome {
    /// What it means that a step failed which only prepares a check.
    fn from(rv: Rv) -> Self {
        if rv.is_unsupported() {
            return Self::Skip { why: rv.to_string() };
        }
        Self::Fail { expected: "CKR_OK while preparing".into(), got: rv.to_string() }
    }
}

/// Compares a return code with those the standard allows.
fn want(rv: Rv, allowed: &[ck::CK_RV]) -> Checked {
    if allowed.contains(&rv.0) {
        return Ok(());
    }
    let expected: Vec<_> = allowed.iter().map(|code| Rv(*code).to_string()).collect();
    Err(Outcome::Fail { expected: expected.join(" or "), got: rv.to_string() })
}

/// As [`want`], for calls that give something.
fn want_error<T>(answer: Result<T, Rv>, allowed: &[ck::CK_RV]) -> Checked {
    want(answer.err().unwrap_or(Rv::OK), allowed)
}

/// As [`want_error`], where the module may also not have the mechanism at all.
fn want_refusal<T>(answer: Result<T, Rv>, allowed: &[ck::CK_RV]) -> Checked {
    let rv = answer.err().unwrap_or(Rv::OK);
    if rv.is_unsupported() && !allowed.contains(&rv.0) {
        return Err(Outcome::Skip { why: rv.to_string() });
    }
    want(rv, allowed)
}

/// Compares a fact with what the standard says.
fn hold(fact: bool, expected: &str, got: impl std::fmt::Display) -> Checked {
    if fact {
        return Ok(());
    }
    Err(Outcome::Fail { expected: expected.to_owned(), got: got.to_string() })
}

/// The checks of one group.
struct Group<'a> {
    name: &'static str,
    list: &'a mut Vec<Check>,
}

impl Group<'_> {
    fn add(&mut self, state: State, name: impl AsRef<str>, run: impl Fn(&Bench) -> Checked + 'static) {
        let name = format!("{}: {}", self.name, name.as_ref());
        self.list.push(Check { name, state, run: Box::new(run) });
    }
}

/// Adds a group's checks.
type Add = fn(&mut Group<'_>);

/// Every check.
pub fn checks() -> Vec<Check> {
    let mut list = Vec::new();
    let groups: [(&str, Add); 14] = [
        ("general", general::checks),
        ("interface", interfaces::checks),
        ("session", sessions::checks),
        ("login", login::checks),
        ("object", objects::checks),
        ("attribute", attributes::checks),
        ("template", templates::checks),
        ("buffer", buffers::checks),
        ("order", order::checks),
        ("key", keys::checks),
        ("parameter", parameters::checks),
        ("point", points::checks),
        ("fork", fork::checks),
        ("argument", matrix::checks),
    ];
    for (name, add) in groups {
        add(&mut Group { name, list: &mut list });
    }
    list
}

/// Runs one check in a process of its own.
pub fn run(check: &Check, target: &Target) -> Outcome {
    let answer = child::run(20, || match prepare(check.state, target) {
        Ok(bench) => (check.run)(&bench).err().unwrap_or(Outcome::Pass),
        Err(why) => Outcome::Fail { expected: "a module ready for use".into(), got: why },
    });
    answer.unwrap_or_else(|lost| Outcome::Crashed { how: lost.to_string() })
}

fn prepare(state: State, target: &Target) -> Result<Bench, String> {
    child::take_environment(&target.env);
    let module = Module::load(&target.module)?;
    let mut bench = Bench { module, slot: 0, session: Session { module, handle: 0 }, target: target.clone() };
    if state == State::Loaded {
        return Ok(bench);
    }
    module.initialize().ok().map_err(|rv| format!("C_Initialize: {rv}"))?;
    bench.slot = module.slot_of(&target.label).map_err(|rv| format!("token {}: {rv}", target.label))?;
    if state == State::Initialized {
        return Ok(bench);
    }
    bench.session = Session::open(module, bench.slot).map_err(|rv| format!("C_OpenSession: {rv}"))?;
    if state == State::User {
        bench.session.login(ck::CKU_USER, &target.pin).ok().map_err(|rv| format!("C_Login: {rv}"))?;
    }
    Ok(bench)
}

impl Bench {
    /// Skips the check unless the token lists the mechanism.
    fn has(&self, id: ck::CK_MECHANISM_TYPE) -> Checked {
        if self.module.mechanisms(self.slot)?.contains(&id) {
            return Ok(());
        }
        Err(Outcome::Skip { why: format!("no mechanism {id:#x}") })
    }

    /// A session AES-256 key that does everything an AES key can, and may be read.
    fn aes(&self) -> Result<ObjectHandle, Rv> {
        let uses = [ck::CKA_ENCRYPT, ck::CKA_DECRYPT, ck::CKA_WRAP, ck::CKA_UNWRAP, ck::CKA_EXTRACTABLE];
        self.aes_with(&Template::new().bool(ck::CKA_SENSITIVE, false).yes(&uses))
    }

    /// A session AES-256 key with more attributes.
    fn aes_with(&self, more: &Template) -> Result<ObjectHandle, Rv> {
        let template = Template::new().bool(ck::CKA_TOKEN, false).ulong(ck::CKA_VALUE_LEN, 32).with(more);
        self.session.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template)
    }

    /// A session key of 32 known bytes for HMAC.
    fn hmac(&self) -> Result<ObjectHandle, Rv> {
        let template = Template::secret(ck::CKK_GENERIC_SECRET)
            .bool(ck::CKA_TOKEN, false)
            .yes(&[ck::CKA_SIGN, ck::CKA_VERIFY])
            .bytes(ck::CKA_VALUE, &[0x0b; 32]);
        self.session.create(&template)
    }

    /// A session RSA-2048 pair: public, private.
    fn rsa(&self) -> Result<(ObjectHandle, ObjectHandle), Rv> {
        let public = Template::new()
            .bool(ck::CKA_TOKEN, false)
            .ulong(ck::CKA_MODULUS_BITS, 2048)
            .bytes(ck::CKA_PUBLIC_EXPONENT, &[1, 0, 1])
            .yes(&[ck::CKA_VERIFY, ck::CKA_ENCRYPT]);
        let private = Template::new().bool(ck::CKA_TOKEN, false).yes(&[
            ck::CKA_PRIVATE,
            ck::CKA_SENSITIVE,
            ck::CKA_SIGN,
            ck::CKA_DECRYPT,
        ]);
        let how = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        self.session.generate_pair(&how, &public, &private)
    }

    /// A session P-256 pair: public, private.
    fn ec(&self) -> Result<(ObjectHandle, ObjectHandle), Rv> {
        let public = Template::new()
            .bool(ck::CKA_TOKEN, false)
            .bytes(ck::CKA_EC_PARAMS, P256)
            .bool(ck::CKA_VERIFY, true);
        let private = Template::new().bool(ck::CKA_TOKEN, false).yes(&[
            ck::CKA_PRIVATE,
            ck::CKA_SENSITIVE,
            ck::CKA_SIGN,
            ck::CKA_DERIVE,
        ]);
        self.session.generate_pair(&Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN), &public, &private)
    }

    /// A session data object.
    fn data(&self) -> Result<ObjectHandle, Rv> {
        self.session.create(&Template::data("a data object", b"its value"))
    }
}

/// The OID of P-256 in DER.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
