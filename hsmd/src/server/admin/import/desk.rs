//! Where the console works on a partition as its user does: an application of its own, for one command.

use std::sync::Arc;

use hsm::Connection;
use hsm::object::Object;
use wire::calls::session::{Login, OpenSession, SessionCalls};
use wire::{ObjectHandle, SessionHandle, Slice};

use crate::server::admin::talk::Talk;

const CKF_RW_SESSION: u64 = 0x2;
const CKF_SERIAL_SESSION: u64 = 0x4;

/// An application of the console, with one session. It ends with the command.
pub(super) struct Desk {
    pub(super) application: Connection,
    pub(super) session: SessionHandle,
}

impl Desk {
    /// Not logged in: only public objects are seen.
    pub(super) fn of_nobody(talk: &Talk<'_>, partition: &str) -> Result<Self, String> {
        let (hsm, partition) = (talk.hsm()?, talk.partition(partition)?);
        let application = hsm.console(talk.peer).map_err(|error| error.to_string())?;
        let open = OpenSession { slot: partition.slot(), flags: CKF_RW_SESSION | CKF_SERIAL_SESSION };
        let session = application.open_session(open).map_err(|error| error.to_string())?;
        Ok(Self { application, session })
    }

    /// Logged in as the partition's user.
    pub(super) fn of_user(talk: &Talk<'_>, partition: &str, pin: &[u8]) -> Result<Self, String> {
        let desk = Self::of_nobody(talk, partition)?;
        let login = Login { session: desk.session, user: hsm::user::CKU_USER, pin: Some(Slice(pin)) };
        desk.application
            .login(login)
            .map_err(|error| format!("the partition's user cannot log in: {error}"))?;
        Ok(desk)
    }

    /// The token object of this number, if it may be seen, with its handle.
    pub(super) fn object(&self, number: u64) -> Result<(ObjectHandle, Arc<Object>), String> {
        let handle = self.application.handle_of(self.session, number);
        let handle = handle.map_err(|_| format!("there is no object {number}, or it is private"))?;
        Ok((handle, self.by_handle(handle)?))
    }

    /// The object of a handle.
    pub(super) fn by_handle(&self, handle: ObjectHandle) -> Result<Arc<Object>, String> {
        self.application.object_of(self.session, handle).map_err(|error| error.to_string())
    }
}
