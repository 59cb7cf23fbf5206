//! The key under which a token wraps its own keys for us: made for one session, of a value that only this program
//! knows, and gone with the session.

use crypto::aes::{Cipher, Key, Mode};
use crypto::keywrap::{self, KW_IV, KWP_IV};
use crypto::{Secret, random};
use foreign::{Module, Object, Session};

use crate::source::number::{attribute, class};

/// Length of the key in bytes.
const KEY: usize = 32;
/// `CKK_AES`
const AES: u64 = 0x1f;

/// How a key is wrapped, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `CKM_AES_KEY_WRAP_KWP`: RFC 5649.
    Kwp,
    /// `CKM_AES_KEY_WRAP_PAD`: with some RFC 5649, with others RFC 3394 over what PKCS#7 pads.
    Pad,
    /// `CKM_AES_CBC_PAD`: nothing in it tells whether it was altered; that the key is good is looked at afterwards.
    Cbc,
}

impl Way {
    const ALL: [Self; 3] = [Self::Kwp, Self::Pad, Self::Cbc];

    const fn mechanism(self) -> u64 {
        match self {
            Self::Kwp => 0x210b,
            Self::Pad => 0x210a,
            Self::Cbc => 0x1085,
        }
    }

    fn unwrap(self, key: &Key, iv: &[u8], wrapped: &[u8]) -> Result<Secret, crypto::Error> {
        match self {
            Self::Kwp => keywrap::kwp_unwrap(key, &KWP_IV, wrapped),
            Self::Pad => keywrap::kwp_unwrap(key, &KWP_IV, wrapped)
                .or_else(|error| unpadded(&keywrap::kw_unwrap(key, &KW_IV, wrapped)?).ok_or(error)),
            Self::Cbc => {
                let mut cipher = Cipher::decrypt(Mode::CbcPad, key, iv)?;
                // Room for all of it at once: a buffer that grows leaves copies behind.
                let mut bytes =
                    zeroize::Zeroizing::new(Vec::with_capacity(wrapped.len() + 2 * crypto::aes::BLOCK));
                cipher.update(wrapped, &mut bytes)?;
                cipher.finish(&mut bytes)?;
                Ok(Secret::new(std::mem::take(&mut *bytes)))
            }
        }
    }
}

/// What PKCS#7 padded to whole groups of eight bytes.
fn unpadded(padded: &Secret) -> Option<Secret> {
    let bytes = padded.as_bytes();
    let count = usize::from(*bytes.last()?);
    let (data, padding) = bytes.split_at_checked(bytes.len().checked_sub(count)?)?;
    let good = (1..=8).contains(&count) && padding.iter().all(|byte| usize::from(*byte) == count);
    good.then(|| Secret::new(data.to_vec()))
}

/// The key, or why there is none.
pub(super) struct Transport<'a> {
    session: &'a Session<'a>,
    made: Result<(Object, Key), String>,
    ways: Vec<Way>,
}

impl<'a> Transport<'a> {
    /// Makes it in a session.
    pub(super) fn new(module: &Module, session: &'a Session<'a>, slot: u64, logged_in: bool) -> Self {
        let ways: Vec<_> = Way::ALL
            .into_iter()
            .filter(|way| module.wraps_by(slot, way.mechanism()).unwrap_or(false))
            .collect();
        let made = if ways.is_empty() {
            Err("its token wraps keys by no mechanism that is known here".to_owned())
        } else {
            make(session, logged_in)
        };
        Self { session, made, ways }
    }

    /// Has the token wrap one of its keys, and unwraps it here: a secret key's value, a private key's PKCS#8.
    pub(super) fn take_out(&self, object: Object) -> Result<Secret, String> {
        let (under, key) = self.made.as_ref().map_err(Clone::clone)?;
        let mut why = String::new();
        for way in &self.ways {
            let iv: &[u8] = if *way == Way::Cbc { &random_iv()? } else { &[] };
            match self.session.wrap(way.mechanism(), iv, *under, object) {
                Ok(wrapped) => {
                    return way
                        .unwrap(key, iv, &wrapped)
                        .map_err(|error| format!("what its token wrapped does not unwrap: {error}"));
                }
                Err(error) if why.is_empty() => why = format!("its token does not wrap it: {error}"),
                Err(_) => {}
            }
        }
        Err(why)
    }
}

fn random_iv() -> Result<[u8; crypto::aes::BLOCK], String> {
    let mut iv = [0; crypto::aes::BLOCK];
    random::fill(&mut iv).map_err(|error| error.to_string())?;
    Ok(iv)
}

fn make(session: &Session<'_>, logged_in: bool) -> Result<(Object, Key), String> {
    let value = Secret::new(random::bytes(KEY).map_err(|error| error.to_string())?);
    let key = Key::new(value.as_bytes()).map_err(|error| error.to_string())?;
    let (class, kind) = (class::SECRET_KEY.to_ne_bytes(), AES.to_ne_bytes());
    let template: [(u64, &[u8]); 8] = [
        (attribute::CLASS, &class),
        (attribute::KEY_TYPE, &kind),
        (attribute::TOKEN, &[0]),
        (attribute::PRIVATE, &[u8::from(logged_in)]),
        (attribute::SENSITIVE, &[1]),
        (attribute::EXTRACTABLE, &[0]),
        (attribute::WRAP, &[1]),
        (attribute::VALUE, value.as_bytes()),
    ];
    let made = session.create(&template);
    made.map(|made| (made, key)).map_err(|error| format!("its token takes no key to wrap it under: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_meanings_of_wrap_pad_unwrap_and_nothing_else_does() {
        let key = Key::new(&[7; KEY]).unwrap();
        let secret = Secret::new(b"a key of no round length".to_vec());
        let kwp = keywrap::kwp_wrap(&key, &KWP_IV, &secret).unwrap();
        let padded = Secret::new([secret.as_bytes(), &[8; 8]].concat());
        let pkcs7 = keywrap::kw_wrap(&key, &KW_IV, &padded).unwrap();
        for wrapped in [kwp, pkcs7] {
            assert_eq!(Way::Pad.unwrap(&key, &[], &wrapped).unwrap(), secret);
            let mut altered = wrapped.clone();
            altered[9] ^= 1;
            assert!(Way::Pad.unwrap(&key, &[], &altered).is_err());
        }
        let badly_padded = keywrap::kw_wrap(&key, &KW_IV, &Secret::new(vec![9; 24])).unwrap();
        assert!(Way::Pad.unwrap(&key, &[], &badly_padded).is_err());
    }
}
