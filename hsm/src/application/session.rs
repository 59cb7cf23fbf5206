//! Sessions.

use std::sync::Arc;

use wire::calls::session::{
    CloseAllSessions, CloseSession, GetOperationState, GetSessionInfo, InitPIN, Login, LoginUser, Logout,
    OpenSession, SessionCalls, SessionCancel, SetOperationState, SetPIN,
};
use wire::info::SessionInfo;
use wire::{Output, SessionHandle};

use super::Application;
use crate::error::Error;
use crate::session::{Session, state};
use crate::user::User;

const CKF_RW_SESSION: u64 = 0x2;
const CKF_SERIAL_SESSION: u64 = 0x4;

impl SessionCalls for Application {
    fn open_session(&self, call: OpenSession) -> Result<SessionHandle, Error> {
        if call.flags & CKF_SERIAL_SESSION == 0 {
            return Err(Error::SessionParallelNotSupported);
        }
        let partition = self.partition(call.slot)?;
        partition.check_in_force(&*self.hsm.ports.clock)?;
        let stay = partition.enter()?;
        let rw = call.flags & CKF_RW_SESSION != 0;
        let place = self.place(&partition);
        // Held so that no security officer logs in between the look and the session.
        let login = place.login.read();
        if !rw && login.user == User::So {
            return Err(Error::SessionReadWriteSoExists);
        }
        let mut sessions = self.sessions.write();
        let limit = self.hsm.settings.max_sessions;
        let here = sessions.values().filter(|session| session.partition.domain == partition.domain);
        if here.count() as u64 >= limit {
            return Err(Error::SessionCount { limit });
        }
        let handle = self.hsm.handles.session();
        let session = Session { handle, partition, _stay: stay, rw, operations: Default::default() };
        sessions.insert(handle, Arc::new(session));
        Ok(handle)
    }

    fn close_session(&self, call: CloseSession) -> Result<(), Error> {
        let removed = self.sessions.write().remove(&call.session);
        let session = removed.ok_or(Error::SessionHandleInvalid(call.session.0))?;
        self.closed(&session);
        Ok(())
    }

    fn close_all_sessions(&self, call: CloseAllSessions) -> Result<(), Error> {
        let partition = self.partition(call.slot)?;
        let mut sessions = self.sessions.write();
        let of_slot = |session: &Arc<Session>| session.partition.domain == partition.domain;
        let closed: Vec<_> =
            sessions.extract_if(|_, session| of_slot(session)).map(|(_, session)| session).collect();
        drop(sessions);
        for session in closed {
            self.closed(&session);
        }
        Ok(())
    }

    fn get_session_info(&self, call: GetSessionInfo) -> Result<SessionInfo, Error> {
        let session = self.session(call.session)?;
        let rw = if session.rw { CKF_RW_SESSION } else { 0 };
        Ok(SessionInfo {
            slot: session.partition.domain,
            state: state(session.rw, self.login(&session.partition).user),
            flags: rw | CKF_SERIAL_SESSION,
            device_error: 0,
        })
    }

    fn login(&self, call: Login<'_>) -> Result<(), Error> {
        self.log_in(&call)
    }

    fn login_user(&self, call: LoginUser<'_>) -> Result<(), Error> {
        self.log_in_by_name(&call)
    }

    fn logout(&self, call: Logout) -> Result<(), Error> {
        let session = self.session(call.session)?;
        self.log_out(&session)
    }

    fn init_pin(&self, call: InitPIN<'_>) -> Result<(), Error> {
        let session = self.session(call.session)?;
        self.init_user_pin(&session, call.pin)
    }

    fn set_pin(&self, call: SetPIN<'_>) -> Result<(), Error> {
        let session = self.session(call.session)?;
        self.change_pin(&session, call.old, call.new)
    }

    fn get_operation_state(&self, call: GetOperationState) -> Result<Output, Error> {
        let session = self.session(call.session)?;
        let operations = session.operations.lock();
        if operations.any_active() {
            Err(Error::StateUnsaveable)
        } else {
            Err(Error::OperationNotInitialized)
        }
    }

    fn set_operation_state(&self, call: SetOperationState<'_>) -> Result<(), Error> {
        self.session(call.session)?;
        Err(Error::SavedStateInvalid)
    }

    fn session_cancel(&self, call: SessionCancel) -> Result<(), Error> {
        let session = self.session(call.session)?;
        session.operations.lock().cancel(call.flags);
        Ok(())
    }
}

impl Application {
    /// What goes with a session: its objects, and the log-in if it was the last on its partition.
    pub(super) fn closed(&self, session: &Session) {
        session.operations.lock().clear();
        let place = self.place(&session.partition);
        // That the session itself is gone, whoever closed it knows.
        let owns = place.objects.read().owners.values().any(|owner| *owner == session.handle);
        let _changing = owns.then(|| self.changing());
        let mut objects = place.objects.write();
        let gone: Vec<_> = objects.owners.extract_if(|_, owner| *owner == session.handle).collect();
        for (number, _) in gone {
            objects.index.remove(number);
        }
        drop(objects);
        let mut login = place.login.write();
        if login.user != User::Nobody && self.count_sessions(&session.partition).0 == 0 {
            place.leave(&mut login);
        }
    }
}
