//! The daemon as it is sealed and opened again.

use std::fs;
use std::path::Path;

use hsm::service::{Deed, Kind, Write};

use super::*;

/// A daemon in a folder, which opens by itself.
fn daemon(folder: &Path) -> Daemon {
    let (store, key) = (folder.join("store"), folder.join("root.key"));
    let text = format!("[store]\npath = {store:?}\n[root_key]\nfile = {key:?}\n");
    fs::write(folder.join("hsmd.toml"), text).unwrap();
    crate::root_key::make_file(&key).unwrap();
    Daemon::start(Config::read(&folder.join("hsmd.toml")).unwrap(), Trust::Anchor, false).unwrap()
}

#[test]
fn an_unseal_that_fails_leaves_no_log_behind() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path());
    let foreign =
        Write { kind: Kind::Account, number: 1, was: None, value: Some(b"of another form".to_vec()) };
    let deed = Deed { by: Actor::DAEMON, action: "test", details: &[] };
    daemon.hsm().unwrap().service_commit(vec![foreign], &[], deed).unwrap();
    daemon.seal("a test").unwrap();
    for _ in 0..2 {
        let refused = daemon.unseal(b"").unwrap_err();
        assert!(matches!(refused, OpenError::Services(_)), "{refused}");
        assert!(daemon.hsm().is_err());
        assert!(daemon.audit.log().is_none(), "who seals nothing closes no log");
    }
}
