//! Data key capsules: data keys that are sealed together with the policy by which they are opened.
//!
//! A capsule is a ciphertext of [`cipher`](super::cipher)'s form 3, in which the data key stands behind its policy: the
//! id of one, whose terms are looked at when the capsule is opened, or the terms themselves. Beside the permission to
//! do so, whoever opens one shows by an access point of the key's keyspace that it is the right application:
//!
//! - a custom access point signs, with RSASSA-PKCS1-v1_5 and SHA-256, the lines `datakey_capsule`, `public_key` and
//!   `expire_time` of the request, as they stand there, with one line feed between them; the second is empty if the
//!   request has none. `custom_public_key` says which access point it is. `expire_time` is in the future, by no more
//!   than a day. So a signature that somebody else gets hold of opens this capsule alone, for this recipient alone, and
//!   not for long.
//! - one of a cluster shows a token of the cluster (`service_token`): a JSON Web Token (RFC 7519) that the cluster signed
//!   with RS256 and that has not expired (`exp`). Which access point it is, is found by the signature.
//!
//! With `public_key` the data key is answered encrypted for its holder with RSAES-OAEP and SHA-256, and not in plain.

use crypto::Secret;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};

use super::access_point::{AccessPoint, PointKind};
use super::cipher::Form;
use super::data::{open, usable};
use super::error::{KmsError, Result};
use super::key::Key;
use super::key_policy::{Terms, check_points, policy, time};
use super::project::Project;
use super::record::Kept;
use super::rsa::{decoded, is_signed, rsa_key, sealed_for};
use super::spec::{Family, Usage};
use super::store::{Uuid, keyspace};
use super::{KeyId, Kms, Millis};
use crate::caller::Caller;
use crate::due::DAY;

/// The most bytes of what a request shows.
const MAX_SHOWN: usize = 16_384;

/// By which policy a capsule is to be opened.
#[derive(Clone, Copy, Debug)]
pub enum Under<'a> {
    /// One that there is, by its id.
    Policy(&'a str),
    /// What its JSON says.
    Terms(&'a str),
}

/// A data key as it is given out.
#[derive(Debug)]
pub enum Given {
    /// In plain.
    Plain(Secret),
    /// Encrypted for the holder of a public key.
    Sealed(Vec<u8>),
}

/// A data key and its capsule.
#[derive(Debug)]
pub struct Capsule {
    /// The key that seals it.
    pub key: KeyId,
    /// The data key.
    pub data_key: Given,
    /// The capsule.
    pub capsule: Vec<u8>,
}

/// What a capsule held.
#[derive(Debug)]
pub struct Opened {
    /// The key that opened it.
    pub key: KeyId,
    /// For whom: an access point, or the cluster of one.
    pub instance: String,
    /// The data key.
    pub data_key: Given,
}

/// What a request shows, as it stands there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attestation<'a> {
    /// The signature of a custom access point: base64.
    pub signature: Option<&'a str>,
    /// Its public key.
    pub public_key: Option<&'a str>,
    /// Until when the signature is good.
    pub expires: Option<&'a str>,
    /// The token of a cluster.
    pub token: Option<&'a str>,
}

/// What is sealed in a capsule, beside the data key behind it.
#[derive(Serialize, Deserialize)]
enum Sealed {
    Policy(Uuid),
    Terms(Terms),
}

impl Kms {
    /// Makes a data key of 128 or 256 bits in a capsule.
    ///
    /// # Errors
    /// `DataKeySpec`, `Field`, `EndsBeforeStart`, `NoSuch`; how the key stands; `NoKey`, `Forbidden`.
    pub fn create_capsule(
        &self,
        caller: &Caller,
        key: &str,
        bits: u64,
        recipient: Option<&str>,
        under: Under<'_>,
    ) -> Result<Capsule> {
        let len = match bits {
            128 => 16,
            256 => 32,
            _ => return Err(KmsError::DataKeySpec("datakey_length is 128 or 256".to_owned())),
        };
        let recipient = recipient.map(|text| rsa_key("public_key", text)).transpose()?;
        let found = self.permitted(caller, "CreateDatakeyCapsule", key)?;
        let key = sealing(usable(&found, Usage::EncryptDecrypt)?)?;
        let space = keyspace_of(key, &found.project);
        let sealed = match under {
            Under::Policy(id) => {
                let policy = policy(&found.project, id.parse()?)?;
                if policy.keyspace != space {
                    return Err(KmsError::Field("policy_id is of another keyspace than the key".to_owned()));
                }
                Sealed::Policy(policy.id)
            }
            Under::Terms(json) => {
                let terms = Terms::parse(json)?;
                check_points(Some(&found.project), space, &terms)?;
                Sealed::Terms(terms)
            }
        };
        let plain = self.hsm.random_secret(len)?;
        let head = postcard::to_allocvec(&sealed);
        let mut content = head.map_err(|_| KmsError::Internal("a capsule has an encoding"))?;
        content.extend(plain.as_bytes());
        let content = Secret::new(content);
        let desk = self.desk(key.slot, caller)?;
        let capsule = self.seal(&desk, key, Form::Capsule, content.as_bytes(), &space.0)?;
        Ok(Capsule { key: key.id, data_key: given(plain, recipient.map(|(_, key)| key))?, capsule })
    }

    /// Opens a capsule for who shows that it may.
    ///
    /// # Errors
    /// `BadCipher`, `BadAttestation`, `Field`, `NoSuch`; how the key stands; `NoKey`, `Forbidden`.
    pub fn open_capsule(
        &self,
        caller: &Caller,
        key: &str,
        capsule: &str,
        recipient: Option<&str>,
        shown: Attestation<'_>,
    ) -> Result<Opened> {
        let bytes = BASE64.decode(capsule.as_bytes()).map_err(|_| KmsError::BadCipher)?;
        let to = recipient.map(|text| rsa_key("public_key", text)).transpose()?;
        let found = self.permitted(caller, "DecryptDatakeyCapsule", key)?;
        let key = sealing(usable(&found, Usage::EncryptDecrypt)?)?;
        let space = keyspace_of(key, &found.project);
        let now = self.now();
        // Who shows nothing learns nothing of the capsule.
        let points: Vec<_> = {
            let shelf = found.project.shelf.read();
            shelf.points.values().filter(|point| point.keyspace == space && point.enabled).cloned().collect()
        };
        let point = shown.by(&points, capsule, recipient.unwrap_or_default(), now)?;
        let desk = self.desk(key.slot, caller)?;
        let content = open(&desk, key, Form::Capsule, &bytes, &space.0)?;
        let (sealed, plain) = postcard::take_from_bytes::<Sealed>(content.as_bytes())
            .map_err(|_| KmsError::Internal("a capsule that was sealed here decodes"))?;
        let terms = match sealed {
            Sealed::Policy(id) => policy(&found.project, id)?.terms.clone(),
            Sealed::Terms(terms) => terms,
        };
        terms.check(point.id, now)?;
        let details = [
            ("key", key.id.to_string()),
            ("access point", point.id.to_string()),
            ("request", caller.request.to_string()),
        ];
        desk.record("open a data key capsule", &details)?;
        let instance = match point.kind {
            PointKind::Custom => point.id.to_string(),
            PointKind::Cce => point.cluster.clone(),
        };
        let plain = Secret::new(plain.to_vec());
        Ok(Opened { key: key.id, instance, data_key: given(plain, to.map(|(_, key)| key))? })
    }
}

impl Attestation<'_> {
    /// The access point that this is shown by.
    fn by(
        &self,
        points: &[Kept<AccessPoint>],
        capsule: &str,
        recipient: &str,
        now: Millis,
    ) -> Result<Kept<AccessPoint>> {
        let none =
            || KmsError::Forbidden("no access point of the keyspace that is enabled shows this".to_owned());
        let bad = KmsError::BadAttestation;
        if let Some(token) = self.token {
            return by_token(points, token, now)?.ok_or_else(none);
        }
        let signature = self.signature.ok_or_else(|| bad("custom_signature or service_token is there"))?;
        let key = self.public_key.ok_or_else(|| bad("custom_public_key comes with custom_signature"))?;
        let expires = self.expires.ok_or_else(|| bad("expire_time comes with custom_signature"))?;
        let signature = BASE64.decode(signature.as_bytes()).map_err(|_| bad("custom_signature is base64"))?;
        let (der, key) = rsa_key("custom_public_key", key)?;
        let until = time("expire_time", expires)?;
        if until <= now || until > now + DAY {
            return Err(bad("expire_time is in the future, by no more than a day"));
        }
        let is_it = |point: &&Kept<AccessPoint>| {
            point.kind == PointKind::Custom && point.public.as_deref() == Some(der.as_slice())
        };
        let point = points.iter().find(is_it).ok_or_else(none)?;
        let message = format!("{capsule}\n{recipient}\n{expires}");
        if is_signed(&key, message.as_bytes(), &signature) { Ok(point.clone()) } else { Err(none()) }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    exp: u64,
    nbf: Option<u64>,
}

/// The access point whose cluster signed a token that is good now.
fn by_token(points: &[Kept<AccessPoint>], token: &str, now: Millis) -> Result<Option<Kept<AccessPoint>>> {
    let bad = || KmsError::BadAttestation("service_token is a JSON Web Token, signed with RS256");
    if token.len() > MAX_SHOWN {
        return Err(bad());
    }
    let (signed, signature) = token.rsplit_once('.').ok_or_else(bad)?;
    let (header, claims) = signed.split_once('.').ok_or_else(bad)?;
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| bad());
    let (header, claims, signature) = (decode(header)?, decode(claims)?, decode(signature)?);
    let header: Header = serde_json::from_slice(&header).map_err(|_| bad())?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| bad())?;
    if header.alg != "RS256" {
        return Err(bad());
    }
    let seconds = now / 1000;
    if claims.exp <= seconds || claims.nbf.is_some_and(|from| from > seconds) {
        return Err(KmsError::BadAttestation("service_token is good now"));
    }
    let is_its = |point: &&Kept<AccessPoint>| {
        let key = point.public.as_deref().filter(|_| point.kind == PointKind::Cce).and_then(decoded);
        key.is_some_and(|key| is_signed(&key, signed.as_bytes(), &signature))
    };
    Ok(points.iter().find(is_its).cloned())
}

/// The keyspace that a key is of.
fn keyspace_of(key: &Key, project: &Project) -> Uuid {
    key.store.map_or_else(|| keyspace(project.id), Uuid)
}

fn sealing(key: &Key) -> Result<&Key> {
    if key.spec.family() == Family::Cipher { Ok(key) } else { Err(KmsError::Asymmetric) }
}

fn given(plain: Secret, recipient: Option<crypto::rsa::PublicKey>) -> Result<Given> {
    match recipient {
        None => Ok(Given::Plain(plain)),
        Some(key) => Ok(Given::Sealed(sealed_for(&key, plain.as_bytes())?)),
    }
}
