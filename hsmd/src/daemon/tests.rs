//! The daemon as it is sealed and opened again.

use std::fs;
use std::path::Path;

use dew::caller::Caller;
use dew::cts::{self, Act, TRACED};
use dew::iam::ProjectId;
use hsm::service::{Deed, Kind, Write};
use ukey::Holder;
use wire::admin::root::SHARE;

use super::*;
use crate::root_key::Custody;
use crate::root_key::shares::Shares;
use crate::traces::{Answered, Asked};

/// A daemon in a folder, which opens by itself.
pub(crate) fn daemon(folder: &Path) -> Daemon {
    let (store, key) = (folder.join("store"), folder.join("root.key"));
    let text = format!("[store]\npath = {store:?}\n[root_key]\nfile = {key:?}\n");
    fs::write(folder.join("hsmd.toml"), text).unwrap();
    if !key.exists() {
        crate::root_key::make_file(&key).unwrap();
    }
    Daemon::start(Config::read(&folder.join("hsmd.toml")).unwrap(), Trust::Anchor, false).unwrap()
}

#[test]
fn what_was_sealed_is_not_opened_beside_a_call_that_does_not_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = daemon(folder.path());
    daemon.sealing.patience = Duration::from_millis(20);
    let call = daemon.hsm().unwrap();
    let busy = |result: Result<(), OpenError>| matches!(result, Err(OpenError::StillBusy));
    assert!(busy(daemon.seal("a test", None)));
    assert!(busy(daemon.unseal(b"").map(drop)));
    assert!(daemon.hsm().is_err());
    drop(call);
    daemon.unseal(b"").unwrap();
    assert!(daemon.hsm().is_ok());
}

#[test]
fn an_hsm_that_a_call_holds_is_zeroized_when_the_call_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = daemon(folder.path());
    daemon.sealing.patience = Duration::from_millis(20);
    let call = daemon.hsm().unwrap();
    let zeroizing = |result: Result<(), OpenError>| matches!(result, Err(OpenError::Zeroizing));
    assert!(zeroizing(daemon.zeroize(None)));
    daemon.look_after_zeroizing();
    assert!(zeroizing(daemon.unseal(b"")) && zeroizing(daemon.give_share(b"")));
    assert!(folder.path().join("root.key").exists());
    // What the call changes yet does not bring it back.
    let late = Write { kind: Kind::Account, number: 1, was: None, value: Some(b"late".to_vec()) };
    let deed = Deed { by: Actor::DAEMON, action: "test", details: &[] };
    assert!(call.service_commit(vec![late], &[], &[deed]).is_err());
    drop(call);
    daemon.look_after_zeroizing();
    assert!(!folder.path().join("root.key").exists(), "the root key is destroyed as well");
    assert!(daemon.custody().unwrap().is_none(), "nothing is left");
    assert!(daemon.hsm().err().unwrap().contains("was zeroized"));
}

#[test]
fn a_root_key_that_could_not_be_destroyed_is_destroyed_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = daemon(folder.path());
    daemon.sealing.patience = Duration::from_millis(20);
    let call = daemon.hsm().unwrap();
    assert!(daemon.zeroize(None).is_err());
    drop(call);
    // What cannot be written over.
    let (key, aside) = (folder.path().join("root.key"), folder.path().join("aside"));
    fs::rename(&key, &aside).unwrap();
    fs::create_dir(&key).unwrap();
    daemon.look_after_zeroizing();
    fs::remove_dir(&key).unwrap();
    fs::rename(&aside, &key).unwrap();
    daemon.look_after_zeroizing();
    assert!(!key.exists());
}

#[test]
fn an_unseal_that_fails_leaves_no_log_behind() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path());
    let foreign =
        Write { kind: Kind::Account, number: 1, was: None, value: Some(b"of another form".to_vec()) };
    let deed = Deed { by: Actor::DAEMON, action: "test", details: &[] };
    daemon.hsm().unwrap().service_commit(vec![foreign], &[], &[deed]).unwrap();
    daemon.seal("a test", None).unwrap();
    for _ in 0..2 {
        let refused = daemon.unseal(b"").unwrap_err();
        assert!(matches!(refused, OpenError::Services(_)), "{refused}");
        assert!(daemon.hsm().is_err());
        assert!(daemon.audit.log().is_none(), "who seals nothing closes no log");
    }
}

/// More requests than are told one by one.
const ASKED: u64 = 700;

/// Has services leave traces of so many; gives what those are of.
fn leave_traces(services: &Services) -> &'static str {
    let caller = Caller {
        identity: services.nobody(),
        project: None,
        request: "r".into(),
        source: None,
        agent: None,
        tls: true,
    };
    let asked = Asked {
        traced: TRACED.iter().find(|traced| traced.act == Act::Use).unwrap(),
        kind: cts::Kind::ApiCall,
        caller: &caller,
        project: ProjectId([7; 16]),
        unproven: false,
        access_key: None,
        method: "POST",
        path: "/v1.0/x",
        body: b"",
        fields: Vec::new(),
    };
    for _ in 0..ASKED {
        services.traces.leave(&asked, &Answered { status: 200, body: b"" }, 1, |_| None).unwrap();
    }
    asked.traced.name
}

/// How often something is in the audit log.
fn told(daemon: &Daemon, action: &str) -> u64 {
    let mut reading = daemon.audit.log().unwrap().reading(0).unwrap();
    let records = std::iter::from_fn(|| reading.next().unwrap());
    records.filter(|record| record.action.as_str() == action).map(|record| record.count).sum()
}

#[test]
fn what_was_counted_of_traces_is_written_when_the_daemon_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path());
    let traced = leave_traces(&daemon.services().unwrap());
    daemon.seal("a test", None).unwrap();
    daemon.unseal(b"").unwrap();
    assert_eq!(told(&daemon, traced), ASKED);
}

#[test]
fn a_stop_in_the_middle_of_a_seal_loses_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let stopped = daemon(folder.path());
    let request = stopped.services().unwrap();
    let traced = leave_traces(&request);
    std::thread::scope(|scope| {
        let sealing = scope.spawn(|| stopped.seal("a test", None));
        while stopped.hsm().is_ok() {
            std::thread::yield_now();
        }
        stopped.stop();
        assert!(stopped.audit.log().is_none(), "what comes later, the end of the process cuts off");
        drop(request);
        sealing.join().unwrap().unwrap();
    });
    drop(stopped);
    let daemon = daemon(folder.path());
    assert_eq!((told(&daemon, traced), told(&daemon, "seal")), (ASKED, 1));
}

#[test]
fn shares_are_not_used_up_while_the_hsm_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = daemon(folder.path());
    daemon.sealing.patience = Duration::from_millis(20);
    let cost = ukey::file::Cost::new(19 << 10, 2, 1).unwrap();
    let keys = ["Ada", "Bo"].map(|name| {
        let (bytes, _) = ukey::file::create(name, ukey::Algorithm::Ed25519, b"123456", cost).unwrap();
        ukey::file::open(&bytes, b"123456").unwrap()
    });
    let publics = keys.each_ref().map(|key| key.public().clone());
    let custody = daemon.change_root(|| {
        let (shares, root) = Shares::make(2, &publics)?;
        Ok((Custody::UKeys(shares), root))
    });
    let Custody::UKeys(shares) = custody.unwrap() else { panic!("UKeys keep it now") };
    let share = |at: usize| keys[at].open(SHARE, &shares.holders[at].share).unwrap();
    let call = daemon.hsm().unwrap();
    assert!(matches!(daemon.seal("a test", None), Err(OpenError::StillBusy)));
    assert!(matches!(daemon.give_share(share(0).as_bytes()), Err(OpenError::StillBusy)));
    drop(call);
    for at in 0..2 {
        daemon.give_share(share(at).as_bytes()).unwrap();
    }
    assert!(daemon.hsm().is_ok());
}
