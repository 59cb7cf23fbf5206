//! The HSM as a whole: its partitions, the applications that use them, and what the console asks of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard, RwLock};
use wire::handshake::{ApplicationToken, Opened, VERSION};
use wire::{List, SlotId};

use crate::application::{Application, Handles};
use crate::error::Error;
use crate::event::{Act, Actor, Class, Door, Uses};
use crate::mechanism::Mechanisms;
use crate::object::Object;
use crate::object::attributes::{bounds, flat_arrays};
use crate::partition::{NewPartition, Partition};
use crate::people::Roster;
use crate::ports::{Access, Clock, Events, Peer};
use crate::remote::Remote;
use crate::settings::Settings;
use crate::store::StoreError;
use crate::vault::{Change, Ledger, RecordId, Vault, VaultError, kind};

/// What the HSM is handed in.
#[derive(Clone)]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// Who may open which partition.
    pub access: Arc<dyn Access>,
}

/// The HSM.
pub struct Hsm {
    pub(crate) vault: Vault,
    pub(crate) settings: Settings,
    pub(crate) ports: Ports,
    pub(crate) mechanisms: Mechanisms,
    pub(crate) handles: Handles,
    pub(crate) roster: Roster,
    pub(crate) partitions: RwLock<BTreeMap<SlotId, Arc<Partition>>>,
    applications: Mutex<HashMap<ApplicationToken, Weak<Application>>>,
    /// The next slot number; the numbers of partitions that are gone are not given again.
    next_slot: Mutex<u64>,
}

/// A connection of an application: the application lasts as long as one of these.
pub struct Connection {
    application: Arc<Application>,
}

impl std::ops::Deref for Connection {
    type Target = Application;
    fn deref(&self) -> &Application {
        &self.application
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.application.connections.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.application.hsm.applications.lock().remove(&self.application.token);
            self.application.end();
        }
    }
}

/// In domain 0, of kind `SETTINGS`: how often the HSM has been opened.
const STARTS: RecordId = RecordId { domain: 0, kind: kind::SETTINGS, number: 0 };
/// In domain 0, of kind `SETTINGS`: the next slot number.
const NEXT_SLOT: RecordId = RecordId { domain: 0, kind: kind::SETTINGS, number: 1 };

impl Hsm {
    /// Opens the HSM that a vault holds.
    ///
    /// # Errors
    /// What the vault says; `Internal` if a record does not decode.
    pub fn open(
        vault: Vault,
        settings: Settings,
        mechanisms: Mechanisms,
        ports: Ports,
    ) -> Result<Arc<Self>, Error> {
        vault.attach(Arc::clone(&ports.events) as Arc<dyn Ledger>)?;
        let start = counter(&vault, STARTS)?.0 + 1;
        let start = match vault.commit(vec![count_to(&vault, STARTS, start)]) {
            Ok(_) => start,
            // Nothing can be counted; a number by chance is most likely another than last time.
            Err(VaultError::Store(StoreError::ReadOnly(_) | StoreError::Full(_))) => {
                let mut random = [0; 8];
                crypto::random::fill(&mut random)?;
                u64::from_le_bytes(random)
            }
            Err(error) => return Err(error.into()),
        };
        let mut partitions = BTreeMap::new();
        for domain in vault.domains() {
            partitions.insert(SlotId(domain), Arc::new(Partition::load(&vault, domain)?));
        }
        let roster = Roster::load(&vault)?;
        let highest = partitions.keys().next_back().map_or(0, |slot: &SlotId| slot.0);
        let next_slot = counter(&vault, NEXT_SLOT)?.0.max(highest + 1);
        Ok(Arc::new(Self {
            vault,
            settings,
            ports,
            mechanisms,
            handles: Handles::new(start),
            roster,
            partitions: RwLock::new(partitions),
            applications: Mutex::default(),
            next_slot: Mutex::new(next_slot),
        }))
    }

    /// Takes in a connection: of the application it names, if that is still there and of the same user, else
    /// of a new one.
    ///
    /// # Errors
    /// `Crypto` if no token can be drawn.
    pub fn connect(
        self: &Arc<Self>,
        peer: Peer,
        join: Option<ApplicationToken>,
    ) -> Result<Connection, Error> {
        self.connect_as(peer, None, join)
    }

    /// As [`Self::connect`], of an application on another machine.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn connect_remote(
        self: &Arc<Self>,
        remote: Remote,
        join: Option<ApplicationToken>,
    ) -> Result<Connection, Error> {
        self.connect_as(Remote::PEER, Some(remote), join)
    }

    fn connect_as(
        self: &Arc<Self>,
        peer: Peer,
        remote: Option<Remote>,
        join: Option<ApplicationToken>,
    ) -> Result<Connection, Error> {
        let mut applications = self.applications.lock();
        let known = join.and_then(|token| applications.get(&token)?.upgrade());
        let is_same = |known: &Application| match (&known.remote, &remote) {
            (None, None) => known.peer.uid == peer.uid,
            (Some(known), Some(remote)) => known.is_same(remote),
            _ => false,
        };
        if let Some(application) = known.filter(|known| is_same(known) && known.join()) {
            return Ok(Connection { application });
        }
        let (token, application) = self.application(peer, remote, Door::Pkcs11)?;
        applications.insert(token, Arc::downgrade(&application));
        Ok(Connection { application })
    }

    /// An application of the console's own: who administers the daemon may open every partition whose PIN he has.
    ///
    /// # Errors
    /// `Crypto` if no token can be drawn.
    pub fn console(self: &Arc<Self>, peer: Peer) -> Result<Connection, Error> {
        let (token, application) = self.application(peer, None, Door::Console)?;
        self.applications.lock().insert(token, Arc::downgrade(&application));
        Ok(Connection { application })
    }

    fn application(
        self: &Arc<Self>,
        peer: Peer,
        remote: Option<Remote>,
        door: Door,
    ) -> Result<(ApplicationToken, Arc<Application>), Error> {
        let mut token = ApplicationToken([0; 16]);
        crypto::random::fill(&mut token.0)?;
        let mut application = Application::new(Arc::clone(self), token, peer, door)?;
        application.remote = remote;
        let application = Arc::new(application);
        application.connections.store(1, Ordering::Release);
        Ok((token, application))
    }

    /// What a module is told when its connection opens.
    ///
    /// # Errors
    /// `Internal` if the tables outgrow the handshake.
    pub fn opened(&self, application: &Application) -> Result<Opened, Error> {
        let fits = Error::Internal;
        Ok(Opened {
            version: VERSION,
            application: application.token,
            release: crate::RELEASE,
            layouts: List::new(self.mechanisms.layouts()).ok_or(fits("the layouts fit the handshake"))?,
            flat_arrays: List::new(flat_arrays()).ok_or(fits("the flat arrays fit the handshake"))?,
            bounds: List::new(bounds()).ok_or(fits("the bounds fit the handshake"))?,
        })
    }

    /// All partitions, in the order of their slots.
    #[must_use]
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.partitions.read().values().cloned().collect()
    }

    /// The applications that are connected.
    pub(crate) fn applications(&self) -> Vec<Arc<Application>> {
        self.applications.lock().values().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn partition(&self, slot: SlotId) -> Option<Arc<Partition>> {
        self.partitions.read().get(&slot).cloned()
    }

    pub(crate) fn may_open(&self, peer: Peer, slot: SlotId) -> bool {
        self.partition(slot).is_some_and(|partition| self.ports.access.may_open(peer, &partition))
    }

    /// The partition of this label, serial number or slot number; of several with the label, none.
    #[must_use]
    pub fn partition_named(&self, name: &str) -> Option<Arc<Partition>> {
        let all = self.partitions();
        let by_number = |partition: &&Arc<Partition>| {
            partition.serial() == name || partition.slot().0.to_string() == name
        };
        if let Some(found) = all.iter().find(by_number) {
            return Some(Arc::clone(found));
        }
        let mut labelled = all.iter().filter(|partition| partition.label() == name);
        labelled.next().filter(|_| labelled.next().is_none()).cloned()
    }

    /// How many applications have a session on a partition.
    #[must_use]
    pub fn applications_on(&self, partition: &Partition) -> u64 {
        let all = self.applications();
        all.iter().filter(|application| application.has_session_on(partition)).count() as u64
    }

    /// Sessions that are open, of all applications.
    #[must_use]
    pub fn session_count(&self) -> u64 {
        self.partitions().iter().map(|partition| partition.sessions()).sum()
    }

    /// Refuses a label that another partition has. `C_InitToken` may give it all the same: then the label names
    /// none of them, and serial and slot numbers still do.
    pub(crate) fn check_label_is_free(&self, label: &str, but: Option<SlotId>) -> Result<(), Error> {
        let mut others = self.partitions().into_iter().filter(|other| Some(other.slot()) != but);
        if others.any(|other| other.label() == label) {
            return Err(Error::ArgumentsBad("another partition has this label"));
        }
        Ok(())
    }

    /// Makes a partition.
    ///
    /// # Errors
    /// `ArgumentsBad` if another has the label; else as [`Partition::create`].
    pub fn create_partition(&self, new: &NewPartition<'_>, by: &Actor<'_>) -> Result<Arc<Partition>, Error> {
        let mut next = self.next_slot.lock();
        let slot = *next;
        self.check_label_is_free(new.label, None)?;
        // In one commit with the number that is used up, so that it is never given again.
        let counted = vec![count_to(&self.vault, NEXT_SLOT, slot + 1)];
        let details = [("label", new.label.to_owned()), ("policy", new.profile.name().to_owned())];
        let act = self.act(by, None, "create the partition", &details);
        let made = Partition::create(&self.vault, &self.settings, slot, new, |_| Ok(counted), &act);
        let partition = Arc::new(act.unless_done(None, made)?);
        *next = slot + 1;
        self.partitions.write().insert(SlotId(slot), Arc::clone(&partition));
        Ok(partition)
    }

    /// The turn to give slot numbers: nobody else gives any meanwhile.
    pub(crate) fn slot_turn(&self) -> SlotTurn<'_> {
        let next = self.next_slot.lock();
        SlotTurn { after: *next, next }
    }

    /// Shows a partition that is in the vault, in place of one with its slot number if there is one.
    pub(crate) fn show_partition(&self, partition: Arc<Partition>) {
        self.partitions.write().insert(partition.slot(), partition);
    }

    /// Initialises a partition's token, as `C_InitToken` does.
    ///
    /// # Errors
    /// As [`Partition::init_token`].
    pub fn init_partition(
        &self,
        partition: &Partition,
        label: Option<&str>,
        so_pin: &[u8],
        user_pin: Option<&[u8]>,
        by: &Actor<'_>,
    ) -> Result<(), Error> {
        let act = self.act(by, Some(partition), "initialise the token", &[]);
        let (vault, settings) = (&self.vault, &self.settings);
        Partition::let_part(&[partition], &*self.ports.clock);
        act.unless_done(None, partition.init_token(vault, settings, label, so_pin, user_pin, &act))
    }

    /// Gives a partition another label.
    ///
    /// # Errors
    /// `ArgumentsBad` if another has the label; else as [`Partition::rename`].
    pub fn rename_partition(&self, partition: &Partition, label: &str, by: &Actor<'_>) -> Result<(), Error> {
        let _one_at_a_time = self.next_slot.lock();
        self.check_label_is_free(label, Some(partition.slot()))?;
        let details = [("from", partition.label()), ("to", label.to_owned())];
        let act = self.act(by, Some(partition), "rename the partition", &details);
        act.unless_done(None, partition.rename(&self.vault, label, &act))
    }

    /// Sets how uses of a partition's keys are recorded.
    ///
    /// # Errors
    /// What the vault says.
    pub fn record_uses(&self, partition: &Partition, uses: Uses, by: &Actor<'_>) -> Result<(), Error> {
        let details = [("from", partition.uses().name().to_owned()), ("to", uses.name().to_owned())];
        let act = self.act(by, Some(partition), "set what is recorded", &details);
        act.unless_done(None, partition.record_uses(&self.vault, uses, &act))
    }

    pub(crate) fn act<'a>(
        &'a self,
        by: &Actor<'a>,
        partition: Option<&'a Partition>,
        action: &'static str,
        details: &'a [(&'a str, String)],
    ) -> Act<'a> {
        let (events, class) = (&*self.ports.events, Class::Administration);
        let partition = partition.map(Partition::place);
        Act { events, actor: *by, partition, class, action, mechanism: None, details }
    }

    /// Ends what the vault does in good order: nothing is left to do about what was recorded.
    ///
    /// # Errors
    /// What the vault says.
    pub fn settle(&self) -> Result<(), Error> {
        Ok(self.vault.settle().map(drop)?)
    }

    /// Destroys a partition: its key first, so that nothing of it can be read again.
    ///
    /// # Errors
    /// `SessionExists` if a session is open on it; what the vault says.
    pub fn delete_partition(&self, partition: &Partition, by: &Actor<'_>) -> Result<(), Error> {
        let details = [("label", partition.label())];
        let act = self.act(by, Some(partition), "delete the partition", &details);
        self.destroy(partition, Vec::new(), by, &act)
    }

    /// Destroys a partition, and in the same commit makes the changes.
    pub(crate) fn destroy(
        &self,
        partition: &Partition,
        changes: Vec<Change>,
        by: &Actor<'_>,
        act: &Act<'_>,
    ) -> Result<(), Error> {
        Partition::let_part(&[partition], &*self.ports.clock);
        act.unless_done(None, partition.delete(&self.vault, changes, act))?;
        self.partitions.write().remove(&partition.slot());
        // What the vault does not forget now means nothing: no other partition gets the number.
        let _ = self.people_by(*by).forget_partition(partition.domain);
        Ok(())
    }

    /// A page of a partition's token objects, for the console: what they are, and never what they hold.
    #[must_use]
    pub fn objects(&self, partition: &Partition, after: u64, limit: usize) -> Vec<Arc<Object>> {
        partition.objects_after(after, limit)
    }

    /// The mechanisms of the HSM.
    #[must_use]
    pub const fn mechanisms(&self) -> &Mechanisms {
        &self.mechanisms
    }
}

/// The turn to give slot numbers.
pub(crate) struct SlotTurn<'a> {
    next: MutexGuard<'a, u64>,
    /// The next number, once those that were given are used.
    after: u64,
}

impl SlotTurn<'_> {
    /// The greatest number that is taken from elsewhere.
    pub(crate) const HIGHEST: u64 = u32::MAX as u64;

    /// A number that was never given.
    pub(crate) const fn next(&mut self) -> u64 {
        self.after += 1;
        self.after - 1
    }

    /// The change that goes with what uses the numbers, of which `highest` may come from elsewhere.
    pub(crate) fn counting(&mut self, vault: &Vault, highest: Option<u64>) -> Option<Change> {
        self.after = self.after.max(highest.map_or(0, |highest| highest + 1));
        (self.after != *self.next).then(|| count_to(vault, NEXT_SLOT, self.after))
    }

    /// That is done.
    pub(crate) fn counted(&mut self) {
        *self.next = self.after;
    }
}

fn counter(vault: &Vault, id: RecordId) -> Result<(u64, bool), Error> {
    let Some((_, bytes)) = vault.get(id)? else { return Ok((0, false)) };
    let bytes = bytes.as_bytes().try_into().map_err(|_| Error::Internal("a counter has eight bytes"))?;
    Ok((u64::from_le_bytes(bytes), true))
}

fn count_to(vault: &Vault, id: RecordId, count: u64) -> Change {
    let value = crypto::Secret::new(count.to_le_bytes().to_vec());
    match vault.version(id) {
        None => Change::create(id, value),
        Some(version) => Change::update(id, version, value),
    }
}
