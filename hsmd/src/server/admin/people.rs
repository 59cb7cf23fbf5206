//! People: who is registered with which UKey, in which role, and who is at the console.

use hsm::Hsm;
use hsm::people::{Addition, Challenge, Held, Newcomer, PeopleError, Person, Scope, UKeyId};
use wire::List;
use wire::admin::people::{self, Ask, Told as Answer, hex};
use wire::admin::{Command, Role, Told};

use super::talk::{Caller, Talk};

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let hsm = talk.hsm()?;
    let told = match ask {
        Ask::Challenge => challenge(talk, &hsm).map_err(text)?,
        Ask::Login { ukey, signature } => {
            let challenge = talk.challenge.take().ok_or(PeopleError::NoChallenge).map_err(text)?;
            // Somebody who fails to log in is nobody, and not who was here before.
            talk.caller = None;
            let ukey = UKeyId::from_bytes(*ukey);
            let person = hsm.people_by(talk.actor()).log_in(challenge, ukey, signature).map_err(text)?;
            talk.caller = Some(Caller { ukey, name: person.name.clone(), id: hex(ukey.as_bytes()) });
            Answer::Person(Some(shown(&hsm, &person)))
        }
        Ask::Logout => {
            talk.caller = None;
            talk.approvals.clear();
            return Ok(Told::Done);
        }
        Ask::WhoAmI { partition } => who_am_i(talk, &hsm, partition.as_deref())?,
        Ask::List => {
            let all = hsm.people().all().iter().map(|person| shown(&hsm, person)).collect();
            Answer::People(List::new(all).ok_or("there are more people than one list brings")?)
        }
        Ask::Show { person } => Answer::Person(Some(shown(&hsm, &hsm.people().named(person).map_err(text)?))),
        Ask::Init { officers, quorum } => {
            let challenge = talk.challenge.take().ok_or(PeopleError::NoChallenge).map_err(text)?;
            hsm.people_by(talk.actor()).init(officers, *quorum, &challenge).map_err(text)?;
            return Ok(Told::Done);
        }
        Ask::Add { person, ukey, role, partition } => {
            let held = held(talk, *role, partition.as_deref())?;
            let challenge = talk.challenge.take();
            let newcomer = ukey.as_ref().map(|ukey| Newcomer { ukey, challenge });
            let person =
                hsm.people_by(talk.actor()).appoint(&Addition { person, newcomer, held }).map_err(text)?;
            Answer::Person(Some(shown(&hsm, &person)))
        }
        Ask::Remove { person, role, partition } => {
            let held = held(talk, *role, partition.as_deref())?;
            let left = hsm.people_by(talk.actor()).remove(person, held).map_err(text)?;
            Answer::Person(left.map(|person| shown(&hsm, &person)))
        }
        Ask::Unlock { person } => {
            Answer::Person(Some(shown(&hsm, &hsm.people_by(talk.actor()).unlock(person).map_err(text)?)))
        }
        Ask::Ceremony { digest } => {
            hsm.people_by(talk.actor()).record_ceremony(digest).map_err(text)?;
            return Ok(Told::Done);
        }
    };
    Ok(Told::People(told))
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn text(error: PeopleError) -> String {
    error.to_string()
}

fn challenge(talk: &mut Talk<'_>, hsm: &Hsm) -> Result<Answer, PeopleError> {
    let pid = talk.peer.pid.unsigned_abs();
    let Challenge { hsm: identity, challenge, .. } = *talk.challenge.insert(hsm.people().challenge(pid)?);
    Ok(Answer::Challenge { hsm: identity, challenge, pid, owned: hsm.people().is_owned() })
}

fn who_am_i(talk: &Talk<'_>, hsm: &Hsm, partition: Option<&str>) -> Result<Answer, String> {
    let scope = match partition {
        None => Scope::Open,
        Some(name) => Scope::Partition(talk.partition(name)?.slot().0),
    };
    let (people, by) = (hsm.people(), talk.by());
    // `chunk` is a part of others, and nothing that one gives.
    let may = |command: &Command| *command != Command::Chunk && people.may(*command, scope, by).is_ok();
    Ok(Answer::Me {
        person: by.and_then(|ukey| people.of_ukey(ukey)).map(|person| shown(hsm, &person)),
        owned: people.is_owned(),
        may: Command::ALL.iter().copied().filter(may).collect(),
    })
}

fn held(talk: &Talk<'_>, role: Role, partition: Option<&str>) -> Result<Held, String> {
    let partition = partition.map(|name| talk.partition(name)).transpose()?;
    Ok(Held { role, partition: partition.map(|partition| partition.slot().0) })
}

/// A person, for the console.
fn shown(hsm: &Hsm, person: &Person) -> people::Person {
    let label = |slot: u64| {
        let partitions = hsm.partitions();
        let found = partitions.iter().find(|partition| partition.slot().0 == slot);
        found.map(|partition| partition.label())
    };
    let held = |held: &Held| people::Held {
        role: held.role.name().to_owned(),
        partition: held.partition,
        label: held.partition.and_then(label),
    };
    people::Person {
        name: person.name.clone(),
        ukey: hex(person.ukey.id().as_bytes()),
        algorithm: person.ukey.algorithm().name().to_owned(),
        roles: person.roles.iter().map(held).collect(),
        failed: person.failed,
        locked: person.is_locked(),
    }
}
