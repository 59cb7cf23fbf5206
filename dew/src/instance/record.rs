//! An instance as it is kept.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use hsm::service::Described;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::kind::{Edition, Type};
use super::network::Cidr;
use super::state::{Next, Status};
use crate::iam::AccountId;
use crate::tag::Tags;

/// What tells an instance from all others: random, given once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Id(pub [u8; 16]);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What is kept of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its number, which names it in the HSM.
    pub number: u64,
    /// Its id.
    pub id: Id,
    /// Its name, of which there is one.
    pub name: String,
    /// Its edition.
    pub edition: Edition,
    /// The order that it came with.
    pub order: Id,
    /// Whether it is for tests alone: ordered without a second.
    pub test_only: bool,
    /// When it was ordered, in seconds since 1970.
    pub ordered: u64,
    /// For how many months.
    pub months: u8,
    /// Where it stood when that was last written: see [`Self::status`].
    pub stage: Status,
    /// Why it could not be made.
    pub failure: Option<String>,
    /// When its term ends, in seconds since 1970; none before it is activated.
    pub until: Option<u64>,
    /// Its tags.
    pub tags: Tags,
    /// What it is, once it is activated.
    pub activation: Option<Activation>,
    /// How much it may hold.
    pub limits: Limits,
    /// Whether its security officer has initialised it.
    pub initialised: bool,
    /// By what its clients know it, and it them.
    pub access: Option<Access>,
    /// The account of the cloud services that it is for, if any.
    pub account: Option<AccountId>,
}

/// What an instance is made to be when it is activated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The zone that it is in.
    pub zone: String,
    /// What it offers.
    pub kind: Type,
    /// The network, by name.
    pub vpc: String,
    /// The addresses that it has its own from.
    pub subnet: Cidr,
    /// The address that clients use: it is that of the node that serves.
    pub address: IpAddr,
    /// Those of the two nodes.
    pub nodes: [IpAddr; 2],
    /// The port.
    pub port: u16,
    /// The allow-list, by name.
    pub security_group: String,
    /// From where clients may come.
    pub allowed: Vec<Cidr>,
    /// Where it listens for the public, if it does.
    pub public: Option<SocketAddr>,
}

impl Activation {
    /// Its addresses: the one that clients use, and those of its nodes.
    #[must_use]
    pub const fn addresses(&self) -> [IpAddr; 3] {
        let [one, two] = self.nodes;
        [self.address, one, two]
    }

    /// Where it listens.
    #[must_use]
    pub fn doors(&self) -> Vec<SocketAddr> {
        [Some(SocketAddr::new(self.address, self.port)), self.public].into_iter().flatten().collect()
    }

    /// Whether a client may come from there.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|range| range.contains(address))
    }
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

impl Default for Limits {
    fn default() -> Self {
        Self { partitions: 8, sessions: 4096, objects: 100_000 }
    }
}

/// The instance's own authority, and whom it has given certificates.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Its certificate (DER).
    pub authority: Vec<u8>,
    /// Its private key (PKCS #8, DER).
    pub key: Vec<u8>,
    /// The certificates that are good.
    pub issued: Vec<Issued>,
}

/// Its key is not printed.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("issued", &self.issued).finish_non_exhaustive()
    }
}

/// A certificate that gives access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// For whom it is.
    pub client: String,
    /// SHA-256 of it.
    pub digest: [u8; 32],
    /// When it was issued, in seconds since 1970.
    pub at: u64,
}

impl Instance {
    /// Where it stands at this time, in seconds since 1970.
    #[must_use]
    pub fn status(&self, now: u64) -> Status {
        match (self.stage, self.until) {
            (Status::Running, Some(until)) if now >= until => Status::Frozen,
            (stage, _) => stage,
        }
    }

    /// What comes next for it at this time.
    #[must_use]
    pub fn next(&self, now: u64) -> Next {
        match self.status(now) {
            Status::Running if !self.initialised => Next::due(
                "its security officer is registered with a UKey (`people add partition-so`), and initialises it: `instance initialise`",
            ),
            Status::Running if self.access.as_ref().is_none_or(|access| access.issued.is_empty()) => {
                Next::due("its security officer gives a client a certificate: `instance certificate`")
            }
            status => status.next(),
        }
    }
}

/// What tells an instance from others, from its record: for a restore, which brings instances back with their
/// authority and the certificates that it issued, so that clients go on.
pub(crate) fn described(record: &[u8]) -> Option<Described> {
    let Instance { id, name, activation, stage, .. } = postcard::from_bytes(record).ok()?;
    let activation = activation.filter(|_| stage != Status::CreationFailed);
    let places = activation.map_or_else(Vec::new, |activation| {
        let doors = activation.doors().into_iter().map(|door| door.to_string());
        activation.addresses().iter().map(ToString::to_string).chain(doors).collect()
    });
    Some(Described { id: id.0, name, places, partition: None })
}

/// The same time of day so many months later, on the last day of a month that is too short.
#[must_use]
pub fn months_after(seconds: u64, months: u8) -> u64 {
    let later = i64::try_from(seconds).ok().and_then(|seconds| {
        let then = Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC);
        let later = then.checked_add(i64::from(months).months()).ok()?;
        u64::try_from(later.timestamp().as_second()).ok()
    });
    later.unwrap_or(seconds) // no time that a clock tells is so late
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_on_the_same_day_or_the_last() {
        let second = |text: &str| u64::try_from(text.parse::<Timestamp>().unwrap().as_second()).unwrap();
        assert_eq!(months_after(second("2026-01-31T10:00:00Z"), 1), second("2026-02-28T10:00:00Z"));
        assert_eq!(months_after(second("2024-01-31T10:00:00Z"), 1), second("2024-02-29T10:00:00Z"));
        assert_eq!(months_after(second("2026-11-22T00:00:00Z"), 12), second("2027-11-22T00:00:00Z"));
        assert_eq!(months_after(u64::MAX, 1), u64::MAX);
    }
}
