//! The header: which store this is, who keeps its root key, and the store key, sealed under the root key.
//!
//! It is replaced as a whole, in one commit of the store whose journal entry names it: what opens a store is at
//! any time either the old header or the new one, and an old copy that is put back is noticed.

use crypto::mac::hmac;
use crypto::{Hash, Secret, equal, random};

use super::keys::{OVERHEAD, Ring, RootKey, RootKeys, StoreId, Tag, random_key};
use super::{Damage, VaultError};

/// The header's key in the store.
pub(super) const HEADER: &[u8] = b"h";
const MAGIC: &[u8; 8] = b"claviger";
const FORMAT: u8 = 2;
const CHECK: usize = 16;
/// The most that whoever keeps the root key may note in the header, in bytes.
pub(super) const MAX_CUSTODY: usize = 1 << 20;

/// A store's header, open: what is in it, and how it is sealed again.
pub(super) struct Header {
    pub(super) store: StoreId,
    /// The generations of the store key.
    pub(super) keys: Ring<Secret>,
    pub(super) lid: Lid,
}

/// What seals the header, and what stands beside what it seals.
pub(super) struct Lid {
    root: RootKeys,
    pub(super) custody: Vec<u8>,
}

impl Lid {
    /// # Errors
    /// `CustodyTooLong` if the note is longer than [`MAX_CUSTODY`].
    pub(super) fn new(store: StoreId, root: &RootKey, custody: Vec<u8>) -> Result<Self, VaultError> {
        if custody.len() > MAX_CUSTODY {
            return Err(VaultError::CustodyTooLong(custody.len()));
        }
        Ok(Self { root: RootKeys::derive(root, store)?, custody })
    }

    /// The header that holds these generations of the store key, and its tag.
    pub(super) fn seal(&self, store: StoreId, keys: &Ring<Secret>) -> Result<(Vec<u8>, Tag), VaultError> {
        let len = u32::try_from(self.custody.len()).unwrap_or(u32::MAX).to_be_bytes();
        let check = check(&self.root, store)?;
        let mut header = [&MAGIC[..], &[FORMAT], &store, &check, &len, &self.custody].concat();
        let tag = self.root.header.seal(&aad(store, &self.custody), keys.encode().as_bytes(), &mut header)?;
        Ok((header, tag))
    }
}

/// A new store's header.
pub(super) fn make(root: &RootKey, custody: &[u8]) -> Result<Header, VaultError> {
    let mut store: StoreId = [0; 16];
    random::fill(&mut store)?;
    Ok(Header { store, keys: Ring::new(0, random_key()?), lid: Lid::new(store, root, custody.to_vec())? })
}

/// Opens a header.
pub(super) fn open(header: &[u8], root: &RootKey) -> Result<Header, VaultError> {
    let parts = parse(header)?;
    let store = parts.store;
    let lid = Lid::new(store, root, parts.custody.to_vec())?;
    let right_key = equal(&parts.check, &check(&lid.root, store)?);
    match lid.root.header.open(&aad(store, parts.custody), parts.sealed) {
        Some(keys) if right_key => {
            Ok(Header { store, keys: Ring::parse(&keys).ok_or(Damage::HeaderForged)?, lid })
        }
        None if !right_key => Err(VaultError::WrongRootKey),
        _ => Err(Damage::HeaderForged.into()),
    }
}

/// The generations of the store key, from a header that this lid sealed.
pub(super) fn keys(header: &[u8], lid: &Lid, store: StoreId) -> Result<Ring<Secret>, VaultError> {
    let opened = lid.root.header.open(&aad(store, &lid.custody), parse(header)?.sealed);
    Ok(opened.and_then(|keys| Ring::parse(&keys)).ok_or(Damage::HeaderForged)?)
}

/// What whoever keeps the root key noted in a header. Nobody has authenticated it before the store is open.
pub(super) fn custody(header: &[u8]) -> Result<Vec<u8>, Damage> {
    parse(header).map(|parts| parts.custody.to_vec())
}

/// Which store a header is of.
pub(super) fn store_id(header: &[u8]) -> Result<StoreId, Damage> {
    parse(header).map(|parts| parts.store)
}

struct Parts<'a> {
    store: StoreId,
    check: [u8; CHECK],
    custody: &'a [u8],
    sealed: &'a [u8],
}

fn parse(header: &[u8]) -> Result<Parts<'_>, Damage> {
    let forged = Damage::HeaderForged;
    let rest = header.strip_prefix(MAGIC).ok_or(forged.clone())?;
    let (format, rest) = rest.split_first().ok_or(forged.clone())?;
    if *format != FORMAT {
        return Err(Damage::Format(*format));
    }
    let parse = || {
        let (store, rest) = rest.split_first_chunk()?;
        let (check, rest) = rest.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (custody, sealed) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
        let fits = custody.len() <= MAX_CUSTODY && sealed.len() > OVERHEAD;
        fits.then_some(Parts { store: *store, check: *check, custody, sealed })
    };
    parse().ok_or(forged)
}

/// Tells a wrong root key from a damaged header.
fn check(keys: &RootKeys, store: StoreId) -> Result<[u8; CHECK], VaultError> {
    let mac = Secret::new(hmac(Hash::Sha256, keys.check.as_bytes(), &store)?);
    let check = mac.as_bytes().first_chunk().copied();
    check.ok_or(VaultError::Crypto(crypto::Error::Failed("HMAC-SHA-256 of a wrong length")))
}

fn aad(store: StoreId, custody: &[u8]) -> Vec<u8> {
    [&store[..], HEADER, &[FORMAT], custody].concat()
}
