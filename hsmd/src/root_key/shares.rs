//! The root key in shares, M of N, each sealed to one person's UKey.
//!
//! The sealed shares stand in the store's header. To unseal, a holder fetches his share, opens it with his UKey at
//! the console, and gives it back over the admin socket. What is given is kept in memory until there are enough, and
//! forgotten after a while.

use std::sync::Arc;
use std::time::Duration;

use crypto::{Secret, random};
use hsm::vault::RootKey;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tracing::warn;
use ukey::Public;
use ukey::shares::{Share, combine, split};
use wire::admin::root::SHARE;

use super::RootKeyError;

/// The shares of the root key, as the store's header has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shares {
    /// How many open the store.
    pub(crate) need: u8,
    /// The set that all are of.
    set: [u8; 32],
    pub(crate) holders: Vec<Sealed>,
}

/// One share, sealed to its holder's UKey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub(crate) name: String,
    pub(crate) ukey: [u8; 32],
    pub(crate) share: Vec<u8>,
}

impl Shares {
    /// A new root key, and its shares for these UKeys.
    ///
    /// # Errors
    /// `Holders` if a UKey is there twice; `Share` if `need` is more than there are.
    pub(crate) fn make(need: u8, publics: &[Public]) -> Result<(Self, RootKey), RootKeyError> {
        let count =
            u8::try_from(publics.len()).map_err(|_| RootKeyError::Holders("there are too many".into()))?;
        for (at, public) in publics.iter().enumerate() {
            // By name they are told from each other, to people.
            let same = |other: &Public| other.id() == public.id() || other.name() == public.name();
            if publics.iter().take(at).any(same) {
                return Err(RootKeyError::Holders(format!("{} is named twice", public.name())));
            }
        }
        let key = Secret::new(random::bytes(RootKey::LEN)?);
        let shares = split(&key, need, count)?;
        let set = shares.first().map(|share| *share.set().as_bytes()).unwrap_or_default();
        let seal = |(share, public): (Share, &Public)| {
            let sealed = public.seal(SHARE, &share.to_bytes())?;
            Ok(Sealed { name: public.name().into(), ukey: *public.id().as_bytes(), share: sealed })
        };
        let holders = shares.into_iter().zip(publics).map(seal).collect::<Result<_, RootKeyError>>()?;
        let root = RootKey::new(key).ok_or(RootKeyError::Derive("a key of a wrong length".into()))?;
        Ok((Self { need, set, holders }, root))
    }

    /// The name of whoever holds the share of this number.
    fn holder(&self, index: u8) -> &str {
        let at = usize::from(index).checked_sub(1);
        at.and_then(|at| self.holders.get(at)).map_or("nobody", |holder| &holder.name)
    }
}

/// Shares that were given and wait for the others.
#[derive(Clone, Default)]
pub(crate) struct Collected(Arc<Mutex<Given>>);

#[derive(Default)]
struct Given {
    shares: Vec<Share>,
    /// Counts how often it began anew.
    round: u64,
}

impl Collected {
    /// The holders whose shares are here.
    pub(crate) fn names(&self, of: &Shares) -> Vec<String> {
        self.0.lock().shares.iter().map(|share| of.holder(share.index()).to_owned()).collect()
    }

    /// Takes a share in. Gives the root key once there are enough; then all are forgotten.
    ///
    /// # Errors
    /// `Share` if it was altered; `ForeignShare`; `GivenAlready`, with the holder's name.
    pub(crate) fn give(
        &self,
        share: &[u8],
        of: &Shares,
        forget: Duration,
    ) -> Result<Option<RootKey>, RootKeyError> {
        let share = Share::from_bytes(share)?;
        if share.set().as_bytes() != &of.set {
            return Err(RootKeyError::ForeignShare);
        }
        let mut given = self.0.lock();
        // Left over from before the root key was changed.
        given.shares.retain(|other| other.set().as_bytes() == &of.set);
        if given.shares.iter().any(|other| other.index() == share.index()) {
            return Err(RootKeyError::GivenAlready(of.holder(share.index()).into()));
        }
        given.shares.push(share);
        if given.shares.len() < usize::from(of.need) {
            if given.shares.len() == 1 {
                given.round += 1;
                self.forget_after(forget, given.round);
            }
            return Ok(None);
        }
        let shares = std::mem::take(&mut given.shares);
        drop(given);
        let key = combine(&shares)?;
        RootKey::new(key).map(Some).ok_or(RootKeyError::Derive("a key of a wrong length".into()))
    }

    /// Forgets what was given.
    pub(crate) fn forget(&self) {
        self.0.lock().shares.clear();
    }

    fn forget_after(&self, after: Duration, round: u64) {
        let given = Arc::clone(&self.0);
        let forget = move || {
            std::thread::sleep(after);
            let mut given = given.lock();
            if given.round == round && !given.shares.is_empty() {
                warn!("the shares that were given are forgotten: the others did not come in time");
                given.shares.clear();
            }
        };
        let thread = std::thread::Builder::new().name("shares".into()).stack_size(64 << 10).spawn(forget);
        if thread.is_err() {
            // Without the thread nothing would forget them.
            warn!("no thread can be made: shares are kept until they are used or the daemon ends");
        }
    }
}

#[cfg(test)]
mod tests {
    use ukey::{Algorithm, Holder, file};

    use super::*;

    fn ukeys(count: usize) -> Vec<file::FileKey> {
        let cost = file::Cost::new(19 << 10, 2, 1).unwrap();
        let make = |number| {
            let (bytes, _) =
                file::create(&format!("person {number}"), Algorithm::Ed25519, b"123456", cost).unwrap();
            file::open(&bytes, b"123456").unwrap()
        };
        (0..count).map(make).collect()
    }

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn enough_shares_make_the_key_and_fewer_wrong_ones_and_repeated_ones_do_not() {
        let keys = ukeys(3);
        let publics: Vec<_> = keys.iter().map(|key| key.public().clone()).collect();
        let (shares, _) = Shares::make(2, &publics).unwrap();
        let (others, _) = Shares::make(2, &publics).unwrap();
        let open = |of: &Shares, at: usize| keys[at].open(SHARE, &of.holders[at].share).unwrap();
        let collected = Collected::default();
        let give = |share: &Secret| collected.give(share.as_bytes(), &shares, LONG);
        assert!(give(&open(&shares, 0)).unwrap().is_none());
        assert_eq!(collected.names(&shares), ["person 0"]);
        let again = give(&open(&shares, 0)).unwrap_err().to_string();
        assert!(again.contains("person 0"), "{again}");
        assert!(matches!(give(&open(&others, 1)), Err(RootKeyError::ForeignShare)));
        let mut altered = open(&shares, 1).as_bytes().to_vec();
        *altered.last_mut().unwrap() ^= 1;
        assert!(matches!(collected.give(&altered, &shares, LONG), Err(RootKeyError::Share(_))));
        assert!(keys[2].open(SHARE, &shares.holders[1].share).is_err(), "sealed to another");
        assert!(give(&open(&shares, 2)).unwrap().is_some());
        assert!(collected.names(&shares).is_empty(), "used up");
        assert!(matches!(Shares::make(4, &publics), Err(RootKeyError::Share(_))));
        assert!(matches!(
            Shares::make(2, &[publics[0].clone(), publics[0].clone()]),
            Err(RootKeyError::Holders(_))
        ));
    }

    #[test]
    fn shares_are_forgotten_when_the_others_do_not_come() {
        let keys = ukeys(2);
        let publics: Vec<_> = keys.iter().map(|key| key.public().clone()).collect();
        let (shares, _) = Shares::make(2, &publics).unwrap();
        let collected = Collected::default();
        let share = keys[0].open(SHARE, &shares.holders[0].share).unwrap();
        collected.give(share.as_bytes(), &shares, Duration::from_millis(50)).unwrap();
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while !collected.names(&shares).is_empty() {
            assert!(std::time::Instant::now() < until, "they are not forgotten");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
