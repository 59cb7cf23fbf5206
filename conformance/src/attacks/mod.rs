//! Attacks on the keys of a token: each really tries to obtain a key, and says whether it did.
//!
//! The attacker is an application with the user's PIN (and no more, unless an attack says so) that calls the
//! module in any order with any arguments. Tookan (Bortolozzo et al., 2010) and Clulow (2003) describe most of
//! the classes. The victim is made by the token as its class demands, and what is recovered is proved with an
//! AES of our own, so that an attack cannot believe in its success by mistake.

mod allowed;
pub(crate) mod bad_keys;
mod cbc_oracle;
mod derive;
mod forge_trust;
mod inject;
mod mangle;
mod pin;
mod readable;
mod reauth;
mod reimport;
mod reveal;
mod rsa_oracle;
mod search;
mod stale;
mod toggle;
mod tools;
mod tries;
mod trojan;
mod unverified;
mod unwrap_encrypt;
mod victim;
mod weak;
mod wrap_decrypt;

use cryptoki_sys as ck;
use serde::{Deserialize, Serialize};

use crate::child;
use crate::module::Module;
use crate::names::Rv;
use crate::options::Target;
use crate::session::Session;

/// What an attack came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// The attacker has what he must not have.
    Obtained {
        /// What he has.
        what: String,
        /// By which variant.
        how: String,
        /// The other variants that succeed, if all were run.
        others: Vec<String>,
        /// How many were run.
        tried: usize,
    },
    /// Every variant was tried and failed.
    Withstood {
        /// The answers he got.
        why: String,
        /// How many variants that were.
        tried: usize,
    },
    /// Nothing could be tried, or the token has none of the mechanisms and functions that it takes.
    Unsupported {
        /// What is missing.
        why: String,
    },
    /// The module crashed, hung, or refused what the attack needs to begin.
    Broken {
        /// What happened.
        why: String,
    },
}

impl Verdict {
    /// Whether the attack ran, or had nothing to run with, and the attacker has nothing of it.
    #[must_use]
    pub const fn is_safe(&self) -> bool {
        matches!(self, Self::Withstood { .. } | Self::Unsupported { .. })
    }
}

/// What an attack works with: one session, read-write, logged in as the user.
pub struct Context {
    /// The module under attack.
    pub module: &'static Module,
    /// The token's slot.
    pub slot: ck::CK_SLOT_ID,
    /// The attacker's session.
    pub session: Session,
    /// How the module was named, and the PINs.
    pub target: Target,
    /// Whether to run every variant, even after one has succeeded.
    pub thorough: bool,
}

/// An attack.
pub struct Attack {
    /// Its id in the list of attacks.
    pub id: &'static str,
    /// What it tries.
    pub about: &'static str,
    /// How long it may take, in seconds.
    pub limit: u32,
    run: fn(&Context) -> Result<Verdict, Rv>,
}

const fn attack(id: &'static str, about: &'static str, run: fn(&Context) -> Result<Verdict, Rv>) -> Attack {
    Attack { id, about, limit: 120, run }
}

/// Every attack, in the order it runs: the one that may lock a PIN comes last.
#[rustfmt::skip]
pub static ATTACKS: &[Attack] = &[
    attack("T0", "make a readable or extractable wrapping key, wrap the victim, read the wrapping key", readable::run),
    attack("T1", "wrap a key and decrypt the blob with the same key or pair", wrap_decrypt::run),
    attack("T2", "encrypt a known key, unwrap it into a wrapping key, wrap the victim under it", unwrap_encrypt::run),
    attack("T3", "give a key one role after the other with C_SetAttributeValue", toggle::by_setting),
    attack("T3b", "give copies of a key different roles, in other sessions and after a new login", toggle::by_copying),
    attack("T4", "create a known key that wraps", inject::by_creating),
    attack("T5", "unwrap or derive a known key that wraps", inject::by_unwrapping_and_deriving),
    attack("T6", "import a public key whose private half is the attacker's, and wrap under it", trojan::run),
    attack("T7", "make a sensitive key readable, or read it as it is", reveal::sensitive),
    attack("T8", "make a key extractable that never was", reveal::extractable),
    attack("T9", "unwrap the victim's own blob with weaker attributes", reimport::run),
    attack("T10", "truncate, swap or retype a wrapped key", mangle::alter),
    attack("T11a", "XOR known data into a sensitive key and read the result", derive::by_xor),
    attack("T11b", "append to or prefix a sensitive key and read the result", derive::by_concatenation),
    attack("T11c", "extract short keys from a sensitive key and search them", derive::by_extraction),
    attack("T11d", "use C_DeriveKey as an encryption oracle for an unwrapping key", derive::as_oracle),
    attack("T12", "wrap a key under a weaker one", weak::run),
    attack("T13", "forge CKA_TRUSTED, or clear CKA_WRAP_WITH_TRUSTED", forge_trust::run),
    Attack { limit: 300, ..attack("T14", "tell RSA paddings apart by the answers of unwrap and decrypt", rsa_oracle::run) },
    Attack { limit: 300, ..attack("T15", "recover a wrapped key through a CBC padding oracle", cbc_oracle::run) },
    attack("T16", "get GCM plaintext before its tag is checked", unverified::run),
    attack("T18", "use a key that always asks for the PIN without giving it each time", reauth::run),
    attack("T19", "use handles after logout, after close, and after their object is gone", stale::run),
    attack("T20", "make the token compute with invalid points and degenerate keys", bad_keys::run),
    attack("T21", "find secret values and private objects by searching; check values of short keys", search::run),
    attack("T23", "conjure keys out of random blobs", mangle::conjure),
    attack("T25", "use a key with a mechanism that it does not allow", allowed::run),
    attack("T26", "reach the objects of another token", stale::across_tokens),
    Attack { limit: 300, ..attack("T22", "guess the PIN, in one session and in many at once", pin::run) },
];

/// Runs one attack in a process of its own, which alone has the token's module and environment.
pub fn run(attack: &Attack, target: &Target, thorough: bool) -> Verdict {
    let answer = child::run(attack.limit, || match prepare(target, thorough) {
        Ok(context) => (attack.run)(&context)
            .unwrap_or_else(|rv| Verdict::Broken { why: format!("could not begin: {rv}") }),
        Err(why) => Verdict::Broken { why },
    });
    answer.unwrap_or_else(|lost| Verdict::Broken { why: lost.to_string() })
}

fn prepare(target: &Target, thorough: bool) -> Result<Context, String> {
    child::take_environment(&target.env);
    let module = Module::load(&target.module)?;
    module.initialize().ok().map_err(|rv| format!("C_Initialize: {rv}"))?;
    let slot = module.slot_of(&target.label).map_err(|rv| format!("token {}: {rv}", target.label))?;
    let session = Session::open(module, slot).map_err(|rv| format!("C_OpenSession: {rv}"))?;
    session.login(ck::CKU_USER, &target.pin).ok().map_err(|rv| format!("C_Login: {rv}"))?;
    Ok(Context { module, slot, session, target: target.clone(), thorough })
}
