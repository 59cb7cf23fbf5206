//! Events of the HSM as records of the log.

use std::time::{SystemTime, UNIX_EPOCH};

use audit::{Class, Door, Object, Outcome, Partition, Peer, Person, Record};
use hsm::event::{self, Actor, Event};
use hsm::vault::Note;
use wire::Rv;

/// Now, in nanoseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// An event as a record that has no number yet.
pub(super) fn record(event: &Event<'_>) -> Record {
    let class = match event.class {
        event::Class::Administration => Class::Admin,
        event::Class::LifeCycle => Class::Lifecycle,
        event::Class::Use(_) => Class::Use,
    };
    let mut record = Record::new(0, now(), class, event.action);
    by(&mut record, &event.actor);
    record.partition =
        event.partition.map(|place| Partition { slot: place.slot, serial: place.serial.into() });
    record.object = event.object.map(|thing| Object { id: thing.id.into(), label: thing.label.into() });
    record.mechanism = event.mechanism.unwrap_or_default().into();
    record.outcome = outcome(event.rv);
    for (name, value) in event.details {
        record.detail(*name, value.as_str());
    }
    record
}

/// Fills in who did it.
pub(super) fn by(record: &mut Record, actor: &Actor<'_>) {
    record.door = match actor.door {
        event::Door::Pkcs11 => Door::Pkcs11,
        event::Door::Console => Door::Admin,
        event::Door::Rest => Door::Rest,
        event::Door::Daemon => Door::Internal,
    };
    record.peer = actor.peer.map(|peer| Peer { uid: peer.uid, gid: peer.gid, pid: peer.pid.cast_unsigned() });
    record.user = match (actor.door, actor.user) {
        (event::Door::Pkcs11, "so") => "SO".into(),
        (event::Door::Pkcs11, "user") => "USER".into(),
        (_, "nobody" | "console" | "daemon") => "".into(),
        (_, other) => other.into(),
    };
    record.person = actor.person.map(|person| Person { name: person.name.into(), id: person.id.into() });
}

pub(super) fn outcome(rv: Rv) -> Outcome {
    match rv {
        Rv::OK => Outcome::Done,
        rv => Outcome::Failed { code: rv.0, why: rv.to_string().into() },
    }
}

/// A record in the form in which it goes into a commit of the vault.
pub(super) fn note(record: &Record, makes_room: bool) -> Note {
    let mut bytes = Vec::with_capacity(256);
    record.encode(&mut bytes);
    Note { bytes, makes_room }
}

/// The record of a note, with the number that the vault gave it.
pub(super) fn of_note(number: u64, note: &Note) -> Record {
    let mut record = Record::decode(&note.bytes).unwrap_or_else(|error| {
        let mut unreadable = Record::new(0, now(), Class::Admin, "note.unreadable");
        unreadable.outcome = Outcome::Failed { code: 0, why: error.to_string().into() };
        unreadable
    });
    record.commit = number;
    record
}
