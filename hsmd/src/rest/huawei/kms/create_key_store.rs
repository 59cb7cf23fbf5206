//! Makes a key store.

use dew::caller::Caller;
use dew::kms::{KmsError, NewKeyStore, StoreKind};
use hyper::Method;
use serde::Deserialize;

use super::stores::{Made, Of};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    keystore_alias: String,
    #[serde(default)]
    hsm_cluster_id: String,
    /// The certificate of a cluster elsewhere: here there is none to be trusted.
    #[serde(rename = "hsm_ca_cert")]
    _hsm_ca_cert: Option<String>,
    #[serde(default)]
    cluster_id: String,
    keystore_type: Option<String>,
}

impl Operation for Op {
    type Reply = Of<Made>;
    type Error = KmsError;
    const NAME: &'static str = "CreateKeyStore";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/keystores";

    fn run(self, caller: &Caller, services: &Services) -> Result<Of<Made>, KmsError> {
        let new = NewKeyStore {
            name: &self.keystore_alias,
            kind: self.keystore_type.as_deref().map_or(Ok(StoreKind::Default), StoreKind::named)?,
            hsm_cluster: &self.hsm_cluster_id,
            cluster: &self.cluster_id,
        };
        let store = services.kms.create_key_store(caller, new)?;
        Ok(Of { keystore: Made::from(&*store) })
    }
}
