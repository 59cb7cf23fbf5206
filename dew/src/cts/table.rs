//! Which operations leave a trace, and what it is called (user guide, "Operations supported by CTS").

use crate::kms::Happened;

/// What kind of act an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It changes something: its trace is on the disk before it is answered.
    Change,
    /// It uses a key, as often as an application likes: its trace is written before it is answered, and those beyond a
    /// measure are counted.
    Use,
}

/// An operation that leaves a trace.
#[derive(Clone, Copy, Debug)]
pub struct Traced {
    /// The service, as traces name it.
    pub service: &'static str,
    /// Its name in the SDKs.
    pub operation: &'static str,
    /// The trace's.
    pub name: &'static str,
    /// The type of the resource.
    pub resource: &'static str,
    /// The field of a request or an answer that has the resource's id.
    pub id: &'static str,
    /// The field of a request that has its name.
    pub label: &'static str,
    /// What kind of act it is.
    pub act: Act,
}

const fn key(operation: &'static str, name: &'static str, act: Act) -> Traced {
    Traced { service: "KMS", operation, name, resource: "CMK", id: "key_id", label: "key_alias", act }
}

const fn store(operation: &'static str, name: &'static str) -> Traced {
    let (resource, id, label) = ("KeyStore", "keystore_id", "keystore_alias");
    Traced { resource, id, label, ..key(operation, name, Change) }
}

const fn point(operation: &'static str, name: &'static str) -> Traced {
    let (resource, id, label) = ("AccessPoint", "access_point_id", "access_point_name");
    Traced { resource, id, label, ..key(operation, name, Change) }
}

const fn policy(operation: &'static str, name: &'static str) -> Traced {
    let (resource, id, label) = ("KeyPolicy", "policy_id", "policy_name");
    Traced { resource, id, label, ..key(operation, name, Change) }
}

const fn tracker(operation: &'static str, name: &'static str) -> Traced {
    let (service, resource, id, label) = ("CTS", "tracker", "id", "tracker_name");
    Traced { service, resource, id, label, ..key(operation, name, Change) }
}

const fn secret(operation: &'static str, name: &'static str) -> Traced {
    let (service, resource, id, label) = ("CSMS", "Secret", "id", "secret_name");
    Traced { service, resource, id, label, ..key(operation, name, Change) }
}

const fn event(operation: &'static str, name: &'static str) -> Traced {
    Traced { id: "event_id", label: "event_name", ..secret(operation, name) }
}

use Act::{Change, Use};

/// The operations. First those of the guide's table; then those that it does not know, in the same spirit: a change
/// without a trace could not be explained to who asks for it. What only reads leaves none.
pub static TRACED: &[Traced] = &[
    key("CreateKey", "createKey", Change),
    key("CreateDatakey", "createDataKey", Use),
    key("CreateDatakeyWithoutPlaintext", "createDataKeyWithoutPlaintext", Use),
    key("EnableKey", "enableKey", Change),
    key("DisableKey", "disableKey", Change),
    key("EncryptDatakey", "encryptDatakey", Use),
    key("DecryptDatakey", "decryptDatakey", Use),
    key("DeleteKey", "scheduleKeyDeletion", Change),
    key("CancelKeyDeletion", "cancelKeyDeletion", Change),
    Traced { resource: "RNG", ..key("CreateRandom", "genRandom", Use) },
    key("UpdateKeyAlias", "updateKeyAlias", Change),
    key("UpdateKeyDescription", "updateKeyDescription", Change),
    key("ImportKeyMaterial", "importKeyMaterial", Change),
    key("DeleteImportedKeyMaterial", "deleteImportedKeyMaterial", Change),
    key("CreateGrant", "createGrant", Change),
    key("CancelSelfGrant", "retireGrant", Change),
    key("CancelGrant", "revokeGrant", Change),
    key("EncryptData", "encryptData", Use),
    key("DecryptData", "decryptData", Use),
    key("CreateKmsTag", "dealUnifiedTags", Change),
    key("DeleteTag", "dealUnifiedTags", Change),
    key("BatchCreateKmsTags", "dealUnifiedTags", Change),
    key("EnableKeyRotation", "enableKeyRotation", Change),
    key("UpdateKeyRotationInterval", "updateKeyRotationInterval", Change),
    // Beyond the table.
    key("DisableKeyRotation", "disableKeyRotation", Change),
    key("RotateOnDemand", "rotateOnDemand", Change),
    key("CreateParametersForImport", "createParametersForImport", Change),
    key("CreateAlias", "createAlias", Change),
    key("DeleteAlias", "deleteAlias", Change),
    key("AssociateAlias", "associateAlias", Change),
    policy("CreateKeyPolicy", "createKeyPolicy"),
    policy("UpdateKeyPolicy", "updateKeyPolicy"),
    policy("DeleteKeyPolicy", "deleteKeyPolicy"),
    store("CreateKeyStore", "createKeyStore"),
    store("DeleteKeyStore", "deleteKeyStore"),
    store("EnableKeyStore", "enableKeyStore"),
    store("DisableKeyStore", "disableKeyStore"),
    point("CreateAccessPoint", "createAccessPoint"),
    point("DeleteAccessPoint", "deleteAccessPoint"),
    point("EnableAccessPoint", "enableAccessPoint"),
    point("DisableAccessPoint", "disableAccessPoint"),
    point("DownloadAccessPointPrivateKey", "downloadAccessPointPrivateKey"),
    key("ReplicateKey", "replicateKey", Change),
    key("UpdatePrimaryRegion", "updatePrimaryRegion", Change),
    key("Sign", "sign", Use),
    key("ValidateSignature", "validateSignature", Use),
    key("GenerateMac", "generateMac", Use),
    key("VerifyMac", "verifyMac", Use),
    key("ReEncrypt", "reEncrypt", Use),
    key("CreateRsaDatakeyPair", "createRsaDatakeyPair", Use),
    key("CreateEcDatakeyPair", "createEcDatakeyPair", Use),
    key("DeriveSharedSecret", "deriveSharedSecret", Use),
    key("CreateDatakeyCapsule", "createDatakeyCapsule", Use),
    key("DecryptDatakeyCapsule", "decryptDatakeyCapsule", Use),
    Traced { resource: "PIN", ..key("CreatePin", "createPin", Use) },
    // By the console alone.
    key("EditGrant", "editGrant", Change),
    key("MoveKey", "moveKey", Change),
    // Of CSMS: first those of the guide's table.
    Traced { label: "name", ..secret("CreateSecret", "createSecret") },
    secret("UpdateSecret", "updateSecret"),
    secret("DeleteSecret", "forceDeleteSecret"),
    secret("DeleteSecretForSchedule", "scheduleDelSecret"),
    secret("RestoreSecret", "restoreSecretFromDeletedStatus"),
    secret("CreateSecretStage", "createSecretStage"),
    secret("UpdateSecretStage", "updateSecretStage"),
    secret("DeleteSecretStage", "deleteSecretStage"),
    secret("CreateSecretVersion", "createSecretVersion"),
    secret("DownloadSecretBlob", "backupSecret"),
    secret("UploadSecretBlob", "restoreSecretFromBackupBlob"),
    secret("UpdateVersion", "putSecretVersion"),
    Traced { label: "name", ..event("CreateSecretEvent", "createSecretEvent") },
    event("UpdateSecretEvent", "updateSecretEvent"),
    event("DeleteSecretEvent", "deleteSecretEvent"),
    Traced { id: "secret_id", ..secret("CreateSecretTag", "createResourceTag") },
    Traced { id: "secret_id", ..secret("DeleteSecretTag", "deleteResourceTag") },
    // Beyond the table.
    Traced { id: "secret_id", ..secret("BatchCreateOrDeleteTags", "dealUnifiedTags") },
    secret("BatchImportSecrets", "batchImportSecrets"),
    Traced { id: "resource_id", ..secret("CreateGrants", "createSecretGrant") },
    Traced { id: "resource_id", ..secret("UpdateGrant", "updateSecretGrant") },
    Traced { id: "resource_id", ..secret("DeleteGrant", "deleteSecretGrant") },
    secret("UpdateSecretsConfig", "updateSecretsConfig"),
    // Who read which value, nobody can tell otherwise.
    Traced { act: Use, ..secret("ShowSecretVersion", "showSecretVersion") },
    // Of CTS itself.
    tracker("CreateTracker", "createTracker"),
    tracker("UpdateTracker", "updateTracker"),
    tracker("DeleteTracker", "deleteTracker"),
    Traced { id: "resource_id", ..tracker("BatchCreateResourceTags", "batchCreateResourceTags") },
    Traced { id: "resource_id", ..tracker("BatchDeleteResourceTags", "batchDeleteResourceTags") },
];

/// What a service does by itself, as the trace names it: no operation is for it.
pub const fn by_itself(what: Happened) -> Traced {
    key(
        "",
        match what {
            Happened::Deleted => "deleteKey",
            Happened::Expired => "expireKeyMaterial",
            Happened::Rotated => "rotateKey",
        },
        Change,
    )
}

/// What an operation of a service leaves, if anything.
#[must_use]
pub fn traced(service: &str, operation: &str) -> Option<&'static Traced> {
    TRACED.iter().find(|row| row.operation == operation && row.service.eq_ignore_ascii_case(service))
}
