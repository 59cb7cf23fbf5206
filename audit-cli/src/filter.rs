//! Which records are wanted.

use audit::export::parse_time;
use audit::{Class, Outcome, Record};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(next_help_heading = "Which records")]
pub(crate) struct Filter {
    /// From this time on, as in 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<u64>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<u64>,
    /// With this action, or a group of actions, as in `key.generate` or `key`
    #[arg(long, value_name = "WORD")]
    action: Option<String>,
    /// Of the partition with this slot or serial number
    #[arg(long, value_name = "SLOT|SERIAL")]
    partition: Option<String>,
    /// By the person with this name or UKey
    #[arg(long, value_name = "NAME|ID")]
    person: Option<String>,
    /// By this token user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Of the object with this unique id or label
    #[arg(long, value_name = "ID|LABEL")]
    object: Option<String>,
    /// Of this class
    #[arg(long)]
    class: Option<Classes>,
    /// Only what failed
    #[arg(long)]
    failed: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Classes {
    Admin,
    Lifecycle,
    Use,
}

fn time(text: &str) -> Result<u64, String> {
    parse_time(text).ok_or_else(|| "expected a time such as 2026-01-31T12:00:00Z".to_owned())
}

impl Filter {
    pub(crate) fn wants(&self, record: &Record) -> bool {
        let is = |wanted: &Option<String>, texts: &[&str]| {
            wanted.as_deref().is_none_or(|wanted| texts.contains(&wanted))
        };
        let (slot, serial) = record
            .partition
            .as_ref()
            .map_or((String::new(), ""), |one| (one.slot.to_string(), one.serial.as_str()));
        let person = record.person.as_ref().map_or(["", ""], |one| [one.name.as_str(), one.id.as_str()]);
        let object = record.object.as_ref().map_or(["", ""], |one| [one.id.as_str(), one.label.as_str()]);
        let class = self.class.map(|class| match class {
            Classes::Admin => Class::Admin,
            Classes::Lifecycle => Class::Lifecycle,
            Classes::Use => Class::Use,
        });
        let action = record.action.as_str();
        let action = self.action.as_deref().is_none_or(|wanted| {
            action.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        action
            && self.since.is_none_or(|since| record.time >= since)
            && self.until.is_none_or(|until| record.time < until)
            && is(&self.partition, &[&slot, serial])
            && is(&self.person, &person)
            && is(&self.user, &[record.user.as_str()])
            && is(&self.object, &object)
            && class.is_none_or(|class| record.class == class)
            && (!self.failed || record.outcome != Outcome::Done)
    }
}
