//! `policy`: the policies of the cloud services, and what they decide.

use clap::Subcommand;
use serde_json::json;
use wire::admin::account::{Ask as Accounts, Decision, Told as Answer};
use wire::admin::{Ask, Told};

use super::iam::{build, policies};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::printable;

const EXAMPLES: &str = "\
ACCOUNT/POLICY names a policy of the account or, where none has that name, of
the system.

Examples:
  hsm-admin policy list acme --system
  hsm-admin policy show 'acme/KMS CMKReadOnlyAccess'
  hsm-admin policy create acme/decrypt-only decrypt-only.json
  hsm-admin policy build acme/sign-only
  hsm-admin policy attach acme/decrypt-only --group operators --project local-1
  hsm-admin policy explain acme/ann kms:cmk:decryptData '*'";

const EXPLAIN_EXAMPLES: &str = "\
What is decided is what a request gets now that the user signs with a lasting
access key: by the policies of its groups and its own, all there is for a root
user, what users may do to themselves, who may change the root user, and grants
on a key of the KMS. Such a key
is named by its id, and looked at in its project, with its enterprise project,
tags and kind; so is a secret of CSMS, by its name, in the project that is named.
What is no such thing is taken for one without tags in the default enterprise
project. A user's access keys and devices are named by the user's id.

Not looked at are whether the key or anything else is in a state for it, or a
quota used up; where the request comes from, with what client, which tags it
gives, and whether a second factor was shown: conditions on these find nothing;
and what a token for one project, or a key that expires, holds the user to.

Examples:
  hsm-admin policy explain acme/ann kms:cmk:decryptData 0d0466b0-e727-4d9c-b35d-f84bb474a37f
  hsm-admin policy explain acme/ann kms:cmk:create 'kms:local-1::KeyId:*'
  hsm-admin policy explain acme/ann iam:users:createUser '*' --json";

/// IAM: manage policies, give them to groups and users, explain what they decide
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Policy {
    List(policies::List),
    Show(policies::Show),
    Create(policies::Create),
    Build(build::Build),
    Update(policies::Update),
    Delete(policies::Delete),
    Attach(policies::Attach),
    Detach(policies::Detach),
    /// Say whether a user may do something, and which statement decides
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain {
        /// The user: ACCOUNT/NAME, or its id
        user: String,
        /// The action, such as kms:cmk:get
        action: String,
        /// What it is done to: service:region:account:type:path, in which parts
        /// may be empty; or the path alone. `*` is nothing in particular
        resource: String,
    },
}

impl Policy {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::List(command) => command.run(daemon, screen),
            Self::Show(command) => command.run(daemon, screen),
            Self::Create(command) => command.run(daemon, screen),
            Self::Build(command) => command.run(daemon, screen),
            Self::Update(command) => command.run(daemon, screen),
            Self::Delete(command) => command.run(daemon, screen),
            Self::Attach(command) => command.run(daemon, screen),
            Self::Detach(command) => command.run(daemon, screen),
            Self::Explain { user, action, resource } => explain(daemon, screen, user, action, resource),
        }
    }
}

fn explain(daemon: &Daemon, screen: &Screen, user: &str, action: &str, resource: &str) -> Result<(), Error> {
    let (user, action, resource) = (user.to_owned(), action.to_owned(), resource.to_owned());
    let ask = Accounts::Explain { user, action, resource };
    let Told::Account(Answer::Explained(decisions)) = daemon.ask(&Ask::Account(ask))? else {
        return Err(Error::Unknown);
    };
    let row = |one: &Decision| json!({ "action": one.action, "allowed": one.allowed, "why": one.why });
    let shown: Vec<_> = decisions.iter().map(row).collect();
    screen.show(&json!(shown), |_| {
        let line = |one: &Decision| {
            let is = if one.allowed { "allowed" } else { "refused" };
            format!("{}: {is}: {}", printable(&one.action), printable(&one.why))
        };
        decisions.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}
