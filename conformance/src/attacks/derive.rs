//! T11: derivation from a sensitive key that gives the key away.

use cryptoki_sys as ck;

use super::tools::KNOWN_KEY;
use super::tries::Tries;
use super::unwrap_encrypt::plant;
use super::victim::{Victim, exposed, guarded};
use super::{Context, Verdict};
use crate::ground::{self, BLOCK, Block, KW_CHECK};
use crate::mechanism::{Mechanism, Param};
use crate::module::ObjectHandle;
use crate::names::Rv;
use crate::template::Template;

/// A sensitive AES key that also derives: its owner may, and the attacker does.
fn base(at: &Context) -> Result<Victim, Rv> {
    at.victim_from(&guarded(ck::CKK_AES, &[ck::CKA_ENCRYPT, ck::CKA_DERIVE]))
}

/// Templates of a derived secret, from the most open to the silent one.
fn readable() -> Vec<(&'static str, Template)> {
    vec![
        ("a readable generic secret", exposed(ck::CKK_GENERIC_SECRET, &[], false, true)),
        (
            "a generic secret that says nothing",
            Template::secret(ck::CKK_GENERIC_SECRET).bool(ck::CKA_TOKEN, false),
        ),
    ]
}

fn read(
    at: &Context,
    how: &Mechanism,
    base: ObjectHandle,
    template: &Template,
    len: u64,
) -> Result<Vec<u8>, Rv> {
    let with_len = template.clone().ulong(ck::CKA_VALUE_LEN, len);
    let derived =
        at.session.derive(how, base, &with_len).or_else(|_| at.session.derive(how, base, template))?;
    at.session.set(derived, &Template::new().bool(ck::CKA_SENSITIVE, false));
    at.session.get(derived, ck::CKA_VALUE)
}

pub(super) fn by_xor(at: &Context) -> Result<Verdict, Rv> {
    let victim = base(at)?;
    let mut tries = Tries::new(at);
    for (form, template) in readable() {
        for data in [vec![0; 32], vec![0x55; 32]] {
            let how = Mechanism::text(ck::CKM_XOR_BASE_AND_DATA, &data);
            tries.recover(&format!("XOR with {:#x}, as {form}", data[0]), &victim, || {
                let value = read(at, &how, victim.handle, &template, 32)?;
                Ok(value.iter().zip(&data).map(|(a, b)| a ^ b).collect())
            });
        }
    }
    Ok(tries.verdict())
}

pub(super) fn by_concatenation(at: &Context) -> Result<Verdict, Rv> {
    let victim = base(at)?;
    let mut tries = Tries::new(at);
    for (form, template) in readable() {
        for (name, id) in [
            ("CONCATENATE-BASE-AND-DATA", ck::CKM_CONCATENATE_BASE_AND_DATA),
            ("CONCATENATE-DATA-AND-BASE", ck::CKM_CONCATENATE_DATA_AND_BASE),
        ] {
            let how = Mechanism::text(id, &[7; 16]);
            tries.recover(&format!("{name}, as {form}"), &victim, || {
                read(at, &how, victim.handle, &template, 48)
            });
        }
        let other = at.session.create(
            &exposed(ck::CKK_GENERIC_SECRET, &[ck::CKA_DERIVE], false, true).bytes(ck::CKA_VALUE, &KNOWN_KEY),
        );
        tries.recover(&format!("CONCATENATE-BASE-AND-KEY, as {form}"), &victim, || {
            let how = Mechanism::ulong(ck::CKM_CONCATENATE_BASE_AND_KEY, other?);
            read(at, &how, victim.handle, &template, 64)
        });
        tries.recover(&format!("CONCATENATE-BASE-AND-KEY from a known base, as {form}"), &victim, || {
            let how = Mechanism::ulong(ck::CKM_CONCATENATE_BASE_AND_KEY, victim.handle);
            read(at, &how, other?, &template, 64)
        });
    }
    Ok(tries.verdict())
}

pub(super) fn by_extraction(at: &Context) -> Result<Verdict, Rv> {
    let victim = base(at)?;
    let mut tries = Tries::new(at);
    for (form, template) in readable() {
        let how = Mechanism::ulong(ck::CKM_EXTRACT_KEY_FROM_KEY, 0);
        tries.recover(&format!("the whole key, as {form}"), &victim, || {
            read(at, &how, victim.handle, &template, 32)
        });
    }
    tries.recover("one byte after the other, searched through HMAC", &victim, || {
        let mut value = Vec::new();
        for bit in (0..256).step_by(8) {
            let template = guarded(ck::CKK_GENERIC_SECRET, &[ck::CKA_SIGN]).ulong(ck::CKA_VALUE_LEN, 1);
            let how = Mechanism::ulong(ck::CKM_EXTRACT_KEY_FROM_KEY, bit);
            let short = at.session.derive(&how, victim.handle, &template)?;
            let answer = at.session.sign(&Mechanism::plain(ck::CKM_SHA256_HMAC), short, b"?")?;
            let byte = (0..=255).find(|byte| ground::hmac_sha256(&[*byte], b"?") == answer);
            value.push(byte.ok_or(Rv(ck::CKR_KEY_SIZE_RANGE))?);
        }
        Ok(value)
    });
    Ok(tries.verdict())
}

/// Encrypts one block with a key that may only derive: the derived value is the ciphertext.
fn encrypt_by_deriving(at: &Context, key: ObjectHandle, block: Block) -> Result<Block, Rv> {
    let template = exposed(ck::CKK_GENERIC_SECRET, &[], false, true);
    let ecb = Mechanism::text(ck::CKM_AES_ECB_ENCRYPT_DATA, &block);
    let param = Param::CbcText { iv: [0; BLOCK], data: block.to_vec() };
    let cbc = Mechanism { id: ck::CKM_AES_CBC_ENCRYPT_DATA, param };
    let value = read(at, &ecb, key, &template, 16).or_else(|_| read(at, &cbc, key, &template, 16))?;
    Block::try_from(value).map_err(|_| Rv(ck::CKR_DATA_LEN_RANGE))
}

pub(super) fn as_oracle(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let planted = guarded(ck::CKK_AES, &[ck::CKA_WRAP]);
    let kw = Mechanism::plain(ck::CKM_AES_KEY_WRAP);
    let uses = [ck::CKA_DERIVE, ck::CKA_UNWRAP];
    let forged = at.aes_for(&uses).and_then(|key| {
        let blob = ground::wrap_kw(KW_CHECK, &KNOWN_KEY, &mut |block| encrypt_by_deriving(at, key, block))?;
        at.session.unwrap(&kw, key, &blob, &planted)
    });
    plant(&mut tries, "a blob of a known key made by derivation", at, forged, &victim);

    // The same oracle reads what GCM and CTR hide.
    tries.recover("a GCM blob opened with the key stream that derivation gives", &victim, || {
        let key = at.aes_for(&[ck::CKA_DERIVE, ck::CKA_WRAP])?;
        let blob = at.session.wrap(&Mechanism::gcm(&[0; 12], &[]), key, victim.handle)?;
        ground::undo_gcm(&blob, &mut |block| encrypt_by_deriving(at, key, block))
    });
    Ok(tries.verdict())
}
