//! Keys of the KMS, from the console: operations of the REST interface, as the root user of the project's account.

use std::sync::Arc;

use data_encoding::BASE64;
use dew::caller::Caller;
use dew::iam::{Account, Iam, IamError, ProjectId};
use serde_json::Value;
use tracing::warn;
use wire::admin::Told;
use wire::admin::kms::{self as protocol, Ask, Project, Told as Answer};
use wire::{Bytes, List};

use super::talk::Talk;
use crate::daemon::Daemon;
use crate::rest;
use crate::services::Services;

/// The most imports that are under way on a connection.
const MAX_IMPORTS: usize = 16;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let services = talk.daemon.services()?;
    match ask {
        Ask::Projects => {
            let projects = List::new(projects(&services.iam));
            let projects = projects.ok_or("there are more projects than one list brings")?;
            Ok(Told::Kms(Answer::Projects(projects)))
        }
        Ask::ImportParameters { project, body } => {
            let answer = talk.imports.parameters(&services, project, body)?;
            let answers = List::new(vec![Ok(answer)]).ok_or_else(String::new)?;
            Ok(Told::Kms(Answer::Answers(answers)))
        }
        Ask::Do { project, operation, bodies, code } => {
            let (account, caller) = root_of(&services, project)?;
            if protocol::kind(operation).is_protected() && account.protection.on {
                check_code(talk, &services, &account, code.as_deref())?;
            }
            let one = |body: &Bytes| {
                // Each leaves a trace of its own.
                let caller = Caller { request: rest::request_id().into(), ..caller.clone() };
                rest::kms(operation, body, &caller, &services).map(Bytes::from)
            };
            let mut answers: Vec<_> = bodies.iter().map(one).collect();
            // What was to be done once and was not is a command that failed.
            match answers.as_mut_slice() {
                [Err(why)] => Err(std::mem::take(why)),
                _ => List::new(answers).map(|all| Told::Kms(Answer::Answers(all))).ok_or_else(String::new),
            }
        }
    }
}

/// The account of a project, and its root user as the caller in that.
fn root_of(services: &Services, project: &str) -> Result<(Arc<Account>, Caller), String> {
    let (account, project) = account_of(services, project)?;
    let identity = services.iam.root_of(&account).ok_or("the account or its root user is disabled")?;
    let caller = Caller {
        identity,
        project: Some(project),
        request: rest::request_id().into(),
        source: None,
        agent: Some("hsm-admin".into()),
        tls: false,
    };
    Ok((account, caller))
}

/// The tokens for imports that were given out on a connection and end with it, however it ends.
pub(super) struct Imports<'a> {
    daemon: &'a Daemon,
    tokens: Vec<(Caller, Bytes)>,
}

impl<'a> Imports<'a> {
    /// None.
    pub(super) const fn new(daemon: &'a Daemon) -> Self {
        Self { daemon, tokens: Vec::new() }
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Parameters for an import, the token of which is kept in mind.
    fn parameters(&mut self, services: &Services, project: &str, body: &[u8]) -> Result<Bytes, String> {
        if self.tokens.len() >= MAX_IMPORTS {
            return Err(format!("a connection has {MAX_IMPORTS} imports under way, and no more"));
        }
        let (_, caller) = root_of(services, project)?;
        let answer = rest::kms(protocol::IMPORT_PARAMETERS, body, &caller, services)?;
        let token = serde_json::from_slice::<Value>(&answer)
            .ok()
            .and_then(|answer| BASE64.decode(answer.get("import_token")?.as_str()?.as_bytes()).ok());
        self.tokens.push((caller, token.ok_or("the parameters have no token")?.into()));
        Ok(answer.into())
    }
}

impl Drop for Imports<'_> {
    fn drop(&mut self) {
        // A daemon that was sealed meanwhile cannot: the tokens end after their day.
        let Ok(services) = self.daemon.services() else { return };
        for (caller, token) in self.tokens.drain(..) {
            if let Err(error) = services.kms.revoke_import(&caller, &token) {
                warn!("the token of an import that was left stays for its day: {error}");
            }
        }
    }
}

fn projects(iam: &Iam) -> Vec<Project> {
    let of = |account: Arc<Account>| {
        let (projects, enterprise) = (iam.projects(account.id), iam.uses_enterprise_projects(account.id));
        projects.into_iter().map(move |project| Project {
            id: project.id.to_string(),
            name: project.name.clone(),
            account: account.name.clone(),
            protected: account.protection.on,
            enterprise_projects: enterprise,
        })
    };
    iam.accounts().into_iter().flat_map(of).collect()
}

fn account_of(services: &Services, project: &str) -> Result<(Arc<Account>, ProjectId), String> {
    let id = project.parse::<ProjectId>().map_err(|_| format!("{project:?} is no project's id"))?;
    let project = services.iam.project(id).ok_or("there is no such project")?;
    let account = services.iam.account(project.account).ok_or("the project's account is gone")?;
    Ok((account, id))
}

/// Takes the code that operation protection asks for. It is used up, whatever comes of the operation.
pub(super) fn check_code(
    talk: &Talk<'_>,
    services: &Services,
    account: &Account,
    code: Option<&str>,
) -> Result<(), String> {
    let code = code.ok_or_else(|| {
        format!(
            "operation protection is on for account {:?}: this needs a code of its root user's virtual MFA device, or one \
             that `account send-code` sends",
            account.name
        )
    })?;
    services.iam.by(talk.actor()).take_code(account.id, account.root, code).map_err(wrong_code)
}

/// Why a code is not taken, in the console's words.
pub(super) fn wrong_code(error: IamError) -> String {
    match error {
        IamError::WrongLogin => "the code is wrong, or was used before".to_owned(),
        IamError::NeedsSecondFactor => {
            "the account's root user has bound no virtual MFA device: `account mfa` comes first".to_owned()
        }
        IamError::Unknown("virtual MFA device") => {
            "the account's root user has no virtual MFA device: `account mfa create` makes one".to_owned()
        }
        other => other.to_string(),
    }
}
