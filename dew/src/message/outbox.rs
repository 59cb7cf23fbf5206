//! The way of a message: drafted for the commit of its cause, due, tried, settled, and forgotten after a while.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crypto::Secret;
use hsm::event::Actor;
use hsm::service::{Deed, Kind, Write};
use hsm::vault::{VaultError, Version};

use super::queue::Entry;
use super::record::{Event, Message, State, To, line};
use super::topic::Target;
use super::{MessageError, Messages};
use crate::iam::ProjectId;
use crate::kms::record::{Kept, creation};
use crate::kms::{Millis, Uuid};

/// The most bytes of what a message says.
const MAX_CONTENT: usize = 256 << 10;
/// The most characters of a title, and of a reason.
const MAX_LINE: usize = 200;
/// How long after the first failure the next try is, and the longest that one waits for a try.
const WAIT: (Millis, Millis) = (1_000, 15 * 60 * 1_000);
/// How many records one commit forgets or gives up.
const BATCH: usize = 64;

/// A message that nobody sends before its write is committed.
pub struct Draft {
    /// What a commit writes: a record of the HSM itself, domain 0.
    pub write: Write,
    /// What to hand to [`Messages::committed`] then.
    pub pending: Pending,
}

/// See [`Draft::pending`].
pub struct Pending {
    number: u64,
    message: Message,
}

impl Pending {
    /// The message's number.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }
}

/// A message that is due, and where it goes.
pub struct Job {
    /// The message.
    pub message: Message,
    /// Where it goes.
    pub aim: Aim,
    kept: Kept<Message>,
}

/// Where a message goes, as it is now.
#[derive(Clone)]
pub enum Aim {
    /// To a program.
    Webhook {
        /// Where that is.
        url: String,
        /// What the message is signed with.
        secret: Arc<Secret>,
    },
    /// To mailboxes.
    Mailboxes(Vec<String>),
    /// To a telephone.
    Phone(String),
    /// Nowhere: there is no such topic.
    Nowhere,
}

/// What came of a try.
pub enum Outcome {
    /// It was delivered.
    Delivered,
    /// It failed, and is tried again.
    Again {
        /// Why.
        why: String,
        /// Which of several mailboxes have it: a bit for each.
        sent: u32,
        /// Whether it is the message that was not liked: others may go there meanwhile.
        of_message: bool,
    },
    /// It can never be delivered.
    Never(String),
}

/// What was tidied up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Messages for which the time was over.
    pub given_up: usize,
    /// Messages that are kept no more.
    pub forgotten: usize,
}

/// Which messages.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// Of which service.
    pub source: Option<&'a str>,
    /// To where: a topic's URN, or an address.
    pub to: Option<&'a str>,
    /// About what.
    pub subject: Option<&'a str>,
    /// Made when.
    pub created: Option<RangeInclusive<Millis>>,
}

impl Messages {
    /// A message, for the commit of what caused it. Whoever changes a subject holds it from here to the commit, so that its
    /// messages are in the order of its changes.
    ///
    /// # Errors
    /// `TooLong`; `Hsm` if there is no randomness.
    pub fn draft(&self, event: Event<'_>) -> Result<Draft, MessageError> {
        if event.content.len() > MAX_CONTENT {
            return Err(MessageError::TooLong(MAX_CONTENT));
        }
        let now = self.now();
        let message = Message {
            id: Uuid::from_random(self.hsm.random()?),
            project: event.project,
            source: event.source.to_owned(),
            name: event.name.to_owned(),
            kind: event.kind.to_owned(),
            subject: event.subject.to_owned(),
            fields: event.fields,
            to: event.to,
            title: line(event.title, MAX_LINE),
            content: event.content,
            secret: event.secret,
            created: now,
            until: now.saturating_add(event.lasts.unwrap_or(self.limits.try_for)),
            tries: 0,
            sent: 0,
            state: State::Waiting(now, String::new()),
        };
        let number = self.queue.lock().number();
        let write = creation(Kind::Message, number, &message).map_err(MessageError::Kept)?;
        Ok(Draft { write, pending: Pending { number, message } })
    }

    /// Has a message delivered whose write was committed as this version. If nobody gets to say so, it is found at the next
    /// start.
    pub fn committed(&self, pending: &Pending, version: Version) {
        self.queue.lock().put(pending.number, Entry::of(&pending.message, version));
        (self.wake)();
    }

    /// Sends a message that has no other cause than that somebody asks for it. Gives its number.
    ///
    /// # Errors
    /// As [`Self::draft`]; what the vault says.
    pub fn send(&self, deed: Deed<'_>, event: Event<'_>) -> Result<u64, MessageError> {
        let Draft { write, pending } = self.draft(event)?;
        let version = self.hsm.service_commit(vec![write], &[], &[deed])?;
        self.committed(&pending, version);
        Ok(pending.number)
    }

    /// The messages that are due: one at the most for each place that is not busy, and of each project as many as there is
    /// room for. And when to look again, as far as that is a matter of time.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn due(
        &self,
        busy: &dyn Fn(&str) -> bool,
        room: &dyn Fn(ProjectId) -> usize,
        most: usize,
    ) -> Result<(Vec<Job>, Option<Millis>), MessageError> {
        let (numbers, again) = self.queue.lock().due(self.now(), busy, room);
        let mut jobs = Vec::new();
        for number in numbers.into_iter().take(most) {
            let Some(kept) = self.kept(number)? else { continue };
            let message = Message::clone(&kept);
            jobs.push(Job { aim: self.aim(&message.to), message, kept });
        }
        Ok((jobs, again))
    }

    /// Writes what came of a try, and tells the state that the message is in now.
    ///
    /// # Errors
    /// What the vault says: then it stays as it was, and comes again.
    pub fn settle(&self, job: Job, outcome: Outcome) -> Result<State, MessageError> {
        let now = self.now();
        let Job { mut message, kept, .. } = job;
        message.tries = message.tries.saturating_add(1);
        let mut pause = None;
        message.state = match outcome {
            Outcome::Delivered => State::Delivered(now),
            Outcome::Never(why) => State::Invalid(now, line(&why, MAX_LINE)),
            Outcome::Again { why, sent, of_message } => {
                message.sent = sent;
                let next = now.saturating_add(self.wait(message.tries)?);
                pause = Some(next).filter(|_| !of_message);
                match next < message.until {
                    true => State::Waiting(next, line(&why, MAX_LINE)),
                    false => State::Failed(now, line(&why, MAX_LINE)),
                }
            }
        };
        let to: Arc<str> = message.to.text().into();
        let state = message.state.clone();
        self.keep(vec![(kept, message)])?;
        self.queue.lock().pause(&to, pause);
        Ok(state)
    }

    /// Gives up what was tried for too long, and forgets what is too old or too much. There may be more.
    ///
    /// # Errors
    /// What the vault says.
    pub fn tidy(&self, busy: &dyn Fn(&str) -> bool) -> Result<Tidied, MessageError> {
        let now = self.now();
        let overdue = self.queue.lock().overdue(now, busy, BATCH);
        let mut given_up = Vec::new();
        for number in overdue {
            let Some(kept) = self.kept(number)? else { continue };
            let mut message = Message::clone(&kept);
            let why = match message.state.why() {
                "" => "the time for it was over before it could be tried".to_owned(),
                why => why.to_owned(),
            };
            message.state = State::Failed(now, why);
            given_up.push((kept, message));
        }
        let amount = given_up.len();
        self.keep(given_up)?;
        let before = now.saturating_sub(self.limits.keep_for);
        let (writes, numbers): (Vec<_>, Vec<_>) = {
            let queue = self.queue.lock();
            let surplus = queue.surplus(before, self.limits.keep, busy, BATCH);
            let deletion = |number| {
                let entry = queue.entries.get(&number)?;
                Some((Write { kind: Kind::Message, number, was: Some(entry.version), value: None }, number))
            };
            surplus.into_iter().filter_map(deletion).unzip()
        };
        if !writes.is_empty() {
            self.hsm.service_commit(writes, &[], &[])?;
            let mut queue = self.queue.lock();
            numbers.iter().for_each(|number| queue.remove(*number));
        }
        Ok(Tidied { given_up: amount, forgotten: numbers.len() })
    }

    /// Messages of a project with their numbers, the newest first: those before a number, if one is given.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn list(
        &self,
        project: ProjectId,
        filter: &Filter<'_>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Message)>, MessageError> {
        let takes = |entry: &Entry| {
            let is = |wanted: Option<&str>, there: &Arc<str>| wanted.is_none_or(|wanted| wanted == &**there);
            entry.project == project
                && is(filter.source, &entry.source)
                && is(filter.to, &entry.to)
                && is(filter.subject, &entry.subject)
                && filter.created.as_ref().is_none_or(|range| range.contains(&entry.created))
        };
        let numbers: Vec<u64> = {
            let queue = self.queue.lock();
            let all = queue.entries.range(..before.unwrap_or(u64::MAX)).rev();
            all.filter(|(_, entry)| takes(entry)).map(|(number, _)| *number).take(limit).collect()
        };
        let mut found = Vec::with_capacity(numbers.len());
        for number in numbers {
            // One that was forgotten meanwhile is not there.
            found.extend(self.message(number)?.map(|message| (number, message)));
        }
        Ok(found)
    }

    /// A message by its number.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn message(&self, number: u64) -> Result<Option<Message>, MessageError> {
        Ok(self.kept(number)?.map(|kept| Message::clone(&kept)))
    }

    fn kept(&self, number: u64) -> Result<Option<Kept<Message>>, MessageError> {
        let read = self.hsm.service_record(Kind::Message, number)?;
        read.map(|read| Kept::read(read).map_err(MessageError::Kept)).transpose()
    }

    fn aim(&self, to: &To) -> Aim {
        let urn = match to {
            To::Mail(address) => return Aim::Mailboxes(vec![address.clone()]),
            To::Phone(number) => return Aim::Phone(number.clone()),
            To::Topic(urn) => urn,
        };
        match self.topic_of(urn).map(|topic| topic.target.clone()) {
            Some(Target::Webhook { url, secret }) => Aim::Webhook { url, secret: secret.secret() },
            Some(Target::Mailbox(addresses)) => Aim::Mailboxes(addresses),
            None => Aim::Nowhere,
        }
    }

    /// Commits what messages are now. What was given up is recorded.
    fn keep(&self, changes: Vec<(Kept<Message>, Message)>) -> Result<(), MessageError> {
        if changes.is_empty() {
            return Ok(());
        }
        let (mut writes, mut given_up, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for (kept, mut message) in changes {
            if message.secret && message.state.is_final() {
                message.content.clear();
            }
            if matches!(message.state, State::Failed(..) | State::Invalid(..)) {
                given_up.push(about(&message));
            }
            writes.push(kept.update(Kind::Message, &message).map_err(MessageError::Kept)?);
            entries.push((kept.number, message));
        }
        let deed = |details| Deed { by: Actor::DAEMON, action: "give up a message", details };
        let deeds: Vec<_> = given_up.iter().map(|details| deed(details.as_slice())).collect();
        let version = self.hsm.service_commit(writes, &[], &deeds)?;
        let mut queue = self.queue.lock();
        for (number, message) in entries {
            queue.put(number, Entry::of(&message, version));
        }
        Ok(())
    }

    /// How long to wait after so many tries: twice as long each time, and not for all the same.
    fn wait(&self, tries: u32) -> Result<Millis, MessageError> {
        let doubled = WAIT.0.saturating_mul(1 << tries.saturating_sub(1).min(20)).min(WAIT.1);
        let [share] = self.hsm.random::<1>()?;
        Ok(doubled * 3 / 4 + doubled / 2 * Millis::from(share) / 256)
    }
}

fn about(message: &Message) -> [(&'static str, String); 5] {
    [
        ("message", message.id.to_string()),
        ("project", message.project.to_string()),
        ("to", line(message.to.text(), MAX_LINE)),
        ("state", message.state.name().to_owned()),
        ("reason", message.state.why().to_owned()),
    ]
}

impl MessageError {
    /// Whether somebody else changed the record first.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Hsm(hsm::Error::Vault(VaultError::Conflict { .. })))
    }
}
