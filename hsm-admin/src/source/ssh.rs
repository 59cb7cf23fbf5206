//! Private keys of OpenSSH, in its own format (`PROTOCOL.key`), plain or encrypted.

use crypto::Secret;
use ssh_key::private::{EcdsaKeypair, KeypairData, RsaKeypair};
use ssh_key::{EcdsaCurve, Mpint};

use super::Thing;
use super::key::{PrivateKey, Wishes};
use super::number::attribute;
use super::pem::Ask;
use crate::error::Error;

/// What is in the file: one key.
pub(crate) fn read(bytes: &[u8], wishes: &Wishes, passphrase: Ask<'_>) -> Result<Vec<Thing>, Error> {
    let refuse = |why: String| Error::Source { file: wishes.file.clone(), why };
    if !bytes.windows(19).any(|window| window == b"OPENSSH PRIVATE KEY") {
        return Err(refuse(
            "it is no private key in the format of OpenSSH; for PEM, use `import pem`".into(),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| refuse("it is damaged: it is no text".into()))?;
    let key = ssh_key::PrivateKey::from_openssh(text.trim_start())
        .map_err(|error| refuse(format!("it is damaged, or of a kind that is not read: {error}")))?;
    let key = if key.is_encrypted() {
        let passphrase = passphrase()?;
        key.decrypt(&*passphrase)
            .map_err(|_| refuse("the passphrase is wrong, or the file is damaged".into()))?
    } else {
        key
    };
    let label = if key.comment().is_empty() { wishes.file.as_str() } else { key.comment() };
    Ok(match private_key(key.key_data()) {
        Ok(private) => private.things(label, wishes),
        Err(why) => vec![Thing::unreadable(label.to_owned(), why)],
    })
}

fn private_key(key: &KeypairData) -> Result<PrivateKey, String> {
    match key {
        KeypairData::Ed25519(pair) => Ok(PrivateKey::Ed25519(Secret::new(pair.private.to_bytes().to_vec()))),
        KeypairData::Ecdsa(pair) => Ok(ecdsa(pair)),
        KeypairData::Rsa(pair) => rsa(pair),
        KeypairData::SkEcdsaSha2NistP256(_) | KeypairData::SkEd25519(_) => {
            Err("the key is in a security key (FIDO), and the file holds only its handle".into())
        }
        _ => Err("keys of its algorithm are not supported".into()),
    }
}

fn ecdsa(pair: &EcdsaKeypair) -> PrivateKey {
    let params: &[u8] = match pair.curve() {
        EcdsaCurve::NistP256 => &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        EcdsaCurve::NistP384 => &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22],
        EcdsaCurve::NistP521 => &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23],
    };
    PrivateKey::Ec { params: params.to_vec(), scalar: Secret::new(pair.private_key_bytes().to_vec()) }
}

fn rsa(pair: &RsaKeypair) -> Result<PrivateKey, String> {
    let number = |number: &Mpint| {
        number.as_positive_bytes().map(<[u8]>::to_vec).ok_or_else(|| "it holds a negative number".to_owned())
    };
    let secret = |part| number(part).map(Secret::new);
    Ok(PrivateKey::Rsa {
        modulus: number(&pair.public.n)?,
        exponent: number(&pair.public.e)?,
        parts: vec![
            (attribute::PRIVATE_EXPONENT, secret(&pair.private.d)?),
            (attribute::PRIME_1, secret(&pair.private.p)?),
            (attribute::PRIME_2, secret(&pair.private.q)?),
            (attribute::COEFFICIENT, secret(&pair.private.iqmp)?),
        ],
    })
}

/// The line that OpenSSH has for a public key, made from its SubjectPublicKeyInfo (RFC 4253, "Public Key
/// Algorithms"; RFC 5656, "ECC Public Key Algorithm"; RFC 8709).
pub(crate) fn authorized(der: &[u8], comment: &str) -> Result<String, String> {
    use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey};
    let key = super::key::PublicKey::from_spki(der)?;
    let data = match key {
        super::key::PublicKey::Rsa { modulus, exponent } => {
            let number = |bytes: &[u8]| Mpint::from_positive_bytes(bytes).map_err(|error| error.to_string());
            KeyData::Rsa(RsaPublicKey { e: number(exponent)?, n: number(modulus)? })
        }
        super::key::PublicKey::Point(point) => {
            let point = EcdsaPublicKey::from_sec1_bytes(point);
            KeyData::Ecdsa(point.map_err(|_| "OpenSSH has no keys on this curve".to_owned())?)
        }
        super::key::PublicKey::Ed25519(bytes) => KeyData::Ed25519(Ed25519PublicKey(*bytes)),
    };
    // A comment of several lines would be several lines of a file of keys.
    let comment: String = comment.chars().filter(|letter| !letter.is_control()).collect();
    let line = ssh_key::PublicKey::new(data, comment).to_openssh().map_err(|error| error.to_string())?;
    Ok(line + "\n")
}
