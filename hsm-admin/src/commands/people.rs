//! `people`: who is registered with the HSM, with which UKey, as what.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use wire::admin::people::{Ask as People_, Founder, Person, REGISTER, Registered, Told as Answer, founding};
use wire::admin::{Ask, Role, Told};
use wire::{Bytes, List};

use crate::caller::{self, sign};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen, WARN};
use crate::secret::{self, Source};
use crate::table::{Cell, Column, Table, facts, printable};
use crate::ukey::{self, Spec};

const EXAMPLES: &str = "\
Examples:
  hsm-admin people init ada.ukey ben.ukey eva.ukey --quorum 2
  hsm-admin people add Max --role auditor --key max.ukey
  hsm-admin --ukey ada.ukey people add Zoe --role partition-so \\
    --partition payments --key zoe.pub
  hsm-admin --ukey ada.ukey people list";

/// Register the people of the HSM, their UKeys and their roles
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum People {
    Init(Init),
    /// List everybody who is registered
    List,
    /// Show one person in full
    Show {
        /// The person's name
        person: String,
    },
    Add(Add),
    Remove(Remove),
    /// Forget a person's failed log-ins
    Unlock {
        /// The person's name
        person: String,
    },
}

/// Initialise the HSM: from then on it belongs to its security officers
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Init {
    /// The security officers' UKeys, which must all be here; their names become the people's
    #[arg(required = true, value_name = "UKEY")]
    ukeys: Vec<Spec>,

    /// How many of them must approve the commands that change the most; 0 for none
    #[arg(long, value_name = "M")]
    quorum: u8,

    /// Read the UKeys' PINs from this file, a line for each
    #[arg(long, value_name = "FILE")]
    pins_file: Option<PathBuf>,

    /// Do not ask whether it is meant
    #[arg(long)]
    yes: bool,
}

/// Give a person a role; a new person is registered with a UKey
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Add {
    /// The person's name
    person: String,

    #[command(flatten)]
    held: HeldArgs,

    /// A new person's UKey, or its public part; an auditor's UKey must be here, to sign
    #[arg(long, value_name = "UKEY")]
    key: Option<Spec>,

    /// Read that UKey's PIN from this file (its first line)
    #[arg(long, value_name = "FILE", requires = "key")]
    key_pin_file: Option<PathBuf>,
}

/// Take a role from a person; who has none left is no longer registered
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The person's name
    person: String,

    #[command(flatten)]
    held: HeldArgs,
}

/// A role, and where.
#[derive(Debug, Args)]
struct HeldArgs {
    /// hsm-so, partition-so, crypto-officer, crypto-user, auditor or backup-operator
    #[arg(long, value_parser = role)]
    role: Role,

    /// The partition of the role: its label, serial number or slot number
    #[arg(long)]
    partition: Option<String>,
}

/// The role of this name.
pub(super) fn role(name: &str) -> Result<Role, String> {
    Role::named(name).ok_or_else(|| {
        format!("there is no role {name:?}: there are {}", Role::ALL.map(Role::name).join(", "))
    })
}

impl People {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Init(init) => init.run(daemon, screen),
            Self::List => screen.table(&all(daemon)?, |people| table(people)),
            Self::Show { person } => {
                let shown = told(daemon, People_::Show { person: person.clone() })?;
                screen.show(&shown.ok_or(Error::Unknown)?, facts_of)
            }
            Self::Add(add) => add.run(daemon, screen),
            Self::Remove(remove) => remove.run(daemon, screen),
            Self::Unlock { person } => {
                let shown = told(daemon, People_::Unlock { person: person.clone() })?;
                screen.show(&shown.ok_or(Error::Unknown)?, |person| {
                    format!("{} can log in again.", printable(&person.name))
                })
            }
        }
    }
}

impl Init {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let pins = self.pins()?;
        if !self.yes {
            let names = self.ukeys.iter().map(|spec| Ok(printable(ukey::public(spec)?.name())));
            let names = names.collect::<Result<Vec<_>, Error>>()?.join(", ");
            let consequence = format!(
                "From now on only {names} administer this HSM, with their UKeys. If too many UKeys or PINs are lost \
                 for {} of {}, nobody can: there is no back door.",
                self.quorum.max(1),
                self.ukeys.len()
            );
            secret::confirm(&consequence, "the word", "yes")?;
        }
        let mut keys = Vec::new();
        for (number, spec) in self.ukeys.iter().enumerate() {
            keys.push(match pins.get(number) {
                Some(pin) => ukey::open(spec, pin)?,
                None => caller::open(spec, None)?,
            });
        }
        let holders: Vec<_> = keys.iter().map(|key| &**key).collect();
        init(daemon, &holders, self.quorum)?;
        let names: Vec<_> = keys.iter().map(|key| key.public().name().to_owned()).collect();
        screen.show(&json!({ "officers": names, "quorum": self.quorum }), |_| {
            format!("The HSM belongs to {}.", names.join(", "))
        })
    }

    /// The PINs in the file; none if they are to be typed.
    fn pins(&self) -> Result<Vec<Bytes>, Error> {
        let Some(path) = &self.pins_file else { return Ok(Vec::new()) };
        let pins = secret::lines(path, "the UKeys' PINs")?;
        if pins.len() == self.ukeys.len() {
            return Ok(pins);
        }
        let (have, need) = (pins.len(), self.ukeys.len());
        Err(Error::Usage(format!("{} has {have} PINs, and there are {need} UKeys", path.display())))
    }
}

/// Initialises the HSM with these officers, each of whom signs that.
pub(super) fn init(daemon: &Daemon, keys: &[&dyn ::ukey::Holder], quorum: u8) -> Result<(), Error> {
    let mut open = daemon.open()?;
    open.greet()?; // now, since a log-in takes a challenge of its own
    let challenge = open.challenge()?;
    let founder = |key: &&dyn ::ukey::Holder| {
        let public = key.public();
        let ukey = Registered {
            id: *public.id().as_bytes(),
            public: Bytes::from(public.to_bytes()),
            signature: None,
        };
        Founder { person: public.name().to_owned(), ukey }
    };
    let mut officers: Vec<_> = keys.iter().map(founder).collect();
    let stated = founding(&officers, quorum);
    for (officer, key) in officers.iter_mut().zip(keys) {
        officer.ukey.signature = Some(sign(*key, REGISTER, &challenge.message(&[b"init", &stated]))?);
    }
    let officers =
        List::new(officers).ok_or_else(|| Error::Usage("there are more UKeys than one HSM takes".into()))?;
    match open.ask(&Ask::People(People_::Init { officers, quorum }))? {
        Told::Done => Ok(()),
        _ => Err(Error::Unknown),
    }
}

impl Add {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let key = match &self.key {
            Some(spec) if self.held.role == Role::Auditor => {
                Some(Newcomer::Present(caller::open(spec, Source::of(self.key_pin_file.as_deref(), None))?))
            }
            Some(spec) => Some(Newcomer::Vouched(ukey::public(spec)?)),
            None => None,
        };
        let (person, partition) = (self.person.clone(), self.held.partition.clone());
        let person = add(daemon, person, key.as_ref(), self.held.role, partition)?;
        screen.show(&person, |person| format!("{} is {}.", printable(&person.name), titles(person)))
    }
}

/// A new person's UKey.
pub(super) enum Newcomer {
    /// It is here, and signs.
    Present(Box<dyn ::ukey::Holder>),
    /// Who registers it vouches for it.
    Vouched(::ukey::Public),
}

/// Gives a person a role.
pub(super) fn add(
    daemon: &Daemon,
    person: String,
    key: Option<&Newcomer>,
    role: Role,
    partition: Option<String>,
) -> Result<Person, Error> {
    let mut open = daemon.open()?;
    open.greet()?;
    let ukey = match key {
        None => None,
        Some(Newcomer::Vouched(public)) => Some(registered(public, None)),
        Some(Newcomer::Present(key)) => {
            let challenge = open.challenge()?;
            let message = challenge.message(&[role.name().as_bytes(), person.as_bytes()]);
            Some(registered(key.public(), Some(sign(&**key, REGISTER, &message)?)))
        }
    };
    match open.ask(&Ask::People(People_::Add { person, ukey, role, partition }))? {
        Told::People(Answer::Person(Some(person))) => Ok(person),
        _ => Err(Error::Unknown),
    }
}

fn registered(public: &::ukey::Public, signature: Option<Bytes>) -> Registered {
    Registered { id: *public.id().as_bytes(), public: Bytes::from(public.to_bytes()), signature }
}

impl Remove {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let (person, role, partition) = (self.person.clone(), self.held.role, self.held.partition.clone());
        let left = told(daemon, People_::Remove { person, role, partition })?;
        screen.show(&json!({ "person": self.person, "left": left }), |_| match &left {
            Some(left) => format!("{} is still {}.", printable(&left.name), titles(left)),
            None => format!("{} is no longer registered.", printable(&self.person)),
        })
    }
}

fn all(daemon: &Daemon) -> Result<Vec<Person>, Error> {
    match daemon.ask(&Ask::People(People_::List))? {
        Told::People(Answer::People(people)) => Ok(people.into_vec()),
        _ => Err(Error::Unknown),
    }
}

fn told(daemon: &Daemon, ask: People_) -> Result<Option<Person>, Error> {
    match daemon.ask(&Ask::People(ask))? {
        Told::People(Answer::Person(person)) => Ok(person),
        _ => Err(Error::Unknown),
    }
}

/// `hsm-so, crypto-officer of payments`
pub(super) fn titles(person: &Person) -> String {
    let title = |held: &wire::admin::people::Held| match (&held.label, held.partition) {
        (Some(label), _) => format!("{} of {}", held.role, printable(label)),
        (None, Some(slot)) => format!("{} of slot {slot}, which is gone", held.role),
        (None, None) => held.role.clone(),
    };
    person.roles.iter().map(title).collect::<Vec<_>>().join(", ")
}

/// The sixteen digits by which people know a UKey.
fn short(id: &str) -> String {
    let bytes = crate::approval_file::bytes(id).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or_else(|| id.to_owned(), |bytes| ::ukey::Id::from_bytes(bytes).to_string())
}

fn state(person: &Person) -> Cell {
    match person {
        Person { locked: true, .. } => Cell::from("locked").styled(BAD),
        Person { failed: 0, .. } => Cell::from("good").styled(GOOD),
        Person { failed, .. } => Cell::from(format!("{failed} failed")).styled(WARN),
    }
}

fn table(people: &[Person]) -> Table {
    let columns = [
        Column::text("NAME", 12),
        Column::text("ROLES", 16),
        Column::text("UKEY", 19),
        Column::text("LOG-IN", 6),
    ];
    let mut table = Table::new(&columns, "Nobody is registered: whoever gets here is the security officer.");
    for person in people {
        table.row(vec![
            Cell::from(&person.name),
            Cell::from(titles(person)),
            Cell::from(short(&person.ukey)),
            state(person),
        ]);
    }
    table
}

/// All that is known of a person.
pub(super) fn facts_of(person: &Person) -> String {
    facts(vec![
        ("name", Cell::from(&person.name)),
        ("roles", Cell::from(titles(person))),
        ("UKey", Cell::from(format!("{}, {}", short(&person.ukey), person.algorithm))),
        ("UKey's id", Cell::from(&person.ukey)),
        ("log-in", state(person)),
    ])
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    #[test]
    fn a_list_of_people_fits_80_columns() {
        let held = |role: &str, partition: Option<u64>, label: Option<&str>| wire::admin::people::Held {
            role: role.into(),
            partition,
            label: label.map(str::to_owned),
        };
        let person = |name: &str, roles, failed| Person {
            name: name.into(),
            ukey: "0123456789abcdef".repeat(4),
            algorithm: "Ed25519".into(),
            roles,
            failed,
            locked: failed >= 10,
        };
        let people = [
            person("Ada", vec![held("hsm-so", None, None)], 0),
            person(
                "Zoe with a name that is rather long",
                vec![held("partition-so", Some(1), Some("payments")), held("crypto-user", Some(9), None)],
                10,
            ),
        ];
        let text = strip_str(&table(&people).render(80)).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("0123-4567-89ab-cdef  locked"), "{text}");
        assert_eq!(titles(&people[1]), "partition-so of payments, crypto-user of slot 9, which is gone");
    }
}
