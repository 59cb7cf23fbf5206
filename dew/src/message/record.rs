//! What is kept of a message.

use serde::{Deserialize, Serialize};

use crate::iam::ProjectId;
use crate::kms::{Millis, Uuid};

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum To {
    /// To a topic, by its URN: whoever has it when the message is delivered.
    Topic(String),
    /// To a mailbox.
    Mail(String),
    /// To a telephone.
    Phone(String),
}

impl To {
    /// It, as text.
    #[must_use]
    pub fn text(&self) -> &str {
        let (Self::Topic(text) | Self::Mail(text) | Self::Phone(text)) = self;
        text
    }
}

/// A message as somebody has it sent.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// The project that it is of.
    pub project: ProjectId,
    /// The service that sends it: `csms`, `cts`.
    pub source: &'static str,
    /// What asked for it, by name: an event of CSMS, a notification of CTS.
    pub name: &'a str,
    /// What happened, such as `SECRET_ROTATED`.
    pub kind: &'a str,
    /// What it happened to. Messages about one subject keep their order.
    pub subject: &'a str,
    /// What else a list is to show of it.
    pub fields: Vec<(String, String)>,
    /// Where it goes.
    pub to: To,
    /// The subject of a mail.
    pub title: &'a str,
    /// What it says: JSON for a topic, words for a person.
    pub content: String,
    /// Whether what it says is gone from here once it is delivered.
    pub secret: bool,
    /// For how long it is tried, if not as long as others.
    pub lasts: Option<Millis>,
}

/// A message, and what became of it: a record of the HSM. It has no `Debug`, as what it says can be a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id, by which a receiver knows one that comes twice.
    pub id: Uuid,
    /// The project.
    pub project: ProjectId,
    /// The service that sends it.
    pub source: String,
    /// What asked for it.
    pub name: String,
    /// What happened.
    pub kind: String,
    /// To what.
    pub subject: String,
    /// What else there is to show.
    pub fields: Vec<(String, String)>,
    /// Where it goes.
    pub to: To,
    /// The subject of a mail: one line.
    pub title: String,
    /// What it says.
    pub content: String,
    /// Whether that is a secret.
    pub secret: bool,
    /// When it was made.
    pub created: Millis,
    /// Until when it is tried.
    pub until: Millis,
    /// How often it was tried.
    pub tries: u32,
    /// Which of several mailboxes have it: a bit for each.
    pub sent: u32,
    /// What became of it.
    pub state: State,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It waits for its next try, the last of which failed for this reason, if there was one.
    Waiting(Millis, String),
    /// It was delivered.
    Delivered(Millis),
    /// It was given up: the time for it was over.
    Failed(Millis, String),
    /// It cannot be delivered: its topic is not there, or is none that anything may be sent to.
    Invalid(Millis, String),
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Waiting(..) => "waiting",
            Self::Delivered(_) => "delivered",
            Self::Failed(..) => "failed",
            Self::Invalid(..) => "invalid",
        }
    }

    /// Whether nothing more comes.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Waiting(..))
    }

    /// Why it is not delivered; empty if there is no reason.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Waiting(_, why) | Self::Failed(_, why) | Self::Invalid(_, why) => why,
            Self::Delivered(_) => "",
        }
    }
}

/// Text as one line of at most so many characters, which nothing can be put behind.
pub(super) fn line(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(line("a\r\nBcc: eve@example.org\0", 99), "a  Bcc: eve@example.org ");
        assert_eq!(line("äöü", 2), "äö");
    }
}
