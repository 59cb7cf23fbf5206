//! One event: who did what to which object, when, and what came of it.
//!
//! No field may hold a secret: no PIN, no key value, no plaintext.

use crate::bytes::{Bytes, put_text};
use crate::{Error, Text};

/// The most details of a record.
pub const DETAILS: usize = 24;

/// The action of the record that the log writes when the clock was set back: the one record whose time may lie
/// before its predecessor's.
pub const CLOCK_SET_BACK: &str = "clock.set-back";

/// How far back the clock may go between two records without being a step, in nanoseconds: threads that end at
/// once take their time before they queue.
pub const CLOCK_TOLERANCE: u64 = 1_000_000_000;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number, from 1; the next record has the next number, and none is given twice.
    pub sequence: u64,
    /// When, in nanoseconds since 1970-01-01T00:00:00Z.
    pub time: u64,
    /// What kind of event, which decides at what level it is recorded.
    pub class: Class,
    /// Through which door it came.
    pub door: Door,
    /// The process at the other end of the door, if it is one of this machine.
    pub peer: Option<Peer>,
    /// The token user that was logged in: `SO`, `USER`, or a name; empty if none.
    pub user: Text<64>,
    /// The person that proved to hold a UKey.
    pub person: Option<Person>,
    /// What was done, a word such as `key.generate`.
    pub action: Text<64>,
    /// The partition it was done in.
    pub partition: Option<Partition>,
    /// The object it was done to.
    pub object: Option<Object>,
    /// The mechanism it was done with, such as `CKM_ECDSA`; empty if none.
    pub mechanism: Text<64>,
    /// What came of it.
    pub outcome: Outcome,
    /// How many events this record stands for: 1, or more where uses are counted.
    pub count: u64,
    /// The number of the vault's commit that carried it; 0 for none.
    pub commit: u64,
    /// Names and values that say more. At most [`DETAILS`]; see [`Record::detail`].
    pub details: Vec<(Text<32>, Text<512>)>,
}

/// What kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Administration: partitions, people, policy, the daemon itself.
    Admin,
    /// The life of a key: made, changed, wrapped, destroyed.
    Lifecycle,
    /// The use of a key.
    Use,
}

/// Through which door an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// The PKCS#11 socket.
    Pkcs11,
    /// The console's socket.
    Admin,
    /// The REST interface.
    Rest,
    /// None: the daemon itself.
    Internal,
}

/// A process of this machine, as it was when it connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Peer {
    pub uid: u32,
    pub gid: u32,
    pub pid: u32,
}

/// Somebody with a UKey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The holder's name.
    pub name: Text<64>,
    /// The UKey's id.
    pub id: Text<64>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its slot number.
    pub slot: u64,
    /// Its serial number.
    pub serial: Text<32>,
}

/// An object of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its `CKA_UNIQUE_ID`.
    pub id: Text<64>,
    /// Its `CKA_LABEL`, as it was then.
    pub label: Text<255>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not.
    Failed {
        /// The `CK_RV`, or 0 if there is none.
        code: u64,
        /// Why, in words or as the name of the code.
        why: Text<256>,
    },
}

/// The table of a plain enumeration: each value with its code and its word.
macro_rules! words {
    ($ty:ident $(, $value:ident $code:literal $word:literal)+) => {
        impl $ty {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            const fn code(self) -> u8 {
                match self { $(Self::$value => $code),+ }
            }

            /// The word for it in exports.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$value => $word),+ }
            }

            fn of(code: u8) -> Result<Self, Error> {
                Self::ALL.iter().copied().find(|one| one.code() == code)
                    .ok_or(Error::Malformed(concat!("an unknown ", stringify!($ty))))
            }
        }
    };
}

words!(Class, Admin 1 "admin", Lifecycle 2 "lifecycle", Use 3 "use");
words!(Door, Pkcs11 1 "pkcs11", Admin 2 "admin", Rest 3 "rest", Internal 4 "internal");

/// The bits that say which optional parts follow.
mod flag {
    pub(super) const PEER: u8 = 1;
    pub(super) const PERSON: u8 = 2;
    pub(super) const PARTITION: u8 = 4;
    pub(super) const OBJECT: u8 = 8;
    pub(super) const FAILED: u8 = 16;
    pub(super) const ALL: u8 = 31;
}

impl Record {
    /// A record of something that the daemon did by itself: nobody, nothing, done. The rest is filled in.
    pub fn new(sequence: u64, time: u64, class: Class, action: impl Into<Text<64>>) -> Self {
        Self {
            sequence,
            time,
            class,
            door: Door::Internal,
            peer: None,
            user: Text::default(),
            person: None,
            action: action.into(),
            partition: None,
            object: None,
            mechanism: Text::default(),
            outcome: Outcome::Done,
            count: 1,
            commit: 0,
            details: Vec::new(),
        }
    }

    /// Adds a detail. The last of too many says that there were more.
    pub fn detail(&mut self, name: impl Into<Text<32>>, value: impl Into<Text<512>>) {
        if self.details.len() + 1 < DETAILS {
            self.details.push((name.into(), value.into()));
        } else if self.details.len() < DETAILS {
            self.details.push(("more".into(), "details were left out".into()));
        }
    }

    /// Appends the record's bytes (`FORMAT.md`, "Record"). Details beyond [`DETAILS`] are left out.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let flags = [
            (self.peer.is_some(), flag::PEER),
            (self.person.is_some(), flag::PERSON),
            (self.partition.is_some(), flag::PARTITION),
            (self.object.is_some(), flag::OBJECT),
            (self.outcome != Outcome::Done, flag::FAILED),
        ];
        out.extend(self.sequence.to_le_bytes());
        out.extend(self.time.to_le_bytes());
        out.extend([self.class.code(), self.door.code()]);
        out.push(flags.iter().filter(|(there, _)| *there).map(|(_, bit)| bit).sum());
        out.extend(self.count.to_le_bytes());
        out.extend(self.commit.to_le_bytes());
        if let Some(Peer { uid, gid, pid }) = self.peer {
            [uid, gid, pid].iter().for_each(|id| out.extend(id.to_le_bytes()));
        }
        put_text(&self.user, out);
        if let Some(person) = &self.person {
            put_text(&person.name, out);
            put_text(&person.id, out);
        }
        put_text(&self.action, out);
        if let Some(partition) = &self.partition {
            out.extend(partition.slot.to_le_bytes());
            put_text(&partition.serial, out);
        }
        if let Some(object) = &self.object {
            put_text(&object.id, out);
            put_text(&object.label, out);
        }
        put_text(&self.mechanism, out);
        if let Outcome::Failed { code, why } = &self.outcome {
            out.extend(code.to_le_bytes());
            put_text(why, out);
        }
        let details = self.details.iter().take(DETAILS);
        out.push(u8::try_from(details.len()).unwrap_or(u8::MAX));
        for (name, value) in details {
            put_text(name, out);
            put_text(value, out);
        }
    }

    /// Reads what [`Record::encode`] wrote.
    ///
    /// # Errors
    /// `Malformed`. No other bytes than those of `encode` are taken, so that a record has one encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut from = Bytes(bytes);
        let (sequence, time) = (from.u64()?, from.u64()?);
        let (class, door) = (Class::of(from.u8()?)?, Door::of(from.u8()?)?);
        let flags = from.u8()?;
        if flags & !flag::ALL != 0 {
            return Err(Error::Malformed("a record has unknown flags"));
        }
        let has = |bit: u8| flags & bit != 0;
        let (count, commit) = (from.u64()?, from.u64()?);
        let peer = match has(flag::PEER) {
            true => Some(Peer { uid: from.u32()?, gid: from.u32()?, pid: from.u32()? }),
            false => None,
        };
        let user = from.text()?;
        let person = match has(flag::PERSON) {
            true => Some(Person { name: from.text()?, id: from.text()? }),
            false => None,
        };
        let action = from.text()?;
        let partition = match has(flag::PARTITION) {
            true => Some(Partition { slot: from.u64()?, serial: from.text()? }),
            false => None,
        };
        let object = match has(flag::OBJECT) {
            true => Some(Object { id: from.text()?, label: from.text()? }),
            false => None,
        };
        let mechanism = from.text()?;
        let outcome = match has(flag::FAILED) {
            true => Outcome::Failed { code: from.u64()?, why: from.text()? },
            false => Outcome::Done,
        };
        let many = usize::from(from.u8()?);
        if many > DETAILS {
            return Err(Error::Malformed("a record has too many details"));
        }
        let details = (0..many).map(|_| Ok((from.text()?, from.text()?))).collect::<Result<_, Error>>()?;
        from.end()?;
        Ok(Self {
            sequence,
            time,
            class,
            door,
            peer,
            user,
            person,
            action,
            partition,
            object,
            mechanism,
            outcome,
            count,
            commit,
            details,
        })
    }
}
