//! The cloud services' REST interface: one origin for all of them, as the vendors' SDKs expect it.
//!
//! A request goes through [`serve`] (bytes and time are bounded), [`routes`] (which operation), [`identify`] (who asks), and
//! [`operation`] (fields become a type, the operation runs). The console asks for operations by name, in [`console`]. What an operation means stands in `dew`.

mod config;
mod console;
mod databases;
mod failure;
mod huawei;
mod identify;
mod operation;
mod own;
mod patient;
mod routes;
mod serve;
mod tls;
mod token_key;

pub(crate) use config::Config;
pub(crate) use console::{iam, kms};
pub(crate) use huawei::ShownTrace;
pub(crate) use serve::{request_id, start};
