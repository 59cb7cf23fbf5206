//! UKeys through `hsm-admin`: files and tokens, and what is said where one is not as it should be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tests::{Place, Run, needs};

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A place with PINs in files, and the UKey of Ada that the first one opens.
struct Desk(Place);

impl Desk {
    /// No daemon runs: a UKey is its holder's own affair.
    fn new() -> Self {
        let desk = Self(Place::new(""));
        for (name, pin) in [("pin", "correct horse\n"), ("other", "battery staple\n"), ("short", "12345\n")] {
            fs::write(desk.0.path(name), pin).unwrap();
        }
        desk
    }

    fn with_ada() -> Self {
        let desk = Self::new();
        desk.create("Ada", "ada.ukey").succeeds().done();
        desk
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.0.program("hsm-admin"));
        command.arg("ukey").args(words).current_dir(self.0.path("")).env("NO_COLOR", "1");
        command
    }

    fn ukey(&self, words: &[&str]) -> Run {
        Run::of(&self.command(words))
    }

    /// Makes one whose PIN costs little, and is in the file `pin`.
    fn create(&self, name: &str, out: &str) -> Run {
        let cost = ["--memory", "8", "--passes", "1"];
        self.ukey(&[&["create", "--name", name, "--out", out, "--pin-file", "pin"], &cost[..]].concat())
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path(name), bytes).unwrap();
    }

    /// The names of all files, to see that nothing was left behind.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path("")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn json(run: &Run) -> serde_json::Value {
    serde_json::from_str(&run.out()).unwrap_or_else(|error| panic!("{error}: {}", run.story()))
}

#[test]
fn a_ukey_is_made_shown_and_tried() {
    let desk = Desk::new();
    for (algorithm, name) in [("ed25519", "Ed25519"), ("p256", "P-256"), ("sm2", "SM2")] {
        let file = format!("{algorithm}.ukey");
        desk.ukey(&[
            "create",
            "--name",
            "Ada Lovelace",
            "--out",
            &file,
            "--algorithm",
            algorithm,
            "--pin-file",
            "pin",
        ])
        .succeeds()
        .says("there is no other way in")
        .done();
        let mode = fs::metadata(desk.0.path(&file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "others may read {file}");
        let shown = json(&desk.ukey(&["show", &file, "--json"]).succeeds());
        assert_eq!(shown["name"], "Ada Lovelace");
        assert_eq!(shown["algorithm"], name);
        assert_eq!((&shown["memory_kib"], &shown["passes"]), (&131_072.into(), &3.into()));
        let id = shown["id"].as_str().unwrap();
        desk.ukey(&["show", &file]).succeeds().says(id).says("131072 KiB").done();
        let tried = json(&desk.ukey(&["test", &file, "--pin-file", "pin", "--json"]).succeeds());
        assert_eq!(
            (&tried["signs"], &tried["opens"], &tried["id"]),
            (&true.into(), &true.into(), &shown["id"])
        );
        assert!(tried["pin_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
        desk.ukey(&["test", &file, "--pin-file", "pin"]).succeeds().says("is right").says(id).done();
    }
}

#[test]
fn the_public_part_goes_into_a_file_of_its_own_and_opens_nothing() {
    let desk = Desk::with_ada();
    desk.ukey(&["show", "ada.ukey", "--public", "ada.pub"]).succeeds().done();
    let (whole, part) =
        (json(&desk.ukey(&["show", "ada.ukey", "--json"])), json(&desk.ukey(&["show", "ada.pub", "--json"])));
    assert_eq!(whole["digest"], part["digest"]);
    assert_eq!(part["kept"], "public part");
    let public = ukey::Public::from_bytes(&desk.read("ada.pub")).unwrap();
    assert_eq!(public.id().to_string(), whole["id"].as_str().unwrap());
    desk.ukey(&["test", "ada.pub", "--pin-file", "pin"])
        .fails_with(1)
        .says("the public part of a UKey")
        .done();
    let before = desk.read("ada.pub");
    desk.ukey(&["show", "ada.ukey", "--public", "ada.pub"]).fails_with(1).says("not overwritten").done();
    assert_eq!(desk.read("ada.pub"), before);
}

#[test]
fn only_its_pin_opens_a_ukey_file() {
    let desk = Desk::with_ada();
    desk.ukey(&["test", "ada.ukey", "--pin-file", "other"])
        .fails_with(1)
        .says("ada.ukey: wrong PIN, or the UKey file was altered (which of the two cannot be told)")
        .done();
    desk.ukey(&["test", "ada.ukey", "--pin-file", "short"])
        .fails_with(1)
        .says("6 to 255 bytes, not 5")
        .done();
    desk.ukey(&["test", "ada.ukey"]).fails_with(2).says("--pin-file").done();
    // The file descriptor is as good as the file.
    let line = format!("{:?} ukey test ada.ukey --pin-fd 3 3<pin", desk.0.program("hsm-admin"));
    let mut shell = Command::new("bash");
    Run::of(shell.args(["-c", &line]).current_dir(desk.0.path(""))).succeeds().done();
}

#[test]
fn a_pin_is_changed_at_once_or_not_at_all() {
    let desk = Desk::with_ada();
    let (before, names) = (desk.read("ada.ukey"), desk.names());
    let change =
        |old: &str, new: &str| desk.ukey(&["pin", "ada.ukey", "--pin-file", old, "--new-pin-file", new]);
    change("other", "pin").fails_with(1).says("wrong PIN").done();
    change("pin", "short").fails_with(1).says("6 to 255 bytes, not 5").done();
    assert_eq!((desk.read("ada.ukey"), desk.names()), (before.clone(), names.clone()));
    let id = json(&desk.ukey(&["show", "ada.ukey", "--json"]))["digest"].clone();
    change("pin", "other").succeeds().says("The PIN is changed").done();
    desk.ukey(&["test", "ada.ukey", "--pin-file", "pin"]).fails_with(1).says("wrong PIN").done();
    desk.ukey(&["test", "ada.ukey", "--pin-file", "other"]).succeeds().done();
    assert_eq!(json(&desk.ukey(&["show", "ada.ukey", "--json"]))["digest"], id);
    assert_eq!(desk.names(), names, "something was left behind");
    assert_ne!(desk.read("ada.ukey"), before);
    let mode = fs::metadata(desk.0.path("ada.ukey")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_no_ukey_file_is_refused_by_what_it_is() {
    let desk = Desk::with_ada();
    let good = desk.read("ada.ukey");
    let with = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    let end = good.len();
    for (name, bytes, why) in [
        ("empty", vec![], "this is not a UKey file".to_owned()),
        ("foreign", b"-----BEGIN PRIVATE KEY-----\n".to_vec(), "this is not a UKey file".into()),
        ("long", vec![b'U'; 1 << 20], "this is not a UKey file".into()),
        ("cut", good[..100].to_vec(), "truncated at byte 100".into()),
        ("head", good[..3].to_vec(), "truncated at byte 3".into()),
        ("more", [&good[..], b"\n"].concat(), format!("should end at byte {end}, and 1 more bytes follow")),
        ("newer", with(7, 2), "format version 2, and this release knows versions up to 1".into()),
        ("kdf", with(8, 2), "its PIN is checked in an unknown way".into()),
        ("memory", with(12, 0x80), "KiB of memory, where 8 to 1048576 are allowed".into()),
        ("control", with(58, 7), "the name has a control character in it".into()),
    ] {
        desk.write(name, &bytes);
        let names = desk.names();
        desk.ukey(&["show", name]).fails_with(1).says(&format!("{name}: ")).says(&why).done();
        desk.ukey(&["test", name, "--pin-file", "pin"]).fails_with(1).says(&why).done();
        desk.ukey(&["pin", name, "--pin-file", "pin", "--new-pin-file", "other"])
            .fails_with(1)
            .says(&why)
            .done();
        assert_eq!((desk.read(name), desk.names()), (bytes, names));
    }
    desk.write("altered", &with(59, b'x'));
    desk.ukey(&["show", "altered"]).succeeds().says("Axa").done();
    desk.ukey(&["test", "altered", "--pin-file", "pin"])
        .fails_with(1)
        .says("or the UKey file was altered")
        .done();
    desk.ukey(&["show", "none"]).fails_with(1).says("none: cannot read it: No such file").done();
    desk.ukey(&["show", "."]).fails_with(1).says("cannot read it: Is a directory").done();
}

#[test]
fn a_ukey_that_cannot_be_made_leaves_nothing() {
    let desk = Desk::with_ada();
    let (before, names) = (desk.read("ada.ukey"), desk.names());
    desk.create("Eve", "ada.ukey").fails_with(1).says("ada.ukey: there is something there already").done();
    assert_eq!(desk.read("ada.ukey"), before);
    let long = "x".repeat(65);
    for (name, why) in [
        ("", "the name is empty"),
        (&*long, "the name has more than 64 bytes"),
        ("Ada\x1b[2J", "the name has a control character in it"),
        ("Ada\n", "the name has a control character in it"),
    ] {
        let refused = desk.create(name, "new.ukey").fails_with(1).says(why);
        assert!(!refused.text().contains('\x1b'), "{:?}", refused.text());
    }
    desk.create("Ada", "no/such/folder/ada.ukey").fails_with(1).says("cannot write it: No such file").done();
    desk.ukey(&["create", "--name", "Ada", "--out", "new.ukey", "--pin-file", "short"])
        .fails_with(1)
        .says("6 to 255 bytes, not 5")
        .done();
    desk.ukey(&["create", "--name", "Ada", "--out", "new.ukey", "--memory", "4", "--pin-file", "pin"])
        .fails_with(2)
        .done();
    desk.ukey(&["create", "--name", "Ada", "--pin-file", "pin"]).fails_with(2).says("--out").done();
    desk.ukey(&["create", "--name", "Ada", "--out", "new.ukey", "--pin", "123456"]).fails_with(2).done();
    assert_eq!(desk.names(), names);
    // What is at the path is not followed either.
    std::os::unix::fs::symlink("elsewhere", desk.0.path("link")).unwrap();
    desk.create("Ada", "link").fails_with(1).says("not overwritten").done();
    assert!(!desk.0.path("elsewhere").exists());
}

#[test]
fn a_full_disk_leaves_the_ukey_as_it_was() {
    let desk = Desk::with_ada();
    let (before, names) = (desk.read("ada.ukey"), desk.names());
    // A file of at most 0 bytes is what a full stick amounts to.
    let line = format!(
        "trap '' XFSZ; ulimit -f 0; {:?} ukey pin ada.ukey --pin-file pin --new-pin-file other 2>&1 | cat",
        desk.0.program("hsm-admin")
    );
    let mut shell = Command::new("bash");
    let run = Run::of(shell.args(["-c", &line]).current_dir(desk.0.path("")));
    run.says("ada.ukey: cannot write it: File too large").done();
    assert_eq!((desk.read("ada.ukey"), desk.names()), (before, names));
}

/// A token with a PIN, behind a module: how to name it, and what its module needs in the environment.
struct Token {
    desk: Desk,
    uri: String,
    env: (&'static str, String),
}

impl Token {
    fn ukey(&self, words: &[&str]) -> Run {
        let mut command = self.desk.command(words);
        command.env(self.env.0, &self.env.1);
        Run::of(&command)
    }

    fn named(&self, object: &str) -> String {
        self.uri.replace('?', &format!(";object={object}?"))
    }
}

/// What any token must do as a UKey.
fn holds_ukeys(token: &Token) {
    let desk = &token.desk;
    desk.write("card.pin", b"12345678\n");
    desk.write("wrong.pin", b"87654321\n");
    let ada = token.named("Ada%27s%20key");
    let made = json(&token.ukey(&["create", "--token", &ada, "--pin-file", "card.pin", "--json"]).succeeds());
    assert_eq!((&made["name"], &made["algorithm"]), (&"Ada's key".into(), &"P-256".into()));
    token.ukey(&["create", "--token", &ada, "--pin-file", "card.pin"]).fails_with(1).says("already").done();

    // By the name of the key, and without it while there is one alone.
    for uri in [&ada, &token.uri] {
        let shown = json(&token.ukey(&["show", uri, "--json"]).succeeds());
        assert_eq!((&shown["digest"], &shown["kept"]), (&made["digest"], &"token".into()));
        let tried = json(&token.ukey(&["test", uri, "--pin-file", "card.pin", "--json"]).succeeds());
        assert_eq!(
            (&tried["digest"], &tried["signs"], &tried["opens"]),
            (&made["digest"], &true.into(), &true.into())
        );
    }
    token.ukey(&["show", &ada, "--public", "card.pub"]).succeeds().done();
    assert_eq!(json(&desk.ukey(&["show", "card.pub", "--json"]))["digest"], made["digest"]);

    token.ukey(&["test", &ada, "--pin-file", "wrong.pin"]).fails_with(1).says("wrong PIN").done();
    let none = token.named("nobody");
    token
        .ukey(&["test", &none, "--pin-file", "card.pin"])
        .fails_with(1)
        .says("0 EC keys with the label \"nobody\"")
        .done();
    token
        .ukey(&["show", &token.uri.replace("token=", "token=no-")])
        .fails_with(1)
        .says("there is no token with label")
        .done();

    let bob = json(&token.ukey(&[
        "create",
        "--token",
        &token.uri,
        "--name",
        "Bob",
        "--pin-file",
        "card.pin",
        "--json",
    ]));
    assert_ne!(bob["digest"], made["digest"]);
    token.ukey(&["show", &token.uri]).fails_with(1).says("2 keys that could be a UKey").done();
    token.ukey(&["test", &token.named("Bob"), "--pin-file", "card.pin"]).succeeds().done();

    token.ukey(&["pin", &ada, "--pin-file", "card.pin", "--new-pin-file", "other"]).succeeds().done();
    token.ukey(&["test", &ada, "--pin-file", "card.pin"]).fails_with(1).says("wrong PIN").done();
    token.ukey(&["test", &ada, "--pin-file", "other"]).succeeds().done();
}

#[test]
fn a_token_of_softhsm_holds_ukeys() {
    needs!(SOFTHSM, "softhsm2-util");
    let desk = Desk::new();
    let (tokens, config) = (desk.0.path("tokens"), desk.0.path("softhsm2.conf"));
    fs::create_dir(&tokens).unwrap();
    fs::write(&config, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let mut init = Command::new("softhsm2-util");
    init.args(["--init-token", "--free", "--label", "card", "--pin", "12345678", "--so-pin", "87654321"]);
    Run::of(init.env("SOFTHSM2_CONF", &config)).succeeds().done();
    let uri = format!("pkcs11:token=card?module-path={SOFTHSM}");
    holds_ukeys(&Token { desk, uri, env: ("SOFTHSM2_CONF", config.display().to_string()) });
}

#[test]
fn a_partition_of_another_hsm_of_ours_holds_ukeys() {
    let desk = Desk::new();
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("card", "strict");
    let uri = format!("pkcs11:token=card?module-path={}", place.program("libclaviger.so").display());
    let socket = place.path("hsmd.sock").display().to_string();
    holds_ukeys(&Token { desk, uri, env: ("CLAVIGER_SOCKET", socket) });
}

#[test]
fn a_uri_that_names_no_module_or_a_wrong_one_says_so() {
    let desk = Desk::new();
    for (uri, why) in [
        ("pkcs11:token=card", "the URI names no module"),
        ("pkcs11:token=card?module-path=/no/such.so", "cannot load the module /no/such.so"),
        ("pkcs11:token=card?module-path=/dev/null", "cannot load the module /dev/null"),
        ("pkcs11:tokken=card?module-path=/x.so", "attribute \"tokken\" is not one that is known here"),
        ("pkcs11:token=card?module-path=/x.so&pin-value=123456", "a PIN is not taken from a URI"),
    ] {
        desk.ukey(&["show", uri]).fails_with(1).says(why).done();
        desk.ukey(&["test", uri, "--pin-file", "pin"]).fails_with(1).says(why).done();
        desk.ukey(&["create", "--token", uri, "--name", "x", "--pin-file", "pin"])
            .fails_with(1)
            .says(why)
            .done();
    }
    desk.ukey(&["create", "--token", "card.ukey", "--name", "x", "--pin-file", "pin"]).fails_with(2).done();
    desk.ukey(&[
        "create",
        "--token",
        "pkcs11:token=card?module-path=/x.so",
        "--algorithm",
        "ed25519",
        "--pin-file",
        "pin",
    ])
    .fails_with(2)
    .says("a UKey on a token is P-256")
    .done();
}
