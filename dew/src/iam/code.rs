//! Codes that are sent to somebody who is to show that it is really them: by mail or SMS, beside those of a virtual MFA
//! device. They are in memory alone, so that a restart ends them, and are good once, for a short time and a few tries.

use std::collections::HashMap;
use std::fmt;

use crypto::Secret;
use parking_lot::Mutex;

use super::id::UserId;
use super::record::Account;
use super::{Acting, Iam, IamError};

/// How long a code is good for, in seconds.
pub const CODE_SECONDS: u64 = 300;
/// How often one may be tried.
const TRIES: u8 = 5;
/// How many seconds lie between two codes for one user.
const PAUSE: u64 = 60;
/// How many codes a user is sent in an hour, which is in seconds.
const MOST: (usize, u64) = (5, 3600);

/// By which way a code is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By mail.
    Mail,
    /// By SMS.
    Sms,
}

impl Way {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mail => "email",
            Self::Sms => "sms",
        }
    }
}

/// Where a code can be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Reach {
    /// By which way.
    pub way: Way,
    /// The address of mail, or the number.
    pub address: String,
}

/// As much of it as who knows it recognises, and who does not learns little from.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.way, self.address.split_once('@')) {
            (Way::Mail, Some((name, host))) => {
                let first: String = name.chars().take(1).collect();
                write!(f, "{first}***@{host}")
            }
            _ => {
                let (all, shown) = (self.address.chars().count(), 3);
                let last: String = self.address.chars().skip(all.saturating_sub(shown)).collect();
                write!(f, "***{last}")
            }
        }
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A code that was sent.
struct Sent {
    code: Secret,
    until: u64,
    tries: u8,
}

/// What was sent to one user.
#[derive(Default)]
struct Sendings {
    good: Option<Sent>,
    /// When codes were made, in the last hour.
    made: Vec<u64>,
}

/// The codes of all.
#[derive(Default)]
pub(super) struct Codes(Mutex<HashMap<UserId, Sendings>>);

impl Codes {
    /// Takes down a code that is sent now; the one before it is good no more.
    ///
    /// # Errors
    /// `TooManyCodes`
    fn put(&self, user: UserId, code: Secret, now: u64) -> Result<(), IamError> {
        let mut all = self.0.lock();
        all.retain(|_, sendings| sendings.made.last().is_some_and(|last| now.saturating_sub(*last) < MOST.1));
        let sendings = all.entry(user).or_default();
        sendings.made.retain(|at| now.saturating_sub(*at) < MOST.1);
        let next = sendings.made.last().map_or(0, |last| last + PAUSE);
        let free = match sendings.made.len() < MOST.0 {
            true => 0,
            false => sendings.made.first().map_or(0, |first| first + MOST.1),
        };
        let wait = next.max(free).saturating_sub(now);
        if wait > 0 {
            return Err(IamError::TooManyCodes { seconds: wait });
        }
        sendings.made.push(now);
        sendings.good = Some(Sent { code, until: now + CODE_SECONDS, tries: 0 });
        Ok(())
    }

    /// Whether this is the code that was sent; then it is no more. None if there is none to try.
    fn take(&self, user: UserId, code: &str, now: u64) -> Option<bool> {
        let mut all = self.0.lock();
        let good = &mut all.get_mut(&user)?.good;
        let sent = good.as_mut().filter(|sent| now < sent.until && sent.tries < TRIES);
        let Some(sent) = sent else {
            *good = None;
            return None;
        };
        sent.tries += 1;
        let is_right = crypto::equal(code.as_bytes(), sent.code.as_bytes());
        if is_right {
            *good = None;
        }
        Some(is_right)
    }
}

impl Iam {
    /// Where codes for an account's root user can be sent: to itself, or to who was named to give second factors for it.
    #[must_use]
    pub fn reaches(&self, account: &Account) -> Vec<Reach> {
        let reach = |way, address: &str| Reach { way, address: address.to_owned() };
        let all = match (&account.protection.verifier, self.user(account.id, account.root)) {
            (Some(verifier), _) if verifier.scene == "email" => vec![reach(Way::Mail, &verifier.email)],
            (Some(verifier), _) => vec![reach(Way::Sms, &verifier.mobile)],
            (None, Some(root)) => {
                let country = root.areacode.trim_start_matches(['+', '0']);
                let number = match (country, root.phone.as_str()) {
                    ("", number) => number.to_owned(),
                    (_, "") => String::new(),
                    (country, number) => format!("+{country}{number}"),
                };
                vec![reach(Way::Mail, &root.email), reach(Way::Sms, &number)]
            }
            (None, None) => Vec::new(),
        };
        all.into_iter().filter(|reach| !reach.address.is_empty()).collect()
    }
}

impl Acting<'_> {
    /// A new code of six digits for a user, to be sent to it.
    ///
    /// # Errors
    /// `TooManyCodes`; `Hsm` if there is no randomness.
    pub fn make_code(self, user: UserId) -> Result<Secret, IamError> {
        let number = loop {
            let number = u32::from_le_bytes(self.iam.hsm.random::<4>()?);
            // All that is left is as often each of the million.
            if number < u32::MAX - u32::MAX % 1_000_000 {
                break number % 1_000_000;
            }
        };
        let code = Secret::new(format!("{number:06}").into_bytes());
        self.iam.codes.put(user, code.duplicate(), self.iam.hsm.time())?;
        Ok(code)
    }

    /// Whether a code is the one that was sent to a user; none if none was, or it is good no more.
    pub(super) fn take_sent(self, user: UserId, code: &str) -> Option<bool> {
        self.iam.codes.take(user, code, self.iam.hsm.time())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId([1; 16]);
    const BOB: UserId = UserId([2; 16]);

    fn with(code: &str) -> Codes {
        let codes = Codes::default();
        codes.put(ANN, Secret::new(code.as_bytes().to_vec()), 1000).unwrap();
        codes
    }

    /// Requirement: IAM-097
    #[test]
    fn a_code_is_good_once_for_a_while_and_a_few_tries_and_for_nobody_else() {
        let codes = with("012345");
        assert_eq!(codes.take(BOB, "012345", 1001), None);
        assert_eq!(codes.take(ANN, "012346", 1001), Some(false));
        assert_eq!(codes.take(ANN, "12345", 1001), Some(false));
        assert_eq!(codes.take(ANN, "012345", 1299), Some(true));
        assert_eq!(codes.take(ANN, "012345", 1299), None, "it was used");
        assert_eq!(with("012345").take(ANN, "012345", 1300), None, "it is too old");
        let codes = with("012345");
        for _ in 0..5 {
            assert_eq!(codes.take(ANN, "999999", 1001), Some(false));
        }
        assert_eq!(codes.take(ANN, "012345", 1001), None, "it was tried too often");
    }

    #[test]
    fn codes_are_not_sent_as_often_as_somebody_likes() {
        let codes = with("000000");
        let again = |at| codes.put(ANN, Secret::new(b"111111".to_vec()), at);
        assert!(matches!(again(1059), Err(IamError::TooManyCodes { seconds: 1 })));
        assert_eq!(codes.take(ANN, "000000", 1059), Some(true), "what is refused ends nothing");
        for at in [1060, 1120, 1180, 1240] {
            again(at).unwrap();
        }
        assert!(matches!(again(1300), Err(IamError::TooManyCodes { seconds: 3300 })));
        again(4600).unwrap();
        assert_eq!(codes.take(ANN, "111111", 4601), Some(true));
    }

    #[test]
    fn where_codes_go_is_hinted_at() {
        let hint = |way, address: &str| Reach { way, address: address.to_owned() }.to_string();
        assert_eq!(hint(Way::Mail, "ann@example.org"), "a***@example.org");
        assert_eq!(hint(Way::Sms, "+8613900001234"), "***234");
    }
}
