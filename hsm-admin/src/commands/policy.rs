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
What is decided is what a request of the user gets now, as far as policies go:
those of its groups, its own, and all there is for a root user. A condition on
where a request comes from does not hold here. What a grant on a key gives
comes beside it.

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
