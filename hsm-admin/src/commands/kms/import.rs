//! The import of a key's material: in steps, with any program that wraps as the guide's `openssl` lines do, or all in one.

use std::path::PathBuf;

use clap::Args;
use crypto::keywrap::{KWP_IV, kwp_wrap};
use crypto::{Hash, aes, random, rsa};
use data_encoding::BASE64;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::data::{read, write_private};
use super::desk::{Desk, In};
use super::text;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::source::key::PublicKey;
use crate::source::pem;

mod dialog;

/// How material is wrapped here.
const OAEP: &str = "RSAES_OAEP_SHA_256";
/// The most bytes of a file that is read.
const MOST: usize = 16 << 10;

/// KMS: give a key that waits for it (--origin external) its material
///
/// Without options, in a dialog: it writes the wrapping key, keeps the token, takes
/// what was wrapped, and however it is left, its token is good no more. All in
/// one, with --material; or in steps: --download, wrap the material with the key
/// that this writes, and --wrapped with the token that it writes.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The key's id, alias or name
    key: String,

    /// The material: bytes of a symmetric key, or a private key as PKCS#8 (DER or PEM)
    #[arg(long, value_name = "FILE")]
    material: Option<PathBuf>,

    /// Write wrappingKey_ID and importToken_ID, good for 24 hours, into this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["material", "wrapped"])]
    download: Option<PathBuf>,

    /// With --download: how the material will be wrapped
    #[arg(long, default_value = OAEP, value_parser = [OAEP, "SM2_ENCRYPT"])]
    algorithm: String,

    /// What was wrapped with that key: the symmetric key, or the temporary key of a private one
    #[arg(long, value_name = "FILE", requires = "token", conflicts_with = "material")]
    wrapped: Option<PathBuf>,

    /// The private key, wrapped with the temporary key
    #[arg(long, value_name = "FILE", requires = "wrapped")]
    wrapped_private_key: Option<PathBuf>,

    /// The token, importToken_ID
    #[arg(long, value_name = "FILE", requires = "wrapped")]
    token: Option<PathBuf>,

    /// Have the material expire after so many hours; it never does if this is not given
    #[arg(long, value_name = "HOURS", num_args = 0..=1, default_missing_value = "24")]
    expires: Option<u32>,

    #[command(flatten)]
    place: In,
}

/// What is sent.
struct Parts {
    token: String,
    material: Vec<u8>,
    private_key: Option<Vec<u8>>,
}

impl Import {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let key = desk.key(&self.key)?;
        if let Some(dir) = &self.download {
            let made = parameters(&desk, &key, &self.algorithm)?;
            let id = text(&made, "key_id");
            let public = BASE64.decode(text(&made, "public_key").as_bytes()).map_err(|_| Error::Unknown)?;
            let (wrapping, token) =
                (dir.join(format!("wrappingKey_{id}")), dir.join(format!("importToken_{id}")));
            write_private(&wrapping, &public)?;
            write_private(&token, text(&made, "import_token").as_bytes())?;
            let written =
                json!({ "wrapping_key": wrapping, "token": token, "expires": made["expiration_time"] });
            return screen.show(&written, |_| {
                let (key, token) = (wrapping.display(), token.display());
                format!("Wrote {key} and {token}, good for 24 hours.\n{}", by_openssl(&wrapping))
            });
        }
        let parts = match (&self.material, &self.wrapped, &self.token) {
            (None, None, None) => return dialog::run(&desk, &key, self, screen),
            (Some(material), ..) => wrap(&desk, &key, &read(Some(material), MOST)?)?,
            (None, Some(wrapped), Some(token)) => {
                let private_key = self.wrapped_private_key.as_deref();
                Parts {
                    token: String::from_utf8_lossy(&read(Some(token), MOST)?).trim().to_owned(),
                    material: read(Some(wrapped), MOST)?.to_vec(),
                    private_key: private_key
                        .map(|path| Ok::<_, Error>(read(Some(path), MOST)?.to_vec()))
                        .transpose()?,
                }
            }
            _ => return Err(Error::Usage("give --material, --download, or --wrapped and --token".into())),
        };
        let done = self.upload(&desk, &key, &parts)?;
        screen.show(&done, |_| imported(&key))
    }

    fn upload(&self, desk: &Desk<'_>, key: &str, parts: &Parts) -> Result<Value, Error> {
        let expires = self.expires.map(|hours| {
            let now = jiff::Timestamp::now().as_second();
            now.saturating_add(i64::from(hours).saturating_mul(3600)).to_string()
        });
        let body = json!({
            "key_id": key,
            "import_token": parts.token,
            "encrypted_key_material": BASE64.encode(&parts.material),
            "encrypted_privatekey": parts.private_key.as_ref().map(|wrapped| BASE64.encode(wrapped)),
            "expiration_time": expires,
        });
        desk.call("ImportKeyMaterial", &body)
    }
}

fn imported(key: &str) -> String {
    format!("Key {key} has its material, and is enabled.")
}

/// How a symmetric key is wrapped with openssl.
fn by_openssl(wrapping: &std::path::Path) -> String {
    format!(
        "A symmetric key is wrapped by\n  openssl pkeyutl -encrypt -in FILE -inkey {} -keyform DER -pubin \\\n    \
         -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -out WRAPPED",
        wrapping.display()
    )
}

/// Whether a key is symmetric.
fn is_symmetric(desk: &Desk<'_>, key: &str) -> Result<bool, Error> {
    let details = desk.call("ListKeyDetail", &json!({ "key_id": key }))?;
    let spec = text(&details["key_info"], "key_spec");
    Ok(["AES", "SM4", "HMAC"].iter().any(|kind| spec.starts_with(kind)))
}

fn parameters(desk: &Desk<'_>, key: &str, algorithm: &str) -> Result<Value, Error> {
    desk.call("CreateParametersForImport", &json!({ "key_id": key, "wrapping_algorithm": algorithm }))
}

/// Wraps material as the guide's lines do: OAEP alone, or a temporary key that wraps a private key.
fn wrap(desk: &Desk<'_>, key: &str, material: &[u8]) -> Result<Parts, Error> {
    let symmetric = is_symmetric(desk, key)?;
    let made = parameters(desk, key, OAEP)?;
    let public = BASE64.decode(text(&made, "public_key").as_bytes()).map_err(|_| Error::Unknown)?;
    let PublicKey::Rsa { modulus, exponent } = PublicKey::from_spki(&public).map_err(|_| Error::Unknown)?
    else {
        return Err(Error::Unknown);
    };
    let wrapping = rsa::PublicKey::from_parts(modulus, exponent).map_err(|_| Error::Unknown)?;
    let failed = |error: crypto::Error| Error::Failed(format!("the material cannot be wrapped: {error}"));
    let oaep = |data: &[u8]| wrapping.encrypt_oaep(Hash::Sha256, Hash::Sha256, &[], data).map_err(failed);
    let token = text(&made, "import_token").to_owned();
    if symmetric {
        return Ok(Parts { token, material: oaep(material)?, private_key: None });
    }
    let temporary = Zeroizing::new(random::bytes(32).map_err(failed)?);
    let by = aes::Key::new(&temporary).map_err(failed)?;
    let private_key = pem::pkcs8(material).map_err(|why| Error::Failed(format!("the private key: {why}")))?;
    let wrapped = kwp_wrap(&by, &KWP_IV, &private_key).map_err(failed)?;
    Ok(Parts { token, material: oaep(&temporary)?, private_key: Some(wrapped) })
}
