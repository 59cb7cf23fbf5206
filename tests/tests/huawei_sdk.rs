//! The services by Huawei Cloud's own SDKs, as they come from PyPI and npm: each script of `tests/python/csms`,
//! `tests/python/iam`, `tests/python/kms` and `tests/node` against a fresh daemon.
//!
//! A script has `KMS_ENDPOINT`, `AK`, `SK`, `PROJECT_ID`, `DOMAIN_ID` and `CA_FILE` of `scripts/dev-up`, and `OTHER_AK`,
//! `OTHER_SK`, `OTHER_PROJECT_ID` and `OTHER_DOMAIN_ID` of another account. It asserts, and ends with an error if something is not so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::{Hsm, Run, huawei_cloud_node, huawei_cloud_python, needs, not_on_stand_in};

/// Where the scripts are, and what they share.
fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

fn folder(service: &str) -> PathBuf {
    scripts().join(service)
}

fn run(service: &str, script: &str) {
    needs!("openssl", "xxd");
    let Some(python) = huawei_cloud_python() else { return };
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no KMS");
    let mut create = hsm.command(Path::new(hsm.module()).with_file_name("hsm-admin"));
    let made = Run::of(create.args(["account", "create", "other", "--json"])).succeeds().out();
    let other: Value = serde_json::from_str(&made).expect("JSON");
    let mut command = hsm.command(python);
    for (variable, field) in [
        ("OTHER_AK", "access_key"),
        ("OTHER_SK", "secret_key"),
        ("OTHER_PROJECT_ID", "project_id"),
        ("OTHER_DOMAIN_ID", "domain_id"),
    ] {
        command.env(variable, other[field].as_str().expect("a word"));
    }
    // Nothing is written beside the sources.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", scripts());
    command.arg(folder(service).join(script).with_extension("py"));
    Run::of(&command).succeeds().done();
}

/// A test for each script, of its name; and their list.
macro_rules! scripts {
    ($($(#[$about:meta])* $service:ident/$name:ident)*) => {
        $(
            $(#[$about])*
            #[test]
            fn $name() {
                run(stringify!($service), stringify!($name));
            }
        )*

        const SCRIPTS: &[&str] = &[$(concat!(stringify!($service), "/", stringify!($name))),*];
    };
}

scripts! {
    csms/secret_agencies
    csms/secret_events
    csms/secret_rights
    csms/secret_life
    csms/secret_traces
    iam/manage
    /// Requirement: CTS-056, CTS-061
    iam/recorded
    /// Requirement: KMS-001, KMS-002, KMS-003, KMS-004, KMS-005, KMS-006, KMS-009, KMS-010, KMS-014, KMS-015
    /// Requirement: KMS-033, KMS-034, KMS-035, KMS-051, KMS-052, KMS-053
    kms/crypto
    /// Requirement: KMS-056, KMS-057, KMS-058, KMS-061, KMS-063, KMS-064, KMS-065, KMS-067, KMS-068, KMS-069, KMS-071
    /// Requirement: KMS-074, KMS-075, KMS-076, KMS-080, KMS-081, KMS-082, KMS-083, KMS-084, KMS-085, KMS-086, KMS-088
    /// Requirement: KMS-090, KMS-091, KMS-094, KMS-095, KMS-096, KMS-097, KMS-100, KMS-102, KMS-103, KMS-104
    /// Requirement: KMS-185, KMS-186, KMS-187, KMS-188, KMS-190
    kms/material
    kms/notifications
    kms/grants
    kms/life
    kms/rules
    kms/stores
    /// Requirement: TAG-015, TAG-017, TAG-018, TAG-019, TAG-020, TAG-021, TAG-022, TAG-023, TAG-024
    kms/tag_policy
    kms/traces
    kms/trackers
}

#[test]
fn the_sdk_for_node_signs_what_the_services_take() {
    needs!("node");
    let Some(sdks) = huawei_cloud_node() else { return };
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no KMS");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("node/services.cjs");
    let mut node = hsm.command("node");
    Run::of(node.env("NODE_SDKS", sdks).arg(script)).succeeds().says("services: ok").done();
}

#[test]
fn each_script_has_a_test() {
    let mut there = BTreeSet::new();
    for service in ["csms", "iam", "kms"] {
        for file in std::fs::read_dir(folder(service)).expect("the scripts") {
            let path = file.expect("a script").path();
            if path.extension().is_some_and(|extension| extension == "py") {
                let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
                there.insert(format!("{service}/{name}"));
            }
        }
    }
    let tested = SCRIPTS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(there, tested, "a script of tests/python has no test here, or a test no script");
}
