//! `policy`: the policies of the cloud services.

use clap::Subcommand;
use serde_json::json;
use wire::admin::account::{Ask as Accounts, Decision, Told as Answer};
use wire::admin::{Ask, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::printable;

const EXAMPLES: &str = "\
What is decided is what a request gets now that the user signs with a lasting
access key: by the policies of its groups and its own, all there is for a root
user, what users may do to themselves, and who may change the root user. A key
of the KMS is named by its id, and looked at in its project, with its enterprise
project, tags and kind; what is no such key is taken for one without tags in the
default enterprise project. A user's access keys and devices are named by the
user's id.

Not looked at are grants on the key; whether the key or anything else is in a
state for it, or a quota used up; where the request comes from, with what
client, which tags it gives, and whether a second factor was shown: conditions
on these find nothing; and what a token for one project, or a key that expires,
holds the user to.

Examples:
  hsm-admin policy explain acme/ann kms:cmk:decryptData 0d0466b0-e727-4d9c-b35d-f84bb474a37f
  hsm-admin policy explain acme/ann kms:cmk:create 'kms:local-1::KeyId:*'
  hsm-admin policy explain acme/ann iam:users:createUser '*' --json";

/// Explain what policies of the cloud services decide
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Policy {
    /// Say whether a user may do something, and which statement decides
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
        let Self::Explain { user, action, resource } = self;
        let ask =
            Accounts::Explain { user: user.clone(), action: action.clone(), resource: resource.clone() };
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
}
