//! Keys: those that a host may show, those that accounts prove themselves with, and new ones.

use crypto::Hash;
use crypto::rsa::Import;
use russh::SendError;
use russh::keys::agent::AgentIdentity;
use russh::keys::ssh_encoding::Encode;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData, RsaKeypair};
use russh::keys::ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, PrivateKey, PublicKey, Signature};
use zeroize::Zeroizing;

use crate::Fault;
use crate::fault::told;

/// The most bytes of a key in a file.
const FILE_LIMIT: usize = 32 * 1024;

/// What a host may prove itself with, best first. RSA is not among them: the library that would check it has a timing
/// leak where it signs, and every sshd of the last ten years has a key of another type.
const HOST_KEYS: [Algorithm; 4] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
];

/// The keys that a host may show.
#[derive(Clone)]
pub(crate) struct HostKeys(Vec<PublicKey>);

impl HostKeys {
    /// Reads lines of `ssh-keyscan`, of a `known_hosts` or of `*.pub` files. Names of hosts in them do not count.
    pub(crate) fn parse(lines: &str) -> Result<Self, Fault> {
        let mut keys = Vec::new();
        for (index, line) in lines.lines().enumerate() {
            if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
                let wrong = || Fault::Certificate(format!("line {} is no public key", index + 1));
                keys.push(host_key(line).ok_or_else(wrong)?);
            }
        }
        keys.retain(|key| HOST_KEYS.contains(&key.algorithm()));
        if keys.is_empty() {
            let expected =
                "what is given has no line such as \"ssh-ed25519 AAAA…\", of type Ed25519 or ECDSA";
            return Err(Fault::Certificate(expected.into()));
        }
        Ok(Self(keys))
    }

    /// The types that the host is asked for, as those alone can be known.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        let known = |wanted: &Algorithm| self.0.iter().any(|key| key.algorithm() == *wanted);
        HOST_KEYS.into_iter().filter(known).collect()
    }

    pub(crate) fn contain(&self, shown: &PublicKey) -> bool {
        self.0.iter().any(|key| key.key_data() == shown.key_data())
    }
}

/// The key in a line: `TYPE BASE64` at its start, or after a host's name. A line with a marker has none, since it may
/// say that a key is revoked.
fn host_key(line: &str) -> Option<PublicKey> {
    let words: Vec<_> = line.split_whitespace().take(3).collect();
    let key = |kind: &str, base64: &str| PublicKey::from_openssh(&format!("{kind} {base64}")).ok();
    match *words.as_slice() {
        [kind, base64] => key(kind, base64),
        [first, second, third] => key(first, second).or_else(|| key(second, third)),
        _ => None,
    }
}

/// The fingerprint of a key, as `ssh-keygen -l` shows it.
pub(crate) fn fingerprint(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256))
}

/// Reads a private key as `ssh-keygen` writes it, or says what is wrong with it.
pub(crate) fn private_key(pem: &str) -> Result<PrivateKey, String> {
    let expected = "what is given is no private key in OpenSSH's format, without passphrase";
    let wrong = || format!("{expected} (ssh-keygen -p makes one of others)");
    // However its lines were pasted.
    let mut lines = Zeroizing::new(String::with_capacity(pem.len() + 1));
    for line in pem.lines().map(str::trim).filter(|line| !line.is_empty()) {
        lines.push_str(line);
        lines.push('\n');
    }
    let key = (lines.len() <= FILE_LIMIT).then(|| PrivateKey::from_openssh(lines.as_str()).ok());
    let key = key.flatten().filter(|key| !key.is_encrypted()).ok_or_else(wrong)?;
    match key.key_data() {
        KeypairData::Ed25519(_) | KeypairData::Ecdsa(_) | KeypairData::Rsa(_) => Ok(key),
        _ => Err(told(&format!("a key of type {} cannot sign here", key.algorithm()))),
    }
}

/// Makes the Ed25519 key of a seed: the private key as OpenSSH writes it, and the line of its public key.
///
/// # Errors
/// [`Fault::Refused`] if the comment is not one short line.
pub fn new_key(seed: &[u8; 32], comment: &str) -> Result<(Zeroizing<String>, String), Fault> {
    if comment.len() > 255 || comment.chars().any(char::is_control) {
        return Err(Fault::Refused("expected a comment of one line, up to 255 bytes".into()));
    }
    let wrong = |error: russh::keys::ssh_key::Error| Fault::Refused(told(&error.to_string()));
    let key = KeypairData::Ed25519(Ed25519Keypair::from_seed(seed));
    let key = PrivateKey::new(key, comment).map_err(wrong)?;
    let public = key.public_key().to_openssh().map_err(wrong)?;
    Ok((key.to_openssh(LineEnding::LF).map_err(wrong)?, public))
}

/// Signs with an RSA key, in the library that everything here signs in.
pub(crate) struct RsaSigner {
    key: crypto::rsa::PrivateKey,
}

/// Why an RSA key did not sign.
pub(crate) struct Unsigned(pub(crate) Fault);

impl From<SendError> for Unsigned {
    fn from(error: SendError) -> Self {
        Self(Fault::Unreachable(error.to_string()))
    }
}

impl RsaSigner {
    pub(crate) fn new(pair: &RsaKeypair) -> Result<Self, Fault> {
        let (public, private) = (pair.public(), pair.private());
        let number = |number: &russh::keys::ssh_key::Mpint| {
            number.as_positive_bytes().map(|bytes| Zeroizing::new(bytes.to_vec())).unwrap_or_default()
        };
        let [n, e, d] = [public.n(), public.e(), private.d()].map(number);
        let [p, q] = [private.p(), private.q()].map(number);
        let import = Import { n: &n, e: &e, d: &d, p: Some(&p), q: Some(&q), ..Import::default() };
        let key = crypto::rsa::PrivateKey::from_parts(&import);
        Ok(Self { key: key.map_err(|error| Fault::Login(told(&error.to_string())))? })
    }

    fn sign(&self, hash: Option<HashAlg>, data: &[u8]) -> Option<Vec<u8>> {
        let (ours, name) = match hash? {
            HashAlg::Sha256 => (Hash::Sha256, HashAlg::Sha256),
            HashAlg::Sha512 => (Hash::Sha512, HashAlg::Sha512),
            _ => return None,
        };
        let digest = crypto::hash::digest(ours, data).ok()?;
        let signature = self.key.sign_pkcs1(Some(ours), &digest).ok()?;
        let signature = Signature::new(Algorithm::Rsa { hash: Some(name) }, signature).ok()?;
        let mut blob = Vec::new();
        signature.encode_prefixed(&mut blob).ok()?;
        Some(blob)
    }
}

impl russh::Signer for RsaSigner {
    type Error = Unsigned;

    /// What is signed, and the signature behind it.
    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        mut data: Vec<u8>,
    ) -> Result<Vec<u8>, Unsigned> {
        let signature = self.sign(hash, &data);
        data.extend(signature.ok_or_else(|| Unsigned(Fault::Login("the RSA key does not sign".into())))?);
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_its_seed_and_read_however_it_was_pasted() {
        let (pem, line) = new_key(&[7; 32], "who and why").unwrap();
        assert_eq!(new_key(&[7; 32], "who and why").unwrap(), (pem.clone(), line.clone()));
        assert_ne!(new_key(&[8; 32], "who and why").unwrap().1, line);
        for pasted in
            [pem.to_string(), format!("\n {}\n\n", *pem), pem.replace('\n', "\r\n"), pem.trim().into()]
        {
            let key = private_key(&pasted).unwrap();
            assert_eq!(key.public_key().to_openssh().unwrap(), line);
        }
        for wrong in ["", "no key", &pem[..100], &line] {
            assert!(private_key(wrong).is_err(), "{wrong:?}");
        }
        assert!(new_key(&[7; 32], "a\nb").is_err() && new_key(&[7; 32], &"x".repeat(256)).is_err());
    }

    #[test]
    fn host_keys_are_read_from_lines_of_any_tool() {
        let line = |number: u8| new_key(&[number; 32], "").unwrap().1.trim().to_owned();
        let lines = format!("# keys\n{} root@host\n\n|1|salt=|hash= {}\r\n", line(1), line(2));
        let keys = HostKeys::parse(&lines).unwrap();
        let contains = |number: u8| keys.contain(&PublicKey::from_openssh(&line(number)).unwrap());
        assert!(contains(1) && contains(2) && !contains(3));
        assert_eq!(keys.algorithms(), [Algorithm::Ed25519]);
        for wrong in ["@cert-authority * ", "@revoked host ", "\"", "no key\n"] {
            assert!(HostKeys::parse(&format!("{wrong}{}", line(1))).is_err(), "{wrong:?}");
        }
    }
}
