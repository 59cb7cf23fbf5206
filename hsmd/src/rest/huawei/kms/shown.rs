//! Keys as answers show them. The SDKs read most of these fields as text, whatever they are: see `signing.md` of the
//! catalogue, "What the SDK accepts back".

use dew::caller::Caller;
use dew::iam::{AccountId, EnterpriseProjectId};
use dew::kms::{Alias, Key, KmsError};
use dew::tag::Tags;
use serde::Serialize;

use crate::services::Services;

/// `KeyDetails`
#[derive(Serialize)]
pub(crate) struct KeyDetails {
    key_id: String,
    domain_id: String,
    key_alias: String,
    realm: String,
    key_spec: &'static str,
    key_usage: &'static str,
    key_description: String,
    creation_date: String,
    scheduled_deletion_date: String,
    key_state: &'static str,
    default_key_flag: &'static str,
    key_type: &'static str,
    expiration_time: String,
    origin: &'static str,
    key_rotation_enabled: &'static str,
    sys_enterprise_project_id: String,
    keystore_id: String,
}

impl KeyDetails {
    /// A key of an account in a region.
    pub(crate) fn of(key: &Key, account: AccountId, region: &str) -> Self {
        let or_empty = |time: Option<u64>| time.map(|time| time.to_string()).unwrap_or_default();
        Self {
            key_id: key.id.to_string(),
            domain_id: account.to_string(),
            key_alias: key.name.clone(),
            realm: region.to_owned(),
            key_spec: key.spec.name(),
            key_usage: key.usage.name(),
            key_description: key.description.clone(),
            creation_date: key.created.to_string(),
            scheduled_deletion_date: or_empty(key.goes),
            key_state: key.state.code(),
            default_key_flag: if key.default { "1" } else { "0" },
            key_type: "1",
            expiration_time: or_empty(key.imported.expires),
            origin: key.origin.name(),
            key_rotation_enabled: if key.rotation.enabled { "true" } else { "false" },
            sys_enterprise_project_id: EnterpriseProjectId(key.enterprise_project).to_string(),
            keystore_id: key.store.map_or_else(|| "0".to_owned(), |id| EnterpriseProjectId(id).to_string()),
        }
    }
}

/// `KeyStatusInfo`
#[derive(Serialize)]
pub(crate) struct KeyStatus {
    key_id: String,
    key_state: &'static str,
}

impl From<&Key> for KeyStatus {
    fn from(key: &Key) -> Self {
        Self { key_id: key.id.to_string(), key_state: key.state.code() }
    }
}

/// `AliasEntity`
#[derive(Serialize)]
pub(crate) struct AliasInfo {
    domain_id: String,
    key_id: String,
    alias: String,
    alias_urn: String,
    create_time: String,
    update_time: String,
}

impl AliasInfo {
    /// An alias of an account in a region.
    pub(crate) fn of(alias: &Alias, account: AccountId, region: &str) -> Self {
        let domain_id = account.to_string();
        Self {
            alias_urn: format!("kms:{region}:{domain_id}:alias:{}", alias.name),
            domain_id,
            key_id: alias.key.to_string(),
            alias: alias.name.clone(),
            create_time: alias.created.to_string(),
            update_time: alias.updated.to_string(),
        }
    }
}

/// An answer that holds `key_info`.
#[derive(Serialize)]
pub(crate) struct KeyInfo<T> {
    pub(crate) key_info: T,
}

/// `TagItem`
#[derive(Clone, Debug, serde::Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagItem {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
}

/// Tags, as a request has them.
///
/// # Errors
/// What is wrong with one.
pub(crate) fn tags(items: &[TagItem]) -> Result<Tags, KmsError> {
    let items: Vec<_> = items.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    Ok(Tags::new(&items)?)
}

/// The enterprise project that something is to be in: without one, the default.
///
/// # Errors
/// As [`enterprise_project`].
pub(crate) fn in_enterprise_project(
    id: Option<&str>,
    caller: &Caller,
    services: &Services,
) -> Result<EnterpriseProjectId, KmsError> {
    let Some(id) = id else { return Ok(EnterpriseProjectId::DEFAULT) };
    enterprise_project(Some(id), caller, services)?.ok_or_else(|| {
        KmsError::Field("enterprise_project_id: expected 0 or a UUID of 36 characters".to_owned())
    })
}

/// Tags, as an answer has them.
pub(crate) fn tag_items(tags: &Tags) -> Vec<TagItem> {
    let item = |(key, value): (&str, &str)| TagItem { key: key.to_owned(), value: value.to_owned() };
    tags.iter().map(item).collect()
}

/// The enterprise project that a list is of: `all` and nothing are all.
///
/// # Errors
/// `Field` if it is no id of one, or the caller's account uses none.
pub(crate) fn enterprise_project(
    id: Option<&str>,
    caller: &Caller,
    services: &Services,
) -> Result<Option<EnterpriseProjectId>, KmsError> {
    match id {
        None => Ok(None),
        Some(_) if !services.iam.uses_enterprise_projects(caller.identity.account) => {
            let text = "enterprise_project_id: the account does not use enterprise projects";
            Err(KmsError::Field(text.to_owned()))
        }
        Some("all") => Ok(None),
        Some(id) => id.parse().map(Some).map_err(|_| {
            KmsError::Field("enterprise_project_id: expected all, 0 or a UUID of 36 characters".to_owned())
        }),
    }
}
