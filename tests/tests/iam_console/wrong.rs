//! What is wrong with a command, and what is told of it.

use crate::console::{Console, READ_KEYS, list_and_create};

/// Requirement: IAM-078, IAM-087
#[test]
fn what_is_wrong_is_told_in_words_and_changes_nothing() {
    let console = Console::new();
    let _daemon = console.place.start();
    let root = console.account("acme");
    let other = console.account("other");
    for words in [
        &["user", "create", "acme/ann"][..],
        &["group", "create", "acme/readers"],
        &["user", "create", "other/eve"],
        &["ak", "create", "other/eve"],
    ] {
        console.done(words);
    }
    console.write("good.json", READ_KEYS);
    console.done(&["policy", "create", "acme/read", "good.json"]);
    for (name, text) in [
        ("not.json", "{\n  \"Version\": \"1.1\",\n  \"Statement\": [}\n}"),
        ("twice.json", &READ_KEYS.replace("\"Effect\"", "\"Effect\": \"Deny\", \"Effect\"")),
        ("effect.json", &READ_KEYS.replace("Allow", "Perhaps")),
        ("action.json", &READ_KEYS.replace("kms:cmk:get", "kms")),
        ("mixed.json", &READ_KEYS.replace("kms:cmk:get", "iam:users:listUsers")),
        ("long.json", &" ".repeat(40_000)),
    ] {
        console.write(name, text);
    }
    let eve = console.json(&["user", "show", "other/eve"])["id"].as_str().expect("an id").to_owned();
    let before = [console.all("acme", &["acme/ann", "acme/acme"]), console.all("other", &["other/eve"])];
    let (long, hidden) = (format!("acme/{}", "a".repeat(65)), "acme/a\u{1b}[2Jb\u{202e}");
    let wrong: &[(&[&str], i32, &str)] = &[
        // What is not there.
        (&["user", "list", "--account", "nobody"], 1, "there is no account \"nobody\""),
        (&["user", "create", "nobody/ann"], 1, "there is no account \"nobody\""),
        (&["account", "show", "nobody"], 1, "there is no account"),
        (&["user", "show", "acme/bob"], 1, "there is no user \"bob\" in account acme"),
        (&["group", "show", "acme/none"], 1, "there is no group \"none\""),
        (&["policy", "show", "acme/none"], 1, "there is no policy \"none\""),
        (&["agency", "show", "acme/none"], 1, "there is no agency \"none\""),
        (&["project", "show", "acme/none"], 1, "there is no project \"none\""),
        (&["group", "add", "acme/readers", "bob"], 1, "there is no user \"bob\""),
        (&["group", "remove", "acme/readers", "ann"], 1, "there is no such user in the group"),
        (&["policy", "attach", "acme/read", "--group", "none", "--all-projects"], 1, "no group"),
        (&["policy", "attach", "acme/read", "--group", "readers", "--project", "x"], 1, "no project"),
        (
            &["policy", "attach", "acme/read", "--group", "readers", "--enterprise-project", "x"],
            1,
            "no such enterprise project",
        ),
        // What is another account's, also by its id.
        (&["user", "delete", "acme/eve", "--yes"], 1, "there is no user \"eve\""),
        (&["user", "show", &format!("acme/{eve}")], 1, "there is no user"),
        (&["ak", "disable", "acme/ann", &other.access_key], 1, "has no access key"),
        // What there is already.
        (&["user", "create", "acme/ann"], 1, "user \"ann\" is there already"),
        (&["group", "create", "acme/readers"], 1, "group \"readers\" is there already"),
        (&["policy", "create", "acme/read", "good.json"], 1, "policy \"read\" is there already"),
        (&["policy", "create", "acme/KMS CMKFullAccess", "good.json"], 1, "is there already"),
        // Names.
        (&["user", "create", &long], 1, "1 to 64 English letters"),
        (&["user", "create", hidden], 1, "1 to 64 English letters"),
        (&["user", "create", "acme/1ann"], 1, "begins with a letter"),
        (&["group", "create", hidden], 1, "the name of a group"),
        (&["policy", "create", hidden, "good.json"], 1, "the name of a policy"),
        (&["user", "create", "acme/bob", "--description", "a\nb"], 1, "a description has"),
        (&["user", "create", "acme/bob", "--email", "bob"], 1, "the email is malformed"),
        (&["user", "create", "ann"], 2, "expected ACCOUNT/NAME"),
        (&["user", "create", "acme/"], 2, "expected ACCOUNT/NAME"),
        (&["user", "list", "acme", "--account", "acme"], 2, "cannot be used with"),
        (&["project", "create", "acme/elsewhere-1_a"], 1, "there is no project \"elsewhere-1\""),
        (&["project", "create", "acme/local-1"], 1, "begins with its region's"),
        // Policies.
        (&["policy", "create", "acme/new", "missing.json"], 1, "missing.json"),
        (&["policy", "create", "acme/new", "not.json"], 1, "line 3 column 17"),
        (&["policy", "create", "acme/new", "twice.json"], 1, "\"Effect\" stands twice at line 3"),
        (&["policy", "create", "acme/new", "effect.json"], 1, "Statement[0].Effect"),
        (&["policy", "create", "acme/new", "action.json"], 1, "Statement[0].Action[1]"),
        (&["policy", "create", "acme/new", "mixed.json"], 1, "a policy has one kind"),
        (&["policy", "create", "acme/new", "long.json"], 1, "at most 32768 bytes"),
        (&["policy", "update", "acme/read", "effect.json"], 1, "Statement[0].Effect"),
        (&["policy", "update", "acme/read"], 2, "required"),
        (&["policy", "update", "acme/KMS CMKFullAccess", "good.json"], 1, "there is no policy"),
        (&["policy", "attach", "acme/read", "--group", "readers", "--global"], 1, "services of projects"),
        (&["policy", "attach", "acme/read", "--group", "readers"], 2, "required"),
        (&["policy", "attach", "acme/read", "--all-projects"], 2, "required"),
        // What the root user cannot be without.
        (&["ak", "delete", "acme/acme", &root.access_key, "--yes"], 1, "the last access key"),
        (&["ak", "disable", "acme/acme", &root.access_key], 1, "the last access key"),
        (&["user", "delete", "acme/acme", "--yes"], 1, "the root user"),
    ];
    for (words, code, told) in wrong {
        let run = console.run(words).fails_with(*code).says(told);
        assert!(!run.text().contains('\u{1b}') && !run.text().contains('\u{202e}'), "{words:?}");
    }
    let after = [console.all("acme", &["acme/ann", "acme/acme"]), console.all("other", &["other/eve"])];
    assert_eq!(before, after);
    // With another one, the first can go.
    let second = console.key(&root, "acme/acme");
    console.done(&["ak", "delete", "acme/acme", &root.access_key, "--yes"]);
    assert_eq!(list_and_create(&second)[0], 200);
}
