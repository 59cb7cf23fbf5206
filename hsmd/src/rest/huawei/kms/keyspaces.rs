//! Access points and key policies as answers show them. The interface writes a policy's fields in two ways.

use dew::kms::{AccessPoint, Kept, KeyPolicy, KmsError, Terms};
use serde::{Deserialize, Serialize};

/// The most of one page.
const MAX: usize = 100;
/// What a page has if nothing is said.
const USUAL: usize = 50;

/// Which part of a list is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) keyspace_id: String,
    limit: Option<String>,
    marker: Option<String>,
}

/// `ListAccessPointResponseBodyPageInfo`
#[derive(Serialize)]
pub(super) struct PageInfo {
    next_marker: String,
    current_count: usize,
}

impl Asked {
    /// The part of a list, which begins behind the marker: the id of the last that was shown before.
    pub(super) fn page<T>(
        &self,
        all: Vec<Kept<T>>,
        id: impl Fn(&T) -> String,
    ) -> Result<(Vec<Kept<T>>, PageInfo), KmsError> {
        let limit = match self.limit.as_deref() {
            None => USUAL,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX).contains(limit))
                .ok_or_else(|| KmsError::BadLimit(format!("limit is from 1 to {MAX}")))?,
        };
        let after = match self.marker.as_deref() {
            None | Some("") => 0,
            Some(marker) => {
                let place = all.iter().position(|item| id(item) == marker);
                place.ok_or_else(|| KmsError::BadMarker("marker is what next_marker said".to_owned()))? + 1
            }
        };
        let more = all.len() > after + limit;
        let part: Vec<_> = all.into_iter().skip(after).take(limit).collect();
        let next_marker = part.last().filter(|_| more).map(|item| id(item)).unwrap_or_default();
        let current_count = part.len();
        Ok((part, PageInfo { next_marker, current_count }))
    }
}

/// `ListAccessPointResponseBodyAccessPoints`
#[derive(Serialize)]
pub(super) struct Point {
    access_point_id: String,
    keyspace_id: String,
    access_point_name: String,
    state: u64,
    r#type: u64,
    created_by: String,
    create_time: String,
    lsat_modify_time: String,
}

impl From<&AccessPoint> for Point {
    fn from(point: &AccessPoint) -> Self {
        Self {
            access_point_id: point.id.to_string(),
            keyspace_id: point.keyspace.to_string(),
            access_point_name: point.name.clone(),
            // As keys: 2 is enabled, 3 disabled.
            state: if point.enabled { 2 } else { 3 },
            r#type: point.kind.number(),
            created_by: point.creator.clone(),
            create_time: point.created.to_string(),
            lsat_modify_time: point.modified.to_string(),
        }
    }
}

/// `ListKeyPolicyResponseBodyPolicyValidityPeriod`
#[derive(Serialize)]
pub(super) struct Period {
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
}

impl Period {
    fn of(terms: &Terms) -> Option<Self> {
        let (start_time, end_time) = (terms.from.map(Terms::written), terms.until.map(Terms::written));
        (start_time.is_some() || end_time.is_some()).then_some(Self { start_time, end_time })
    }
}

/// A policy's terms in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_period: Option<Period>,
    allowed_access_point: Vec<String>,
    #[serde(rename = "allowed_data_security_zone")]
    allowed_data_security_zone: [String; 0],
}

/// A policy's terms by themselves.
#[derive(Serialize)]
pub(super) struct Shown {
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_period: Option<Period>,
    allowed_access_point: Vec<String>,
    allowed_data_security_zone: [String; 0],
}

impl From<&Terms> for Shown {
    fn from(terms: &Terms) -> Self {
        Self {
            version: terms.version.clone(),
            validity_period: Period::of(terms),
            allowed_access_point: terms.points.iter().map(ToString::to_string).collect(),
            allowed_data_security_zone: [],
        }
    }
}

impl From<&Terms> for Listed {
    fn from(terms: &Terms) -> Self {
        let Shown { version, validity_period, allowed_access_point, allowed_data_security_zone } =
            Shown::from(terms);
        Self { version, validity_period, allowed_access_point, allowed_data_security_zone }
    }
}

/// A key policy, with its terms in one form or the other.
#[derive(Serialize)]
pub(super) struct Policy<T> {
    policy_id: String,
    policy_name: String,
    keyspace_id: String,
    policy: T,
    description: String,
    created_by: String,
    create_time: String,
    last_modify_time: String,
    /// Nothing is kept of when a policy was last looked at.
    last_access_time: &'static str,
}

impl<'a, T: From<&'a Terms>> From<&'a KeyPolicy> for Policy<T> {
    fn from(policy: &'a KeyPolicy) -> Self {
        Self {
            policy_id: policy.id.to_string(),
            policy_name: policy.name.clone(),
            keyspace_id: policy.keyspace.to_string(),
            policy: T::from(&policy.terms),
            description: policy.description.clone(),
            created_by: policy.creator.clone(),
            create_time: policy.created.to_string(),
            last_modify_time: policy.modified.to_string(),
            last_access_time: "",
        }
    }
}

/// `ListKeyPolicyResponse`
#[derive(Serialize)]
pub(super) struct PolicyList {
    page_info: PageInfo,
    keyspace_policies: Vec<ListedPolicy>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct ListedPolicy(Policy<Listed>);

impl PolicyList {
    pub(super) fn of(policies: &[Kept<KeyPolicy>], page_info: PageInfo) -> Self {
        let keyspace_policies = policies.iter().map(|policy| ListedPolicy(Policy::from(&**policy))).collect();
        Self { page_info, keyspace_policies }
    }
}
