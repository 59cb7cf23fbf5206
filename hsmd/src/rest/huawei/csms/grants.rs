//! Grants as requests and answers have them.

use dew::csms::{CsmsError, Grant, Grantee, until};
use serde::{Deserialize, Serialize};

/// `GrantSecretReqBody`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) resource_id: String,
    #[serde(rename = "type")]
    kind: String,
    grantee_type: String,
    grantee_target_id: String,
    validity_time: Option<Until>,
}

/// A day, which the SDKs write as a date, or a moment in milliseconds.
#[derive(Deserialize)]
#[serde(untagged)]
enum Until {
    Millis(u64),
    Text(String),
}

impl Until {
    fn millis(&self) -> Result<u64, CsmsError> {
        match self {
            Self::Millis(millis) => Ok(*millis),
            Self::Text(text) => until(text),
        }
    }
}

impl Asked {
    /// To whom, and until when.
    pub(super) fn terms(&self) -> Result<(Grantee, Option<u64>), CsmsError> {
        if self.kind != "SECRET" {
            return Err(CsmsError::Field(format!("type {:?} is unknown: expected SECRET", self.kind)));
        }
        let wrong = |what| CsmsError::Field(format!("grantee_target_id is no id of a {what}"));
        let id = &self.grantee_target_id;
        let to = match self.grantee_type.as_str() {
            "0" => Grantee::User(id.parse().map_err(|_| wrong("user"))?),
            "2" => Grantee::Group(id.parse().map_err(|_| wrong("group"))?),
            other => {
                let text = format!("grantee_type {other:?} is unknown: expected 0 (a user) or 2 (a group)");
                return Err(CsmsError::Field(text));
            }
        };
        Ok((to, self.validity_time.as_ref().map(Until::millis).transpose()?))
    }
}

/// `GrantData`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GrantData {
    uuid: String,
    resource_id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    grantee_user: String,
    create_time: u64,
    update_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_time: Option<u64>,
    state: u8,
}

/// The answer of operations that grant something.
#[derive(Serialize)]
pub(super) struct Reply {
    data: GrantData,
}

impl From<&Grant> for Reply {
    fn from(grant: &Grant) -> Self {
        Self {
            data: GrantData {
                uuid: grant.id.to_string(),
                resource_id: grant.secret.to_string(),
                kind: "SECRET",
                grantee_user: grant.to.to_string(),
                create_time: grant.created,
                update_time: grant.updated,
                validity_time: grant.until,
                state: 1,
            },
        }
    }
}
