//! Access points: by which an application shows, whoever's access key it uses, that it is the one that may open data
//! key capsules.
//!
//! | type | what it shows | what that is checked with |
//! |---|---|---|
//! | 1, ECS | – | there are no servers of a cloud here: refused |
//! | 2, CCE | a token of a service account of a Kubernetes cluster | the cluster's public key, given when the point is made |
//! | 3, custom | a signature | the public half of a pair that the HSM makes |
//!
//! The pair of a custom access point is made when its private half is asked for, and that is given out once: the HSM
//! keeps the public half alone. Who loses the private one makes another access point.

use std::sync::Arc;

use hsm::Work;
use hsm::object::Attr;
use hsm::service::Kind;
use serde::{Deserialize, Serialize};
use wire::{Mechanism, MechanismId, Params};

use super::allow::About;
use super::error::{KmsError, Result};
use super::name::{check_description, check_name};
use super::project::Project;
use super::record::{Kept, creation};
use super::rsa::rsa_key;
use super::spec::Attributes;
use super::store::Uuid;
use super::{Kms, Millis};
use crate::caller::Caller;
use crate::iam::{AccountId, ProjectId};
use crypto::Secret;

/// What it is called where there is none.
const POINT: &str = "access point";
/// The most access points of a project.
const MAX: usize = 1000;
/// The most bytes of an identity and of a cluster's id.
const MAX_IDENTITY: usize = 4096;
/// Bits of the modulus of a custom access point's pair.
const BITS: u64 = 3072;

/// What an application shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PointKind {
    /// A token of a Kubernetes cluster.
    Cce,
    /// A signature by a key of its own.
    Custom,
}

impl PointKind {
    /// As the interface writes it.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Cce => 2,
            Self::Custom => 3,
        }
    }

    /// The kind of this number.
    ///
    /// # Errors
    /// `Field`
    pub fn numbered(number: u64) -> Result<Self> {
        match number {
            2 => Ok(Self::Cce),
            3 => Ok(Self::Custom),
            1 => Err(KmsError::Field(
                "type 1 is for servers of a cloud, of which there are none here".to_owned(),
            )),
            _ => Err(KmsError::Field(format!("type {number} is unknown: expected 2 or 3"))),
        }
    }
}

/// An access point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPoint {
    /// Its id.
    pub id: Uuid,
    /// The keyspace whose capsules it opens.
    pub keyspace: Uuid,
    /// Its name.
    pub name: String,
    /// What it shows.
    pub kind: PointKind,
    /// The public key that what it shows is checked with: SubjectPublicKeyInfo, DER. None of a custom one before its
    /// private key was given out.
    pub public: Option<Vec<u8>>,
    /// The cluster, of one of a cluster.
    pub cluster: String,
    /// What it is for, in words.
    pub description: String,
    /// Whether it opens anything.
    pub enabled: bool,
    /// Who made it.
    pub creator: String,
    /// When it was made.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
}

/// An access point that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct NewAccessPoint<'a> {
    /// The keyspace.
    pub keyspace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it shows.
    pub kind: PointKind,
    /// The public key of a cluster: PEM, or DER in base64.
    pub identity: Option<&'a str>,
    /// The id of a cluster.
    pub cluster: Option<&'a str>,
    /// What it is for, in words.
    pub description: &'a str,
}

impl Kms {
    /// Makes an access point of a keyspace.
    ///
    /// # Errors
    /// `BadName`, `BadDescription`, `Field`, `Missing`, `NoKeyStore`, `NameTaken`, `Quota`; `Forbidden`; what the HSM says.
    pub fn create_access_point(&self, caller: &Caller, new: NewAccessPoint<'_>) -> Result<Kept<AccessPoint>> {
        check_name("access_point_name", new.name)?;
        check_description(new.description)?;
        let (public, cluster) = match new.kind {
            PointKind::Custom => (None, ""),
            PointKind::Cce => {
                let identity = new.identity.ok_or(KmsError::Missing("identity"))?;
                let cluster = new.cluster.ok_or(KmsError::Missing("cluster_id"))?;
                if identity.len() > MAX_IDENTITY || cluster.is_empty() || cluster.len() > MAX_IDENTITY {
                    return Err(KmsError::Field(format!(
                        "identity and cluster_id have at most {MAX_IDENTITY} characters"
                    )));
                }
                (Some(rsa_key("identity", identity)?.0), cluster)
            }
        };
        let (keyspace, project, account) = self.keyspace_of(caller, "CreateAccessPoint", new.keyspace)?;
        let project = self.project_or_new(project, account)?;
        let _turn = project.turn.lock();
        self.keyspace(project.id, keyspace)?;
        let number = {
            let shelf = project.shelf.read();
            let mut there = shelf.points.values();
            if there.any(|point| point.keyspace == keyspace && point.name == new.name) {
                return Err(KmsError::NameTaken);
            }
            if shelf.points.len() >= MAX {
                return Err(KmsError::Quota(format!("the project has {MAX} access points")));
            }
            shelf.points.last_key_value().map_or(1, |(number, _)| number + 1)
        };
        let now = self.now();
        let point = AccessPoint {
            id: Uuid::from_random(self.hsm.random()?),
            keyspace,
            name: new.name.to_owned(),
            kind: new.kind,
            public,
            cluster: cluster.to_owned(),
            description: new.description.to_owned(),
            enabled: true,
            creator: caller.identity.id(),
            created: now,
            modified: now,
        };
        let slot = project.partition.slot().0;
        let details = about(&point, caller);
        let mut work = Work { action: "create an access point", details: &details, ..Work::default() };
        work.writes.push((slot, creation(Kind::KmsAccessPoint, number, &point)?));
        let version = self.desk(slot, caller)?.commit(work)?;
        let point = Kept { number, version, value: Arc::new(point) };
        project.shelf.write().points.insert(number, point.clone());
        Ok(point)
    }

    /// The access points of a keyspace, in the order in which they were made.
    ///
    /// # Errors
    /// `Field`, `NoKeyStore`; `Forbidden`.
    pub fn list_access_points(&self, caller: &Caller, keyspace: &str) -> Result<Vec<Kept<AccessPoint>>> {
        let (keyspace, project, _) = self.keyspace_of(caller, "ListAccessPoint", keyspace)?;
        let Some(project) = self.project(project)? else { return Ok(Vec::new()) };
        let shelf = project.shelf.read();
        Ok(shelf.points.values().filter(|point| point.keyspace == keyspace).cloned().collect())
    }

    /// Lets an access point open capsules, or not.
    ///
    /// # Errors
    /// `Field`, `NoSuch`; `Forbidden`; what the HSM says.
    pub fn enable_access_point(&self, caller: &Caller, id: &str, enabled: bool) -> Result<Kept<AccessPoint>> {
        let operation = if enabled { "EnableAccessPoint" } else { "DisableAccessPoint" };
        let action = if enabled { "enable an access point" } else { "disable an access point" };
        let (project, id) = self.in_keyspaces(caller, operation, (POINT, id))?;
        self.change_point(caller, &project, id, action, |point| {
            point.enabled = enabled;
            Ok(())
        })
    }

    /// Takes an access point away.
    ///
    /// # Errors
    /// `Field`, `NoSuch`; `Forbidden`; what the HSM says.
    pub fn delete_access_point(&self, caller: &Caller, id: &str) -> Result<()> {
        let (project, id) = self.in_keyspaces(caller, "DeleteAccessPoint", (POINT, id))?;
        let _turn = project.turn.lock();
        let point = point(&project, id)?;
        let slot = project.partition.slot().0;
        let details = about(&point, caller);
        let mut work = Work { action: "delete an access point", details: &details, ..Work::default() };
        work.writes.push((slot, point.deletion(Kind::KmsAccessPoint)));
        self.desk(slot, caller)?.commit(work)?;
        project.shelf.write().points.remove(&point.number);
        Ok(())
    }

    /// Makes the pair of a custom access point and gives out the private half, as PKCS #8: once.
    ///
    /// # Errors
    /// `Field` for one of a cluster, and if it was given out already; `NoSuch`; `Forbidden`; what the HSM says.
    pub fn download_private_key(&self, caller: &Caller, id: &str) -> Result<(Uuid, Secret)> {
        let (project, id) = self.in_keyspaces(caller, "DownloadAccessPointPrivateKey", (POINT, id))?;
        let mut private = None;
        self.change_point(caller, &project, id, "make the pair of an access point", |point| {
            if point.kind != PointKind::Custom {
                return Err(KmsError::Field(
                    "the access point of a cluster has no private key here".to_owned(),
                ));
            }
            if point.public.is_some() {
                let text = "the private key was given out before and is not here: make another access point";
                return Err(KmsError::Field(text.to_owned()));
            }
            let desk = self.desk(project.partition.slot().0, caller)?;
            let sized = Attributes::default()
                .ulong(Attr::MODULUS_BITS, BITS)
                .bytes(Attr::PUBLIC_EXPONENT, &[1, 0, 1]);
            let open = Attributes::default().flag(Attr::SENSITIVE, false).flag(Attr::EXTRACTABLE, true);
            // CKM_RSA_PKCS_KEY_PAIR_GEN
            let mechanism = Mechanism { id: MechanismId(0), params: Params::None };
            let pair = desk.generate_pair(&mechanism, &sized.template()?, &open.template()?)?;
            let (key, public) = desk.give_out(&pair, &about(point, caller))?;
            point.public = Some(public);
            private = Some(key);
            Ok(())
        })?;
        Ok((id, private.ok_or(KmsError::Internal("a pair that was made has a private half"))?))
    }

    fn change_point(
        &self,
        caller: &Caller,
        project: &Project,
        id: Uuid,
        action: &'static str,
        change: impl FnOnce(&mut AccessPoint) -> Result<()>,
    ) -> Result<Kept<AccessPoint>> {
        let _turn = project.turn.lock();
        let point = point(project, id)?;
        let mut changed = (*point).clone();
        change(&mut changed)?;
        changed.modified = self.now();
        let slot = project.partition.slot().0;
        let details = about(&changed, caller);
        let mut work = Work { action, details: &details, ..Work::default() };
        work.writes.push((slot, point.update(Kind::KmsAccessPoint, &changed)?));
        let version = self.desk(slot, caller)?.commit(work)?;
        let point = point.updated(version, changed);
        project.shelf.write().points.insert(point.number, point.clone());
        Ok(point)
    }

    /// The keyspace of this id and its project, for who lists what belongs to it or makes more.
    pub(super) fn keyspace_of(
        &self,
        caller: &Caller,
        operation: &'static str,
        id: &str,
    ) -> Result<(Uuid, ProjectId, AccountId)> {
        let (project, account) = self.permitted_in(caller, operation, About::NOTHING)?;
        Ok((self.keyspace(project, id.parse()?)?, project, account))
    }

    /// The project and the id of what belongs to one of its keyspaces.
    ///
    /// # Errors
    /// `NoSuch` if the project has nothing yet.
    pub(super) fn in_keyspaces(
        &self,
        caller: &Caller,
        operation: &'static str,
        (what, id): (&'static str, &str),
    ) -> Result<(Arc<Project>, Uuid)> {
        let (project, _) = self.permitted_in(caller, operation, About::NOTHING)?;
        let id = id.parse()?;
        Ok((self.project(project)?.ok_or(KmsError::NoSuch(what))?, id))
    }
}

fn point(project: &Project, id: Uuid) -> Result<Kept<AccessPoint>> {
    let shelf = project.shelf.read();
    shelf.points.values().find(|point| point.id == id).cloned().ok_or(KmsError::NoSuch(POINT))
}

/// What records say of an access point.
fn about(point: &AccessPoint, caller: &Caller) -> [(&'static str, String); 5] {
    [
        ("access point", point.id.to_string()),
        ("keyspace", point.keyspace.to_string()),
        ("name", point.name.clone()),
        ("state", if point.enabled { "enabled" } else { "disabled" }.to_owned()),
        ("request", caller.request.to_string()),
    ]
}
