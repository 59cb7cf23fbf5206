//! Why something cannot be done with an instance, in words for the people at the console.

use std::net::IpAddr;

use hsm::people::PeopleError;

use super::network::Cidr;
use super::order::{MAX_INSTANCES, MAX_MONTHS, MAX_NAME, MAX_QUANTITY};
use super::state::{Next, OutOfOrder};
use crate::tag::TagError;

/// Why not. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum InstanceError {
    // Orders.
    #[error("an instance's name has 1 to {MAX_NAME} letters, digits, _ and -, which {0:?} has not")]
    Name(String),
    #[error("there is an instance {0:?} already")]
    NameTaken(String),
    #[error("no name is left that begins with {0:?}")]
    NoNameLeft(String),
    #[error("instances belong to the project `default`: there are no others, such as {0:?}")]
    Project(String),
    #[error("there is no edition {0:?}: expected platinum")]
    Edition(String),
    #[error("an order is for 1 to {MAX_QUANTITY} instances, not for {0}")]
    Quantity(u16),
    #[error(
        "one instance is for tests alone, as nothing takes its place when it fails: order two, or say --test-only"
    )]
    Single,
    #[error("a term has 1 to {MAX_MONTHS} months, not {0}")]
    Months(u8),
    #[error("there are {MAX_INSTANCES} instances, and there is room for no more")]
    Full,
    #[error(transparent)]
    Tag(#[from] TagError),

    // The life cycle.
    #[error("there is no instance {0:?}: expected a name or an id")]
    Unknown(String),
    #[error("{name}: {why}")]
    OutOfOrder { name: String, why: OutOfOrder },
    #[error(
        "{0} is initialised by its security officer, with a UKey: register one with `people add partition-so`, and log in with --ukey"
    )]
    NeedsOfficer(String),
    #[error("{name} has no certificates before it is initialised: {next}")]
    NotInitialised { name: String, next: Next },
    #[error("{name} has {limit} partitions, and that is its limit")]
    Partitions { name: String, limit: u16 },
    #[error("an instance holds at least 1 partition, 1 session and 1 object")]
    Limits,
    #[error("somebody else changed it meanwhile: look again")]
    ChangedMeanwhile,

    // Where it is.
    #[error("{0} is named with 1 to 64 letters, digits, _, - and spaces")]
    Label(&'static str),
    #[error("the subnet {0} has no three addresses that are free")]
    NoAddress(Cidr),
    #[error("{address} is not in the subnet {subnet}")]
    Outside { address: IpAddr, subnet: Cidr },
    #[error("an instance has three addresses, and {0} is there twice")]
    AddressTwice(IpAddr),
    #[error("{address} is an address of instance {of}")]
    AddressTaken { address: IpAddr, of: String },
    #[error("a port has a number from 1 to 65535")]
    Port,
    #[error("nobody could come: say from where clients may, with --allow")]
    NobodyAllowed,
    #[error("an allow-list has at most {0} ranges")]
    TooManyAllowed(usize),
    #[error("{0} is allowed already")]
    AllowedAlready(Cidr),
    #[error("{0} is not on the list")]
    NotAllowed(Cidr),
    #[error("{0:?} has a certificate already: revoke that first")]
    ClientTwice(String),
    #[error("no certificate is for {0:?}")]
    NoClient(String),
    #[error("an instance has at most {0} certificates: revoke one first")]
    TooManyClients(usize),

    #[error("the record of an instance does not decode")]
    Malformed,
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    Hsm(#[from] hsm::Error),
}
