//! The cloud services of a running daemon, and who asks them: what the benchmarks over HTTPS share.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use tests::{Reply, Rest};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Where the services are and with which access key they are asked: the variables of `scripts/dev-up`.
#[derive(Args, Debug)]
pub(crate) struct Services {
    /// Where the services are.
    #[arg(long, env = "KMS_ENDPOINT")]
    endpoint: String,

    /// The authority of their certificate.
    #[arg(long, env = "CA_FILE")]
    ca: PathBuf,

    #[arg(long, env = "AK")]
    access_key: String,

    #[arg(long, env = "SK", hide_env_values = true)]
    secret_key: String,

    /// The project that the access key works in.
    #[arg(long, env = "PROJECT_ID")]
    project: String,
}

impl Services {
    /// A client of them.
    pub(crate) fn client(&self) -> Outcome<Rest> {
        let address = self.endpoint.trim_start_matches("https://").parse()?;
        let [access_key, secret, project] =
            [&self.access_key, &self.secret_key, &self.project].map(Clone::clone);
        Ok(Rest::at(address, &self.ca, access_key, secret, project)?)
    }
}

/// What was answered, if it was done.
pub(crate) fn done(reply: &Reply) -> Outcome<Value> {
    match reply.status {
        200 | 201 => Ok(serde_json::from_slice(&reply.body)?),
        status => Err(format!("{status} {}", String::from_utf8_lossy(&reply.body)).into()),
    }
}
