//! Secrets of CSMS from the console of a daemon.

use std::process::Command;

use serde_json::{Value, json};
use tests::{Hsm, Run, Staff, authenticator, needs, not_on_stand_in};

struct Console {
    hsm: Hsm,
}

impl Console {
    fn run(&self, words: &[&str]) -> Run {
        Staff::new(&self.hsm, &[]).nobody(words)
    }

    fn json(&self, words: &[&str]) -> Value {
        let run = self.run(&[words, &["--json"]].concat()).succeeds();
        serde_json::from_str(&run.out()).expect("JSON")
    }

    /// Puts a value from a file, and gives what is told of it.
    fn put(&self, name: &str, value: impl AsRef<[u8]>, more: &[&str]) -> Value {
        self.hsm.write("value", value);
        self.json(&[&["secret", "put", name, "--file", "value"], more].concat())
    }

    fn get(&self, name: &str) -> String {
        self.run(&["secret", "get", name]).succeeds().out()
    }

    /// `hsm-admin` with an environment and an input of its own.
    fn command(&self, words: &[&str]) -> Command {
        let program = std::path::Path::new(self.hsm.module()).with_file_name("hsm-admin");
        let mut command = self.hsm.command(program);
        command.args(words).current_dir(self.hsm.path(""));
        command
    }
}

macro_rules! console {
    () => {{
        let hsm = Hsm::start();
        not_on_stand_in!(hsm, "it has no CSMS");
        Console { hsm }
    }};
}

/// Requirement: CSMS-027, CSMS-056, CSMS-057, CSMS-058, CSMS-060, CSMS-079, CSMS-091
#[test]
fn a_secret_is_put_and_got_as_it_was_and_its_versions_are_told_apart() {
    let console = console!();
    console.run(&["secret", "list"]).succeeds().says("`secret put` makes one").done();
    let value = "first\nä \"line\"\n\n";
    let more = ["--description", "of the shop", "--tag", "env=prod", "--tag", "bare"];
    let made = console.put("db", value, &more);
    assert_eq!((made["name"].as_str(), made["secret_type"].as_str()), (Some("db"), Some("COMMON")));
    assert_eq!(console.get("db"), value);
    let version = console.put("db", "second", &["--expires", "30"]);
    assert_eq!(version["id"], "v2");
    assert_eq!(
        (console.get("db"), console.get("db:v1"), console.get("db:SYSPREVIOUS")),
        ("second".into(), value.into(), value.into())
    );
    console.put("db", "third", &["--stage", "blue"]);
    assert_eq!((console.get("db"), console.get("db:blue")), ("second".to_owned(), "third".to_owned()));
    let history = console.run(&["secret", "history", "db"]).succeeds();
    let text = history.out();
    let lines: Vec<_> =
        text.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>()).collect();
    assert_eq!(lines[1..], [["v3", "blue"], ["v2", "SYSCURRENT"], ["v1", "SYSPREVIOUS"]], "{text}");
    console.run(&["secret", "stage", "db", "SYSCURRENT", "v3"]).succeeds().says("is on v3").done();
    console.run(&["secret", "stage", "db", "blue", "--remove"]).succeeds().done();
    console.run(&["secret", "stage", "db", "SYSPREVIOUS", "--remove"]).fails().says("built in").done();
    assert_eq!(console.get("db"), "third");
    let expires = console.json(&["secret", "expire", "db", "v3", "2099-01-31"]);
    assert_eq!(expires["expire_time"], 4_073_500_800_000_u64);
    console.run(&["secret", "expire", "db", "v3", "soon"]).fails_with(2).says("2027-01-31").done();
    let shown = console.run(&["secret", "show", "db"]).succeeds();
    for word in ["of the shop", "env=prod", "bare", "enabled", "encryption key"] {
        assert!(shown.out().contains(word), "{word}");
    }
    console.put("other", "x", &[]);
    let names = |words: &[&str]| -> Vec<String> {
        let all = console.json(&[&["secret", "list"], words].concat());
        all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["db", "other"]);
    assert_eq!(names(&["--tag", "env=prod"]), ["db"]);
    assert_eq!(names(&["--tag", "bare", "--tag", "env=test"]), [""; 0]);
    assert_eq!(names(&["--name", "OTH"]), ["other"]);
    // Bytes, by a file that the owner alone reads.
    let bytes: Vec<u8> = (0..=255).collect();
    console.put("bytes", &bytes, &["--binary"]);
    console.run(&["secret", "get", "bytes", "--output", "back"]).succeeds().says("v1").done();
    assert_eq!(console.hsm.read("back"), bytes);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(console.hsm.path("back")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn pairs_are_told_apart_and_a_comparison_shows_no_value_that_nobody_asked_for() {
    let console = console!();
    console.run(&["secret", "put", "db", "--pair", "username=app", "--pair", "host=a"]).succeeds().done();
    assert_eq!(console.run(&["secret", "get", "db", "--pair", "username"]).succeeds().out(), "app");
    console.run(&["secret", "get", "db", "--pair", "password"]).fails().says("no pair").done();
    console.put("db", json!({ "username": "app", "host": "b", "port": 5432 }).to_string(), &[]);
    assert_eq!(console.run(&["secret", "get", "db", "--pair", "port"]).succeeds().out(), "5432");
    let differ =
        console.run(&["secret", "diff", "db"]).succeeds().says("changed  host").says("added    port");
    differ.never_says("5432").never_says("username").done();
    console.run(&["secret", "diff", "db", "v1", "v1"]).succeeds().says("the same").done();
    console.put("text", "one\ntwo\n", &[]);
    console.put("text", "one\nthree\n", &[]);
    console.run(&["secret", "diff", "text"]).succeeds().says("They differ").never_says("two").done();
    console.run(&["secret", "diff", "text", "--reveal"]).succeeds().says("-two").says("+three").done();
}

#[test]
fn what_cannot_be_put_says_what_was_expected() {
    let console = console!();
    console.run(&["secret", "put", "db"]).fails_with(2).says("--file").done();
    console.run(&["secret", "put", "db", "--file", "none"]).fails().says("none").done();
    console.run(&["secret", "put", "db", "--pair", "password"]).fails_with(2).says("--ask").done();
    console.hsm.write("long", "x".repeat(32 * 1024 + 1));
    console.run(&["secret", "put", "db", "--file", "long"]).fails_with(2).says("32768").done();
    console.hsm.write("bytes", [0xff, 0xfe]);
    console.run(&["secret", "put", "db", "--file", "bytes"]).fails_with(2).says("--binary").done();
    console.hsm.write("value", "x");
    let put = ["secret", "put", "a b", "--file", "value"];
    console.run(&put).fails().says("letters, digits, - and _").done();
    console.put("db", "x", &[]);
    let put = ["secret", "put", "db", "--file", "value"];
    console.run(&[&put[..], &["--new"]].concat()).fails().says("already").done();
    console.run(&[&put[..], &["--description", "y"]].concat()).fails_with(2).says("`secret set`").done();
    console.run(&["secret", "put", "new", "--file", "value", "--expires", "1"]).fails_with(2).done();
    console.run(&["secret", "get", "none"]).fails().says("does not exist").done();
    console.run(&["secret", "get", "db:v9"]).fails().says("version does not exist").done();
    assert_eq!(console.json(&["secret", "history", "db"]).as_array().map(Vec::len), Some(1));
}

/// Requirement: CSMS-061, CSMS-067
#[test]
fn a_secret_is_deleted_when_somebody_is_sure_and_comes_back_from_its_backup() {
    let console = console!();
    console.put("db", "one", &[]);
    console.put("db", "two", &[]);
    console.run(&["secret", "delete", "db", "--now"]).fails_with(2).says("--yes").done();
    console.run(&["secret", "delete", "db"]).fails_with(2).done();
    console.run(&["secret", "delete", "db", "--days", "5", "--yes"]).fails().says("7 to 30").done();
    console.run(&["secret", "delete", "db", "--days", "7", "--yes"]).succeeds().done();
    console.run(&["secret", "get", "db"]).fails().says("pending deletion").done();
    console.run(&["secret", "cancel-deletion", "db"]).succeeds().done();
    console.run(&["secret", "backup", "db", "--output", "blob"]).succeeds().done();
    let blob = console.hsm.read("blob");
    assert!(!blob.windows(3).any(|part| part == b"two"));
    console.run(&["secret", "restore", "blob"]).fails().says("already").done();
    console.run(&["secret", "delete", "db", "--now", "--yes"]).succeeds().done();
    console.run(&["secret", "get", "db"]).fails().says("does not exist").done();
    console.run(&["secret", "restore", "blob"]).succeeds().says("Restored").done();
    assert_eq!((console.get("db"), console.get("db:v1")), ("two".to_owned(), "one".to_owned()));
    console.hsm.write("blob", &blob[1..]);
    console.run(&["secret", "restore", "blob"]).fails().says("no backup").done();
}

/// Has each value of the account take a code from now on, and gives one that is good.
fn protect(console: &Console) -> Vec<String> {
    let made = console.json(&["account", "mfa", "create", "dev"]);
    let codes = authenticator(made["secret"].as_str().expect("it"));
    console.run(&["account", "mfa", "bind", "dev", &codes[0], &codes[1]]).succeeds().done();
    console.run(&["account", "protect", "dev", "on"]).succeeds().done();
    codes
}

#[test]
fn with_operation_protection_on_a_command_takes_one_code_for_all_its_secrets() {
    needs!("python3", "sh");
    let console = console!();
    console.put("db", "one", &[]);
    console.put("other", "two", &[]);
    let codes = protect(&console);
    let run = [
        "run",
        "--secret",
        "A=db",
        "--secret",
        "B=other",
        "--code",
        &codes[2],
        "--",
        "sh",
        "-c",
        "printf %s $A-$B",
    ];
    assert_eq!(console.run(&run).succeeds().out(), "one-two");
    console.run(&run).fails().says("used before").done();
}

/// Requirement: CSMS-080, CSMS-127, IAM-092
#[test]
fn with_operation_protection_on_a_value_is_shown_for_a_code_alone() {
    needs!("python3");
    let console = console!();
    console.put("db", "one", &[]);
    let codes = protect(&console);
    let get = ["secret", "get", "db", "--yes"];
    console.run(&get).fails().says("--code").never_says("one").done();
    console
        .run(&[&get[..], &["--code", &codes[1]]].concat())
        .fails()
        .says("used before")
        .never_says("one")
        .done();
    let call = ["secret", "call", "ShowSecretVersion", r#"{"secret_name":"db","version_id":"v1"}"#, "--yes"];
    console.run(&call).fails().says("--code").done();
    let run = ["run", "--secret", "V=db", "--", "true"];
    console.run(&run).fails().says("--code").done();
    assert_eq!(console.run(&[&get[..], &["--code", &codes[2]]].concat()).succeeds().out(), "one");
    console.run(&["secret", "delete", "db", "--now", "--yes"]).fails().says("--code").done();
    // What shows nothing is not protected.
    console.put("db", "two", &[]);
    console.run(&["secret", "history", "db"]).succeeds().done();
}

#[test]
fn a_program_gets_secrets_in_its_environment_or_in_memory_and_never_in_arguments() {
    needs!("sh", "tr", "grep");
    let console = console!();
    console
        .run(&["secret", "put", "db", "--pair", "DB_USER=app", "--pair", "DB_PORT=5432"])
        .succeeds()
        .done();
    console.put("token", "a token\n", &[]);
    let bytes: Vec<u8> = (0..=255).collect();
    console.put("key", &bytes, &["--binary"]);
    let script = "echo $DB_USER $DB_PORT; printf %s \"$TOKEN\"; cat \"$KEY\" > key; stat -Lc %a \"$KEY\" > mode; \
                  sh -c 'exec 3<&- 4<&-; cat \"$KEY\"' > again; \
                  echo changed > \"$KEY\" && echo wri$((1))ten; tr '\\0' ' ' < /proc/$$/cmdline; exit 7";
    let words =
        ["run", "--secret", "db", "--secret", "TOKEN=token", "--file", "KEY=key", "--", "sh", "-c", script];
    let run = console.run(&words).fails_with(7);
    let out = run.out();
    assert!(out.starts_with("app 5432\na token\nsh -c"), "{out}");
    run.never_says("wri1ten").done();
    // Also as programs see it that take no file which others may read, or that start without those of whoever starts them.
    assert_eq!(
        ["key", "again", "mode"].map(|name| console.hsm.read(name)),
        [bytes.clone(), bytes, b"400\n".to_vec()]
    );
    let old = console.put("token", "another", &[]);
    assert_eq!(old["id"], "v2");
    let words = ["run", "--secret", "TOKEN=token:v1", "--", "sh", "-c", "printf %s \"$TOKEN\""];
    assert_eq!(console.run(&words).succeeds().out(), "a token\n");
    console.run(&["run", "--secret", "token", "--", "true"]).fails().says("not of pairs").done();
    console.run(&["run", "--secret", "A-B=token", "--", "true"]).fails().says("cannot be a variable").done();
    console.run(&["run", "--secret", "T=none", "--", "true"]).fails().says("does not exist").done();
    console
        .run(&["run", "--secret", "T=token", "--", "no-such-program"])
        .fails()
        .says("no-such-program")
        .done();
    console.run(&["run", "--", "true"]).fails_with(2).done();
    // Whoever writes a secret says with what a program runs, and not which one.
    console.run(&["secret", "put", "evil", "--pair", "PATH=/tmp"]).succeeds().done();
    console.run(&["run", "--secret", "evil", "--", "true"]).fails().says("which says what is run").done();
}

#[test]
fn what_is_saved_in_an_editor_is_the_next_version() {
    needs!("sh", "sed");
    let console = console!();
    console.put("db", "user=app\npassword=old\n", &[]);
    let edit = |editor: &str| {
        console.hsm.write("editor", format!("#!/bin/sh\n{editor}\n"));
        Run::of(console.command(&["secret", "edit", "db", "--yes"]).env("EDITOR", "sh editor"))
    };
    // The file is in memory, and nobody else's.
    let look = "echo \"$1\" > place; stat -c %a \"$1\" > mode; sed -i s/old/new/ \"$1\"; touch \"$1~\"";
    edit(look).succeeds().says("version v2").done();
    assert_eq!(console.get("db"), "user=app\npassword=new\n");
    let place = String::from_utf8(console.hsm.read("place")).unwrap();
    assert!(place.starts_with("/dev/shm/"), "{place}");
    assert_eq!(console.hsm.read("mode"), b"600\n");
    assert!(!std::path::Path::new(place.trim()).parent().unwrap().exists(), "{place} stays");
    edit("true").succeeds().says("Nothing was changed").done();
    edit("echo x > \"$1\"; exit 3").fails().says("the editor failed").done();
    assert_eq!(console.json(&["secret", "history", "db"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn a_signal_loses_nothing_that_is_edited_and_leaves_nothing_of_it_behind() {
    needs!("sh", "sed", "grep");
    let console = console!();
    console.put("db", "old", &[]);
    let edit = |editor: &str| {
        console.hsm.write("editor", format!("{editor}\n"));
        Run::of(console.command(&["secret", "edit", "db", "--yes"]).env("EDITOR", "sh editor"))
    };
    // As ^C and ^\ in the editor.
    let typed = "echo \"$1\" > place; kill -INT $PPID; kill -QUIT $PPID; sed -i s/old/new/ \"$1\"";
    edit(typed).succeeds().says("version v2").done();
    assert_eq!(console.get("db"), "new");
    let is_left = || {
        let place = String::from_utf8(console.hsm.read("place")).unwrap();
        std::path::Path::new(place.trim()).parent().unwrap().exists()
    };
    assert!(!is_left());
    let ended = edit("echo \"$1\" > place; kill -TERM $PPID; echo other > \"$1\"");
    assert!(!ended.succeeded(), "{}", ended.story());
    assert!(!is_left());
    assert_eq!(console.get("db"), "new");
    // An editor ends the last line, which is no change of a value that has none.
    edit("echo new > \"$1\"").succeeds().says("Nothing was changed").done();
    edit("echo newest > \"$1\"").succeeds().never_says("meanwhile").done();
    assert_eq!(console.get("db"), "newest");
    // What somebody else put meanwhile is no more current, which is told.
    console.hsm.write("theirs", "theirs");
    let program = std::path::Path::new(console.hsm.module()).with_file_name("hsm-admin");
    let put = format!("{} secret put db --file theirs > /dev/null; echo ours > \"$1\"", program.display());
    edit(&put).succeeds().says("Version v4 came meanwhile").says("secret diff db v4 v5").done();
    assert_eq!((console.get("db"), console.get("db:SYSPREVIOUS")), ("ours".to_owned(), "theirs".to_owned()));
}

#[test]
fn nothing_is_known_of_secrets_whose_partition_was_zeroized() {
    let console = console!();
    console.put("db", "one", &[]);
    assert_eq!(console.get("db"), "one");
    let project = console.hsm.var("PROJECT_ID");
    console.run(&["zeroize", "partition", project, "--yes"]).succeeds().done();
    console.run(&["secret", "list"]).never_says("db").done();
    console.run(&["secret", "get", "db"]).fails().done();
}

/// Requirement: CSMS-119, CSMS-120, CSMS-122, CSMS-123
#[test]
fn events_tags_and_grants_are_there_too() {
    let console = console!();
    console.put("db", "one", &[]);
    let urn = format!("urn:smn:local-1:{}:ops", console.hsm.var("PROJECT_ID"));
    console.run(&["secret", "event", "create", "ops", "--topic", &urn]).succeeds().done();
    console.run(&["secret", "set", "db", "--event", "ops"]).succeeds().done();
    console
        .run(&["secret", "event", "set", "ops", "--disable", "--type", "SECRET_DELETED"])
        .succeeds()
        .done();
    console.run(&["secret", "event", "list"]).succeeds().says("disabled").says("deleted").says("ops").done();
    let listed = console.json(&["secret", "list", "--event", "ops"]);
    assert_eq!(listed[0]["name"], "db");
    console.run(&["secret", "event", "delete", "ops", "--yes"]).fails().says("db").done();
    console.run(&["secret", "set", "db", "--event", ""]).succeeds().done();
    console.run(&["secret", "event", "delete", "ops", "--yes"]).succeeds().done();
    console.run(&["secret", "tag", "set", "db", "env", "prod"]).succeeds().done();
    console.run(&["secret", "tag", "list", "db"]).succeeds().says("prod").done();
    console.run(&["secret", "tag", "remove", "db", "env"]).succeeds().done();
    console.run(&["user", "create", "dev/ann"]).succeeds().done();
    let ann = console.json(&["user", "show", "dev/ann"])["id"].as_str().unwrap().to_owned();
    console.run(&["secret", "grant", "create", "db", &ann, "--until", "2099-01-31"]).succeeds().done();
    console.run(&["secret", "grant", "list", "db"]).succeeds().says("ann").says("2099-02-01").done();
    console.run(&["secret", "grant", "revoke", "db", &ann, "--yes"]).succeeds().done();
    let password = console.run(&["secret", "password", "--length", "20", "--plain"]).succeeds().out();
    assert!(password.trim().len() == 20 && password.trim().bytes().all(|byte| byte.is_ascii_alphanumeric()));
}
