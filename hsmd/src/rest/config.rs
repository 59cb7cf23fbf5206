//! The section `[rest]` of the configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::token_key::Place;

/// Where the REST interface is, and what is bounded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The address for HTTPS, such as `0.0.0.0:8443`; without one there is none.
    pub(crate) listen: Option<SocketAddr>,
    /// An address of this machine alone for HTTP without TLS; without one there is none.
    pub(crate) plain: Option<SocketAddr>,
    /// The certificate and those that lead to its authority, PEM. Without it one is made at the first start.
    pub(crate) certificate: Option<PathBuf>,
    /// The certificate's private key, PEM.
    pub(crate) key: Option<PathBuf>,
    /// The private key is in a token, in place of a file.
    pub(crate) token: Option<Place>,
    /// Names and addresses of the certificate that is made, beside `localhost` and the address of `listen`.
    pub(crate) names: Vec<String>,
    /// Requests in work at once; more are told to try again.
    pub(crate) requests: usize,
    /// Connections at once.
    pub(crate) connections: usize,
    /// Bytes of a request's body.
    pub(crate) body_bytes: usize,
    /// Seconds that a request may take to arrive, and its answer to be taken.
    pub(crate) receive_seconds: u64,
    /// Custom keys of a project.
    pub(crate) key_quota: usize,
    /// Secrets of a project.
    pub(crate) secret_quota: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: None,
            plain: None,
            certificate: None,
            key: None,
            token: None,
            names: Vec::new(),
            requests: 256,
            connections: 4096,
            // The cloud's gateway takes 12 MiB; the longest body of any operation here has a few KiB, and whoever sends
            // one is not known before it is there.
            body_bytes: 1 << 20,
            receive_seconds: 30,
            key_quota: 100,
            secret_quota: 200,
        }
    }
}

impl Config {
    /// What is wrong with it, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if self.plain.is_some_and(|plain| !plain.ip().is_loopback()) {
            return Some(
                "plain: HTTP without TLS is for an address of this machine alone, such as 127.0.0.1:8080",
            );
        }
        if self.key.is_some() && self.token.is_some() {
            return Some("key and token: expected one of the two");
        }
        if self.certificate.is_some() != self.key.is_some() && self.token.is_none() {
            return Some("certificate and key: expected both or neither");
        }
        if self.requests == 0 || self.connections == 0 || self.receive_seconds == 0 {
            return Some("requests, connections and receive_seconds: expected more than 0");
        }
        None
    }
}
