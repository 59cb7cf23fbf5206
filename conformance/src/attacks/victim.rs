//! The keys under attack, and the proof that one was recovered.

use cryptoki_sys as ck;

use super::Context;
use crate::ground::{self, BLOCK, Block};
use crate::mechanism::Mechanism;
use crate::module::ObjectHandle;
use crate::names::Rv;
use crate::session::Session;
use crate::template::Template;

/// The block whose encryption tells a key from every other.
const KNOWN: Block = *b"what is the key?";

/// An AES-256 key made by the token, of which only one encrypted block is known.
pub(super) struct Victim {
    pub(super) handle: ObjectHandle,
    proof: Block,
}

impl Victim {
    /// The victim's value, if it stands anywhere in `bytes`.
    pub(super) fn find_in(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let proves = |key: &&[u8]| ground::aes_encrypt(key, KNOWN) == Some(self.proof);
        bytes.windows(32).find(proves).map(<[u8]>::to_vec)
    }
}

/// Usage attributes of a secret key.
pub(super) const USES: &[u64] = &[
    ck::CKA_ENCRYPT,
    ck::CKA_DECRYPT,
    ck::CKA_SIGN,
    ck::CKA_VERIFY,
    ck::CKA_WRAP,
    ck::CKA_UNWRAP,
    ck::CKA_DERIVE,
];

/// A template of a secret session key with exactly these uses; sensitive and not extractable.
pub(super) fn guarded(key_type: u64, uses: &[u64]) -> Template {
    exposed(key_type, uses, true, false)
}

/// A template of a secret session key with exactly these uses.
pub(super) fn exposed(key_type: u64, uses: &[u64], sensitive: bool, extractable: bool) -> Template {
    let mut template = Template::secret(key_type)
        .bool(ck::CKA_TOKEN, false)
        .bool(ck::CKA_PRIVATE, true)
        .bool(ck::CKA_SENSITIVE, sensitive)
        .bool(ck::CKA_EXTRACTABLE, extractable);
    for usage in USES {
        template = template.bool(*usage, uses.contains(usage));
    }
    template
}

impl Context {
    /// A sensitive key that may leave the token wrapped: what an attacker on C_WrapKey is after.
    pub(super) fn victim(&self) -> Result<Victim, Rv> {
        self.victim_from(&exposed(ck::CKK_AES, &[ck::CKA_ENCRYPT, ck::CKA_DECRYPT], true, true))
    }

    /// A sensitive key that may never leave the token.
    pub(super) fn locked_victim(&self) -> Result<Victim, Rv> {
        self.victim_from(&guarded(ck::CKK_AES, &[ck::CKA_ENCRYPT, ck::CKA_DECRYPT]))
    }

    /// A victim from a template that lets it encrypt.
    pub(super) fn victim_from(&self, template: &Template) -> Result<Victim, Rv> {
        let handle = self.aes(template)?;
        Ok(Victim { handle, proof: encrypt_block(self.session, handle, KNOWN)? })
    }

    /// Generates an AES-256 key.
    pub(super) fn aes(&self, template: &Template) -> Result<ObjectHandle, Rv> {
        let template = template.clone().ulong(ck::CKA_VALUE_LEN, 32);
        self.session.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template)
    }

    /// Generates an AES-256 key that is sensitive, not extractable, and has these uses.
    pub(super) fn aes_for(&self, uses: &[u64]) -> Result<ObjectHandle, Rv> {
        self.aes(&guarded(ck::CKK_AES, uses))
    }

    /// Generates an RSA pair; the private key is sensitive and not extractable.
    pub(super) fn rsa_pair(
        &self,
        bits: u64,
        public_uses: &[u64],
        private_uses: &[u64],
    ) -> Result<(ObjectHandle, ObjectHandle), Rv> {
        let (public, private) = rsa_templates(bits, public_uses, private_uses);
        let private = private.bool(ck::CKA_SENSITIVE, true).bool(ck::CKA_EXTRACTABLE, false);
        self.session.generate_pair(&Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private)
    }
}

/// Templates of an RSA pair with exactly these uses, without `CKA_SENSITIVE` and `CKA_EXTRACTABLE`.
pub(super) fn rsa_templates(bits: u64, public_uses: &[u64], private_uses: &[u64]) -> (Template, Template) {
    let mut public = Template::new()
        .bool(ck::CKA_TOKEN, false)
        .ulong(ck::CKA_MODULUS_BITS, bits)
        .bytes(ck::CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
    for usage in [ck::CKA_ENCRYPT, ck::CKA_VERIFY, ck::CKA_WRAP] {
        public = public.bool(usage, public_uses.contains(&usage));
    }
    let mut private = Template::new().bool(ck::CKA_TOKEN, false).bool(ck::CKA_PRIVATE, true);
    for usage in [ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_UNWRAP] {
        private = private.bool(usage, private_uses.contains(&usage));
    }
    (public, private)
}

/// Has the token encrypt one block with a key.
pub(super) fn encrypt_block(session: Session, key: ObjectHandle, block: Block) -> Result<Block, Rv> {
    session
        .encrypt(&Mechanism::ecb(), key, &block)
        .or_else(|_| session.encrypt(&Mechanism::cbc(&[0; BLOCK]), key, &block))
        .or_else(|_| session.encrypt(&Mechanism::ctr(&block), key, &[0; BLOCK]))
        .and_then(|out| Block::try_from(out).map_err(|_| Rv(ck::CKR_DATA_LEN_RANGE)))
}

/// Has the token decrypt one block with a key.
pub(super) fn decrypt_block(session: Session, key: ObjectHandle, block: Block) -> Result<Block, Rv> {
    session
        .decrypt(&Mechanism::ecb(), key, &block)
        .or_else(|_| session.decrypt(&Mechanism::cbc(&[0; BLOCK]), key, &block))
        .and_then(|out| Block::try_from(out).map_err(|_| Rv(ck::CKR_DATA_LEN_RANGE)))
}
