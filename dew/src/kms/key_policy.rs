//! Key policies: when, and for which access points, a data key capsule is opened.
//!
//! A policy is JSON:
//!
//! ```json
//! {"version": "1.0",
//!  "validityPeriod": {"start_time": "2026-01-01T00:00:00Z", "end_time": "2027-01-01T00:00:00Z"},
//!  "allowedAccessPoint": ["0d0466b0-e727-4d9c-b35d-f84bb474a37f"]}
//! ```
//!
//! What it does not say does not restrict: without a period it holds always, without a list for every access point of
//! its keyspace; an empty list is the same as none. The interface writes its fields in two ways, `validityPeriod` and
//! `validity_period`, and both are read. Data security zones are of the cloud; a policy that names some would hold
//! nowhere here, and is refused.

use std::sync::Arc;

use hsm::Work;
use hsm::service::Kind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::{KmsError, Result};
use super::name::{check_description, check_name};
use super::project::Project;
use super::record::{Kept, creation};
use super::store::Uuid;
use super::{Kms, Millis};
use crate::caller::Caller;

/// What it is called where there is none.
const POLICY: &str = "key policy";
/// The most key policies of a project.
const MAX: usize = 1000;
/// The most bytes of a policy, which also must fit into a capsule.
const MAX_POLICY: usize = 8192;
/// The most access points of a policy.
const MAX_POINTS: usize = 100;

/// What a policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The version of its form, as it was written.
    pub version: String,
    /// From when it holds.
    pub from: Option<Millis>,
    /// Until when.
    pub until: Option<Millis>,
    /// The access points that it is for; all of the keyspace if none is named.
    pub points: Vec<Uuid>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: String,
    #[serde(alias = "validityPeriod")]
    validity_period: Option<Period>,
    #[serde(alias = "allowedAccessPoint", default)]
    allowed_access_point: Vec<String>,
    #[serde(alias = "allowedDataSecurityZone", default)]
    allowed_data_security_zone: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Period {
    start_time: Option<String>,
    end_time: Option<String>,
}

/// A time, as `2026-01-01T00:00:00Z`.
pub(super) fn time(field: &str, text: &str) -> Result<Millis> {
    let time = text.parse::<Timestamp>().ok();
    let millis = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
    millis.ok_or_else(|| KmsError::Field(format!("{field} {text:?} is no time such as 2026-01-01T00:00:00Z")))
}

impl Terms {
    /// What the JSON of a policy says.
    ///
    /// # Errors
    /// `Field`, `EndsBeforeStart`
    pub fn parse(json: &str) -> Result<Self> {
        if json.len() > MAX_POLICY {
            return Err(KmsError::Field(format!("policy has at most {MAX_POLICY} bytes")));
        }
        let written: Written =
            serde_json::from_str(json).map_err(|error| KmsError::Field(format!("policy: {error}")))?;
        if written.version.is_empty() || written.version.len() > 64 {
            return Err(KmsError::Field("policy: version has 1 to 64 characters".to_owned()));
        }
        if !written.allowed_data_security_zone.is_empty() {
            let text = "policy: there are no data security zones here";
            return Err(KmsError::Field(text.to_owned()));
        }
        if written.allowed_access_point.len() > MAX_POINTS {
            return Err(KmsError::Field(format!("policy: at most {MAX_POINTS} access points are named")));
        }
        let period = written.validity_period.unwrap_or_default();
        let from = period.start_time.map(|text| time("start_time", &text)).transpose()?;
        let until = period.end_time.map(|text| time("end_time", &text)).transpose()?;
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            return Err(KmsError::EndsBeforeStart);
        }
        let points = written.allowed_access_point.iter().map(|id| id.parse()).collect::<Result<_>>()?;
        Ok(Self { version: written.version, from, until, points })
    }

    /// A time as policies have it.
    #[must_use]
    pub fn written(time: Millis) -> String {
        let time = i64::try_from(time).ok().and_then(|time| Timestamp::from_millisecond(time).ok());
        time.map(|time| time.to_string()).unwrap_or_default()
    }

    /// Refuses to open for an access point now.
    ///
    /// # Errors
    /// `Forbidden`
    pub(super) fn check(&self, point: Uuid, now: Millis) -> Result<()> {
        let refused = |why: &str| Err(KmsError::Forbidden(format!("the key policy {why}")));
        if self.from.is_some_and(|from| now < from) {
            return refused("does not hold yet");
        }
        if self.until.is_some_and(|until| now >= until) {
            return refused("does not hold any more");
        }
        if !self.points.is_empty() && !self.points.contains(&point) {
            return refused("is not for this access point");
        }
        Ok(())
    }
}

/// A key policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPolicy {
    /// Its id.
    pub id: Uuid,
    /// The keyspace.
    pub keyspace: Uuid,
    /// Its name.
    pub name: String,
    /// What it says.
    pub terms: Terms,
    /// What it is for, in words.
    pub description: String,
    /// Who made it.
    pub creator: String,
    /// When it was made.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
}

impl Kms {
    /// Makes a key policy of a keyspace.
    ///
    /// # Errors
    /// `BadName`, `BadDescription`, `Field`, `EndsBeforeStart`, `NoKeyStore`, `NameTaken`, `Quota`; `Forbidden`; what the HSM
    /// says.
    pub fn create_key_policy(
        &self,
        caller: &Caller,
        keyspace: &str,
        name: &str,
        policy: &str,
        description: &str,
    ) -> Result<Kept<KeyPolicy>> {
        check_name("policy_name", name)?;
        check_description(description)?;
        let terms = Terms::parse(policy)?;
        let (keyspace, project, account) = self.keyspace_of(caller, "CreateKeyPolicy", keyspace)?;
        check_points(self.project(project)?.as_deref(), keyspace, &terms)?;
        let project = self.project_or_new(project, account)?;
        let _turn = project.turn.lock();
        self.keyspace(project.id, keyspace)?;
        check_points(Some(&project), keyspace, &terms)?;
        let number = {
            let shelf = project.shelf.read();
            let mut there = shelf.policies.values();
            if there.any(|policy| policy.keyspace == keyspace && policy.name == name) {
                return Err(KmsError::NameTaken);
            }
            if shelf.policies.len() >= MAX {
                return Err(KmsError::Quota(format!("the project has {MAX} key policies")));
            }
            shelf.policies.last_key_value().map_or(1, |(number, _)| number + 1)
        };
        let now = self.now();
        let policy = KeyPolicy {
            id: Uuid::from_random(self.hsm.random()?),
            keyspace,
            name: name.to_owned(),
            terms,
            description: description.to_owned(),
            creator: caller.identity.id(),
            created: now,
            modified: now,
        };
        let slot = project.partition.slot().0;
        let details = about(&policy, caller);
        let mut work = Work { action: "create a key policy", details: &details, ..Work::default() };
        work.writes.push((slot, creation(Kind::KmsPolicy, number, &policy)?));
        let version = self.desk(slot, caller)?.commit(work)?;
        let policy = Kept { number, version, value: Arc::new(policy) };
        project.shelf.write().policies.insert(number, policy.clone());
        Ok(policy)
    }

    /// The key policies of a keyspace, in the order in which they were made.
    ///
    /// # Errors
    /// `Field`, `NoKeyStore`; `Forbidden`.
    pub fn list_key_policies(&self, caller: &Caller, keyspace: &str) -> Result<Vec<Kept<KeyPolicy>>> {
        let (keyspace, project, _) = self.keyspace_of(caller, "ListKeyPolicy", keyspace)?;
        let Some(project) = self.project(project)? else { return Ok(Vec::new()) };
        let shelf = project.shelf.read();
        Ok(shelf.policies.values().filter(|policy| policy.keyspace == keyspace).cloned().collect())
    }

    /// A key policy.
    ///
    /// # Errors
    /// `Field`, `NoSuch`; `Forbidden`.
    pub fn show_key_policy(&self, caller: &Caller, id: &str) -> Result<Kept<KeyPolicy>> {
        let (project, id) = self.in_keyspaces(caller, "ShowKeyPolicy", (POLICY, id))?;
        policy(&project, id)
    }

    /// Changes what a key policy says, also for the capsules that were made under it.
    ///
    /// # Errors
    /// As [`Self::create_key_policy`]; `NoSuch`.
    pub fn update_key_policy(
        &self,
        caller: &Caller,
        id: &str,
        policy_json: &str,
        description: Option<&str>,
    ) -> Result<Kept<KeyPolicy>> {
        check_description(description.unwrap_or_default())?;
        let terms = Terms::parse(policy_json)?;
        let (project, id) = self.in_keyspaces(caller, "UpdateKeyPolicy", (POLICY, id))?;
        let _turn = project.turn.lock();
        let policy = policy(&project, id)?;
        check_points(Some(&project), policy.keyspace, &terms)?;
        let description = description.map_or_else(|| policy.description.clone(), str::to_owned);
        let changed = KeyPolicy { terms, description, modified: self.now(), ..(*policy).clone() };
        let slot = project.partition.slot().0;
        let details = about(&changed, caller);
        let mut work = Work { action: "change a key policy", details: &details, ..Work::default() };
        work.writes.push((slot, policy.update(Kind::KmsPolicy, &changed)?));
        let version = self.desk(slot, caller)?.commit(work)?;
        let policy = policy.updated(version, changed);
        project.shelf.write().policies.insert(policy.number, policy.clone());
        Ok(policy)
    }

    /// Takes a key policy away. Capsules that were made under it are opened for nobody any more.
    ///
    /// # Errors
    /// `Field`, `NoSuch`; `Forbidden`; what the HSM says.
    pub fn delete_key_policy(&self, caller: &Caller, id: &str) -> Result<()> {
        let (project, id) = self.in_keyspaces(caller, "DeleteKeyPolicy", (POLICY, id))?;
        let _turn = project.turn.lock();
        let policy = policy(&project, id)?;
        let slot = project.partition.slot().0;
        let details = about(&policy, caller);
        let mut work = Work { action: "delete a key policy", details: &details, ..Work::default() };
        work.writes.push((slot, policy.deletion(Kind::KmsPolicy)));
        self.desk(slot, caller)?.commit(work)?;
        project.shelf.write().policies.remove(&policy.number);
        Ok(())
    }
}

/// The policy of this id.
pub(super) fn policy(project: &Project, id: Uuid) -> Result<Kept<KeyPolicy>> {
    let shelf = project.shelf.read();
    shelf.policies.values().find(|policy| policy.id == id).cloned().ok_or(KmsError::NoSuch(POLICY))
}

/// A policy names access points that there are in its keyspace.
pub(super) fn check_points(project: Option<&Project>, keyspace: Uuid, terms: &Terms) -> Result<()> {
    let shelf = project.map(|project| project.shelf.read());
    let points = || shelf.iter().flat_map(|shelf| shelf.points.values());
    let is_there = |id: &Uuid| points().any(|point| point.keyspace == keyspace && point.id == *id);
    match terms.points.iter().find(|id| !is_there(id)) {
        None => Ok(()),
        Some(id) => Err(KmsError::Field(format!("policy: the keyspace has no access point {id}"))),
    }
}

/// What records say of a key policy.
fn about(policy: &KeyPolicy, caller: &Caller) -> [(&'static str, String); 5] {
    let points: Vec<_> = policy.terms.points.iter().map(Uuid::to_string).collect();
    [
        ("key policy", policy.id.to_string()),
        ("keyspace", policy.keyspace.to_string()),
        ("name", policy.name.clone()),
        ("access points", points.join(" ")),
        ("request", caller.request.to_string()),
    ]
}
