//! What a record is called, and how its name is a key of the store.

use std::fmt;
use std::ops::RangeInclusive;

/// The kinds of record that have a name for people.
pub mod kind {
    /// In domain 0: the key of the domain of that number.
    pub const DOMAIN_KEY: u8 = 0;
    /// In domain 0: the store's header, which is a record to the journal alone.
    pub const HEADER: u8 = u8::MAX;
    /// An object.
    pub const OBJECT: u8 = 1;
    /// A token: label, serial number, policy.
    pub const TOKEN: u8 = 2;
    /// PINs and their counters.
    pub const PINS: u8 = 3;
    /// Settings.
    pub const SETTINGS: u8 = 4;
    /// In domain 0: a person.
    pub const PERSON: u8 = 24;
    /// In domain 0: which commands need approvals.
    pub const QUORUM: u8 = 25;
    /// In domain 0: a request for approvals.
    pub const REQUEST: u8 = 26;
    /// In domain 0: who opens backups.
    pub const HOLDERS: u8 = 40;
    /// In domain 0: the cloning domain.
    pub const CLONING: u8 = 41;
    /// From which backup a partition was restored.
    pub const RESTORED: u8 = 42;
    /// In domain 0: an instance; under 0, the number of the next.
    pub const INSTANCE: u8 = 50;
    /// To what an instance holds a partition.
    pub const CONFINEMENT: u8 = 51;
    /// A named user of a token.
    pub const USER: u8 = 60;
    /// In domain 0: what the KMS keeps of itself.
    pub const KMS: u8 = 70;
    /// A key of the KMS.
    pub const KMS_KEY: u8 = 71;
    /// An alias of a key.
    pub const KMS_ALIAS: u8 = 72;
    /// A grant on a key.
    pub const KMS_GRANT: u8 = 73;
    /// Parameters that were given out for the import of a key's material.
    pub const KMS_IMPORT: u8 = 74;
    /// A policy of keys.
    pub const KMS_POLICY: u8 = 75;
    /// An access point.
    pub const KMS_ACCESS_POINT: u8 = 76;
    /// How often a key was asked for in a month.
    pub const KMS_COUNT: u8 = 77;
    /// In domain 0: a key store.
    pub const KMS_STORE: u8 = 78;
    /// In domain 0: an account.
    pub const ACCOUNT: u8 = 80;
    /// In domain 0: a project of an account.
    pub const PROJECT: u8 = 81;
    /// In domain 0: an enterprise project.
    pub const ENTERPRISE_PROJECT: u8 = 82;
    /// In domain 0: a user of an account.
    pub const ACCOUNT_USER: u8 = 83;
    /// In domain 0: a group of users.
    pub const GROUP: u8 = 84;
    /// In domain 0: a policy of an account.
    pub const ROLE: u8 = 85;
    /// In domain 0: a policy given to somebody.
    pub const ASSIGNMENT: u8 = 86;
    /// In domain 0: an agency.
    pub const AGENCY: u8 = 87;
    /// In domain 0: an access key.
    pub const ACCESS_KEY: u8 = 88;
    /// In domain 0: what the directory makes tokens with.
    pub const DIRECTORY_KEY: u8 = 89;
    /// In domain 0: a unit of the organization.
    pub const UNIT: u8 = 100;
    /// In domain 0: in which unit an account is.
    pub const MEMBER: u8 = 101;
    /// In domain 0: a tag policy.
    pub const TAG_POLICY: u8 = 102;
    /// In domain 0: to what a tag policy is attached.
    pub const TAG_POLICY_ATTACHED: u8 = 103;
    /// In domain 0: whether tag policies bind.
    pub const TAG_POLICY_SWITCH: u8 = 104;
    /// In domain 0: whether an account uses enterprise projects.
    pub const ENTERPRISE_SWITCH: u8 = 107;
    /// In domain 0: the predefined tags.
    pub const PREDEFINED_TAGS: u8 = 108;
    /// In domain 0: the account that traces of the organization are gathered for.
    pub const TRACE_ADMINISTRATOR: u8 = 109;
    /// In domain 0: a tracker of CTS.
    pub const CTS_TRACKER: u8 = 90;
    /// In domain 0: a notification of CTS.
    pub const CTS_NOTIFICATION: u8 = 91;
    /// In domain 0: how far the log was read for those.
    pub const CTS_NOTIFIED: u8 = 92;
    /// A secret of CSMS.
    pub const CSMS_SECRET: u8 = 110;
    /// The value of a version of a secret.
    pub const CSMS_VALUE: u8 = 111;
    /// An event of CSMS.
    pub const CSMS_EVENT: u8 = 112;
    /// A grant on a secret.
    pub const CSMS_GRANT: u8 = 113;
    /// What a project has switched on of CSMS.
    pub const CSMS_SETTINGS: u8 = 114;
    /// A database whose passwords CSMS rotates.
    pub const CSMS_DATABASE: u8 = 115;
    /// What came of a rotation.
    pub const CSMS_TASK: u8 = 116;
    /// In domain 0: a topic, which messages go to.
    pub const TOPIC: u8 = 105;
    /// In domain 0: a message, and what became of it.
    pub const MESSAGE: u8 = 106;
    /// The quorum of a key.
    pub const KEY_QUORUM: u8 = 61;
    /// What the quorum of a key has approved, and how much of it is left. It goes into no backup.
    pub const GRANT: u8 = 62;
    /// In domain 0: what is to be recorded, under its running number; under 0, the ledger's mark. In that of a
    /// partition: how its uses of keys are recorded.
    pub const NOTE: u8 = 16;
    /// In domain 0: the key that signs the audit log.
    pub const AUDIT_KEY: u8 = 17;

    /// The name for people.
    #[must_use]
    pub const fn name(kind: u8) -> Option<&'static str> {
        match kind {
            DOMAIN_KEY => Some("key"),
            HEADER => Some("header"),
            OBJECT => Some("object"),
            TOKEN => Some("token"),
            PINS => Some("PINs"),
            SETTINGS => Some("settings"),
            PERSON => Some("person"),
            QUORUM => Some("quorum"),
            REQUEST => Some("request"),
            HOLDERS => Some("backup holders"),
            CLONING => Some("cloning domain"),
            RESTORED => Some("restore"),
            INSTANCE => Some("instance"),
            CONFINEMENT => Some("confinement"),
            USER => Some("user"),
            KMS => Some("KMS"),
            KMS_KEY => Some("KMS key"),
            KMS_ALIAS => Some("alias"),
            KMS_GRANT => Some("grant"),
            KMS_IMPORT => Some("import"),
            KMS_POLICY => Some("key policy"),
            KMS_ACCESS_POINT => Some("access point"),
            KMS_COUNT => Some("key count"),
            KMS_STORE => Some("key store"),
            ACCOUNT => Some("account"),
            PROJECT => Some("project"),
            ENTERPRISE_PROJECT => Some("enterprise project"),
            ACCOUNT_USER => Some("account user"),
            GROUP => Some("group"),
            ROLE => Some("role"),
            ASSIGNMENT => Some("assignment"),
            AGENCY => Some("agency"),
            ACCESS_KEY => Some("access key"),
            DIRECTORY_KEY => Some("directory key"),
            UNIT => Some("unit"),
            MEMBER => Some("member of a unit"),
            TAG_POLICY => Some("tag policy"),
            TAG_POLICY_ATTACHED => Some("attached tag policy"),
            TAG_POLICY_SWITCH => Some("switch of tag policies"),
            ENTERPRISE_SWITCH => Some("switch of enterprise projects"),
            PREDEFINED_TAGS => Some("predefined tags"),
            TRACE_ADMINISTRATOR => Some("administrator of traces"),
            CTS_TRACKER => Some("tracker"),
            CTS_NOTIFICATION => Some("notification"),
            CTS_NOTIFIED => Some("mark of notifications"),
            CSMS_SECRET => Some("secret"),
            CSMS_VALUE => Some("secret value"),
            CSMS_EVENT => Some("secret event"),
            CSMS_GRANT => Some("secret grant"),
            CSMS_SETTINGS => Some("secret settings"),
            CSMS_DATABASE => Some("secret database"),
            CSMS_TASK => Some("secret rotation"),
            TOPIC => Some("topic"),
            MESSAGE => Some("message"),
            KEY_QUORUM => Some("key quorum"),
            GRANT => Some("authorisation"),
            NOTE => Some("note"),
            AUDIT_KEY => Some("audit key"),
            _ => None,
        }
    }
}

/// The number of the commit that wrote a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A record's name. Records are ordered by domain, then kind, then number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// The partition; 0 is the HSM itself.
    pub domain: u64,
    /// See [`kind`].
    pub kind: u8,
    /// Its number among its kind.
    pub number: u64,
}

impl RecordId {
    /// The length of its encoding in bytes.
    pub const LEN: usize = 17;

    /// The header, as the journal names it.
    pub(super) const HEADER: Self = Self { domain: 0, kind: kind::HEADER, number: 0 };

    pub(super) const fn domain_key(domain: u64) -> Self {
        Self { domain: 0, kind: kind::DOMAIN_KEY, number: domain }
    }

    /// The encoding, whose order is that of ids.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let parts = self.domain.to_be_bytes().into_iter().chain([self.kind]).chain(self.number.to_be_bytes());
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }

    /// The id whose encoding this is.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let [d0, d1, d2, d3, d4, d5, d6, d7, kind, n0, n1, n2, n3, n4, n5, n6, n7] = *bytes;
        Self {
            domain: u64::from_be_bytes([d0, d1, d2, d3, d4, d5, d6, d7]),
            kind,
            number: u64::from_be_bytes([n0, n1, n2, n3, n4, n5, n6, n7]),
        }
    }

    /// All ids of one kind in a domain.
    pub(super) const fn all_of(domain: u64, kind: u8) -> RangeInclusive<Self> {
        Self { domain, kind, number: 0 }..=Self { domain, kind, number: u64::MAX }
    }

    /// All ids of a domain.
    pub(super) const fn all_in(domain: u64) -> RangeInclusive<Self> {
        Self { domain, kind: 0, number: 0 }..=Self { domain, kind: u8::MAX, number: u64::MAX }
    }

    /// The record's key in the store.
    pub(super) fn store_key(self) -> Vec<u8> {
        [super::journal::RECORDS, &self.to_bytes()].concat()
    }

    /// What the keys of one kind in a domain begin with.
    pub(super) fn store_prefix(domain: u64, kind: u8) -> Vec<u8> {
        [super::journal::RECORDS, &domain.to_be_bytes(), &[kind]].concat()
    }
}

/// For people: `partition 3 object 17`.
impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.domain {
            0 if self.kind == kind::DOMAIN_KEY => return write!(f, "partition {} key", self.number),
            0 => f.write_str("HSM")?,
            domain => write!(f, "partition {domain}")?,
        }
        match kind::name(self.kind) {
            Some(name) => write!(f, " {name} {}", self.number),
            None => write!(f, " kind {} record {}", self.kind, self.number),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_id() -> impl Strategy<Value = RecordId> {
        any::<(u64, u8, u64)>().prop_map(|(domain, kind, number)| RecordId { domain, kind, number })
    }

    proptest! {
        #[test]
        fn the_encoding_of_an_id_comes_back_and_keeps_its_order(a in any_id(), b in any_id()) {
            prop_assert_eq!(RecordId::from_bytes(&a.to_bytes()), a);
            prop_assert_eq!(a.cmp(&b), a.store_key().cmp(&b.store_key()));
        }
    }

    #[test]
    fn an_id_prints_as_people_say_it() {
        let id = RecordId { domain: 3, kind: kind::OBJECT, number: 17 };
        assert_eq!(id.to_string(), "partition 3 object 17");
        assert_eq!(RecordId::domain_key(4).to_string(), "partition 4 key");
        assert_eq!(RecordId { domain: 0, kind: 200, number: 1 }.to_string(), "HSM kind 200 record 1");
    }
}
