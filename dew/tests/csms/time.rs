//! What happens by itself.

use dew::csms::{CURRENT, EventKind, NewSecret, Notified, Page, Target};

use crate::world::{Secrets, code, new, value};

/// Requirement: CSMS-065
#[test]
fn a_secret_goes_at_its_date_also_while_nobody_looked() {
    let here = Secrets::new();
    here.make("db", "one").unwrap();
    here.make("stays", "two").unwrap();
    here.csms.schedule_secret_deletion(&here.root, "db", 30).unwrap();
    let here = here.again();
    here.world.pass_days(30);
    // At its date it is gone, whether or not it was taken away.
    assert_eq!(code(here.current("db")), "CSMS.0106");
    assert_eq!(code(here.csms.cancel_secret_deletion(&here.root, "db")), "CSMS.0106");
    assert_eq!(here.run_due(), 1);
    assert_eq!(here.run_due(), 0);
    let here = here.again();
    assert_eq!(code(here.current("db")), "CSMS.0106");
    assert_eq!(here.get("stays", CURRENT).unwrap(), "two");
}

#[test]
fn the_name_of_one_that_is_past_its_date_is_free_before_it_is_taken_away() {
    let here = Secrets::new();
    here.make("db", "one").unwrap();
    here.csms.schedule_secret_deletion(&here.root, "db", 7).unwrap();
    here.world.pass_days(7);
    here.make("db", "two").unwrap();
    assert_eq!(here.run_due(), 0);
    let here = here.again();
    assert_eq!(here.current("db").unwrap(), "two");
}

/// A world with a secret past its date that is not taken away yet, of which the event `ops` tells.
fn past_its_date() -> Secrets {
    let here = Secrets::new();
    let target = Target { id: "urn:smn:local-1:0123:ops".into(), name: "ops".into() };
    let kinds = [EventKind::Deleted].into();
    here.csms.create_event(&here.root, "ops", kinds, true, target).unwrap();
    let given = value("one");
    let secret = NewSecret { event: Some("ops"), ..new("db", &given) };
    here.csms.create_secret(&here.root, secret).unwrap();
    here.csms.schedule_secret_deletion(&here.root, "db", 7).unwrap();
    here.world.pass_days(7);
    here
}

#[test]
fn one_past_its_date_goes_though_its_event_went_before() {
    let here = past_its_date();
    here.csms.delete_event(&here.root, "ops").unwrap();
    assert_eq!(here.run_due(), 1);
    assert_eq!(here.run_due(), 0);
}

#[test]
fn that_one_is_gone_is_told_also_if_its_name_is_taken_first() {
    let here = past_its_date();
    here.make("db", "two").unwrap();
    let told = here.csms.notifications(&here.root, &Page::default()).unwrap().items;
    assert_eq!(told.iter().map(Notified::kind).collect::<Vec<_>>(), ["SECRET_DELETED"]);
}

/// Requirement: CSMS-092
#[test]
fn a_version_expires_once() {
    let here = Secrets::new();
    here.make("db", "one").unwrap();
    here.csms.expire_version(&here.root, "db", "v1", here.csms.now() + 5000).unwrap();
    assert_eq!(here.run_due(), 0);
    here.world.pass(5000);
    let here = here.again();
    assert_eq!(here.run_due(), 1);
    assert_eq!(here.run_due(), 0);
    // It can be read all the same: what is due is somebody's business.
    assert_eq!(here.current("db").unwrap(), "one");
    let here = here.again();
    assert_eq!(here.run_due(), 0);
    here.csms.expire_version(&here.root, "db", "v1", here.csms.now() + 1).unwrap();
    here.world.pass(1);
    assert_eq!(here.run_due(), 1);
}
