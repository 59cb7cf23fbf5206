//! What the services over the HSM are given of it: records in its own domain, partitions that are held to something,
//! the time and randomness. Their acts are recorded like all others, in the commit of the change.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crypto::Secret;
use wire::admin::Role;
use zeroize::Zeroizing;

use crate::Hsm;
use crate::error::Error;
use crate::event::Actor;
use crate::partition::{Confinement, NewPartition, Partition};
use crate::people::{Addition, Held, PeopleError, UKeyId};
use crate::pin::Verifier;
use crate::policy::Profile;
use crate::vault::{Batch, Change, RecordId, Version, kind};

// Long because each kind of record is named here, and said what it is.
/// A service's kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Dedicated HSM instances.
    Instance,
    /// What a service keeps of the whole of it: settings, and which partition is for what.
    Kms,
    /// Of a partition: keys of the KMS.
    KmsKey,
    /// Of a partition: aliases of those.
    KmsAlias,
    /// Of a partition: grants on those.
    KmsGrant,
    /// Of a partition: parameters that were given out for the import of material.
    KmsImport,
    /// Of a partition: policies of keys.
    KmsPolicy,
    /// Of a partition: access points.
    KmsAccessPoint,
    /// Of a partition: what was asked of each key in a month.
    KmsCount,
    /// Key stores of the KMS.
    KmsStore,
    /// Accounts, which own all else of the directory.
    Account,
    /// Projects of accounts.
    Project,
    /// Enterprise projects, which group the resources of an account.
    EnterpriseProject,
    /// Users of accounts.
    AccountUser,
    /// Groups of users.
    Group,
    /// Policies that accounts have made.
    Role,
    /// Which policies are given to whom, and where.
    Assignment,
    /// Agencies: whom an account lets act for it.
    Agency,
    /// Access keys of users.
    AccessKey,
    /// What the directory makes tokens with.
    DirectoryKey,
    /// Units of the organization.
    Unit,
    /// In which unit an account is.
    Member,
    /// Tag policies.
    TagPolicy,
    /// To what tag policies are attached.
    Attached,
    /// Whether tag policies bind.
    TagPolicySwitch,
    /// Whether accounts use enterprise projects.
    EnterpriseSwitch,
    /// The predefined tags.
    PredefinedTags,
    /// The account that traces of the organization are gathered for.
    TraceAdministrator,
    /// Trackers of CTS.
    CtsTracker,
    /// Notifications of CTS.
    CtsNotification,
    /// How far the log was read for those.
    CtsNotified,
    /// Of a partition: secrets of CSMS.
    CsmsSecret,
    /// Of a partition: values of those.
    CsmsValue,
    /// Of a partition: events of CSMS.
    CsmsEvent,
    /// Of a partition: grants on secrets.
    CsmsGrant,
    /// Of a partition: what its project has switched on of CSMS.
    CsmsSettings,
    /// Of a partition: databases whose passwords CSMS rotates.
    CsmsDatabase,
    /// Of a partition: what came of rotations.
    CsmsTask,
    /// Topics, which messages go to.
    Topic,
    /// Messages, and what became of them.
    Message,
}

/// The record that counts a service's records: the number of the next, as eight bytes, the lowest first.
pub const COUNTER: u64 = 0;

/// What there may be one of in a service's record, as a restore asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What it has for ever, and no other has.
    pub id: [u8; 16],
    /// Its name.
    pub name: String,
    /// The addresses that no other may have.
    pub places: Vec<String>,
    /// The serial number of the partition that it stands for, if it is one of those that go together with one.
    pub partition: Option<String>,
}

/// Reads a service's record; none of one that does not decode.
pub type Describe = fn(Kind, &[u8]) -> Option<Described>;

impl Kind {
    const fn id(self, number: u64) -> RecordId {
        let kind = match self {
            Self::Instance => kind::INSTANCE,
            Self::Kms => kind::KMS,
            Self::KmsKey => kind::KMS_KEY,
            Self::KmsAlias => kind::KMS_ALIAS,
            Self::KmsGrant => kind::KMS_GRANT,
            Self::KmsImport => kind::KMS_IMPORT,
            Self::KmsPolicy => kind::KMS_POLICY,
            Self::KmsAccessPoint => kind::KMS_ACCESS_POINT,
            Self::KmsCount => kind::KMS_COUNT,
            Self::KmsStore => kind::KMS_STORE,
            Self::Account => kind::ACCOUNT,
            Self::Project => kind::PROJECT,
            Self::EnterpriseProject => kind::ENTERPRISE_PROJECT,
            Self::AccountUser => kind::ACCOUNT_USER,
            Self::Group => kind::GROUP,
            Self::Role => kind::ROLE,
            Self::Assignment => kind::ASSIGNMENT,
            Self::Agency => kind::AGENCY,
            Self::AccessKey => kind::ACCESS_KEY,
            Self::DirectoryKey => kind::DIRECTORY_KEY,
            Self::Unit => kind::UNIT,
            Self::Member => kind::MEMBER,
            Self::TagPolicy => kind::TAG_POLICY,
            Self::Attached => kind::TAG_POLICY_ATTACHED,
            Self::TagPolicySwitch => kind::TAG_POLICY_SWITCH,
            Self::EnterpriseSwitch => kind::ENTERPRISE_SWITCH,
            Self::PredefinedTags => kind::PREDEFINED_TAGS,
            Self::TraceAdministrator => kind::TRACE_ADMINISTRATOR,
            Self::CtsTracker => kind::CTS_TRACKER,
            Self::CtsNotification => kind::CTS_NOTIFICATION,
            Self::CtsNotified => kind::CTS_NOTIFIED,
            Self::CsmsSecret => kind::CSMS_SECRET,
            Self::CsmsValue => kind::CSMS_VALUE,
            Self::CsmsEvent => kind::CSMS_EVENT,
            Self::CsmsGrant => kind::CSMS_GRANT,
            Self::CsmsSettings => kind::CSMS_SETTINGS,
            Self::CsmsDatabase => kind::CSMS_DATABASE,
            Self::CsmsTask => kind::CSMS_TASK,
            Self::Topic => kind::TOPIC,
            Self::Message => kind::MESSAGE,
        };
        RecordId { domain: 0, kind, number }
    }
}

/// What each record of the directory, the KMS and CTS begins with: the form that this release writes and reads.
pub const FORM: u8 = 1;

/// Whether a record of the directory, the KMS or CTS has the form that this release reads.
pub(crate) fn reads(record: &Secret) -> bool {
    record.as_bytes().first() == Some(&FORM)
}

/// A record as it is read: its number, which version it is, and what it holds.
pub type Read = (u64, Version, Secret);

/// A record as it is to be.
#[derive(Debug)]
pub struct Write {
    /// Of what kind.
    pub kind: Kind,
    /// Its number among its kind.
    pub number: u64,
    /// The version that it was read at; none of one that is new. Another one that is there refuses the change.
    pub was: Option<Version>,
    /// What it holds; none deletes it.
    pub value: Option<Vec<u8>>,
}

impl Write {
    /// The change to a record of the HSM itself, or of a partition.
    pub(crate) fn change(self, domain: u64) -> Change {
        let id = RecordId { domain, ..self.kind.id(self.number) };
        let value = self.value.map(Secret::new);
        match (self.was, value) {
            (None, value) => Change { id, expect: crate::vault::Expect::Absent, value },
            (Some(version), Some(value)) => Change::update(id, version, value),
            (Some(version), None) => Change::delete(id, version),
        }
    }
}

/// Of the HSM itself.
impl From<Write> for Change {
    fn from(write: Write) -> Self {
        write.change(0)
    }
}

/// What is done, as it is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Deed<'a> {
    /// Who does it.
    pub by: Actor<'a>,
    /// What it is.
    pub action: &'static str,
    /// What there is to say of it, none of it secret.
    pub details: &'a [(&'a str, String)],
}

/// A partition that is held to something.
#[derive(Clone, Debug)]
pub struct Confining {
    /// The partition.
    pub slot: u64,
    /// To what it is to be held.
    pub to: Confinement,
}

impl Hsm {
    /// The records of a service, in the order of their numbers.
    ///
    /// # Errors
    /// What the vault says.
    pub fn service_records(&self, kind: Kind) -> Result<Vec<Read>, Error> {
        Ok(self.vault.records(0, kind.id(0).kind)?)
    }

    /// A record of a service; none if it is not there.
    ///
    /// # Errors
    /// What the vault says.
    pub fn service_record(&self, kind: Kind, number: u64) -> Result<Option<Read>, Error> {
        let found = self.vault.get(kind.id(number))?;
        Ok(found.map(|(version, value)| (number, version, value)))
    }

    /// The records that a service keeps in a partition, in the order of their numbers.
    ///
    /// # Errors
    /// What the vault says.
    pub fn service_records_in(&self, partition: &Partition, kind: Kind) -> Result<Vec<Read>, Error> {
        Ok(self.vault.records(partition.domain, kind.id(0).kind)?)
    }

    /// One record that a service keeps in a partition; none if it is not there.
    ///
    /// # Errors
    /// What the vault says.
    pub fn service_record_in(
        &self,
        partition: &Partition,
        kind: Kind,
        number: u64,
    ) -> Result<Option<Read>, Error> {
        let id = RecordId { domain: partition.domain, ..kind.id(number) };
        Ok(self.vault.get(id)?.map(|(version, value)| (number, version, value)))
    }

    /// Writes records of a service, and until when partitions may be used, all in one commit with a record of each of
    /// the deeds that they are. Gives the version that the records have now.
    ///
    /// # Errors
    /// `Conflict` of the vault if a record was changed meanwhile; what else the vault says.
    pub fn service_commit(
        &self,
        writes: Vec<Write>,
        confining: &[Confining],
        deeds: &[Deed<'_>],
    ) -> Result<Version, Error> {
        let acts: Vec<_> =
            deeds.iter().map(|deed| self.act(&deed.by, None, deed.action, deed.details)).collect();
        let mut changes: Vec<Change> = writes.into_iter().map(Change::from).collect();
        for one in confining {
            changes.push(one.to.change(one.slot)?);
        }
        let partitions: Vec<_> =
            confining.iter().filter_map(|one| Some((self.partition(wire::SlotId(one.slot))?, one))).collect();
        let _changing: Vec<_> = partitions.iter().map(|(partition, _)| self.changing(partition)).collect();
        let notes = acts.iter().map(|act| act.note(None)).collect();
        let version = self.vault.commit(Batch::new(changes, notes)).map_err(|error| {
            let error = Error::from(error);
            acts.iter().for_each(|act| act.failed(None, &error));
            error
        })?;
        for (partition, one) in &partitions {
            partition.ends(one.to.until);
        }
        Ok(version)
    }

    /// Writes records that a service keeps in a partition of what nobody did, such as counts: nothing is recorded of
    /// it. Gives the version that they have now.
    ///
    /// # Errors
    /// `Conflict` of the vault if a record was changed meanwhile; what else the vault says.
    pub fn service_keep(&self, partition: &Partition, writes: Vec<Write>) -> Result<Version, Error> {
        let changes = writes.into_iter().map(|write| write.change(partition.domain)).collect();
        Ok(self.vault.commit(Batch::new(changes, Vec::new()))?)
    }

    /// Gives the user of a service's partition a PIN, so that applications can log in to it through PKCS#11 too.
    ///
    /// # Errors
    /// `SlotIdInvalid`; `PinLenRange`; what the vault says.
    pub fn set_service_user_pin(&self, slot: u64, pin: &[u8], by: &Actor<'_>) -> Result<(), Error> {
        let partition = self.partition_of_slot(slot).ok_or(Error::SlotIdInvalid(slot))?;
        let act = self.act(by, Some(&partition), "set the user's PIN", &[]);
        act.unless_done(None, partition.init_pin(&self.vault, &self.settings, pin, &act))
    }

    /// Makes a partition that is held to something, and in the same commit writes records of a service, which may
    /// name its slot.
    ///
    /// # Errors
    /// As [`Self::create_partition`].
    pub fn create_confined(
        &self,
        new: &NewPartition<'_>,
        to: Confinement,
        with: impl FnOnce(u64) -> Result<Vec<Write>, Error>,
        by: &Actor<'_>,
    ) -> Result<Arc<Partition>, Error> {
        let mut turn = self.slot_turn();
        let slot = turn.next();
        self.check_label_is_free(new.label, None)?;
        let mut changes: Vec<_> = turn.counting(&self.vault, None).into_iter().collect();
        changes.push(to.change(slot)?);
        changes.extend(with(slot)?.into_iter().map(Change::from));
        let details = [
            ("label", new.label.to_owned()),
            ("policy", new.profile.name().to_owned()),
            ("instance", to.name.clone()),
        ];
        let act = self.act(by, None, "create the partition", &details);
        let made = Partition::create(&self.vault, &self.settings, slot, new, |_| Ok(changes), &act);
        let partition = Arc::new(act.unless_done(None, made)?.confined_to(to));
        turn.counted();
        self.show_partition(Arc::clone(&partition));
        Ok(partition)
    }

    /// Makes a partition for a service, which nobody logs in to until its user has a PIN, and in the same commit
    /// writes records of the service, which may name its slot and its serial number.
    ///
    /// # Errors
    /// As [`Self::create_partition`].
    pub fn create_for_service(
        &self,
        label: &str,
        with: impl FnOnce(u64, &str) -> Result<Vec<Write>, Error>,
        deed: Deed<'_>,
    ) -> Result<Arc<Partition>, Error> {
        let mut turn = self.slot_turn();
        let slot = turn.next();
        self.check_label_is_free(label, None)?;
        let mut changes: Vec<_> = turn.counting(&self.vault, None).into_iter().collect();
        let with = |serial: &str| {
            changes.extend(with(slot, serial)?.into_iter().map(Change::from));
            Ok(changes)
        };
        // Known to nobody: what the officer of such a token does, its service does.
        let so_pin = digits(&self.random_secret(32)?);
        let profile = Profile::Standard;
        let new = NewPartition { label, profile, so_pin: Some(so_pin.as_bytes()), user_pin: None };
        let own = [("label", label.to_owned()), ("policy", profile.name().to_owned())];
        let details = [&own, deed.details].concat();
        let act = self.act(&deed.by, None, deed.action, &details);
        let made = Partition::create(&self.vault, &self.settings, slot, &new, with, &act);
        let partition = Arc::new(act.unless_done(None, made)?);
        turn.counted();
        self.show_partition(Arc::clone(&partition));
        Ok(partition)
    }

    /// Destroys a partition of a service, and in the same commit changes records that the service keeps in the HSM itself,
    /// which is 0, and in partitions, each by its slot.
    ///
    /// # Errors
    /// As [`Self::delete_partition`]; `Conflict` of the vault if a record was changed meanwhile.
    pub fn delete_for_service(
        &self,
        partition: &Partition,
        writes: Vec<(u64, Write)>,
        deed: Deed<'_>,
    ) -> Result<(), Error> {
        let changes = writes.into_iter().map(|(domain, write)| write.change(domain)).collect();
        let details = [&[("label", partition.label())], deed.details].concat();
        let act = self.act(&deed.by, Some(partition), deed.action, &details);
        self.destroy(partition, changes, &deed.by, &act)
    }

    /// The partition of a slot.
    #[must_use]
    pub fn partition_of_slot(&self, slot: u64) -> Option<Arc<Partition>> {
        self.partition(wire::SlotId(slot))
    }

    /// The partitions of an instance, in the order of their slots.
    #[must_use]
    pub fn partitions_of_instance(&self, instance: u64) -> Vec<Arc<Partition>> {
        self.partitions().into_iter().filter(|partition| partition.instance() == Some(instance)).collect()
    }

    /// The first partition of the instance of this name.
    #[must_use]
    pub fn partition_of_instance_named(&self, name: &str) -> Option<Arc<Partition>> {
        let is_its = |partition: &Arc<Partition>| partition.confinement().is_some_and(|to| to.name == name);
        self.partitions().into_iter().find(is_its)
    }

    /// Whether somebody is security officer of a partition.
    #[must_use]
    pub fn is_officer_of(&self, ukey: UKeyId, partition: &Partition) -> bool {
        let person = self.people().of_ukey(ukey);
        person.is_some_and(|person| person.has(Role::PartitionSo, Some(partition.slot().0)))
    }

    /// Makes the security officers of one partition those of another too.
    ///
    /// # Errors
    /// What the vault says.
    pub fn give_officers(&self, of: &Partition, to: &Partition, by: Actor<'_>) -> Result<(), PeopleError> {
        let (role, from, slot) = (Role::PartitionSo, Some(of.slot().0), Some(to.slot().0));
        for person in self.people().all().into_iter().filter(|person| person.has(role, from)) {
            let held = Held { role, partition: slot };
            self.people_by(by).appoint(&Addition { person: &person.name, newcomer: None, held })?;
        }
        Ok(())
    }

    /// The time, as the HSM has it, in seconds since 1970.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.ports.clock.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// The time, as the HSM has it, in milliseconds since 1970.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        let since = self.ports.clock.now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// A secret of so many random bytes.
    ///
    /// # Errors
    /// `Crypto` if the generator fails.
    pub fn random_secret(&self, len: usize) -> Result<Secret, Error> {
        Ok(Secret::new(crypto::random::bytes(len)?))
    }

    /// What is kept of a service's password, at the cost of a PIN.
    ///
    /// # Errors
    /// `Crypto` if the generator fails; `Internal` if the cost cannot be met.
    pub fn keep_password(&self, password: &[u8]) -> Result<Verifier, Error> {
        Verifier::of(password, &self.settings)
    }

    /// Random bytes.
    ///
    /// # Errors
    /// `Crypto` if the generator fails.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        crypto::random::fill(&mut bytes)?;
        Ok(bytes)
    }
}

/// A secret as text, in hexadecimal, which wipes itself as well.
fn digits(secret: &Secret) -> Zeroizing<String> {
    // With room for all: a text that grows leaves what it was.
    let mut text = Zeroizing::new(String::with_capacity(2 * secret.len()));
    let halves = secret.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(halves.filter_map(|half| char::from_digit(half.into(), 16)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_as_text_has_room_for_all_of_it_from_the_start() {
        let text = digits(&Secret::new(vec![0x0f, 0xa0, 7]));
        assert_eq!((text.as_str(), text.capacity()), ("0fa007", 6));
    }
}
