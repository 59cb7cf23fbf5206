//! `instance`: dedicated HSM instances, from their order to their end.

use clap::{Args, Subcommand};
use wire::admin::instance::{self as protocol, Instance as Shown, MAX_ALLOWED, MAX_TAGS};
use wire::admin::{Ask, Told};
use wire::{Bytes, List};

use super::partition::{Pins, people as partition_in_full};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret::{self, Prompt};

mod files;
mod show;

use show::{in_full, table, tag_table};

/// Order, run and end dedicated HSM instances: groups of partitions with doors, people and limits of their own
#[derive(Debug, Subcommand)]
pub(crate) enum Instance {
    Order(Order),
    /// List instances
    List {
        /// Only those with this tag, or with this value of it
        #[arg(long, value_name = "KEY[=VALUE]", value_parser = parse_search)]
        tag: Option<Search>,
    },
    /// Show one instance in full
    Show {
        /// Its name or id
        instance: String,
    },
    /// Allocate an instance that was ordered
    Allocate {
        /// Its name or id
        instance: String,
    },
    Activate(Box<Activate>),
    Initialise(Initialise),
    /// Give an instance another partition, as its security officer
    Partition(AddPartition),
    /// Take an instance's term on: from its end, or from now if that is past
    Renew {
        /// Its name or id
        instance: String,
        /// For how many months, 1 to 12
        #[arg(long)]
        months: u8,
    },
    Delete(Delete),
    /// Tags, by which people find instances
    #[command(subcommand)]
    Tag(Tag),
    Certificate(files::Certificate),
    /// Take a client's certificate for good no more; its connections end
    Revoke {
        /// The instance's name or id
        instance: String,
        /// For whom the certificate is
        client: String,
    },
    /// From which addresses clients may come
    #[command(subcommand)]
    Allow(Allow),
    /// A second address for clients, of the public network
    #[command(subcommand)]
    Eip(Eip),
}

/// Order instances
#[derive(Debug, Args)]
pub(crate) struct Order {
    /// The name: letters, digits, _ and -; several get -0001 and so on behind it
    name: String,

    /// How many, 2 to 20; 1 is for tests alone
    #[arg(long, default_value_t = 2)]
    quantity: u16,

    /// They are for tests alone: one will do
    #[arg(long)]
    test_only: bool,

    /// For how many months, 1 to 12
    #[arg(long)]
    months: u8,

    /// The edition
    #[arg(long, default_value = "platinum")]
    edition: String,

    /// The project; there is one
    #[arg(long, default_value = "default")]
    project: String,

    /// The account of the cloud services that they are for: it sees traces of them
    #[arg(long)]
    account: Option<String>,

    /// A tag of each (repeatable, at most 20)
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = parse_tag)]
    tags: Vec<(String, String)>,
}

/// Say what an instance is to be, once and for all
#[derive(Debug, Args)]
pub(crate) struct Activate {
    /// Its name or id
    instance: String,

    /// What it offers; it cannot be changed later
    #[arg(long = "type", value_parser = ["server", "finance", "signature"])]
    kind: String,

    /// The network that it is in, by name
    #[arg(long)]
    vpc: String,

    /// The range that its three addresses are from, such as 192.168.0.0/24
    #[arg(long, value_name = "CIDR")]
    subnet: String,

    /// The address that clients use, one of this machine [default: three that are free]
    #[arg(long, requires = "nodes")]
    address: Option<String>,

    /// The addresses of its two nodes
    #[arg(long, num_args = 2, value_names = ["ONE", "TWO"], requires = "address")]
    nodes: Vec<String>,

    /// The port
    #[arg(long, default_value_t = 2773)]
    port: u16,

    /// The zone that it is in
    #[arg(long, default_value = "az1")]
    az: String,

    /// The name of its allow-list
    #[arg(long, default_value = "default")]
    security_group: String,

    /// From where clients may come (repeatable)
    #[arg(long = "allow", value_name = "CIDR", required = true)]
    allowed: Vec<String>,

    /// Another name than it was ordered with
    #[arg(long)]
    name: Option<String>,

    /// The most partitions
    #[arg(long, default_value_t = 8)]
    partitions: u16,

    /// The most sessions at once on each partition
    #[arg(long, default_value_t = 4096)]
    sessions: u64,

    /// The most objects in each partition
    #[arg(long, default_value_t = 100_000)]
    objects: u64,
}

/// Initialise an instance's first partition, as its security officer with a UKey
#[derive(Debug, Args)]
pub(crate) struct Initialise {
    /// Its name or id
    instance: String,

    /// Do not ask before objects are destroyed
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    pins: Pins,
}

#[derive(Debug, Args)]
pub(crate) struct AddPartition {
    /// The instance's name or id
    instance: String,

    /// The new token's label, at most 32 bytes
    label: String,

    #[command(flatten)]
    pins: Pins,
}

/// Delete an instance that could not be made, or has expired, with all its keys
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Its name or id
    instance: String,

    /// Do not ask before keys are destroyed
    #[arg(long)]
    yes: bool,
}

/// What is done with tags.
#[derive(Debug, Subcommand)]
pub(crate) enum Tag {
    /// Add a tag
    Add {
        /// The instance's name or id
        instance: String,
        /// The tag's key
        key: String,
        /// The tag's value
        #[arg(default_value = "")]
        value: String,
    },
    /// Show the tags of an instance
    List {
        /// The instance's name or id
        instance: String,
    },
    /// Give a tag another value
    Set {
        /// The instance's name or id
        instance: String,
        /// The tag's key
        key: String,
        /// The tag's new value
        value: String,
    },
    /// Take a tag away
    Remove {
        /// The instance's name or id
        instance: String,
        /// The tag's key
        key: String,
    },
}

/// What is done with the allow-list.
#[derive(Debug, Subcommand)]
pub(crate) enum Allow {
    /// Let clients come from there
    Add {
        /// The instance's name or id
        instance: String,
        /// A range of addresses, such as 10.0.0.0/24
        range: String,
    },
    /// Let clients come from there no more; their connections end
    Remove {
        /// The instance's name or id
        instance: String,
        /// A range that is on the list
        range: String,
    },
}

/// What is done with the public address.
#[derive(Debug, Subcommand)]
pub(crate) enum Eip {
    /// Open a door at a public address; the allow-list holds there too
    Bind {
        /// The instance's name or id
        instance: String,
        /// An address of this machine and a port, such as 203.0.113.9:2773
        address: String,
    },
    /// Close it
    Unbind {
        /// The instance's name or id
        instance: String,
    },
}

/// A tag's key, and its value if that is looked for too.
type Search = (String, Option<String>);

impl Instance {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let named = str::to_owned;
        let ask = match self {
            Self::Order(order) => return screen.table(&told_all(daemon, order.ask()?)?, |made| table(made)),
            Self::List { tag } => {
                let all = told_all(daemon, protocol::Ask::List { tag: tag.clone() })?;
                return screen.table(&all, |all| table(all));
            }
            Self::Activate(activate) => activate.ask()?,
            Self::Initialise(initialise) => initialise.ask(daemon)?,
            Self::Partition(add) => return add.run(daemon, screen),
            Self::Delete(delete) => return delete.run(daemon, screen),
            Self::Tag(Tag::List { instance }) => {
                return screen.show(&one(daemon, instance)?.tags, |tags| tag_table(tags));
            }
            Self::Certificate(certificate) => return certificate.run(daemon, screen),
            Self::Show { instance } => protocol::Ask::Show { instance: named(instance) },
            Self::Allocate { instance } => protocol::Ask::Allocate { instance: named(instance) },
            Self::Renew { instance, months } => {
                protocol::Ask::Renew { instance: named(instance), months: *months }
            }
            Self::Revoke { instance, client } => {
                protocol::Ask::Revoke { instance: named(instance), client: named(client) }
            }
            Self::Tag(tag) => tag.ask(),
            Self::Allow(Allow::Add { instance, range }) => {
                protocol::Ask::Allow { instance: named(instance), range: named(range) }
            }
            Self::Allow(Allow::Remove { instance, range }) => {
                protocol::Ask::Disallow { instance: named(instance), range: named(range) }
            }
            Self::Eip(Eip::Bind { instance, address }) => {
                protocol::Ask::Publish { instance: named(instance), at: Some(named(address)) }
            }
            Self::Eip(Eip::Unbind { instance }) => {
                protocol::Ask::Publish { instance: named(instance), at: None }
            }
        };
        screen.show(&told_one(daemon, ask)?, in_full)
    }
}

impl Order {
    fn ask(&self) -> Result<protocol::Ask, Error> {
        Ok(protocol::Ask::Order(protocol::Order {
            name: self.name.clone(),
            edition: self.edition.clone(),
            project: self.project.clone(),
            quantity: self.quantity,
            test_only: self.test_only,
            months: self.months,
            tags: bounded(&self.tags, MAX_TAGS, "--tag")?,
            account: self.account.clone(),
        }))
    }
}

impl Activate {
    fn ask(&self) -> Result<protocol::Ask, Error> {
        let addresses = match (&self.address, self.nodes.as_slice()) {
            (Some(address), [one, two]) => Some([address.clone(), one.clone(), two.clone()]),
            _ => None,
        };
        Ok(protocol::Ask::Activate(Box::new(protocol::Activate {
            instance: self.instance.clone(),
            name: self.name.clone(),
            zone: self.az.clone(),
            kind: self.kind.clone(),
            vpc: self.vpc.clone(),
            subnet: self.subnet.clone(),
            addresses,
            port: self.port,
            security_group: self.security_group.clone(),
            allowed: bounded(&self.allowed, MAX_ALLOWED, "--allow")?,
            limits: protocol::Limits {
                partitions: self.partitions,
                sessions: self.sessions,
                objects: self.objects,
            },
        })))
    }
}

impl Initialise {
    fn ask(&self, daemon: &Daemon) -> Result<protocol::Ask, Error> {
        let now = one(daemon, &self.instance)?;
        if now.initialised && !self.yes {
            let name = &now.name;
            let consequence = format!(
                "{name} is initialised already. Doing it again destroys what is in its first partition."
            );
            secret::confirm(&consequence, "its name", name)?;
        }
        let prompt = if now.initialised { Prompt::Once } else { Prompt::Twice };
        let (so_pin, user_pin) = self.pins.obtain(prompt)?;
        Ok(protocol::Ask::Initialise { instance: now.name, so_pin, user_pin })
    }
}

impl AddPartition {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let (so_pin, user_pin): (Bytes, _) = self.pins.obtain(Prompt::Twice)?;
        let (instance, label) = (self.instance.clone(), self.label.clone());
        let ask = protocol::Ask::PartitionAdd { instance, label, so_pin, user_pin };
        match daemon.ask(&Ask::Instance(ask))? {
            Told::Partition(made) => screen.show(&*made, partition_in_full),
            _ => Err(Error::Unknown),
        }
    }
}

impl Delete {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let doomed = one(daemon, &self.instance)?;
        if !self.yes {
            let consequence = format!(
                "This is {}, which is {}. Deleting it destroys all keys in its {} partitions for good.",
                doomed.name,
                doomed.status,
                doomed.partitions.len()
            );
            secret::confirm(&consequence, "its name", &doomed.name)?;
        }
        // By its id: what was looked at is what is deleted.
        match daemon.ask(&Ask::Instance(protocol::Ask::Delete { instance: doomed.id.clone() }))? {
            Told::Done => screen.show(&doomed, |doomed| format!("Deleted {}.", doomed.name)),
            _ => Err(Error::Unknown),
        }
    }
}

impl Tag {
    fn ask(&self) -> protocol::Ask {
        match self.clone_words() {
            (instance, key, Some(value), true) => protocol::Ask::TagAdd { instance, key, value },
            (instance, key, Some(value), false) => protocol::Ask::TagSet { instance, key, value },
            (instance, key, None, _) => protocol::Ask::TagRemove { instance, key },
        }
    }

    /// Instance, key, value if there is one, and whether the tag is new.
    fn clone_words(&self) -> (String, String, Option<String>, bool) {
        match self {
            Self::Add { instance, key, value } => (instance.clone(), key.clone(), Some(value.clone()), true),
            Self::Set { instance, key, value } => (instance.clone(), key.clone(), Some(value.clone()), false),
            Self::Remove { instance, key } => (instance.clone(), key.clone(), None, false),
            Self::List { instance } => (instance.clone(), String::new(), None, false),
        }
    }
}

fn bounded<T: Clone, const N: usize>(all: &[T], most: usize, option: &str) -> Result<List<T, N>, Error> {
    List::new(all.to_vec()).ok_or_else(|| Error::Usage(format!("{option} is given more than {most} times")))
}

fn told_all(daemon: &Daemon, ask: protocol::Ask) -> Result<Vec<Shown>, Error> {
    match daemon.ask(&Ask::Instance(ask))? {
        Told::Instance(protocol::Told::Instances(all)) => Ok(all.into_vec()),
        _ => Err(Error::Unknown),
    }
}

fn told_one(daemon: &Daemon, ask: protocol::Ask) -> Result<Shown, Error> {
    match daemon.ask(&Ask::Instance(ask))? {
        Told::Instance(protocol::Told::Instance(one)) => Ok(*one),
        _ => Err(Error::Unknown),
    }
}

fn one(daemon: &Daemon, instance: &str) -> Result<Shown, Error> {
    told_one(daemon, protocol::Ask::Show { instance: instance.to_owned() })
}

pub(super) fn parse_tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.is_empty() { Err("expected KEY=VALUE".into()) } else { Ok((key.to_owned(), value.to_owned())) }
}

fn parse_search(text: &str) -> Result<Search, String> {
    let (key, value) = parse_tag(text)?;
    Ok((key, text.contains('=').then_some(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_key_and_a_value_and_a_search_may_leave_the_value_out() {
        assert_eq!(parse_tag("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(parse_tag("a"), Ok(("a".into(), String::new())));
        assert!(parse_tag("=b").is_err());
        assert_eq!(parse_search("a"), Ok(("a".into(), None)));
        assert_eq!(parse_search("a="), Ok(("a".into(), Some(String::new()))));
    }
}
