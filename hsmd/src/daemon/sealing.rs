//! Sealing and unsealing, and what is done to the root key: whose it is, when it changes, when it is destroyed.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hsm::Hsm;
use hsm::vault::{Progress, RootKey, Vault, VaultError};
use parking_lot::Mutex;
use tracing::{info, warn};

use super::{Daemon, OpenError, State};
use crate::audit;
use crate::root_key::shares::{Collected, Shares};
use crate::root_key::{self, Custody, RootKeyError};
use crate::services::Services;

/// How long calls that are under way may take to end when the daemon is sealed.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long shares that were given are kept, unless the configuration says otherwise.
const SHARE_SECONDS: u64 = 600;
/// Records sealed anew in one commit: few, since who commits meanwhile waits for them.
const BATCH: usize = 32;
/// How long one such commit lets others go before it, at most.
const YIELD: Duration = Duration::from_millis(20);
/// How long it waits after a failure, such as a full disk.
const RETRY: Duration = Duration::from_secs(2);

/// The sockets of applications and consoles, so that sealing can end their connections.
#[derive(Default)]
pub(crate) struct Sockets(Mutex<Vec<Weak<UnixStream>>>);

impl Sockets {
    /// Takes one in for as long as it lasts.
    pub(crate) fn admit(&self, socket: UnixStream) -> Arc<UnixStream> {
        let socket = Arc::new(socket);
        let mut sockets = self.0.lock();
        if sockets.len() == sockets.capacity() {
            sockets.retain(|socket| socket.strong_count() > 0);
        }
        sockets.push(Arc::downgrade(&socket));
        socket
    }

    /// Ends all connections but that of the console which asks for it.
    fn shut(&self, asking: Option<&UnixStream>) {
        for socket in self.0.lock().iter().filter_map(Weak::upgrade) {
            if !asking.is_some_and(|asking| std::ptr::eq(asking, &*socket)) {
                // One that is closed already is shut.
                let _ = socket.shutdown(std::net::Shutdown::Both);
            }
        }
    }
}

/// What a sealed daemon has of the root key, and the thread that seals records anew in an open one.
pub(super) struct Sealing {
    collected: Collected,
    rekeyer: Mutex<Option<Rekeyer>>,
    /// The HSM that was open before, as long as a call holds it.
    before: Mutex<Weak<Hsm>>,
    /// What is being sealed, until its counts are written and its log is closed. Held while that is done.
    closing: Mutex<Option<(Arc<Hsm>, Arc<Services>)>>,
    /// Whether that one is to be destroyed when it is not held any more.
    zeroizing: AtomicBool,
    /// How long calls that are under way may take to end.
    pub(super) patience: Duration,
}

impl Default for Sealing {
    fn default() -> Self {
        Self {
            collected: Collected::default(),
            rekeyer: Mutex::default(),
            before: Mutex::default(),
            closing: Mutex::default(),
            zeroizing: AtomicBool::new(false),
            patience: PATIENCE,
        }
    }
}

impl Sealing {
    /// Whether a call still holds the HSM that was open before.
    pub(super) fn is_busy(&self) -> bool {
        self.before.lock().strong_count() > 0
    }
}

struct Rekeyer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Daemon {
    /// Opens the daemon if the root key is to be had without anyone's help; says why if not.
    ///
    /// # Errors
    /// Anything that another root key would not mend.
    pub(super) fn open_by_itself(&self) -> Result<(), OpenError> {
        self.go_on_zeroizing()?;
        let obtained = match self.custody() {
            Ok(Some(custody)) => custody.obtain(&self.config.root_key).map(|root| (custody, root)),
            Ok(None) => root_key::first(&self.config.root_key),
            Err(OpenError::RootKey(why)) => Err(why),
            Err(error) => return Err(error),
        };
        match obtained {
            Ok((custody, root)) => self.open_kept(&custody, &root)?,
            Err(why) => {
                warn!("hsmd is sealed: {why}");
                *self.hsm.write() = State::Sealed(why.to_string());
            }
        }
        Ok(())
    }

    /// Who keeps the root key; none if the store is not made yet.
    pub(crate) fn custody(&self) -> Result<Option<Custody>, OpenError> {
        let noted = Vault::custody(&*self.store)?;
        Ok(noted.map(|noted| Custody::from_bytes(&noted)).transpose()?)
    }

    /// Opens the store with the root key, or with the one that a crash kept from taking its place.
    fn open_kept(&self, custody: &Custody, root: &RootKey) -> Result<(), OpenError> {
        let noted = custody.to_bytes()?;
        match self.open(root, &noted) {
            Err(OpenError::Vault(VaultError::WrongRootKey)) if *custody == Custody::File => {
                let next = root_key::left_next(&self.config.root_key);
                let next = next.ok_or(OpenError::Vault(VaultError::WrongRootKey))?;
                self.open(&next, &noted)?;
                root_key::settle_next(&self.config.root_key)?;
                info!("the new root key has taken its place");
            }
            opened => opened?,
        }
        let Ok(hsm) = self.hsm() else { return Ok(()) };
        if hsm.finish_zeroizing()? {
            info!("what was destroyed or replaced is overwritten now");
        }
        if hsm.rekey_progress().is_some() {
            info!("the change of keys goes on");
            self.start_rekeyer(&hsm);
        }
        Ok(())
    }

    /// Opens a sealed daemon: with the passphrase or PIN if it waits for one, else with the key that should be in
    /// its place by now.
    ///
    /// # Errors
    /// Why it is still sealed.
    pub(crate) fn unseal(&self, secret: &[u8]) -> Result<(), OpenError> {
        let _one_at_a_time = self.unsealing.lock();
        self.may_open()?;
        let config = &self.config.root_key;
        let (custody, root) = match self.custody()? {
            Some(Custody::UKeys(shares)) => {
                let have = self.sealing.collected.names(&shares).len();
                return Err(RootKeyError::Shares { have, need: shares.need }.into());
            }
            Some(custody) => {
                let root = custody.unlock(secret, config)?;
                (custody, root)
            }
            None => root_key::first_with(config, secret)?,
        };
        self.open_kept(&custody, &root)
    }

    /// The sealed share of the UKey with this id.
    ///
    /// # Errors
    /// `NotShared`, `NoHolder`, `NotSealed`.
    pub(crate) fn share(&self, ukey: &[u8; 32]) -> Result<Vec<u8>, OpenError> {
        if self.hsm().is_ok() {
            return Err(OpenError::NotSealed);
        }
        let shares = self.shares()?;
        let holder = shares.holders.iter().find(|holder| holder.ukey == *ukey);
        Ok(holder.ok_or(RootKeyError::NoHolder(shares.holders.len()))?.share.clone())
    }

    /// Takes the opened share of a holder. Opens the daemon if it is the last that was needed.
    ///
    /// # Errors
    /// Why the share is refused, or why the daemon is still sealed.
    pub(crate) fn give_share(&self, share: &[u8]) -> Result<(), OpenError> {
        let _one_at_a_time = self.unsealing.lock();
        self.may_open()?;
        let shares = self.shares()?;
        let forget = Duration::from_secs(self.config.root_key.share_seconds.unwrap_or(SHARE_SECONDS));
        match self.sealing.collected.give(share, &shares, forget)? {
            Some(root) => self.open_kept(&Custody::UKeys(shares), &root),
            None => Ok(()),
        }
    }

    /// The holders whose shares are here and wait for the others.
    pub(crate) fn given(&self, shares: &Shares) -> Vec<String> {
        self.sealing.collected.names(shares)
    }

    fn shares(&self) -> Result<Shares, OpenError> {
        match self.custody()? {
            Some(Custody::UKeys(shares)) => Ok(shares),
            _ => Err(RootKeyError::NotShared.into()),
        }
    }

    /// Drops the HSM from memory: every connection and every session ends, every key is wiped. A console that asks for
    /// it stays, to be told what comes of it.
    ///
    /// # Errors
    /// `Sealed` if there is none; `StillBusy` if calls that were under way did not end: the HSM is out of reach
    /// then, and is wiped when they do.
    pub(crate) fn seal(&self, why: &str, asking: Option<&UnixStream>) -> Result<(), OpenError> {
        let _one_at_a_time = self.unsealing.lock();
        self.seal_now(why, asking)
    }

    fn seal_now(&self, why: &str, asking: Option<&UnixStream>) -> Result<(), OpenError> {
        let (hsm, services) = {
            let mut state = self.hsm.write();
            match std::mem::replace(&mut *state, State::Sealed(why.to_owned())) {
                State::Open(hsm, services) => {
                    let held = Arc::downgrade(&services);
                    *self.sealing.before.lock() = Arc::downgrade(&hsm);
                    *self.sealing.closing.lock() = Some((Arc::clone(&hsm), services));
                    (hsm, held)
                }
                sealed => {
                    *state = sealed;
                    return Err(OpenError::Sealed);
                }
            }
        };
        self.end_rekeyer();
        self.sockets.shut(asking);
        hsm.end_all();
        drop(hsm);
        let until = Instant::now() + self.sealing.patience;
        // Requests under way leave their counts and traces first.
        let ended = wait_for(until, || services.strong_count() <= 1);
        self.close_sealed();
        if !ended || !wait_for(until, || !self.sealing.is_busy()) {
            return Err(OpenError::StillBusy);
        }
        info!("hsmd is sealed: {why}");
        Ok(())
    }

    /// Closes up after what is being sealed, unless that is done: also when the daemon stops meanwhile.
    pub(super) fn close_sealed(&self) {
        let mut closing = self.sealing.closing.lock();
        if let Some((hsm, services)) = closing.take() {
            self.close_up(&hsm, &services, "seal");
        }
    }

    /// Has another root key open the store, kept by whoever `make` says.
    ///
    /// # Errors
    /// What `make` and the vault say. The old root key opens the store then, unless it says otherwise.
    pub(crate) fn change_root(
        &self,
        make: impl FnOnce() -> Result<(Custody, RootKey), RootKeyError>,
    ) -> Result<Custody, OpenError> {
        let _one_at_a_time = self.unsealing.lock();
        let hsm = self.hsm().map_err(|_| OpenError::Sealed)?;
        let (custody, root) = make()?;
        hsm.change_root(&root, custody.to_bytes()?)?;
        if custody == Custody::File {
            root_key::settle_next(&self.config.root_key)?;
        }
        self.sealing.collected.forget();
        write_over(&hsm);
        Ok(custody)
    }

    /// Gives the store and every partition new keys; what the old ones sealed is sealed anew in the background.
    ///
    /// # Errors
    /// What the vault says.
    pub(crate) fn begin_rekey(&self) -> Result<(), OpenError> {
        let _one_at_a_time = self.unsealing.lock();
        let hsm = self.hsm().map_err(|_| OpenError::Sealed)?;
        hsm.begin_rekey()?;
        self.start_rekeyer(&hsm);
        Ok(())
    }

    /// How far the change of keys is; none if there is none under way.
    ///
    /// # Errors
    /// `Sealed`.
    pub(crate) fn rekey_progress(&self) -> Result<Option<Progress>, OpenError> {
        Ok(self.hsm().map_err(|_| OpenError::Sealed)?.rekey_progress())
    }

    fn start_rekeyer(&self, hsm: &Arc<Hsm>) {
        self.end_rekeyer();
        let (stop, hsm) = (Arc::new(AtomicBool::new(false)), Arc::downgrade(hsm));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("rekey".into()).spawn(move || rekey(&hsm, &stopped));
        match thread {
            Ok(thread) => *self.sealing.rekeyer.lock() = Some(Rekeyer { stop, thread }),
            Err(error) => warn!("the change of keys goes on at the next start: {error}"),
        }
    }

    /// Ends the thread that seals records anew. What it did stays done.
    pub(super) fn end_rekeyer(&self) {
        if let Some(rekeyer) = self.sealing.rekeyer.lock().take() {
            rekeyer.stop.store(true, Ordering::Release);
            let _ = rekeyer.thread.join();
        }
    }

    /// Destroys the HSM for good: the keys that seal first, then all else. The daemon is sealed then, with a store
    /// that is new.
    ///
    /// # Errors
    /// `Sealed`; `Zeroizing` if calls that were under way did not end: it is done when they have. What store and anchor
    /// say, and then it goes on at the next start.
    pub(crate) fn zeroize(&self, asking: Option<&UnixStream>) -> Result<(), OpenError> {
        let _one_at_a_time = self.unsealing.lock();
        match self.seal_now("the HSM is being zeroized", asking) {
            Err(OpenError::StillBusy) => {
                Vault::begin_zeroizing_all(&*self.store, &*self.anchor)?;
                self.sealing.zeroizing.store(true, Ordering::Release);
                return Err(OpenError::Zeroizing);
            }
            sealed => sealed?,
        }
        Vault::zeroize(&*self.store, &*self.anchor)?;
        self.after_zeroizing()
    }

    /// Destroys what is to be zeroized and was held in memory, once it is no more.
    pub(crate) fn look_after_zeroizing(&self) {
        if self.sealing.zeroizing.load(Ordering::Acquire)
            && !self.sealing.is_busy()
            && let Some(_one_at_a_time) = self.unsealing.try_lock()
            && let Err(error) = self.go_on_zeroizing()
        {
            warn!("the HSM is not zeroized yet: {error}");
        }
    }

    /// # Errors
    /// `Zeroizing` if somebody has the HSM in memory still; what store and anchor say.
    fn go_on_zeroizing(&self) -> Result<(), OpenError> {
        let begun = &self.sealing.zeroizing;
        if begun.load(Ordering::Acquire) && self.sealing.is_busy() {
            return Err(OpenError::Zeroizing);
        }
        // What failed of that the last time is to be done too, though the store is through with it.
        if Vault::finish_zeroizing_all(&*self.store, &*self.anchor)? || begun.load(Ordering::Acquire) {
            self.after_zeroizing()?;
        }
        begun.store(false, Ordering::Release);
        Ok(())
    }

    /// That the daemon can be opened, as far as what was open before goes. It comes before anything is taken for that.
    ///
    /// # Errors
    /// `NotSealed`, `StillBusy`, and as [`Self::go_on_zeroizing`].
    fn may_open(&self) -> Result<(), OpenError> {
        if self.hsm().is_ok() {
            return Err(OpenError::NotSealed);
        }
        self.go_on_zeroizing()?;
        match self.sealing.is_busy() {
            true => Err(OpenError::StillBusy),
            false => Ok(()),
        }
    }

    fn after_zeroizing(&self) -> Result<(), OpenError> {
        root_key::destroy(&self.config.root_key)?;
        // Its key is destroyed: what is there can be verified, and not gone on with.
        if let Err(error) = audit::set_aside(&self.config.audit, &self.config.store.path) {
            warn!("the audit log of the HSM that was zeroized is still in its place: {error}");
        }
        let why = "the HSM was zeroized, and holds nothing any more: with a new root key it is a new one";
        warn!("{why}");
        *self.hsm.write() = State::Sealed(why.into());
        Ok(())
    }
}

/// Waits for something that is so soon; tells whether it is.
fn wait_for(until: Instant, so: impl Fn() -> bool) -> bool {
    loop {
        match so() {
            true => return true,
            false if Instant::now() > until => return false,
            false => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Writes over what old keys left in the store's file. The change of keys is done whether that works or not.
fn write_over(hsm: &Hsm) {
    match hsm.finish_zeroizing() {
        Ok(true) => info!("what the old keys left in the store is written over"),
        Ok(false) => {}
        Err(error) => warn!("what the old keys left in the store is written over at the next start: {error}"),
    }
}

/// Seals records anew until none is left, or it is told to stop.
fn rekey(hsm: &Weak<Hsm>, stop: &AtomicBool) {
    let began = Instant::now();
    while !stop.load(Ordering::Acquire) {
        let Some(hsm) = hsm.upgrade() else { return };
        let until = Instant::now() + YIELD;
        while hsm.is_in_demand() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        match hsm.rekey_step(BATCH) {
            Ok(Some(_)) => {}
            Ok(None) => {
                info!(took = ?began.elapsed(), "every record is under the new keys, and the old ones are destroyed");
                write_over(&hsm);
                return;
            }
            Err(error) => {
                warn!("records cannot be sealed anew for now: {error}");
                drop(hsm);
                let until = Instant::now() + RETRY;
                while Instant::now() < until && !stop.load(Ordering::Acquire) {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }
}
