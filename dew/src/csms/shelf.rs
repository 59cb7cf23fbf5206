//! What CSMS keeps of a project, but for the values: read when the project is first asked for, and in memory from then on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hsm::Hsm;
use hsm::partition::Partition;
use hsm::service::Kind;

use super::database::Database;
use super::error::{CsmsError, Result};
use super::event::Event;
use super::grant::Grant;
use super::secret::Secret;
use super::settings::Settings;
use super::task::Task;
use crate::kms::record::Kept;
use crate::kms::{Millis, Uuid};

/// Everything of a project.
#[derive(Default)]
pub(super) struct Shelf {
    /// The secrets, by the numbers of their records: in the order in which they were made.
    pub(super) secrets: BTreeMap<u64, Kept<Secret>>,
    by_name: HashMap<String, u64>,
    by_id: HashMap<Uuid, u64>,
    /// The numbers of the next records.
    pub(super) next_secret: u64,
    pub(super) next_value: u64,
    pub(super) next_event: u64,
    pub(super) next_grant: u64,
    pub(super) next_database: u64,
    pub(super) next_task: u64,
    /// The events, by the numbers of their records.
    pub(super) events: BTreeMap<u64, Kept<Event>>,
    /// The grants, by the numbers of their records.
    pub(super) grants: BTreeMap<u64, Kept<Grant>>,
    /// What the project has switched on.
    pub(super) settings: Option<Kept<Settings>>,
    /// The databases, by the numbers of their records.
    pub(super) databases: BTreeMap<u64, Kept<Database>>,
    /// What came of rotations, by the numbers of their records: the oldest first.
    pub(super) tasks: BTreeMap<u64, Kept<Task>>,
    /// When something is due of which secret.
    pub(super) agenda: BTreeSet<(Millis, u64)>,
    /// When which secret is rotated.
    pub(super) rotations: BTreeSet<(Millis, u64)>,
}

impl Shelf {
    pub(super) fn read(hsm: &Hsm, partition: &Partition) -> Result<Self> {
        let mut shelf = Self {
            next_secret: 1,
            next_value: 1,
            next_event: 1,
            next_grant: 1,
            next_database: 1,
            next_task: 1,
            ..Self::default()
        };
        for read in hsm.service_records_in(partition, Kind::CsmsSecret)? {
            shelf.show_secret(Kept::read(read)?);
        }
        for read in hsm.service_records_in(partition, Kind::CsmsEvent)? {
            shelf.show_event(Kept::read(read)?);
        }
        for read in hsm.service_records_in(partition, Kind::CsmsGrant)? {
            shelf.show_grant(Kept::read(read)?);
        }
        for read in hsm.service_records_in(partition, Kind::CsmsSettings)? {
            shelf.settings = Some(Kept::read(read)?);
        }
        for read in hsm.service_records_in(partition, Kind::CsmsDatabase)? {
            shelf.show_database(Kept::read(read)?);
        }
        for read in hsm.service_records_in(partition, Kind::CsmsTask)? {
            shelf.show_task(Kept::read(read)?);
        }
        Ok(shelf)
    }

    /// The database of an id.
    pub(super) fn database(&self, id: Uuid) -> Result<&Kept<Database>> {
        self.databases.values().find(|database| database.id == id).ok_or(CsmsError::NoDatabase)
    }

    /// When something of rotations is due: one of them, or that what came of one is forgotten.
    pub(super) fn next_rotation(&self) -> Option<Millis> {
        let oldest = self.tasks.values().next().map(|task| task.goes());
        self.rotations.first().map(|(at, _)| *at).into_iter().chain(oldest).min()
    }

    /// Shows a database as it was committed.
    pub(super) fn show_database(&mut self, database: Kept<Database>) {
        self.next_database = self.next_database.max(database.number + 1);
        self.next_value = self.next_value.max(database.password + 1);
        self.databases.insert(database.number, database);
    }

    /// Shows what came of a rotation.
    pub(super) fn show_task(&mut self, task: Kept<Task>) {
        self.next_task = self.next_task.max(task.number + 1);
        self.tasks.insert(task.number, task);
    }

    /// The secret of a name.
    pub(super) fn named(&self, name: &str) -> Result<&Kept<Secret>> {
        let number = self.by_name.get(name).ok_or(CsmsError::NoSecret)?;
        self.secrets.get(number).ok_or(CsmsError::NoSecret)
    }

    /// The secret of an id.
    pub(super) fn of_id(&self, id: Uuid) -> Result<&Kept<Secret>> {
        let number = self.by_id.get(&id).ok_or(CsmsError::NoSecret)?;
        self.secrets.get(number).ok_or(CsmsError::NoSecret)
    }

    /// The event of a name.
    pub(super) fn event(&self, name: &str) -> Result<&Kept<Event>> {
        self.events.values().find(|event| event.name == name).ok_or(CsmsError::NoEvent)
    }

    /// The grants on a secret.
    pub(super) fn grants_on(&self, secret: Uuid) -> impl Iterator<Item = &Kept<Grant>> {
        self.grants.values().filter(move |grant| grant.secret == secret)
    }

    /// Shows a secret as it was committed, in place of what was there.
    pub(super) fn show_secret(&mut self, secret: Kept<Secret>) {
        self.hide_secret(secret.number);
        let number = secret.number;
        self.next_secret = self.next_secret.max(number + 1);
        let last = secret.versions.iter().map(|version| version.value).max();
        self.next_value = self.next_value.max(last.map_or(1, |last| last + 1));
        self.by_name.insert(secret.name.clone(), number);
        self.by_id.insert(secret.id, number);
        self.agenda.extend(secret.due().map(|at| (at, number)));
        self.rotations.extend(secret.rotates().map(|at| (at, number)));
        self.secrets.insert(number, secret);
    }

    /// Takes a secret away that is gone.
    pub(super) fn hide_secret(&mut self, number: u64) {
        if let Some(old) = self.secrets.remove(&number) {
            self.by_name.remove(&old.name);
            self.by_id.remove(&old.id);
            if let Some(at) = old.due() {
                self.agenda.remove(&(at, number));
            }
            if let Some(at) = old.rotates() {
                self.rotations.remove(&(at, number));
            }
        }
    }

    /// Takes a secret away that is deleted, and what is of it alone.
    pub(super) fn forget_secret(&mut self, secret: &Kept<Secret>) {
        self.grants.retain(|_, grant| grant.secret != secret.id);
        self.hide_secret(secret.number);
    }

    /// Shows an event as it was committed.
    pub(super) fn show_event(&mut self, event: Kept<Event>) {
        self.next_event = self.next_event.max(event.number + 1);
        self.events.insert(event.number, event);
    }

    /// Shows a grant as it was committed.
    pub(super) fn show_grant(&mut self, grant: Kept<Grant>) {
        self.next_grant = self.next_grant.max(grant.number + 1);
        self.grants.insert(grant.number, grant);
    }
}
