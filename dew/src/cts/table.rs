//! Which operations leave a trace, and what it is called (user guide, "Operations supported by CTS").

use serde_json::{Map, Value};

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
    /// The object of a request, and of its answer, that these fields are in; empty if there is none.
    pub object: &'static str,
    /// What kind of act it is.
    pub act: Act,
}

const fn key(operation: &'static str, name: &'static str, act: Act) -> Traced {
    let (service, resource, id, label, object) = ("KMS", "CMK", "key_id", "key_alias", "");
    Traced { service, operation, name, resource, id, label, object, act }
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

const fn notification(operation: &'static str, name: &'static str) -> Traced {
    let (resource, id, label) = ("notification", "notification_id", "notification_name");
    Traced { resource, id, label, ..tracker(operation, name) }
}

const fn secret(operation: &'static str, name: &'static str) -> Traced {
    let (service, resource, id, label) = ("CSMS", "Secret", "id", "secret_name");
    Traced { service, resource, id, label, ..key(operation, name, Change) }
}

const fn event(operation: &'static str, name: &'static str) -> Traced {
    Traced { id: "event_id", label: "event_name", ..secret(operation, name) }
}

const fn database(operation: &'static str, name: &'static str) -> Traced {
    let (resource, label, object) = ("Database", "database_name", "database");
    Traced { resource, label, object, ..secret(operation, name) }
}

const fn hsm(operation: &'static str, name: &'static str) -> Traced {
    let (service, resource, id, label) = ("DHSM", "HSM", "id", "name");
    Traced { service, resource, id, label, ..key(operation, name, Change) }
}

/// Of IAM: what it is about is of a type, and has its id in a field of the path, or else in an object.
const fn iam(
    operation: &'static str,
    name: &'static str,
    (resource, id, object): (&'static str, &'static str, &'static str),
) -> Traced {
    Traced { service: "IAM", resource, id, label: "name", object, ..key(operation, name, Change) }
}

const USER: (&str, &str, &str) = ("user", "user_id", "user");
const CREDENTIAL: (&str, &str, &str) = ("user", "user_id", "credential");
const DEVICE: (&str, &str, &str) = ("user", "user_id", "virtual_mfa_device");
const GROUP: (&str, &str, &str) = ("userGroup", "group_id", "group");
const PROJECT: (&str, &str, &str) = ("project", "project_id", "project");
const AGENCY: (&str, &str, &str) = ("agency", "agency_id", "agency");
const ROLE: (&str, &str, &str) = ("role", "role_id", "role");
const DOMAIN: (&str, &str, &str) = ("domain", "domain_id", "");

/// Who may do what, where.
const fn given(operation: &'static str, name: &'static str, resource: &'static str) -> Traced {
    iam(operation, name, (resource, "role_id", ""))
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
    key("TellDeletionRisk", "deleteKeyRiskTips", Use),
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
    secret("RotateSecret", "rotateSecret"),
    Traced {
        resource: "Agency",
        id: "agency_id",
        label: "secret_type",
        ..secret("CreateAgency", "createAgency")
    },
    Traced {
        resource: "User",
        id: "user_id",
        label: "user_name",
        ..secret("UpdateUserPassword", "updateUserPassword")
    },
    // Beyond the interface.
    Traced { label: "name", ..database("AddDatabase", "addDatabase") },
    database("UpdateDatabase", "updateDatabase"),
    database("RemoveDatabase", "removeDatabase"),
    // Who read which value, nobody can tell otherwise.
    Traced { act: Use, ..secret("ShowSecretVersion", "showSecretVersion") },
    // Of dedicated HSMs, by the console alone too.
    hsm("OrderInstance", "purchaseHsm"),
    hsm("ActivateInstance", "createHsm"),
    hsm("DeleteInstance", "deleteHsm"),
    // Of CTS itself.
    tracker("CreateTracker", "createTracker"),
    tracker("UpdateTracker", "updateTracker"),
    tracker("DeleteTracker", "deleteTracker"),
    notification("CreateNotification", "createNotification"),
    notification("UpdateNotification", "updateNotification"),
    notification("DeleteNotification", "deleteNotification"),
    Traced { id: "resource_id", ..tracker("BatchCreateResourceTags", "batchCreateResourceTags") },
    Traced { id: "resource_id", ..tracker("BatchDeleteResourceTags", "batchDeleteResourceTags") },
    // Of IAM (its user guide, "Key IAM Operations Supported by CTS"), and what that does not know.
    Traced { act: Use, ..iam("KeystoneCreateUserTokenByPassword", TOKEN_BY_PASSWORD, ("token", "", "")) },
    Traced {
        act: Use,
        ..iam("CreateTemporaryAccessKeyByToken", "createTemporaryCredential", ("user", "", ""))
    },
    iam("CreateUser", "createUser", USER),
    iam("KeystoneCreateUser", "createUser", USER),
    iam("UpdateUser", "updateUser", USER),
    iam("UpdateUserInformation", "updateUser", USER),
    iam("KeystoneUpdateUserByAdmin", "updateUser", USER),
    iam("KeystoneDeleteUser", "deleteUser", USER),
    iam("KeystoneUpdateUserPassword", "updateUserPwd", USER),
    iam("UpdateLoginProtect", "updateLoginProtect", USER),
    iam("CreatePermanentAccessKey", "addCredential", CREDENTIAL),
    iam("UpdatePermanentAccessKey", "updateCredential", CREDENTIAL),
    iam("DeletePermanentAccessKey", "deleteCredential", CREDENTIAL),
    iam("CreateMfaDevice", "createVirtualMfaDevice", DEVICE),
    iam("DeleteMfaDevice", "deleteVirtualMfaDevice", DEVICE),
    iam("CreateBindingDevice", "bindMfaDevice", DEVICE),
    iam("DeleteBindingDevice", "unbindMfaDevice", DEVICE),
    iam("KeystoneCreateGroup", "createUserGroup", GROUP),
    iam("KeystoneUpdateGroup", "updateUserGroup", GROUP),
    iam("KeystoneDeleteGroup", "deleteUserGroup", GROUP),
    iam("KeystoneAddUserToGroup", "addUserToGroup", GROUP),
    iam("KeystoneRemoveUserFromGroup", "removeUserFromGroup", GROUP),
    iam("KeystoneCreateProject", "createProject", PROJECT),
    iam("KeystoneUpdateProject", "updateProject", PROJECT),
    iam("UpdateProjectStatus", "updateProjectStatus", PROJECT),
    iam("CreateAgency", "createAgency", AGENCY),
    iam("UpdateAgency", "updateAgency", AGENCY),
    iam("DeleteAgency", "deleteAgency", AGENCY),
    Traced { label: "display_name", ..iam("CreateCloudServiceCustomPolicy", "createRole", ROLE) },
    Traced { label: "display_name", ..iam("UpdateCloudServiceCustomPolicy", "updateRole", ROLE) },
    iam("DeleteCustomPolicy", "deleteRole", ROLE),
    given("AssociateAgencyWithDomainPermission", "assignRoleToAgencyOnDomain", "roleAgencyDomain"),
    given("RemoveDomainPermissionFromAgency", "unassignRoleToAgencyOnDomain", "roleAgencyDomain"),
    given("AssociateAgencyWithProjectPermission", "assignRoleToAgencyOnProject", "roleAgencyProject"),
    given("RemoveProjectPermissionFromAgency", "unassignRoleToAgencyOnProject", "roleAgencyProject"),
    given("AssociateAgencyWithAllProjectsPermission", "assignRoleToAgencyOnAllProjects", "roleAgencyProject"),
    given("RemoveAllProjectsPermissionFromAgency", "unassignRoleToAgencyOnAllProjects", "roleAgencyProject"),
    given(
        "AssociateRoleToAgencyOnEnterpriseProject",
        "assignRoleToAgencyOnEnterpriseProject",
        "roleAgencyEnterpriseProject",
    ),
    given(
        "RevokeRoleFromAgencyOnEnterpriseProject",
        "unassignRoleToAgencyOnEnterpriseProject",
        "roleAgencyEnterpriseProject",
    ),
    given("KeystoneAssociateGroupWithDomainPermission", "assignRoleToGroupOnDomain", "roleGroupDomain"),
    given("KeystoneRemoveDomainPermissionFromGroup", "unassignRoleToGroupOnDomain", "roleGroupDomain"),
    given("KeystoneAssociateGroupWithProjectPermission", "assignRoleToGroupOnProject", "roleGroupProject"),
    given("KeystoneRemoveProjectPermissionFromGroup", "unassignRoleToGroupOnProject", "roleGroupProject"),
    given("UpdateDomainGroupInheritRole", "assignRoleToGroupOnAllProjects", "roleGroupProject"),
    given("DeleteDomainGroupInheritedRole", "unassignRoleToGroupOnAllProjects", "roleGroupProject"),
    given(
        "AssociateRoleToGroupOnEnterpriseProject",
        "assignRoleToGroupOnEnterpriseProject",
        "roleGroupEnterpriseProject",
    ),
    given(
        "RevokeRoleFromGroupOnEnterpriseProject",
        "unassignRoleToGroupOnEnterpriseProject",
        "roleGroupEnterpriseProject",
    ),
    given(
        "AssociateRoleToUserOnEnterpriseProject",
        "assignRoleToUserOnEnterpriseProject",
        "roleUserEnterpriseProject",
    ),
    given(
        "RevokeRoleFromUserOnEnterpriseProject",
        "unassignRoleToUserOnEnterpriseProject",
        "roleUserEnterpriseProject",
    ),
    iam("UpdateDomainLoginPolicy", "updateSecurityPolicies", DOMAIN),
    iam("UpdateDomainProtectPolicy", "updateSecurityPolicies", DOMAIN),
    iam("UpdateDomainPasswordPolicy", "updatePasswordPolicies", DOMAIN),
];

/// What a token by a password leaves, with or without a code; and what the others do.
const TOKEN_BY_PASSWORD: &str = "createTokenByPwd";
const TOKEN_BY_TOKEN: &str = "createTokenByToken";
const TOKEN_BY_AGENCY: &str = "createTokenByAssumeRole";

impl Traced {
    /// The names that its trace can have.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        match self.name {
            TOKEN_BY_PASSWORD => vec![TOKEN_BY_PASSWORD, TOKEN_BY_TOKEN, TOKEN_BY_AGENCY],
            name => vec![name],
        }
    }

    /// The name of the trace of an operation that was asked for so: a token can be had in several ways.
    #[must_use]
    pub fn name_of(&self, request: &Map<String, Value>) -> &'static str {
        if self.name != TOKEN_BY_PASSWORD {
            return self.name;
        }
        let methods = request.get("auth").and_then(|auth| auth.pointer("/identity/methods"));
        let has = |method: &str| {
            methods.and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == method))
        };
        match () {
            () if has("assume_role") => TOKEN_BY_AGENCY,
            () if has("token") => TOKEN_BY_TOKEN,
            () => self.name,
        }
    }
}

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
