//! Rotation: cut off at each of its steps, failed, undone, and by the clock.

// Long because every test of it has the one rotator that is made up here and can be cut off.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use dew::csms::{
    Accounts, CsmsError, Engine, EventKind, Fault, Login, NewDatabase, NewRotation, NewSecret, Page, Period,
    Quotas, Result, RotationTarget, Rotator, Secret, SecretChange, SecretKind, Server, Target, TaskFilter,
};
use dew::kms::{DAY, Kept};
use hsm::event::Actor;
use serde_json::Value as Json;

use crate::world::{Secrets, code, new, value};

pub(crate) const HOUR: u64 = 3_600_000;

fn server(engine: Engine) -> Server {
    Server { engine, host: "db.example".into(), port: 3306, ca: "a certificate".into(), database: None }
}

fn login(name: &str, password: &str) -> Login {
    Login { name: name.into(), password: password.to_owned().into() }
}

/// A world with a database, where the account `app` is.
pub(crate) fn world() -> Secrets {
    furnished(Secrets::new())
}

fn furnished(here: Secrets) -> Secrets {
    here.servers.account("admin", "admin's");
    here.servers.account("app", "first");
    let database =
        NewDatabase { name: "orders", server: server(Engine::MySql), admin: login("admin", "admin's") };
    here.csms.add_database(&here.root, database).unwrap();
    for kind in ["RDS-FG", "GaussDB-FG"] {
        here.csms.create_agencies(&here.root, kind).unwrap();
    }
    here
}

fn rotation(here: &Secrets, accounts: Accounts, period: Option<&str>) -> NewRotation {
    let database = here.csms.databases(&here.root).unwrap()[0].id;
    let by = Rotator::Accounts(RotationTarget { database, accounts });
    NewRotation { by, period: period.map(|period| period.parse().unwrap()), automatic: period.is_some() }
}

pub(crate) fn make(here: &Secrets, accounts: Accounts, period: Option<&str>) -> Result<Kept<Secret>> {
    make_of(
        here,
        accounts,
        period,
        SecretKind::Rds,
        r#"{"name":"app","password":"first","host":"db.example"}"#,
    )
}

/// A secret of another name with the account.
pub(crate) fn make_named(here: &Secrets, name: &str) -> Result<Kept<Secret>> {
    let given = value(r#"{"name":"app","password":"first"}"#);
    let rotation = Some(rotation(here, Accounts::Single, None));
    here.csms.create_secret(&here.root, NewSecret { kind: SecretKind::Rds, rotation, ..new(name, &given) })
}

fn make_of(
    here: &Secrets,
    accounts: Accounts,
    period: Option<&str>,
    kind: SecretKind,
    text: &str,
) -> Result<Kept<Secret>> {
    let (given, rotation) = (value(text), Some(rotation(here, accounts, period)));
    here.csms.create_secret(&here.root, NewSecret { kind, rotation, ..new("db", &given) })
}

/// The account of a version or a stage, if it logs in.
pub(crate) fn logs_in(here: &Secrets, version: &str) -> Option<String> {
    let fields: Json = serde_json::from_str(&here.get("db", version).unwrap()).unwrap();
    let [name, password] = ["name", "password"].map(|field| fields[field].as_str().unwrap().to_owned());
    assert_eq!(fields["host"], "db.example");
    here.servers.logs_in(&name, &password).then_some(name)
}

pub(crate) fn rotate(here: &Secrets) -> Result<String> {
    Ok(here.csms.rotate_secret(&here.root, "db")?.version.to_string())
}

pub(crate) fn show(here: &Secrets) -> Kept<Secret> {
    here.csms.show_secret(&here.root, "db").unwrap()
}

fn failures(here: &Secrets) -> Vec<(u32, String)> {
    let filter = TaskFilter { secret: Some("db"), succeeded: Some(false), ..TaskFilter::default() };
    let found = here.csms.tasks(&here.root, filter, &Page::default()).unwrap().1.items;
    found.iter().map(|task| (task.attempts, task.failure.clone().unwrap().0)).collect()
}

/// Requirement: CSMS-008, CSMS-093, CSMS-096
#[test]
fn with_one_account_it_has_a_new_password_each_time() {
    let here = world();
    make(&here, Accounts::Single, None).unwrap();
    for number in 2..6 {
        assert_eq!(rotate(&here).unwrap(), format!("v{number}"));
        assert_eq!(logs_in(&here, "SYSCURRENT").as_deref(), Some("app"));
        assert_eq!(logs_in(&here, "SYSPREVIOUS"), None);
        assert_eq!(show(&here).version("SYSCURRENT").unwrap().id.to_string(), format!("v{number}"));
        assert_eq!(code(here.get("db", "SYSPENDING")), "CSMS.0005");
    }
    here.make("common", "one").unwrap();
    assert!(matches!(here.csms.rotate_secret(&here.root, "common"), Err(CsmsError::NotRotated)));
}

/// Requirement: CSMS-012, CSMS-013, CSMS-015, CSMS-017, CSMS-050, CSMS-051
#[test]
fn with_two_accounts_the_one_that_is_not_current_has_a_new_password() {
    let here = world();
    make(&here, Accounts::Dual, None).unwrap();
    assert_eq!(here.servers.rights("app_clone"), here.servers.rights("app"));
    let accounts = ["app", "app_clone"];
    for number in 0..6 {
        let [current, other] = [accounts[number % 2], accounts[(number + 1) % 2]];
        assert_eq!(logs_in(&here, "SYSCURRENT").as_deref(), Some(current));
        assert_eq!(logs_in(&here, "SYSPREVIOUS").as_deref(), Some(other));
        let before = here.current("db").unwrap();
        rotate(&here).unwrap();
        assert_eq!(here.get("db", "SYSPREVIOUS").unwrap(), before);
    }
    assert_eq!(here.servers.names(), ["admin", "app", "app_clone"]);
}

/// Requirement: CSMS-014
#[test]
fn cut_off_at_any_step_it_is_completed_and_what_is_current_logs_in() {
    for accounts in [Accounts::Single, Accounts::Dual] {
        let mut cuts = 0;
        for (call, after) in (0..3).flat_map(|call| [(call, false), (call, true)]) {
            let here = world();
            make(&here, accounts, None).unwrap();
            here.servers.kill_at(call, after);
            let killed = catch_unwind(AssertUnwindSafe(|| rotate(&here))).is_err();
            here.servers.mend();
            cuts += usize::from(killed);
            let cut = here.again();
            if killed {
                assert_eq!(show(&cut).version("SYSPENDING").unwrap().id, show(&cut).last);
                // With two accounts nothing that programs use has changed.
                assert!(accounts == Accounts::Single || logs_in(&cut, "SYSCURRENT").is_some());
                let run = cut.csms.run_rotations();
                assert_eq!((run.done, run.failed), (1, Vec::new()), "{accounts:?} {call} {after}");
            }
            assert!(logs_in(&cut, "SYSCURRENT").is_some(), "{accounts:?} {call} {after}");
            assert_eq!(code(cut.get("db", "SYSPENDING")), "CSMS.0005");
            assert_eq!(show(&cut).version("SYSCURRENT").unwrap().id, show(&cut).last);
            assert_eq!(show(&cut).versions.len(), if accounts == Accounts::Single { 2 } else { 3 });
            rotate(&cut).unwrap();
            assert!(logs_in(&cut, "SYSCURRENT").is_some());
        }
        assert_eq!(cuts, 4, "two calls, each before and after its effect");
    }
}

/// Requirement: CSMS-099
#[test]
fn what_fails_is_undone_and_what_cannot_be_is_tried_until_it_can() {
    for accounts in [Accounts::Single, Accounts::Dual] {
        for (from, calls) in [(0, 1), (1, 1), (0, 2), (1, 2), (1, 3), (0, 100), (1, 100)] {
            let here = world();
            make(&here, accounts, None).unwrap();
            let before = here.current("db").unwrap();
            here.servers.away_from(from, calls);
            let refused = rotate(&here).unwrap_err();
            assert!(matches!(refused, CsmsError::Database(Fault::Unreachable(_))), "{refused}");
            assert_eq!(here.current("db").unwrap(), before);
            assert_eq!(failures(&here), [(1, "SERVER_UNREACHABLE".to_owned())]);
            here.servers.mend();
            let here = here.again();
            let is_open = show(&here).rotation.under_way.is_some();
            assert_eq!(is_open, show(&here).stage("SYSPENDING").is_ok());
            // With one account and its password set already, nobody can log in until somebody is there again.
            assert!(is_open || logs_in(&here, "SYSCURRENT").is_some(), "{accounts:?} {from} {calls}");
            here.world.pass(60_000);
            here.csms.run_rotations();
            assert!(show(&here).rotation.under_way.is_none());
            assert!(logs_in(&here, "SYSCURRENT").is_some(), "{accounts:?} {from} {calls}");
            rotate(&here).unwrap();
            assert!(logs_in(&here, "SYSCURRENT").is_some());
        }
    }
}

#[test]
fn a_password_that_is_set_after_the_way_was_cut_is_not_what_stays() {
    for accounts in [Accounts::Single, Accounts::Dual] {
        let here = world();
        make(&here, accounts, None).unwrap();
        here.servers.slow();
        rotate(&here).unwrap_err();
        assert!(show(&here).rotation.under_way.is_none());
        for stage in ["SYSCURRENT", "SYSPREVIOUS"] {
            if show(&here).stage(stage).is_ok() {
                assert!(logs_in(&here, stage).is_some(), "{accounts:?} {stage}");
                assert!(logs_in(&here, stage).is_some());
            }
        }
    }
}

/// Requirement: CSMS-094
#[test]
fn an_account_that_is_gone_or_a_rule_of_the_server_is_a_failure_that_leaves_nothing_behind() {
    let here = world();
    make(&here, Accounts::Single, None).unwrap();
    here.servers.refuse(Fault::PasswordRule("too simple".into()));
    assert!(matches!(rotate(&here), Err(CsmsError::Database(Fault::PasswordRule(_)))));
    here.servers.mend();
    assert_eq!(logs_in(&here, "SYSCURRENT").as_deref(), Some("app"));
    here.servers.forget("app");
    assert!(matches!(rotate(&here), Err(CsmsError::Database(Fault::NoAccount(_)))));
    assert_eq!(show(&here).versions.len(), 1);
    assert_eq!(failures(&here), [(2, "SERVER_NO_ACCOUNT".into()), (1, "SERVER_PASSWORD_RULE".into())]);
    here.servers.account("app", "another");
    assert_eq!(rotate(&here).unwrap(), "v4");
    assert!(logs_in(&here, "SYSCURRENT").is_some());
}

/// Requirement: CSMS-100, CSMS-101
#[test]
fn after_three_failures_in_a_row_it_does_not_happen_by_itself_any_more() {
    let here = world();
    make(&here, Accounts::Single, Some("6h")).unwrap();
    let refusing = || here.servers.refuse(Fault::Refused("no".into()));
    let fail = |wait: u64| {
        here.world.pass(wait);
        assert_eq!(here.csms.run_rotations().failed.len(), 1);
        let secret = show(&here);
        (secret.rotation.failures, secret.rotation.automatic, secret.rotation.next)
    };
    refusing();
    assert_eq!(fail(6 * HOUR), (1, true, Some(here.csms.now() + HOUR)));
    assert_eq!(fail(HOUR), (2, true, Some(here.csms.now() + 6 * HOUR)));
    // One that goes well begins the row anew.
    here.servers.mend();
    here.world.pass(6 * HOUR);
    assert_eq!(here.csms.run_rotations().done, 1);
    assert_eq!(show(&here).rotation.failures, 0);
    refusing();
    assert_eq!(fail(6 * HOUR).0, 1);
    assert_eq!(fail(HOUR).0, 2);
    assert_eq!(fail(6 * HOUR), (3, false, None));
    here.servers.mend();
    here.world.pass_days(20);
    assert_eq!(here.csms.run_rotations().done, 0);
    let on = SecretChange { automatic: Some(true), ..SecretChange::default() };
    here.csms.update_secret(&here.root, "db", on).unwrap();
    // The row begins anew, too.
    refusing();
    assert_eq!(fail(6 * HOUR), (1, true, Some(here.csms.now() + HOUR)));
    here.servers.mend();
    here.world.pass(HOUR);
    assert_eq!(here.csms.run_rotations().done, 1);
}

/// Requirement: CSMS-102, CSMS-103
#[test]
fn what_came_of_rotations_is_kept_for_a_month() {
    let here = world();
    make(&here, Accounts::Single, None).unwrap();
    here.servers.refuse(Fault::Refused("no".into()));
    rotate(&here).unwrap_err();
    here.servers.mend();
    here.world.pass_days(1);
    rotate(&here).unwrap();
    let all = |here: &Secrets| here.csms.tasks(&here.root, TaskFilter::default(), &Page::default()).unwrap();
    assert_eq!(all(&here).0, 2);
    assert!(all(&here).1.items[0].succeeded());
    // Nor does it go with the secret.
    here.csms.delete_secret(&here.root, "db").unwrap();
    here.world.pass(29 * DAY - 1);
    let here = here.again();
    assert_eq!((here.csms.run_rotations().done, all(&here).0), (0, 2));
    here.world.pass(1);
    assert_eq!(all(&here).0, 1);
    assert_eq!((here.csms.run_rotations().done, here.csms.run_rotations().done), (1, 0));
    here.world.pass_days(1);
    let here = here.again();
    assert_eq!((here.csms.run_rotations().done, all(&here).0), (1, 0));
}

#[test]
fn as_many_rotations_are_told_of_as_is_said_and_those_that_succeeded_go_first() {
    let here = furnished(Secrets::with(Quotas { tasks: 4, ..Quotas::default() }));
    make(&here, Accounts::Single, None).unwrap();
    here.servers.refuse(Fault::Refused("no".into()));
    rotate(&here).unwrap_err();
    rotate(&here).unwrap_err();
    here.servers.mend();
    let all = |here: &Secrets| {
        let found = here.csms.tasks(&here.root, TaskFilter::default(), &Page::default()).unwrap().1.items;
        found.iter().map(|task| task.succeeded()).collect::<Vec<_>>()
    };
    for _ in 0..5 {
        rotate(&here).unwrap();
    }
    assert_eq!(all(&here), [true, true, false, false]);
    here.servers.refuse(Fault::Refused("no".into()));
    for _ in 0..3 {
        rotate(&here).unwrap_err();
    }
    assert_eq!(all(&here), [false; 4]);
    let here = here.again();
    assert_eq!(all(&here), [false; 4]);
    assert_eq!(failures(&here).iter().map(|(attempts, _)| *attempts).collect::<Vec<_>>(), [3, 2, 1, 2]);
}

#[test]
fn a_few_of_a_project_wait_for_servers_at_once_and_one_for_each_secret() {
    let here = world();
    make(&here, Accounts::Single, Some("6h")).unwrap();
    here.world.pass(6 * HOUR);
    let names: Vec<_> = (0..8).map(|number| format!("other-{number}")).collect();
    names.iter().for_each(|name| drop(make_named(&here, name).unwrap()));
    here.servers.silent(true);
    thread::scope(|scope| {
        let rotations: Vec<_> = names
            .iter()
            .map(|name| scope.spawn(|| here.csms.rotate_secret(&here.root, name).map(drop)))
            .collect();
        here.servers.waiting(8);
        let again = here.csms.rotate_secret(&here.root, &names[3]);
        assert!(matches!(again, Err(CsmsError::RotationUnderWay)));
        let refused = rotate(&here).unwrap_err();
        assert_eq!(refused.code(), (503, "CSMS.0001"), "{refused}");
        assert_eq!(make_named(&here, "new").unwrap_err().code().0, 503);
        let database =
            NewDatabase { name: "b", server: server(Engine::MySql), admin: login("admin", "admin's") };
        assert_eq!(here.csms.add_database(&here.root, database).unwrap_err().code().0, 503);
        let run = here.csms.run_rotations();
        assert_eq!((run.done, run.failed), (0, Vec::new()));
        here.servers.silent(false);
        assert!(rotations.into_iter().map(|one| one.join().unwrap()).any(|one| one.is_ok()));
    });
    assert_eq!(failures(&here), [], "who had no turn has not failed");
    // Whoever is cut off leaves its place.
    for _ in 0..9 {
        here.servers.kill_at(0, false);
        catch_unwind(AssertUnwindSafe(|| rotate(&here))).unwrap_err();
    }
    here.servers.mend();
    rotate(&here).unwrap();
}

/// Requirement: CSMS-109, CSMS-111
#[test]
fn that_it_was_rotated_or_could_not_be_is_told() {
    let here = world();
    make(&here, Accounts::Single, None).unwrap();
    let kinds = EventKind::named(&EventKind::ALL.map(|kind| kind.name().to_owned())).unwrap();
    let target = Target { id: "urn:smn:local-1:0123:ops".into(), name: "ops".into() };
    here.csms.create_event(&here.root, "ops", kinds, true, target).unwrap();
    let told_by = SecretChange { event: Some("ops"), ..SecretChange::default() };
    here.csms.update_secret(&here.root, "db", told_by).unwrap();
    rotate(&here).unwrap();
    here.servers.refuse(Fault::Refused("no".into()));
    rotate(&here).unwrap_err();
    let told = here.csms.notifications(&here.root, &Page::default()).unwrap().items;
    let told: Vec<_> = told
        .iter()
        .map(|told| {
            let content: Json = serde_json::from_str(told.content()).unwrap();
            (told.kind().to_owned(), content["version_id"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [
        ("SECRET_ROTATED_FAILED", "v3"),
        ("SECRET_VERSION_CREATED", "v3"),
        ("SECRET_ROTATED", "v2"),
        ("SECRET_VERSION_CREATED", "v2"),
    ];
    assert_eq!(told, expected.map(|(kind, version)| (kind.to_owned(), version.to_owned())));
}

#[test]
fn a_database_is_its_projects_own() {
    let here = world();
    let other = here.world.root(&here.world.account("other"));
    assert!(here.csms.databases(&other).unwrap().is_empty());
    assert!(matches!(here.csms.remove_database(&other, "orders"), Err(CsmsError::NoDatabase)));
    here.csms.create_agencies(&other, "RDS-FG").unwrap();
    let given = value(r#"{"name":"app","password":"first"}"#);
    let rotation = Some(rotation(&here, Accounts::Single, None));
    let secret = NewSecret { kind: SecretKind::Rds, rotation, ..new("db", &given) };
    let refused = here.csms.create_secret(&other, secret).unwrap_err();
    assert!(refused.to_string().contains("names no database"), "{refused}");
    assert_eq!(here.csms.databases(&here.root).unwrap().len(), 1);
}

/// Requirement: CSMS-002, CSMS-032, CSMS-033, CSMS-047, CSMS-049, CSMS-077
#[test]
fn a_secret_is_made_only_of_what_can_be_rotated() {
    let here = world();
    let make_of = |kind, text: &str| make_of(&here, Accounts::Single, None, kind, text);
    let good = r#"{"name":"app","password":"first"}"#;
    // The account logs in, or there is no secret.
    assert!(matches!(
        make_of(SecretKind::Rds, r#"{"name":"app","password":"other"}"#),
        Err(CsmsError::Database(Fault::Login(_)))
    ));
    for bad in ["text", "[]", "{}", r#"{"name":"app"}"#, r#"{"name":"","password":"first"}"#] {
        assert_eq!(code(make_of(SecretKind::Rds, bad)), "CSMS.0002", "{bad}");
    }
    // Whoever sets passwords would have lost its own.
    let admin = r#"{"name":"admin","password":"admin's"}"#;
    let refused = make_of(SecretKind::Rds, admin).unwrap_err();
    assert!(refused.to_string().contains("sets passwords"), "{refused}");
    // The database is MySQL.
    for other in [SecretKind::TaurusDb, SecretKind::PostgreSql, SecretKind::Common] {
        assert_eq!(code(make_of(other, good)), "CSMS.0002", "{other:?}");
    }
    let given = value(good);
    let without = NewSecret { kind: SecretKind::Rds, ..new("db", &given) };
    assert_eq!(code(here.csms.create_secret(&here.root, without)), "CSMS.0002");
    make_of(SecretKind::Rds, good).unwrap();
    assert!(matches!(here.put("db", "by hand"), Err(CsmsError::Rotated)));
    for stage in ["SYSCURRENT", "SYSPREVIOUS", "SYSPENDING"] {
        assert!(matches!(here.csms.put_stage(&here.root, "db", stage, "v1"), Err(CsmsError::Rotated)));
    }
    here.csms.put_stage(&here.root, "db", "mine", "v1").unwrap();
    // A database that something is rotated in stays.
    assert!(matches!(here.csms.remove_database(&here.root, "orders"), Err(CsmsError::DatabaseInUse(_))));
    here.csms.delete_secret(&here.root, "db").unwrap();
    here.csms.remove_database(&here.root, "orders").unwrap();
}

/// Requirement: CSMS-040
#[test]
fn without_its_agency_csms_rotates_nothing() {
    let here = world();
    make(&here, Accounts::Single, Some("6h")).unwrap();
    let account = here.root.identity.account;
    let agency =
        here.world.kms.iam().agency_named(account, "FunctionGraphAgencyForRotateRDSByCSMSV3").unwrap();
    here.world.kms.iam().by(Actor::DAEMON).delete_agency(account, agency.id).unwrap();
    assert!(matches!(rotate(&here), Err(CsmsError::NoAgency(_))));
    here.world.pass(6 * HOUR);
    assert_eq!(here.csms.run_rotations().failed.len(), 1);
    assert_eq!(failures(&here).len(), 2);
    assert_eq!(logs_in(&here, "SYSCURRENT").as_deref(), Some("app"));
    assert_eq!(show(&here).versions.len(), 1);
    let on = SecretChange { automatic: Some(true), ..SecretChange::default() };
    assert!(matches!(here.csms.update_secret(&here.root, "db", on), Err(CsmsError::NoAgency(_))));
    here.csms.create_agencies(&here.root, "RDS-FG").unwrap();
    rotate(&here).unwrap();
}

/// Requirement: CSMS-054, CSMS-097
#[test]
fn a_period_is_from_six_hours_to_a_year() {
    for good in ["6h", "360m", "8760h", "365d", "21600s"] {
        assert!(good.parse::<Period>().is_ok(), "{good}");
    }
    for bad in ["5h", "366d", "8761h", "21599s", "", "h", "-6h", "6 h", "1w", "99999999999999999999d"] {
        assert!(bad.parse::<Period>().is_err(), "{bad}");
    }
    let here = world();
    make(&here, Accounts::Single, None).unwrap();
    let change = |change| here.csms.update_secret(&here.root, "db", change);
    let on = SecretChange { automatic: Some(true), ..SecretChange::default() };
    assert_eq!(code(change(on)), "CSMS.0002");
    let secret = change(SecretChange { period: Some("1d".parse().unwrap()), ..on }).unwrap();
    assert_eq!(secret.rotation.next, Some(here.csms.now() + DAY));
    assert_eq!(change(SecretChange { automatic: Some(false), ..on }).unwrap().rotation.next, None);
    here.make("common", "one").unwrap();
    assert!(matches!(here.csms.update_secret(&here.root, "common", on), Err(CsmsError::NotRotated)));
}
