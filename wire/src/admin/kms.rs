//! Keys of the KMS and secrets of CSMS. The console asks for operations of the REST interface by their names and with their bodies, so that
//! what is there is here too; what stands here is who may ask for which.

use serde::{Deserialize, Serialize};

use super::{Act, Command};
use crate::{Bytes, List};

/// The most projects one list brings.
pub const MAX_PROJECTS: usize = 4096;
/// How often an operation can be asked for at once.
pub const MAX_BATCH: usize = 100;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// The projects of all accounts.
    Projects,
    /// Does an operation of the interface in a project, as the root user of its account.
    Do {
        /// The project's id.
        project: String,
        /// The operation's name.
        operation: String,
        /// Its fields, those of the path among them, as JSON: once for each time that it is to be done.
        bodies: List<Bytes, MAX_BATCH>,
        /// A code of the root user's virtual MFA device, for an operation that is protected.
        code: Option<String>,
    },
    /// Does `CreateParametersForImport`, for a token that is good until this connection ends.
    ImportParameters {
        /// The project's id.
        project: String,
        /// Its fields, as JSON.
        body: Bytes,
    },
}

/// What [`Ask::ImportParameters`] does.
pub const IMPORT_PARAMETERS: &str = "CreateParametersForImport";

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Projects => Act::new(Command::AccountList),
            Self::ImportParameters { project, .. } => {
                Act::new(kind(IMPORT_PARAMETERS).command()).on(IMPORT_PARAMETERS).within(Some(project))
            }
            Self::Do { project, operation, bodies, .. } => {
                let kind = kind(operation);
                let mut act = Act::new(kind.command()).on(operation).within(Some(project));
                // What is approved is this very deletion; none of these bodies holds a secret.
                for body in bodies.iter().filter(|_| kind == Kind::Delete) {
                    act = act.with("fields", String::from_utf8_lossy(body));
                }
                act
            }
        }
    }
}

/// What an operation does, as far as roles go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It looks.
    Look,
    /// It uses a key.
    Use,
    /// It makes or changes something that can be changed back.
    Change,
    /// It shows what is secret: with operation protection on, it needs a code.
    Reveal,
    /// It takes something away: with operation protection on, it needs a code.
    Delete,
}

impl Kind {
    /// Whether it needs a code where operation protection is on.
    #[must_use]
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::Reveal | Self::Delete)
    }

    const fn command(self) -> Command {
        match self {
            Self::Look => Command::KmsLook,
            Self::Use | Self::Reveal => Command::KmsUse,
            Self::Change => Command::KmsChange,
            Self::Delete => Command::KmsDelete,
        }
    }
}

/// What stands before the names of CSMS's operations, some of which the KMS has too.
pub const CSMS: &str = "csms/";

/// The operations that only look.
const LOOKS: &[&str] = &[
    "ListAccessPoint",
    "ListAliases",
    "ListGrants",
    "ListKeyDetail",
    "ListKeyPolicy",
    "ListKeyStores",
    "ListKeys",
    "ListKmsByTags",
    "ListKmsTags",
    "ListRetirableGrants",
    "ListSupportRegions",
    "ListTraces",
    "ShowKeyCounts",
    "ShowKeyPolicy",
    "ShowKeyRotationStatus",
    "ShowKeyStore",
    "ShowKmsTags",
    "ShowPublicKey",
    "ShowUserInstances",
    "ShowUserQuotas",
    "ShowVersion",
    "ShowVersions",
    "TellDeletionRisk",
];
/// Those of CSMS.
const SECRET_LOOKS: &[&str] = &[
    "CheckSecrets",
    "ListDatabases",
    "ListGrants",
    "ListNotificationRecords",
    "ListProjectSecretsTags",
    "ListResourceInstances",
    "ListSecretEvents",
    "ListSecretTags",
    "ListSecretTask",
    "ListSecretVersions",
    "ListSecrets",
    "ListUsers",
    "ShowAgency",
    "ShowSecret",
    "ShowSecretEvent",
    "ShowSecretFunctionTemplates",
    "ShowSecretStage",
    "ShowSecretsConfig",
    "ShowUserDetail",
];
/// Those that use a key, or make data that is not kept.
const USES: &[&str] = &[
    "CreateDatakey",
    "CreateDatakeyCapsule",
    "CreateDatakeyWithoutPlaintext",
    "CreateEcDatakeyPair",
    "CreatePin",
    "CreateRandom",
    "CreateRsaDatakeyPair",
    "DecryptData",
    "DecryptDatakey",
    "DecryptDatakeyCapsule",
    "DeriveSharedSecret",
    "EncryptData",
    "EncryptDatakey",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "ValidateSignature",
    "VerifyMac",
];
/// Those that take something away.
const DELETIONS: &[&str] = &[
    "CancelGrant",
    "CancelSelfGrant",
    "DeleteAccessPoint",
    "DeleteAlias",
    "DeleteImportedKeyMaterial",
    "DeleteKey",
    "DeleteKeyPolicy",
    "DeleteKeyStore",
];

/// Those of CSMS that take something away.
const SECRET_DELETIONS: &[&str] =
    &["DeleteGrant", "DeleteSecret", "DeleteSecretEvent", "DeleteSecretForSchedule", "RemoveDatabase"];

/// What the operation of this name does. One that is not known may change anything.
#[must_use]
pub fn kind(operation: &str) -> Kind {
    if let Some(operation) = operation.strip_prefix(CSMS) {
        return match operation {
            "ShowSecretVersion" => Kind::Reveal,
            "DownloadSecretBlob" | "GenerateRandomPassword" => Kind::Use,
            look if SECRET_LOOKS.contains(&look) => Kind::Look,
            deletion if SECRET_DELETIONS.contains(&deletion) => Kind::Delete,
            _ => Kind::Change,
        };
    }
    let among = |names: &[&str]| names.contains(&operation);
    match () {
        () if among(LOOKS) => Kind::Look,
        () if among(USES) => Kind::Use,
        () if among(DELETIONS) => Kind::Delete,
        () => Kind::Change,
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Projects`].
    Projects(List<Project, MAX_PROJECTS>),
    /// To [`Ask::Do`]: for each time the answer as JSON, empty if there is nothing to say, or why it was not done.
    Answers(List<Result<Bytes, String>, MAX_BATCH>),
}

/// A project of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id, which is the label of its partition too.
    pub id: String,
    /// Its name, which begins with its region's.
    pub name: String,
    /// The account's name.
    pub account: String,
    /// Whether deletions need a code.
    pub protected: bool,
    /// Whether its account uses enterprise projects.
    pub enterprise_projects: bool,
}
