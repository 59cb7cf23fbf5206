//! Where a ceremony is held: the plan, the UKeys that are open, and the questions that people are asked.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::{Timestamp, Unit};
use tempfile::TempDir;
use ukey::file::{self, Cost};
use ukey::{Algorithm, Holder};
use wire::admin::people::hex;

use super::plan::{Participant, Plan};
use crate::caller;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::secret::{self, Prompt};
use crate::table::printable;
use crate::ukey::Spec;
use crate::whole::{self, Readers};

/// Where a ceremony is held.
pub(super) struct Hall<'a> {
    pub(super) daemon: &'a Daemon,
    pub(super) plan: Plan,
    folder: PathBuf,
    /// The folder of a rehearsal, which goes with it.
    throw_away: Option<TempDir>,
    /// Open UKeys, by the holder's name.
    keys: BTreeMap<String, Rc<dyn Holder>>,
}

impl<'a> Hall<'a> {
    /// Goes on with the ceremony of this folder, or begins it.
    pub(super) fn open(daemon: &'a Daemon, folder: &Path) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|cause| Error::File {
            path: folder.to_owned(),
            why: format!("cannot make the folder: {cause}"),
        })?;
        let plan = Plan::load(folder)?.unwrap_or_default();
        let (folder, keys) = (folder.to_owned(), BTreeMap::new());
        Ok(Self { daemon, plan, folder, throw_away: None, keys })
    }

    /// A ceremony that leaves no trace.
    pub(super) fn rehearsal(daemon: &'a Daemon) -> Result<Self, Error> {
        let throw_away = TempDir::with_prefix("claviger-rehearsal-").map_err(Error::Write)?;
        let (folder, plan) = (throw_away.path().to_owned(), Plan::default());
        Ok(Self { daemon, plan, folder, throw_away: Some(throw_away), keys: BTreeMap::new() })
    }

    pub(super) const fn is_rehearsal(&self) -> bool {
        self.throw_away.is_some()
    }

    /// The transcript's place.
    pub(super) fn transcript(&self) -> PathBuf {
        self.folder.join("transcript.txt")
    }

    /// Keeps how far it has come.
    pub(super) fn save(&self) -> Result<(), Error> {
        if self.is_rehearsal() { Ok(()) } else { self.plan.save(&self.folder) }
    }

    /// Adds to the transcript, with the time, and shows it.
    pub(super) fn note(&mut self, what: &str) {
        self.write(what);
        say(&format!("  * {what}"));
    }

    fn write(&mut self, what: &str) {
        let now = Timestamp::now().round(Unit::Second).unwrap_or_else(|_| Timestamp::now());
        self.plan.lines.push(format!("{now} {}", printable(what)));
    }

    /// Gets to know somebody, whose UKey is made if they have none yet.
    pub(super) fn meet(&mut self, who: &str, role: &str) -> Result<(), Error> {
        loop {
            say("");
            let name = ask(&format!("Name of {who}"), None)?;
            if self.plan.participants.iter().any(|one| one.name == name) {
                say("There is one of that name already.");
                continue;
            }
            let usual = self.folder.join(file_name(&name));
            let usual =
                if self.is_rehearsal() { "a throw-away file".into() } else { usual.display().to_string() };
            let answer =
                ask(&format!("UKey of {name}, a file or PKCS#11 URI: empty makes {usual}"), Some(""))?;
            match self.admit(&name, role, &answer) {
                Ok(()) => return Ok(()),
                // A wrong PIN or path is no reason to end it.
                Err(error @ (Error::UKey { .. } | Error::NotConfirmed(_) | Error::Usage(_))) => {
                    say(&format!("That does not do: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn admit(&mut self, name: &str, role: &str, answer: &str) -> Result<(), Error> {
        let made = answer.is_empty();
        let (spec, key) = if made {
            self.make(name)?
        } else {
            let spec = match answer.parse::<Spec>() {
                Ok(spec) => spec,
                Err(never) => match never {},
            };
            let key: Rc<dyn Holder> = caller::open(&spec, None)?.into();
            (spec, key)
        };
        let public = key.public();
        let (name, id) = (public.name().to_owned(), hex(public.id().as_bytes()));
        if self.plan.participants.iter().any(|one| one.name == name || one.id == id) {
            return Err(Error::Usage(format!("{name} takes part already")));
        }
        let (algorithm, from) = (public.algorithm(), if made { "made here" } else { "brought along" });
        let what = format!("participant {name:?} role {role} ukey {id} algorithm {algorithm}, {from}");
        let ukey = spec.to_string();
        self.write(&what);
        self.plan.participants.push(Participant { name: name.clone(), role: role.to_owned(), ukey, id });
        self.keys.insert(name, key);
        self.save()?; // before they are told that they are in
        say(&format!("  * {what}"));
        Ok(())
    }

    fn make(&self, name: &str) -> Result<(Spec, Rc<dyn Holder>), Error> {
        let path = self.folder.join(file_name(name));
        let refuse = |error: ukey::Error| Spec::File(path.clone()).refuse(error);
        let what = format!("{name}'s new PIN");
        let pin = secret::obtain(None, &what, Prompt::Twice, "a ceremony is held at a terminal")?;
        let (bytes, _) = file::create(name, Algorithm::Ed25519, &pin, Cost::DEFAULT).map_err(refuse)?;
        whole::create(&path, &bytes, Readers::Owner)
            .map_err(|cause| Spec::File(path.clone()).refuse(format!("cannot make it: {cause}")))?;
        let key = file::open(&bytes, &pin).map_err(refuse)?;
        Ok((Spec::File(path), Rc::new(key)))
    }

    /// Somebody's UKey, whose PIN is asked for if it is not open.
    pub(super) fn key(&mut self, one: &Participant) -> Result<Rc<dyn Holder>, Error> {
        if let Some(key) = self.keys.get(&one.name) {
            return Ok(Rc::clone(key));
        }
        let spec = spec(one);
        say(&format!("\n{}, your UKey is needed again.", one.name));
        let key: Rc<dyn Holder> = loop {
            match caller::open(&spec, None) {
                Ok(key) => break key.into(),
                Err(error @ (Error::UKey { .. } | Error::NotConfirmed(_))) => {
                    say(&format!("That does not do: {error}"));
                    if ask("Try again?", Some("yes"))? != "yes" {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        };
        if hex(key.public().id().as_bytes()) != one.id {
            return Err(spec.refuse(format!("this is not the UKey of {} that took part", one.name)));
        }
        self.keys.insert(one.name.clone(), Rc::clone(&key));
        Ok(key)
    }

    /// Lets somebody give the commands that follow.
    pub(super) fn speaks(&mut self, one: &Participant) -> Result<(), Error> {
        let key = self.key(one)?;
        self.daemon.caller().becomes_holder(spec(one), key);
        Ok(())
    }
}

fn spec(one: &Participant) -> Spec {
    match one.ukey.parse() {
        Ok(spec) => spec,
        Err(never) => match never {},
    }
}

/// A file's name for somebody's UKey.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    format!("{}.ukey", name.chars().map(plain).collect::<String>())
}

/// Shows text.
pub(super) fn say(text: &str) {
    let lines: Vec<_> = text.lines().map(printable).collect();
    anstream::println!("{}", lines.join("\n"));
}

/// Asks, again and again until there is an answer, or takes `usual` for an empty one.
pub(super) fn ask(question: &str, usual: Option<&str>) -> Result<String, Error> {
    loop {
        let hint = usual.filter(|usual| !usual.is_empty()).map(|usual| format!(" [{usual}]"));
        anstream::print!("{}{}: ", printable(question), hint.unwrap_or_default());
        io::stdout().flush().map_err(Error::Print)?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line).map_err(Error::Print)? == 0 {
            return Err(Error::NotConfirmed("there was no answer".into()));
        }
        match (line.trim(), usual) {
            ("", Some(usual)) => return Ok(usual.to_owned()),
            ("", None) => {}
            (answer, _) => return Ok(answer.to_owned()),
        }
    }
}

/// Asks for a number in a range.
pub(super) fn ask_number(
    question: &str,
    range: std::ops::RangeInclusive<usize>,
    usual: usize,
) -> Result<usize, Error> {
    loop {
        match ask(question, Some(&usual.to_string()))?.parse() {
            Ok(number) if range.contains(&number) => return Ok(number),
            _ => say(&format!("A number from {} to {}, please.", range.start(), range.end())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        assert_eq!(file_name("Ada Lovelace"), "ada-lovelace.ukey");
        assert_eq!(file_name("../x/\0"), "---x--.ukey");
    }
}
