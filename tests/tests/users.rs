//! Named users of a partition: made from the console, logged in by a C program with `C_LoginUser`, and beside them the
//! token's own user, as `pkcs11-tool` knows it.

use tests::{Hsm, Run, Staff, compile_c, needs, not_on_stand_in};

/// `CKU_USER`
const USER: &str = "1";
/// `CKU_CRYPTO_USER`, as Luna has it.
const CRYPTO_USER: &str = "0x80000001";

struct Scene {
    hsm: Hsm,
    program: std::path::PathBuf,
}

impl Scene {
    fn new() -> Self {
        let hsm = Hsm::start();
        let program = compile_c(&hsm, "users");
        Self { hsm, program }
    }

    /// What the C program prints when it logs in so.
    fn client(&self, user_type: &str, name: &str, pin: &str) -> Vec<String> {
        let run = self.hsm.run(&self.program, [user_type, name, pin]).succeeds();
        run.out().lines().map(str::to_owned).collect()
    }

    fn admin(&self, words: &[&str]) -> Run {
        Staff::new(&self.hsm, &[]).nobody(words)
    }

    fn add(&self, name: &str, role: &str) {
        let file = format!("{name}.pin");
        self.hsm.write(&file, format!("pin of {name}\n"));
        let words = ["user", "add", self.hsm.label(), name, "--role", role, "--pin-file", &file];
        self.admin(&words).succeeds().done();
    }
}

const OFFICER: [&str; 6] =
    ["login 0", "state 3", "generate token 0", "encrypt 0", "generate session 0", "destroy 0"];

#[test]
fn a_crypto_user_uses_the_keys_that_an_officer_makes_and_changes_none() {
    needs!("cc", "pkcs11-tool");
    let scene = Scene::new();
    not_on_stand_in!(scene.hsm, "it has no named users");
    scene.add("web-1", "crypto-user");
    scene.add("Zoë", "crypto-officer");
    scene.add("crypto-user", "crypto-user");
    scene.hsm.user("--keygen --key-type AES:32 --label shared --usage-decrypt --private").succeeds().done();
    // CKR_USER_NOT_LOGGED_IN where it would make something, CKR_ACTION_PROHIBITED where it would destroy.
    let limited =
        ["login 0", "state 3", "generate token 0x101", "encrypt 0", "generate session 0", "destroy 0x1b"];
    assert_eq!(scene.client(USER, "web-1", "pin of web-1"), limited);
    assert_eq!(scene.client(CRYPTO_USER, "web-1", "pin of web-1"), limited);
    assert_eq!(scene.client(CRYPTO_USER, "", "pin of crypto-user"), limited);
    for (user_type, name, pin) in [
        (USER, "web-1", "pin of Zoë"),
        (USER, "web-2", "pin of web-1"),
        (USER, "user", scene.hsm.pin()),
        (CRYPTO_USER, "Zoë", "pin of Zoë"),
        (CRYPTO_USER, "", scene.hsm.pin()),
    ] {
        assert_eq!(scene.client(user_type, name, pin), ["login 0xa0"], "{name}");
    }
    assert_eq!(scene.client(USER, "Zoë", "pin of Zoë"), OFFICER);
    assert_eq!(scene.client(USER, "", scene.hsm.pin()), OFFICER);
    scene.hsm.user("--list-objects").succeeds().done();
}

#[test]
fn a_locked_name_is_locked_alone_and_lifted_from_the_console() {
    needs!("cc", "pkcs11-tool");
    let scene = Scene::new();
    not_on_stand_in!(scene.hsm, "it has no named users");
    let label = scene.hsm.label();
    scene.add("web-1", "crypto-user");
    scene.add("web-2", "crypto-user");
    scene.hsm.user("--keygen --key-type AES:32 --label shared --private").succeeds().done();
    while scene.client(USER, "web-1", "wrong") != ["login 0xa4"] {}
    assert_eq!(scene.client(USER, "web-1", "pin of web-1"), ["login 0xa4"]);
    assert_eq!(scene.client(USER, "web-2", "pin of web-2")[0], "login 0");
    scene.hsm.user("--list-objects").succeeds().done();
    let list = scene.admin(&["user", "list", label]).succeeds().out();
    let row = |name: &str| list.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(row("web-1").contains("locked") && !row("web-2").contains("locked"), "{list}");
    assert!(row("user ").contains("crypto-officer"), "{list}");
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");

    scene.admin(&["user", "unlock", label, "web-1"]).succeeds().says("web-1 can log in again").done();
    assert_eq!(scene.client(USER, "web-1", "pin of web-1")[0], "login 0");
    scene.hsm.write("new.pin", "another pin\n");
    scene.admin(&["user", "pin", label, "web-1", "--pin-file", "new.pin"]).succeeds().done();
    assert_eq!(scene.client(USER, "web-1", "pin of web-1"), ["login 0xa0"]);
    assert_eq!(scene.client(USER, "web-1", "another pin")[0], "login 0");
    let json = scene.admin(&["user", "list", label, "--json"]).succeeds().out();
    let users: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((users[1]["name"].as_str(), users[1]["pin_failures"].as_u64()), (Some("web-1"), Some(0)));
    scene.admin(&["user", "remove", label, "web-1"]).succeeds().says("Removed web-1").done();
    assert_eq!(scene.client(USER, "web-1", "another pin"), ["login 0xa0"]);

    // The token's own user has a row of its own, and the same ways out.
    while !scene.hsm.tool("--login --pin 000000 --list-objects").text().contains("CKR_PIN_LOCKED") {}
    scene.hsm.user("--list-objects").fails().done();
    scene.admin(&["user", "unlock", label, "user"]).succeeds().done();
    scene.hsm.user("--list-objects").succeeds().done();
}

#[test]
fn named_users_outlast_a_kill_of_the_daemon() {
    needs!("cc", "pkcs11-tool");
    let mut scene = Scene::new();
    not_on_stand_in!(scene.hsm, "it has no named users");
    scene.add("web-1", "crypto-user");
    scene.hsm.user("--keygen --key-type AES:32 --label shared --private").succeeds().done();
    for _ in 0..3 {
        assert_eq!(scene.client(USER, "web-1", "wrong"), ["login 0xa0"]);
    }
    scene.hsm.kill_and_start_again();
    let json = scene.admin(&["user", "list", scene.hsm.label(), "--json"]).succeeds().out();
    let users: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((users[1]["name"].as_str(), users[1]["pin_failures"].as_u64()), (Some("web-1"), Some(3)));
    assert_eq!(scene.client(USER, "web-1", "pin of web-1")[0], "login 0");
}

#[test]
fn the_console_refuses_what_is_no_user_in_words() {
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no console");
    let staff = Staff::new(&hsm, &[]);
    hsm.write("pin", "a good pin\n");
    hsm.write("short", "1\n");
    let long = "x".repeat(65);
    for (name, role, pin, words) in [
        ("", "crypto-user", "pin", "1 to 64 bytes"),
        (" a", "crypto-user", "pin", "1 to 64 bytes"),
        ("a\nb", "crypto-user", "pin", "1 to 64 bytes"),
        (&long, "crypto-user", "pin", "1 to 64 bytes"),
        ("SO", "crypto-user", "pin", "stands for somebody else"),
        ("user", "crypto-user", "pin", "stands for somebody else"),
        ("a", "auditor", "pin", "crypto-officer or crypto-user"),
        ("a", "crypto-user", "short", "PIN"),
    ] {
        let words_ = ["user", "add", hsm.label(), name, "--role", role, "--pin-file", pin];
        staff.nobody(&words_).fails().says(words).done();
    }
    staff
        .nobody(&["user", "add", "nowhere", "a", "--role", "crypto-user", "--pin-file", "pin"])
        .fails()
        .done();
    for command in ["unlock", "remove"] {
        staff.nobody(&["user", command, hsm.label(), "a"]).fails().says("no user \"a\"").done();
    }
    let users = staff.nobody(&["user", "list", hsm.label(), "--json"]).succeeds().out();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&users).unwrap().as_array().unwrap().len(), 1);
    staff.nobody(&["user", "add", hsm.label(), "a", "--role", "crypto-user", "--pin", "1234"]).fails().done();
}

#[test]
fn a_locked_security_officers_pin_has_two_ways_out_for_who_administers_the_hsm() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no console");
    let staff = Staff::new(&hsm, &[]);
    let so =
        |pin: &str| hsm.tool(&format!("--login --login-type so --so-pin {pin} --init-pin --new-pin 654321"));
    let lock = || while !so("00000000").text().contains("CKR_PIN_LOCKED") {};
    lock();
    so(hsm.so_pin()).fails().says("CKR_PIN_LOCKED").done();
    let shown = staff.nobody(&["partition", "show", hsm.label()]).succeeds().out();
    assert!(shown.contains("SO PIN locked"), "{shown}");
    staff.nobody(&["partition", "unlock-so-pin", hsm.label()]).succeeds().done();
    so(hsm.so_pin()).succeeds().done();
    lock();
    hsm.write("so.pin", "another SO's\n");
    let reset = ["partition", "reset-so-pin", hsm.label(), "--so-pin-file", "so.pin"];
    staff.nobody(&reset).succeeds().done();
    so(hsm.so_pin()).fails().says("CKR_PIN_INCORRECT").done();
    hsm.write("so.pin", "anotherSOpin\n");
    staff.nobody(&reset).succeeds().done();
    so("anotherSOpin").succeeds().done();
    hsm.tool("--login --pin 654321 --list-objects").succeeds().done();
}

#[test]
fn users_are_the_partition_sos_business_and_the_so_pin_that_of_several_officers() {
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no people");
    let staff = Staff::new(&hsm, &["Ada", "Ben", "Eva", "Pia"]);
    staff.initialise(&["Ada", "Ben", "Eva"], 2);
    let label = hsm.label();
    let make = ["people", "add", "Pia", "--role", "partition-so", "--partition", label, "--key", "Pia.pub"];
    staff.by("Ada", &make).succeeds().done();
    hsm.write("pin", "a good pin\n");
    let add = ["user", "add", label, "web-1", "--role", "crypto-user", "--pin-file", "pin"];
    staff.nobody(&add).fails().done();
    staff.by("Ada", &add).fails().says("it is for partition-so").done();
    staff.by("Pia", &add).succeeds().done();
    staff.by("Ada", &["user", "list", label]).succeeds().says("web-1").done();
    let reset = ["partition", "reset-so-pin", label, "--so-pin-file", "pin"];
    staff.by("Pia", &reset).fails().says("it is for hsm-so").done();
    staff.by("Ada", &reset).fails().says("needs the approval of 2 hsm-so").done();
    staff.together(&["Ada", "Ben"], &reset).succeeds().done();
}
