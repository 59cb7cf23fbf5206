//! Databases as answers show them: without the password.

use dew::csms::{Database, Server};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Shown {
    id: String,
    name: String,
    engine: &'static str,
    host: String,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    admin: String,
    secret_type: &'static str,
    /// All that there can be.
    secret_types: Vec<&'static str>,
    create_time: u64,
}

impl From<&Database> for Shown {
    fn from(from: &Database) -> Self {
        let Server { engine, host, port, database, .. } = &from.server;
        let secret_types: Vec<_> = engine.kinds().iter().map(|kind| kind.name()).collect();
        Self {
            id: from.id.to_string(),
            name: from.name.clone(),
            engine: engine.name(),
            host: host.clone(),
            port: *port,
            database: database.clone(),
            admin: from.admin.clone(),
            secret_type: secret_types.first().copied().unwrap_or_default(),
            secret_types,
            create_time: from.created,
        }
    }
}
