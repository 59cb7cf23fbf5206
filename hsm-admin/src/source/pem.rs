//! Keys and certificates in PEM, or one of them in DER: PKCS#8, plain or encrypted, PKCS#1, SEC 1, X.509.

use crypto::Secret;
use wire::Bytes;
use zeroize::Zeroizing;

use super::Thing;
use super::key::{PrivateKey, Wishes, certificate};
use crate::error::Error;

/// Gives the passphrase, when it turns out that one is needed.
pub(crate) type Ask<'a> = &'a mut dyn FnMut() -> Result<Bytes, Error>;

/// The most documents in one file.
const MOST: usize = 1000;

/// What is in the file.
pub(crate) fn read(bytes: &[u8], wishes: &Wishes, passphrase: Ask<'_>) -> Result<Vec<Thing>, Error> {
    let mut things = Vec::new();
    let documents = documents(bytes).map_err(|why| Error::Source { file: wishes.file.clone(), why })?;
    for (label, der) in &documents {
        things.extend(document(label, der, wishes, passphrase)?);
    }
    Ok(things)
}

/// The one private key of a file, as PKCS#8 in DER.
///
/// # Errors
/// What the file holds instead.
pub(crate) fn pkcs8(bytes: &[u8]) -> Result<Secret, String> {
    let mut keys = documents(bytes)?.into_iter().filter(|(label, _)| label.contains("PRIVATE KEY"));
    match (keys.next(), keys.next()) {
        (Some((label, mut der)), None) if label == "PRIVATE KEY" => {
            Ok(Secret::new(std::mem::take(&mut *der)))
        }
        (Some((label, _)), None) => Err(format!(
            "it holds {label:?}, and not PKCS#8 in the clear: `openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW` makes it one"
        )),
        (Some(_), Some(_)) => Err("it holds more than one private key".into()),
        (None, _) => Err("it holds no private key".into()),
    }
}

fn document(label: &str, der: &[u8], wishes: &Wishes, passphrase: Ask<'_>) -> Result<Vec<Thing>, Error> {
    let refuse = |why: String| Error::Source { file: wishes.file.clone(), why };
    let key = |key: Result<PrivateKey, String>| {
        key.map(|key| key.things(&wishes.file, wishes)).unwrap_or_else(|why| vec![unreadable(wishes, why)])
    };
    Ok(match label {
        "PRIVATE KEY" => key(PrivateKey::from_pkcs8(der)),
        "RSA PRIVATE KEY" => key(PrivateKey::from_pkcs1(der)),
        "EC PRIVATE KEY" => key(PrivateKey::from_sec1(der, None)),
        "ENCRYPTED PRIVATE KEY" => {
            let info = pkcs8::EncryptedPrivateKeyInfoRef::try_from(der)
                .map_err(|error| refuse(format!("its encryption is not one that is read: {error}")))?;
            let clear = info
                .decrypt(passphrase()?.as_ref())
                .map_err(|_| refuse("the passphrase is wrong, or the file is damaged".into()))?;
            key(PrivateKey::from_pkcs8(clear.as_bytes()))
        }
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            vec![certificate(der, &wishes.file, wishes)]
        }
        // What goes with a key that is there anyway.
        "EC PARAMETERS" | "PUBLIC KEY" | "DH PARAMETERS" => Vec::new(),
        "OPENSSH PRIVATE KEY" => {
            return Err(refuse("it holds a key of OpenSSH: use `import ssh`".into()));
        }
        other => vec![unreadable(wishes, format!("what it calls {other:?} is no key and no certificate"))],
    })
}

fn unreadable(wishes: &Wishes, why: String) -> Thing {
    Thing::unreadable(wishes.file.clone(), why)
}

/// A document's label, and what it holds.
type Document = (String, Zeroizing<Vec<u8>>);

/// The PEM documents of a file; of one in DER, that as if it had a label.
fn documents(bytes: &[u8]) -> Result<Vec<Document>, String> {
    const BEGIN: &str = "-----BEGIN ";
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.contains(BEGIN)) else {
        return bare(bytes).map(|document| vec![document]);
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let begun = rest.get(at..).unwrap_or_default();
        let label =
            begun.get(BEGIN.len()..).and_then(|label| label.split_once("-----")).map(|(label, _)| label);
        let label = label.ok_or("a line that begins a PEM document does not end")?;
        let end = format!("-----END {label}-----");
        let len = begun
            .find(&end)
            .ok_or_else(|| format!("the PEM document {label:?} has no end: it is cut off"))?;
        let len = len + end.len();
        let document = begun.get(..len).unwrap_or_default();
        if document.contains("Proc-Type:") {
            return Err(
                "it is encrypted in the old way of OpenSSL, by MD5: make it PKCS#8 with `openssl pkcs8 \
                        -topk8 -in OLD -out NEW` first"
                    .into(),
            );
        }
        if found.len() == MOST {
            return Err(format!("it holds more than {MOST} documents"));
        }
        if label == "OPENSSH PRIVATE KEY" {
            found.push((label.to_owned(), Zeroizing::default()));
        } else {
            let (_, der) = pem_rfc7468::decode_vec(document.as_bytes())
                .map_err(|error| format!("the PEM document {label:?} is damaged: {error}"))?;
            found.push((label.to_owned(), Zeroizing::new(der)));
        }
        rest = begun.get(len..).unwrap_or_default();
    }
    Ok(found)
}

/// What a file in DER is, by what can be read of it.
fn bare(bytes: &[u8]) -> Result<Document, String> {
    let label = if pkcs8::PrivateKeyInfoRef::try_from(bytes).is_ok() {
        "PRIVATE KEY"
    } else if pkcs8::EncryptedPrivateKeyInfoRef::try_from(bytes).is_ok() {
        "ENCRYPTED PRIVATE KEY"
    } else if PrivateKey::from_pkcs1(bytes).is_ok() {
        "RSA PRIVATE KEY"
    } else if PrivateKey::from_sec1(bytes, None).is_ok() {
        "EC PRIVATE KEY"
    } else if super::key::is_certificate(bytes) {
        "CERTIFICATE"
    } else {
        return Err("it is neither PEM nor the DER of a private key or a certificate".into());
    };
    Ok((label.to_owned(), Zeroizing::new(bytes.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes() -> Wishes {
        Wishes { label: None, id: None, extractable: false, file: "it".into() }
    }

    fn refusal(bytes: &[u8]) -> String {
        match read(bytes, &wishes(), &mut || Ok(Bytes::from(&b"wrong"[..]))) {
            Err(error) => error.to_string(),
            Ok(things) => things.into_iter().find_map(|thing| thing.arrival.err()).unwrap(),
        }
    }

    #[test]
    fn what_is_no_key_is_refused_in_words() {
        for (bytes, word) in [
            (&b""[..], "neither PEM nor"),
            (b"\xff\xfe\x00", "neither PEM nor"),
            (b"-----BEGIN PRIVATE KEY-----\nMAA", "cut off"),
            (b"-----BEGIN PRIVATE KEY", "does not end"),
            (b"-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----", "damaged"),
            (b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----", "PKCS#8"),
            (b"-----BEGIN CAT-----\nMAA=\n-----END CAT-----", "no key and no certificate"),
            (b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", "X.509"),
            (
                b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n-----END RSA PRIVATE KEY-----",
                "openssl pkcs8",
            ),
            (b"-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----", "import ssh"),
        ] {
            let text = refusal(bytes);
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn one_private_key_in_the_clear_is_pkcs8_and_all_else_is_named() {
        // RFC 8410, "Examples"
        let der = "302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
        let der = data_encoding::HEXLOWER.decode(der.as_bytes()).unwrap();
        let pem = |label| pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, &der).unwrap();
        let plain = pem("PRIVATE KEY");
        for file in [der.clone(), plain.clone().into_bytes(), format!("a note\n{plain}").into_bytes()] {
            assert_eq!(pkcs8(&file).unwrap().as_bytes(), der);
        }
        let refused = |file: &[u8]| pkcs8(file).unwrap_err();
        assert!(refused(pem("EC PRIVATE KEY").as_bytes()).contains("\"EC PRIVATE KEY\""));
        assert!(refused(pem("ENCRYPTED PRIVATE KEY").as_bytes()).contains("openssl pkcs8"));
        assert!(refused(format!("{plain}{plain}").as_bytes()).contains("more than one"));
        assert!(refused(pem("CERTIFICATE").as_bytes()).contains("no private key"));
        assert!(refused(&plain.as_bytes()[..plain.len() - 20]).contains("cut off"));
        assert!(refused(b"0123456789").contains("neither PEM nor"));
    }

    #[test]
    fn no_bytes_whatever_upset_the_reader() {
        let mut state = 1_u32;
        for len in 0..400 {
            let bytes: Vec<u8> = (0..len)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state.to_le_bytes()[3]
                })
                .collect();
            refusal(&[&[0x30, 0x82], bytes.as_slice()].concat());
        }
    }
}
