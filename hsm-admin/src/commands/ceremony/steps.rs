//! The steps of a ceremony. Each is done once, also if the ceremony was interrupted after the daemon did it.

use wire::Bytes;
use wire::admin::people::{Ask as People, MAX_FOUNDERS, Person, Told as Answer, hex};
use wire::admin::{Ask, Role, Told};

use super::hall::{Hall, ask, ask_number, say};
use super::plan::{Participant, Step};
use super::transcript;
use crate::approval_file::sha256;
use crate::commands::people::{Newcomer, add, init};
use crate::commands::user as users;
use crate::error::Error;
use crate::secret::{self, Prompt};
use crate::whole::{self, Readers};

/// Does what is still to be done.
pub(super) fn all(hall: &mut Hall<'_>) -> Result<(), Error> {
    begin(hall)?;
    while hall.plan.next != Step::Over {
        let step = hall.plan.next;
        say(&format!("\nStep {} of {}: {}", step.number(), Step::COUNT, step.name()));
        match step {
            Step::Officers => officers(hall)?,
            Step::Quorum => quorum(hall)?,
            Step::Initialise => initialise(hall)?,
            Step::Partition => partition(hall)?,
            Step::PartitionSo => partition_so(hall)?,
            Step::CryptoOfficers => crypto_officers(hall)?,
            Step::Sign => sign(hall)?,
            Step::Over => {}
        }
        hall.plan.next = step.after();
        hall.save()?;
    }
    Ok(())
}

fn begin(hall: &mut Hall<'_>) -> Result<(), Error> {
    if hall.plan.next == Step::Over {
        say(&format!("This ceremony is over: see {}.", hall.transcript().display()));
    } else if !hall.plan.lines.is_empty() {
        say(&format!("This ceremony was interrupted. It goes on with: {}.", hall.plan.next.name()));
    } else if hall.is_rehearsal() {
        hall.plan.lines.extend(transcript::heading(None));
        say("This is a rehearsal: nothing is changed, and nothing stays.");
        hall.note("the rehearsal begins");
    } else {
        let challenge = hall.daemon.open()?.challenge()?;
        if challenge.owned {
            let why = "the HSM is initialised already: a ceremony is for one that nobody owns";
            return Err(Error::Failed(why.into()));
        }
        hall.plan.lines.extend(transcript::heading(Some(&challenge.hsm)));
        hall.note(concat!("the ceremony begins, led by hsm-admin ", env!("CARGO_PKG_VERSION")));
        hall.save()?;
    }
    Ok(())
}

fn officers(hall: &mut Hall<'_>) -> Result<(), Error> {
    let wanted = match hall.plan.officers {
        Some(wanted) => wanted,
        None => ask_number("How many security officers does the HSM have?", 1..=MAX_FOUNDERS, 5)?,
    };
    hall.plan.officers = Some(wanted);
    hall.save()?;
    for number in hall.plan.participants.len()..wanted {
        hall.meet(&format!("security officer {} of {wanted}", number + 1), Role::HsmSo.name())?;
    }
    Ok(())
}

fn quorum(hall: &mut Hall<'_>) -> Result<(), Error> {
    let of = hall.plan.participants.len();
    let question = format!("How many of the {of} must approve what changes the most?");
    let quorum = ask_number(&question, 1..=of, of / 2 + 1)?;
    hall.plan.quorum = u8::try_from(quorum).ok();
    hall.note(&format!("quorum {quorum} of {of}"));
    Ok(())
}

fn initialise(hall: &mut Hall<'_>) -> Result<(), Error> {
    let officers = hall.plan.participants.clone();
    let quorum = hall.plan.quorum.unwrap_or(1);
    let names: Vec<_> = officers.iter().map(|one| one.name.as_str()).collect();
    let names = names.join(", ");
    say(&format!(
        "From now on only {names} administer this HSM, with their UKeys.\nIf more than {} of the UKeys or PINs are lost, \
         nobody can approve anything any more: there is no back door.",
        officers.len().saturating_sub(quorum.into())
    ));
    if ask("Initialise the HSM? Type yes", None)? != "yes" {
        return Err(Error::NotConfirmed("that was not yes".into()));
    }
    if !hall.is_rehearsal() && !is_done(hall, &officers)? {
        let keys = officers.iter().map(|one| hall.key(one)).collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<_> = keys.iter().map(|key| &**key).collect();
        init(hall.daemon, &keys, quorum)?;
    }
    hall.note(&format!("the HSM is initialised; it belongs to {names}"));
    Ok(())
}

/// Whether the HSM belongs to these already: it was interrupted between the deed and the note of it.
fn is_done(hall: &mut Hall<'_>, officers: &[Participant]) -> Result<bool, Error> {
    if !hall.daemon.open()?.challenge()?.owned {
        return Ok(false);
    }
    let first = officers.first().ok_or(Error::Unknown)?;
    hall.speaks(first)?;
    let people = people(hall)?;
    let registered = |one: &Participant| people.iter().any(|person| person.ukey == one.id);
    if officers.iter().all(registered) {
        return Ok(true);
    }
    Err(Error::Failed("meanwhile the HSM was initialised by others".into()))
}

fn partition(hall: &mut Hall<'_>) -> Result<(), Error> {
    let label = match hall.plan.partition.clone() {
        Some(label) => label,
        None => ask("Label of the first partition", Some("first"))?,
    };
    hall.plan.partition = Some(label.clone());
    hall.save()?;
    let instead = "a ceremony is held at a terminal";
    if hall.is_rehearsal() {
        let _typed = new_pins(instead)?;
        hall.note(&format!("partition {label:?} is made, initialised, with both PINs"));
        return Ok(());
    }
    let first = hall.plan.participants.first().cloned().ok_or(Error::Unknown)?;
    hall.speaks(&first)?;
    let made = match there_already(hall, &label)? {
        Some(there) => there,
        None => {
            let (so_pin, user_pin) = new_pins(instead)?;
            let (policy, so_pin, user_pin) = ("standard".to_owned(), Some(so_pin), Some(user_pin));
            match hall.daemon.ask(&Ask::PartitionCreate { label, policy, so_pin, user_pin })? {
                Told::Partition(made) => *made,
                _ => return Err(Error::Unknown),
            }
        }
    };
    hall.note(&format!(
        "partition {:?} is made, slot {}, serial number {}, policy {}",
        made.label, made.slot, made.serial, made.policy
    ));
    Ok(())
}

fn new_pins(instead: &str) -> Result<(Bytes, Bytes), Error> {
    let pin = |what: &str| secret::obtain(None, what, Prompt::Twice, instead);
    Ok((pin("the partition's new SO PIN")?, pin("the partition's new user PIN")?))
}

/// The partition, if it was made before an interruption.
fn there_already(hall: &Hall<'_>, label: &str) -> Result<Option<wire::admin::Partition>, Error> {
    match hall.daemon.ask(&Ask::PartitionList)? {
        Told::Partitions(all) => Ok(all.into_vec().into_iter().find(|one| one.label == label)),
        _ => Err(Error::Unknown),
    }
}

fn partition_so(hall: &mut Hall<'_>) -> Result<(), Error> {
    let role = Role::PartitionSo;
    if hall.plan.with_role(role.name()).next().is_none() {
        hall.meet("the partition's security officer", role.name())?;
    }
    let giver = hall.plan.participants.first().cloned().ok_or(Error::Unknown)?;
    give(hall, &giver, role)
}

fn crypto_officers(hall: &mut Hall<'_>) -> Result<(), Error> {
    let role = Role::CryptoOfficer;
    for number in hall.plan.with_role(role.name()).count()..2 {
        hall.meet(&format!("crypto officer {} of 2", number + 1), role.name())?;
    }
    let giver = hall.plan.with_role(Role::PartitionSo.name()).next().cloned().ok_or(Error::Unknown)?;
    give(hall, &giver, role)?;
    let those: Vec<_> = hall.plan.with_role(role.name()).cloned().collect();
    those.iter().try_for_each(|one| token_user(hall, &giver, &one.name))
}

/// Makes somebody a user of the partition's token, by whose PIN, which nobody else knows, applications log in for them.
fn token_user(hall: &mut Hall<'_>, giver: &Participant, name: &str) -> Result<(), Error> {
    let partition = hall.plan.partition.clone().unwrap_or_default();
    if hall.is_rehearsal() || !users::all(hall.daemon, &partition)?.iter().any(|user| user.name == name) {
        let what = format!("{name}'s new PIN for partition {partition:?}");
        let pin = secret::obtain(None, &what, Prompt::Twice, "a ceremony is held at a terminal")?;
        if !hall.is_rehearsal() {
            users::add(hall.daemon, &partition, name, Role::CryptoOfficer, pin)?;
        }
    }
    hall.note(&format!(
        "{name:?} is a user of {partition:?} with a PIN of their own, a {}, made by {:?}",
        Role::CryptoOfficer.name(),
        giver.name
    ));
    Ok(())
}

/// Has somebody register those who are to have a role on the partition.
fn give(hall: &mut Hall<'_>, giver: &Participant, role: Role) -> Result<(), Error> {
    let partition = hall.plan.partition.clone();
    let those: Vec<_> = hall.plan.with_role(role.name()).cloned().collect();
    if !hall.is_rehearsal() {
        hall.speaks(giver)?;
    }
    for one in those {
        if !hall.is_rehearsal() && !people(hall)?.iter().any(|person| person.ukey == one.id) {
            let key = Newcomer::Vouched(hall.key(&one)?.public().clone());
            add(hall.daemon, one.name.clone(), Some(&key), role, partition.clone())?;
        }
        let label = partition.as_deref().unwrap_or_default();
        hall.note(&format!(
            "{:?} is registered as {} of {label:?} by {:?}",
            one.name,
            role.name(),
            giver.name
        ));
    }
    Ok(())
}

fn people(hall: &Hall<'_>) -> Result<Vec<Person>, Error> {
    match hall.daemon.ask(&Ask::People(People::List))? {
        Told::People(Answer::People(people)) => Ok(people.into_vec()),
        _ => Err(Error::Unknown),
    }
}

fn sign(hall: &mut Hall<'_>) -> Result<(), Error> {
    let path = hall.transcript();
    let text = match std::fs::read(&path) {
        // It was signed, and perhaps not put on record yet.
        Ok(text) => {
            transcript::verify(&text).map_err(|why| Error::File { path: path.clone(), why })?;
            text
        }
        Err(_) => {
            hall.note("the ceremony ends");
            say("\nAll of it:\n");
            for line in &hall.plan.lines {
                say(line);
            }
            if ask("\nIs that what happened? Type yes, and everybody signs it", None)? != "yes" {
                hall.plan.lines.pop(); // it has not ended
                return Err(Error::NotConfirmed("that was not yes".into()));
            }
            let participants = hall.plan.participants.clone();
            let keys = participants.iter().map(|one| hall.key(one)).collect::<Result<Vec<_>, _>>()?;
            let text = transcript::sign(&hall.plan.lines, &keys)?;
            if hall.is_rehearsal() {
                say("\nSigned by all. The rehearsal is over: nothing was changed, and nothing is kept.");
                return Ok(());
            }
            whole::create(&path, &text, Readers::All).map_err(|cause| Error::File {
                path: path.clone(),
                why: format!("cannot make it: {cause}"),
            })?;
            text
        }
    };
    let digest = sha256(&text)?;
    let first = hall.plan.participants.first().cloned().ok_or(Error::Unknown)?;
    hall.speaks(&first)?;
    let Told::Done = hall.daemon.ask(&Ask::People(People::Ceremony { digest }))? else {
        return Err(Error::Unknown);
    };
    say(&format!(
        "\nThe ceremony is over. Its transcript is {}, SHA-256 {}, which is on record.\nEverybody takes their UKey along; \
         none stays on this machine.",
        path.display(),
        hex(&digest)
    ));
    Ok(())
}
