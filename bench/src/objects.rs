//! The keys and objects that the workloads use, made once in a run and removed at its end.

use std::collections::HashMap;

use cryptoki_sys::*;

use crate::options::Keys;
use crate::p11::{Error, Mechanism, Result, Session, Template};

/// The keys that workloads ask for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Rsa2048,
    Rsa4096,
    P256,
    P384,
    Ed25519,
    /// With parameters of its own, of 2048 and 256 bits.
    Dsa2048,
    Aes256,
    /// A generic secret of 32 octets 0x0b, so that its MACs are known.
    Hmac,
}

/// The handles of a key: of the pair's two halves, or twice that of a secret key.
#[derive(Clone, Copy)]
pub(crate) struct Handles {
    pub(crate) public: CK_OBJECT_HANDLE,
    pub(crate) private: CK_OBJECT_HANDLE,
}

/// `secp256r1` as a DER object identifier.
pub(crate) const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
/// Ed25519 as an object identifier (RFC 8410), and as the curve name that SoftHSM2 wants.
const ED25519: [&[u8]; 2] = [&[0x06, 0x03, 0x2b, 0x65, 0x70], b"\x13\x0cedwards25519"];

/// What was made so far.
pub(crate) struct Objects {
    keep: Keys,
    keys: HashMap<Key, Handles>,
    many: Vec<CK_OBJECT_HANDLE>,
}

impl Objects {
    pub(crate) fn new(keep: Keys) -> Self {
        Self { keep, keys: HashMap::new(), many: Vec::new() }
    }

    /// How many objects the find workloads search among.
    pub(crate) fn many(&self) -> u32 {
        u32::try_from(self.many.len()).unwrap_or(u32::MAX)
    }

    /// The key of this name, made if it is not there yet.
    pub(crate) fn key(&mut self, session: Session<'_>, key: Key) -> Result<Handles> {
        if let Some(&handles) = self.keys.get(&key) {
            return Ok(handles);
        }
        let token = self.keep == Keys::Token;
        let handles = match key {
            Key::Rsa2048 => rsa(session, 2048, token)?,
            Key::Rsa4096 => rsa(session, 4096, token)?,
            Key::P256 => curve(session, CKM_EC_KEY_PAIR_GEN, P256, token)?,
            Key::P384 => curve(session, CKM_EC_KEY_PAIR_GEN, P384, token)?,
            Key::Ed25519 => curve(session, CKM_EC_EDWARDS_KEY_PAIR_GEN, ED25519[0], token)
                .or_else(|_| curve(session, CKM_EC_EDWARDS_KEY_PAIR_GEN, ED25519[1], token))?,
            Key::Dsa2048 => dsa(session, token)?,
            Key::Aes256 => {
                let mut template = aes(token, "bench-aes")
                    .flag(CKA_ENCRYPT, true)
                    .flag(CKA_DECRYPT, true)
                    .number(CKA_VALUE_LEN, 32);
                one(session.generate(&mut Mechanism::plain(CKM_AES_KEY_GEN), &mut template)?)
            }
            Key::Hmac => {
                let mut template = Template::new()
                    .number(CKA_CLASS, CKO_SECRET_KEY)
                    .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
                    .flag(CKA_TOKEN, token)
                    .flag(CKA_PRIVATE, true)
                    .bytes(CKA_LABEL, b"bench-hmac")
                    .flag(CKA_SIGN, true)
                    .flag(CKA_VERIFY, true)
                    .bytes(CKA_VALUE, &[0x0b; 32]);
                one(session.create(&mut template)?)
            }
        };
        self.keys.insert(key, handles);
        Ok(handles)
    }

    /// Fills the token with `count` AES keys, each with a label and an id of its own.
    pub(crate) fn fill(&mut self, session: Session<'_>, count: u32) -> Result<()> {
        for number in self.many()..count {
            let mut template = numbered_key(number);
            self.many.push(session.create(&mut template)?);
        }
        Ok(())
    }

    /// Removes all that was made. Goes on after a failure, and reports the first.
    pub(crate) fn clear(&mut self, session: Session<'_>) -> Result<()> {
        let mut first = Ok(());
        let pairs = self.keys.drain().flat_map(|(_, key)| {
            let second = (key.public != key.private).then_some(key.private);
            std::iter::once(key.public).chain(second)
        });
        for object in pairs.chain(self.many.drain(..)) {
            first = first.and(session.destroy(object));
        }
        first
    }
}

fn one(handle: CK_OBJECT_HANDLE) -> Handles {
    Handles { public: handle, private: handle }
}

/// A sensitive AES key without its value, its length or what it is for.
pub(crate) fn aes(token: bool, label: &str) -> Template {
    Template::new()
        .number(CKA_CLASS, CKO_SECRET_KEY)
        .number(CKA_KEY_TYPE, CKK_AES)
        .flag(CKA_TOKEN, token)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_SENSITIVE, true)
        .bytes(CKA_LABEL, label.as_bytes())
}

/// The label of the object with this number; as long for each, so that it can be written in place.
pub(crate) fn label(number: u32) -> [u8; 15] {
    let mut label = *b"bench-000000000";
    let mut rest = number;
    for digit in label.iter_mut().skip(6).rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    label
}

/// The template of the AES key with this number.
pub(crate) fn numbered_key(number: u32) -> Template {
    aes(true, &String::from_utf8_lossy(&label(number)))
        .bytes(CKA_ID, &number.to_be_bytes())
        .flag(CKA_ENCRYPT, true)
        .flag(CKA_DECRYPT, true)
        .bytes(CKA_VALUE, &[0x5a; 32])
}

fn rsa(session: Session<'_>, bits: CK_ULONG, token: bool) -> Result<Handles> {
    let (mut public, mut private) = rsa_templates(bits, token);
    let (public, private) =
        session.generate_pair(&mut Mechanism::plain(CKM_RSA_PKCS_KEY_PAIR_GEN), &mut public, &mut private)?;
    Ok(Handles { public, private })
}

/// The templates of an RSA pair that signs and verifies.
pub(crate) fn rsa_templates(bits: CK_ULONG, token: bool) -> (Template, Template) {
    let public = half(token)
        .flag(CKA_VERIFY, true)
        .number(CKA_MODULUS_BITS, bits)
        .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
    (public, private_half(token))
}

/// The templates of a pair on a curve that signs and verifies.
pub(crate) fn curve_templates(params: &[u8], token: bool) -> (Template, Template) {
    (half(token).flag(CKA_VERIFY, true).bytes(CKA_EC_PARAMS, params), private_half(token))
}

fn curve(session: Session<'_>, mechanism: CK_MECHANISM_TYPE, params: &[u8], token: bool) -> Result<Handles> {
    let (mut public, mut private) = curve_templates(params, token);
    let (public, private) =
        session.generate_pair(&mut Mechanism::plain(mechanism), &mut public, &mut private)?;
    Ok(Handles { public, private })
}

fn dsa(session: Session<'_>, token: bool) -> Result<Handles> {
    let mut wanted = Template::new()
        .number(CKA_CLASS, CKO_DOMAIN_PARAMETERS)
        .number(CKA_KEY_TYPE, CKK_DSA)
        .flag(CKA_TOKEN, false)
        .number(CKA_PRIME_BITS, 2048);
    let domain = session.generate(&mut Mechanism::plain(CKM_DSA_PARAMETER_GEN), &mut wanted)?;
    let mut made =
        Template::new().bytes(CKA_PRIME, &[0; 256]).bytes(CKA_SUBPRIME, &[0; 32]).bytes(CKA_BASE, &[0; 256]);
    session.attributes(domain, &mut made)?;
    let mut public = half(token)
        .flag(CKA_VERIFY, true)
        .bytes(CKA_PRIME, made.written(0))
        .bytes(CKA_SUBPRIME, made.written(1))
        .bytes(CKA_BASE, made.written(2));
    let mut private = private_half(token);
    let by = &mut Mechanism::plain(CKM_DSA_KEY_PAIR_GEN);
    let (public, private) = session.generate_pair(by, &mut public, &mut private)?;
    Ok(Handles { public, private })
}

fn half(token: bool) -> Template {
    Template::new().flag(CKA_TOKEN, token).bytes(CKA_LABEL, b"bench-pair").bytes(CKA_ID, b"bench")
}

fn private_half(token: bool) -> Template {
    half(token).flag(CKA_PRIVATE, true).flag(CKA_SENSITIVE, true).flag(CKA_SIGN, true)
}

/// Fails with what was expected unless `holds`.
pub(crate) fn expect(holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Wrong(what.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_tells_its_number_in_nine_digits() {
        assert_eq!(&label(1234), b"bench-000001234");
        assert_eq!(&label(u32::MAX)[6..], b"294967295");
    }
}
