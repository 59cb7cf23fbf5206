//! Trackers as the interface has them: what is said of one, and how one is shown.

use dew::cts::{Cts, CtsError, TargetChange, Tracker, TrackerChange, TrackerKind};
use serde::{Deserialize, Serialize};

/// What `CreateTracker` and `UpdateTracker` are told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    tracker_type: String,
    pub(super) tracker_name: String,
    agency_name: Option<String>,
    pub(super) status: Option<String>,
    is_organization_tracker: Option<bool>,
    management_event_selector: Option<Selector>,
    is_lts_enabled: Option<bool>,
    obs_info: Option<Obs>,
    #[serde(default)]
    is_support_trace_files_encryption: bool,
    /// Which key files would be encrypted with.
    #[serde(rename = "kms_id")]
    _kms_id: Option<String>,
    #[serde(default)]
    is_support_validate: bool,
    data_bucket: Option<Data>,
}

/// `ManagementEventSelector`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Selector {
    exclude_service: Vec<String>,
}

/// `TrackerObsInfo`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Obs {
    bucket_name: Option<String>,
    file_prefix_name: Option<String>,
    #[serde(default)]
    is_obs_created: bool,
    #[serde(default)]
    bucket_lifecycle: u64,
    compress_type: Option<String>,
    is_sort_by_service: Option<bool>,
}

/// `DataBucket`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    data_bucket_name: Option<String>,
    data_event: Option<Vec<String>>,
}

impl Fields {
    pub(super) fn kind(&self) -> Result<TrackerKind, CtsError> {
        TrackerKind::named(&self.tracker_type)
    }

    /// What the tracker is to be. What is not offered is refused, so that nobody relies on it.
    pub(super) fn change(self) -> Result<TrackerChange, CtsError> {
        let not_offered = |text: &str| Err(CtsError::Field(text.to_owned()));
        if self.is_support_trace_files_encryption {
            return not_offered("is_support_trace_files_encryption: files are not encrypted here");
        }
        if self.is_support_validate {
            return not_offered(
                "is_support_validate: files have no digests here; the audit log proves its records",
            );
        }
        let enabled = match self.status.as_deref() {
            None => None,
            Some("enabled") => Some(true),
            Some("disabled") => Some(false),
            Some(_) => return Err(CtsError::Status),
        };
        let without_data_keys = match self.management_event_selector {
            None => None,
            Some(Selector { exclude_service }) => match exclude_service.as_slice() {
                [] => Some(false),
                [one] if one == "KMS" => Some(true),
                _ => return not_offered("exclude_service: expected nothing or KMS"),
            },
        };
        let (bucket, events) =
            self.data_bucket.map_or((None, None), |data| (data.data_bucket_name, data.data_event));
        Ok(TrackerChange {
            enabled,
            agency: self.agency_name,
            without_data_keys,
            logs: self.is_lts_enabled,
            target: self.obs_info.map(Obs::change).transpose()?,
            bucket,
            events,
            organization: self.is_organization_tracker,
        })
    }
}

impl Obs {
    fn change(self) -> Result<TargetChange, CtsError> {
        if self.bucket_lifecycle != 0 {
            return Err(CtsError::Lifecycle);
        }
        let gzip = match self.compress_type.as_deref() {
            None => None,
            Some("gzip") => Some(true),
            Some("json") => Some(false),
            Some(_) => return Err(CtsError::Field("compress_type: expected gzip or json".to_owned())),
        };
        let (bucket, prefix, by_service) = (self.bucket_name, self.file_prefix_name, self.is_sort_by_service);
        Ok(TargetChange { bucket, prefix, gzip, by_service, make: self.is_obs_created })
    }
}

/// `TrackerResponseBody`
#[derive(Serialize)]
pub(super) struct Shown {
    id: String,
    create_time: u64,
    is_support_validate: bool,
    is_organization_tracker: bool,
    management_event_selector: Selector,
    lts: Lts,
    tracker_type: &'static str,
    domain_id: String,
    project_id: String,
    tracker_name: String,
    agency_name: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    is_support_trace_files_encryption: bool,
    obs_info: ObsInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_bucket: Option<DataQuery>,
}

/// `Lts`
#[derive(Serialize)]
struct Lts {
    is_lts_enabled: bool,
    log_group_name: &'static str,
    log_topic_name: String,
}

/// `ObsInfo`
#[derive(Default, Serialize)]
struct ObsInfo {
    bucket_name: String,
    file_prefix_name: String,
    is_obs_created: bool,
    is_authorized_bucket: bool,
    bucket_lifecycle: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compress_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_sort_by_service: Option<bool>,
}

/// `DataBucketQuery`
#[derive(Serialize)]
struct DataQuery {
    data_bucket_name: String,
    search_enabled: bool,
    data_event: Vec<&'static str>,
}

impl Shown {
    /// A tracker, with what is wrong with its bucket now.
    pub(super) fn of(tracker: Tracker, cts: &Cts) -> Self {
        let fault = |bucket: &str| cts.bucket_fault(tracker.account, bucket).is_some();
        let is_lost = tracker.target.as_ref().is_some_and(|target| fault(&target.bucket));
        let (status, detail) = match tracker.enabled {
            false => ("disabled", None),
            true if is_lost => ("error", Some("noBucket")),
            true => ("enabled", None),
        };
        let exclude_service = if tracker.without_data_keys { vec!["KMS".to_owned()] } else { Vec::new() };
        let obs_info = tracker.target.map(|target| ObsInfo {
            bucket_name: target.bucket,
            file_prefix_name: target.prefix,
            is_obs_created: target.made,
            is_authorized_bucket: true,
            bucket_lifecycle: 0,
            compress_type: Some(if target.gzip { "gzip" } else { "json" }),
            is_sort_by_service: Some(target.by_service),
        });
        let events = [("READ", true), ("WRITE", false)];
        let data_bucket = tracker.watched.map(|watched| DataQuery {
            data_bucket_name: watched.bucket,
            search_enabled: false,
            data_event: events
                .into_iter()
                .filter(|(_, reads)| if *reads { watched.reads } else { watched.writes })
                .map(|(name, _)| name)
                .collect(),
        });
        Self {
            id: tracker.id.to_string(),
            create_time: tracker.created,
            is_support_validate: false,
            is_organization_tracker: tracker.organization.is_some(),
            management_event_selector: Selector { exclude_service },
            lts: Lts {
                is_lts_enabled: tracker.logs,
                log_group_name: "CTS",
                log_topic_name: format!("{}-trace", tracker.name),
            },
            tracker_type: tracker.kind.name(),
            domain_id: tracker.account.to_string(),
            project_id: tracker.project.to_string(),
            tracker_name: tracker.name,
            agency_name: tracker.agency,
            status,
            detail,
            is_support_trace_files_encryption: false,
            obs_info: obs_info.unwrap_or_default(),
            data_bucket,
        }
    }
}
