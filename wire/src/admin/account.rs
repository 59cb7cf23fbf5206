//! Accounts of the cloud services.

use serde::{Deserialize, Serialize};

use super::{Act, Command};
use crate::{Bytes, List};

/// The most accounts one list brings.
pub const MAX_ACCOUNTS: usize = 4096;
/// The most actions that there are.
pub const MAX_ACTIONS: usize = 2048;
/// The most ways that codes are sent by.
pub const MAX_REACHES: usize = 2;
/// The most actions that one name stands for.
pub const MAX_DECISIONS: usize = 256;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Makes an account with a first project, its root user and an access key of that.
    Create {
        /// Its name.
        name: String,
        /// The region of its first project.
        region: String,
    },
    /// Every account.
    List,
    /// Whether deletions from the console need a code, or that they do from now on, or no more.
    Protect {
        /// Its name or id.
        account: String,
        /// What is to be; none looks.
        on: Option<bool>,
        /// To switch it off, or on where codes are sent: a code.
        code: Option<String>,
    },
    /// The virtual MFA device of an account's root user.
    Device {
        /// The account's name or id.
        account: String,
        /// What is done with it.
        step: Step,
    },
    /// Sends a code for the account's root user.
    SendCode {
        /// The account's name or id.
        account: String,
        /// By which way: `email` or `sms`.
        by: String,
    },
    /// Says where codes for the account's root user are sent; what is none stays, and what is empty is no more.
    Contact {
        /// The account's name or id.
        account: String,
        /// The address of mail.
        email: Option<String>,
        /// The number of a telephone.
        phone: Option<String>,
        /// With operation protection on: a code.
        code: Option<String>,
    },
    /// What the policies of a user decide, and why.
    Explain {
        /// The user: its id, or `account/name`.
        user: String,
        /// The action, such as `kms:cmk:get`.
        action: String,
        /// What it is done to: `service:region:account:type:path`, or the path alone.
        resource: String,
    },
    /// Deletes an account that has no keys, with all that is in it.
    Delete {
        /// Its name or id.
        account: String,
        /// With operation protection on: a code of the root user's virtual MFA device.
        code: Option<String>,
    },
    /// Says how an account works.
    Set {
        /// Its name or id.
        account: String,
        /// Whether it uses enterprise projects.
        enterprise_projects: bool,
    },
    /// What policies can say.
    Vocabulary,
    /// Which actions of ours a policy names that there are none of.
    Check {
        /// The policy, as JSON.
        document: Bytes,
    },
}

/// What is done with a virtual MFA device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Makes one, which counts once it is bound.
    Create,
    /// Binds it: two codes in a row show that it is set up.
    Bind {
        /// The first code.
        first: String,
        /// The one after it.
        second: String,
    },
    /// Takes it away.
    Remove {
        /// A code of it.
        code: String,
    },
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Create { name, region } => Act::new(Command::AccountCreate).on(name).with("region", region),
            Self::List
            | Self::Vocabulary
            | Self::Check { .. }
            | Self::Protect { on: None, .. }
            | Self::Explain { .. } => Act::new(Command::AccountList),
            Self::Protect { account, on: Some(on), .. } => {
                Act::new(Command::AccountProtect).on(account).with("on", on)
            }
            Self::Delete { account, .. } => Act::new(Command::AccountDelete).on(account),
            Self::Set { account, enterprise_projects } => {
                Act::new(Command::AccountSet).on(account).with("enterprise-projects", enterprise_projects)
            }
            Self::SendCode { account, by } => Act::new(Command::AccountCode).on(account).with("by", by),
            Self::Contact { account, email, phone, .. } => {
                let given = [("email", email), ("phone", phone)].into_iter();
                let given = given.filter_map(|(what, value)| Some((what, value.as_ref()?)));
                let act = Act::new(Command::AccountContact).on(account);
                given.fold(act, |act, (what, value)| act.with(what, value))
            }
            Self::Device { account, step } => {
                let step = match step {
                    Step::Create => "create",
                    Step::Bind { .. } => "bind",
                    Step::Remove { .. } => "remove",
                };
                Act::new(Command::AccountDevice).on(account).with("step", step)
            }
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Create`]: told once.
    Created(Created),
    /// To [`Ask::List`].
    Accounts(List<Account, MAX_ACCOUNTS>),
    /// To [`Ask::Protect`].
    Protection {
        /// Whether deletions need a code.
        on: bool,
        /// Whether the root user has bound a virtual MFA device.
        device: bool,
        /// Where codes can be sent.
        reaches: List<Reach, MAX_REACHES>,
    },
    /// To [`Ask::SendCode`]: it was sent there.
    Sent(Reach),
    /// To [`Step::Create`]: the device's secret in base32, told once.
    Seed(Bytes),
    /// To the other steps, and to [`Ask::Delete`] and [`Ask::Set`].
    Done,
    /// To [`Ask::Explain`]: one for each action that the name stands for.
    Explained(List<Decision, MAX_DECISIONS>),
    /// To [`Ask::Vocabulary`].
    Vocabulary(Box<Vocabulary>),
    /// To [`Ask::Check`].
    Unknown(List<String, MAX_ACTIONS>),
}

/// What policies can say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// The actions, by service.
    pub actions: List<Action, MAX_ACTIONS>,
    /// The keys that conditions compare, each with what its values are.
    pub keys: List<(String, String), MAX_DECISIONS>,
    /// The operators of conditions, each with what it compares; those for any value have nothing there.
    pub operators: List<(String, String), MAX_DECISIONS>,
}

/// An action that a policy can be about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// The service whose it is.
    pub service: String,
    /// What it does: `list`, `read` or `write`.
    pub access: String,
    /// The type of the resources it is done to.
    pub resource: String,
    /// Whether its service is a global one.
    pub global: bool,
}

/// Where a code can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// By which way: `email` or `sms`.
    pub by: String,
    /// So much of the address as who knows it recognises.
    pub hint: String,
}

/// What is decided on an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The action, by its first name.
    pub action: String,
    /// Whether it may be done.
    pub allowed: bool,
    /// Why, in words: the statement that decided, or what came closest.
    pub why: String,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id, which the interface calls that of a domain.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Its first project.
    pub project: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The account.
    pub account: Account,
    /// The id of its root user.
    pub user: String,
    /// The access key of that user.
    pub access_key: String,
    /// Its secret half, shown once.
    pub secret_key: Bytes,
}
