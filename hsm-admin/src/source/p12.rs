//! PKCS#12 (RFC 7292): what browsers, Java and Windows keep keys and certificates in.

use p12_keystore::Pkcs12Archive;

use super::Thing;
use super::key::{PrivateKey, Wishes, certificate};
use super::pem::Ask;
use crate::error::Error;

/// What is in the file. Many have an empty passphrase, which is tried first.
pub(crate) fn read(bytes: &[u8], wishes: &Wishes, passphrase: Ask<'_>) -> Result<Vec<Thing>, Error> {
    let archive = match Pkcs12Archive::from_pkcs12(bytes, "") {
        Ok(archive) => archive,
        Err(_) => {
            let passphrase = passphrase()?;
            let refuse = |why: String| Error::Source { file: wishes.file.clone(), why };
            let text = std::str::from_utf8(&passphrase)
                .map_err(|_| refuse("the passphrase of a PKCS#12 file is text in UTF-8".into()))?;
            Pkcs12Archive::from_pkcs12(bytes, text)
                .map_err(|error| refuse(format!("the passphrase is wrong, or it is no PKCS#12: {error}")))?
        }
    };
    let name = |name: Option<&String>| name.cloned().unwrap_or_else(|| wishes.file.clone());
    let mut things = Vec::new();
    for bag in &archive.keys {
        let label = name(bag.friendly_name.as_ref());
        match PrivateKey::from_pkcs8(bag.key.as_der()) {
            Ok(key) => things.extend(key.things(&label, wishes)),
            Err(why) => things.push(Thing::unreadable(label, why)),
        }
    }
    for bag in &archive.certs {
        things.push(certificate(bag.cert.as_der(), &name(bag.friendly_name.as_ref()), wishes));
    }
    for bag in &archive.secrets {
        let why = "secret keys of Java's kind are not taken over".to_owned();
        things.push(Thing::unreadable(name(bag.friendly_name.as_ref()), why));
    }
    Ok(things)
}

#[cfg(test)]
mod tests {
    use wire::Bytes;

    use super::*;

    #[test]
    fn what_is_no_pkcs12_is_refused_in_words() {
        let wishes = Wishes { label: None, id: None, extractable: false, file: "it".into() };
        for bytes in [&b""[..], b"\x30\x00", b"-----BEGIN PRIVATE KEY-----", &[0x30; 300]] {
            let error = read(bytes, &wishes, &mut || Ok(Bytes::from(&b"x"[..]))).unwrap_err().to_string();
            assert!(error.contains("it is no PKCS#12"), "{error}");
        }
    }
}
