//! Dedicated HSM instances.

use serde::{Deserialize, Serialize};

use super::{Act, Command, given, listed};
use crate::{Bytes, List};

/// The most instances one list brings.
pub const MAX_INSTANCES: usize = 1024;
/// The most tags one order names.
pub const MAX_TAGS: usize = 64;
/// The most ranges one activation allows.
pub const MAX_ALLOWED: usize = 256;

/// What the console asks. An instance is named by its name or its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the fields are what they are called
pub enum Ask {
    /// Orders instances.
    Order(Order),
    /// Every instance, or those with a tag: its key, and its value if that is asked for too.
    List { tag: Option<(String, Option<String>)> },
    /// One instance.
    Show { instance: String },
    /// Allocates an instance that is ordered.
    Allocate { instance: String },
    /// Says what an instance is to be.
    Activate(Box<Activate>),
    /// Initialises an instance, by its security officer.
    Initialise { instance: String, so_pin: Bytes, user_pin: Option<Bytes> },
    /// Gives an instance another partition.
    PartitionAdd { instance: String, label: String, so_pin: Bytes, user_pin: Option<Bytes> },
    /// Takes an instance's term on.
    Renew { instance: String, months: u8 },
    /// Deletes an instance that failed or has expired, with its keys.
    Delete { instance: String },
    /// Adds a tag.
    TagAdd { instance: String, key: String, value: String },
    /// Gives a tag another value.
    TagSet { instance: String, key: String, value: String },
    /// Takes a tag away.
    TagRemove { instance: String, key: String },
    /// A certificate for a client.
    Certificate { instance: String, client: String },
    /// Revokes a client's certificate.
    Revoke { instance: String, client: String },
    /// Lets clients come from a range of addresses.
    Allow { instance: String, range: String },
    /// Lets them come from there no more.
    Disallow { instance: String, range: String },
    /// Opens a door for the public, or closes it.
    Publish { instance: String, at: Option<String> },
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The name; of several, what their names begin with.
    pub name: String,
    /// The edition.
    pub edition: String,
    /// The project.
    pub project: String,
    /// How many.
    pub quantity: u16,
    /// Whether it is for tests alone.
    pub test_only: bool,
    /// For how many months.
    pub months: u8,
    /// Tags of each: keys and values.
    pub tags: List<(String, String), MAX_TAGS>,
    /// The account that they are for, by name or id; none if they are for no account of the cloud services.
    pub account: Option<String>,
}

/// What an instance is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activate {
    /// The instance.
    pub instance: String,
    /// Another name than it was ordered with.
    pub name: Option<String>,
    /// The zone that it is in.
    pub zone: String,
    /// Its type: `server`, `finance` or `signature`.
    pub kind: String,
    /// The network, by name.
    pub vpc: String,
    /// The range that its addresses are from.
    pub subnet: String,
    /// The address that clients use, and those of the two nodes; none takes three that are free.
    pub addresses: Option<[String; 3]>,
    /// The port.
    pub port: u16,
    /// The allow-list, by name.
    pub security_group: String,
    /// From where clients may come.
    pub allowed: List<String, MAX_ALLOWED>,
    /// How much it may hold.
    pub limits: Limits,
}

/// How much an instance may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Partitions.
    pub partitions: u16,
    /// Sessions that are open at once on each of them.
    pub sessions: u64,
    /// Token objects in each of them.
    pub objects: u64,
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Order(order) => Act::new(Command::InstanceOrder)
                .with("name", &order.name)
                .with("quantity", order.quantity)
                .with("months", order.months)
                .with("edition", &order.edition)
                .with("test-only", order.test_only)
                .with("tags", listed(&order.tags))
                .with("account", order.account.as_deref().unwrap_or("none")),
            Self::List { .. } => Act::new(Command::InstanceList),
            Self::Show { instance } => Act::new(Command::InstanceShow).on(instance),
            Self::Allocate { instance } => Act::new(Command::InstanceAllocate).on(instance),
            Self::Activate(to) => Act::new(Command::InstanceActivate)
                .on(&to.instance)
                .with("name", to.name.as_deref().unwrap_or("as ordered"))
                .with("zone", &to.zone)
                .with("type", &to.kind)
                .with("vpc", &to.vpc)
                .with("subnet", &to.subnet)
                .with(
                    "addresses",
                    to.addresses.as_ref().map_or_else(|| "free ones".into(), |all| all.join(" ")),
                )
                .with("port", to.port)
                .with("security-group", &to.security_group)
                .with("allow", to.allowed.join(" "))
                .with("partitions", to.limits.partitions)
                .with("sessions", to.limits.sessions)
                .with("objects", to.limits.objects),
            Self::Initialise { instance, user_pin, .. } => {
                Act::new(Command::InstanceInitialise).on(instance).with("user-pin", given(user_pin))
            }
            Self::PartitionAdd { instance, label, user_pin, .. } => Act::new(Command::InstancePartition)
                .on(instance)
                .with("label", label)
                .with("user-pin", given(user_pin)),
            Self::Renew { instance, months } => {
                Act::new(Command::InstanceRenew).on(instance).with("months", months)
            }
            Self::Delete { instance } => Act::new(Command::InstanceDelete).on(instance),
            Self::TagAdd { instance, key, value } | Self::TagSet { instance, key, value } => {
                Act::new(Command::InstanceTag).on(instance).with("key", key).with("value", value)
            }
            Self::TagRemove { instance, key } => Act::new(Command::InstanceTag).on(instance).with("key", key),
            Self::Certificate { instance, client } => {
                Act::new(Command::InstanceCertificate).on(instance).with("client", client)
            }
            Self::Revoke { instance, client } => {
                Act::new(Command::InstanceRevoke).on(instance).with("client", client)
            }
            Self::Allow { instance, range } => {
                Act::new(Command::InstanceAllow).on(instance).with("allow", range)
            }
            Self::Disallow { instance, range } => {
                Act::new(Command::InstanceAllow).on(instance).with("refuse", range)
            }
            Self::Publish { instance, at } => {
                let at = at.as_deref().unwrap_or("none");
                Act::new(Command::InstanceEip).on(instance).with("address", at)
            }
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Order`] and [`Ask::List`].
    Instances(List<Instance, MAX_INSTANCES>),
    /// One instance: shown or changed.
    Instance(Box<Instance>),
    /// To [`Ask::Certificate`].
    Certificate(Box<Certificate>),
}

/// An instance, as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: String,
    /// Its edition.
    pub edition: String,
    /// Its project.
    pub project: String,
    /// The account that it is for, by name.
    pub account: Option<String>,
    /// The order that it came with.
    pub order: String,
    /// Whether it is for tests alone.
    pub test_only: bool,
    /// When it was ordered, in seconds since 1970.
    pub created: u64,
    /// For how many months it was ordered.
    pub months: u8,
    /// When its term ends, in seconds since 1970; none before it is activated.
    pub expires: Option<u64>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// What it is, once it is activated.
    pub active: Option<Active>,
    /// How much it may hold.
    pub limits: Limits,
    /// Its partitions: slot numbers and labels.
    pub partitions: Vec<(u64, String)>,
    /// Whether its security officer has initialised it.
    pub initialised: bool,
    /// For whom certificates are.
    pub clients: Vec<String>,
    /// Why it could not be made, or why clients cannot reach it.
    pub failure: Option<String>,
    /// What comes next, in words as under a heading.
    pub next: String,
}

/// What an instance is once it is activated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// The zone that it is in.
    pub zone: String,
    /// Its type.
    pub kind: String,
    /// What that offers.
    pub services: Vec<String>,
    /// The network.
    pub vpc: String,
    /// The range that its addresses are from.
    pub subnet: String,
    /// The address that clients use.
    pub address: String,
    /// Those of the two nodes.
    pub nodes: [String; 2],
    /// The port.
    pub port: u16,
    /// The allow-list.
    pub security_group: String,
    /// From where clients may come.
    pub allowed: Vec<String>,
    /// Where it listens for the public.
    pub public: Option<String>,
}

/// What a client needs to reach an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The instance.
    pub instance: String,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// By what name the instance shows its own certificate.
    pub server_name: String,
    /// The instance's authority (PEM).
    pub authority: String,
    /// The client's certificate (PEM).
    pub certificate: String,
    /// The client's private key (PEM).
    pub key: Bytes,
}
