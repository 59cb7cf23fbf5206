//! A world with CSMS in it, and what the tests ask of it.

use std::sync::Arc;

use crypto::Secret as Bytes;
use dew::caller::Caller;
use dew::csms::{CURRENT, Csms, CsmsError, NewSecret, NewVersion, Quotas, Result, Secret, SecretKind, Value};
use dew::iam::EnterpriseProjectId;
use dew::kms::{DAY, Kept};
use dew::message::{Limits, Messages};
use dew::tag::Tags;

use crate::servers::FakeServers;
use crate::support::World;

/// CSMS over the KMS of a world, and somebody who may do all in it.
pub(crate) struct Secrets {
    pub(crate) world: World,
    pub(crate) csms: Arc<Csms>,
    pub(crate) messages: Arc<Messages>,
    pub(crate) root: Caller,
    pub(crate) servers: Arc<FakeServers>,
    quotas: Quotas,
}

impl Secrets {
    pub(crate) fn new() -> Self {
        Self::with(Quotas::default())
    }

    pub(crate) fn with(quotas: Quotas) -> Self {
        let world = World::new();
        let root = world.root(&world.account("acme"));
        Self::of(world, root, Arc::default(), quotas)
    }

    fn of(world: World, root: Caller, servers: Arc<FakeServers>, quotas: Quotas) -> Self {
        let limits = Limits { keep: 1000, keep_for: 30 * DAY, try_for: DAY };
        let (hsm, iam) = (Arc::clone(&world.hsm), Arc::clone(world.kms.iam()));
        let messages = Arc::new(Messages::open(hsm, iam, limits, Box::new(|| {})).unwrap());
        let (hsm, kms) = (Arc::clone(&world.hsm), Arc::clone(&world.kms));
        let csms = Csms::new(hsm, kms, Arc::clone(&messages), Arc::clone(&servers) as Arc<_>, quotas);
        Self { world, csms: Arc::new(csms), messages, root, servers, quotas }
    }

    /// The same after a restart.
    pub(crate) fn again(self) -> Self {
        let Self { world, csms, messages, root, servers, quotas } = self;
        drop((csms, messages));
        Self::of(world.again(), root, servers, quotas)
    }

    /// Makes all happen that is due.
    pub(crate) fn run_due(&self) -> usize {
        let run = self.csms.run_due();
        assert!(run.failed.is_empty(), "{:?}", run.failed);
        run.done
    }

    pub(crate) fn make(&self, name: &str, text: &str) -> Result<Kept<Secret>> {
        self.csms.create_secret(&self.root, new(name, &value(text)))
    }

    pub(crate) fn put(&self, name: &str, text: &str) -> Result<String> {
        let new = NewVersion { value: &value(text), stages: None, expires: None };
        Ok(self.csms.create_version(&self.root, name, &new)?.1.id.to_string())
    }

    pub(crate) fn put_at(&self, name: &str, text: &str, stages: &[&str]) -> Result<String> {
        let stages: Vec<_> = stages.iter().map(ToString::to_string).collect();
        let new = NewVersion { value: &value(text), stages: Some(&stages), expires: None };
        Ok(self.csms.create_version(&self.root, name, &new)?.1.id.to_string())
    }

    /// The text of a version or a stage.
    pub(crate) fn get(&self, name: &str, version: &str) -> Result<String> {
        self.get_by(&self.root, name, version)
    }

    pub(crate) fn get_by(&self, caller: &Caller, name: &str, version: &str) -> Result<String> {
        match self.csms.show_version(caller, name, version)?.2 {
            Value::Text(text) => Ok(String::from_utf8(text.as_bytes().to_vec()).unwrap()),
            Value::Binary(_) => panic!("bytes"),
        }
    }

    pub(crate) fn current(&self, name: &str) -> Result<String> {
        self.get(name, CURRENT)
    }
}

pub(crate) fn value(text: &str) -> Value {
    Value::Text(Bytes::new(text.as_bytes().to_vec()))
}

pub(crate) fn new<'a>(name: &'a str, value: &'a Value) -> NewSecret<'a> {
    NewSecret {
        name,
        description: "",
        kind: SecretKind::Common,
        key: None,
        value,
        event: None,
        enterprise_project: EnterpriseProjectId::DEFAULT,
        tags: Tags::default(),
        rotation: None,
    }
}

/// The code that a refusal has.
#[track_caller]
pub(crate) fn code<T>(result: Result<T, CsmsError>) -> &'static str {
    match result {
        Ok(_) => panic!("it was done"),
        Err(error) => error.code().1,
    }
}
