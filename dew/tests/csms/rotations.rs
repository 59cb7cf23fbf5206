//! Rotations that are due.

use std::thread;

use dew::csms::{Accounts, SecretChange};

use crate::rotation::{HOUR, logs_in, make, make_named, rotate, show, world};

/// Requirement: CSMS-053, CSMS-098
#[test]
fn it_happens_at_its_period_also_while_nobody_looked() {
    let here = world();
    make(&here, Accounts::Dual, Some("6h")).unwrap();
    assert_eq!(here.csms.run_rotations().done, 0);
    here.world.pass(6 * HOUR - 1);
    let here = here.again();
    assert_eq!(here.csms.run_rotations().done, 0);
    here.world.pass(1);
    assert_eq!(here.csms.run_rotations().done, 1);
    assert_eq!(here.csms.run_rotations().done, 0);
    assert_eq!(logs_in(&here, "SYSCURRENT").as_deref(), Some("app_clone"));
    let secret = show(&here);
    assert_eq!(secret.rotation.last, Some(here.csms.now()));
    assert_eq!(secret.rotation.next, Some(here.csms.now() + 6 * HOUR));
    // What was missed is made up for once.
    here.world.pass_days(10);
    assert_eq!((here.csms.run_rotations().done, here.csms.run_rotations().done), (1, 0));
}

#[test]
fn a_server_that_keeps_silent_holds_up_no_other_that_is_due() {
    let here = world();
    make(&here, Accounts::Single, None).unwrap();
    let names: Vec<_> = (0..5).map(|number| format!("other-{number}")).collect();
    names.iter().for_each(|name| drop(make_named(&here, name).unwrap()));
    let hourly = SecretChange {
        automatic: Some(true),
        period: Some("6h".parse().unwrap()),
        ..SecretChange::default()
    };
    names.iter().for_each(|name| drop(here.csms.update_secret(&here.root, name, hourly).unwrap()));
    here.world.pass(6 * HOUR);
    here.servers.silent(true);
    thread::scope(|scope| {
        let due = scope.spawn(|| here.csms.run_rotations());
        here.servers.waiting(4);
        // Who asks for something has a turn, too.
        let asked = scope.spawn(|| rotate(&here));
        here.servers.waiting(5);
        here.servers.silent(false);
        // All are of one account, so that one may undo what another does.
        drop(asked.join().unwrap());
        let run = due.join().unwrap();
        assert_eq!(run.done + run.failed.len(), 4, "{run:?}");
    });
    assert_eq!(here.csms.run_rotations().done, 1);
}
