//! The agencies by which secrets are rotated (DEW user guide, "Creating a Rotation Secret"): making them, whether they
//! are there, and the worker that acts through one. An agency is right if it holds exactly what the guide has it hold;
//! one that somebody gave more is not trusted, and not mended either.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::allow::About;
use super::error::{CsmsError, Result};
use super::secret::SecretKind;
use super::{Csms, actor};
use crate::caller::Caller;
use crate::iam::policy::Action;
use crate::iam::{
    AccountId, Agency, AgencyId, Assumed, IamError, Identity, Level, Policies, Principal, ProjectId,
    Question, Role, RoleId, Scope, Subject, Trust,
};

/// An agency as it is to be, with the policy of the same name that it holds in projects.
struct Wanted {
    name: &'static str,
    /// The service that it trusts.
    service: &'static str,
    actions: &'static [&'static str],
}

/// By which CSMS has the function of a rotation run.
const ACCESS: Wanted = Wanted {
    name: "CSMSAccessFunctionGraph",
    service: "op_svc_kms",
    actions: &["functiongraph:function:invoke"],
};

/// The service that runs functions, as agencies name it.
const FUNCTIONS: &str = "op_svc_cff";

/// By which the function of an RDS secret works.
const RDS: Wanted = Wanted {
    name: "FunctionGraphAgencyForRotateRDSByCSMSV3",
    service: FUNCTIONS,
    actions: &[
        "csms:secret:getVersion",
        "csms:secret:listVersion",
        "csms:secret:createVersion",
        "csms:secret:getStage",
        "csms:secret:get",
        "csms:secret:updateStage",
        "vpc:ports:create",
        "vpc:vpcs:get",
        "vpc:ports:get",
        "vpc:ports:delete",
        "vpc:subnets:get",
        "kms:cmk:createDataKey",
        "kms:cmk:decryptDataKey",
        "rds:password:update",
    ],
};

/// By which that of a TaurusDB secret does.
const TAURUS_DB: Wanted = Wanted {
    name: "FunctionGraphAgencyForRotateGaussDBByCSMSV3",
    service: FUNCTIONS,
    actions: &[
        "csms:secretVersion:get",
        "csms:secretVersion:list",
        "csms:secretVersion:create",
        "csms:secretStage:get",
        "csms:secret:get",
        "csms:secretStage:update",
        "vpc:ports:create",
        "vpc:vpcs:get",
        "vpc:ports:get",
        "vpc:ports:delete",
        "vpc:subnets:get",
        "kms:dek:create",
        "kms:dek:decrypt",
        "gaussdb:user:modify",
    ],
};

/// By which the HSM rotates what the guide does not know: as that of RDS, with a right of our own to set passwords.
const SERVERS: Wanted = Wanted {
    name: "CSMSRotateServers",
    service: FUNCTIONS,
    actions: &[
        "csms:secret:getVersion",
        "csms:secret:listVersion",
        "csms:secret:createVersion",
        "csms:secret:getStage",
        "csms:secret:get",
        "csms:secret:updateStage",
        "kms:cmk:createDataKey",
        "kms:cmk:decryptDataKey",
        SET_PASSWORD,
    ],
};

/// The right to set passwords of accounts that are no service's of the cloud, and to have programs run.
const SET_PASSWORD: &str = "csms:server:setPassword";

/// What whoever makes them does to IAM: each must be allowed.
const MAKING: [&str; 6] = [
    "AssociateAgencyWithProjectPermission",
    "ListAgencies",
    "KeystoneListPermissions",
    "CreateAgency",
    "CheckProjectPermissionForAgency",
    "CreateCloudServiceCustomPolicy",
];

/// What became of an agency that was to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeAgency {
    /// Its name.
    pub name: &'static str,
    /// Its id, if it is there.
    pub id: Option<AgencyId>,
    /// Why it is not as it must be, if so.
    pub wrong: Option<String>,
}

/// How much of an agency is there. What is there is right.
#[derive(Default)]
struct Parts {
    agency: Option<AgencyId>,
    role: Option<RoleId>,
    given: bool,
}

impl Csms {
    /// Makes the agencies by which secrets of a kind are rotated in the caller's project. What is there already stays, and
    /// what was left half done is finished.
    ///
    /// The agencies trust services alone and let whoever makes them do nothing, so that a key that expires is good enough.
    ///
    /// # Errors
    /// `Field`; `Forbidden` with the action that is not allowed, of IAM's six too; `OtherProject`; what the HSM says.
    pub fn create_agencies(&self, caller: &Caller, kind: &str) -> Result<Vec<MadeAgency>> {
        let (project, account) = self.permitted_in(caller, "CreateAgency", About::default())?;
        let wanted = of_kind(SecretKind::named(kind)?)?;
        for operation in MAKING {
            self.iam.permit(caller, operation, None).map_err(|error| match error {
                IamError::Forbidden(why) => CsmsError::Forbidden(why),
                error => error.into(),
            })?;
        }
        let make = |wanted: &Wanted| {
            let made = match self.make(caller, wanted, project, account) {
                // Somebody else was as fast.
                Err(CsmsError::Iam(IamError::Taken { .. } | IamError::ChangedMeanwhile)) => {
                    self.make(caller, wanted, project, account)
                }
                made => made,
            };
            let wrong = match made {
                Ok(()) => None,
                Err(CsmsError::Iam(error @ (IamError::Hsm(_) | IamError::Malformed))) => {
                    return Err(error.into());
                }
                Err(CsmsError::NoAgency(why)) => Some(why),
                Err(error) => Some(error.to_string()),
            };
            let id = self.iam.agency_named(account, wanted.name).map(|agency| agency.id);
            Ok(MadeAgency { name: wanted.name, id, wrong })
        };
        wanted.into_iter().map(make).collect()
    }

    /// Whether the agencies by which secrets of a kind are rotated in the caller's project are there, and right.
    ///
    /// # Errors
    /// `Field`; `Forbidden`, `OtherProject`.
    pub fn has_agencies(&self, caller: &Caller, kind: &str) -> Result<bool> {
        let (project, account) = self.permitted_in(caller, "ShowAgency", About::default())?;
        let wanted = of_kind(SecretKind::named(kind)?)?;
        Ok(wanted.into_iter().all(|wanted| self.right(wanted, project, account).is_ok()))
    }

    /// Who rotates secrets of a kind in a project: the agency for that, held to what it is to be allowed.
    ///
    /// # Errors
    /// `NoAgency` if an agency is not there, or is not as it must be; `OtherProject` while the account is disabled.
    pub fn worker(
        &self,
        project: ProjectId,
        account: AccountId,
        kind: SecretKind,
        request: &str,
    ) -> Result<Caller> {
        let home = self.iam.account(account).filter(|account| account.enabled);
        let home = home.ok_or(CsmsError::OtherProject)?;
        let [access, worker] = of_kind(kind)?;
        self.right(access, project, account)?;
        let id = self.right(worker, project, account)?;
        let by = Assumed::Service(worker.service.into());
        let identity = Identity {
            account,
            account_name: home.name.as_str().into(),
            principal: Principal::Agency { id, name: worker.name.into(), by },
            project: Some(project),
            // Whatever it is given after this look, or by a grant, it has no use of.
            session: Some(worker.document().into()),
            ..Identity::nobody()
        };
        Ok(Caller {
            identity: Arc::new(identity),
            project: Some(project),
            request: request.into(),
            source: None,
            agent: None,
            tls: false,
        })
    }

    /// Lets through a worker that may change passwords in the databases of a kind of secret.
    ///
    /// # Errors
    /// `Forbidden`; `Field` for a kind of which there is no database.
    pub fn may_change_password(&self, worker: &Caller, kind: SecretKind) -> Result<()> {
        let (project, account) = self.own(worker)?;
        let name = match kind {
            SecretKind::Rds | SecretKind::PostgreSql => "rds:password:update",
            SecretKind::TaurusDb => "gaussdb:user:modify",
            SecretKind::Redis | SecretKind::SshPassword | SecretKind::SshKey | SecretKind::Program => {
                SET_PASSWORD
            }
            SecretKind::Common => return Err(not_rotated()),
        };
        let actions: Vec<_> = Action::named(name).collect();
        let question = Question { project: Some(project), ..Question::new(&actions, account, None) };
        match self.iam.refused(worker, &question, Policies::Whole, &[])? {
            None if actions.is_empty() => Err(CsmsError::Internal("a password is changed by an action")),
            None => Ok(()),
            Some(_) => Err(CsmsError::Forbidden(format!(
                "the policies of {} do not allow {name}",
                worker.identity.name()
            ))),
        }
    }

    /// The agency, if all of it is there.
    fn right(&self, wanted: &Wanted, project: ProjectId, account: AccountId) -> Result<AgencyId> {
        match self.parts(wanted, project, account)? {
            Parts { agency: Some(agency), role: Some(_), given: true } => Ok(agency),
            Parts { agency: None, .. } => Err(wanted.wrong("is not there")),
            _ => Err(wanted.wrong("does not hold its policy in the project")),
        }
    }

    /// What is there of an agency.
    ///
    /// # Errors
    /// `NoAgency` if that is not right.
    fn parts(&self, wanted: &Wanted, project: ProjectId, account: AccountId) -> Result<Parts> {
        let role = self.iam.role_named(account, wanted.name);
        if role.as_ref().is_some_and(|role| !wanted.is_policy(role)) {
            return Err(wanted.wrong("has a policy of its name that allows something else"));
        }
        let role = role.map(|role| role.id);
        let Some(agency) = self.iam.agency_named(account, wanted.name) else {
            return Ok(Parts { role, ..Parts::default() });
        };
        if agency.trust != Trust::Service(wanted.service.to_owned()) {
            return Err(wanted.wrong(&format!("does not trust {}", wanted.service)));
        }
        if is_over(&agency, self.now()) {
            return Err(wanted.wrong("has expired"));
        }
        let given = self.iam.assignments_to(Subject::Agency(agency.id));
        if given.iter().any(|one| Some(one.role) != role || !matches!(one.scope, Scope::Project(_))) {
            return Err(wanted.wrong("holds more than its own policy in projects"));
        }
        let given = given.iter().any(|one| one.scope == Scope::Project(project));
        Ok(Parts { agency: Some(agency.id), role, given })
    }

    /// Makes what is not there of an agency.
    fn make(&self, caller: &Caller, wanted: &Wanted, project: ProjectId, account: AccountId) -> Result<()> {
        let guest = caller.guest();
        let acting = self.iam.by(actor(&guest));
        let there = self.parts(wanted, project, account)?;
        let role = match there.role {
            Some(role) => role,
            None => {
                let texts = ("For the rotation of secrets by CSMS", "");
                acting.create_role(account, wanted.name, texts, Level::Project, &wanted.document())?.id
            }
        };
        let agency = match there.agency {
            Some(agency) => agency,
            None => {
                let (text, trust) =
                    ("For the rotation of secrets by CSMS", Trust::Service(wanted.service.to_owned()));
                acting.create_agency(account, wanted.name, text, trust, None)?.id
            }
        };
        if !there.given {
            acting.give(account, Subject::Agency(agency), role, Scope::Project(project))?;
        }
        Ok(())
    }
}

/// The agencies of a kind of secret: that by which the worker is called, and that by which it works.
fn of_kind(kind: SecretKind) -> Result<[&'static Wanted; 2]> {
    match kind {
        // PostgreSQL is a database of RDS, too.
        SecretKind::Rds | SecretKind::PostgreSql => Ok([&ACCESS, &RDS]),
        SecretKind::TaurusDb => Ok([&ACCESS, &TAURUS_DB]),
        SecretKind::Redis | SecretKind::SshPassword | SecretKind::SshKey | SecretKind::Program => {
            Ok([&ACCESS, &SERVERS])
        }
        SecretKind::Common => Err(not_rotated()),
    }
}

fn not_rotated() -> CsmsError {
    CsmsError::Field(
        "secret_type COMMON is not rotated: expected RDS-FG, GaussDB-FG or another that is".to_owned(),
    )
}

fn is_over(agency: &Agency, now: u64) -> bool {
    agency.expires().is_some_and(|expires| expires <= now / 1000)
}

impl Wanted {
    /// Its policy.
    fn document(&self) -> String {
        let statement = serde_json::json!({ "Effect": "Allow", "Action": self.actions });
        serde_json::json!({ "Version": "1.1", "Statement": [statement] }).to_string()
    }

    /// Whether a policy allows exactly what its own does, in however many statements.
    fn is_policy(&self, role: &Role) -> bool {
        let document: Value = serde_json::from_str(&role.document).unwrap_or_default();
        let statements = document.get("Statement").and_then(Value::as_array);
        let mut allowed = BTreeSet::new();
        for statement in statements.into_iter().flatten().filter_map(Value::as_object) {
            let allows = statement.get("Effect").is_some_and(|effect| effect == "Allow");
            let actions = statement.get("Action").and_then(Value::as_array).filter(|_| allows);
            let Some(actions) = actions.filter(|_| statement.len() == 2) else { return false };
            allowed.extend(actions.iter().filter_map(Value::as_str).map(str::to_ascii_lowercase));
        }
        let wanted = self.actions.iter().map(|action| action.to_ascii_lowercase()).collect();
        role.level == Level::Project && allowed == wanted
    }

    fn wrong(&self, why: &str) -> CsmsError {
        CsmsError::NoAgency(format!("the agency {} {why}", self.name))
    }
}
