//! Topics, which messages go to, and what became of messages.

use serde::{Deserialize, Serialize};

use super::{Act, Command};
use crate::{Bytes, List};

/// The most topics that one list brings.
pub const MAX_TOPICS: usize = 100;
/// The most mailboxes of a topic.
pub const MAX_ADDRESSES: usize = 20;
/// The most messages that one page brings.
pub const MAX_MESSAGES: usize = 100;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Makes a topic.
    Add {
        /// The project, by its id.
        project: String,
        /// The topic's name.
        topic: String,
        /// What it stands for.
        target: Target,
    },
    /// The topics of a project.
    List {
        /// Its id.
        project: String,
    },
    /// Takes a topic away.
    Delete {
        /// The project, by its id.
        project: String,
        /// The topic's name.
        topic: String,
    },
    /// Sends a message to a topic, and tells what becomes of it.
    Test {
        /// The project, by its id.
        project: String,
        /// The topic's name.
        topic: String,
        /// Whether to wait for what becomes of it.
        wait: bool,
    },
    /// What became of messages, the newest first.
    Messages {
        /// The project, by its id.
        project: String,
        /// To which topic, by name.
        topic: Option<String>,
        /// About what.
        subject: Option<String>,
        /// Only those before this number.
        before: Option<u64>,
    },
}

/// What a topic stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A webhook at this URL.
    Webhook(String),
    /// Mailboxes.
    Mailbox(List<String, MAX_ADDRESSES>),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Webhook(url) => f.write_str(url),
            Self::Mailbox(addresses) => f.write_str(&addresses.join(" ")),
        }
    }
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Add { project, topic, target } => {
                Act::new(Command::TopicAdd).on(topic).with("project", project).with("target", target)
            }
            Self::List { .. } | Self::Messages { .. } => Act::new(Command::TopicList),
            Self::Delete { project, topic } => {
                Act::new(Command::TopicDelete).on(topic).with("project", project)
            }
            Self::Test { project, topic, .. } => {
                Act::new(Command::TopicTest).on(topic).with("project", project)
            }
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// A topic that was made, and what the messages of a webhook are signed with, which is not told again.
    Added(Topic, Option<Bytes>),
    /// To [`Ask::List`].
    Topics(List<Topic, MAX_TOPICS>),
    /// To [`Ask::Delete`].
    Done,
    /// To [`Ask::Test`]: what has become of the message by now.
    Tested(Message),
    /// To [`Ask::Messages`].
    Messages(List<Message, MAX_MESSAGES>),
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// What the services call it.
    pub urn: String,
    /// What it stands for.
    pub target: Target,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
}

/// A message, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its number, by which lists go on.
    pub number: u64,
    /// Its id.
    pub id: String,
    /// Which service sent it.
    pub source: String,
    /// What asked for it.
    pub name: String,
    /// What happened.
    pub kind: String,
    /// To what.
    pub subject: String,
    /// Where it goes.
    pub to: String,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
    /// How often it was tried.
    pub tries: u32,
    /// `waiting`, `delivered`, `failed` or `invalid`.
    pub state: String,
    /// Since when, or until when it waits, in milliseconds since 1970.
    pub at: u64,
    /// Why it is not delivered.
    pub why: String,
}
