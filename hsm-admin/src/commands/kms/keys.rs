//! Keys themselves: made, shown, changed, enabled and disabled, rotated, deleted.

use clap::Args;
use serde_json::{Map, Value, json};

use super::desk::{Desk, In, Sure, fields};
use super::search::{enabled, in_full};
use super::{stores, text};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen};
use crate::secret;
use crate::table::{Cell, Column, Table, printable};

/// KMS: make a key
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name: letters, digits and :/_-
    name: String,

    /// What it is: AES_256, SM4, RSA_2048, EC_P256, HMAC_256 and so on
    #[arg(long, default_value = "AES_256")]
    spec: String,

    /// What for: ENCRYPT_DECRYPT, SIGN_VERIFY or GENERATE_VERIFY_MAC [default: as the spec has it]
    #[arg(long)]
    usage: Option<String>,

    /// What it is good for, in words
    #[arg(long)]
    description: Option<String>,

    /// Where its material is from: external waits for `key import`
    #[arg(long, default_value = "kms", value_parser = ["kms", "external"])]
    origin: String,

    /// The enterprise project that it is in
    #[arg(long, value_name = "ID")]
    enterprise_project: Option<String>,

    /// The key store that it is in, by its id or name [default: none]
    #[arg(long)]
    store: Option<String>,

    /// A tag (repeatable)
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,

    #[command(flatten)]
    place: In,
}

/// KMS: show a key in full, with its rotation
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its id, alias or name
    key: String,

    #[command(flatten)]
    place: In,
}

/// KMS: give a key another name or description, or move it to another enterprise project
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its id, alias or name
    key: String,

    /// The new name
    #[arg(long, required_unless_present_any = ["description", "enterprise_project"])]
    name: Option<String>,

    /// The new description
    #[arg(long)]
    description: Option<String>,

    /// The enterprise project that it is in from now on; 0 is the default one
    #[arg(long, value_name = "ID")]
    enterprise_project: Option<String>,

    #[command(flatten)]
    place: In,
}

/// KMS: let keys be used again
#[derive(Debug, Args)]
pub(crate) struct Enable {
    /// Their ids, aliases or names
    #[arg(required = true)]
    keys: Vec<String>,

    #[command(flatten)]
    place: In,
}

/// KMS: let keys be used no more, through PKCS#11 neither
#[derive(Debug, Args)]
pub(crate) struct Disable {
    /// Their ids, aliases or names
    #[arg(required = true)]
    keys: Vec<String>,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    place: In,
}

/// KMS: rotate a key now, or say when it is rotated
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Its id, alias or name
    key: String,

    /// Rotate it by itself, each time that so many days (30 to 365) have passed
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(30..=365))]
    every: Option<u32>,

    /// Rotate it by itself no more
    #[arg(long, conflicts_with = "every")]
    off: bool,

    #[command(flatten)]
    place: In,
}

/// KMS: have keys deleted, after 7 to 1096 days
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Their ids, aliases or names
    #[arg(required = true)]
    keys: Vec<String>,

    /// After how many days
    #[arg(long)]
    days: u32,

    #[command(flatten)]
    place: In,

    #[command(flatten)]
    sure: Sure,
}

/// KMS: take imported material from a key, which takes the same material again
#[derive(Debug, Args)]
pub(crate) struct DeleteMaterial {
    /// Its id, alias or name
    key: String,

    #[command(flatten)]
    place: In,

    #[command(flatten)]
    sure: Sure,
}

/// KMS: keep keys that were to be deleted; they are disabled
#[derive(Debug, Args)]
pub(crate) struct CancelDeletion {
    /// Their ids, aliases or names
    #[arg(required = true)]
    keys: Vec<String>,

    #[command(flatten)]
    place: In,
}

impl Create {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let given = [
            ("key_alias", Some(&self.name)),
            ("key_spec", Some(&self.spec)),
            ("key_usage", self.usage.as_ref()),
            ("key_description", self.description.as_ref()),
            ("origin", Some(&self.origin)),
            ("enterprise_project_id", self.enterprise_project.as_ref()),
        ];
        let mut new: Map<String, Value> = given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?.clone()))))
            .collect();
        if let Some(store) = &self.store {
            new.insert("keystore_id".into(), stores::id(&desk, store)?.into());
        }
        if !self.tags.is_empty() {
            let tag = |text: &String| {
                let (key, value) = text.split_once('=').unwrap_or((text, ""));
                json!({ "key": key, "value": value })
            };
            new.insert("tags".into(), self.tags.iter().map(tag).collect());
        }
        let made = desk.call("CreateKey", &Value::Object(new))?;
        screen.show(&made["key_info"], |made| {
            format!("Made key {:?}: {}", printable(&self.name), text(made, "key_id"))
        })
    }
}

impl Show {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let about = desk.about(&self.key)?;
        let mut key = desk.call("ListKeyDetail", &about)?["key_info"].take();
        // Pairs and default keys are not rotated, and say so.
        if let Ok(rotation) = desk.call("ShowKeyRotationStatus", &about)
            && let Some(key) = key.as_object_mut()
        {
            key.insert("rotation".into(), rotation);
        }
        screen.show(&key, |key| in_full(key, desk.has_enterprise_projects()))
    }
}

impl Set {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let key = desk.key(&self.key)?;
        let mut answer = Value::Null;
        if let Some(name) = &self.name {
            let new = fields([("key_id", key.clone()), ("key_alias", name.clone())]);
            answer = desk.call("UpdateKeyAlias", &new)?;
        }
        if let Some(description) = &self.description {
            let new = fields([("key_id", key.clone()), ("key_description", description.clone())]);
            answer = desk.call("UpdateKeyDescription", &new)?;
        }
        if let Some(project) = &self.enterprise_project {
            let new = fields([("key_id", key.clone()), ("enterprise_project_id", project.clone())]);
            answer = desk.call("MoveKey", &new)?;
        }
        screen.show(&answer, |_| format!("Changed key {key}."))
    }
}

impl Enable {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        batch(&desk, screen, "EnableKey", &self.keys, None, &Map::new())
    }
}

impl Disable {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        if !self.yes {
            let consequence = "While a key is disabled, nothing is encrypted or decrypted with it.";
            secret::confirm(consequence, "the word", "DISABLE")?;
        }
        batch(&desk, screen, "DisableKey", &self.keys, None, &Map::new())
    }
}

impl Delete {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let consequence = format!(
            "After {} days, {} deleted for good, and what was encrypted with {} cannot be decrypted.\n\
             `key grant list` and the traces show whether somebody still does.",
            self.days,
            if self.keys.len() == 1 { "the key is" } else { "the keys are" },
            if self.keys.len() == 1 { "it" } else { "them" },
        );
        let code = self.sure.ask(&desk, &format!("{}{consequence}", self.tips(&desk)?))?;
        let days = [("pending_days".to_owned(), Value::String(self.days.to_string()))];
        batch(&desk, screen, "DeleteKey", &self.keys, code, &days.into_iter().collect())
    }
}

impl Delete {
    /// What depends on the keys, if somebody is to read it. Of a key that is not there it is said that it is not, later.
    fn tips(&self, desk: &Desk<'_>) -> Result<String, Error> {
        if !self.sure.reads() {
            return Ok(String::new());
        }
        let about = self.keys.iter().map(|key| desk.about(key)).collect::<Result<Vec<_>, _>>()?;
        let told = desk.each("TellDeletionRisk", &about, None)?.into_iter().flatten();
        Ok(told.map(|risk| tip(&risk)).collect())
    }
}

/// How many secrets are named at most.
const SHOWN: usize = 10;

/// A line on what depends on a key, and one on the secrets that do.
fn tip(risk: &Value) -> String {
    let number = |name: &str| risk[name].as_u64().unwrap_or_default();
    let secrets: Vec<_> =
        risk["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let secrets = match secrets.as_slice() {
        [] => String::new(),
        some => {
            let named: Vec<_> = some.iter().take(SHOWN).copied().collect();
            let more = some.len().saturating_sub(SHOWN);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("Secrets that nobody can read then: {}{more}.\n", named.join(", "))
        }
    };
    format!(
        "{} ({}): grants {}, aliases {}, requests since last month {}.\n{secrets}",
        printable(text(risk, "key_alias")),
        text(risk, "key_id"),
        number("grants"),
        number("aliases"),
        number("requests"),
    )
}

impl DeleteMaterial {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let about = desk.about(&self.key)?;
        let consequence =
            "What was encrypted with the key cannot be decrypted until the same material is imported.";
        let code = self.sure.ask(&desk, consequence)?;
        let gone = desk.guarded("DeleteImportedKeyMaterial", &about, code)?;
        screen.show(&gone, |_| format!("Took its material from key {}.", text(&about, "key_id")))
    }
}

impl CancelDeletion {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        batch(&desk, screen, "CancelKeyDeletion", &self.keys, None, &Map::new())
    }
}

impl Rotate {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let about = desk.about(&self.key)?;
        if self.off {
            desk.call("DisableKeyRotation", &about)?;
        } else if let Some(days) = self.every {
            if !enabled(desk.call("ShowKeyRotationStatus", &about)?.get("key_rotation_enabled")) {
                desk.call("EnableKeyRotation", &about)?;
            }
            let mut new = about.clone();
            new["rotation_interval"] = days.into();
            desk.call("UpdateKeyRotationInterval", &new)?;
        } else {
            desk.call("RotateOnDemand", &about)?;
        }
        let status = desk.call("ShowKeyRotationStatus", &about)?;
        screen.show(&status, |status| {
            let times = &status["number_of_rotations"];
            match enabled(status.get("key_rotation_enabled")) {
                true => format!("Rotated each {} days; {times} times so far.", status["rotation_interval"]),
                false => format!("Not rotated by itself; {times} times so far."),
            }
        })
    }
}

/// Does the same with each of several keys, and shows what came of each.
fn batch(
    desk: &Desk<'_>,
    screen: &Screen,
    operation: &str,
    keys: &[String],
    code: Option<String>,
    more: &Map<String, Value>,
) -> Result<(), Error> {
    let ids = keys.iter().map(|key| desk.key(key)).collect::<Result<Vec<_>, _>>()?;
    let body = |id: &String| {
        let mut body = more.clone();
        body.insert("key_id".into(), id.clone().into());
        Value::Object(body)
    };
    let bodies: Vec<_> = ids.iter().map(body).collect();
    let answers = desk.each(operation, &bodies, code)?;
    let outcome = |(named, answer): (&String, &Result<Value, String>)| {
        // Who named it by an alias is told its id.
        let id = answer.as_ref().ok().and_then(|answer| {
            ["/key_info/key_id", "/key_id"].iter().find_map(|at| answer.pointer(at)?.as_str())
        });
        json!({ "key_id": id.unwrap_or(named), "done": answer.is_ok(), "why": answer.as_ref().err() })
    };
    let outcomes: Vec<_> = ids.iter().zip(&answers).map(outcome).collect();
    screen.table(&outcomes, |outcomes| {
        // Why something was not done is read to its end.
        let columns = [Column::text("KEY", 36), Column::text("RESULT", usize::MAX)];
        let mut table = Table::new(&columns, "No keys.");
        for outcome in outcomes {
            let result = match outcome["done"].as_bool() {
                Some(true) => Cell::from("done").styled(GOOD),
                _ => Cell::from(text(outcome, "why")).styled(BAD),
            };
            table.row(vec![Cell::from(text(outcome, "key_id")), result]);
        }
        table
    })?;
    match answers.iter().filter(|answer| answer.is_err()).count() {
        0 => Ok(()),
        failed if failed == answers.len() => Err(Error::Failed("none of it was done".into())),
        failed => Err(Error::Partly(format!("{failed} of {} keys were left as they are", answers.len()))),
    }
}
