//! The services of Huawei Cloud, as their SDKs speak to them.

use super::operation::Row;

mod cts;
mod iam;
mod kms;

/// The operations of all services.
pub(crate) static OPERATIONS: &[&[Row]] = &[cts::OPERATIONS, iam::OPERATIONS, kms::OPERATIONS];

/// The operation of the KMS of this name.
pub(crate) fn of_kms(name: &str) -> Option<&'static Row> {
    kms::OPERATIONS.iter().find(|row| row.name == name)
}
