//! What the console shows, for people and for programs.

use crate::console::{Console, READ_KEYS};

#[test]
fn tables_fit_80_columns_and_say_what_is_there() {
    let console = Console::new();
    let _daemon = console.place.start();
    console.account("acme");
    let long = "a description that is as long as descriptions can be, or nearly so, and more than a line has";
    console.write("good.json", READ_KEYS);
    let name = format!("acme/{}", "n".repeat(64));
    let groups = format!("acme/{}", "管理员".repeat(42));
    for words in [
        &["user", "create", &name, "--description", long][..],
        &["ak", "create", &name, "--description", long],
        &["group", "create", &groups, "--description", long],
        &["policy", "create", &groups, "good.json", "--description", long],
        &["project", "create", "acme/local-1_billing", "--description", long],
        &["group", "add", &groups, &name["acme/".len()..]],
        &["policy", "attach", &groups, "--group", &groups["acme/".len()..], "--project", "local-1_billing"],
    ] {
        console.done(words);
    }
    let tables: &[(&[&str], &[&str])] = &[
        (&["account", "list"], &["NAME", "acme", "enabled"]),
        (&["project", "list", "acme"], &["local-1_billing", "enabled"]),
        (&["user", "list", "--account", "acme"], &["nnn", "COMES IN BY", "default"]),
        (&["group", "list", "acme"], &["管理员"]),
        (&["ak", "list", &name], &["LAST USED", "never", "enabled"]),
        (&["policy", "list", "acme"], &["projects", "管理员"]),
        (&["policy", "list", "acme", "--system"], &["KMS CMKFullAccess", "global", "projects"]),
        (&["agency", "list", "acme"], &["no agencies"]),
    ];
    for (words, told) in tables {
        let out = console.run(words).succeeds().out();
        told.iter().for_each(|word| assert!(out.contains(word), "{words:?}: no {word}\n{out}"));
        for line in out.lines() {
            // The other characters here are as wide as two.
            let width: usize = line.chars().map(|c| if c > '\u{2fff}' { 2 } else { 1 }).sum();
            assert!(width <= 80, "{words:?}: {width}: {line}");
        }
        if !out.contains("no agencies") {
            assert!(console.json(words).as_array().is_some_and(|all| !all.is_empty()), "{words:?}");
        }
    }
    let shows: &[(&[&str], &[&str])] = &[
        (&["account", "show", "acme"], &["Users", "2 of 5000", "local-1_billing", "Protection"]),
        (&["user", "show", &name], &["管理员", "project local-1_billing", "BY GROUP", "Password"]),
        (&["group", "show", &groups], &["nnn", "project local-1_billing"]),
        (&["policy", "show", &groups], &["Assignments", "\"kms:cmk:list\""]),
        (&["policy", "show", "acme/KMS CMKReadOnlyAccess"], &["the system", "\"Effect\": \"Allow\""]),
        (&["project", "show", "acme/local-1_billing"], &["enabled"]),
    ];
    for (words, told) in shows {
        let out = console.run(words).succeeds().out();
        told.iter().for_each(|word| assert!(out.contains(word), "{words:?}: no {word}\n{out}"));
        assert!(console.json(words).is_object(), "{words:?}");
    }
}
