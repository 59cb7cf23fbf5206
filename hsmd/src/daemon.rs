//! The daemon as it stands: its store, and the HSM once the root key is there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use dew::kms::Quotas;
use hsm::event::Actor;
use hsm::mechanism::Mechanisms;
use hsm::partition::Partition;
use hsm::ports::{Access, Clock, Peer};
use hsm::store::StoreError;
use hsm::vault::{NotRecorded, RootKey, Trust, Vault, VaultError};
use hsm::{Hsm, Ports};
use parking_lot::{Mutex, RwLock};
use tracing::{info, warn};

use crate::anchor::FileAnchor;
use crate::audit::{self, AdminEvent, Audit, Door};
use crate::config::{self, Config};
use crate::messages::Office;
use crate::metrics::{Counted, Metered, Metrics, Now, PartitionNow, RequestLabels, Source};
use crate::root_key::RootKeyError;
use crate::server::budget::Budget;
use crate::server::remote::Remotes;
use crate::services::{Services, ServicesError};
use crate::store::redb::RedbStore;

mod sealing;
#[cfg(test)]
pub(crate) mod tests;

use sealing::{Sealing, Sockets};

/// How long calls that are under way may take to end when the daemon stops.
const STOP: Duration = Duration::from_secs(5);

/// The daemon.
pub(crate) struct Daemon {
    pub(crate) config: Config,
    store: Arc<RedbStore>,
    anchor: Arc<FileAnchor>,
    trust: Trust,
    /// Whether an audit log that was cut or changed is given up for a new one.
    accept_audit_loss: bool,
    /// The way to the audit log.
    pub(crate) audit: Door,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    hsm: RwLock<State>,
    /// Held while the daemon is opened or sealed, and while its root key changes.
    unsealing: Mutex<()>,
    sealing: Sealing,
    /// Those of applications and consoles.
    pub(crate) sockets: Sockets,
    /// The doors of instances.
    pub(crate) remotes: Remotes,
    /// Where messages leave.
    pub(crate) office: Arc<Office>,
    started: Instant,
    /// Connections of applications.
    pub(crate) connections: Arc<Budget>,
    /// Calls under way, and [`STOPPING`] once no more are taken.
    calls: AtomicUsize,
    /// Bytes of large requests in work.
    pub(crate) budget: Arc<Budget>,
}

/// Set in [`Daemon::calls`].
const STOPPING: usize = 1 << (usize::BITS - 1);

enum State {
    /// Why.
    Sealed(String),
    Open(Arc<Hsm>, Arc<Services>),
}

/// Why the daemon cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// There is no root key.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// The store or the anchor cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What they hold cannot be used.
    #[error(transparent)]
    Hsm(#[from] hsm::Error),
    /// What the services keep cannot be used.
    #[error(transparent)]
    Services(#[from] ServicesError),
    /// The audit log cannot be gone on with.
    #[error(transparent)]
    Audit(#[from] audit::OpenError),
    /// The first records cannot be written.
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    /// It is open.
    #[error("hsmd is not sealed")]
    NotSealed,
    /// It is sealed.
    #[error("hsmd is sealed")]
    Sealed,
    /// Calls under way keep the HSM in memory.
    #[error(
        "calls under way have not ended: nothing is taken any more, but keys are in memory until they do"
    )]
    StillBusy,
    /// As before; and the HSM is being zeroized.
    #[error(
        "the HSM is being zeroized, and calls under way hold it in memory: it is destroyed when they end, or when hsmd \
         is started again"
    )]
    Zeroizing,
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Vault(error.into())
    }
}

impl Daemon {
    /// The daemon on its store. It is open if the root key is there, and else sealed.
    ///
    /// # Errors
    /// Anything that another root key would not mend.
    pub(crate) fn start(config: Config, trust: Trust, accept_audit_loss: bool) -> Result<Self, OpenError> {
        let store =
            Arc::new(RedbStore::open(&config.store.path, config.limits.bytes, config.store.read_only)?);
        if store.is_read_only() {
            warn!("the store {} is read-only: nothing can be changed", config.store.path.display());
        }
        let daemon = Self {
            anchor: Arc::new(FileAnchor::new(&config.store.anchor())),
            store,
            trust,
            accept_audit_loss,
            audit: Door::to(config.audit.directory(&config.store.path)),
            metrics: Arc::default(),
            hsm: RwLock::new(State::Sealed("it is starting".into())),
            unsealing: Mutex::new(()),
            sealing: Sealing::default(),
            sockets: Sockets::default(),
            remotes: Remotes::default(),
            office: Arc::default(),
            started: Instant::now(),
            connections: Arc::new(Budget::new(config.limits.connections)),
            calls: AtomicUsize::new(0),
            budget: Arc::new(Budget::new(config.limits.request_bytes)),
            config,
        };
        daemon.open_by_itself()?;
        Ok(daemon)
    }

    fn open(&self, root: &RootKey, custody: &[u8]) -> Result<(), OpenError> {
        // Two that write to one store would not see each other's records.
        if self.sealing.is_busy() {
            return Err(OpenError::StillBusy);
        }
        let began = Instant::now();
        let (store, anchor) = (Arc::clone(&self.store), Arc::clone(&self.anchor));
        let store = Arc::new(Metered::new(store, Arc::clone(&self.metrics)));
        let vault = Vault::open_trusting(store, anchor, root, self.trust, custody)?;
        let audit = Arc::new(Audit::open(
            &vault,
            &self.config.audit,
            &self.config.store.path,
            self.accept_audit_loss,
        )?);
        let ports = Ports {
            clock: Arc::new(SystemClock),
            events: Arc::new(Counted::new(Arc::clone(&audit), Arc::clone(&self.metrics))),
            access: Arc::new(AccessList(self.config.access.clone())),
        };
        let hsm = Hsm::open(vault, self.config.settings(), Mechanisms::standard(), ports)?;
        let partitions = hsm.partitions();
        let objects: u64 = partitions.iter().map(|partition| partition.object_count()).sum();
        info!(partitions = partitions.len(), objects, took = ?began.elapsed(), "the HSM is open");
        warn_of_unknown_partitions(&self.config.access, &hsm);
        let quotas = Quotas { keys: self.config.rest.key_quota, ..Quotas::default() };
        let secrets =
            dew::csms::Quotas { secrets: self.config.rest.secret_quota, ..dew::csms::Quotas::default() };
        let services =
            Arc::new(Services::open(&hsm, (quotas, secrets), &audit, &self.config, self.office.wake())?);
        // Last, when nothing can fail any more: a sealed daemon has no log.
        self.record_start(&audit);
        *self.hsm.write() = State::Open(hsm, services);
        Ok(())
    }

    /// From here on, commands of the console are recorded.
    fn record_start(&self, audit: &Arc<Audit>) {
        let version = [("version", env!("CARGO_PKG_VERSION").to_owned())];
        let started = acted("open", &version);
        // What happened before goes before. On a full disk the daemon opens: it says so itself, and refuses what must be
        // recorded.
        for result in [audit.enter(&self.audit), audit.administrative(&started)] {
            if let Err(why) = result {
                warn!("that hsmd has opened is not recorded: {why}");
            }
        }
    }

    /// Writes what was counted of keys' use since it was last written, and when access keys were last used.
    pub(crate) fn keep_counts(&self) {
        if let Ok(services) = self.services() {
            self.keep_counts_of(&services);
        }
    }

    fn keep_counts_of(&self, services: &Services) {
        if let Err(error) = services.kms.keep_counts()
            && !self.store.is_read_only()
        {
            warn!("how often keys were asked for something is not written: {error}");
        }
        if let Err(error) = services.iam.by(Actor::DAEMON).keep_uses()
            && !self.store.is_read_only()
        {
            warn!("when access keys were last used is not written: {error}");
        }
    }

    /// Ends the transfer, writes what the services have counted, closes the audit log, and lets the store know how far it is.
    fn close_up(&self, hsm: &Hsm, services: &Services, why: &str) {
        self.keep_counts_of(services);
        services.traces.flush(true);
        services.transfer.stop();
        services.notifications.stop();
        if let Err(error) = self.audit.administrative(&acted(why, &[])) {
            warn!("{why} is not recorded: {error}");
        }
        self.audit.close();
        if let Err(error) = hsm.settle()
            && !self.store.is_read_only()
        {
            warn!("the store does not know how far the audit log is: {error}");
        }
    }

    /// The HSM.
    ///
    /// # Errors
    /// Why the daemon is sealed.
    pub(crate) fn hsm(&self) -> Result<Arc<Hsm>, String> {
        match &*self.hsm.read() {
            State::Open(hsm, _) => Ok(Arc::clone(hsm)),
            State::Sealed(why) => Err(why.clone()),
        }
    }

    /// The services over the HSM.
    ///
    /// # Errors
    /// Why the daemon is sealed.
    pub(crate) fn services(&self) -> Result<Arc<Services>, String> {
        match &*self.hsm.read() {
            State::Open(_, services) => Ok(Arc::clone(services)),
            State::Sealed(why) => Err(why.clone()),
        }
    }

    /// Nanoseconds since it started.
    pub(crate) fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Seconds since it started.
    pub(crate) fn uptime(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    /// Begins a call; none when the daemon stops.
    pub(crate) fn begin_call(&self) -> Option<CallUnderWay<'_>> {
        let before = self.calls.fetch_add(1, Ordering::AcqRel);
        let under_way = CallUnderWay(&self.calls);
        (before & STOPPING == 0).then_some(under_way) // dropped, and so not counted, if it is too late
    }

    /// Lets the calls that are under way end, and closes the store.
    pub(crate) fn stop(&self) {
        self.end_rekeyer();
        self.office.stop();
        let until = Instant::now() + STOP;
        self.calls.fetch_or(STOPPING, Ordering::AcqRel);
        while self.calls.load(Ordering::Acquire) != STOPPING {
            if Instant::now() > until {
                warn!("stopping in the middle of calls that did not end within {STOP:?}");
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        if let (Ok(hsm), Ok(services)) = (self.hsm(), self.services()) {
            self.close_up(&hsm, &services, "stop");
        }
        self.close_sealed();
        self.store.close();
    }
}

impl Source for Daemon {
    fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    fn now(&self) -> Now {
        let hsm = self.hsm().ok();
        let partitions = hsm.as_ref().map(|hsm| hsm.partitions()).unwrap_or_default();
        let partitions = partitions.iter().map(|partition| PartitionNow {
            slot: partition.slot().0,
            sessions: partition.sessions(),
            objects: partition.object_count(),
        });
        Now {
            sealed: hsm.is_none(),
            connections: self.connections.taken() as u64,
            connection_limit: self.config.limits.connections as u64,
            audit_lag: self.audit.log().and_then(|log| log.lag()).unwrap_or_default(),
            partitions: partitions.collect(),
            requests: self.services().map(|services| requests(&services)).unwrap_or_default(),
        }
    }
}

/// What was asked of the KMS this month.
fn requests(services: &Services) -> Vec<(RequestLabels, u64)> {
    let counts = services.kms.counts_now().into_iter().flat_map(|(project, count)| {
        let (project, key) = (project.to_string(), count.key.to_string());
        count.requests.into_iter().map(move |(operation, count)| {
            (RequestLabels { project: project.clone(), key: key.clone(), operation }, count)
        })
    });
    counts.collect()
}

/// What the daemon did by itself.
fn acted<'a>(what: &'a str, details: &'a [(&'static str, String)]) -> AdminEvent<'a> {
    AdminEvent { actor: Actor::DAEMON, command: what, object: None, details, outcome: Ok(()) }
}

/// A call that the daemon does not stop in the middle of.
pub(crate) struct CallUnderWay<'a>(&'a AtomicUsize);

impl Drop for CallUnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The system's clock.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn pause(&self, moment: Duration) {
        std::thread::sleep(moment);
    }
}

/// Who may open which partition, as the configuration has it.
struct AccessList(Vec<config::Access>);

impl Access for AccessList {
    fn may_open(&self, peer: Peer, partition: &Partition) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let (label, serial) = (partition.label(), partition.serial());
        let mut entries =
            self.0.iter().filter(|entry| entry.partition == label || entry.partition == serial).peekable();
        entries.peek().is_none()
            || entries.any(|entry| entry.uids.contains(&peer.uid) || entry.gids.contains(&peer.gid))
    }
}

/// An entry that names no partition protects none: most likely a slip of the pen.
fn warn_of_unknown_partitions(access: &[config::Access], hsm: &Hsm) {
    for entry in access.iter().filter(|entry| hsm.partition_named(&entry.partition).is_none()) {
        warn!(
            "[[access]] names partition {:?}, and there is none of that label or serial number",
            entry.partition
        );
    }
}

/// What the store is, for the console.
pub(crate) fn store_name(path: &Path) -> String {
    format!("redb {}", path.display())
}
