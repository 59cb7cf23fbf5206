//! Policies: those of the system, those that an account makes, and whom it gives them to.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde_json::{Value, json};
use wire::admin::account::{Ask as Accounts, Told as Answer};
use wire::admin::{Ask, Told};

use super::desk::{Desk, GROUP, More, Named, POLICY, PROJECT, SYSTEM_POLICY, Sure, USER};
use super::{document, or_dash, text};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, Column, Table, facts, printable};

/// List the policies that an account has made, or those of the system
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The account's name or id
    account: String,

    /// The policies of the system, which every account can give
    #[arg(long)]
    system: bool,
}

/// Show a policy, also one of the system, with its JSON
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The account, and the policy's name or id
    #[arg(value_name = "ACCOUNT/POLICY")]
    policy: Named,
}

/// Make a policy of an account from a file
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The account, and the policy's name
    #[arg(value_name = "ACCOUNT/POLICY")]
    policy: Named,

    /// The file that has it as JSON
    file: PathBuf,

    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,

    /// It is for global services, such as IAM (type AX); else it is for
    /// services of projects, such as KMS (type XA)
    #[arg(long)]
    global: bool,
}

/// Change a policy of an account, for all whom it is given to
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
pub(crate) struct Update {
    /// The account, and the policy's name or id
    #[arg(value_name = "ACCOUNT/POLICY")]
    policy: Named,

    /// A file that has it as JSON from now on
    #[arg(group = "change")]
    file: Option<PathBuf>,

    /// Its new name
    #[arg(long, group = "change")]
    name: Option<String>,

    /// What it is for
    #[arg(long, value_name = "TEXT", group = "change")]
    description: Option<String>,
}

/// Delete a policy of an account that is given to nobody
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The account, and the policy's name or id
    #[arg(value_name = "ACCOUNT/POLICY")]
    policy: Named,

    #[command(flatten)]
    sure: Sure,
}

/// Give a policy to a group, or in an enterprise project to a user
#[derive(Debug, Args)]
pub(crate) struct Attach {
    #[command(flatten)]
    what: Assignment,
}

/// Take a policy from a group or a user
#[derive(Debug, Args)]
pub(crate) struct Detach {
    #[command(flatten)]
    what: Assignment,
}

/// A policy, somebody, and a place.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whom").required(true), group = ArgGroup::new("where").required(true))]
struct Assignment {
    /// The account, and the policy's name or id, also of one of the system
    #[arg(value_name = "ACCOUNT/POLICY")]
    policy: Named,

    /// The group, by its name or id
    #[arg(long, group = "whom")]
    group: Option<String>,

    /// The user, by its name or id: in an enterprise project only
    #[arg(long, group = "whom")]
    user: Option<String>,

    /// In the account, for global services such as IAM
    #[arg(long, group = "where")]
    global: bool,

    /// In this project, by its name or id
    #[arg(long, group = "where", value_name = "PROJECT")]
    project: Option<String>,

    /// In all projects, also those to come
    #[arg(long, group = "where")]
    all_projects: bool,

    /// For what is in this enterprise project, by its id; `default` is the one
    /// that every account has
    #[arg(long, group = "where", value_name = "ID")]
    enterprise_project: Option<String>,
}

/// Whether something is given or taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Give,
    Take,
}

impl Assignment {
    /// Gives or takes it, and says who has what now, and where.
    fn done(&self, daemon: &Daemon, act: Act) -> Result<Value, Error> {
        if self.user.is_some() && self.enterprise_project.is_none() {
            return Err(Error::Usage(
                "a user itself is given policies with --enterprise-project only: elsewhere, give them to a group \
                 that it is in"
                    .into(),
            ));
        }
        let desk = Desk::of(daemon, &self.policy.account)?;
        let policy = any(&desk, &self.policy.name)?;
        let (field, whom) = match (&self.group, &self.user) {
            (Some(group), _) => ("group_id", desk.find(GROUP, group)?),
            (None, Some(user)) => ("user_id", desk.find(USER, user)?),
            (None, None) => return Err(Error::Usage("give --group or --user".into())),
        };
        let mut fields = json!({ "role_id": policy["id"], "domain_id": desk.account.id });
        fields[field] = whom["id"].clone();
        let mut project = None;
        let place = match (&self.project, &self.enterprise_project) {
            (Some(name), _) => {
                let found = desk.find(PROJECT, name)?;
                project = found["id"].as_str().map(str::to_owned);
                format!("in project {}", text(&found, "name"))
            }
            (None, Some(id)) => {
                let id = if id == "default" { "0" } else { id };
                fields["enterprise_project_id"] = id.into();
                format!("in enterprise project {id}")
            }
            (None, None) if self.all_projects => "in all projects".to_owned(),
            (None, None) => "for global services".to_owned(),
        };
        desk.with(self.operation(act), &fields, More { project, ..More::default() })?;
        Ok(json!({
            "policy": text(&policy, "display_name"),
            "policy_id": policy["id"],
            "to": text(&whom, "name"),
            "where": place,
        }))
    }

    /// The operation of the interface.
    fn operation(&self, act: Act) -> &'static str {
        let give = act == Act::Give;
        match (&self.user, &self.enterprise_project, &self.project, self.all_projects) {
            (Some(_), ..) if give => "AssociateRoleToUserOnEnterpriseProject",
            (Some(_), ..) => "RevokeRoleFromUserOnEnterpriseProject",
            (_, Some(_), ..) if give => "AssociateRoleToGroupOnEnterpriseProject",
            (_, Some(_), ..) => "RevokeRoleFromGroupOnEnterpriseProject",
            (_, _, Some(_), _) if give => "KeystoneAssociateGroupWithProjectPermission",
            (_, _, Some(_), _) => "KeystoneRemoveProjectPermissionFromGroup",
            (_, _, _, true) if give => "UpdateDomainGroupInheritRole",
            (_, _, _, true) => "DeleteDomainGroupInheritedRole",
            _ if give => "KeystoneAssociateGroupWithDomainPermission",
            _ => "KeystoneRemoveDomainPermissionFromGroup",
        }
    }
}

impl Attach {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let given = self.what.done(daemon, Act::Give)?;
        screen.show(&given, |given| {
            let word = |field| printable(text(given, field));
            format!("{} has policy {} {}.", word("to"), word("policy"), word("where"))
        })
    }
}

impl Detach {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let taken = self.what.done(daemon, Act::Take)?;
        screen.show(&taken, |taken| {
            let word = |field| printable(text(taken, field));
            format!("{} has policy {} {} no more.", word("to"), word("policy"), word("where"))
        })
    }
}

/// A policy of the account or of the system.
fn any(desk: &Desk<'_>, name: &str) -> Result<Value, Error> {
    let own = desk.look_for(POLICY, name)?;
    let found = own.map_or_else(|| desk.look_for(SYSTEM_POLICY, name), |own| Ok(Some(own)))?;
    found.ok_or_else(|| desk.missing(POLICY, name))
}

impl List {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let kind = if self.system { SYSTEM_POLICY } else { POLICY };
        let policies = Desk::of(daemon, &self.account)?.all(kind)?;
        screen.table(&policies, |policies| table(policies))
    }
}

fn table(policies: &[Value]) -> Table {
    let columns = [Column::text("NAME", 20), Column::text("FOR", 8), Column::text("DESCRIPTION", 16)];
    let mut table =
        Table::new(&columns, "The account has made no policies: --system lists those of the system.");
    for policy in policies {
        table.row(vec![
            Cell::from(text(policy, "display_name")),
            Cell::from(level(policy)),
            Cell::from(text(policy, "description")),
        ]);
    }
    table
}

/// Which services a policy is for.
fn level(policy: &Value) -> &'static str {
    match text(policy, "type") {
        "AX" => "global",
        "XA" => "projects",
        _ => "both",
    }
}

impl Show {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = Desk::of(daemon, &self.policy.account)?;
        let mut policy = any(&desk, &self.policy.name)?;
        let own = text(&policy, "domain_id") == desk.account.id;
        if own {
            policy = desk.call("ShowCustomPolicy", &json!({ "role_id": policy["id"] }))?["role"].take();
        }
        screen.show(&policy, |policy| {
            let of = if own { desk.account.name.as_str() } else { "the system" };
            let mut rows = vec![
                ("Policy", Cell::from(text(policy, "display_name"))),
                ("Id", Cell::from(text(policy, "id"))),
                ("Of", Cell::from(of)),
                ("For", Cell::from(level(policy))),
                ("Description", or_dash(policy, "description")),
            ];
            if let Some(times) = policy["references"].as_u64() {
                rows.push(("Assignments", Cell::from(times)));
            }
            let document = serde_json::to_string_pretty(&policy["policy"]).unwrap_or_default();
            let document: Vec<_> = document.lines().map(printable).collect();
            format!("{}\n{}", facts(rows), document.join("\n"))
        })
    }
}

impl Create {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let document = document::read(&self.file)?;
        let desk = Desk::of(daemon, &self.policy.account)?;
        create(&desk, screen, &self.policy.name, self.global, &self.description, &document)?;
        warn_of_unknown(daemon, &document);
        Ok(())
    }
}

/// Says which actions of a policy there are none of: one that was misspelt allows nothing, and denies nothing.
fn warn_of_unknown(daemon: &Daemon, document: &Value) {
    let Ok(text) = serde_json::to_vec(document) else { return };
    let ask = Ask::Account(Accounts::Check { document: text.into() });
    let Ok(Told::Account(Answer::Unknown(unknown))) = daemon.ask(&ask) else { return };
    for action in unknown.iter() {
        anstream::eprintln!(
            "warning: there is no action {}: what the policy says of it means nothing",
            printable(action)
        );
    }
}

/// Makes a policy, and shows it.
pub(super) fn create(
    desk: &Desk<'_>,
    screen: &Screen,
    name: &str,
    global: bool,
    description: &str,
    document: &Value,
) -> Result<(), Error> {
    let role = json!({
        "display_name": name,
        "type": if global { "AX" } else { "XA" },
        "description": description,
        "policy": document,
    });
    let made = desk.call("CreateCloudServiceCustomPolicy", &json!({ "role": role }));
    let made = made.map_err(with_advice)?["role"].take();
    screen.show(&made, |made| format!("Made policy {} ({}).", printable(name), text(made, "id")))
}

/// The interface's words on what a policy is for, with how this is said here.
fn with_advice(error: Error) -> Error {
    match error {
        Error::Failed(why) if why.contains("its type is AX") => Error::Failed(format!("{why} (--global)")),
        Error::Failed(why) if why.contains("its type is XA") => {
            Error::Failed(format!("{why} (without --global)"))
        }
        other => other,
    }
}

impl Update {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let document = self.file.as_deref().map(document::read).transpose()?;
        let desk = Desk::of(daemon, &self.policy.account)?;
        let mut old = desk.find(POLICY, &self.policy.name)?;
        let checked = document.clone();
        let role = json!({
            "display_name": self.name.as_deref().unwrap_or(text(&old, "display_name")),
            "type": old["type"],
            "description": self.description.as_deref().unwrap_or(text(&old, "description")),
            "policy": document.unwrap_or_else(|| old["policy"].take()),
        });
        let fields = json!({ "role_id": old["id"], "role": role });
        let changed = desk.call("UpdateCloudServiceCustomPolicy", &fields)?["role"].take();
        screen.show(&changed, |changed| {
            format!("Changed policy {}.", printable(text(changed, "display_name")))
        })?;
        checked.iter().for_each(|document| warn_of_unknown(daemon, document));
        Ok(())
    }
}

impl Delete {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = Desk::of(daemon, &self.policy.account)?;
        let found = desk.find(POLICY, &self.policy.name)?;
        let name = text(&found, "display_name");
        let consequence =
            format!("This is policy {name} of account {}. It is deleted for good.", desk.account.name);
        let code = self.sure.ask(&desk, &consequence, name)?;
        let about = json!({ "role_id": found["id"] });
        desk.with("DeleteCustomPolicy", &about, More { code, ..More::default() })?;
        screen.show(&json!({ "deleted": name }), |_| format!("Deleted policy {}.", printable(name)))
    }
}
