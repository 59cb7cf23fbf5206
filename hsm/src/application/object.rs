//! Objects: made, copied, read, changed, destroyed and found.

use std::collections::VecDeque;
use std::sync::Arc;

use wire::calls::object::{
    CopyObject, CreateObject, DestroyObject, FindObjects, FindObjectsFinal, FindObjectsInit,
    GetAttributeValue, GetObjectSize, MAX_FOUND, ObjectCalls, SetAttributeValue,
};
use wire::template::Answers;
use wire::{List, ObjectHandle};

use super::{Application, SessionObjects};
use crate::error::Error;
use crate::event::Act;
use crate::object::{Attr, AttributeMap, Maker, Object, changed, copied, create, read};
use crate::session::Session;
use crate::user::rights::{self, Deed};

impl ObjectCalls for Application {
    fn create_object(&self, call: CreateObject) -> Result<ObjectHandle, Error> {
        let session = self.session(call.session)?;
        let attributes = create(&call.template, &self.maker(&session))?;
        self.add_one(&session, &self.life(&session, "create"), attributes)
    }

    fn copy_object(&self, call: CopyObject) -> Result<ObjectHandle, Error> {
        let session = self.session(call.session)?;
        let source = self.object_or_error(&session, call.object)?;
        let attributes = copied(&source, &call.template, &self.maker(&session))?;
        self.add_one(&session, &self.life(&session, "copy"), attributes)
    }

    fn destroy_object(&self, call: DestroyObject) -> Result<(), Error> {
        let session = self.session(call.session)?;
        let object = self.object_or_error(&session, call.object)?;
        self.maker(&session).may(Deed::destroying(object.attributes()), object.attributes())?;
        if !object.flag(Attr::DESTROYABLE) {
            return Err(Error::ActionProhibited("CKA_DESTROYABLE is false"));
        }
        let act = self.life(&session, "destroy");
        let result = if object.is_token() {
            let _changing = self.hsm.changing(&session.partition);
            session.partition.destroy(&self.hsm.vault, &object, &act)
        } else {
            self.destroy_own(&session, &object, &act)
        };
        act.unless_done(Some(&object), result)
    }

    fn get_object_size(&self, call: GetObjectSize) -> Result<u64, Error> {
        let session = self.session(call.session)?;
        Ok(read::size(&*self.object_or_error(&session, call.object)?))
    }

    fn get_attribute_value(&self, call: GetAttributeValue) -> Result<Answers, Error> {
        let session = self.session(call.session)?;
        let object = self.object_or_error(&session, call.object)?;
        let user = self.login(&session.partition).user;
        let secrets = !object.is_token() || rights::check(user, Deed::Reveal, object.attributes()).is_ok();
        let answers = read::answer(&object, &call.queries, secrets);
        if call.queries.iter().any(|query| object.attributes().secret(query.kind.into()).is_some()) {
            let act = self.life(&session, "read");
            let refused = Some(answers.rv).filter(|rv| *rv != wire::Rv::OK);
            act.told(Some(&object), refused)?;
        }
        Ok(answers)
    }

    fn set_attribute_value(&self, call: SetAttributeValue) -> Result<(), Error> {
        let session = self.session(call.session)?;
        let object = self.object_or_error(&session, call.object)?;
        let maker = self.maker(&session);
        maker.may(Deed::changing(object.attributes()), object.attributes())?;
        let change = |object: &Object| changed(object, &call.template, &maker);
        let act = self.life(&session, "change");
        let result = if object.is_token() {
            let _changing = self.hsm.changing(&session.partition);
            session.partition.change(&self.hsm.vault, object.number, &act, change)
        } else {
            let place = self.place(&session.partition);
            let _changing = self.changing();
            let mut objects = place.objects.write();
            objects.change(object.number, &act, change)
        };
        act.unless_done(Some(&object), result)
    }

    fn find_objects_init(&self, call: FindObjectsInit) -> Result<(), Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        if operations.find.is_some() {
            return Err(Error::OperationActive);
        }
        let sees_private = self.login(&session.partition).sees_private();
        let mut found = VecDeque::from(session.partition.find(&call.template, sees_private)?);
        let place = self.place(&session.partition);
        found.extend(place.objects.read().index.find(&call.template, sees_private)?);
        operations.find = Some(found);
        Ok(())
    }

    fn find_objects(&self, call: FindObjects) -> Result<List<ObjectHandle, MAX_FOUND>, Error> {
        let session = self.session(call.session)?;
        let mut operations = session.operations.lock();
        let numbers = operations.find.as_mut().ok_or(Error::OperationNotInitialized)?;
        let max = usize::try_from(call.max).unwrap_or(MAX_FOUND).min(MAX_FOUND);
        let mut found = Vec::with_capacity(max.min(numbers.len()));
        let login = self.login(&session.partition);
        let tags = self.tags(&session.partition, login);
        while found.len() < max {
            let Some(number) = numbers.pop_front() else { break };
            // It may have gone since the search began.
            let object = self.by_number(&session, number).filter(|object| login.sees(object));
            found.extend(object.map(|object| tags.handle(&object)));
        }
        List::new(found).ok_or(Error::Internal("what is found fits its list"))
    }

    fn find_objects_final(&self, call: FindObjectsFinal) -> Result<(), Error> {
        let session = self.session(call.session)?;
        session.operations.lock().find.take().map(drop).ok_or(Error::OperationNotInitialized)
    }
}

impl Application {
    /// Who makes or changes objects in this session.
    pub(super) fn maker(&self, session: &Session) -> Maker {
        Maker {
            user: self.login(&session.partition).user,
            rw: session.rw,
            profile: session.partition.profile(),
        }
    }

    pub(super) fn object_or_error(
        &self,
        session: &Session,
        handle: ObjectHandle,
    ) -> Result<Arc<Object>, Error> {
        self.object(session, handle).ok_or(Error::ObjectHandleInvalid(handle.0))
    }

    /// Adds one object, of the token or of the session, and gives its handle.
    pub(super) fn add_one(
        &self,
        session: &Session,
        act: &Act<'_>,
        attributes: AttributeMap,
    ) -> Result<ObjectHandle, Error> {
        let added = self.add(session, act, vec![attributes])?;
        added.first().copied().ok_or(Error::Internal("what was added has a handle"))
    }

    /// Adds objects, all or none.
    pub(super) fn add(
        &self,
        session: &Session,
        act: &Act<'_>,
        objects: Vec<AttributeMap>,
    ) -> Result<Vec<ObjectHandle>, Error> {
        act.unless_done(None, self.try_add(session, act, objects))
    }

    fn try_add(
        &self,
        session: &Session,
        act: &Act<'_>,
        objects: Vec<AttributeMap>,
    ) -> Result<Vec<ObjectHandle>, Error> {
        // An object that knows of uses of its key tells the others that hold it.
        let tells = objects.iter().any(|attributes| attributes.ulong(Attr::ROLES_USED).unwrap_or(0) != 0);
        let _changing = tells.then(|| self.hsm.changing(&session.partition));
        let objects: Vec<_> = objects
            .into_iter()
            .map(|attributes| session.partition.new_object(attributes))
            .collect::<Result<_, _>>()?;
        let place = self.place(&session.partition);
        // Held until the objects are there, so that a log-out does not miss one that goes with it.
        let login = place.login.read();
        for object in &objects {
            rights::check(login.user, Deed::making(object.attributes()), object.attributes())?;
        }
        let (token, own): (Vec<_>, Vec<_>) = objects.into_iter().partition(Object::is_token);
        let limit = self.hsm.settings.max_session_objects;
        if place.objects.read().owners.len() + own.len() > usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(Error::ObjectCount { limit });
        }
        let mut added = Vec::new();
        if !token.is_empty() {
            let limit = self.hsm.settings.max_token_objects;
            added = session.partition.add(&self.hsm.vault, limit, token, act)?;
        }
        for object in own.into_iter().map(Arc::new) {
            act.done(Some(&object))?;
            let mut objects = place.objects.write();
            // Whoever closes a session takes it from the map first, and then its objects.
            self.session(session.handle)?;
            objects.owners.insert(object.number, session.handle);
            objects.index.insert(Arc::clone(&object));
            added.push(object);
        }
        added.sort_by_key(|object| object.number);
        let tags = self.tags(&session.partition, *login);
        Ok(added.iter().map(|object| tags.handle(object)).collect())
    }

    /// Destroys a session object.
    fn destroy_own(&self, session: &Session, object: &Object, act: &Act<'_>) -> Result<(), Error> {
        let place = self.place(&session.partition);
        let _changing = self.changing();
        let mut objects = place.objects.write();
        let there = objects.index.get(object.number).is_some();
        there.then_some(()).ok_or(Error::ObjectHandleInvalid(object.number))?;
        act.done(Some(object))?;
        objects.owners.remove(&object.number);
        objects.index.remove(object.number);
        Ok(())
    }
}

impl SessionObjects {
    fn change(
        &mut self,
        number: u64,
        act: &Act<'_>,
        change: impl Fn(&Object) -> Result<AttributeMap, Error>,
    ) -> Result<(), Error> {
        let current = self.index.get(number).ok_or(Error::ObjectHandleInvalid(number))?;
        let changed = Arc::new(current.successor(change(current)?));
        act.done(Some(&changed))?;
        self.index.replace(changed);
        Ok(())
    }
}
