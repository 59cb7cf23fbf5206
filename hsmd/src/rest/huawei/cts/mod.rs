//! The operations of CTS.

use dew::cts::CtsError;

use crate::rest::failure::{Failure, Shape};
use crate::rest::operation::{Service, operations};

#[cfg(test)]
mod catalogue;
mod notification_fields;
mod shown;
mod tracker_fields;

pub(crate) use shown::Shown;

static SERVICE: Service = Service {
    name: "cts",
    shape: Shape::Flat,
    not_json: "CTS.0003",
    missing: "CTS.0003",
    invalid: "CTS.0003",
};

operations! {
    &SERVICE =>
    batch_create_resource_tags
    batch_delete_resource_tags
    check_obs_buckets
    create_notification
    create_tracker
    delete_notification
    delete_tracker
    list_notifications
    list_operations
    list_quotas
    list_trace_resources
    list_traces
    list_trackers
    list_user_resources
    update_notification
    update_tracker
}

impl From<CtsError> for Failure {
    fn from(error: CtsError) -> Self {
        let (status, code) = error.code();
        let message = Self::told("the CTS", status, &error);
        Self::new(status, code, message)
    }
}

/// Refuses a type of resource that has no tags.
fn check_type(resource_type: &str) -> Result<(), CtsError> {
    match resource_type {
        "cts-tracker" => Ok(()),
        _ => Err(CtsError::Field("resource_type: expected cts-tracker".to_owned())),
    }
}
