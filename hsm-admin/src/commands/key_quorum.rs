//! `key quorum` and `key authorize`: keys of which each use needs the approval of several people.

use clap::{Args, Subcommand};
use serde_json::json;
use wire::List;
use wire::admin::key::{Approver, Ask as Keys, Grant, KeyQuorum, Named, Only, Told as Answer, Usages};
use wire::admin::people::{Ask as People, Told as Registered};
use wire::admin::{self, Ask, Told};

use super::approval::seconds;
use super::key;
use crate::approval_file::{bytes, moment};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, facts, printable};

const USAGES: [&str; 6] = ["sign", "decrypt", "unwrap", "wrap", "derive", "encrypt"];

const EXAMPLES: &str = "\
A key under a quorum does nothing of what is named until enough of its approvers
have authorised that: for so many uses, and for a time. Each operation of an
application takes one; without one it fails with CKR_FUNCTION_REJECTED.

Examples:
  hsm-admin key quorum set payments ca --usage sign --approvals 2 \\
    --approver Ada --approver Ben --approver Eva
  hsm-admin approval request --out r.json -- \\
    key authorize payments ca --usage sign --uses 1 --for 10m
  hsm-admin --ukey ada.ukey approval sign r.json --out ada.json
  hsm-admin --ukey ben.ukey approval sign r.json --out ben.json
  hsm-admin --approval ada.json --approval ben.json \\
    key authorize payments ca --usage sign --uses 1 --for 10m
  hsm-admin key quorum show payments";

/// Have each use of a key approved by several people
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Quorum {
    Set(Set),
    /// Take the quorum of a key away, which that must approve
    Remove(Which),
    /// Show the keys that are under a quorum, and what they are authorised for
    Show {
        /// The partition: its label, serial number or slot number
        partition: String,

        /// This key alone: its unique id, its label, or its id as id:HEX
        key: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The partition: its label, serial number or slot number
    partition: String,

    /// The private or secret key: its unique id, its label, or its id as id:HEX
    key: String,
}

/// Put a key under a quorum, or change the one it has, which that must approve
///
/// The key must be sensitive and not extractable. What does the same work as a usage that is named comes with it: an RSA
/// key that needs approval to sign needs it to decrypt.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Set {
    #[command(flatten)]
    which: Which,

    /// For what: sign, decrypt, unwrap, wrap, derive, encrypt
    #[arg(long = "usage", required = true, value_delimiter = ',', value_parser = USAGES)]
    usages: Vec<String>,

    /// How many must approve
    #[arg(long = "approvals", value_name = "M")]
    needed: u8,

    /// Somebody who may approve, by name (repeatable); have more than are needed
    #[arg(long = "approver", required = true, value_name = "NAME", value_delimiter = ',')]
    approvers: Vec<String>,
}

/// Have a key used so often within a time, as its quorum approved
///
/// Make a request with `approval request -- key authorize …`, have it signed with `approval sign`, and give the same
/// command with --approval for each.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Authorize {
    #[command(flatten)]
    which: Which,

    /// For what: sign, decrypt, unwrap, wrap, derive, encrypt
    #[arg(long = "usage", required = true, value_delimiter = ',', value_parser = USAGES)]
    usages: Vec<String>,

    /// How often
    #[arg(long, value_name = "N")]
    uses: u32,

    /// For how long from when it is authorised: 90s, 30m, 24h, 7d
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    seconds: u64,

    /// By this application alone: uid:NUMBER or pid:NUMBER, as the daemon sees it
    #[arg(long, value_parser = only, default_value = "any")]
    application: Only,
}

fn only(text: &str) -> Result<Only, String> {
    let parsed = match text.split_once(':') {
        None if text == "any" => Some(Only::Any),
        Some(("uid", number)) => number.parse().ok().map(Only::Uid),
        Some(("pid", number)) => number.parse().ok().map(Only::Pid),
        _ => None,
    };
    parsed.ok_or_else(|| format!("{text:?} is no application: expected uid:NUMBER, pid:NUMBER or any"))
}

impl Quorum {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Set(set) => set.run(daemon, screen),
            Self::Remove(which) => {
                let (partition, found) = (which.partition.clone(), which.find(daemon)?);
                let remove = Keys::RemoveQuorum { partition, key: found.unique_id.clone() };
                let Told::Done = daemon.ask(&Ask::Key(remove))? else { return Err(Error::Unknown) };
                screen.show(&json!({ "key": found.unique_id }), |_| {
                    format!("Uses of {} need no approval any more.", printable(&found.label))
                })
            }
            Self::Show { partition, key } => {
                let partition = partition.clone();
                let key = key.as_ref().map(|name| {
                    let which = Which { partition: partition.clone(), key: name.clone() };
                    Ok::<_, Error>(which.find(daemon)?.unique_id)
                });
                let all = Keys::Quorums { partition, key: key.transpose()? };
                match daemon.ask(&Ask::Key(all))? {
                    Told::Key(Answer::Quorums(all)) => {
                        screen.show(&all.iter().map(shown).collect::<Vec<_>>(), |_| text(&all))
                    }
                    _ => Err(Error::Unknown),
                }
            }
        }
    }
}

impl Which {
    /// The one private or secret key of that name.
    fn find(&self, daemon: &Daemon) -> Result<admin::Object, Error> {
        key::one_of(daemon, &self.partition, &self.key, |object| {
            matches!(object.class.as_str(), "CKO_PRIVATE_KEY" | "CKO_SECRET_KEY")
        })
    }
}

impl Set {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let found = self.which.find(daemon)?;
        let approvers = approvers(daemon, &self.approvers)?;
        let set = Keys::SetQuorum {
            partition: self.which.partition.clone(),
            key: found.unique_id,
            usages: usages(&self.usages)?,
            needed: self.needed,
            approvers: List::new(approvers)
                .ok_or_else(|| Error::Usage("a key has 32 approvers at the most".into()))?,
        };
        quorum(daemon, screen, set)
    }
}

impl Authorize {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let authorize = Keys::Authorize {
            partition: self.which.partition.clone(),
            key: self.which.find(daemon)?.unique_id,
            usages: usages(&self.usages)?,
            uses: self.uses,
            seconds: self.seconds,
            only: self.application,
        };
        quorum(daemon, screen, authorize)
    }
}

/// People as approvers: by their UKeys, which is what is approved.
fn approvers(daemon: &Daemon, names: &[String]) -> Result<Vec<Approver>, Error> {
    let Told::People(Registered::People(all)) = daemon.ask(&Ask::People(People::List))? else {
        return Err(Error::Unknown);
    };
    let approver = |name: &String| {
        let person = all.iter().find(|person| person.name == *name);
        let person = person.ok_or_else(|| Error::Failed(format!("there is no person {name:?}")))?;
        let ukey = bytes(&person.ukey).and_then(|ukey| ukey.try_into().ok());
        Ok(Approver { name: name.clone(), ukey: ukey.ok_or(Error::Unknown)? })
    };
    names.iter().map(approver).collect()
}

fn usages(words: &[String]) -> Result<Usages, Error> {
    List::new(words.to_vec()).ok_or_else(|| Error::Usage("a usage is named twice".into()))
}

fn quorum(daemon: &Daemon, screen: &Screen, ask: Keys) -> Result<(), Error> {
    match daemon.ask(&Ask::Key(ask))? {
        Told::Key(Answer::Quorum(now)) => screen.show(&shown(&now), |_| facts_of(&now)),
        _ => Err(Error::Unknown),
    }
}

/// For programs.
fn shown(key: &KeyQuorum) -> serde_json::Value {
    let grant = |grant: &Grant| {
        json!({
            "usages": grant.usages, "left": grant.left, "expires": moment(grant.expires),
            "application": grant.only,
        })
    };
    let approver = |one: &Named| json!({ "name": one.name, "ukey": one.ukey });
    json!({
        "key": key.key, "label": key.label, "usages": key.usages, "approvals": key.needed,
        "approvers": key.approvers.iter().map(approver).collect::<Vec<_>>(),
        "authorisations": key.grants.iter().map(grant).collect::<Vec<_>>(),
    })
}

fn text(all: &[KeyQuorum]) -> String {
    if all.is_empty() {
        return "No key is under a quorum.".to_owned();
    }
    all.iter().map(facts_of).collect::<Vec<_>>().join("\n")
}

/// All that is known of a key's quorum.
fn facts_of(key: &KeyQuorum) -> String {
    let who = |one: &Named| one.name.clone().unwrap_or_else(|| "(nobody any more)".to_owned());
    let of = key.approvers.iter().map(who).collect::<Vec<_>>().join(", ");
    let mut rows = vec![
        ("key", Cell::from(&key.label)),
        ("unique id", Cell::from(&key.key)),
        ("needs approval to", Cell::from(key.usages.join(", "))),
        ("approval by", Cell::from(format!("{} of {of}", key.needed))),
    ];
    for Grant { usages, left, expires, only } in &key.grants {
        let by = if only == "any" { "any application" } else { only };
        let what = format!("{} ({left} more, by {by}, until {})", usages.join(", "), moment(*expires));
        rows.push(("is authorised to", Cell::from(what)));
    }
    facts(rows)
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    #[test]
    fn an_application_is_a_user_or_a_process() {
        assert_eq!(only("any"), Ok(Only::Any));
        assert_eq!(only("uid:1000"), Ok(Only::Uid(1000)));
        assert_eq!(only("pid:7"), Ok(Only::Pid(7)));
        for wrong in ["", "uid", "uid:", "uid:-1", "gid:1", "pid:x", "any:1"] {
            assert!(only(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_shown_with_who_approves_and_what_is_left() {
        let named = |name: Option<&str>| Named { ukey: "ab".into(), name: name.map(str::to_owned) };
        let grant =
            Grant { usages: vec!["sign".into()], left: 3, expires: 1_800_000_000, only: "uid:7".into() };
        let key = KeyQuorum {
            key: "0123".into(),
            label: "ca\u{1b}".into(),
            usages: vec!["sign".into(), "decrypt".into()],
            needed: 2,
            approvers: vec![named(Some("Ada")), named(Some("Ben")), named(None)],
            grants: vec![grant],
        };
        let shown = strip_str(&text(&[key])).to_string();
        for part in [
            "needs approval to  sign, decrypt",
            "2 of Ada, Ben, (nobody any more)",
            "sign (3 more, by uid:7, until 2027-01-15T08:00:00Z)",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
        assert!(text(&[]).contains("No key"));
    }
}
