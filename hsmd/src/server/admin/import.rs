//! Objects that come from elsewhere or leave, and keys that are made from the console.

use wire::admin::Told;
use wire::admin::import::{self as protocol, Arrival, Arrived, Ask, MAX_ARRIVAL, MAX_ARRIVALS};
use wire::bytes::wipe;
use wire::{Bytes, List};

use super::talk::Talk;
use desk::Desk;

mod desk;
mod keys;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    match ask {
        Ask::Objects { partition, pin, source, dry_run } => {
            let desk = Desk::of_user(talk, partition, pin)?;
            arrive(talk, &desk, source, *dry_run)
        }
        Ask::Generate { partition, pin, key } => keys::generate(&Desk::of_user(talk, partition, pin)?, key),
        Ask::Destroy { partition, pin, number } => {
            keys::destroy(&Desk::of_user(talk, partition, pin)?, *number)
        }
        Ask::Public { partition, pin, number } => {
            let desk = match pin {
                Some(pin) => Desk::of_user(talk, partition, pin)?,
                None => Desk::of_nobody(talk, partition)?,
            };
            keys::public(&desk, *number)
        }
        Ask::Wrapped { partition, pin, number, under, how } => {
            keys::wrapped(&Desk::of_user(talk, partition, pin)?, *number, *under, *how)
        }
    }
}

/// Takes in the objects that follow, one after the other as they come.
fn arrive(talk: &mut Talk<'_>, desk: &Desk, source: &str, dry_run: bool) -> Result<Told, String> {
    talk.tell(&Told::Send).map_err(|error| format!("the connection to the console broke: {error}"))?;
    let (mut coming, mut arrived) = (Coming::default(), Vec::new());
    while let Some(chunk) = talk.receive()? {
        coming.add(&chunk);
        while let Some(arrival) = coming.next()? {
            if arrived.len() == MAX_ARRIVALS {
                return Err(format!("at most {MAX_ARRIVALS} objects come at once"));
            }
            let outcome = desk.application.import(desk.session, &arrival, source, dry_run);
            arrived.push(outcome.unwrap_or_else(|error| Arrived::Refused { reason: error.to_string() }));
        }
    }
    if !coming.0.is_empty() {
        return Err("the last object was cut off".into());
    }
    let arrived = List::new(arrived).ok_or("more objects came than one answer tells of")?;
    Ok(Told::Import(protocol::Told::Arrived(arrived)))
}

/// The bytes of objects that have not come whole yet. They may be keys.
#[derive(Default)]
struct Coming(Vec<u8>);

impl Coming {
    fn add(&mut self, chunk: &[u8]) {
        // Room by hand: a buffer that grows leaves copies behind.
        if self.0.capacity() - self.0.len() < chunk.len() {
            let mut larger = Vec::with_capacity((self.0.len() + chunk.len()).next_power_of_two());
            larger.extend_from_slice(&self.0);
            wipe(&mut self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(chunk);
    }

    /// The first object, once it is there whole.
    fn next(&mut self) -> Result<Option<Arrival>, String> {
        let Some((len, rest)) = self.0.split_first_chunk::<4>() else { return Ok(None) };
        let len = u32::from_le_bytes(*len);
        if len > MAX_ARRIVAL {
            return Err(format!("an object of {len} bytes came, and at most {MAX_ARRIVAL} may"));
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Some(body) = rest.get(..len) else { return Ok(None) };
        let arrival = wire::codec::decode(body).map_err(|_| "an object came that is not understood");
        let rest = Bytes::from(rest.get(len..).unwrap_or_default());
        wipe(&mut self.0);
        self.0.clear();
        self.add(&rest);
        Ok(Some(arrival?))
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(check_value: &[u8]) -> Vec<u8> {
        let arrival = Arrival {
            template: List::default(),
            history: None,
            check_value: Some(Bytes::from(check_value)),
            public: List::default(),
        };
        let mut body = Vec::new();
        wire::codec::encode(&arrival, &mut body).unwrap();
        [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
    }

    #[test]
    fn objects_come_whole_however_they_are_cut() {
        let bytes = [encoded(b"one"), encoded(&[2; 5000]), encoded(b"three")].concat();
        for size in [1, 3, 4, 5, 4999, 20000] {
            let (mut coming, mut seen) = (Coming::default(), Vec::new());
            for chunk in bytes.chunks(size) {
                coming.add(chunk);
                while let Some(arrival) = coming.next().unwrap() {
                    seen.push(arrival.check_value.unwrap().len());
                }
            }
            assert_eq!(seen, [3, 5000, 5], "{size}");
            assert!(coming.0.is_empty());
        }
    }

    #[test]
    fn what_is_too_long_or_no_object_is_refused() {
        let mut coming = Coming::default();
        coming.add(&(MAX_ARRIVAL + 1).to_le_bytes());
        assert!(coming.next().unwrap_err().contains("at most"));
        let mut coming = Coming::default();
        coming.add(&[1, 0, 0, 0, 0xff]);
        assert!(coming.next().unwrap_err().contains("not understood"));
    }
}
