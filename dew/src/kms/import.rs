//! Material that comes from elsewhere: wrapped with a key that is made here for it, brought in with a token that is good
//! for a day, and bound to the key for good.

use crypto::{Hash, Secret};
use hsm::object::{Attr, Class, KeyType};
use hsm::service::Kind;
use hsm::{Desk, Fresh, Work};
use serde::{Deserialize, Serialize};
use wire::{Mechanism, MechanismId, Params, Value};

use super::allow::Found;
use super::create::version;
use super::data::{Scheme, mechanism};
use super::error::{KmsError, Result};
use super::key::{Imported, Key, Origin, State};
use super::project::Project;
use super::record::{Kept, creation};
use super::spec::{Attributes, Family, closed, open};
use super::{KeyId, Kms, life};
use crate::caller::Caller;
use crate::due::{DAY, Millis};

/// Bytes of randomness in a token: enough that the interface's least length is reached.
const RANDOM: usize = 160;
/// The most downloads of one key that are good at once: the oldest gives way.
const MOST: usize = 10;
/// What records say of material whose time has come.
pub(super) const EXPIRED: &str = "imported material expired";
/// What AES key wrap with padding begins with (RFC 5649).
const KWP_IV: [u8; 4] = [0xa6, 0x59, 0x59, 0xa6];

/// Parameters for one import, as they are kept until they expire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticket {
    /// The key whose material may come.
    pub(super) key: KeyId,
    /// SHA-256 of the token.
    digest: [u8; 32],
    /// The objects of the wrapping key: the public and the private half.
    open: u64,
    closed: u64,
    /// Whether the wrapping key is SM2.
    sm2: bool,
    /// Until when.
    pub(super) expires: Millis,
}

/// Parameters for an import, as they are given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportParameters {
    /// The key.
    pub key: KeyId,
    /// What the import is to show.
    pub token: Vec<u8>,
    /// The public half of the wrapping key: SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// Until when both are good.
    pub expires: Millis,
}

/// Material as it comes.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The token.
    pub token: &'a [u8],
    /// The symmetric key, or the temporary key of a private one, encrypted with the wrapping key.
    pub material: &'a [u8],
    /// The private key as PKCS #8, wrapped with the temporary key (RFC 5649).
    pub private_key: Option<&'a [u8]>,
    /// When the material is to go; none if it is to stay.
    pub expires: Option<Millis>,
}

impl Kms {
    /// Makes a wrapping key and a token for the import of a key's material.
    ///
    /// # Errors
    /// `NotExternal`, `NotPendingImport`, `Algorithm`; `NoKey`, `Forbidden`; what the HSM says.
    pub fn import_parameters(&self, caller: &Caller, key: &str, algorithm: &str) -> Result<ImportParameters> {
        let sm2 = match algorithm {
            "RSAES_OAEP_SHA_256" => false,
            "SM2_ENCRYPT" => true,
            _ => {
                return Err(KmsError::Algorithm(format!(
                    "wrapping_algorithm {algorithm:?} is unknown: expected RSAES_OAEP_SHA_256 or SM2_ENCRYPT"
                )));
            }
        };
        let Found { project, key } = self.permitted(caller, "CreateParametersForImport", key)?;
        importable(&key)?;
        let (desk, id) = (self.desk(key.slot, caller)?, key.id);
        let pair = wrapping_pair(&desk, id, sm2)?;
        let [open, closed] = pair.numbers()[..] else { return Err(KmsError::Internal("a pair is two keys")) };
        let _turn = project.turn.lock();
        let key = self.standing(&project, id)?;
        importable(&key)?;
        let expires = self.now() + DAY;
        let (number, old) = {
            let shelf = project.shelf.read();
            let mut old: Vec<_> = shelf.tickets.values().filter(|ticket| ticket.key == id).cloned().collect();
            old.truncate((old.len() + 1).saturating_sub(MOST));
            (shelf.next_ticket, old)
        };
        let mut token = vec![1];
        token.extend(id.0);
        token.extend(number.to_be_bytes());
        token.extend(self.hsm.random_secret(RANDOM)?.as_bytes());
        let ticket = Ticket { key: id, digest: digest(&token)?, open, closed, sm2, expires };
        let details = life::about(id, &key, caller);
        let slot = project.partition.slot().0;
        let mut work = Work {
            action: "give out import parameters",
            details: &details,
            add: vec![pair],
            ..Work::default()
        };
        work.writes.push((slot, creation(Kind::KmsImport, number, &ticket)?));
        for ticket in &old {
            work.remove.extend([ticket.open, ticket.closed]);
            work.writes.push((slot, ticket.deletion(Kind::KmsImport)));
        }
        let version = desk.commit(work)?;
        let mut shelf = project.shelf.write();
        old.iter().for_each(|ticket| shelf.hide_ticket(ticket.number));
        shelf.show_ticket(Kept { number, version, value: ticket.into() });
        drop(shelf);
        Ok(ImportParameters { key: id, token, public_key: desk.public_key(open)?, expires })
    }

    /// Takes material in. The key can be used from then on.
    ///
    /// # Errors
    /// What is wrong with token, material or time; `NotExternal`, `NotPendingImport`; `NoKey`, `Forbidden`.
    pub fn import_material(&self, caller: &Caller, key: &str, arrival: &Arrival<'_>) -> Result<Kept<Key>> {
        let Found { project, key } = self.permitted(caller, "ImportKeyMaterial", key)?;
        let _turn = project.turn.lock();
        let key = self.standing(&project, key.id)?;
        importable(&key)?;
        let ticket = self.ticket(&project, &key, arrival.token)?;
        let pair = key.spec.family().is_pair();
        match arrival.expires {
            Some(_) if pair => {
                let text = "expiration_time: the material of an asymmetric key does not expire".to_owned();
                return Err(KmsError::Field(text));
            }
            Some(expires) if expires <= self.now() => return Err(KmsError::ExpiresInPast),
            _ => {}
        }
        let desk = self.desk(key.slot, caller)?;
        let material = unwrapped(&desk, &ticket, arrival.material)?;
        let material = match (pair, arrival.private_key) {
            (true, None) => return Err(KmsError::NoPrivateKey),
            (true, Some(wrapped)) => private_key(&material, wrapped)?,
            (false, None) => symmetric(&key, material)?,
            (false, Some(_)) => {
                return Err(KmsError::Field("encrypted_privatekey: the key is symmetric".to_owned()));
            }
        };
        let fingerprint = fingerprint(&material)?;
        if key.imported.fingerprint.is_some_and(|first| !crypto::equal(&first, &fingerprint)) {
            return Err(KmsError::OtherMaterial);
        }
        let fresh = brought(&desk, &key, &material)?;
        let mut changed = (*key).clone();
        changed.versions = vec![version(&fresh, 1, self.now())?];
        changed.state = State::Enabled;
        changed.imported = Imported { expires: arrival.expires, fingerprint: Some(fingerprint) };
        let details = life::about(key.id, &changed, caller);
        let work = Work { action: "import material", details: &details, add: vec![fresh], ..Work::default() };
        self.change_key(&project, &key, changed, caller, work)
    }

    /// Makes a token good for nothing any more, and takes its wrapping key away. One that is gone already is.
    ///
    /// # Errors
    /// `OtherProject`; what the HSM says.
    pub fn revoke_import(&self, caller: &Caller, token: &[u8]) -> Result<()> {
        let Some(project) = self.project(self.own(caller)?.0)? else { return Ok(()) };
        let digest = digest(token)?;
        let _turn = project.turn.lock();
        let ticket = {
            let shelf = project.shelf.read();
            shelf.tickets.values().find(|ticket| crypto::equal(&ticket.digest, &digest)).cloned()
        };
        match ticket {
            Some(ticket) => self.forget_ticket(caller, &project, &ticket, "revoke import parameters"),
            None => Ok(()),
        }
    }

    /// Takes imported material away. The key is as before the import, and takes the same material again.
    ///
    /// # Errors
    /// `NotExternal`, `KeepsMaterial`, `NotDeletable`; `NoKey`, `Forbidden`; what the HSM says.
    pub fn delete_material(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        let Found { project, key } = self.permitted(caller, "DeleteImportedKeyMaterial", key)?;
        let _turn = project.turn.lock();
        let key = self.standing(&project, key.id)?;
        if key.origin != Origin::External {
            return Err(KmsError::NotExternal);
        }
        if key.spec.family().is_pair() {
            return Err(KmsError::KeepsMaterial);
        }
        if !matches!(key.state, State::Enabled | State::Disabled) {
            return Err(KmsError::NotDeletable);
        }
        self.forget_material(caller, &project, &key, "delete imported material")
    }

    /// Material goes, by whoever's will. Held by the project's turn.
    pub(super) fn forget_material(
        &self,
        caller: &Caller,
        project: &Project,
        key: &Kept<Key>,
        action: &'static str,
    ) -> Result<Kept<Key>> {
        let changed = key.emptied();
        let details = life::about(key.id, &changed, caller);
        let work = Work { action, details: &details, remove: key.objects(), ..Work::default() };
        self.change_key(project, key, changed, caller, work)
    }

    /// The ticket of a token, if it is one of the key's and still good.
    fn ticket(&self, project: &Project, key: &Key, token: &[u8]) -> Result<Kept<Ticket>> {
        let (head, _) = token.split_at_checked(25).ok_or(KmsError::BadToken)?;
        let [1, id @ .., a, b, c, d, e, f, g, h] = head else { return Err(KmsError::BadToken) };
        if *id != key.id.0 {
            return Err(KmsError::OtherToken);
        }
        let number = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
        let ticket = project.shelf.read().tickets.get(&number).cloned().ok_or(KmsError::TokenExpired)?;
        if ticket.key != key.id || !crypto::equal(&ticket.digest, &digest(token)?) {
            return Err(KmsError::BadToken);
        }
        if ticket.expires <= self.now() {
            return Err(KmsError::TokenExpired);
        }
        Ok(ticket)
    }

    /// Takes parameters away that are not good any more. Held by the project's turn.
    pub(super) fn forget_ticket(
        &self,
        caller: &Caller,
        project: &Project,
        ticket: &Kept<Ticket>,
        action: &'static str,
    ) -> Result<()> {
        let slot = project.partition.slot().0;
        let details = [("key", ticket.key.to_string())];
        let mut work = Work { action, details: &details, ..Work::default() };
        work.remove = vec![ticket.open, ticket.closed];
        work.writes.push((slot, ticket.deletion(Kind::KmsImport)));
        self.desk(slot, caller)?.commit(work)?;
        project.shelf.write().hide_ticket(ticket.number);
        Ok(())
    }
}

const fn importable(key: &Key) -> Result<()> {
    match (key.origin, key.state) {
        (Origin::Kms, _) => Err(KmsError::NotExternal),
        (_, State::PendingImport) => Ok(()),
        _ => Err(KmsError::NotPendingImport),
    }
}

fn wrapping_pair(desk: &Desk, key: KeyId, sm2: bool) -> Result<Fresh> {
    let label = format!("import {key}");
    let base = |class: Class| {
        Attributes::default()
            .ulong(Attr::CLASS, class.0)
            .flag(Attr::TOKEN, true)
            .flag(Attr::PRIVATE, true)
            .bytes(Attr::LABEL, label.as_bytes())
            .flag(Attr::MODIFIABLE, false)
            .flag(Attr::COPYABLE, false)
            .flag(Attr::DESTROYABLE, false)
    };
    let open =
        base(Class::PUBLIC_KEY).flag(Attr::ENCRYPT, true).flag(Attr::VERIFY, false).flag(Attr::WRAP, false);
    let closed = base(Class::PRIVATE_KEY)
        .flag(Attr::SENSITIVE, true)
        .flag(Attr::EXTRACTABLE, false)
        .flag(Attr::DECRYPT, true)
        .flag(Attr::SIGN, false)
        .flag(Attr::UNWRAP, false)
        .flag(Attr::DERIVE, false);
    // CKM_SM2_KEY_PAIR_GEN, CKM_RSA_PKCS_KEY_PAIR_GEN
    let (id, open) = match sm2 {
        true => (0xc34c_5601, open),
        false => (0x0, open.ulong(Attr::MODULUS_BITS, 2048).bytes(Attr::PUBLIC_EXPONENT, &[1, 0, 1])),
    };
    let mechanism = Mechanism { id: MechanismId(id), params: Params::None };
    Ok(desk.generate_pair(&mechanism, &open.template()?, &closed.template()?)?)
}

fn unwrapped(desk: &Desk, ticket: &Ticket, material: &[u8]) -> Result<Secret> {
    let scheme = if ticket.sm2 { Scheme::Sm2 } else { Scheme::OaepSha256 };
    desk.decrypt(ticket.closed, scheme.mechanism()?, material).map_err(|error| match error {
        hsm::Error::EncryptedDataInvalid | hsm::Error::EncryptedDataLenRange => KmsError::BadMaterial,
        error => error.into(),
    })
}

fn symmetric(key: &Key, material: Secret) -> Result<Secret> {
    match u64::try_from(material.as_bytes().len()) {
        Ok(len) if len == key.spec.size() => Ok(material),
        _ => Err(KmsError::MaterialLength(key.spec.size())),
    }
}

fn private_key(temporary: &Secret, wrapped: &[u8]) -> Result<Secret> {
    if ![16, 32].contains(&temporary.as_bytes().len()) {
        return Err(KmsError::TemporaryKey);
    }
    let key = crypto::aes::Key::new(temporary.as_bytes()).map_err(|_| KmsError::TemporaryKey)?;
    crypto::keywrap::kwp_unwrap(&key, &KWP_IV, wrapped).map_err(|_| KmsError::BadPrivateKey)
}

fn brought(desk: &Desk, key: &Key, material: &Secret) -> Result<Fresh> {
    let (spec, id) = (key.spec, key.id.to_string());
    let closed = closed(spec, key.usage, &key.name, id.as_bytes());
    if !spec.family().is_pair() {
        let template =
            closed.ulong(Attr::KEY_TYPE, spec.key_type().0).bytes(Attr::VALUE, material.as_bytes());
        return Ok(desk.bring(&[template.template()?])?);
    }
    let open = open(spec, key.usage, &key.name, id.as_bytes());
    let fresh = desk.bring_pair(material, spec.key_type(), open.template()?, closed.template()?);
    let fresh = fresh.map_err(|_| KmsError::BadPrivateKey)?;
    let fits = match (spec.family(), spec.curve()) {
        (Family::Rsa, _) => fresh.modulus_bits() == Some(spec.size()),
        (_, Some(curve)) if spec.key_type() != KeyType::SM2 => fresh.curve() == Some(curve),
        _ => true,
    };
    if fits { Ok(fresh) } else { Err(KmsError::BadPrivateKey) }
}

fn digest(bytes: &[u8]) -> Result<[u8; 32]> {
    let digest = crypto::hash::digest(Hash::Sha256, bytes).map_err(hsm::Error::from)?;
    digest.try_into().map_err(|_| KmsError::Internal("SHA-256 has 32 bytes"))
}

fn fingerprint(material: &Secret) -> Result<[u8; 32]> {
    let mut named = zeroize::Zeroizing::new(b"claviger imported material".to_vec());
    named.extend(material.as_bytes());
    digest(&named)
}

impl Scheme {
    /// The mechanism of an asymmetric scheme.
    pub(super) fn mechanism(self) -> Result<Mechanism> {
        match self {
            Self::OaepSha256 => mechanism(
                0x9,
                vec![Value::Ulong(0x250), Value::Ulong(2), Value::Ulong(1), Value::Bytes(Vec::new().into())],
            ),
            Self::Sm2 => Ok(Mechanism { id: MechanismId(0xc34c_5604), params: Params::None }),
            Self::Symmetric => Err(KmsError::Asymmetric),
        }
    }
}
