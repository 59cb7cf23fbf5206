//! What is measured: a table of workloads, how each makes one operation, and how one result is verified.

use std::sync::atomic::{AtomicU32, Ordering};

use cryptoki_sys::*;

use crate::objects::{self, Handles, Key, Objects, expect};
use crate::p11::{Mechanism, Module, Result, Session, Template};

/// One kind of operation.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// The mechanism that the token must offer.
    pub(crate) mechanism: Option<CK_MECHANISM_TYPE>,
    work: Work,
}

enum Work {
    Sign(Key, Input),
    Verify(Key, Input),
    Encrypt(fn() -> Mechanism, usize),
    Digest(usize),
    Random(usize),
    FindLabel,
    FindId,
    CreateKey,
    CreateData,
    OpenClose,
    Attributes,
    GenerateAes,
    GenerateRsa,
    GenerateP256,
}

/// What is signed. All octets are 0x5a, but for the head of a DigestInfo.
#[derive(Clone, Copy)]
enum Input {
    /// A SHA-256 DigestInfo (RFC 8017, section 9.2, note 1).
    DigestInfo,
    Octets(usize),
}

const fn row(name: &'static str, mechanism: CK_MECHANISM_TYPE, work: Work) -> Workload {
    Workload { name, mechanism: Some(mechanism), work }
}

const fn plain(name: &'static str, work: Work) -> Workload {
    Workload { name, mechanism: None, work }
}

/// In the order in which they run: what needs a full token is last, as it fills it.
pub(crate) static WORKLOADS: &[Workload] = &[
    row("rsa2048-sign", CKM_RSA_PKCS, Work::Sign(Key::Rsa2048, Input::DigestInfo)),
    row("rsa2048-sha256-sign", CKM_SHA256_RSA_PKCS, Work::Sign(Key::Rsa2048, Input::Octets(64))),
    row("rsa4096-sign", CKM_RSA_PKCS, Work::Sign(Key::Rsa4096, Input::DigestInfo)),
    row("p256-sign", CKM_ECDSA, Work::Sign(Key::P256, Input::Octets(32))),
    row("p384-sign", CKM_ECDSA, Work::Sign(Key::P384, Input::Octets(48))),
    row("ed25519-sign", CKM_EDDSA, Work::Sign(Key::Ed25519, Input::Octets(64))),
    row("dsa2048-sign", CKM_DSA, Work::Sign(Key::Dsa2048, Input::Octets(32))),
    row("rsa2048-verify", CKM_RSA_PKCS, Work::Verify(Key::Rsa2048, Input::DigestInfo)),
    row("p256-verify", CKM_ECDSA, Work::Verify(Key::P256, Input::Octets(32))),
    row("dsa2048-verify", CKM_DSA, Work::Verify(Key::Dsa2048, Input::Octets(32))),
    row("aes256-gcm-64B", CKM_AES_GCM, Work::Encrypt(Mechanism::gcm, 64)),
    row("aes256-gcm-1MiB", CKM_AES_GCM, Work::Encrypt(Mechanism::gcm, 1 << 20)),
    row("aes256-cbc-1KiB", CKM_AES_CBC, Work::Encrypt(cbc, 1024)),
    row("hmac-sha256-64B", CKM_SHA256_HMAC, Work::Sign(Key::Hmac, Input::Octets(64))),
    row("hmac-sha256-16KiB", CKM_SHA256_HMAC, Work::Sign(Key::Hmac, Input::Octets(16 << 10))),
    row("sha256-64B", CKM_SHA256, Work::Digest(64)),
    row("sha256-16KiB", CKM_SHA256, Work::Digest(16 << 10)),
    plain("random-32B", Work::Random(32)),
    plain("session-open-close", Work::OpenClose),
    plain("get-attributes", Work::Attributes),
    row("generate-aes256", CKM_AES_KEY_GEN, Work::GenerateAes),
    row("generate-rsa2048", CKM_RSA_PKCS_KEY_PAIR_GEN, Work::GenerateRsa),
    row("generate-p256", CKM_EC_KEY_PAIR_GEN, Work::GenerateP256),
    plain("create-token-key", Work::CreateKey),
    plain("create-token-data", Work::CreateData),
    plain("find-by-label", Work::FindLabel),
    plain("find-by-id", Work::FindId),
];

fn cbc() -> Mechanism {
    Mechanism::with_bytes(CKM_AES_CBC, &[7; 16])
}

/// SHA-256 and HMAC-SHA256 under 32 octets 0x0b of this many octets 0x5a, computed with CPython's hashlib.
const KNOWN: &[(usize, &str, &str)] = &[(64, SHA_64, MAC_64), (16 << 10, SHA_16K, MAC_16K)];
const SHA_64: &str = "cc7321cce5e4409bd8077d58422e1214969059bbd40b4eeb0de0a642f40f7282";
const SHA_16K: &str = "7f7d7f621694cdc133548e9a3eb50d7f1dfdf6abd00bef37d46d18bc7967a433";
const MAC_64: &str = "3be0bdf49c571c77b25ebb527fc9ab68e4cac821035c7affdc9a7cbc96a603d2";
const MAC_16K: &str = "790c4a47132c5d2029f39aaa6b3cdd250a2ec6f496a40ff92a7ff222241da095";

/// One operation. What it leaves on the token goes to the list, to be destroyed when the clock stands.
pub(crate) type Step<'a> = Box<dyn FnMut(&mut Vec<CK_OBJECT_HANDLE>) -> Result<()> + 'a>;

/// What a step needs besides its session; made before the threads start.
#[derive(Clone)]
pub(crate) struct Ready {
    key: Option<Handles>,
    signature: Vec<u8>,
    many: u32,
}

/// Tells apart nonces, labels and search orders of all steps in the process.
static LANE: AtomicU32 = AtomicU32::new(1);

impl Workload {
    fn mechanism(&self) -> Mechanism {
        Mechanism::plain(self.mechanism.unwrap_or_default())
    }

    /// Makes what the workload needs: its key, a signature to verify, objects to search.
    pub(crate) fn prepare(&self, session: Session<'_>, objects: &mut Objects, count: u32) -> Result<Ready> {
        let mut ready = Ready { key: None, signature: Vec::new(), many: 0 };
        match self.work {
            Work::Sign(key, _) => ready.key = Some(objects.key(session, key)?),
            Work::Verify(key, input) => {
                let handles = objects.key(session, key)?;
                let mut out = [0; 512];
                let len = session.sign(&mut self.mechanism(), handles.private, &input.octets(), &mut out)?;
                ready.signature = out[..len].to_vec();
                ready.key = Some(handles);
            }
            Work::Encrypt(..) => ready.key = Some(objects.key(session, Key::Aes256)?),
            Work::Attributes => ready.key = Some(objects.key(session, Key::Rsa2048)?),
            Work::FindLabel | Work::FindId => {
                objects.fill(session, count)?;
                ready.many = objects.many();
            }
            _ => {}
        }
        Ok(ready)
    }

    /// The operation that a thread repeats.
    pub(crate) fn step<'a>(
        &self,
        module: &'a Module,
        slot: CK_SLOT_ID,
        session: Session<'a>,
        ready: &Ready,
    ) -> Step<'a> {
        let mut by = self.mechanism();
        let lane = LANE.fetch_add(1, Ordering::Relaxed);
        let key = ready.key.unwrap_or(Handles { public: 0, private: 0 });
        match self.work {
            Work::Sign(_, input) => {
                let (data, mut out) = (input.octets(), [0; 512]);
                Box::new(move |_| session.sign(&mut by, key.private, &data, &mut out).map(drop))
            }
            Work::Verify(_, input) => {
                let (data, signature) = (input.octets(), ready.signature.clone());
                Box::new(move |_| session.verify(&mut by, key.public, &data, &signature))
            }
            Work::Encrypt(mechanism, len) => {
                let (mut by, data, mut out) = (mechanism(), vec![0x5a; len], vec![0; len + 16]);
                Box::new(move |_| {
                    by.next_nonce(lane);
                    session.encrypt(&mut by, key.private, &data, &mut out).map(drop)
                })
            }
            Work::Digest(len) => {
                let (data, mut out) = (vec![0x5a; len], [0; 64]);
                Box::new(move |_| session.digest(&mut by, &data, &mut out).map(drop))
            }
            Work::Random(len) => {
                let mut out = vec![0; len];
                Box::new(move |_| session.random(&mut out))
            }
            Work::FindLabel | Work::FindId => {
                let by_label = matches!(self.work, Work::FindLabel);
                let mut search = Search::new(by_label, ready.many, lane);
                Box::new(move |_| search.next(session).map(drop))
            }
            Work::CreateKey => {
                // Far from the numbers of the objects that are searched.
                let mut template = objects::numbered_key(900_000_000 + lane);
                Box::new(move |made| session.create(&mut template).map(|object| made.push(object)))
            }
            Work::CreateData => {
                let mut template = data_object();
                Box::new(move |made| session.create(&mut template).map(|object| made.push(object)))
            }
            Work::OpenClose => Box::new(move |_| module.open(slot)?.close()),
            Work::Attributes => {
                let mut template = attributes();
                Box::new(move |_| session.attributes(key.public, &mut template))
            }
            Work::GenerateAes => {
                let mut template = session_aes();
                Box::new(move |made| session.generate(&mut by, &mut template).map(|key| made.push(key)))
            }
            Work::GenerateRsa | Work::GenerateP256 => {
                let (mut public, mut private) = self.pair();
                Box::new(move |made| {
                    let (public, private) = session.generate_pair(&mut by, &mut public, &mut private)?;
                    made.extend([public, private]);
                    Ok(())
                })
            }
        }
    }

    fn pair(&self) -> (Template, Template) {
        match self.work {
            Work::GenerateRsa => objects::rsa_templates(2048, false),
            _ => objects::curve_templates(objects::P256, false),
        }
    }

    /// Does the operation once and verifies what came out, so that nothing false is timed.
    pub(crate) fn check(&self, session: Session<'_>, ready: &Ready) -> Result<()> {
        let mut by = self.mechanism();
        let key = ready.key.unwrap_or(Handles { public: 0, private: 0 });
        match self.work {
            Work::Sign(Key::Hmac, input) => {
                let mut out = [0; 64];
                let len = session.sign(&mut by, key.private, &input.octets(), &mut out)?;
                known(input.octets().len(), &out[..len], |(_, _, mac)| mac)
            }
            Work::Sign(_, input) => {
                let mut out = [0; 512];
                let len = session.sign(&mut by, key.private, &input.octets(), &mut out)?;
                good_signature(session, &mut by, key.public, &input.octets(), &out[..len])
            }
            Work::Verify(_, input) => {
                good_signature(session, &mut by, key.public, &input.octets(), &ready.signature)
            }
            Work::Encrypt(mechanism, len) => {
                let (mut by, data) = (mechanism(), vec![0x5a; len]);
                let (mut sealed, mut opened) = (vec![0; len + 16], vec![0; len + 16]);
                let sealed_len = session.encrypt(&mut by, key.private, &data, &mut sealed)?;
                let opened_len = session.decrypt(&mut by, key.private, &sealed[..sealed_len], &mut opened)?;
                expect(
                    opened[..opened_len] == data && sealed[..len] != data,
                    "the plaintext, from a ciphertext",
                )
            }
            Work::Digest(len) => {
                let mut out = [0; 64];
                let out_len = session.digest(&mut by, &vec![0x5a; len], &mut out)?;
                known(len, &out[..out_len], |(_, sha, _)| sha)
            }
            Work::Random(len) => {
                let (mut one, mut two) = (vec![0; len], vec![0; len]);
                session.random(&mut one)?;
                session.random(&mut two)?;
                expect(one != two && one != vec![0; len], "two different random strings")
            }
            Work::FindLabel | Work::FindId => {
                let by_label = matches!(self.work, Work::FindLabel);
                let mut search = Search::new(by_label, ready.many, 1);
                let object = search.next(session)?;
                let mut read = Template::new().bytes(CKA_LABEL, &[0; 15]).bytes(CKA_ID, &[0; 4]);
                session.attributes(object, &mut read)?;
                let wanted = if by_label { read.value(0) } else { read.value(1) };
                expect(wanted == search.template.value(0), "the object that was searched")
            }
            Work::CreateKey | Work::CreateData => {
                let is_key = matches!(self.work, Work::CreateKey);
                let mut template = if is_key { objects::numbered_key(900_000_000) } else { data_object() };
                let object = session.create(&mut template)?;
                let mut read = Template::new().flag(CKA_TOKEN, false).bytes(CKA_LABEL, &[0; 15]);
                session.attributes(object, &mut read)?;
                session.destroy(object)?;
                let label = if is_key { objects::label(900_000_000) } else { *DATA_LABEL };
                expect(read.value(0) == [CK_TRUE] && read.value(1) == label, "a token object with its label")
            }
            Work::OpenClose => Ok(()),
            Work::Attributes => {
                let mut template = attributes();
                session.attributes(key.public, &mut template)?;
                expect(template.value(3) != [0; 256] && template.value(4) == [1, 0, 1], "an RSA public key")
            }
            Work::GenerateAes => {
                let mut aes = session_aes();
                let key = session.generate(&mut by, &mut aes)?;
                let mut sealed = [0; 16];
                let len = session.encrypt(&mut cbc(), key, &[0; 16], &mut sealed)?;
                session.destroy(key)?;
                expect(len == 16 && sealed != [0; 16], "a key that encrypts")
            }
            Work::GenerateRsa | Work::GenerateP256 => {
                let (mut public, mut private) = self.pair();
                let (public, private) = session.generate_pair(&mut by, &mut public, &mut private)?;
                let sign = if matches!(self.work, Work::GenerateRsa) { CKM_RSA_PKCS } else { CKM_ECDSA };
                let (mut by, mut out) = (Mechanism::plain(sign), [0; 512]);
                let len = session.sign(&mut by, private, &[0x5a; 32], &mut out)?;
                good_signature(session, &mut by, public, &[0x5a; 32], &out[..len])?;
                session.destroy(public)?;
                session.destroy(private)
            }
        }
    }
}

impl Input {
    fn octets(self) -> Vec<u8> {
        const SHA256_INFO: [u8; 19] =
            [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
        match self {
            Self::DigestInfo => [&SHA256_INFO[..], &[0x5a; 32]].concat(),
            Self::Octets(len) => vec![0x5a; len],
        }
    }
}

/// The signature verifies, and does not any more with one bit changed.
fn good_signature(
    session: Session<'_>,
    by: &mut Mechanism,
    key: CK_OBJECT_HANDLE,
    data: &[u8],
    signature: &[u8],
) -> Result<()> {
    session.verify(by, key, data, signature)?;
    let mut altered = signature.to_vec();
    altered[signature.len() / 2] ^= 1;
    expect(session.verify(by, key, data, &altered).is_err(), "an altered signature is refused")
}

fn known(
    len: usize,
    found: &[u8],
    pick: fn(&(usize, &'static str, &'static str)) -> &'static str,
) -> Result<()> {
    let hex: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
    let known = KNOWN.iter().find(|(known, ..)| *known == len).map(pick);
    expect(known == Some(hex.as_str()), "the digest or MAC that another library computed")
}

const DATA_LABEL: &[u8; 15] = b"bench-data-----";

fn data_object() -> Template {
    Template::new()
        .number(CKA_CLASS, CKO_DATA)
        .flag(CKA_TOKEN, true)
        .flag(CKA_PRIVATE, true)
        .bytes(CKA_LABEL, DATA_LABEL)
        .bytes(CKA_VALUE, &[0x5a; 64])
}

fn session_aes() -> Template {
    objects::aes(false, "bench-made").flag(CKA_ENCRYPT, true).number(CKA_VALUE_LEN, 32)
}

/// What a client reads of an RSA-2048 public key.
fn attributes() -> Template {
    Template::new()
        .number(CKA_KEY_TYPE, 0)
        .bytes(CKA_ID, &[0; 5])
        .bytes(CKA_LABEL, &[0; 10])
        .bytes(CKA_MODULUS, &[0; 256])
        .bytes(CKA_PUBLIC_EXPONENT, &[0; 3])
}

/// Searches for one object after the other, in an order that no cache foresees.
struct Search {
    template: Template,
    by_label: bool,
    many: u32,
    state: u64,
}

impl Search {
    fn new(by_label: bool, many: u32, lane: u32) -> Self {
        let template = if by_label {
            Template::new().bytes(CKA_LABEL, &objects::label(0))
        } else {
            Template::new().bytes(CKA_ID, &[0; 4])
        };
        Self { template, by_label, many: many.max(1), state: u64::from(lane) }
    }

    fn next(&mut self, session: Session<'_>) -> Result<CK_OBJECT_HANDLE> {
        // Knuth's MMIX generator: cheap, and enough to hop about.
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = ((self.state >> 33) % u64::from(self.many)) as u32;
        if self.by_label {
            self.template.value_mut(0).copy_from_slice(&objects::label(number));
        } else {
            self.template.value_mut(0).copy_from_slice(&number.to_be_bytes());
        }
        let mut found = [0; 16];
        let count = session.find(&mut self.template, &mut found)?;
        expect(count == 1, "one object found")?;
        Ok(found[0])
    }
}
