//! Topics, which messages go to.

use std::time::Duration;

use dew::iam::ProjectId;
use dew::message::{Event, Filter, NewTarget, State, Target, To, Topic};
use hsm::service::Deed;
use serde_json::json;
use wire::admin::Told;
use wire::admin::topic::{self as protocol, Ask, MAX_MESSAGES, Message, Told as Answer};
use wire::{Bytes, List};

use super::talk::Talk;
use crate::messages::{Url, shown};
use crate::services::Services;

/// How long a test waits for what becomes of its message.
const TEST: Duration = Duration::from_secs(20);

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let told = match ask {
        Ask::Test { project, topic, wait } => {
            let number = test(talk, project, topic)?;
            Answer::Tested(outcome(talk, number, *wait)?)
        }
        Ask::Add { project, topic, target } => {
            let services = talk.daemon.services()?;
            let target = checked(talk, target)?;
            let made =
                services.messages.create_topic(talk.actor(), project_of(&services, project)?, topic, target);
            let made = made.map_err(|error| error.to_string())?;
            let secret = match &made.target {
                Target::Webhook { secret, .. } => Some(Bytes::from(shown(&secret.secret()).into_bytes())),
                Target::Mailbox(_) => None,
            };
            Answer::Added(row(&made), secret)
        }
        Ask::List { project } => {
            let services = talk.daemon.services()?;
            let topics = services.messages.topics(project_of(&services, project)?);
            Answer::Topics(List::new(topics.iter().map(|topic| row(topic)).collect()).unwrap_or_default())
        }
        Ask::Delete { project, topic } => {
            let services = talk.daemon.services()?;
            let project = project_of(&services, project)?;
            services
                .messages
                .delete_topic(talk.actor(), project, topic)
                .map_err(|error| error.to_string())?;
            Answer::Done
        }
        Ask::Messages { project, topic, subject, before } => {
            let services = talk.daemon.services()?;
            let (messages, project) = (&services.messages, project_of(&services, project)?);
            // Of a topic that was deleted there are messages still.
            let urn = topic.as_ref().map(|name| match messages.topic(project, name) {
                Some(topic) => topic.urn(),
                None => name.to_string(),
            });
            let filter = Filter { to: urn.as_deref(), subject: subject.as_deref(), ..Filter::default() };
            let found =
                messages.list(project, &filter, *before, MAX_MESSAGES).map_err(|why| why.to_string())?;
            let rows = found.iter().map(|(number, message)| message_row(*number, message)).collect();
            Answer::Messages(List::new(rows).unwrap_or_default())
        }
    };
    Ok(Told::Topic(told))
}

fn project_of(services: &Services, id: &str) -> Result<ProjectId, String> {
    let project = id.parse().ok().and_then(|id| services.iam.project(id));
    project.map(|project| project.id).ok_or_else(|| format!("there is no project {id:?}"))
}

/// A target that messages can be sent to, as far as is known before one is.
fn checked(talk: &Talk<'_>, target: &protocol::Target) -> Result<NewTarget, String> {
    match target {
        protocol::Target::Webhook(url) => {
            Url::parse(url)?;
            Ok(NewTarget::Webhook(url.clone()))
        }
        protocol::Target::Mailbox(addresses) => match &talk.daemon.config.messages.smtp {
            Some(_) => Ok(NewTarget::Mailbox(addresses.to_vec())),
            None => Err("there is no mail server: [messages.smtp] in hsmd.toml is not set".to_owned()),
        },
    }
}

/// Sends a message that says what it is, and gives its number.
fn test(talk: &Talk<'_>, project: &str, topic: &str) -> Result<u64, String> {
    let services = talk.daemon.services()?;
    let (messages, project) = (&services.messages, project_of(&services, project)?);
    let there =
        messages.topic(project, topic).ok_or_else(|| format!("the project has no topic {topic:?}"))?;
    let event = Event {
        project,
        source: "topic",
        name: &there.name,
        kind: "TEST",
        subject: &there.name,
        fields: Vec::new(),
        to: To::Topic(there.urn()),
        title: "Test of a topic",
        content: json!({ "event": "TEST", "topic_urn": there.urn(), "time": messages.now() }).to_string(),
        secret: false,
        lasts: None,
    };
    let details = [("project", project.to_string()), ("topic", there.name.clone())];
    let deed = Deed { by: talk.actor(), action: "test a topic", details: &details };
    messages.send(deed, event).map_err(|error| error.to_string())
}

/// What became of a message: delivered, given up, or failed for a first time. Nothing of the services is held meanwhile.
fn outcome(talk: &Talk<'_>, number: u64, wait: bool) -> Result<Message, String> {
    let look = || {
        let services = talk.daemon.services().ok()?;
        let message = services.messages.message(number).ok().flatten()?;
        (!wait || message.state.is_final() || message.tries > 0).then(|| message_row(number, &message))
    };
    let found = talk.daemon.office.wait(TEST, look);
    found.ok_or_else(|| {
        "it is not known yet what becomes of the message: `topic messages` shows it".to_owned()
    })
}

fn row(topic: &Topic) -> protocol::Topic {
    let target = match &topic.target {
        Target::Webhook { url, .. } => protocol::Target::Webhook(url.clone()),
        Target::Mailbox(addresses) => {
            protocol::Target::Mailbox(List::new(addresses.clone()).unwrap_or_default())
        }
    };
    protocol::Topic { name: topic.name.clone(), urn: topic.urn(), target, created: topic.created }
}

fn message_row(number: u64, message: &dew::message::Message) -> Message {
    let (State::Waiting(at, _) | State::Delivered(at) | State::Failed(at, _) | State::Invalid(at, _)) =
        &message.state;
    Message {
        number,
        id: message.id.to_string(),
        source: message.source.clone(),
        name: message.name.clone(),
        kind: message.kind.clone(),
        subject: message.subject.clone(),
        to: message.to.text().to_owned(),
        created: message.created,
        tries: message.tries,
        state: message.state.name().to_owned(),
        at: *at,
        why: message.state.why().to_owned(),
    }
}
