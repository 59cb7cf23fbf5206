//! Who gives commands: a UKey that is opened once and logs in on each connection, and the approvals of others.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;

use ::ukey::Holder;
use clap::Args;
use wire::Bytes;
use wire::admin::approval::Approval;
use wire::admin::people::{LOGIN, Statement};

use crate::approval_file;
use crate::error::Error;
use crate::secret::{self, Prompt, Source};
use crate::ukey::{self, Spec};

/// How one logs in.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LoginArgs {
    /// Log in with this UKey: a file, or a PKCS#11 URI
    #[arg(
        long = "ukey",
        id = "caller-ukey",
        global = true,
        help_heading = "Common options",
        value_name = "FILE|URI",
        env = "CLAVIGER_UKEY",
        hide_env = true
    )]
    ukey: Option<Spec>,

    /// Read the UKey's PIN from this file (its first line)
    #[arg(long, global = true, help_heading = "Common options", value_name = "FILE")]
    ukey_pin_file: Option<PathBuf>,

    /// Read the UKey's PIN from this file descriptor (its first line)
    #[arg(
        long,
        global = true,
        help_heading = "Common options",
        value_name = "N",
        conflicts_with = "ukey_pin_file"
    )]
    ukey_pin_fd: Option<u32>,
}

/// What others approved.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ApprovalArgs {
    /// Present this approval of the command by another person (repeatable)
    #[arg(long = "approval", global = true, help_heading = "Common options", value_name = "FILE")]
    approvals: Vec<PathBuf>,
}

/// Who gives commands.
#[derive(Default)]
pub(crate) struct Caller(RefCell<State>);

#[derive(Default)]
struct State {
    spec: Option<Spec>,
    pin: Option<Source>,
    key: Option<Rc<dyn Holder>>,
    approvals: Vec<Approval>,
    requests_for: Option<u64>,
}

/// What the daemon told of itself and the connection, to be signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Challenge {
    pub(crate) hsm: [u8; 32],
    pub(crate) challenge: [u8; 32],
    pub(crate) pid: u32,
    pub(crate) owned: bool,
}

impl Challenge {
    /// What a UKey signs that states this.
    pub(crate) fn message(&self, parts: &[&[u8]]) -> Vec<u8> {
        Statement { hsm: &self.hsm, challenge: &self.challenge, pid: self.pid, parts }.message()
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("ukey", &self.0.borrow().spec).finish_non_exhaustive()
    }
}

impl Caller {
    /// Who the options say, with the approvals that they name.
    pub(crate) fn new(login: &LoginArgs, approvals: &ApprovalArgs) -> Result<Self, Error> {
        let pin = Source::of(login.ukey_pin_file.as_deref(), login.ukey_pin_fd);
        let caller = Self(RefCell::new(State { spec: login.ukey.clone(), pin, ..State::default() }));
        caller.present(approvals)?;
        Ok(caller)
    }

    /// From now on the holder of this UKey, whose PIN is not known yet.
    pub(crate) fn becomes(&self, spec: Option<Spec>) {
        let mut state = self.0.borrow_mut();
        (state.spec, state.pin, state.key) = (spec, None, None);
    }

    /// From now on the holder of a UKey that is open already.
    pub(crate) fn becomes_holder(&self, spec: Spec, key: Rc<dyn Holder>) {
        let mut state = self.0.borrow_mut();
        (state.spec, state.pin, state.key) = (Some(spec), None, Some(key));
    }

    /// Presents these approvals, and no longer those before.
    pub(crate) fn present(&self, approvals: &ApprovalArgs) -> Result<(), Error> {
        let read = approvals.approvals.iter().map(|path| approval_file::read_approval(path));
        let read = read.collect::<Result<_, _>>()?;
        self.present_these(read);
        Ok(())
    }

    /// As [`Self::present`], of approvals that are at hand.
    pub(crate) fn present_these(&self, approvals: Vec<Approval>) {
        self.0.borrow_mut().approvals = approvals;
    }

    /// The approvals to present.
    pub(crate) fn approvals(&self) -> Vec<Approval> {
        self.0.borrow().approvals.clone()
    }

    /// From now on a command that may need approvals is not given, but a request for them made, which is good for so
    /// many seconds; none gives commands again.
    pub(crate) fn makes_requests(&self, valid: Option<u64>) {
        self.0.borrow_mut().requests_for = valid;
    }

    /// See [`Self::makes_requests`].
    pub(crate) fn requests_for(&self) -> Option<u64> {
        self.0.borrow().requests_for
    }

    /// The UKey's place, if there is one to log in with.
    pub(crate) fn spec(&self) -> Option<Spec> {
        self.0.borrow().spec.clone()
    }

    /// Does something with the UKey, which asks for its PIN the first time; none if there is no UKey.
    pub(crate) fn with_key<T>(
        &self,
        act: impl FnOnce(&dyn Holder) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut state = self.0.borrow_mut();
        let Some(spec) = state.spec.clone() else { return Ok(None) };
        let key = match state.key.take() {
            Some(key) => key,
            None => open(&spec, state.pin.clone())?.into(),
        };
        let result = act(&*key);
        state.key = Some(key);
        result.map(Some)
    }

    /// The answer to a challenge: the UKey's id, and its signature.
    pub(crate) fn answer(&self, challenge: &Challenge) -> Result<Option<([u8; 32], Bytes)>, Error> {
        self.with_key(|key| {
            let signature = sign(key, LOGIN, &challenge.message(&[]))?;
            Ok((*key.public().id().as_bytes(), signature))
        })
    }
}

/// A UKey's signature.
pub(crate) fn sign(key: &dyn Holder, context: &str, message: &[u8]) -> Result<Bytes, Error> {
    let why = |error: ::ukey::Error| Error::UKey {
        place: format!("UKey {}", key.public().id()),
        why: error.to_string(),
    };
    key.sign(context, message).map(Bytes::from).map_err(why)
}

/// Opens a UKey with the PIN from there, or as it is typed.
pub(crate) fn open(spec: &Spec, pin: Option<Source>) -> Result<Box<dyn Holder>, Error> {
    let what = format!("the PIN of UKey {spec}");
    let pin = secret::obtain(pin, &what, Prompt::Once, "give --ukey-pin-file or --ukey-pin-fd")?;
    ukey::open(spec, &pin)
}
