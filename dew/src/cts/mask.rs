//! What a trace shows of a request and its answer: the fields that are known to be harmless. All else is masked, so that
//! a field that is new to us is secret until somebody says that it is not.

use serde_json::{Map, Value};

/// What stands in place of what is masked.
const MASK: &str = "******";

/// The fields that are shown: names, ids, types, settings and errors.
const SHOWN: &[&str] = &[
    "access",
    "access_key",
    "access_mode",
    "access_point_id",
    "access_point_name",
    "action",
    "additional_authenticated_data_length",
    "admin",
    "agency_id",
    "agency_name",
    "alias",
    "alias_urn",
    "aliases",
    "auto_rotation",
    "bit_length",
    "bucket_name",
    "checking_secret_strength",
    "ciphertext_recipient",
    "cluster_id",
    "code",
    "compress_type",
    "condition",
    "create_time",
    "creator",
    "data_bucket_name",
    "data_event",
    "database_name",
    "datakey_cipher_length",
    "datakey_length",
    "datakey_plain_length",
    "default_key_flag",
    "description",
    "detail",
    "display_name",
    "domain_id",
    "domain_name",
    "enabled",
    "encryption_algorithm",
    "engine",
    "enterprise_project_id",
    "error_code",
    "error_msg",
    "event_id",
    "event_name",
    "event_subscriptions",
    "event_types",
    "exclude_service",
    "expiration_time",
    "expire_time",
    "failed",
    "file_prefix_name",
    "grant_id",
    "grantee_principal",
    "grantee_principal_type",
    "grantee_target_id",
    "grantee_type",
    "grantee_user",
    "grants",
    "group_id",
    "host",
    "hsm_cluster_id",
    "id",
    "is_authorized_bucket",
    "is_lts_enabled",
    "is_obs_created",
    "is_organization_tracker",
    "is_sort_by_service",
    "is_support_filter",
    "is_support_trace_files_encryption",
    "is_support_validate",
    "key",
    "key_alias",
    "key_description",
    "key_id",
    "key_rotation_enabled",
    "key_spec",
    "key_state",
    "key_usage",
    "keyspace_id",
    "keystore_alias",
    "keystore_id",
    "keystore_state",
    "keystore_type",
    "kms_key_id",
    "log_group_name",
    "log_topic_name",
    "mac_algorithm",
    "mac_valid",
    "message_type",
    "methods",
    "name",
    "notification_id",
    "notification_name",
    "notification_type",
    "operation_type",
    "operations",
    "origin",
    "parent_id",
    "pending_days",
    "pin_type",
    "policy_id",
    "policy_name",
    "port",
    "primary_region",
    "project_id",
    "random_data_length",
    "recovery_window_in_days",
    "region",
    "region_id",
    "replica_region",
    "request_id",
    "requests",
    "resource_id",
    "resource_type",
    "retiring_principal",
    "role_id",
    "rotation_func_urn",
    "rotation_interval",
    "rotation_period",
    "rule",
    "scheduled_delete_time",
    "scheduled_deletion_date",
    "search_enabled",
    "secret_id",
    "secret_name",
    "secret_type",
    "secret_types",
    "sequence",
    "service_type",
    "signature_valid",
    "signing_algorithm",
    "stage_name",
    "state",
    "status",
    "success",
    "target_id",
    "target_key_id",
    "target_name",
    "target_type",
    "topic_id",
    "total",
    "trace_names",
    "tracker_name",
    "tracker_type",
    "trust_domain_id",
    "trust_domain_name",
    "update_time",
    "user_id",
    "validity_time",
    "value",
    "version_id",
    "version_stages",
    "wrapping_algorithm",
];

/// Text of which some is masked.
#[derive(Debug, Default)]
pub struct Masked {
    hidden: Vec<String>,
}

impl Masked {
    /// The fields of a request, in JSON. What they hide is remembered.
    pub fn request(&mut self, fields: &Map<String, Value>) -> String {
        let shown = self.object(fields);
        if shown.is_empty() { String::new() } else { Value::Object(shown).to_string() }
    }

    /// An answer, in JSON. A message that repeats what the request hides is masked too.
    #[must_use]
    pub fn answer(&mut self, answer: &Value) -> String {
        match self.value("", answer) {
            Value::Null => String::new(),
            Value::Object(fields) if fields.is_empty() => String::new(),
            shown => shown.to_string(),
        }
    }

    /// A message, if it repeats nothing of what the request hides.
    #[must_use]
    pub fn message<'a>(&self, message: &'a str) -> &'a str {
        let repeats = self.hidden.iter().any(|hidden| message.contains(hidden.as_str()));
        if repeats { MASK } else { message }
    }

    fn object(&mut self, fields: &Map<String, Value>) -> Map<String, Value> {
        fields.iter().map(|(name, value)| (name.clone(), self.value(name, value))).collect()
    }

    fn value(&mut self, name: &str, value: &Value) -> Value {
        match value {
            // What a token is called is the token.
            Value::Object(fields) if name == "token" => {
                let hidden = fields.iter().map(|(name, value)| (name.clone(), self.hide(text(value))));
                Value::Object(hidden.collect())
            }
            Value::Object(fields) => Value::Object(self.object(fields)),
            Value::Array(values) => {
                Value::Array(values.iter().map(|value| self.value(name, value)).collect())
            }
            Value::Null => Value::Null,
            Value::String(text) if name == "error_msg" => self.message(text).into(),
            other if SHOWN.contains(&name) => other.clone(),
            other => self.hide(text(other)),
        }
    }

    fn hide(&mut self, text: String) -> Value {
        if !text.is_empty() {
            self.hidden.push(text);
        }
        MASK.into()
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Requirement: CTS-056
    #[test]
    fn only_fields_that_are_known_to_be_harmless_are_shown() {
        let request = json!({
            "key_id": "k", "plain_text": "hunter2", "import_token": "t0ken", "future_field": ["a secret"],
            "tags": [{ "key": "a", "value": "b" }], "datakey_length": "512", "nested": { "password": 1234 },
        });
        let shown = Masked::default().request(request.as_object().unwrap());
        for secret in ["hunter2", "t0ken", "a secret", "1234"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        for harmless in [r#""key_id":"k""#, r#""value":"b""#, r#""datakey_length":"512""#] {
            assert!(shown.contains(harmless), "{shown}");
        }
    }

    /// Requirement: CTS-056
    #[test]
    fn a_token_is_no_id() {
        let request = json!({ "auth": { "identity": {
            "methods": ["token"], "token": { "id": "t0ken", "duration_seconds": 900 },
            "password": { "user": { "name": "ann", "password": "hunter2" } },
        } } });
        let mut masks = Masked::default();
        let shown = masks.request(request.as_object().unwrap());
        assert!(!shown.contains("t0ken") && !shown.contains("hunter2"), "{shown}");
        assert!(shown.contains(r#""name":"ann""#), "{shown}");
        assert_eq!(masks.message("t0ken is none"), MASK);
    }

    /// Requirement: CTS-056
    #[test]
    fn a_message_that_repeats_a_secret_is_masked() {
        let mut masks = Masked::default();
        masks.request(json!({ "plain_text": 98765 }).as_object().unwrap());
        let error = |text: &str| json!({ "error": { "error_code": "KMS.0308", "error_msg": text } });
        let shown = masks.answer(&error("plain_text: invalid type: integer `98765`, expected a string"));
        assert!(!shown.contains("98765") && shown.contains("KMS.0308"), "{shown}");
        assert!(masks.answer(&error("the key is disabled")).contains("the key is disabled"));
        assert_eq!((masks.answer(&Value::Null), masks.answer(&json!({}))), Default::default());
    }
}
