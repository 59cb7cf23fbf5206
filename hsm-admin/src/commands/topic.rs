//! `topic`: where messages go.

use clap::{ArgGroup, Subcommand};
use serde_json::{Value, json};
use wire::List;
use wire::admin::topic::{Ask as Topics, Message, Target, Told as Answer, Topic as Row};
use wire::admin::{Ask, Told};

use super::kms::In;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen};
use crate::secret;
use crate::table::{Cell, Column, Table, facts, printable};

const EXAMPLES: &str = "\
A topic is a name for where the messages of a project go: to a program, over
HTTP or HTTPS, or to mailboxes. Events of secrets and notifications of CTS name
it, by its name or its URN. What is sent to a program is signed with a secret
that is shown once, when the topic is made.

Examples:
  hsm-admin topic add alerts --webhook https://ops.example.org/hooks/hsm
  hsm-admin topic add people --mail ops@example.org --mail sec@example.org
  hsm-admin topic test alerts
  hsm-admin topic list
  hsm-admin topic messages --topic alerts";

/// Manage where messages go
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Topic {
    /// Make a topic
    #[command(group(ArgGroup::new("target").required(true).multiple(false)))]
    Add {
        /// Its name
        name: String,
        /// It is a webhook at this URL, which holds no secret: it is listed, and recorded
        #[arg(long, value_name = "URL", group = "target")]
        webhook: Option<String>,
        /// It is a mailbox, or several (repeatable)
        #[arg(long, value_name = "ADDRESS", group = "target")]
        mail: Vec<String>,
        #[command(flatten)]
        place: In,
    },
    /// List the topics
    List {
        #[command(flatten)]
        place: In,
    },
    /// Show a topic
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        place: In,
    },
    /// Delete a topic: what waits for it, and what names it later, is not delivered
    Delete {
        /// Its name
        name: String,
        /// Do not ask before it is deleted
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        place: In,
    },
    /// Send a message to a topic, and say whether it is delivered
    Test {
        /// Its name
        name: String,
        /// Do not wait for what becomes of it
        #[arg(long)]
        no_wait: bool,
        #[command(flatten)]
        place: In,
    },
    /// List messages and what became of them, the newest first
    Messages {
        /// To this topic, by its name
        #[arg(long)]
        topic: Option<String>,
        /// About this: a secret's id, and so on
        #[arg(long)]
        subject: Option<String>,
        /// Those before this one, by its number: the next page
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
        #[command(flatten)]
        place: In,
    },
}

impl Topic {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Add { name, webhook, mail, place } => {
                add(daemon, screen, place, name, webhook.as_deref(), mail)
            }
            Self::List { place } => list(daemon, screen, place),
            Self::Show { name, place } => show(daemon, screen, place, name),
            Self::Delete { name, yes, place } => {
                let project = place.project(daemon)?;
                if !yes {
                    secret::confirm("What waits for the topic is not delivered.", "its name", name)?;
                }
                match ask(daemon, Topics::Delete { project, topic: name.clone() })? {
                    Answer::Done => {
                        screen.show(&json!({}), |_| format!("Deleted topic {}.", printable(name)))
                    }
                    _ => Err(Error::Unknown),
                }
            }
            Self::Test { name, no_wait, place } => test(daemon, screen, place, (name, !no_wait)),
            Self::Messages { topic, subject, before, place } => {
                let project = place.project(daemon)?;
                let (topic, subject, before) = (topic.clone(), subject.clone(), *before);
                match ask(daemon, Topics::Messages { project, topic, subject, before })? {
                    Answer::Messages(all) => messages(screen, &all),
                    _ => Err(Error::Unknown),
                }
            }
        }
    }
}

fn ask(daemon: &Daemon, topics: Topics) -> Result<Answer, Error> {
    match daemon.ask(&Ask::Topic(topics))? {
        Told::Topic(answer) => Ok(answer),
        _ => Err(Error::Unknown),
    }
}

fn add(
    daemon: &Daemon,
    screen: &Screen,
    place: &In,
    name: &str,
    webhook: Option<&str>,
    mail: &[String],
) -> Result<(), Error> {
    let target = match webhook {
        Some(url) => Target::Webhook(url.to_owned()),
        None => Target::Mailbox(
            List::new(mail.to_vec())
                .ok_or_else(|| Error::Usage("--mail is given more than 20 times".into()))?,
        ),
    };
    let topics = Topics::Add { project: place.project(daemon)?, topic: name.to_owned(), target };
    let Answer::Added(topic, secret) = ask(daemon, topics)? else { return Err(Error::Unknown) };
    let secret = secret.map(|secret| String::from_utf8_lossy(&secret).into_owned());
    let mut shown = as_json(&topic);
    if let (Some(secret), Some(shown)) = (&secret, shown.as_object_mut()) {
        shown.insert("secret".to_owned(), Value::from(secret.as_str()));
    }
    screen.show(&shown, |_| {
        let made = format!("Made topic {}.\n  URN     {}", printable(&topic.name), printable(&topic.urn));
        match secret {
            Some(secret) => format!("{made}\n  Secret  {secret}\nThe secret is not shown again."),
            None => made,
        }
    })
}

fn all(daemon: &Daemon, place: &In) -> Result<Vec<Row>, Error> {
    match ask(daemon, Topics::List { project: place.project(daemon)? })? {
        Answer::Topics(all) => Ok(all.into_vec()),
        _ => Err(Error::Unknown),
    }
}

fn kind(target: &Target) -> &'static str {
    match target {
        Target::Webhook(_) => "webhook",
        Target::Mailbox(_) => "mailbox",
    }
}

fn as_json(topic: &Row) -> Value {
    let (url, addresses) = match &topic.target {
        Target::Webhook(url) => (Some(url), &[] as &[String]),
        Target::Mailbox(addresses) => (None, &**addresses),
    };
    json!({
        "name": topic.name,
        "urn": topic.urn,
        "kind": kind(&topic.target),
        "url": url,
        "addresses": addresses,
        "created": topic.created,
    })
}

fn list(daemon: &Daemon, screen: &Screen, place: &In) -> Result<(), Error> {
    let topics = all(daemon, place)?;
    let shown: Vec<_> = topics.iter().map(as_json).collect();
    screen.table(&shown, |_| {
        let columns = [Column::text("NAME", 12), Column::text("KIND", 8), Column::text("TARGET", 24)];
        let mut table = Table::new(&columns, "There are no topics: `topic add` makes one.");
        for topic in &topics {
            let target = topic.target.to_string();
            table.row(vec![Cell::from(&topic.name), Cell::from(kind(&topic.target)), Cell::from(target)]);
        }
        table
    })
}

fn show(daemon: &Daemon, screen: &Screen, place: &In, name: &str) -> Result<(), Error> {
    let topic = all(daemon, place)?.into_iter().find(|topic| topic.name == name || topic.urn == name);
    let topic = topic.ok_or_else(|| Error::Failed(format!("there is no topic {name:?}")))?;
    screen.show(&as_json(&topic), |_| {
        facts(vec![
            ("Name", Cell::from(&topic.name)),
            ("URN", Cell::from(&topic.urn)),
            ("Kind", Cell::from(kind(&topic.target))),
            ("Target", Cell::from(topic.target.to_string())),
            ("Created", Cell::from(time(topic.created))),
        ])
    })
}

fn test(daemon: &Daemon, screen: &Screen, place: &In, (name, wait): (&str, bool)) -> Result<(), Error> {
    let topics = Topics::Test { project: place.project(daemon)?, topic: name.to_owned(), wait };
    let Answer::Tested(message) = ask(daemon, topics)? else { return Err(Error::Unknown) };
    match message.state.as_str() {
        "delivered" => screen.show(&message_json(&message), |_| {
            format!("Message {} is delivered to {}.", message.id, printable(&message.to))
        }),
        "waiting" if !wait => screen
            .show(&message_json(&message), |_| format!("Message {}: `topic messages` shows it.", message.id)),
        "waiting" => {
            Err(Error::Failed(format!("it failed, and is tried again: {}", printable(&message.why))))
        }
        _ => Err(Error::Failed(format!("it cannot be delivered: {}", printable(&message.why)))),
    }
}

fn message_json(message: &Message) -> Value {
    json!({
        "number": message.number,
        "id": message.id,
        "source": message.source,
        "name": message.name,
        "kind": message.kind,
        "subject": message.subject,
        "to": message.to,
        "created": message.created,
        "tries": message.tries,
        "state": message.state,
        "at": message.at,
        "why": message.why,
    })
}

fn messages(screen: &Screen, all: &[Message]) -> Result<(), Error> {
    let shown: Vec<_> = all.iter().map(message_json).collect();
    screen.table(&shown, |_| {
        let columns = [
            Column::number("NUMBER"),
            Column::text("MADE", 19),
            Column::text("KIND", 12),
            Column::text("SUBJECT", 12),
            Column::text("TO", 12),
            Column::text("STATE", 9),
            Column::whole("WHY"),
        ];
        let mut table = Table::new(&columns, "There are no messages.");
        for message in all {
            let state = Cell::from(&message.state);
            let state = match message.state.as_str() {
                "delivered" => state.styled(GOOD),
                "waiting" => state,
                _ => state.styled(BAD),
            };
            table.row(vec![
                Cell::from(message.number.to_string()),
                Cell::from(time(message.created)),
                Cell::from(&message.kind),
                Cell::from(&message.subject),
                Cell::from(message.to.rsplit(':').next().unwrap_or_default().to_owned()),
                state,
                Cell::from(&message.why),
            ]);
        }
        table
    })
}

fn time(milliseconds: u64) -> String {
    let time = i64::try_from(milliseconds).ok().and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
    time.map(|time| time.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}
