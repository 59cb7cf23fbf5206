//! Objects that the console brings from elsewhere, and keys that it takes to show.

use std::sync::Arc;

use wire::admin::import::{Arrival, Arrived};
use wire::{Attribute, List, ObjectHandle, SessionHandle, Template, template};

use super::Application;
use crate::error::Error;
use crate::event::Act;
use crate::import::{accepted, is_same};
use crate::object::{Attr, AttributeMap, Object};
use crate::session::Session;

impl Application {
    /// Brings an object from elsewhere, whole or not at all. With `dry_run`, tells what would come of it.
    ///
    /// # Errors
    /// Why it may not come: as `C_CreateObject`, or because it is not what its source says it is.
    pub fn import(
        &self,
        session: SessionHandle,
        arrival: &Arrival,
        source: &str,
        dry_run: bool,
    ) -> Result<Arrived, Error> {
        let session = self.session(session)?;
        let details = [("source", source.to_owned())];
        let act = Act { details: &details, ..self.life(&session, "import") };
        let accepted = accepted(arrival, &self.maker(&session)).and_then(|(attributes, checked)| {
            let here = self.same(&session, &attributes)?;
            Ok((attributes, checked, here))
        });
        match accepted {
            Err(error) if dry_run => Err(error),
            Err(error) => act.unless_done(None, Err(error)),
            Ok((_, _, Some(here))) => Ok(Arrived::Already { unique_id: here.unique_id().to_owned() }),
            Ok((_, checked, None)) if dry_run => Ok(Arrived::New { checked }),
            Ok((attributes, checked, None)) => {
                self.add_one(&session, &act, attributes)?;
                Ok(Arrived::New { checked })
            }
        }
    }

    /// The handle of the token object of this number, if the session may see it.
    ///
    /// # Errors
    /// `ObjectHandleInvalid` if there is none.
    pub fn handle_of(&self, session: SessionHandle, number: u64) -> Result<ObjectHandle, Error> {
        let session = self.session(session)?;
        let login = self.login(&session.partition);
        let object = session.partition.object(number).filter(|object| login.sees(object));
        let object = object.ok_or(Error::ObjectHandleInvalid(number))?;
        Ok(self.tags(&session.partition, login).handle(&object))
    }

    /// The object of a handle, without leave to use its key.
    ///
    /// # Errors
    /// `ObjectHandleInvalid` if the session sees none.
    pub fn object_of(&self, session: SessionHandle, handle: ObjectHandle) -> Result<Arc<Object>, Error> {
        let session = self.session(session)?;
        self.object_or_error(&session, handle)
    }

    /// The token object that is the same as this one.
    fn same(&self, session: &Session, attributes: &AttributeMap) -> Result<Option<Arc<Object>>, Error> {
        let wanted = [Attr::CLASS, Attr::LABEL].into_iter().filter_map(|name| {
            let value = template::AttributeValue::Bytes(attributes.plain(name)?.into());
            Some(Attribute { kind: name.into(), value })
        });
        let wanted: Template = List::new(wanted.collect()).unwrap_or_default();
        let found = session.partition.find(&wanted, true)?;
        let mut found = found.into_iter().filter_map(|number| session.partition.object(number));
        Ok(found.find(|here| is_same(attributes, here)))
    }
}
