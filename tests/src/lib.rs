//! The harness of the whole-system tests: a fresh HSM for each test, and other people's programs to use it.
//!
//! With `CLAVIGER_TEST_MODULE=softhsm` a fresh SoftHSM2 token stands in for ours, which tells a fault of a
//! test from a fault of the HSM. With `CLAVIGER_REQUIRE_CLIENTS=1` a missing client fails its tests
//! instead of skipping them.
#![forbid(unsafe_code)]

mod clients;
mod database_servers;
mod disk;
mod hsm;
mod place;
pub mod process;
mod public_key;
mod random;
mod rest;
mod run;
mod ssh_host;
mod staff;
pub mod trail;
mod tunnel;
mod wire_client;

pub use clients::{
    authenticator, compile_c, huawei_cloud_node, huawei_cloud_python, kryoptic, kubernetes_python, missing,
    module_for_engine, python_pkcs11,
};
pub use database_servers::{Accounts, MariaDb, Postgres, Redis, Shell, postgres};
pub use disk::Disk;
pub use hsm::{Hsm, in_own_process, root, script};
pub use place::{Daemon, PIN, Place, SO_PIN};
pub use public_key::export_public;
pub use random::Random;
pub use rest::{Connection, Line, Reply, Rest, free_address};
pub use run::{Beside, Run};
pub use ssh_host::SshHost;
pub use staff::{Console, Staff};
pub use tunnel::Reach;
pub use wire_client::Client;

/// Skips the test, with a printed reason, unless these programs (or files, by absolute path) are there.
#[macro_export]
macro_rules! needs {
    ($($program:expr),+ $(,)?) => {
        if let Some(missing) = $crate::missing(&[$($program),+]) {
            println!("skipped: {missing} is not installed (scripts/install-clients does it)");
            return;
        }
    };
}

/// Skips the test where SoftHSM2 stands in, as it is known to fail it.
#[macro_export]
macro_rules! not_on_stand_in {
    ($hsm:expr, $why:literal) => {
        if $hsm.is_stand_in() {
            println!("skipped on SoftHSM2: {}", $why);
            return;
        }
    };
}
