//! The services of Huawei Cloud, as their SDKs speak to them.

use super::operation::Row;

#[cfg(test)]
mod catalogue;
mod csms;
mod cts;
mod iam;
mod kms;
mod tag_search;

pub(crate) use csms::SERVICE as CSMS;
pub(crate) use cts::Shown as ShownTrace;
pub(crate) use iam::claimed;
pub(crate) use kms::SERVICE as KMS;
pub(crate) use kms::shown::{TagItem, in_enterprise_project};

/// The operations of all services.
pub(crate) static OPERATIONS: &[&[Row]] =
    &[csms::OPERATIONS, cts::OPERATIONS, iam::OPERATIONS, kms::OPERATIONS];

/// The operations of IAM.
pub(crate) static OF_IAM: &[Row] = iam::OPERATIONS;

/// The operations of CTS.
pub(crate) static OF_CTS: &[Row] = cts::OPERATIONS;

/// The operations of the KMS.
pub(crate) static OF_KMS: &[Row] = kms::OPERATIONS;

/// The operations of CSMS.
pub(crate) static OF_CSMS: &[Row] = csms::OPERATIONS;
