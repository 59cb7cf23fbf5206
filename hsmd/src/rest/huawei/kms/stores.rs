//! Key stores as answers show them.

use dew::kms::KeyStore;
use serde::Serialize;

/// An answer that holds `keystore`.
#[derive(Serialize)]
pub(super) struct Of<T> {
    pub(super) keystore: T,
}

/// `KeystoreInfo`
#[derive(Serialize)]
pub(super) struct Made {
    keystore_id: String,
    domain_id: String,
}

impl From<&KeyStore> for Made {
    fn from(store: &KeyStore) -> Self {
        Self { keystore_id: store.id.to_string(), domain_id: store.account.to_string() }
    }
}

/// `KeyStoreStateInfo`. The states are those of keys.
#[derive(Serialize)]
pub(super) struct Standing {
    keystore_id: String,
    keystore_state: &'static str,
}

impl From<&KeyStore> for Standing {
    fn from(store: &KeyStore) -> Self {
        let keystore_state = if store.enabled { "2" } else { "3" };
        Self { keystore_id: store.id.to_string(), keystore_state }
    }
}

/// `KeystoreDetails`
#[derive(Serialize)]
pub(super) struct Details {
    keystore_id: String,
    domain_id: String,
    keystore_alias: String,
    keystore_type: &'static str,
    hsm_cluster_id: String,
    cluster_id: String,
    create_time: String,
}

impl From<&KeyStore> for Details {
    fn from(store: &KeyStore) -> Self {
        Self {
            keystore_id: store.id.to_string(),
            domain_id: store.account.to_string(),
            keystore_alias: store.name.clone(),
            keystore_type: store.kind.name(),
            hsm_cluster_id: store.hsm_cluster.clone(),
            cluster_id: store.cluster.clone(),
            create_time: store.created.to_string(),
        }
    }
}
