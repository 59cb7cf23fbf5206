//! The header: which store this is, and the store key, sealed under the root key.

use crypto::mac::hmac;
use crypto::{Hash, Secret, equal, random};

use super::keys::{KEY, OVERHEAD, RootKey, RootKeys, StoreId, StoreKeys, random_key};
use super::{Damage, VaultError};

/// The header's key in the store.
pub(super) const HEADER: &[u8] = b"h";
const MAGIC: &[u8; 8] = b"claviger";
const FORMAT: u8 = 1;
const CHECK: usize = 16;

/// A new store's header and keys.
pub(super) fn make(root: &RootKey) -> Result<(Vec<u8>, StoreKeys), VaultError> {
    let mut store: StoreId = [0; 16];
    random::fill(&mut store)?;
    let from_root = RootKeys::derive(root, store)?;
    let store_key = random_key()?;
    let mut header = [&MAGIC[..], &[FORMAT], &store, &check(&from_root, store)?].concat();
    from_root.header.seal(&aad(store), store_key.as_bytes(), &mut header)?;
    Ok((header, StoreKeys::derive(store, &store_key, from_root.anchor)?))
}

/// The keys of the store whose header this is.
pub(super) fn open(header: &[u8], root: &RootKey) -> Result<StoreKeys, VaultError> {
    let parts = parse(header).ok_or(Damage::HeaderForged)?;
    if parts.format != FORMAT {
        return Err(Damage::Format(parts.format).into());
    }
    let from_root = RootKeys::derive(root, parts.store)?;
    let right_key = equal(&parts.check, &check(&from_root, parts.store)?);
    match from_root.header.open(&aad(parts.store), parts.sealed) {
        Some(store_key) if right_key => StoreKeys::derive(parts.store, &store_key, from_root.anchor),
        None if !right_key => Err(VaultError::WrongRootKey),
        _ => Err(Damage::HeaderForged.into()),
    }
}

struct Parts<'a> {
    format: u8,
    store: StoreId,
    check: [u8; CHECK],
    sealed: &'a [u8],
}

fn parse(header: &[u8]) -> Option<Parts<'_>> {
    let rest = header.strip_prefix(MAGIC)?;
    let (format, rest) = rest.split_first()?;
    let (store, rest) = rest.split_first_chunk()?;
    let (check, sealed) = rest.split_first_chunk()?;
    (*format != FORMAT || sealed.len() == KEY + OVERHEAD).then_some(Parts {
        format: *format,
        store: *store,
        check: *check,
        sealed,
    })
}

/// Tells a wrong root key from a damaged header.
fn check(keys: &RootKeys, store: StoreId) -> Result<[u8; CHECK], VaultError> {
    let mac = Secret::new(hmac(Hash::Sha256, keys.check.as_bytes(), &store)?);
    let check = mac.as_bytes().first_chunk().copied();
    check.ok_or(VaultError::Crypto(crypto::Error::Failed("HMAC-SHA-256 of a wrong length")))
}

fn aad(store: StoreId) -> Vec<u8> {
    [&store[..], HEADER, &[FORMAT]].concat()
}
