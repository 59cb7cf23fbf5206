//! The table of commands: who may give each, and whether several people may have to approve it.
//!
//! The daemon decides by it, the console shows it, the README prints it.

use serde::{Deserialize, Serialize};

/// What somebody is to the HSM or to one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Security officer of the HSM: partitions, people, quorum, root key.
    HsmSo,
    /// Security officer of a partition: its PINs, its people, its policy.
    PartitionSo,
    /// Makes, uses and destroys a partition's keys.
    CryptoOfficer,
    /// Uses a partition's keys.
    CryptoUser,
    /// Reads and verifies the audit log, and nothing else.
    Auditor,
    /// Makes backups that it cannot read.
    BackupOperator,
}

impl Role {
    /// Every role, in the order of the README's table.
    pub const ALL: [Self; 6] = [
        Self::HsmSo,
        Self::PartitionSo,
        Self::CryptoOfficer,
        Self::CryptoUser,
        Self::Auditor,
        Self::BackupOperator,
    ];

    /// The role's name on the command line and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HsmSo => "hsm-so",
            Self::PartitionSo => "partition-so",
            Self::CryptoOfficer => "crypto-officer",
            Self::CryptoUser => "crypto-user",
            Self::Auditor => "auditor",
            Self::BackupOperator => "backup-operator",
        }
    }

    /// Whether it is a role of one partition each.
    #[must_use]
    pub const fn is_of_partitions(self) -> bool {
        matches!(self, Self::PartitionSo | Self::CryptoOfficer | Self::CryptoUser)
    }

    /// The role of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Who may give a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever may connect to the admin socket.
    Anyone,
    /// Whoever holds one of these roles: of the HSM, or of the partition that the command is about.
    Roles(&'static [Role]),
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It looks: not recorded unless it is refused.
    Look,
    /// It changes something: always recorded.
    Change,
}

/// Whether several people can be made to approve a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// It makes no sense here.
    Never,
    /// If the security officer has set it.
    Settable,
    /// As for [`Self::Settable`]; the initialisation of the HSM sets it.
    FromInit,
    /// The approvers of the key that it is about must, and nobody else can be made to.
    OfKey,
}

macro_rules! commands {
    ($($variant:ident $name:literal $who:expr, $effect:ident, $quorum:ident;)*) => {
        /// A command of the console.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Command {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Command {
            /// Every command, in the order of the README's table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name, as the console has it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Who may give it, once the HSM has people.
            #[must_use]
            pub const fn who(self) -> Who {
                match self { $(Self::$variant => $who,)* }
            }

            /// What it does.
            #[must_use]
            pub const fn effect(self) -> Effect {
                match self { $(Self::$variant => Effect::$effect,)* }
            }

            /// Whether several people can be made to approve it.
            #[must_use]
            pub const fn quorum(self) -> Quorum {
                match self { $(Self::$variant => Quorum::$quorum,)* }
            }
        }
    };
}

/// Whoever may connect.
const ANYONE: Who = Who::Anyone;
/// The HSM's security officer.
const HSM_SO: Who = Who::Roles(&[Role::HsmSo]);
/// Whoever has any role.
const ANY_ROLE: Who = Who::Roles(&Role::ALL);
/// The security officer of a partition.
const PARTITION_SO: Who = Who::Roles(&[Role::PartitionSo]);
/// The auditors, whom no security officer makes or removes.
const AUDITOR: Who = Who::Roles(&[Role::Auditor]);
/// The security officers.
const SOS: Who = Who::Roles(&[Role::HsmSo, Role::PartitionSo]);
/// Who sees the audit log of the HSM.
const WATCH: Who = Who::Roles(&[Role::HsmSo, Role::Auditor]);
/// Who sees what is recorded of a partition.
const AUDITED: Who = Who::Roles(&[Role::HsmSo, Role::PartitionSo, Role::Auditor]);
/// Who has to do with a partition.
const PARTITION: Who = Who::Roles(&[
    Role::HsmSo,
    Role::PartitionSo,
    Role::CryptoOfficer,
    Role::CryptoUser,
    Role::BackupOperator,
]);
/// Who makes backups.
const BACKUP: Who = Who::Roles(&[Role::HsmSo, Role::PartitionSo, Role::BackupOperator]);
/// Who makes and destroys a partition's keys.
const OFFICER: Who = Who::Roles(&[Role::CryptoOfficer]);
/// Who decides on what protects a partition's keys.
const CUSTODIANS: Who = Who::Roles(&[Role::PartitionSo, Role::CryptoOfficer]);
/// Who has those keys used.
const USERS: Who = Who::Roles(&[Role::PartitionSo, Role::CryptoOfficer, Role::CryptoUser]);
/// Who has to do with a partition's keys.
const KEYS: Who = Who::Roles(&[Role::CryptoOfficer, Role::CryptoUser]);
/// Who sees the keys of the KMS in a project.
const KMS_LOOK: Who =
    Who::Roles(&[Role::HsmSo, Role::PartitionSo, Role::CryptoOfficer, Role::CryptoUser, Role::Auditor]);
/// Who uses them.
const KMS_USE: Who = Who::Roles(&[Role::HsmSo, Role::CryptoOfficer, Role::CryptoUser]);
/// Who makes, changes and deletes them: whoever makes accounts has their access keys too.
const KMS_CHANGE: Who = Who::Roles(&[Role::HsmSo, Role::CryptoOfficer]);

commands! {
    Status           "status"            ANYONE,    Look,   Never;
    Unseal           "unseal"            ANYONE,    Change, Never;
    RootShow         "root show"         ANYONE,    Look,   Never;
    Seal             "seal"              HSM_SO,    Change, Settable;
    Rekey            "rekey"             HSM_SO,    Change, Settable;
    RekeyRoot        "rekey root"        HSM_SO,    Change, FromInit;
    RekeyStatus      "rekey status"      ANY_ROLE,  Look,   Never;
    ZeroizePartition "zeroize partition" HSM_SO,    Change, FromInit;
    ZeroizeHsm       "zeroize hsm"       HSM_SO,    Change, FromInit;
    Login            "login"             ANYONE,    Change, Never;
    Logout           "logout"            ANYONE,    Change, Never;
    WhoAmI           "whoami"            ANYONE,    Look,   Never;
    PeopleInit       "people init"       HSM_SO,    Change, Never;
    PeopleList       "people list"       ANY_ROLE,  Look,   Never;
    PeopleShow       "people show"       ANY_ROLE,  Look,   Never;
    AddHsmSo         "people add hsm-so"                HSM_SO,       Change, FromInit;
    AddPartitionSo   "people add partition-so"          SOS,          Change, Settable;
    AddOfficer       "people add crypto-officer"        PARTITION_SO, Change, Settable;
    AddUser          "people add crypto-user"           PARTITION_SO, Change, Settable;
    AddAuditor       "people add auditor"               AUDITOR,      Change, Settable;
    AddOperator      "people add backup-operator"       HSM_SO,       Change, Settable;
    RemoveHsmSo      "people remove hsm-so"             HSM_SO,       Change, FromInit;
    RemovePartitionSo "people remove partition-so"      HSM_SO,       Change, Settable;
    RemoveOfficer    "people remove crypto-officer"     PARTITION_SO, Change, Settable;
    RemoveUser       "people remove crypto-user"        PARTITION_SO, Change, Settable;
    RemoveAuditor    "people remove auditor"            AUDITOR,      Change, Settable;
    RemoveOperator   "people remove backup-operator"    HSM_SO,       Change, Settable;
    PeopleUnlock     "people unlock"     HSM_SO,    Change, FromInit;
    QuorumSet        "quorum set"        HSM_SO,    Change, FromInit;
    QuorumList       "quorum list"       ANY_ROLE,  Look,   Never;
    // Its own changes are recorded as such; whoever may give the command may ask for its approval.
    ApprovalRequest  "approval request"  ANY_ROLE,  Look,   Never;
    ApprovalPresent  "approval present"  ANYONE,    Look,   Never;
    CeremonyRecord   "ceremony record"   HSM_SO,    Change, Never;
    PartitionCreate  "partition create"  HSM_SO,    Change, Settable;
    LegacyCreate     "partition create --policy legacy" HSM_SO, Change, FromInit;
    PartitionList    "partition list"    PARTITION, Look,   Never;
    PartitionShow    "partition show"    PARTITION, Look,   Never;
    PartitionInit    "partition init"    SOS,       Change, Settable;
    PartitionRename  "partition rename"  SOS,       Change, Settable;
    PartitionDelete  "partition delete"  HSM_SO,    Change, FromInit;
    UnlockSoPin      "partition unlock-so-pin" HSM_SO, Change, FromInit;
    // Whoever sets it can set the user's PIN, and with that use the keys.
    ResetSoPin       "partition reset-so-pin"  HSM_SO, Change, FromInit;
    UserList         "user list"         PARTITION, Look,   Never;
    UserAdd          "user add"          PARTITION_SO, Change, Settable;
    UserRemove       "user remove"       PARTITION_SO, Change, Settable;
    UserPin          "user pin"          PARTITION_SO, Change, Settable;
    UserUnlock       "user unlock"       PARTITION_SO, Change, Settable;
    ObjectList       "object list"       PARTITION, Look,   Never;
    Import           "import"            OFFICER,   Change, Never;
    KeyGenerate      "key generate"      OFFICER,   Change, Never;
    KeyDestroy       "key destroy"       OFFICER,   Change, Settable;
    // Where the key has a quorum already, that must approve: it goes before one that is set for the command.
    KeyQuorumSet     "key quorum set"    CUSTODIANS, Change, Settable;
    KeyQuorumRemove  "key quorum remove" CUSTODIANS, Change, Settable;
    KeyQuorumShow    "key quorum show"   PARTITION, Look,   Never;
    KeyAuthorize     "key authorize"     USERS,     Change, OfKey;
    ExportPublic     "export public"     KEYS,      Look,   Never;
    ExportWrapped    "export wrapped"    OFFICER,   Change, Settable;
    AuditStatus      "audit status"      WATCH,     Look,   Never;
    AuditTail        "audit tail"        WATCH,     Look,   Never;
    AuditUses        "audit level"       AUDITED,   Look,   Never;
    AuditSetUses     "audit set-level"   SOS,       Change, Settable;
    BackupHolders    "backup holders show"  ANY_ROLE, Look,   Never;
    SetBackupHolders "backup holders set"   HSM_SO,   Change, FromInit;
    BackupCreate     "backup create"        BACKUP,   Change, Settable;
    // Whoever names who opens a backup can read it.
    BackupCreateTo   "backup create --to"   HSM_SO,   Change, FromInit;
    BackupVerify     "backup verify"        BACKUP,   Look,   Never;
    BackupRestore    "backup restore"       HSM_SO,   Change, FromInit;
    DomainShow       "clone domain show"    ANY_ROLE, Look,   Never;
    DomainCreate     "clone domain create"  HSM_SO,   Change, FromInit;
    DomainExport     "clone domain export"  HSM_SO,   Change, FromInit;
    DomainImport     "clone domain import"  HSM_SO,   Change, FromInit;
    CloneExport      "clone export"         SOS,      Change, Settable;
    CloneImport      "clone import"         SOS,      Change, Settable;
    Top              "top"               ANY_ROLE,  Look,   Never;
    InstanceOrder    "instance order"        HSM_SO,       Change, Settable;
    InstanceList     "instance list"         ANY_ROLE,     Look,   Never;
    InstanceShow     "instance show"         ANY_ROLE,     Look,   Never;
    InstanceAllocate "instance allocate"     HSM_SO,       Change, Settable;
    InstanceActivate "instance activate"     HSM_SO,       Change, Settable;
    InstanceInitialise "instance initialise" PARTITION_SO, Change, Settable;
    InstancePartition "instance partition"   PARTITION_SO, Change, Settable;
    InstanceRenew    "instance renew"        HSM_SO,       Change, Settable;
    InstanceDelete   "instance delete"       HSM_SO,       Change, FromInit;
    InstanceTag      "instance tag"          SOS,          Change, Settable;
    InstanceCertificate "instance certificate" PARTITION_SO, Change, Settable;
    InstanceRevoke   "instance revoke"       SOS,          Change, Settable;
    InstanceAllow    "instance allow"        SOS,          Change, Settable;
    InstanceEip      "instance eip"          SOS,          Change, Settable;
    // Whoever makes an account has its first access key, and with that all its keys.
    AccountCreate    "account create"        HSM_SO,       Change, Settable;
    AccountList      "account list"          ANY_ROLE,     Look,   Never;
    // Nobody but a holder of the device's code switches it off.
    AccountProtect   "account protect"       HSM_SO,       Change, Settable;
    AccountDevice    "account mfa"           HSM_SO,       Change, Settable;
    AccountDelete    "account delete"        HSM_SO,       Change, Settable;
    AccountSet       "account set"           HSM_SO,       Change, Settable;
    AccountContact   "account contact"       HSM_SO,       Change, Settable;
    // Whoever may be asked for a code has it sent, which goes to its owner and to nobody else.
    AccountCode      "account send-code"     ANY_ROLE,     Change, Never;
    // One for each kind of operation on users, groups, access keys and policies of an account, as its root user: who may
    // make accounts may, since nobody else is root of all of them.
    IamLook          "iam look"              ANY_ROLE,     Look,   Never;
    IamChange        "iam change"            HSM_SO,       Change, Settable;
    IamCredential    "iam credential"        HSM_SO,       Change, Settable;
    IamDelete        "iam delete"            HSM_SO,       Change, Settable;
    // The organization of all accounts has one administrator.
    UnitList         "unit list"             ANY_ROLE,     Look,   Never;
    UnitCreate       "unit create"           HSM_SO,       Change, Settable;
    UnitDelete       "unit delete"           HSM_SO,       Change, Settable;
    UnitMove         "unit move"             HSM_SO,       Change, Settable;
    // Whoever it names reads what all accounts do.
    UnitDelegate     "unit delegate"         HSM_SO,       Change, Settable;
    TagPolicyList    "tag-policy list"       ANY_ROLE,     Look,   Never;
    TagPolicyEnable  "tag-policy enable"     HSM_SO,       Change, Settable;
    TagPolicyDisable "tag-policy disable"    HSM_SO,       Change, Settable;
    TagPolicyCreate  "tag-policy create"     HSM_SO,       Change, Settable;
    TagPolicyUpdate  "tag-policy update"     HSM_SO,       Change, Settable;
    TagPolicyDelete  "tag-policy delete"     HSM_SO,       Change, Settable;
    TagPolicyAttach  "tag-policy attach"     HSM_SO,       Change, Settable;
    TagPolicyDetach  "tag-policy detach"     HSM_SO,       Change, Settable;
    TagPredefinedList "tag predefined list"  ANY_ROLE,     Look,   Never;
    TagPredefinedAdd "tag predefined add"    HSM_SO,       Change, Settable;
    TagPredefinedDelete "tag predefined delete" HSM_SO,    Change, Settable;
    // Whoever says where messages go has the daemon send them there.
    TopicAdd         "topic add"             HSM_SO,       Change, Settable;
    TopicList        "topic list"            ANY_ROLE,     Look,   Never;
    TopicDelete      "topic delete"          HSM_SO,       Change, Settable;
    TopicTest        "topic test"            HSM_SO,       Change, Never;
    // One for each kind of operation on keys of the KMS, with the project's partition as theirs.
    KmsLook          "kms look"              KMS_LOOK,     Look,   Never;
    KmsUse           "kms use"               KMS_USE,      Change, Never;
    KmsChange        "kms change"            KMS_CHANGE,   Change, Never;
    KmsDelete        "kms delete"            KMS_CHANGE,   Change, Settable;
    // A part of what another command moves: whoever may give that one.
    Chunk            "chunk"             ANYONE,    Look,   Never;
}

impl Command {
    /// The command of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|command| command.name() == name)
    }

    /// Whether it is about an instance, and names that.
    #[must_use]
    pub fn is_of_instances(self) -> bool {
        self.name().starts_with("instance ")
    }

    /// Whether it is about a key, which it names by its `CKA_UNIQUE_ID`, and whose own quorum approves it.
    #[must_use]
    pub const fn is_of_keys(self) -> bool {
        matches!(self, Self::KeyQuorumSet | Self::KeyQuorumRemove | Self::KeyAuthorize)
    }

    /// To give somebody this role.
    #[must_use]
    pub const fn adding(role: Role) -> Self {
        match role {
            Role::HsmSo => Self::AddHsmSo,
            Role::PartitionSo => Self::AddPartitionSo,
            Role::CryptoOfficer => Self::AddOfficer,
            Role::CryptoUser => Self::AddUser,
            Role::Auditor => Self::AddAuditor,
            Role::BackupOperator => Self::AddOperator,
        }
    }

    /// To take it from somebody.
    #[must_use]
    pub const fn removing(role: Role) -> Self {
        match role {
            Role::HsmSo => Self::RemoveHsmSo,
            Role::PartitionSo => Self::RemovePartitionSo,
            Role::CryptoOfficer => Self::RemoveOfficer,
            Role::CryptoUser => Self::RemoveUser,
            Role::Auditor => Self::RemoveAuditor,
            Role::BackupOperator => Self::RemoveOperator,
        }
    }
}

/// What a command is to roles, approvals and the audit log: never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act<'a> {
    /// The command.
    pub command: Command,
    /// What it is about: a partition, a person, an instance; none if it is about the HSM.
    pub object: Option<&'a str>,
    /// The partition that it is about, where that is not the object.
    pub partition: Option<&'a str>,
    /// What else decides what it does.
    pub details: Vec<(&'static str, String)>,
}

impl<'a> Act<'a> {
    /// A command about the HSM.
    #[must_use]
    pub const fn new(command: Command) -> Self {
        Self { command, object: None, partition: None, details: Vec::new() }
    }

    /// The same, about this.
    #[must_use]
    pub const fn on(mut self, object: &'a str) -> Self {
        self.object = Some(object);
        self
    }

    /// The same, about the object within this partition.
    #[must_use]
    pub const fn within(mut self, partition: Option<&'a str>) -> Self {
        self.partition = partition;
        self
    }

    /// The same with a detail.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "numbers and literals are handed in as they are")]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.details.push((name, value.to_string()));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_commands_and_no_two_roles_have_one_name() {
        let commands: BTreeSet<_> = Command::ALL.iter().map(|command| command.name()).collect();
        assert_eq!(commands.len(), Command::ALL.len());
        for command in Command::ALL {
            assert_eq!(Command::named(command.name()), Some(*command));
        }
        for role in Role::ALL {
            assert_eq!(Role::named(role.name()), Some(role));
        }
        assert_eq!(Role::named("root"), None);
    }

    #[test]
    fn what_several_must_approve_changes_something() {
        for command in Command::ALL.iter().filter(|command| command.quorum() != Quorum::Never) {
            assert_eq!(command.effect(), Effect::Change, "{}", command.name());
        }
    }
}
