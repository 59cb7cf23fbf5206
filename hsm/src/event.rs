//! Events: what is recorded of an act, where that goes, and what happens if it cannot.
//!
//! An event of an act that changes something in the vault goes with the change: it is committed as a
//! [`Note`](crate::vault::Note), in one transaction, and told to the [`Ledger`] once that is durable. All others
//! go to [`Events::record`].

use wire::Rv;

use crate::error::Error;
use crate::object::{Attr, Object};
use crate::ports::Peer;
use crate::vault::{Ledger, NotRecorded, Note};

/// Where events go: one for each use or change of a key and each administrative act.
pub trait Events: Ledger {
    /// Takes an event that belongs to no commit. The caller goes on only after it returns.
    ///
    /// # Errors
    /// If it is not recorded: then what it tells of must not happen.
    fn record(&self, event: &Event<'_>) -> Result<(), NotRecorded>;

    /// An event in the form in which it goes into a commit.
    fn note(&self, event: &Event<'_>) -> Note;

    /// Counts the use of a mechanism with a key on a partition, and how it ended, recorded or not.
    fn count(&self, _slot: u64, _action: &'static str, _mechanism: &'static str, _rv: Rv) {}
}

/// One event.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// Who.
    pub actor: Actor<'a>,
    /// On which partition; none if it is about the HSM.
    pub partition: Option<Place<'a>>,
    /// Of what kind.
    pub class: Class,
    /// What: `sign`, `wrap`, `create`, `destroy`, `login` and their like.
    pub action: &'static str,
    /// The object concerned.
    pub object: Option<Thing<'a>>,
    /// The mechanism's name.
    pub mechanism: Option<&'static str>,
    /// What else there is to say: names and values, none of them secret.
    pub details: &'a [(&'a str, String)],
    /// The outcome.
    pub rv: Rv,
}

/// Who acts, and through which door.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'a> {
    /// Where the act came in.
    pub door: Door,
    /// The process that asked; none for the daemon itself.
    pub peer: Option<Peer>,
    /// As which user of the token: `nobody`, `user` or `so`; or as what of the console.
    pub user: &'a str,
    /// The person, where one is known.
    pub person: Option<Person<'a>>,
}

/// Somebody who holds a UKey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person<'a> {
    /// The holder's name.
    pub name: &'a str,
    /// The UKey's id.
    pub id: &'a str,
}

/// A partition, as records name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Its slot number.
    pub slot: u64,
    /// Its serial number.
    pub serial: &'a str,
}

/// An object, as records name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thing<'a> {
    /// `CKA_UNIQUE_ID`
    pub id: &'a str,
    /// `CKA_LABEL`, as it is now.
    pub label: &'a str,
}

impl<'a> From<&'a Object> for Thing<'a> {
    fn from(object: &'a Object) -> Self {
        let label = object.attributes().plain(Attr::LABEL).unwrap_or_default();
        Self { id: object.unique_id(), label: std::str::from_utf8(label).unwrap_or_default() }
    }
}

impl Actor<'_> {
    /// The daemon, which acts by itself.
    pub const DAEMON: Actor<'static> = Actor { door: Door::Daemon, peer: None, user: "daemon", person: None };
}

/// Where an act came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The applications' socket.
    Pkcs11,
    /// The console's socket.
    Console,
    /// The cloud services' REST interface.
    Rest,
    /// The daemon itself.
    Daemon,
}

impl Door {
    /// The name that records use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pkcs11 => "pkcs11",
            Self::Console => "console",
            Self::Rest => "rest",
            Self::Daemon => "daemon",
        }
    }
}

/// The kinds of event, which are recorded with different care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// People, PINs, partitions, settings: always recorded.
    Administration,
    /// An object comes, changes, leaves or goes: always recorded.
    LifeCycle,
    /// A key is used: recorded as the partition's [`Uses`] say.
    Use(Uses),
}

impl Class {
    /// The name that records use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administration => "admin",
            Self::LifeCycle => "lifecycle",
            Self::Use(_) => "use",
        }
    }
}

/// How a partition's uses of keys are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uses {
    /// Not at all.
    None,
    /// Counted: one record for each key, mechanism, user and outcome in a minute.
    #[default]
    Sampled,
    /// One record for each.
    All,
}

impl Uses {
    /// Every setting.
    pub const ALL: [Self; 3] = [Self::None, Self::Sampled, Self::All];

    /// The setting's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sampled => "sampled",
            Self::All => "all",
        }
    }

    /// The setting of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|uses| uses.name() == name)
    }

    /// As it is stored.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Sampled => 1,
            Self::All => 2,
        }
    }

    /// What is stored so; what is not known is the strictest.
    pub(crate) const fn of_code(code: u8) -> Self {
        match code {
            0 => Self::None,
            1 => Self::Sampled,
            _ => Self::All,
        }
    }
}

/// An act as it is recorded, before it is known how it ends and on what.
#[derive(Clone, Copy)]
pub(crate) struct Act<'a> {
    pub(crate) events: &'a dyn Events,
    pub(crate) actor: Actor<'a>,
    pub(crate) partition: Option<Place<'a>>,
    pub(crate) class: Class,
    pub(crate) action: &'static str,
    pub(crate) mechanism: Option<&'static str>,
    pub(crate) details: &'a [(&'a str, String)],
}

impl<'a> Act<'a> {
    /// The same by name of another action, which is not about a mechanism.
    pub(crate) const fn with_action(self, action: &'static str, details: &'a [(&'a str, String)]) -> Self {
        Self { action, details, mechanism: None, ..self }
    }

    /// The same on a partition that has just come to be.
    pub(crate) const fn at(self, partition: Place<'a>) -> Self {
        Self { partition: Some(partition), ..self }
    }

    fn event(&self, object: Option<&'a Object>, rv: Rv) -> Event<'a> {
        let Self { actor, partition, class, action, mechanism, details, .. } = *self;
        Event { actor, partition, class, action, object: object.map(Thing::from), mechanism, details, rv }
    }

    /// That it is done, for the commit that does it.
    pub(crate) fn note(&self, object: Option<&'a Object>) -> Note {
        self.events.note(&self.event(object, Rv::OK))
    }

    /// Records that it is done, before it is.
    ///
    /// # Errors
    /// `NotRecorded`: then it must not be done.
    pub(crate) fn done(&self, object: Option<&'a Object>) -> Result<(), Error> {
        self.count(Rv::OK);
        if matches!(self.class, Class::Use(Uses::None)) {
            return Ok(());
        }
        Ok(self.events.record(&self.event(object, Rv::OK))?)
    }

    /// Records that it failed. That this cannot be recorded changes nothing: it has failed already.
    pub(crate) fn failed(&self, object: Option<&'a Object>, error: &Error) {
        self.count(error.rv());
        if !matches!(self.class, Class::Use(Uses::None)) {
            let _ = self.events.record(&self.event(object, error.rv()));
        }
    }

    /// Records that somebody was refused it, which has no object yet. As for [`Self::failed`].
    pub(crate) fn refused(&self, rv: Rv) {
        let _ = self.events.record(&self.event(None, rv));
    }

    /// Records how it ended, where nothing has come of it yet.
    ///
    /// # Errors
    /// `NotRecorded` if it was to succeed.
    pub(crate) fn outcome<T>(
        &self,
        object: Option<&'a Object>,
        result: &Result<T, Error>,
    ) -> Result<(), Error> {
        match result {
            Ok(_) => self.done(object),
            Err(error) => {
                self.failed(object, error);
                Ok(())
            }
        }
    }

    /// Records that something was told, or why not, before it is.
    ///
    /// # Errors
    /// `NotRecorded`, if it was to be told.
    pub(crate) fn told(&self, object: Option<&'a Object>, refused: Option<Rv>) -> Result<(), Error> {
        match refused {
            None => self.done(object),
            Some(rv) => {
                let _ = self.events.record(&self.event(object, rv));
                Ok(())
            }
        }
    }

    /// Hands a result on, recorded if it is a failure: its success is recorded with the change.
    pub(crate) fn unless_done<T>(
        &self,
        object: Option<&'a Object>,
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        match &result {
            Ok(_) => self.count(Rv::OK),
            Err(error) => self.failed(object, error),
        }
        result
    }

    fn count(&self, rv: Rv) {
        if let (Some(mechanism), Some(partition)) = (self.mechanism, self.partition) {
            self.events.count(partition.slot, self.action, mechanism, rv);
        }
    }
}

/// Events are dropped: for tests and tools that have nothing to record.
#[derive(Debug)]
pub struct Unrecorded;

impl Events for Unrecorded {
    fn record(&self, _: &Event<'_>) -> Result<(), NotRecorded> {
        Ok(())
    }

    fn note(&self, _: &Event<'_>) -> Note {
        Note { bytes: Vec::new(), makes_room: true }
    }
}

impl Ledger for Unrecorded {
    fn ready(&self, _: bool) -> Result<(), NotRecorded> {
        Ok(())
    }

    fn take(&self, _: Vec<(u64, Note)>) {}

    fn kept(&self) -> crate::vault::Kept {
        crate::vault::Kept { last: 0, through: u64::MAX, mark: None }
    }
}
