//! The system's own policies and roles, as the guide's Tables 8-1 to 8-3 and IAM's "System-defined Permissions" have them.

use std::sync::LazyLock;

use super::document::Policy;

/// Whether it is called a role or a policy: roles are older, and of whole services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A role.
    Role,
    /// A policy.
    Policy,
}

/// A policy of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemPolicy {
    /// Its id, the same everywhere and for ever.
    pub id: &'static str,
    /// Its name inside the system.
    pub name: &'static str,
    /// Its name for people.
    pub display_name: &'static str,
    /// A role or a policy.
    pub sort: Sort,
    /// The service it is of, as `GET /v3/roles` lists it.
    pub catalog: &'static str,
    /// Where it can be attached: `AX` for global services, `XA` in projects, `AA` in both.
    pub layer: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The document.
    pub document: &'static str,
}

/// All of them.
pub static SYSTEM_POLICIES: &[SystemPolicy] = &[
    // Table 8-1.
    SystemPolicy {
        id: "c1a71ce000000000000000000000001a",
        name: "kms_adm",
        display_name: "KMS Administrator",
        sort: Sort::Role,
        catalog: "KMS",
        layer: "XA",
        description: "All permissions of KMS",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:*:*"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000002a",
        name: "system_all_38",
        display_name: "KMS CMKFullAccess",
        sort: Sort::Policy,
        catalog: "KMS",
        layer: "XA",
        description: "All permissions for KMS keys",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:*","kms:dek:*","kms:grant:*","kms:cmkTag:*","kms:alias:*","kms::generateRandom"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000003a",
        name: "system_all_39",
        display_name: "KMS CMKReadOnlyAccess",
        sort: Sort::Policy,
        catalog: "KMS",
        layer: "XA",
        description: "Read-only permissions for KMS keys",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:get","kms:cmk:list*","kms:cmk:getPublicKey","kms:cmk:getRotation","kms:cmk:getTags","kms:cmk:getInstance","kms:cmk:getQuota"]}]}"#,
    },
    // Table 8-2.
    SystemPolicy {
        id: "c1a71ce000000000000000000000004a",
        name: "dew_keypair_full",
        display_name: "DEW KeypairFullAccess",
        sort: Sort::Policy,
        catalog: "DEW",
        layer: "XA",
        description: "All permissions for KPS",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kps:domainKeypairs:*","ecs:serverKeypairs:*"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000005a",
        name: "dew_keypair_read",
        display_name: "DEW KeypairReadOnlyAccess",
        sort: Sort::Policy,
        catalog: "DEW",
        layer: "XA",
        description: "Read-only permissions for KPS: its data can be seen",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kps:domainKeypairs:get*","kps:domainKeypairs:list*","ecs:serverKeypairs:get*","ecs:serverKeypairs:list*"]}]}"#,
    },
    // Table 8-3.
    SystemPolicy {
        id: "c1a71ce000000000000000000000006a",
        name: "csms_full",
        display_name: "CSMS FullAccess",
        sort: Sort::Policy,
        catalog: "CSMS",
        layer: "XA",
        description: "All permissions for CSMS",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["csms:*:*"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000007a",
        name: "csms_read",
        display_name: "CSMS ReadOnlyAccess",
        sort: Sort::Policy,
        catalog: "CSMS",
        layer: "XA",
        description: "Read-only permissions for CSMS",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["csms:*:get*","csms:*:list*"]}]}"#,
    },
    // Of several services, and of IAM. Tenant Guest has beside all that reads the nine of "Tenant Guest Roles".
    SystemPolicy {
        id: "c1a71ce000000000000000000000008a",
        name: "te_admin",
        display_name: "Tenant Administrator",
        sort: Sort::Role,
        catalog: "BASE",
        layer: "AA",
        description: "All permissions for all services except IAM",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:*:*","csms:*:*","kps:*:*","ecs:*:*","dhsm:*:*","cts:*:*","eps:*:*","organizations:*:*","ram:*:*","tms:*:*","rds:*:*","gaussdb:*:*"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000009a",
        name: "readonly",
        display_name: "Tenant Guest",
        sort: Sort::Role,
        catalog: "BASE",
        layer: "AA",
        description: "Read-only permissions for all services except IAM, and the use of keys",
        document: r#"{"Version":"1.1","Statement":[
            {"Effect":"Allow","Action":["kms:cmk:get","kms:cmk:getPublicKey","kms:cmk:getRotation","kms:cmk:getTags","kms:cmk:getInstance","kms:cmk:getQuota","kms:keystore:get","kms:keyPolicy:get","kms:*:list*","csms:*:get*","csms:*:list*","kps:*:get*","kps:*:list*","ecs:*:get*","ecs:*:list*","dhsm:*:get*","dhsm:*:list*","cts:*:get*","cts:*:list*","eps:*:get*","eps:*:list*","organizations:*:get*","organizations:*:list*","ram:*:get*","ram:*:list*","ram:*:search*","tms:*:get*","tms:*:list*"]},
            {"Effect":"Allow","Action":["kms:cmk:create","kms:cmk:createDataKey","kms:cmk:createDataKeyWithoutPlaintext","kms:cmk:encryptDataKey","kms:cmk:decryptDataKey","kms:cmk:retireGrant","kms:cmk:decryptData","kms:cmk:encryptData","kms::generateRandom"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000010a",
        name: "secu_admin",
        display_name: "Security Administrator",
        sort: Sort::Role,
        catalog: "BASE",
        layer: "AX",
        description: "All permissions for IAM",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["iam:*:*"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000011a",
        name: "te_agency",
        display_name: "Agent Operator",
        sort: Sort::Role,
        catalog: "BASE",
        layer: "AX",
        description: "To act in another account by an agency that it has created for this one",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["iam:agencies:assume"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000012a",
        name: "system_all_24",
        display_name: "IAM ReadOnlyAccess",
        sort: Sort::Policy,
        catalog: "IAM",
        layer: "AX",
        description: "Read-only permissions for IAM",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["iam:*:get*","iam:*:list*","iam:*:check*"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000013a",
        name: "system_all_1001",
        display_name: "FullAccess",
        sort: Sort::Policy,
        catalog: "BASE",
        layer: "AA",
        description: "All permissions for all services, IAM included",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["*:*:*"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000014a",
        name: "cts_adm",
        display_name: "CTS Administrator",
        sort: Sort::Role,
        catalog: "CTS",
        layer: "XA",
        description: "All permissions for CTS",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["cts:*:*"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000015a",
        name: "system_all_91",
        display_name: "CTS FullAccess",
        sort: Sort::Policy,
        catalog: "CTS",
        layer: "XA",
        description: "All permissions for CTS",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["cts:*:*"]}]}"#,
    },
    SystemPolicy {
        id: "c1a71ce000000000000000000000016a",
        name: "system_all_92",
        display_name: "CTS ReadOnlyAccess",
        sort: Sort::Policy,
        catalog: "CTS",
        layer: "XA",
        description: "Read-only permissions for CTS",
        document: r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["cts:*:get*","cts:*:list*"]}]}"#,
    },
];

/// Those of [`SYSTEM_POLICIES`], ready to decide by.
static READ: LazyLock<Vec<(&SystemPolicy, Policy)>> = LazyLock::new(|| {
    let read =
        |row: &'static SystemPolicy| Some((row, Policy::of_the_system(row.display_name, row.document).ok()?));
    SYSTEM_POLICIES.iter().filter_map(read).collect()
});

impl SystemPolicy {
    /// The one with an id, a name, or a name for people.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SYSTEM_POLICIES.iter().find(|row| [row.id, row.name, row.display_name].contains(&name))
    }

    /// Ready to decide by. None for a value that is not one of [`SYSTEM_POLICIES`].
    #[must_use]
    pub fn policy(&self) -> Option<&'static Policy> {
        READ.iter().find(|(row, _)| row.id == self.id).map(|(_, policy)| policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_can_be_read_and_has_an_id_and_names_of_its_own() {
        for row in SYSTEM_POLICIES {
            let read = Policy::of_the_system(row.name, row.document);
            assert_eq!(read.as_ref().err(), None, "{}", row.display_name);
            assert_eq!(read.unwrap().unknown_actions().collect::<Vec<_>>(), [""; 0], "{}", row.display_name);
            assert!(row.id.len() == 32 && row.id.chars().all(|digit| digit.is_ascii_hexdigit()));
            for name in [row.id, row.name, row.display_name] {
                assert_eq!(SystemPolicy::find(name), Some(row));
            }
            assert_eq!(row.policy().map(Policy::name), Some(row.display_name));
        }
    }
}
