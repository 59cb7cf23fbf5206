//! People: who is registered with which UKey, in which role, and who is at the console.
//!
//! A person proves to hold a UKey with a signature over a challenge of the daemon. [`Statement`] is what is signed;
//! the bytes are the same on both sides, whatever the release.

use serde::{Deserialize, Serialize};

use super::{Act, Command, Role};
use crate::{Bytes, List};

/// The most people of an HSM.
pub const MAX_PEOPLE: usize = 1024;
/// The most security officers that one initialisation registers.
pub const MAX_FOUNDERS: usize = 32;
/// The context of a signature that logs in.
pub const LOGIN: &str = "Claviger login";
/// The context of a signature by which a UKey is registered.
pub const REGISTER: &str = "Claviger registration";

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// A challenge for the next [`Self::Login`], [`Self::Init`] or [`Self::Add`] on this connection.
    Challenge,
    /// Logs in on this connection.
    Login {
        /// The UKey's id.
        ukey: [u8; 32],
        /// By it, over a [`Statement`] that says nothing more, in the context [`LOGIN`].
        signature: Bytes,
    },
    /// Ends that.
    Logout,
    /// Who is logged in, and what they may do.
    WhoAmI {
        /// On this partition; none asks about the HSM.
        partition: Option<String>,
    },
    /// Everybody.
    List,
    /// One person.
    Show {
        /// The person's name.
        person: String,
    },
    /// Initialises the HSM: from then on it belongs to these security officers.
    Init {
        /// Who they are.
        officers: List<Founder, MAX_FOUNDERS>,
        /// How many must approve the commands that need several from the beginning; 0 needs none.
        quorum: u8,
    },
    /// Gives a person a role; a name that is new registers the person.
    Add {
        /// The person's name.
        person: String,
        /// The UKey, of a new person.
        ukey: Option<Registered>,
        /// The role.
        role: Role,
        /// The partition, for a role of one.
        partition: Option<String>,
    },
    /// Takes a role from a person; who has none left is no longer registered.
    Remove {
        /// The person's name.
        person: String,
        /// The role.
        role: Role,
        /// The partition, for a role of one.
        partition: Option<String>,
    },
    /// Forgets a person's wrong tries.
    Unlock {
        /// The person's name.
        person: String,
    },
    /// Puts the transcript of a ceremony on record.
    Ceremony {
        /// Its SHA-256.
        digest: [u8; 32],
    },
}

/// A UKey to be registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Its id, which is what is approved.
    pub id: [u8; 32],
    /// Its public half, as the crate `ukey` writes it.
    pub public: Bytes,
    /// By it, in the context [`REGISTER`]; none where somebody with the right to do so vouches for it.
    pub signature: Option<Bytes>,
}

/// A security officer of a new HSM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founder {
    /// The person's name.
    pub person: String,
    /// The UKey, with its signature over all founders.
    pub ukey: Registered,
}

/// What a UKey signs to show that it is there.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// The HSM's identity.
    pub hsm: &'a [u8; 32],
    /// The daemon's challenge.
    pub challenge: &'a [u8; 32],
    /// The process at the console's end of the connection, as the daemon sees it.
    pub pid: u32,
    /// What else is stated.
    pub parts: &'a [&'a [u8]],
}

impl Statement<'_> {
    /// The bytes that are signed.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let mut message = [&self.hsm[..], self.challenge, &self.pid.to_be_bytes()].concat();
        for part in self.parts {
            message.extend((part.len() as u64).to_be_bytes());
            message.extend_from_slice(part);
        }
        message
    }
}

/// What the founders of an HSM state together: each one's name and UKey, and how many of them make a quorum.
#[must_use]
pub fn founding(officers: &[Founder], quorum: u8) -> Vec<u8> {
    let mut stated = vec![quorum];
    for Founder { person, ukey } in officers {
        stated.extend((person.len() as u64).to_be_bytes());
        stated.extend_from_slice(person.as_bytes());
        stated.extend_from_slice(&ukey.id);
    }
    stated
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Challenge | Self::WhoAmI { .. } => Act::new(Command::WhoAmI),
            Self::Login { ukey, .. } => Act::new(Command::Login).with("ukey", hex(ukey)),
            Self::Logout => Act::new(Command::Logout),
            Self::List => Act::new(Command::PeopleList),
            Self::Show { person } => Act::new(Command::PeopleShow).on(person),
            Self::Init { officers, quorum } => {
                officers.iter().fold(Act::new(Command::PeopleInit).with("quorum", quorum), |act, founder| {
                    act.with("officer", format!("{} {}", founder.person, hex(&founder.ukey.id)))
                })
            }
            Self::Add { person, ukey, role, partition } => {
                let act = Act::new(Command::adding(*role)).on(person).within(partition.as_deref());
                match ukey {
                    Some(ukey) => act.with("ukey", hex(&ukey.id)),
                    None => act,
                }
            }
            Self::Remove { person, role, partition } => {
                Act::new(Command::removing(*role)).on(person).within(partition.as_deref())
            }
            Self::Unlock { person } => Act::new(Command::PeopleUnlock).on(person),
            Self::Ceremony { digest } => {
                Act::new(Command::CeremonyRecord).with("transcript-sha256", hex(digest))
            }
        }
    }
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Challenge`].
    Challenge {
        /// The HSM's identity.
        hsm: [u8; 32],
        /// Random, good for one answer on this connection.
        challenge: [u8; 32],
        /// The process at the other end of the connection.
        pid: u32,
        /// Whether security officers are registered.
        owned: bool,
    },
    /// To [`Ask::WhoAmI`].
    Me {
        /// Who is logged in.
        person: Option<Person>,
        /// Whether security officers are registered; before, whoever may connect is one.
        owned: bool,
        /// The commands that may be given now, quorum aside.
        may: Vec<Command>,
    },
    /// To [`Ask::List`].
    People(List<Person, MAX_PEOPLE>),
    /// One person: shown, logged in, or changed; none if no longer registered.
    Person(Option<Person>),
}

/// A person, as the console shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The UKey's id, in hexadecimal.
    pub ukey: String,
    /// What the UKey's keys are.
    pub algorithm: String,
    /// What the person is.
    pub roles: Vec<Held>,
    /// Log-ins that failed since the last that succeeded.
    pub failed: u8,
    /// Whether they were so many that no more are looked at.
    pub locked: bool,
}

/// A role of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The role's name.
    pub role: String,
    /// Of this partition; none of the HSM.
    pub partition: Option<u64>,
    /// The partition's label; none if it is gone.
    pub label: Option<String>,
}
