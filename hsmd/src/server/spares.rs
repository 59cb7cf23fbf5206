//! Memory for large frames that is used again: it is zero already, and the system need not find and clear it anew.

use parking_lot::Mutex;

/// How many buffers are kept. More large calls than this at once are bound by other things.
const MOST: usize = 8;
/// The longest buffer that is kept, in bytes.
const LONGEST: usize = 2 << 20;

/// Buffers that wait to be used again.
pub(super) struct Spares(Mutex<Vec<Vec<u8>>>);

impl Spares {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// At least so many zeroes.
    pub(super) fn take(&self, len: usize) -> Vec<u8> {
        let mut spares = self.0.lock();
        if let Some(at) = spares.iter().position(|spare| spare.len() >= len) {
            return spares.swap_remove(at);
        }
        drop(spares);
        // Rounded up, so that a call a little longer finds it of use. What is not written costs address space alone.
        vec![0; if len <= LONGEST { len.next_power_of_two() } else { len }]
    }

    /// Keeps a buffer that is zero throughout, if there is a place for it.
    pub(super) fn give(&self, buffer: Vec<u8>) {
        if buffer.len() <= LONGEST {
            let mut spares = self.0.lock();
            if spares.len() < MOST {
                spares.push(buffer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_than_there_are_places_for() {
        let spares = Spares::new();
        for _ in 0..2 * MOST {
            spares.give(vec![0; LONGEST]);
        }
        spares.give(vec![0; LONGEST + 1]);
        assert_eq!(spares.0.lock().len(), MOST);
        assert_eq!(spares.take(LONGEST + 1).len(), LONGEST + 1, "one that is too short is of no use");
        for left in (0..MOST).rev() {
            assert_eq!(spares.take(LONGEST - 1).len(), LONGEST);
            assert_eq!(spares.0.lock().len(), left);
        }
        assert_eq!(spares.take(LONGEST - 1).len(), LONGEST);
    }
}
