//! What the console does with the users of a token and their PINs, and the one way out of a locked security
//! officer's PIN.

use crate::error::Error;
use crate::event::{Act, Actor};
use crate::hsm::Hsm;
use crate::partition::Partition;
use crate::user::{USER, UserRole, check_name};

impl Hsm {
    /// Makes a named user of a token.
    ///
    /// # Errors
    /// `UserName` for a name that cannot be one; `TokenNotInitialized`; `UserExists`; `ArgumentsBad` if there are too
    /// many; `PinLenRange`; what the vault says.
    pub fn add_user(
        &self,
        partition: &Partition,
        (name, role): (&str, UserRole),
        pin: &[u8],
        by: &Actor<'_>,
    ) -> Result<(), Error> {
        check_name(name)?;
        let details = [("name", name.to_owned()), ("role", role.name().to_owned())];
        let act = self.act(by, Some(partition), "add a user", &details);
        let (vault, settings) = (&self.vault, &self.settings);
        let added = initialized(partition)
            .and_then(|()| partition.add_user(vault, settings, (name, role), pin, &act));
        act.unless_done(None, added)
    }

    /// Removes a named user, and ends its log-ins.
    ///
    /// # Errors
    /// `UserUnknown`; what the vault says.
    pub fn remove_user(&self, partition: &Partition, name: &str, by: &Actor<'_>) -> Result<(), Error> {
        let details = [("name", name.to_owned())];
        let act = self.act(by, Some(partition), "remove a user", &details);
        act.unless_done(None, partition.remove_user(&self.vault, name, &act))?;
        for application in self.applications() {
            application.dismiss(partition, name);
        }
        Ok(())
    }

    /// Gives a user another PIN, which also unlocks it; [`USER`] is the user of the token.
    ///
    /// # Errors
    /// `UserUnknown`; `TokenNotInitialized`; `PinLenRange`; what the vault says.
    pub fn reset_user_pin(
        &self,
        partition: &Partition,
        name: &str,
        pin: &[u8],
        by: &Actor<'_>,
    ) -> Result<(), Error> {
        let details = [("name", name.to_owned())];
        let act = self.act(by, Some(partition), "reset a user's PIN", &details);
        let (vault, settings) = (&self.vault, &self.settings);
        let reset = initialized(partition).and_then(|()| match name {
            USER => partition.init_pin(vault, settings, pin, &act),
            name => partition.reset_user_pin(vault, settings, name, pin, &act),
        });
        act.unless_done(None, reset)
    }

    /// Forgets a user's wrong tries; [`USER`] is the user of the token.
    ///
    /// # Errors
    /// `UserUnknown`; `UserPinNotInitialized`; what the vault says.
    pub fn unlock_user(&self, partition: &Partition, name: &str, by: &Actor<'_>) -> Result<(), Error> {
        let details = [("name", name.to_owned())];
        let act = self.act(by, Some(partition), "unlock a user", &details);
        let unlocked = match name {
            USER => partition.unlock_pin(&self.vault, crate::pin::Which::User, &act),
            name => partition.unlock_user(&self.vault, name, &act),
        };
        act.unless_done(None, unlocked)
    }

    /// Forgets the wrong tries of the security officer's PIN.
    ///
    /// # Errors
    /// `TokenNotInitialized`; what the vault says.
    pub fn unlock_so_pin(&self, partition: &Partition, by: &Actor<'_>) -> Result<(), Error> {
        let act = self.act(by, Some(partition), "unlock the SO's PIN", &[]);
        act.unless_done(None, partition.unlock_pin(&self.vault, crate::pin::Which::So, &act))
    }

    /// Gives the security officer another PIN, which also unlocks it.
    ///
    /// # Errors
    /// `TokenNotInitialized`; `PinLenRange`; what the vault says.
    pub fn reset_so_pin(&self, partition: &Partition, pin: &[u8], by: &Actor<'_>) -> Result<(), Error> {
        let act: Act<'_> = self.act(by, Some(partition), "reset the SO's PIN", &[]);
        let reset = initialized(partition)
            .and_then(|()| partition.reset_so_pin(&self.vault, &self.settings, pin, &act));
        act.unless_done(None, reset)
    }
}

fn initialized(partition: &Partition) -> Result<(), Error> {
    if partition.is_initialized() { Ok(()) } else { Err(Error::TokenNotInitialized(partition.slot().0)) }
}
