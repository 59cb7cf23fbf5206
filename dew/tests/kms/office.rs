//! One account and its project, for the tests that need no more.

use std::ops::Deref;

use dew::caller::Caller;
use dew::iam::{AccountId, Level, NewUser, ProjectId, Scope, Subject};
use dew::kms::spec::Spec;
use dew::kms::{KeyId, KmsError, NewKey, Origin};
use hsm::event::Actor;

use super::support::{World, as_caller, new};

/// A world with an account.
pub(crate) struct Office {
    world: World,
    pub(crate) account: AccountId,
    pub(crate) project: ProjectId,
    /// The root user of the account, in its project.
    pub(crate) root: Caller,
}

impl Deref for Office {
    type Target = World;
    fn deref(&self) -> &World {
        &self.world
    }
}

impl Office {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let acme = world.account("acme");
        let (account, project) = (acme.made.account.id, acme.made.project);
        Self { root: world.root(&acme), world, account, project }
    }

    /// The same after a restart, with what was durable.
    pub(crate) fn again(self) -> Self {
        Self { world: self.world.again(), ..self }
    }

    /// Another account's root user, in its own project.
    pub(crate) fn stranger(&self, name: &str) -> Caller {
        self.world.root(&self.world.account(name))
    }

    /// The root user in another project of its account.
    pub(crate) fn root_in(&self, project: ProjectId) -> Caller {
        Caller { project: Some(project), ..self.root.clone() }
    }

    /// A new project of the account, in the region of the first one.
    pub(crate) fn sibling(&self, name: &str) -> ProjectId {
        let acting = self.kms.iam().by(Actor::DAEMON);
        acting.create_project(self.account, self.project, name, "").unwrap().id
    }

    /// A user of the account with a policy of its own, in the account's project.
    pub(crate) fn user(&self, name: &str, policy: &str) -> Caller {
        let acting = || self.kms.iam().by(Actor::DAEMON);
        let user = acting().create_user(self.account, &NewUser { name, ..NewUser::default() }).unwrap();
        let group = acting().create_group(self.account, name, "").unwrap();
        acting().add_to_group(self.account, group.id, user.id).unwrap();
        let role = acting().create_role(self.account, name, ("", ""), Level::Project, policy).unwrap();
        acting().give(self.account, Subject::Group(group.id), role.id, Scope::AllProjects).unwrap();
        let key = acting().create_access_key(self.account, user.id, "").unwrap();
        let identity = self.kms.iam().access_key(key.id.as_str(), None).unwrap().identity;
        as_caller(identity, self.project)
    }

    /// A key of a type, for what is usual.
    pub(crate) fn key(&self, name: &str, spec: Spec) -> String {
        self.world.key(&self.root, new(name, spec))
    }

    pub(crate) fn aes(&self, name: &str) -> String {
        self.key(name, Spec::Aes256)
    }

    /// A key that waits for its material.
    pub(crate) fn empty_key(&self, name: &str) -> String {
        self.world.key(&self.root, NewKey { origin: Origin::External, ..new(name, Spec::Aes256) })
    }

    pub(crate) fn encrypt(&self, key: &str) -> Result<Vec<u8>, KmsError> {
        self.world.encrypt(&self.root, key, "plain")
    }

    pub(crate) fn decrypt(&self, cipher: &[u8]) -> Result<String, KmsError> {
        self.world.decrypt(&self.root, cipher)
    }
}

/// The id of a key.
pub(crate) fn id(key: &str) -> KeyId {
    key.parse().unwrap()
}
