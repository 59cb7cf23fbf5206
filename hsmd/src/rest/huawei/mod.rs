//! The services of Huawei Cloud, as their SDKs speak to them.

use super::operation::Row;

mod kms;

/// The operations of all services.
pub(crate) static OPERATIONS: &[&[Row]] = &[kms::OPERATIONS];
