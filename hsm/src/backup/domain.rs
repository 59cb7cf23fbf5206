//! The cloning domain: a secret that several HSMs share, so that files which one of them seals, the others open.

use std::io::{Read, Write};

use ::backup::{DomainSecret, Facts, Header, Name, Opener, Recipients, Sealed, What, Writer, record_len};
use crypto::Secret;

use super::content::{Content, FileHash};
use super::{BackupError, hex};
use crate::error::Error;
use crate::event::Actor;
use crate::hsm::Hsm;
use crate::vault::{Batch, Change, Expect, RecordId, kind};

const RECORD: RecordId = RecordId { domain: 0, kind: kind::CLONING, number: 0 };
const ID: usize = 16;
const SECRET: usize = 32;
/// More than a domain's record takes.
const LONGEST: u64 = 1024;

/// The domain whose record this is.
pub(super) fn from_record(record: &Secret) -> Option<DomainSecret> {
    let (id, secret) = record.as_bytes().split_first_chunk::<ID>()?;
    (secret.len() == SECRET).then(|| DomainSecret { id: *id, secret: Secret::new(secret.to_vec()) })
}

impl Hsm {
    /// The HSM's cloning domain, if it is in one.
    ///
    /// # Errors
    /// What the vault says.
    pub fn cloning_domain(&self) -> Result<Option<DomainSecret>, Error> {
        let Some((_, record)) = self.vault.get(RECORD)? else { return Ok(None) };
        from_record(&record).map(Some).ok_or(Error::Internal("the record of a cloning domain decodes"))
    }

    /// The HSM's cloning domain.
    ///
    /// # Errors
    /// `Clash` if it is in none; what the vault says.
    pub fn own_cloning_domain(&self) -> Result<DomainSecret, BackupError> {
        let none = || {
            let why = "the HSM is in no cloning domain: `clone domain create` makes one, `clone domain import` joins one";
            BackupError::Clash(why.into())
        };
        self.cloning_domain()?.ok_or_else(none)
    }

    /// Makes a cloning domain with this HSM in it. Gives its id.
    ///
    /// # Errors
    /// `Exists` if the HSM is in one, unless that is replaced; what the vault says.
    pub fn create_cloning_domain(&self, replace: bool, by: &Actor<'_>) -> Result<[u8; ID], BackupError> {
        let mut id = [0; ID];
        crypto::random::fill(&mut id).map_err(Error::from)?;
        let secret = Secret::new(crypto::random::bytes(SECRET).map_err(Error::from)?);
        self.join(&DomainSecret { id, secret }, replace, "make a cloning domain", by)?;
        Ok(id)
    }

    fn join(
        &self,
        domain: &DomainSecret,
        replace: bool,
        action: &'static str,
        by: &Actor<'_>,
    ) -> Result<(), BackupError> {
        let now = self.cloning_domain()?;
        if let Some(now) = now.filter(|now| now.id != domain.id && !replace) {
            return Err(BackupError::Exists(format!("cloning domain {}", hex(&now.id))));
        }
        let mut record = Vec::with_capacity(ID + SECRET);
        record.extend_from_slice(&domain.id);
        record.extend_from_slice(domain.secret.as_bytes());
        let change = Change { id: RECORD, expect: Expect::Any, value: Some(Secret::new(record)) };
        let details = [("domain", hex(&domain.id))];
        let act = self.act(by, None, action, &details);
        let done = self.vault.commit(Batch::new(vec![change], vec![act.note(None)])).map(drop);
        Ok(act.unless_done(None, done.map_err(Error::from))?)
    }

    /// Writes the domain's secret to a file for another HSM.
    ///
    /// # Errors
    /// `Clash` if the HSM is in no domain; what the file is written to says; `NotRecorded`.
    pub fn export_cloning_domain(
        &self,
        recipients: &Recipients,
        to: impl Write,
        by: &Actor<'_>,
    ) -> Result<Header, BackupError> {
        let domain = self.own_cloning_domain()?;
        let mut record = Vec::with_capacity(ID + SECRET);
        record.extend_from_slice(&domain.id);
        record.extend_from_slice(domain.secret.as_bytes());
        let facts = Facts {
            what: What::Domain,
            hsm: self.vault.store_id(),
            made_at: self.now(),
            commit: self.vault.last_commit().0,
            content_len: record_len(record.len()),
            own_records: 1,
            partitions: Vec::new(),
        };
        let details = [("domain", hex(&domain.id)), ("for", super::told(recipients))];
        self.act(by, None, "export the cloning domain", &details).done(None)?;
        let mut writer = Writer::begin(to, &facts, recipients)?;
        writer.record(Name { domain: 0, kind: kind::CLONING, number: 0 }, &Secret::new(record))?;
        Ok(writer.finish()?)
    }

    /// Joins the domain whose secret is in a file. Gives its id.
    ///
    /// # Errors
    /// `Other` for a file that holds something else; `Exists` if the HSM is in another domain, unless that is
    /// replaced; else as [`Self::restore`].
    pub fn import_cloning_domain(
        &self,
        from: impl Read,
        opener: &Opener,
        file: FileHash,
        replace: bool,
        by: &Actor<'_>,
    ) -> Result<[u8; ID], BackupError> {
        let sealed = Sealed::read(from)?;
        let what = sealed.header().facts.what;
        if what != What::Domain {
            return Err(BackupError::Other { what: what.name(), instead: "no cloning domain" });
        }
        let content = Content::read(sealed.open(opener)?, LONGEST, file)?;
        let domain = content.own.get(&(kind::CLONING, 0)).and_then(from_record);
        let domain =
            domain.ok_or_else(|| BackupError::Content("it has no secret of a cloning domain".into()))?;
        self.join(&domain, replace, "join a cloning domain", by)?;
        Ok(domain.id)
    }
}
