//! What the attacker computes outside the token: AES, key wrap, HMAC, RSA. All of it independent of any module.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use rsa::BigUint;
use rsa::traits::PublicKeyParts;
use sha2::Sha256;

use crate::names::Rv;

/// The block size of AES.
pub const BLOCK: usize = 16;
/// One block.
pub type Block = [u8; BLOCK];
/// A way to have a block encrypted or decrypted, by one's own means or by a token's.
pub type BlockFn<'a> = dyn FnMut(Block) -> Result<Block, Rv> + 'a;

/// Encrypts one block; `None` if the key is not an AES key.
pub fn aes_encrypt(key: &[u8], block: Block) -> Option<Block> {
    let mut block = block.into();
    match key.len() {
        16 => aes::Aes128::new_from_slice(key).ok()?.encrypt_block(&mut block),
        24 => aes::Aes192::new_from_slice(key).ok()?.encrypt_block(&mut block),
        32 => aes::Aes256::new_from_slice(key).ok()?.encrypt_block(&mut block),
        _ => return None,
    }
    Some(block.into())
}

/// Decrypts one block; `None` if the key is not an AES key.
pub fn aes_decrypt(key: &[u8], block: Block) -> Option<Block> {
    let mut block = block.into();
    match key.len() {
        16 => aes::Aes128::new_from_slice(key).ok()?.decrypt_block(&mut block),
        24 => aes::Aes192::new_from_slice(key).ok()?.decrypt_block(&mut block),
        32 => aes::Aes256::new_from_slice(key).ok()?.decrypt_block(&mut block),
        _ => return None,
    }
    Some(block.into())
}

/// HMAC-SHA-256.
pub fn hmac_sha256(key: &[u8], data: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else { return Vec::new() };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// `a` exclusive-or `b`.
pub fn xor(a: Block, b: Block) -> Block {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// Undoes AES key wrap (RFC 3394) without looking at the check value, so that it also undoes RFC 5649.
///
/// # Errors
/// Those of `decrypt`; `CKR_WRAPPED_KEY_LEN_RANGE` if `blob` is not whole half-blocks.
pub fn unwrap_kw(blob: &[u8], decrypt: &mut BlockFn<'_>) -> Result<([u8; 8], Vec<u8>), Rv> {
    let halves = halves(blob)?;
    let Some((first, rest)) = halves.split_first() else { return Err(BAD_LENGTH) };
    let (mut a, mut r) = (*first, rest.to_vec());
    let n = r.len() as u64;
    for j in (0..6).rev() {
        for i in (1..=n).rev() {
            let t = (n * j + i).to_be_bytes();
            let place = r.get_mut(i as usize - 1).ok_or(BAD_LENGTH)?;
            let masked: [u8; 8] = std::array::from_fn(|k| a[k] ^ t[k]);
            let block = decrypt(join(masked, *place))?;
            (a, *place) = split(block);
        }
    }
    Ok((a, r.concat()))
}

/// AES key wrap (RFC 3394) with the given check value.
///
/// # Errors
/// Those of `encrypt`; `CKR_WRAPPED_KEY_LEN_RANGE` if `data` is not whole half-blocks.
pub fn wrap_kw(check: [u8; 8], data: &[u8], encrypt: &mut BlockFn<'_>) -> Result<Vec<u8>, Rv> {
    let (mut a, mut r) = (check, halves(data)?);
    let n = r.len() as u64;
    for j in 0..6 {
        for i in 1..=n {
            let t = (n * j + i).to_be_bytes();
            let place = r.get_mut(i as usize - 1).ok_or(BAD_LENGTH)?;
            let (high, low) = split(encrypt(join(a, *place))?);
            a = std::array::from_fn(|k| high[k] ^ t[k]);
            *place = low;
        }
    }
    Ok([&a[..], &r.concat()].concat())
}

/// The check value of RFC 3394.
pub const KW_CHECK: [u8; 8] = [0xa6; 8];

/// The check value of RFC 5649 for a key of 32 bytes.
pub const KWP_CHECK_32: [u8; 8] = [0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 32];

/// The blocks of `bytes`, which are whole.
///
/// # Errors
/// `CKR_WRAPPED_KEY_LEN_RANGE` if they are not.
pub fn blocks(bytes: &[u8]) -> Result<Vec<Block>, Rv> {
    bytes.chunks(BLOCK).map(|chunk| Block::try_from(chunk).map_err(|_| BAD_LENGTH)).collect()
}

/// Undoes CBC with the IV 0.
///
/// # Errors
/// Those of `decrypt`.
pub fn undo_cbc(blob: &[u8], decrypt: &mut BlockFn<'_>) -> Result<Vec<u8>, Rv> {
    let mut previous = [0; BLOCK];
    let mut clear = Vec::new();
    for block in blocks(blob)? {
        clear.extend(xor(decrypt(block)?, previous));
        previous = block;
    }
    Ok(clear)
}

/// CBC with the IV 0.
///
/// # Errors
/// Those of `encrypt`.
pub fn make_cbc(data: &[u8], encrypt: &mut BlockFn<'_>) -> Result<Vec<u8>, Rv> {
    let mut previous = [0; BLOCK];
    let mut blob = Vec::new();
    for block in blocks(data)? {
        previous = encrypt(xor(block, previous))?;
        blob.extend(previous);
    }
    Ok(blob)
}

/// Undoes GCM with an IV of 12 zero bytes, without the tag: counter mode from 2.
///
/// # Errors
/// Those of `encrypt`.
pub fn undo_gcm(blob: &[u8], encrypt: &mut BlockFn<'_>) -> Result<Vec<u8>, Rv> {
    let body = blob.len().checked_sub(BLOCK).and_then(|len| blob.get(..len)).ok_or(BAD_LENGTH)?;
    let mut clear = Vec::new();
    for (number, chunk) in body.chunks(BLOCK).enumerate() {
        let mut counter = [0; BLOCK];
        counter[BLOCK - 1] = u8::try_from(number + 2).map_err(|_| BAD_LENGTH)?;
        let stream = encrypt(counter)?;
        clear.extend(chunk.iter().zip(stream).map(|(byte, mask)| byte ^ mask));
    }
    Ok(clear)
}

/// `message ^ e mod n`, big-endian, as long as the modulus.
pub fn rsa_raw(key: &rsa::RsaPublicKey, message: &[u8]) -> Vec<u8> {
    let power = BigUint::from_bytes_be(message).modpow(key.e(), key.n()).to_bytes_be();
    let mut bytes = vec![0; key.size().saturating_sub(power.len())];
    bytes.extend(power);
    bytes
}

/// What a blob of the wrong size answers.
const BAD_LENGTH: Rv = Rv(cryptoki_sys::CKR_WRAPPED_KEY_LEN_RANGE);

fn halves(bytes: &[u8]) -> Result<Vec<[u8; 8]>, Rv> {
    bytes.chunks(8).map(|chunk| <[u8; 8]>::try_from(chunk).map_err(|_| BAD_LENGTH)).collect()
}

fn join(high: [u8; 8], low: [u8; 8]) -> Block {
    std::array::from_fn(|i| if i < 8 { high[i] } else { low[i - 8] })
}

fn split(block: Block) -> ([u8; 8], [u8; 8]) {
    (std::array::from_fn(|i| block[i]), std::array::from_fn(|i| block[i + 8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_wrap_gives_the_vector_of_rfc_3394_and_back() {
        let key: Vec<u8> = (0..32).collect();
        let data: Vec<u8> = (0..8).flat_map(|i| [0x11 * (2 * i), 0x11 * (2 * i + 1)]).collect();
        let blob = wrap_kw(KW_CHECK, &data, &mut |block| aes_encrypt(&key, block).ok_or(BAD_LENGTH)).unwrap();
        assert_eq!(blob[..8], [0x64, 0xe8, 0xc3, 0xf9, 0xce, 0x0f, 0x5b, 0xa2]);
        let back = unwrap_kw(&blob, &mut |block| aes_decrypt(&key, block).ok_or(BAD_LENGTH)).unwrap();
        assert_eq!(back, (KW_CHECK, data));
    }

    #[test]
    fn cbc_is_undone_by_its_inverse() {
        let key = [7; 16];
        let data = [9; 48];
        let blob = make_cbc(&data, &mut |block| aes_encrypt(&key, block).ok_or(BAD_LENGTH)).unwrap();
        let back = undo_cbc(&blob, &mut |block| aes_decrypt(&key, block).ok_or(BAD_LENGTH)).unwrap();
        assert_eq!(back, data);
    }
}
