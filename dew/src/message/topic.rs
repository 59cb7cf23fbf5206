//! Topics: names for where messages go.

use std::collections::HashMap;
use std::sync::Arc;

use crypto::Secret;
use hsm::Hsm;
use hsm::event::Actor;
use hsm::service::{Deed, Kind, Write};
use serde::{Deserialize, Serialize};

use super::{MessageError, Messages};
use crate::iam::{AccountId, ProjectId, is_mail_address};
use crate::kms::Millis;
use crate::kms::record::{Kept, creation};

/// The most topics of a project.
pub const MAX_TOPICS: usize = 100;
/// The most mailboxes of a topic.
pub const MAX_ADDRESSES: usize = 20;
/// Bytes of the secret that a webhook's messages are signed with.
const SECRET: usize = 32;

/// A topic: a record of the HSM.
#[derive(Clone, Serialize, Deserialize)]
pub struct Topic {
    /// The project.
    pub project: ProjectId,
    /// The account.
    pub account: AccountId,
    /// The region of the project.
    pub region: String,
    /// Its name, of which the project has one.
    pub name: String,
    /// What it stands for.
    pub target: Target,
    /// When it was made.
    pub created: Millis,
}

/// What a topic stands for.
#[derive(Clone, Serialize, Deserialize)]
pub enum Target {
    /// A program that is sent each message over HTTP or HTTPS.
    Webhook {
        /// Where.
        url: String,
        /// What messages are signed with.
        secret: Signing,
    },
    /// People.
    Mailbox(Vec<String>),
}

/// What the messages of a webhook are signed with.
#[derive(Clone, Serialize, Deserialize)]
pub struct Signing(crate::iam::Hidden);

impl Signing {
    /// The bytes.
    #[must_use]
    pub fn secret(&self) -> Arc<Secret> {
        Arc::clone(&self.0.0)
    }
}

/// What a topic is to stand for.
#[derive(Clone, Debug)]
pub enum NewTarget {
    /// A webhook at this URL, which whoever calls has looked at.
    Webhook(String),
    /// Mailboxes.
    Mailbox(Vec<String>),
}

impl Topic {
    /// What it is told from all others by, as the vendor's service has it.
    #[must_use]
    pub fn urn(&self) -> String {
        urn(&self.region, self.project, &self.name)
    }
}

fn urn(region: &str, project: ProjectId, name: &str) -> String {
    format!("urn:smn:{region}:{project}:{name}")
}

pub(super) fn read(hsm: &Hsm) -> Result<HashMap<(ProjectId, String), Kept<Topic>>, MessageError> {
    let all = hsm.service_records(Kind::Topic)?.into_iter().map(|read| {
        let topic: Kept<Topic> = Kept::read(read).map_err(MessageError::Kept)?;
        Ok(((topic.project, topic.name.clone()), topic))
    });
    all.collect()
}

impl Messages {
    /// Makes a topic.
    ///
    /// # Errors
    /// `Name`, `Address`, `Addresses`, `NoProject`, `Taken`, `Quota`; what the vault says.
    pub fn create_topic(
        &self,
        by: Actor<'_>,
        project: ProjectId,
        name: &str,
        target: NewTarget,
    ) -> Result<Arc<Topic>, MessageError> {
        if !is_name(name) {
            return Err(MessageError::Name);
        }
        let target = match target {
            NewTarget::Webhook(url) => {
                let secret = Arc::new(self.hsm.random_secret(SECRET)?);
                Target::Webhook { url, secret: Signing(crate::iam::Hidden(secret)) }
            }
            NewTarget::Mailbox(addresses) => Target::Mailbox(checked(addresses)?),
        };
        let home = self.iam.project(project).ok_or(MessageError::NoProject)?;
        let _turn = self.turn.lock();
        let of_project = self.topics(project);
        if of_project.iter().any(|topic| topic.name == name) {
            return Err(MessageError::Taken(name.to_owned()));
        }
        if of_project.len() >= MAX_TOPICS {
            return Err(MessageError::Quota(MAX_TOPICS));
        }
        let number = self.hsm.service_records(Kind::Topic)?.last().map_or(1, |(number, ..)| number + 1);
        let topic = Topic {
            project,
            account: home.account,
            region: home.region().to_owned(),
            name: name.to_owned(),
            target,
            created: self.now(),
        };
        let write = creation(Kind::Topic, number, &topic).map_err(MessageError::Kept)?;
        let version = self.commit_topic(by, "create a topic", &topic, write)?;
        let value = Arc::new(topic);
        let kept = Kept { number, version, value: Arc::clone(&value) };
        self.topics.write().insert((project, name.to_owned()), kept);
        (self.wake)();
        Ok(value)
    }

    /// Takes a topic away. What waits for it turns out to be invalid.
    ///
    /// # Errors
    /// `NoTopic`; what the vault says.
    pub fn delete_topic(&self, by: Actor<'_>, project: ProjectId, name: &str) -> Result<(), MessageError> {
        let _turn = self.turn.lock();
        let topic = self.topics.read().get(&(project, name.to_owned())).cloned();
        let topic = topic.ok_or_else(|| MessageError::NoTopic(name.to_owned()))?;
        self.commit_topic(by, "delete a topic", &topic, topic.deletion(Kind::Topic))?;
        self.topics.write().remove(&(project, name.to_owned()));
        (self.wake)();
        Ok(())
    }

    /// The topics of a project, in the order of their names.
    #[must_use]
    pub fn topics(&self, project: ProjectId) -> Vec<Arc<Topic>> {
        let all = self.topics.read();
        let of_project = all.values().filter(|topic| topic.project == project);
        let mut of_project: Vec<_> = of_project.map(|topic| Arc::clone(&topic.value)).collect();
        of_project.sort_by(|a, b| a.name.cmp(&b.name));
        of_project
    }

    /// The topic of a project of this name or URN. That of another project is not there.
    #[must_use]
    pub fn topic(&self, project: ProjectId, named: &str) -> Option<Arc<Topic>> {
        let name = named.rsplit(':').next().unwrap_or_default();
        let topic =
            self.topics.read().get(&(project, name.to_owned())).map(|topic| Arc::clone(&topic.value))?;
        (named == name || topic.urn() == named).then_some(topic)
    }

    /// The URN of a topic of a project, by its name or its URN. Of what is none the project has no topic: a message there
    /// turns out to be invalid, and reaches no topic of another project.
    #[must_use]
    pub fn urn_in(&self, project: ProjectId, named: &str) -> String {
        self.topic(project, named).map_or_else(|| urn("", project, named), |topic| topic.urn())
    }

    /// The topic of this URN, whoever's it is.
    pub(super) fn topic_of(&self, urn: &str) -> Option<Arc<Topic>> {
        let project = urn.split(':').nth(3)?.parse().ok()?;
        self.topic(project, urn).filter(|topic| topic.urn() == urn)
    }

    fn commit_topic(
        &self,
        by: Actor<'_>,
        action: &'static str,
        topic: &Topic,
        write: Write,
    ) -> Result<hsm::vault::Version, MessageError> {
        let target = match &topic.target {
            Target::Webhook { url, .. } => url.clone(),
            Target::Mailbox(addresses) => addresses.join(" "),
        };
        let details =
            [("project", topic.project.to_string()), ("topic", topic.name.clone()), ("target", target)];
        Ok(self.hsm.service_commit(vec![write], &[], &[Deed { by, action, details: &details }])?)
    }
}

fn is_name(name: &str) -> bool {
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    begins
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn checked(addresses: Vec<String>) -> Result<Vec<String>, MessageError> {
    let amount = (1..=MAX_ADDRESSES).contains(&addresses.len());
    let twice =
        addresses.iter().enumerate().any(|(at, one)| addresses.iter().take(at).any(|other| other == one));
    if !amount || twice {
        return Err(MessageError::Addresses(MAX_ADDRESSES));
    }
    match addresses.iter().find(|address| !is_mail_address(address)) {
        Some(wrong) => Err(MessageError::Address(wrong.clone())),
        None => Ok(addresses),
    }
}

/// Whether this is the number of a telephone, as a gateway takes it: digits, with a + in front or not.
#[must_use]
pub fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (3..=32).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_leave_no_room_for_anything_else() {
        assert!(is_name("alerts") && is_name("0-_a") && is_name(&"a".repeat(64)));
        for bad in ["", "-a", "a b", "a\r\nb", "a:b", "ä", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad:?}");
        }
        let one = |text: &str| checked(vec![text.to_owned()]);
        assert!(one("ops@example.org").is_ok());
        for bad in
            ["", "ops", "ops@example.org\r\nBcc: eve@example.org", "<a@b.c>", "a@b.c,d@e.f", "a b@c.de"]
        {
            assert!(one(bad).is_err(), "{bad:?}");
        }
        assert!(checked(vec!["a@b.c".into(), "a@b.c".into()]).is_err());
        assert!(checked((0..21).map(|n| format!("a{n}@b.c")).collect()).is_err());
        assert!(is_phone("+8613900000000") && is_phone("112"));
        for bad in ["", "+", "12", "++123", "12a4", "123\n", &"1".repeat(33)] {
            assert!(!is_phone(bad), "{bad:?}");
        }
    }
}
