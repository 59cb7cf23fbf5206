//! `tag-policy`: which tags resources may have.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use wire::List;
use wire::admin::organization::{Ask as Organization, Breach, Policy, Tags, Target, Told as Answer};
use wire::admin::{Ask, Told};

use super::instance::parse_tag;
use super::unit::done;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, Screen};
use crate::secret;
use crate::table::{Cell, Column, Table, printable};

/// The longest document that is sent, in bytes: more than the daemon takes.
const MOST: u64 = 64 << 10;

const EXAMPLES: &str = "\
A tag policy says of a tag's key how it is written and which values it has. Tags
that break one are found by `check`; where it is enforced for a type of resource,
they are refused. It binds the accounts of what it is attached to, and no tag
that it does not define.

A document:
  { \"tags\": { \"costcenter\": {
      \"tag_key\":      { \"@@assign\": \"CostCenter\" },
      \"tag_value\":    { \"@@assign\": [\"100\", \"2*\"] },
      \"enforced_for\": { \"@@assign\": [\"kms:key\"] } } } }

Types of resources: kms:key, csms:secret, kps:keypair, dhsm:instance; kms:* is
all of a service. A policy further down changes what comes from above with
@@assign, and lists also with @@append and @@remove, as far as
@@operators_allowed_for_child_policies lets it.

Examples:
  hsm-admin tag-policy enable
  hsm-admin tag-policy create cost --document cost.json
  hsm-admin tag-policy attach cost --account acme
  hsm-admin tag-policy rules acme
  hsm-admin tag-policy check";

/// Manage the policies on which tags resources may have
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum TagPolicy {
    /// Let tag policies be made, and bind
    Enable,
    /// Let none bind any more; they are kept
    Disable,
    /// Make a tag policy, attached to nothing yet
    Create {
        /// Its name
        name: String,
        /// What it says: a file of JSON
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        /// A tag of its own (repeatable)
        #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = parse_tag)]
        tags: Vec<(String, String)>,
    },
    /// List the tag policies
    List,
    /// Show a tag policy
    Show {
        /// Its name
        name: String,
    },
    /// Give a tag policy another form; what is not given stays
    #[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
    Update {
        /// Its name
        policy: String,
        /// Its new name
        #[arg(long, group = "what")]
        name: Option<String>,
        /// What it says: a file of JSON
        #[arg(long, value_name = "FILE", group = "what")]
        document: Option<PathBuf>,
        /// What it is for
        #[arg(long, group = "what")]
        description: Option<String>,
        /// A tag of its own, in place of those that it has (repeatable)
        #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = parse_tag, group = "what")]
        tags: Vec<(String, String)>,
        /// It has no tags any more
        #[arg(long, conflicts_with = "tags", group = "what")]
        no_tags: bool,
    },
    /// Delete a tag policy that is attached to nothing
    Delete {
        /// Its name
        name: String,
        /// Do not ask before it is deleted
        #[arg(long)]
        yes: bool,
    },
    /// Attach a tag policy: it binds from now on
    Attach {
        /// Its name
        name: String,
        #[command(flatten)]
        to: To,
    },
    /// Detach a tag policy
    Detach {
        /// Its name
        name: String,
        #[command(flatten)]
        from: To,
    },
    /// Show what all tag policies come to for an account
    Rules {
        /// The account's name or id [default: what belongs to no account]
        account: Option<String>,
    },
    /// List the tags that break the tag policies; exit code 5 if there are any
    Check {
        /// Of this account alone: its name or id
        account: Option<String>,
    },
}

/// What a policy is attached to.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct To {
    /// All accounts, and what belongs to none
    #[arg(long)]
    root: bool,
    /// A unit, by its name
    #[arg(long)]
    unit: Option<String>,
    /// An account, by its name or id
    #[arg(long)]
    account: Option<String>,
}

impl To {
    fn target(&self) -> Target {
        match (&self.unit, &self.account) {
            (Some(unit), _) => Target::Unit(unit.clone()),
            (_, Some(account)) => Target::Account(account.clone()),
            _ => Target::Root,
        }
    }
}

impl TagPolicy {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let (ask, said) = match self {
            Self::List => return list(daemon, screen),
            Self::Show { name } => return show(daemon, screen, name),
            Self::Rules { account } => return rules(daemon, screen, account.clone()),
            Self::Check { account } => return check(daemon, screen, account.clone()),
            Self::Enable => (Organization::Switch { on: true }, "Tag policies bind now.".to_owned()),
            Self::Disable => (Organization::Switch { on: false }, "Tag policies bind no more.".to_owned()),
            Self::Create { name, document, description, tags } => {
                let ask = Organization::Put {
                    policy: name.clone(),
                    new: true,
                    name: None,
                    description: description.clone(),
                    document: Some(read(document)?),
                    tags: Some(bounded(tags)?),
                };
                (ask, format!("Made tag policy {}: `tag-policy attach` has it bind.", printable(name)))
            }
            Self::Update { policy, name, document, description, tags, no_tags } => {
                let ask = Organization::Put {
                    policy: policy.clone(),
                    new: false,
                    name: name.clone(),
                    description: description.clone(),
                    document: document.as_deref().map(read).transpose()?,
                    tags: if *no_tags || !tags.is_empty() { Some(bounded(tags)?) } else { None },
                };
                (ask, format!("Changed tag policy {}.", printable(policy)))
            }
            Self::Delete { name, yes } => {
                if !yes {
                    secret::confirm("The tag policy is deleted for good.", "its name", name)?;
                }
                (
                    Organization::Delete { policy: name.clone() },
                    format!("Deleted tag policy {}.", printable(name)),
                )
            }
            Self::Attach { name, to } => {
                let target = to.target();
                let said = format!(
                    "Tag policy {} is attached to {} now.",
                    printable(name),
                    printable(&target.to_string())
                );
                (Organization::Attach { policy: name.clone(), target, on: true }, said)
            }
            Self::Detach { name, from } => {
                let target = from.target();
                let said = format!(
                    "Tag policy {} is attached to {} no more.",
                    printable(name),
                    printable(&target.to_string())
                );
                (Organization::Attach { policy: name.clone(), target, on: false }, said)
            }
        };
        done(daemon, screen, ask, &said)
    }
}

/// A document, which the daemon judges.
fn read(path: &Path) -> Result<String, Error> {
    let failed = |why: String| Error::File { path: path.to_owned(), why };
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    file.take(MOST + 1).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
    if text.len() as u64 > MOST {
        return Err(failed(format!("it has more than {MOST} bytes")));
    }
    Ok(text)
}

fn bounded(tags: &[(String, String)]) -> Result<Tags, Error> {
    List::new(tags.to_vec()).ok_or_else(|| Error::Usage("--tag is given more than 20 times".into()))
}

fn all(daemon: &Daemon) -> Result<(bool, Vec<Policy>), Error> {
    match daemon.ask(&Ask::Organization(Organization::Policies))? {
        Told::Organization(Answer::Policies { on, policies }) => Ok((on, policies.into_vec())),
        _ => Err(Error::Unknown),
    }
}

fn as_json(policy: &Policy) -> Value {
    let tags = policy.tags.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
    json!({
        "name": policy.name,
        "description": policy.description,
        "attached": policy.attached.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "tags": Value::Object(tags),
        "updated": policy.updated,
        "document": serde_json::from_str::<Value>(&policy.document).unwrap_or_default(),
    })
}

fn list(daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
    let (on, policies) = all(daemon)?;
    let shown = json!({ "enabled": on, "policies": policies.iter().map(as_json).collect::<Vec<_>>() });
    screen.table(&shown, |_| {
        let columns =
            [Column::text("NAME", 12), Column::text("ATTACHED TO", 12), Column::text("DESCRIPTION", 12)];
        let none = match on {
            true => "There are no tag policies: `tag-policy create` makes one.",
            false => "Tag policies are not enabled: `tag-policy enable`.",
        };
        let mut table = Table::new(&columns, none);
        for policy in &policies {
            let attached: Vec<_> = policy.attached.iter().map(ToString::to_string).collect();
            let attached = match (on, attached.is_empty()) {
                (_, true) => Cell::from("nothing"),
                (true, _) => Cell::from(attached.join(", ")),
                (false, _) => Cell::from(format!("{} (not enabled)", attached.join(", "))).styled(BAD),
            };
            table.row(vec![Cell::from(&policy.name), attached, Cell::from(&policy.description)]);
        }
        table
    })
}

fn show(daemon: &Daemon, screen: &Screen, name: &str) -> Result<(), Error> {
    let (_, policies) = all(daemon)?;
    let policy = policies.into_iter().find(|policy| policy.name == name);
    let policy = policy.ok_or_else(|| Error::Failed(format!("there is no tag policy {name:?}")))?;
    screen.show(&as_json(&policy), |_| {
        let attached: Vec<_> = policy.attached.iter().map(|target| printable(&target.to_string())).collect();
        let attached = if attached.is_empty() { "nothing".to_owned() } else { attached.join(", ") };
        let mut text = format!("{}\nattached to  {attached}\n", printable(&policy.name));
        if !policy.description.is_empty() {
            text += &format!("description  {}\n", printable(&policy.description));
        }
        for (key, value) in policy.tags.iter() {
            text += &format!("tag          {}={}\n", printable(key), printable(value));
        }
        text + &pretty(&policy.document)
    })
}

/// JSON for people.
fn pretty(document: &str) -> String {
    let json = serde_json::from_str::<Value>(document).unwrap_or_default();
    serde_json::to_string_pretty(&json).unwrap_or_default()
}

fn rules(daemon: &Daemon, screen: &Screen, account: Option<String>) -> Result<(), Error> {
    match daemon.ask(&Ask::Organization(Organization::Rules { account }))? {
        Told::Organization(Answer::Rules(rules)) => screen.text(&pretty(&rules)),
        _ => Err(Error::Unknown),
    }
}

fn check(daemon: &Daemon, screen: &Screen, account: Option<String>) -> Result<(), Error> {
    let told = daemon.ask(&Ask::Organization(Organization::Breaches { account }))?;
    let Told::Organization(Answer::Breaches { breaches, count }) = told else { return Err(Error::Unknown) };
    let row = |one: &Breach| {
        json!({
            "type": one.kind,
            "project_id": one.project,
            "id": one.id,
            "name": one.name,
            "key": one.key,
            "value": one.value,
            "expected": one.expected,
        })
    };
    let shown: Vec<_> = breaches.iter().map(row).collect();
    screen.table(&shown, |_| {
        let columns = [
            Column::text("TYPE", 8),
            Column::text("NAME", 10),
            Column::text("ID", 12),
            Column::text("TAG", 12),
            Column::text("EXPECTED", 12),
        ];
        let mut table = Table::new(&columns, "Every tag keeps to the tag policies.");
        for one in breaches.iter() {
            let tag = format!("{}={}", one.key, one.value);
            table.row([&one.kind, &one.name, &one.id, &tag, &one.expected].map(Cell::from).into());
        }
        table
    })?;
    match (count, breaches.len() as u64) {
        (0, _) => Ok(()),
        (1, _) => Err(Error::Partly("1 tag breaks the tag policies".into())),
        (all, shown) if all > shown => Err(Error::Partly(format!(
            "{all} tags break the tag policies, of which the first {shown} are shown"
        ))),
        (all, _) => Err(Error::Partly(format!("{all} tags break the tag policies"))),
    }
}
