//! Tables 8-1 to 8-4 of the guide. That the operations obey over the wire is for the REST tests; here is what is decided.

use dew::iam::policy::{Access, Action};

use crate::{may, may_do, system};

/// Table 8-4: an operation as the table calls it, its service, those of the API, and the cells: KMS Administrator, KMS
/// CMKFullAccess, DEW KeypairFullAccess, DEW KeypairReadOnlyAccess.
type Row = (&'static str, &'static str, &'static [&'static str], [bool; 4]);

const POLICIES: [&str; 4] =
    ["KMS Administrator", "KMS CMKFullAccess", "DEW KeypairFullAccess", "DEW KeypairReadOnlyAccess"];
const KEYS: [bool; 4] = [true, true, false, false];
const PAIRS: [bool; 4] = [false, false, true, false];
const SEEN_PAIRS: [bool; 4] = [false, false, true, true];

const TABLE_8_4: &[Row] = &[
    ("Creating a key", "kms", &["CreateKey"], KEYS),
    ("Enable a key", "kms", &["EnableKey"], KEYS),
    ("Disable a key", "kms", &["DisableKey"], KEYS),
    ("Schedule key deletion", "kms", &["DeleteKey"], KEYS),
    ("Cancel scheduled key deletion", "kms", &["CancelKeyDeletion"], KEYS),
    ("Modify a key alias", "kms", &["UpdateKeyAlias"], KEYS),
    ("Modify key description", "kms", &["UpdateKeyDescription"], KEYS),
    ("Generate a random number", "kms", &["CreateRandom"], KEYS),
    ("Create a DEK", "kms", &["CreateDatakey"], KEYS),
    ("Create a plaintext-free DEK", "kms", &["CreateDatakeyWithoutPlaintext"], KEYS),
    ("Encrypt a DEK", "kms", &["EncryptDatakey"], KEYS),
    ("Decrypt a DEK", "kms", &["DecryptDatakey"], KEYS),
    ("Obtain parameters for importing a key", "kms", &["CreateParametersForImport"], KEYS),
    ("Import key materials", "kms", &["ImportKeyMaterial"], KEYS),
    ("Delete key materials", "kms", &["DeleteImportedKeyMaterial"], KEYS),
    ("Create a grant", "kms", &["CreateGrant"], KEYS),
    ("Revoke a grant", "kms", &["CancelGrant"], KEYS),
    ("Retire a grant", "kms", &["CancelSelfGrant"], KEYS),
    ("Query the grant list", "kms", &["ListGrants"], KEYS),
    ("Query retirable grants", "kms", &["ListRetirableGrants"], KEYS),
    ("Encrypt data", "kms", &["EncryptData"], KEYS),
    ("Decrypt data", "kms", &["DecryptData"], KEYS),
    ("Send signature messages", "kms", &["Sign"], KEYS),
    ("Authenticate signature", "kms", &["ValidateSignature"], KEYS),
    ("Enabling key rotation", "kms", &["EnableKeyRotation"], KEYS),
    ("Modify key rotation interval", "kms", &["UpdateKeyRotationInterval"], KEYS),
    ("Disabling key rotation", "kms", &["DisableKeyRotation"], KEYS),
    ("Query key rotation status", "kms", &["ShowKeyRotationStatus"], KEYS),
    ("Query CMK instances", "kms", &["ListKmsByTags"], KEYS),
    ("Query key tags", "kms", &["ShowKmsTags"], KEYS),
    ("Query project tags", "kms", &["ListKmsTags"], KEYS),
    ("Batch add or delete key tags", "kms", &["BatchCreateKmsTags"], KEYS),
    ("Add tags to a key", "kms", &["CreateKmsTag"], KEYS),
    ("Delete key tags", "kms", &["DeleteTag"], KEYS),
    ("Query the key list", "kms", &["ListKeys"], KEYS),
    ("Query key details", "kms", &["ListKeyDetail"], KEYS),
    ("Query public key", "kms", &["ShowPublicKey"], KEYS),
    ("Query instance quantity", "kms", &["ShowUserInstances"], KEYS),
    ("Query quotas", "kms", &["ShowUserQuotas"], KEYS),
    ("Query the key pair list", "kps", &["ListKeypairs"], SEEN_PAIRS),
    ("Create or import a key pair", "kps", &["CreateKeypair", "BatchImportKeypair"], PAIRS),
    ("Query key pairs", "kps", &["ListKeypairDetail"], SEEN_PAIRS),
    ("Delete a key pair", "kps", &["DeleteKeypair"], PAIRS),
    ("Update key pair description", "kps", &["UpdateKeypairDescription"], PAIRS),
    ("Bind a key pair", "kps", &["AssociateKeypair", "BatchAssociateKeypair"], PAIRS),
    ("Unbind a key pair", "kps", &["DisassociateKeypair"], PAIRS),
    ("Query a binding task", "kps", &["ListKeypairTask"], SEEN_PAIRS),
    ("Query failed tasks", "kps", &["ListFailedTask"], SEEN_PAIRS),
    ("Delete all failed tasks", "kps", &["DeleteAllFailedTask"], PAIRS),
    ("Delete a failed task", "kps", &["DeleteFailedTask"], PAIRS),
    ("Query running tasks", "kps", &["ListRunningTask"], SEEN_PAIRS),
];

/// Each row of the table is one requirement, IAM-012 the first. The REST tests go over the wire too.
///
/// Requirement: IAM-012, IAM-013, IAM-014, IAM-015, IAM-016, IAM-017, IAM-018, IAM-019, IAM-020, IAM-021, IAM-022, IAM-023, IAM-024, IAM-025, IAM-026, IAM-027, IAM-028, IAM-029, IAM-030, IAM-031, IAM-032, IAM-033, IAM-034, IAM-035, IAM-036, IAM-037, IAM-038, IAM-039, IAM-040, IAM-041, IAM-042, IAM-043, IAM-044, IAM-045, IAM-046, IAM-047, IAM-048, IAM-049, IAM-050, IAM-051, IAM-052, IAM-053, IAM-054, IAM-055, IAM-056, IAM-057, IAM-058, IAM-059, IAM-060, IAM-061, IAM-062
#[test]
fn table_8_4_holds_cell_by_cell() {
    assert_eq!(TABLE_8_4.len(), 51, "the table has 51 rows");
    for (row, service, operations, cells) in TABLE_8_4 {
        for (name, cell) in POLICIES.iter().zip(cells) {
            for operation in *operations {
                assert_eq!(may(&[system(name)], service, operation), *cell, "{row} with {name}");
            }
        }
    }
}

/// What a policy allows of a service, by access.
fn allowed(name: &str, service: &str) -> Vec<(Action, bool)> {
    let of_service = Action::all().filter(|action| action.service() == service);
    of_service.map(|action| (action, may_do(&[system(name)], action, Some("x")))).collect()
}

/// Requirement: IAM-005, IAM-006, IAM-007
#[test]
fn table_8_1_holds_for_every_action_of_kms() {
    assert!(allowed("KMS Administrator", "kms").iter().all(|(_, allowed)| *allowed));
    for (action, allowed) in allowed("KMS CMKFullAccess", "kms") {
        assert_eq!(allowed, action.resource() == "KeyId", "{}", action.name());
    }
    for (action, allowed) in allowed("KMS CMKReadOnlyAccess", "kms") {
        let reads_keys = action.resource() == "KeyId" && action.access() != Access::Write;
        assert_eq!(allowed, reads_keys, "{}", action.name());
    }
}

/// Requirement: IAM-008, IAM-009, IAM-010, IAM-011
#[test]
fn tables_8_2_and_8_3_hold_for_every_action_of_kps_and_csms() {
    let pairs = [
        ("kps", "DEW KeypairFullAccess", "DEW KeypairReadOnlyAccess"),
        ("csms", "CSMS FullAccess", "CSMS ReadOnlyAccess"),
        ("cts", "CTS FullAccess", "CTS ReadOnlyAccess"),
    ];
    for (service, full, read) in pairs {
        assert!(allowed(full, service).iter().all(|(_, allowed)| *allowed), "{full}");
        for (action, allowed) in allowed(read, service) {
            assert_eq!(allowed, action.access() != Access::Write, "{} with {read}", action.name());
        }
    }
    assert!(allowed("CTS Administrator", "cts").iter().all(|(_, allowed)| *allowed));
}

/// Requirement: IAM-064
#[test]
fn a_policy_of_one_service_says_nothing_of_others() {
    let of = [
        ("kms", &["KMS Administrator", "KMS CMKFullAccess", "KMS CMKReadOnlyAccess"][..]),
        ("kps", &["DEW KeypairFullAccess", "DEW KeypairReadOnlyAccess"]),
        ("csms", &["CSMS FullAccess", "CSMS ReadOnlyAccess"]),
        ("cts", &["CTS Administrator", "CTS FullAccess", "CTS ReadOnlyAccess"]),
        ("iam", &["Security Administrator", "IAM ReadOnlyAccess"]),
    ];
    for (service, names) in of {
        for action in Action::all().filter(|action| action.service() != service) {
            for name in names {
                assert!(!may_do(&[system(name)], action, Some("x")), "{} with {name}", action.name());
            }
        }
    }
}

#[test]
fn the_policies_of_iam_are_of_iam() {
    assert!(allowed("Security Administrator", "iam").iter().all(|(_, allowed)| *allowed));
    for (action, allowed) in allowed("IAM ReadOnlyAccess", "iam") {
        assert_eq!(allowed, action.access() != Access::Write, "{}", action.name());
    }
    for (action, allowed) in allowed("Agent Operator", "iam") {
        assert_eq!(allowed, action.name() == "iam:agencies:assume", "{}", action.name());
    }
    for name in ["Tenant Administrator", "Tenant Guest"] {
        assert!(allowed(name, "iam").iter().all(|(_, allowed)| !allowed), "{name}");
    }
}
