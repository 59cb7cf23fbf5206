//! The commands: a file for each group. What later issues bring (people, quorum, backup, audit) are
//! groups beside these.

mod account;
mod approval;
mod audit;
mod backup;
mod ceremony;
mod clone;
mod database;
mod export;
mod generate;
mod iam;
mod import;
mod instance;
mod key;
mod key_quorum;
mod kms;
mod login;
mod object;
mod partition;
mod people;
mod policy;
mod quorum;
mod roles;
mod root;
mod secret;
mod sign_request;
mod so_pin;
mod status;
mod tag;
mod tag_policy;
mod top;
mod topic;
mod trace;
mod ukey;
mod unit;
mod unseal;
mod user;

use clap::Subcommand;

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;

/// Every command, of the command line and of the console.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Status(status::Status),
    Top(top::Top),
    Unseal(unseal::Unseal),
    #[command(subcommand)]
    Partition(partition::Partition),
    #[command(subcommand)]
    User(user::User),
    #[command(subcommand)]
    Account(account::Account),
    #[command(subcommand)]
    Project(iam::projects::Project),
    #[command(subcommand)]
    Group(iam::groups::Group),
    #[command(subcommand)]
    Ak(iam::keys::Ak),
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Unit(unit::Unit),
    #[command(subcommand)]
    Tag(tag::Tag),
    #[command(subcommand)]
    TagPolicy(tag_policy::TagPolicy),
    #[command(subcommand)]
    Agency(iam::agencies::Agency),
    #[command(subcommand)]
    Topic(topic::Topic),
    #[command(subcommand)]
    Object(object::Object),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    Secret(secret::Secret),
    #[command(subcommand)]
    Database(database::Database),
    Run(secret::Run),
    #[command(subcommand)]
    Import(import::Import),
    #[command(subcommand)]
    Export(export::Export),
    #[command(subcommand)]
    Backup(backup::Backup),
    #[command(subcommand)]
    Clone(clone::Clone),
    #[command(subcommand, name = "ukey")]
    UKey(ukey::UKey),
    Login(login::Login),
    Logout(login::Logout),
    #[command(name = "whoami")]
    WhoAmI(login::WhoAmI),
    #[command(subcommand)]
    People(people::People),
    #[command(subcommand)]
    Quorum(quorum::Quorum),
    #[command(subcommand)]
    Approval(approval::Approval),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Trace(trace::Trace),
    #[command(subcommand)]
    Instance(instance::Instance),
    Roles(roles::Roles),
    Ceremony(ceremony::Ceremony),
    SignRequest(sign_request::SignRequest),
    Seal(root::Seal),
    #[command(subcommand)]
    Root(root::Root),
    Rekey(root::Rekey),
    #[command(subcommand)]
    Zeroize(root::Zeroize),
    #[command(subcommand, hide = true)]
    Generate(generate::Generate),
}

impl Command {
    /// Carries the command out, and shows what came of it.
    pub(crate) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Status(command) => command.run(daemon, screen),
            Self::Top(command) => command.run(daemon, screen),
            Self::Unseal(command) => command.run(daemon, screen),
            Self::Partition(command) => command.run(daemon, screen),
            Self::User(command) => command.run(daemon, screen),
            Self::Account(command) => command.run(daemon, screen),
            Self::Project(command) => command.run(daemon, screen),
            Self::Group(command) => command.run(daemon, screen),
            Self::Ak(command) => command.run(daemon, screen),
            Self::Policy(command) => command.run(daemon, screen),
            Self::Unit(command) => command.run(daemon, screen),
            Self::Tag(command) => command.run(daemon, screen),
            Self::TagPolicy(command) => command.run(daemon, screen),
            Self::Agency(command) => command.run(daemon, screen),
            Self::Topic(command) => command.run(daemon, screen),
            Self::Object(command) => command.run(daemon, screen),
            Self::Key(command) => command.run(daemon, screen),
            Self::Secret(command) => command.run(daemon, screen),
            Self::Database(command) => command.run(daemon, screen),
            Self::Run(command) => command.run(daemon),
            Self::Import(command) => command.run(daemon, screen),
            Self::Export(command) => command.run(daemon, screen),
            Self::Backup(command) => command.run(daemon, screen),
            Self::Clone(command) => command.run(daemon, screen),
            Self::UKey(command) => command.run(screen),
            Self::Login(command) => command.run(daemon, screen),
            Self::Logout(command) => command.run(daemon, screen),
            Self::WhoAmI(command) => command.run(daemon, screen),
            Self::People(command) => command.run(daemon, screen),
            Self::Quorum(command) => command.run(daemon, screen),
            Self::Approval(command) => command.run(daemon, screen),
            Self::Audit(command) => command.run(daemon, screen),
            Self::Trace(command) => command.run(daemon, screen),
            Self::Instance(command) => command.run(daemon, screen),
            Self::Roles(command) => command.run(screen),
            Self::Ceremony(command) => command.run(daemon, screen),
            Self::SignRequest(command) => command.run(screen),
            Self::Seal(command) => command.run(daemon, screen),
            Self::Root(command) => command.run(daemon, screen),
            Self::Rekey(command) => command.run(daemon, screen),
            Self::Zeroize(command) => command.run(daemon, screen),
            Self::Generate(command) => command.run(),
        }
    }
}

/// What can stand in an argument of this name, for completion, behind these words: labels of partitions, and predefined tags.
/// Nothing if the daemon does not answer.
pub(crate) fn known(daemon: &Daemon, argument: &str, before: &[String]) -> Vec<String> {
    let tags = || tag::predefined(daemon).unwrap_or_default().into_iter();
    match argument {
        "partition" => partition::all(daemon)
            .map(|all| all.into_iter().map(|one| one.label).collect())
            .unwrap_or_default(),
        "tag_key" => {
            let mut keys: Vec<_> = tags().map(|(key, _)| key).collect();
            keys.dedup();
            keys
        }
        "tag_value" => tags().filter(|(key, _)| before.last() == Some(key)).map(|(_, value)| value).collect(),
        _ => Vec::new(),
    }
}
