//! Messages: how the services tell people and programs something. A message goes to a topic, which stands for a webhook
//! or for mailboxes, or to one address. It is a record of the HSM that is written in the commit of the change that caused
//! it ([`Messages::draft`]); from there somebody outside delivers it ([`Messages::due`], [`Messages::settle`]), at least
//! once, and what became of it stays with it for a while.
//!
//! Messages about one subject to one target are delivered in their order: the next waits until the one before it is
//! delivered, or given up.

mod error;
mod networks;
mod outbox;
mod queue;
mod record;
mod topic;

use std::collections::HashMap;
use std::sync::Arc;

use hsm::Hsm;
use parking_lot::{Mutex, RwLock};

pub use error::MessageError;
pub use networks::Networks;
pub use outbox::{Aim, Draft, Filter, Job, Outcome, Tidied};
pub use record::{Event, Message, State, To};
pub use topic::{MAX_ADDRESSES, MAX_TOPICS, NewTarget, Target, Topic, is_phone};

use crate::iam::{Iam, ProjectId};
use crate::kms::Millis;
use crate::kms::record::Kept;
use queue::Queue;

/// How much is kept of messages, and for how long they are tried.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most messages of a project that are kept.
    pub keep: usize,
    /// How long a message is kept.
    pub keep_for: Millis,
    /// How long it is tried to deliver one.
    pub try_for: Millis,
}

/// Who is told that there is something to deliver.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// Topics, and messages.
pub struct Messages {
    hsm: Arc<Hsm>,
    iam: Arc<Iam>,
    limits: Limits,
    wake: Wake,
    /// By project and name.
    topics: RwLock<HashMap<(ProjectId, String), Kept<Topic>>>,
    /// Held while topics are changed.
    turn: Mutex<()>,
    queue: Mutex<Queue>,
}

impl Messages {
    /// The messages of an HSM.
    ///
    /// # Errors
    /// What the vault says.
    pub fn open(hsm: Arc<Hsm>, iam: Arc<Iam>, limits: Limits, wake: Wake) -> Result<Self, MessageError> {
        let (topics, queue) = (topic::read(&hsm)?, Queue::read(&hsm)?);
        let (topics, queue) = (RwLock::new(topics), Mutex::new(queue));
        Ok(Self { hsm, iam, limits, wake, topics, turn: Mutex::default(), queue })
    }

    /// Reads what is kept anew, after it was restored from a backup.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reload(&self) -> Result<(), MessageError> {
        *self.topics.write() = topic::read(&self.hsm)?;
        Ok(())
    }

    /// Now, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.hsm.time_ms()
    }
}
