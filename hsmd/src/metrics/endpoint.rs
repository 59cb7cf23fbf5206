//! The endpoint that Prometheus scrapes: `GET /metrics`, and `GET /health` for whoever watches the daemon.
//!
//! It is off unless it is configured, has a thread of its own, and shows nothing that needs a secret.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Deserialize;
use tracing::{error, info, warn};

use super::Source;

/// What OpenMetrics calls its text format.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where metrics are offered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Endpoint {
    /// The address, such as `127.0.0.1:9464`; without one there is no endpoint.
    pub(crate) listen: Option<SocketAddr>,
}

/// Opens the endpoint, if there is to be one.
///
/// # Errors
/// If the address cannot be listened at.
pub(crate) fn serve(endpoint: &Endpoint, source: Arc<dyn Source>) -> io::Result<()> {
    let Some(address) = endpoint.listen else { return Ok(()) };
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        warn!("metrics are offered at {address}, to whoever can reach it");
    }
    info!("metrics are at http://{address}/metrics");
    let pages =
        Router::new().route("/metrics", get(metrics)).route("/health", get(health)).with_state(source);
    thread::Builder::new().name("metrics".into()).spawn(move || {
        let served = runtime
            .block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener)?, pages).await });
        if let Err(error) = served {
            error!("metrics are not offered any more: {error}");
        }
    })?;
    Ok(())
}

async fn metrics(State(source): State<Arc<dyn Source>>) -> impl IntoResponse {
    match source.metrics().expose(&source.now()) {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, FORMAT)], text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], String::new()),
    }
}

/// Whether the daemon serves: 200 if it is open, 503 while it is sealed.
async fn health(State(source): State<Arc<dyn Source>>) -> impl IntoResponse {
    if source.now().sealed {
        (StatusCode::SERVICE_UNAVAILABLE, "sealed\n")
    } else {
        (StatusCode::OK, "open\n")
    }
}
