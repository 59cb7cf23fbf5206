//! The users of a partition's token, and the PIN of its security officer.

use hsm::partition::{NamedUser, Partition};
use hsm::user::{USER, UserRole};
use wire::List;
use wire::admin::Told;
use wire::admin::user::{Ask, Told as Answer, User};

use super::partition::of_no_service;
use super::talk::Talk;
use super::words;
use crate::config::Pins;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let (hsm, by) = (talk.hsm()?, talk.actor());
    let pins = &talk.daemon.config.pins;
    let (partition, name) = match ask {
        Ask::List { partition } => {
            let users = all(&*talk.partition(partition)?, pins);
            let users = List::new(users).ok_or("there are more users than one list brings")?;
            return Ok(Told::User(Answer::Users(users)));
        }
        Ask::Add { partition, name, role, pin } => {
            let role = UserRole::named(role.name())
                .ok_or_else(|| format!("a user is crypto-officer or crypto-user, not {}", role.name()))?;
            let partition = talk.partition(partition)?;
            hsm.add_user(&partition, (name, role), pin, &by).map_err(words)?;
            (partition, name)
        }
        Ask::Remove { partition, name } => {
            let partition = talk.partition(partition)?;
            hsm.remove_user(&partition, name, &by).map_err(words)?;
            return Ok(Told::Done);
        }
        Ask::Pin { partition, name, pin } => {
            let partition = talk.partition(partition)?;
            hsm.reset_user_pin(&partition, name, pin, &by).map_err(words)?;
            (partition, name)
        }
        Ask::Unlock { partition, name } => {
            let partition = talk.partition(partition)?;
            hsm.unlock_user(&partition, name, &by).map_err(words)?;
            (partition, name)
        }
        Ask::UnlockSoPin { partition } => {
            hsm.unlock_so_pin(&*talk.partition(partition)?, &by).map_err(words)?;
            return Ok(Told::Done);
        }
        Ask::ResetSoPin { partition, pin } => {
            // Who has it can initialise the token.
            hsm.reset_so_pin(&*of_no_service(talk, partition)?, pin, &by).map_err(words)?;
            return Ok(Told::Done);
        }
    };
    let user = all(&partition, pins).into_iter().find(|user| user.name == *name);
    // Somebody else may have removed it by now.
    Ok(user.map_or(Told::Done, |user| Told::User(Answer::User(user))))
}

/// The user of the token, and those that have a name.
fn all(partition: &Partition, pins: &Pins) -> Vec<User> {
    let failures = partition.tries().user;
    let own = User {
        name: USER.to_owned(),
        role: UserRole::CryptoOfficer.name().to_owned(),
        pin: partition.has_user_pin(),
        pin_failures: failures,
        pin_locked: failures >= pins.user_tries,
    };
    let named = |user: NamedUser| User {
        name: user.name,
        role: user.role.name().to_owned(),
        pin: true,
        pin_failures: user.tries,
        pin_locked: user.tries >= pins.user_tries,
    };
    std::iter::once(own).chain(partition.users().into_iter().map(named)).collect()
}
