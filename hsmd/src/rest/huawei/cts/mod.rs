//! The operations of CTS.

use dew::cts::CtsError;

use crate::rest::failure::{Failure, Shape};
use crate::rest::operation::{Service, operations};

mod shown;

static SERVICE: Service = Service {
    name: "cts",
    shape: Shape::Flat,
    not_json: "CTS.0003",
    missing: "CTS.0003",
    invalid: "CTS.0003",
};

operations! {
    &SERVICE =>
    list_operations
    list_trace_resources
    list_traces
    list_user_resources
}

impl From<CtsError> for Failure {
    fn from(error: CtsError) -> Self {
        let (status, code) = error.code();
        let message = Self::told("the CTS", status, &error);
        Self::new(status, code, message)
    }
}
