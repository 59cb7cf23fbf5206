//! Projects of accounts, and enterprise projects.

use std::sync::Arc;

use super::id::{AccountId, EnterpriseProjectId, ProjectId};
use super::record::{Assignment, EnterpriseProject, EnterpriseSwitch, Project, Scope};
use super::{Acting, Iam, IamError, Quota, name};

impl Iam {
    /// The projects of an account, in the order in which they were made.
    #[must_use]
    pub fn projects(&self, account: AccountId) -> Vec<Arc<Project>> {
        self.directory.read().projects.of(account).cloned().collect()
    }

    /// A project, whoever's it is.
    #[must_use]
    pub fn project(&self, id: ProjectId) -> Option<Arc<Project>> {
        self.directory.read().projects.get(id).cloned()
    }

    /// The project of this name of an account.
    #[must_use]
    pub fn project_named(&self, account: AccountId, name: &str) -> Option<Arc<Project>> {
        self.directory.read().projects.named(account, name).cloned()
    }

    /// The enterprise projects of an account but the default one, in the order in which they were made.
    #[must_use]
    pub fn enterprise_projects(&self, account: AccountId) -> Vec<Arc<EnterpriseProject>> {
        self.directory.read().enterprise_projects.of(account).cloned().collect()
    }

    /// An enterprise project of an account. The default one has no record, and is always there.
    #[must_use]
    pub fn enterprise_project(
        &self,
        account: AccountId,
        id: EnterpriseProjectId,
    ) -> Option<Arc<EnterpriseProject>> {
        let directory = self.directory.read();
        directory.enterprise_projects.get(id).filter(|project| project.account == account).cloned()
    }

    /// Whether an account uses enterprise projects: all do that were not told otherwise.
    #[must_use]
    pub fn uses_enterprise_projects(&self, account: AccountId) -> bool {
        self.directory.read().uses_enterprise_projects(account)
    }

    /// Whether resources can be put into an enterprise project of an account.
    #[must_use]
    pub fn has_enterprise_project(&self, account: AccountId, id: EnterpriseProjectId) -> bool {
        let there = self.enterprise_project(account, id);
        id == EnterpriseProjectId::DEFAULT || there.is_some_and(|project| project.enabled)
    }
}

impl Acting<'_> {
    /// Makes a project in the region of another, whose name and `_` its own begins with.
    ///
    /// # Errors
    /// `Name`, `Description`, `Region`, `Taken`, `Quota`, `Unknown`; what the vault says.
    pub fn create_project(
        self,
        account: AccountId,
        parent: ProjectId,
        name: &str,
        description: &str,
    ) -> Result<Arc<Project>, IamError> {
        self.make_project(account, Some(parent), name, description)
    }

    /// Makes the project of an account in another region, which has that one's name.
    ///
    /// # Errors
    /// As [`Self::create_project`].
    pub fn create_region_project(self, account: AccountId, region: &str) -> Result<Arc<Project>, IamError> {
        self.make_project(account, None, region, "")
    }

    fn make_project(
        self,
        account: AccountId,
        parent: Option<ProjectId>,
        name: &str,
        description: &str,
    ) -> Result<Arc<Project>, IamError> {
        name::PROJECT.check(name)?;
        name::check_description(description)?;
        self.change("create a project", |draft| {
            let directory = draft.directory;
            if directory.accounts.get(account).is_none() {
                return Err(IamError::Unknown("account"));
            }
            Quota::Project.check(directory.projects.count(account))?;
            if let Some(parent) = parent {
                let parent = directory.projects.get(parent).filter(|project| project.account == account);
                let parent = parent.ok_or(IamError::Unknown("project"))?;
                check_region(name, parent)?;
            }
            let project = Project {
                id: draft.id()?,
                account,
                name: name.to_owned(),
                description: description.to_owned(),
                parent,
                suspended: false,
                created: draft.now,
            };
            draft.note("account", account);
            draft.note("project", project.id);
            draft.note("name", name);
            draft.put(project.clone())?;
            Ok(Arc::new(project))
        })
    }

    /// Gives a project another name or description, or suspends it or no more.
    ///
    /// # Errors
    /// `Name`, `Description`, `Region`, `Taken`, `Protected` for the name of a region's project, `Unknown`; what the
    /// vault says.
    pub fn change_project(
        self,
        account: AccountId,
        id: ProjectId,
        name: Option<&str>,
        description: Option<&str>,
        suspended: Option<bool>,
    ) -> Result<Arc<Project>, IamError> {
        name.map_or(Ok(()), |name| name::PROJECT.check(name))?;
        description.map_or(Ok(()), name::check_description)?;
        self.change("change a project", |draft| {
            let directory = draft.directory;
            let project = directory.projects.get(id).filter(|project| project.account == account);
            let mut project = Project::clone(project.ok_or(IamError::Unknown("project"))?);
            if let Some(name) = name.filter(|name| *name != project.name) {
                let parent = project.parent.and_then(|parent| directory.projects.get(parent));
                check_region(name, parent.ok_or(IamError::Protected("the project of a region"))?)?;
                name.clone_into(&mut project.name);
                draft.note("name", name);
            }
            if let Some(description) = description {
                description.clone_into(&mut project.description);
            }
            if let Some(suspended) = suspended {
                project.suspended = suspended;
                draft.note("suspended", suspended);
            }
            draft.note("account", account);
            draft.note("project", id);
            draft.put(project.clone())?;
            Ok(Arc::new(project))
        })
    }

    /// Decides whether an account uses enterprise projects.
    ///
    /// # Errors
    /// `Unknown`; `InUse` if it is not to and has some, or policies hold in one; what the vault says.
    pub fn use_enterprise_projects(self, account: AccountId, on: bool) -> Result<(), IamError> {
        self.change("decide on the enterprise projects of an account", |draft| {
            let directory = draft.directory;
            let owner = directory.accounts.get(account).ok_or(IamError::Unknown("account"))?;
            let in_use = |by| IamError::InUse { what: "the feature", by };
            if !on && directory.enterprise_projects.count(account) > 0 {
                return Err(in_use("the account has enterprise projects"));
            }
            let is_there = |given: &Assignment| {
                given.account == account && matches!(given.scope, Scope::EnterpriseProject(_))
            };
            if !on && directory.assignments.all().any(|given| is_there(given)) {
                return Err(in_use("policies are given in an enterprise project: detach them first"));
            }
            draft.note("account", account);
            draft.note("name", &owner.name);
            draft.note("on", on);
            draft.put(EnterpriseSwitch { account, on })
        })
    }

    /// Makes an enterprise project.
    ///
    /// # Errors
    /// `Name`, `Description`, `Taken`, `Quota`, `Unknown`; what the vault says.
    pub fn create_enterprise_project(
        self,
        account: AccountId,
        name: &str,
        description: &str,
    ) -> Result<Arc<EnterpriseProject>, IamError> {
        name::ENTERPRISE_PROJECT.check(name)?;
        name::check_description(description)?;
        if name == "default" {
            return Err(IamError::Taken { what: "enterprise project", name: name.to_owned() });
        }
        self.change("create an enterprise project", |draft| {
            if draft.directory.accounts.get(account).is_none() {
                return Err(IamError::Unknown("account"));
            }
            draft.directory.need_enterprise_projects(account)?;
            Quota::EnterpriseProject.check(draft.directory.enterprise_projects.count(account))?;
            let project = EnterpriseProject {
                id: EnterpriseProjectId::from_random(draft.hsm.random()?),
                account,
                name: name.to_owned(),
                description: description.to_owned(),
                enabled: true,
                created: draft.now,
                updated: draft.now,
            };
            draft.note("account", account);
            draft.note("enterprise_project", project.id);
            draft.note("name", name);
            draft.put(project.clone())?;
            Ok(Arc::new(project))
        })
    }

    /// Gives an enterprise project another name or description, or lets it take resources or not.
    ///
    /// # Errors
    /// `Name`, `Description`, `Taken`, `Unknown`; what the vault says.
    pub fn change_enterprise_project(
        self,
        account: AccountId,
        id: EnterpriseProjectId,
        name: Option<&str>,
        description: Option<&str>,
        enabled: Option<bool>,
    ) -> Result<Arc<EnterpriseProject>, IamError> {
        name.map_or(Ok(()), |name| name::ENTERPRISE_PROJECT.check(name))?;
        description.map_or(Ok(()), name::check_description)?;
        self.change("change an enterprise project", |draft| {
            let project = draft.directory.enterprise_projects.get(id);
            let project = project.filter(|project| project.account == account);
            let mut project =
                EnterpriseProject::clone(project.ok_or(IamError::Unknown("enterprise project"))?);
            name.into_iter().for_each(|name| name.clone_into(&mut project.name));
            description.into_iter().for_each(|text| text.clone_into(&mut project.description));
            project.enabled = enabled.unwrap_or(project.enabled);
            project.updated = draft.now;
            draft.note("account", account);
            draft.note("enterprise_project", id);
            draft.note("name", &project.name);
            draft.put(project.clone())?;
            Ok(Arc::new(project))
        })
    }
}

fn check_region(name: &str, parent: &Project) -> Result<(), IamError> {
    let rest = name.strip_prefix(parent.name.as_str()).and_then(|rest| rest.strip_prefix('_'));
    match rest {
        Some(rest) if !rest.is_empty() => Ok(()),
        _ => Err(IamError::Region(format!("{}_", parent.name))),
    }
}
