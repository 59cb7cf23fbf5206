//! Rotation by a program of the operator's, and of what is in no database: cut off at each step, failed, undone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dew::csms::{
    Accounts, CsmsError, Database, Engine, Fault, Login, NewDatabase, NewRotation, NewSecret, Result,
    RotationTarget, Rotator, Secret, SecretKind, Server,
};
use dew::kms::{Kept, Uuid};

use crate::world::{Secrets, code, new, value};

/// A world with the agency for programs, whose program looks after `first`.
fn world() -> Secrets {
    let here = Secrets::new();
    here.servers.program("first", "{\"value\":\"made of PASSWORD\"}");
    here.csms.create_agencies(&here.root, "Program-FG").unwrap();
    here
}

fn make(here: &Secrets, program: &str, kind: SecretKind, text: &str) -> Result<Kept<Secret>> {
    let rotation = Some(NewRotation { by: Rotator::program(program)?, period: None, automatic: false });
    let given = value(text);
    here.csms.create_secret(&here.root, NewSecret { kind, rotation, ..new("db", &given) })
}

fn rotate(here: &Secrets) -> Result<String> {
    Ok(here.csms.rotate_secret(&here.root, "db")?.version.to_string())
}

fn current(here: &Secrets) -> String {
    here.get("db", "SYSCURRENT").unwrap()
}

#[test]
fn a_program_makes_what_follows_and_sets_it() {
    let here = world();
    let refused = make(&here, "other", SecretKind::Program, "first").unwrap_err();
    assert!(matches!(refused, CsmsError::Database(Fault::Program(_))), "{refused}");
    assert!(make(&here, "rotator", SecretKind::Program, "second").is_err(), "it is not good");
    for kind in [SecretKind::Rds, SecretKind::Common, SecretKind::Redis] {
        assert_eq!(code(make(&here, "rotator", kind, "first")), "CSMS.0002");
    }
    for bad in ["", "../rotator", "a b", &"x".repeat(65)] {
        assert_eq!(code(make(&here, bad, SecretKind::Program, "first")), "CSMS.0002", "{bad}");
    }
    let secret = make(&here, "rotator", SecretKind::Program, "first").unwrap();
    assert_eq!(secret.rotation.function.as_deref(), Some("rotator"));
    for number in 2..5 {
        assert_eq!(rotate(&here).unwrap(), format!("v{number}"));
        assert_eq!(current(&here), here.servers.token());
        assert!(current(&here).starts_with("made of ") && current(&here).len() == 40);
    }
    assert!(matches!(here.put("db", "by hand"), Err(CsmsError::Rotated)));
}

#[test]
fn what_a_program_does_not_make_is_made_for_it() {
    let here = world();
    let json = "{\"password\":\"first\",\"url\":\"https://example.org\"}";
    for (first, answer) in [("first", "{}"), (json, "{}"), ("first", " {}\n")] {
        here.servers.program(first, answer);
        make(&here, "rotator", SecretKind::Program, first).unwrap();
        rotate(&here).unwrap();
        let made = current(&here);
        assert_ne!(made, first);
        assert_eq!(made.contains("https://example.org"), first == json);
        assert_eq!(here.servers.token(), made);
        here.csms.delete_secret(&here.root, "db").unwrap();
    }
    for (first, answer) in [
        ("{\"token\":\"first\"}", "{}"),
        ("first", ""),
        ("first", "{\"error\":\"no PASSWORD today\"}"),
        ("{\"password\":\"first\",\"key\":\"line-one\\nline-two\"}", "{\"error\":\"no line-two today\"}"),
        ("line-one\nline-two", "{\"error\":\"no line-two today\"}"),
        (
            "{\"password\":\"first\",\"in\":[{\"token\":\"tok-123456\"}]}",
            "{\"error\":\"no tok-123456 today\"}",
        ),
        ("first", "nonsense"),
        ("first", "{\"value\":\"\"}"),
        ("first", "{\"value\":\"x\",\"other\":1}"),
        ("first", "{\"value\":7}"),
    ] {
        here.servers.program(first, answer);
        make(&here, "rotator", SecretKind::Program, first).unwrap();
        let refused = rotate(&here).unwrap_err().to_string();
        assert!(!refused.contains("today"), "what holds a value is told: {refused}");
        assert_eq!((current(&here).as_str(), here.servers.token().as_str()), (first, first), "{answer}");
        here.csms.delete_secret(&here.root, "db").unwrap();
    }
}

#[test]
fn a_program_that_is_cut_off_at_any_step_is_asked_again() {
    let mut cuts = 0;
    for (call, after) in (0..4).flat_map(|call| [(call, false), (call, true)]) {
        let here = world();
        make(&here, "rotator", SecretKind::Program, "first").unwrap();
        here.servers.kill_at(call, after);
        let killed = catch_unwind(AssertUnwindSafe(|| rotate(&here))).is_err();
        here.servers.mend();
        cuts += usize::from(killed);
        let cut = here.again();
        let run = cut.csms.run_rotations();
        assert_eq!(run.failed, Vec::<String>::new());
        assert_eq!(current(&cut), cut.servers.token(), "{call} {after}");
        assert_eq!(code(cut.get("db", "SYSPENDING")), "CSMS.0005");
        rotate(&cut).unwrap();
        assert_eq!(current(&cut), cut.servers.token());
    }
    assert_eq!(cuts, 6, "three steps, each before and after its effect");
}

#[test]
fn what_a_program_fails_at_is_undone_by_it() {
    for (from, calls) in [(0, 1), (1, 1), (2, 1), (1, 2), (2, 100)] {
        let here = world();
        make(&here, "rotator", SecretKind::Program, "first").unwrap();
        here.servers.away_from(from, calls);
        rotate(&here).unwrap_err();
        here.servers.mend();
        let here = here.again();
        here.world.pass(60_000);
        here.csms.run_rotations();
        assert_eq!(current(&here), here.servers.token(), "{from} {calls}");
    }
}

/// The first key of the account `keyed`.
const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nfirst\n";

/// A world with a host, where the accounts `app` and `keyed` are, and the id of it.
fn with_host() -> (Secrets, Uuid) {
    let here = Secrets::new();
    here.servers.account("admin", "admin's");
    here.servers.account("app", "first");
    here.servers.account("keyed", KEY);
    let host = add(&here, "web", Engine::Ssh, "admin's").unwrap().id;
    for kind in ["SSH-FG", "RDS-FG"] {
        here.csms.create_agencies(&here.root, kind).unwrap();
    }
    (here, host)
}

fn add(here: &Secrets, name: &str, engine: Engine, password: &str) -> Result<Kept<Database>> {
    let (host, ca) = ("web.example".into(), "ssh-ed25519 AAAA".into());
    let server = Server { engine, host, port: 22, ca, database: None };
    let admin = Login { name: "admin".into(), password: password.to_owned().into() };
    here.csms.add_database(&here.root, NewDatabase { name, server, admin })
}

fn make_of(here: &Secrets, host: Uuid, kind: SecretKind, accounts: Accounts, text: &str) -> Result<()> {
    let by = Rotator::Accounts(RotationTarget { database: host, accounts });
    let rotation = Some(NewRotation { by, period: None, automatic: false });
    let given = value(text);
    here.csms.create_secret(&here.root, NewSecret { kind, rotation, ..new("db", &given) }).map(drop)
}

fn with_key() -> String {
    serde_json::json!({ "name": "keyed", "private_key": KEY }).to_string()
}

/// Whether what is current lets its account in.
fn lets_in(here: &Secrets) -> bool {
    let fields: serde_json::Value = serde_json::from_str(&current(here)).unwrap();
    let proof = fields["private_key"].as_str().or(fields["password"].as_str()).unwrap();
    here.servers.logs_in(fields["name"].as_str().unwrap(), proof)
}

#[test]
fn a_host_has_passwords_and_keys_and_no_clones() {
    let (here, host) = with_host();
    assert_eq!(code(add(&here, "other", Engine::Redis, KEY)), "CSMS.0002");
    let make = |kind, accounts, text: &str| make_of(&here, host, kind, accounts, text);
    let (with_password, with_key) = ("{\"name\":\"app\",\"password\":\"first\"}", with_key());
    let refused = make(SecretKind::SshPassword, Accounts::Dual, with_password).unwrap_err();
    assert!(refused.to_string().contains("no clone"), "{refused}");
    assert_eq!(code(make(SecretKind::SshKey, Accounts::Single, with_password)), "CSMS.0002");
    assert_eq!(code(make(SecretKind::SshPassword, Accounts::Single, &with_key)), "CSMS.0002");
    assert_eq!(code(make(SecretKind::Rds, Accounts::Single, with_password)), "CSMS.0002");
    for (kind, text) in [(SecretKind::SshPassword, with_password), (SecretKind::SshKey, &with_key)] {
        make(kind, Accounts::Single, text).unwrap();
        let before = current(&here);
        rotate(&here).unwrap();
        assert_ne!(current(&here), before);
        assert!(lets_in(&here));
        assert_eq!(current(&here).contains("\"public_key\""), kind == SecretKind::SshKey);
        here.csms.delete_secret(&here.root, "db").unwrap();
    }
}

/// A host lets in by the two newest keys, so that one which failed must not push out what is current.
#[test]
fn a_key_that_fails_is_not_the_one_that_the_next_rotation_lets_be() {
    let (here, host) = with_host();
    make_of(&here, host, SecretKind::SshKey, Accounts::Single, &with_key()).unwrap();
    here.servers.lock();
    rotate(&here).unwrap_err();
    assert!(lets_in(&here));
    // Once the next key is set, and before it is current.
    here.servers.kill_at(0, true);
    assert!(catch_unwind(AssertUnwindSafe(|| rotate(&here))).is_err());
    here.servers.mend();
    assert!(current(&here).contains("first") && lets_in(&here));
    let here = here.again();
    assert_eq!(here.csms.run_rotations().failed, Vec::<String>::new());
    assert!(!current(&here).contains("first") && lets_in(&here));
}
