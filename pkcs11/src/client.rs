//! The process's side of the socket: connections to the daemon, all of one application.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wire::calls::Call;
use wire::codec::reply as decoded;
use wire::{Output, Rv};

use crate::memory::Offer;
use crate::memory::initialize::{self, Arguments};

mod address;
mod application;
mod connection;
mod operations;
mod patience;
mod pool;
mod turns;

pub(crate) use application::Application;
pub(crate) use operations::Kind;

use address::Address;
use connection::{Connection, Frame, Lost, Take};
use operations::{Front, Sessions};
use patience::Patience;
use pool::Pool;

/// What the module's functions ask the daemon through.
///
/// When nobody listens, a call answers `DEVICE_REMOVED`; the next call tries again. Should the daemon go while
/// it has a call, that call answers `DEVICE_REMOVED` too, for whether it was carried out is not known; a call
/// that the daemon has not taken is sent again over a new connection. A daemon that started anew knows nothing
/// of the application, so that it answers `SESSION_HANDLE_INVALID` to handles of old.
pub(crate) struct Client {
    address: Address,
    /// The application's own mutex, if it will have no other used.
    mutex: Option<initialize::Mutex>,
    pool: Pool,
    sessions: Sessions,
    patience: Patience,
    /// Held while a connection opens, so that all join one application.
    application: Mutex<Option<Arc<Application>>>,
    /// Counts the applications: a connection of an earlier one is of no use.
    generation: AtomicU64,
    closed: AtomicBool,
}

impl Client {
    /// A client that has not connected yet.
    pub(crate) fn new(arguments: Arguments) -> Self {
        Self {
            address: Address::find(arguments.socket),
            mutex: arguments.mutex,
            pool: Pool::default(),
            sessions: Sessions::default(),
            patience: Patience::default(),
            application: Mutex::new(None),
            generation: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// What the daemon told of mechanisms and attributes.
    ///
    /// # Errors
    /// `DEVICE_REMOVED` or `DEVICE_ERROR` if there is no connection.
    pub(crate) fn application(&self) -> Result<Arc<Application>, Rv> {
        if let Some(application) = lock(&self.application).as_ref() {
            return Ok(Arc::clone(application));
        }
        let _turn = self.mutex.as_ref().map(initialize::Mutex::lock).transpose()?;
        let mut place = self.pool.wait();
        let connection = place.put(self.connect()?);
        Ok(Arc::clone(connection.application()))
    }

    /// Asks the daemon, after every `Init` that was kept: the call may change what one of them depends on.
    ///
    /// # Errors
    /// The daemon's answer if it is not `CKR_OK`; `DEVICE_REMOVED` or `DEVICE_ERROR` if there is none.
    pub(crate) fn call<C: Call>(&self, call: &C) -> Result<C::Reply, Rv> {
        self.send_kept();
        self.trip(None, call, |reply: &[u8]| decoded(reply))
    }

    /// Asks the daemon what changes nothing that an `Init` depends on, and does not depend on one.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub(crate) fn look<C: Call>(&self, call: &C) -> Result<C::Reply, Rv> {
        self.trip(None, call, |reply: &[u8]| decoded(reply))
    }

    /// Asks the daemon for output, which goes straight to the caller's memory.
    ///
    /// # Errors
    /// As [`Client::call`]; `BUFFER_TOO_SMALL` if the output does not fit.
    pub(crate) fn output<C: Call<Reply = Output>>(&self, call: &C, offer: &Offer) -> Result<(), Rv> {
        self.send_kept();
        self.trip(None, call, offer)
    }

    /// Asks the daemon as [`Client::look`] does, and hands the reply to `take`.
    ///
    /// # Errors
    /// As [`Client::call`], and what `take` says.
    pub(crate) fn read<C: Call>(
        &self,
        call: &C,
        take: impl FnMut(&[u8]) -> Result<(), Rv>,
    ) -> Result<(), Rv> {
        self.trip(None, call, take)
    }

    /// Sends a call, `front` before it, and hands the reply to `take`.
    ///
    /// # Errors
    /// As [`Client::call`], and what `take` says.
    fn trip<T>(
        &self,
        mut front: Option<&mut Front<'_>>,
        call: &impl Frame,
        mut take: impl Take<T>,
    ) -> Result<T, Rv> {
        let _turn = self.mutex.as_ref().map(initialize::Mutex::lock).transpose()?;
        let mut pending = self.patience.begin(call.is_long());
        let mut place = self.pool.free().unwrap_or_else(|| {
            pending.give_way();
            self.pool.wait()
        });
        for _ in 0..2 {
            let current = self.generation.load(SeqCst);
            if place.connection().is_none_or(|open| open.application().generation != current) {
                pending.give_way();
                place.put(self.connect()?);
            }
            let connection = place.connection().ok_or(Rv::GENERAL_ERROR)?;
            match connection.exchange(&mut pending, front.as_deref_mut(), call, &mut take) {
                Ok(result) => return result,
                Err(Lost::Refused(rv)) => return Err(rv),
                Err(Lost::Untaken) => place.clear(),
                Err(Lost::Taken) => {
                    place.clear();
                    break;
                }
            }
        }
        Err(Rv::DEVICE_REMOVED)
    }

    /// Ends the connections that carry no call; the others end with their calls.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
        self.pool.close();
    }

    /// Closes, in a child, the descriptors of its parent's connections. Takes no lock.
    pub(crate) fn close_inherited(&self) {
        self.pool.close_inherited();
    }

    /// Opens a connection that joins the application, or starts it.
    fn connect(&self) -> Result<Connection, Rv> {
        if self.closed.load(SeqCst) {
            return Err(Rv::CRYPTOKI_NOT_INITIALIZED);
        }
        let mut application = lock(&self.application);
        let connection = Connection::open(&self.address.path(), application.as_ref())?;
        if !application.as_ref().is_some_and(|known| Arc::ptr_eq(known, connection.application())) {
            *application = Some(Arc::clone(connection.application()));
            self.generation.store(connection.application().generation, SeqCst);
        }
        Ok(connection)
    }
}

/// Locks what no panic can leave half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
