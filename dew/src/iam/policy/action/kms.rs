//! KMS: keys, data keys, grants, tags, key stores and what applications reach keys through.

use super::Access::{List, Read, Write};
use super::{Row, row};

const KEY: &str = "KeyId";
const STORE: &str = "keystore";
const POINT: &str = "accessPoint";
const POLICY: &str = "keyPolicy";

pub(super) static ACTIONS: &[Row] = &[
    // Keys.
    row(&["kms:cmk:create"], Write, KEY, &["CreateKey"]),
    row(&["kms:cmk:enable"], Write, KEY, &["EnableKey"]),
    row(&["kms:cmk:disable"], Write, KEY, &["DisableKey"]),
    row(&["kms:cmk:scheduleKeyDeletion", "kms:cmk:update"], Write, KEY, &["DeleteKey"]),
    row(&["kms:cmk:cancelKeyDeletion", "kms:cmk:update"], Write, KEY, &["CancelKeyDeletion"]),
    row(&["kms:cmk:updateKeyAlias", "kms:cmk:update"], Write, KEY, &["UpdateKeyAlias"]),
    row(&["kms:cmk:updateKeyDescription", "kms:cmk:update"], Write, KEY, &["UpdateKeyDescription"]),
    row(&["kms:cmk:createAlias", "kms:alias:create", "kms:cmk:update"], Write, KEY, &["CreateAlias"]),
    row(&["kms:cmk:deleteAlias", "kms:alias:delete", "kms:cmk:update"], Write, KEY, &["DeleteAlias"]),
    row(
        &["kms:cmk:associateAlias", "kms:alias:associate", "kms:cmk:update"],
        Write,
        KEY,
        &["AssociateAlias"],
    ),
    row(&["kms:cmk:listAliases", "kms:alias:list", "kms:cmk:list"], List, KEY, &["ListAliases"]),
    row(&["kms:cmk:list"], List, KEY, &["ListKeys"]),
    row(&["kms:cmk:get"], Read, KEY, &["ListKeyDetail"]),
    row(&["kms:cmk:getPublicKey"], Read, KEY, &["ShowPublicKey"]),
    row(&["kms:cmk:getInstance"], Read, KEY, &["ShowUserInstances"]),
    row(&["kms:cmk:getQuota"], Read, KEY, &["ShowUserQuotas"]),
    row(&["kms:cmk:replicate"], Write, KEY, &["ReplicateKey"]),
    row(&["kms:cmk:updatePrimaryRegion"], Write, KEY, &["UpdatePrimaryRegion"]),
    row(&["kms:cmk:listRegions"], List, KEY, &["ListSupportRegions"]),
    // Data.
    row(&["kms::generateRandom", "kms:cmk:generate"], Write, KEY, &["CreateRandom"]),
    row(
        &["kms:cmk:encryptData", "kms:cmk:encrypt", "kms:cmk:crypto"],
        Write,
        KEY,
        &["EncryptData", "ReEncrypt"],
    ),
    row(
        &["kms:cmk:decryptData", "kms:cmk:decrypt", "kms:cmk:crypto"],
        Write,
        KEY,
        &["DecryptData", "ReEncrypt"],
    ),
    row(&["kms:cmk:sign"], Write, KEY, &["Sign"]),
    row(&["kms:cmk:verify"], Write, KEY, &["ValidateSignature"]),
    row(&["kms:cmk:generateMac"], Write, KEY, &["GenerateMac"]),
    row(&["kms:cmk:verifyMac"], Write, KEY, &["VerifyMac"]),
    row(&["kms:cmk:deriveSharedSecret"], Write, KEY, &["DeriveSharedSecret"]),
    // Data keys.
    row(&["kms:cmk:createDataKey", "kms:dek:create"], Write, KEY, &["CreateDatakey"]),
    row(
        &["kms:cmk:createDataKeyWithoutPlaintext", "kms:dek:create"],
        Write,
        KEY,
        &["CreateDatakeyWithoutPlaintext"],
    ),
    row(
        &["kms:cmk:createDataKeyPair", "kms:dek:create"],
        Write,
        KEY,
        &["CreateEcDatakeyPair", "CreateRsaDatakeyPair"],
    ),
    row(&["kms:cmk:createDataKeyCapsule", "kms:dek:create"], Write, KEY, &["CreateDatakeyCapsule"]),
    row(&["kms:cmk:encryptDataKey", "kms:dek:encrypt", "kms:dek:crypto"], Write, KEY, &["EncryptDatakey"]),
    row(&["kms:cmk:decryptDataKey", "kms:dek:decrypt", "kms:dek:crypto"], Write, KEY, &["DecryptDatakey"]),
    row(
        &["kms:cmk:decryptDataKeyCapsule", "kms:dek:decrypt", "kms:dek:crypto"],
        Write,
        KEY,
        &["DecryptDatakeyCapsule"],
    ),
    // Imported material. Who gets the parameters is about to import.
    row(&["kms:cmk:getMaterial"], Write, KEY, &["CreateParametersForImport"]),
    row(&["kms:cmk:importMaterial"], Write, KEY, &["ImportKeyMaterial"]),
    row(&["kms:cmk:deleteMaterial"], Write, KEY, &["DeleteImportedKeyMaterial"]),
    // Grants.
    row(&["kms:cmk:createGrant", "kms:grant:create"], Write, KEY, &["CreateGrant"]),
    row(&["kms:cmk:revokeGrant", "kms:grant:revoke"], Write, KEY, &["CancelGrant"]),
    row(&["kms:cmk:retireGrant", "kms:grant:retire"], Write, KEY, &["CancelSelfGrant"]),
    row(&["kms:cmk:listGrants", "kms:grant:list"], List, KEY, &["ListGrants"]),
    row(&["kms:cmk:listRetirableGrants", "kms:grant:list"], List, KEY, &["ListRetirableGrants"]),
    // Rotation.
    row(&["kms:cmk:enableRotation"], Write, KEY, &["EnableKeyRotation"]),
    row(&["kms:cmk:updateRotation"], Write, KEY, &["UpdateKeyRotationInterval"]),
    row(&["kms:cmk:disableRotation"], Write, KEY, &["DisableKeyRotation"]),
    row(&["kms:cmk:rotate", "kms:cmk:updateRotation"], Write, KEY, &["RotateOnDemand"]),
    row(&["kms:cmk:getRotation"], Read, KEY, &["ShowKeyRotationStatus"]),
    // Tags. A batch that deletes is also refused to whom deletion is.
    row(&["kms:cmk:createTag", "kms:cmkTag:create"], Write, KEY, &["CreateKmsTag"]),
    row(&["kms:cmk:deleteTag", "kms:cmkTag:delete"], Write, KEY, &["DeleteTag"]),
    row(
        &["kms:cmk:batchCreateTags", "kms:cmkTag:batch", "kms:cmkTag:create"],
        Write,
        KEY,
        &["BatchCreateKmsTags"],
    ),
    row(
        &["kms:cmk:batchDeleteTags", "kms:cmkTag:batch", "kms:cmkTag:delete"],
        Write,
        KEY,
        &["BatchCreateKmsTags"],
    ),
    row(&["kms:cmk:getTags", "kms:cmkTag:list"], Read, KEY, &["ShowKmsTags"]),
    row(&["kms:cmk:listProjectTags", "kms:cmkTag:list"], List, KEY, &["ListKmsTags"]),
    row(&["kms:cmk:listByTags", "kms:cmkTag:listInstance"], List, KEY, &["ListKmsByTags"]),
    // Key stores.
    row(&["kms:keystore:create"], Write, STORE, &["CreateKeyStore"]),
    row(&["kms:keystore:delete"], Write, STORE, &["DeleteKeyStore"]),
    row(&["kms:keystore:enable"], Write, STORE, &["EnableKeyStore"]),
    row(&["kms:keystore:disable"], Write, STORE, &["DisableKeyStore"]),
    row(&["kms:keystore:list"], List, STORE, &["ListKeyStores"]),
    row(&["kms:keystore:get"], Read, STORE, &["ShowKeyStore"]),
    // What applications reach keys through.
    row(&["kms:accessPoint:create"], Write, POINT, &["CreateAccessPoint"]),
    row(&["kms:accessPoint:delete"], Write, POINT, &["DeleteAccessPoint"]),
    row(&["kms:accessPoint:enable"], Write, POINT, &["EnableAccessPoint"]),
    row(&["kms:accessPoint:disable"], Write, POINT, &["DisableAccessPoint"]),
    row(&["kms:accessPoint:list"], List, POINT, &["ListAccessPoint"]),
    row(&["kms:accessPoint:downloadPrivateKey"], Write, POINT, &["DownloadAccessPointPrivateKey"]),
    row(&["kms:accessPoint:createPin"], Write, POINT, &["CreatePin"]),
    row(&["kms:keyPolicy:create"], Write, POLICY, &["CreateKeyPolicy"]),
    row(&["kms:keyPolicy:delete"], Write, POLICY, &["DeleteKeyPolicy"]),
    row(&["kms:keyPolicy:update"], Write, POLICY, &["UpdateKeyPolicy"]),
    row(&["kms:keyPolicy:list"], List, POLICY, &["ListKeyPolicy"]),
    row(&["kms:keyPolicy:get"], Read, POLICY, &["ShowKeyPolicy"]),
];
