//! Who keeps the root key: each of them through the real programs, from the start to a restart.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use conformance::names::Rv;
use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tests::{PIN, Place, Run, needs};

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// The PIN of every UKey.
const UKEY_PIN: &str = "correct horse";

/// Makes a UKey whose PIN costs little to check, and gives its path.
fn ukey(place: &Place, name: &str) -> String {
    let (path, pin) = (place.path(&format!("{name}.ukey")), place.path("ukey.pin"));
    fs::write(&pin, UKEY_PIN).unwrap();
    let (path, pin) = (path.display().to_string(), pin.display().to_string());
    let line = format!("ukey create --name {name} --out {path} --pin-file {pin} --memory 8 --passes 1");
    place.admin(&line).succeeds().done();
    path
}

/// Has the holder of a UKey give its share.
fn give(place: &Place, ukey: &str) -> Run {
    place.admin(&format!("unseal --ukey {ukey} --ukey-pin-file {}", place.path("ukey.pin").display()))
}

/// Runs `hsm-admin` with a secret in a file.
fn with_secret(place: &Place, line: &str, option: &str, secret: &str) -> Run {
    let file = place.path("secret");
    fs::write(&file, secret).unwrap();
    let run = place.admin(&format!("{line} {option} {}", file.display()));
    fs::remove_file(file).unwrap();
    run
}

/// A partition with one object in it.
fn keep_something(place: &Place, daemon: &tests::Daemon<'_>) {
    daemon.partition("kept", "standard");
    let data = Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA).bool(ck::CKA_TOKEN, true);
    place.user("kept").create(&data.bytes(ck::CKA_LABEL, b"kept as well")).unwrap();
}

/// The object is there, and its partition's PIN is what it was.
fn all_is_there(place: &Place) {
    let module = place.application();
    let session = Session::open(module, module.slot_of("kept").unwrap()).unwrap();
    assert_eq!(session.login(ck::CKU_USER, PIN), Rv::OK);
    assert_eq!(session.find(&Template::new().bytes(ck::CKA_LABEL, b"kept as well")).unwrap().len(), 1);
}

fn is_sealed(place: &Place) -> bool {
    place.admin("status --json").succeeds().out().contains("\"sealed\": true")
}

#[test]
fn three_of_five_ukeys_open_the_hsm_and_two_or_a_strangers_do_not() {
    let place = Place::new("");
    let daemon = place.start();
    keep_something(&place, &daemon);
    let names = ["Ada", "Bo", "Cy", "Di", "Eve"];
    let ukeys: Vec<_> = names.iter().map(|name| ukey(&place, name)).collect();
    let stranger = ukey(&place, "Mallory");
    let holders: String = ukeys.iter().map(|path| format!(" --holder {path}")).collect();
    place.admin(&format!("rekey root --custody ukeys --need 6{holders}")).fails().done();
    place
        .admin(&format!("rekey root --custody ukeys --need 2{holders} --holder {}", ukeys[0]))
        .fails()
        .done();
    place.admin(&format!("rekey root --custody ukeys --need 3{holders}")).succeeds().says("3 of 5").done();
    all_is_there(&place);
    daemon.kill();

    // The root key file that it was made with is there still, and opens nothing any more.
    let from = place.log().len();
    let daemon = place.start();
    place.logs_after(from, &["hsmd is sealed", "0 of 3 UKeys"]);
    assert_eq!(place.application().slots(true).err(), Some(Rv(ck::CKR_DEVICE_ERROR)));
    let shown = place.admin("root show").succeeds();
    assert!(names.iter().all(|name| shown.text().contains(name)), "{}", shown.story());

    assert!(give(&place, &ukeys[0]).succeeds().text().contains("1 of 3"));
    let twice = give(&place, &ukeys[0]).fails();
    assert!(twice.text().contains("share of Ada has been given"), "{}", twice.story());
    let foreign = give(&place, &stranger).fails();
    assert!(foreign.text().contains("no UKey of the 5"), "{}", foreign.story());
    let wrong_pin = place.path("wrong.pin");
    fs::write(&wrong_pin, "battery staple").unwrap();
    place
        .admin(&format!("unseal --ukey {} --ukey-pin-file {}", ukeys[1], wrong_pin.display()))
        .fails()
        .done();
    assert!(give(&place, &ukeys[3]).succeeds().text().contains("2 of 3"));
    assert!(is_sealed(&place), "two of five open nothing");
    with_secret(&place, "unseal", "--passphrase-file", "anything at all").fails().done();
    assert!(give(&place, &ukeys[4]).succeeds().text().contains("open"));
    all_is_there(&place);

    // Sealed by hand, the shares of before count no more.
    place.admin("seal").succeeds().done();
    assert!(give(&place, &ukeys[4]).succeeds().text().contains("1 of 3"));
    daemon.kill();
    let daemon = place.start();
    assert!(
        place.admin("root show").succeeds().text().contains("0 of 3"),
        "a restart forgets what was given"
    );
    for ukey in &ukeys[..3] {
        give(&place, ukey).succeeds().done();
    }
    all_is_there(&place);

    // Another set of holders: the shares of before are of no use.
    place.admin(&format!("rekey root --custody ukeys --need 1 --holder {stranger}")).succeeds().done();
    place.admin("seal").succeeds().done();
    give(&place, &ukeys[0]).fails().done();
    give(&place, &stranger).succeeds().done();
    all_is_there(&place);
    drop(daemon);
}

#[test]
fn shares_that_were_given_are_forgotten_when_the_others_do_not_come() {
    let place = Place::new("");
    let file = place.path("root.key").display().to_string();
    place.configure(&format!("[root_key]\nfile = {file:?}\nshare_seconds = 1\n"));
    let daemon = place.start();
    let (ada, bo) = (ukey(&place, "Ada"), ukey(&place, "Bo"));
    place
        .admin(&format!("rekey root --custody ukeys --need 2 --holder {ada} --holder {bo}"))
        .succeeds()
        .done();
    place.admin("seal").succeeds().done();
    let from = place.log().len();
    give(&place, &ada).succeeds().done();
    place.logs_after(from, &["shares that were given are forgotten"]);
    assert!(give(&place, &bo).succeeds().text().contains("1 of 2"));
    give(&place, &ada).succeeds().done();
    assert!(!is_sealed(&place));
    drop(daemon);
}

#[test]
fn the_root_key_moves_from_a_file_to_a_passphrase_and_back() {
    let place = Place::new("");
    let daemon = place.start();
    keep_something(&place, &daemon);
    let first = fs::read(place.path("root.key")).unwrap();
    with_secret(&place, "rekey root --custody passphrase", "--secret-file", "short").fails().done();
    with_secret(&place, "rekey root --custody passphrase", "--secret-file", "a long one to remember")
        .succeeds()
        .done();
    daemon.kill();

    let daemon = place.start();
    assert!(is_sealed(&place), "the file of before opens nothing");
    with_secret(&place, "unseal", "--passphrase-file", "a wrong one to remember")
        .fails()
        .says("not the one")
        .done();
    with_secret(&place, "unseal", "--passphrase-file", "a long one to remember").succeeds().done();
    all_is_there(&place);
    place.admin("rekey root --custody file").succeeds().done();
    assert_ne!(fs::read(place.path("root.key")).unwrap(), first, "a new key");
    daemon.kill();

    let daemon = place.start();
    assert!(!is_sealed(&place));
    all_is_there(&place);
    // The file's key again, by a file: the next one is beside it only while it changes.
    let second = fs::read(place.path("root.key")).unwrap();
    place.admin("rekey root").succeeds().done();
    assert_ne!(fs::read(place.path("root.key")).unwrap(), second);
    assert!(!place.path("root.key.next").exists());
    daemon.kill();
    // As if a crash had come between the store's commit and the file.
    fs::rename(place.path("root.key"), place.path("root.key.next")).unwrap();
    fs::write(place.path("root.key"), &second).unwrap();
    let restored = fs::Permissions::from_mode(0o600);
    fs::set_permissions(place.path("root.key"), restored).unwrap();
    let daemon = place.start();
    all_is_there(&place);
    assert!(!place.path("root.key.next").exists());
    drop(daemon);
}

const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");

/// What a stopped daemon's store holds under a key: the last bytes of it, which are sealed.
fn sealed_end(place: &Place, is_key: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let database = Database::open(place.store()).unwrap();
    let transaction = database.begin_read().unwrap();
    let table = transaction.open_table(RECORDS).unwrap();
    let mut all = table.iter().unwrap().map(Result::unwrap);
    let (_, value) = all.find(|(key, _)| is_key(key.value())).expect("a record");
    value.value()[value.value().len() - 24..].to_vec()
}

/// Whether any file of the store holds these bytes.
fn holds(place: &Place, bytes: &[u8]) -> bool {
    let files = fs::read_dir(place.store().parent().unwrap()).unwrap().map(Result::unwrap);
    files
        .filter_map(|file| fs::read(file.path()).ok())
        .any(|file| file.windows(bytes.len()).any(|part| part == bytes))
}

#[test]
fn what_a_change_of_keys_replaced_is_in_no_file_of_the_store_afterwards() {
    let place = Place::new("");
    let daemon = place.start();
    keep_something(&place, &daemon);
    daemon.stop();
    let header = sealed_end(&place, |key| key == b"h");
    let daemon = place.start();
    assert!(holds(&place, &header), "or the test shows nothing");
    place.admin("rekey root").succeeds().done();
    assert!(!holds(&place, &header), "the header that the old root key opens is in the file still");
    all_is_there(&place);
    daemon.kill();

    // The partition's key, which the old key of the store sealed: domain 0, kind 0.
    let daemon = place.start();
    daemon.stop();
    let is_key = |key: &[u8]| key.starts_with(&[&b"r"[..], &[0; 8], &[0]].concat());
    let (header, key) = (sealed_end(&place, |key| key == b"h"), sealed_end(&place, is_key));
    let daemon = place.start();
    assert!(holds(&place, &header) && holds(&place, &key), "or the test shows nothing");
    place.admin("rekey").succeeds().done();
    let until = Instant::now() + Duration::from_secs(60);
    while holds(&place, &header) || holds(&place, &key) {
        assert!(Instant::now() < until, "what the old keys sealed is in the file still");
        std::thread::sleep(Duration::from_millis(50));
    }
    all_is_there(&place);
    daemon.kill();
    let daemon = place.start();
    all_is_there(&place);
    drop(daemon);
}

#[test]
fn another_token_keeps_the_root_key_under_an_aes_or_an_rsa_key() {
    needs!("softhsm2-util", "pkcs11-tool");
    let place = Place::new("");
    let (tokens, config) = (place.path("tokens"), place.path("softhsm2.conf"));
    fs::create_dir(&tokens).unwrap();
    fs::write(&config, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let run = |program: &str, words: &[&str]| {
        let mut command = Command::new(program);
        Run::of(command.args(words).env("SOFTHSM2_CONF", &config)).succeeds().done();
    };
    run(
        "softhsm2-util",
        &["--init-token", "--free", "--label", "other", "--pin", "123456", "--so-pin", "87654321"],
    );
    let tool = ["--module", SOFTHSM, "--token-label", "other", "--login", "--pin", "123456"];
    run("pkcs11-tool", &[&tool[..], &["--keygen", "--key-type", "AES:32", "--label", "aes"]].concat());
    run("pkcs11-tool", &[&tool[..], &["--keypairgen", "--key-type", "rsa:2048", "--label", "rsa"]].concat());

    place.set("SOFTHSM2_CONF", &config);
    let mut daemon = place.start();
    keep_something(&place, &daemon);
    for key in ["aes", "rsa"] {
        let line = format!("rekey root --custody token --module {SOFTHSM} --token other --key {key}");
        with_secret(&place, &line, "--secret-file", "654321").fails().done();
        let missing = line.replace(&format!("--key {key}"), "--key none");
        with_secret(&place, &missing, "--secret-file", "123456").fails().says("none").done();
        with_secret(&place, &line, "--secret-file", "123456").succeeds().says("other").done();
        daemon.kill();
        daemon = place.start();
        assert!(is_sealed(&place), "{key}");
        with_secret(&place, "unseal", "--passphrase-file", "000000").fails().done();
        with_secret(&place, "unseal", "--passphrase-file", "123456").succeeds().done();
        all_is_there(&place);
    }
    daemon.kill();

    // With the PIN in a file nobody need be there.
    let pin = place.path("token.pin");
    fs::write(&pin, "123456\n").unwrap();
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&pin, mode).unwrap();
    place.configure(&format!("[root_key]\ntoken_pin_file = {:?}\n", pin.display().to_string()));
    let daemon = place.start();
    all_is_there(&place);
    drop(daemon);
}

#[test]
fn a_sealed_daemon_answers_every_door_and_comes_back() {
    let place = Place::new("");
    let daemon = place.start();
    keep_something(&place, &daemon);
    let session = place.user("kept");
    place.admin("seal").succeeds().says("sealed").done();
    place.admin("seal").fails().done();
    for module in [session.module, place.application()] {
        assert_eq!(module.slots(true).err(), Some(Rv(ck::CKR_DEVICE_ERROR)));
        assert_eq!(module.token_info(1).err(), Some(Rv(ck::CKR_DEVICE_ERROR)));
        assert_eq!(Session::open(module, 1).err(), Some(Rv(ck::CKR_DEVICE_ERROR)));
    }
    assert!(session.info().is_err(), "the session has ended");
    for line in ["partition list", "rekey", "rekey status", "zeroize partition kept --yes"] {
        let refused = place.admin(line).fails();
        assert!(refused.text().contains("sealed"), "{}", refused.story());
    }
    place.admin("unseal").succeeds().done();
    all_is_there(&place);
    drop(daemon);
}

#[test]
fn a_zeroized_partition_and_a_zeroized_hsm_are_gone_for_good() {
    let place = Place::new("");
    let daemon = place.start();
    keep_something(&place, &daemon);
    let slot = daemon.partition("doomed", "standard");
    let session = place.user("doomed");
    let data = Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA).bool(ck::CKA_TOKEN, true);
    session.create(&data).unwrap();
    let refused = place.admin("zeroize partition doomed").fails();
    assert!(refused.text().contains("--yes"), "{}", refused.story());
    place.admin("zeroize partition doomed --yes").succeeds().done();
    assert!(session.find(&Template::new()).is_err(), "the session has ended with it");
    assert!(Session::open(session.module, slot).is_err());
    place.admin("zeroize partition doomed --yes").fails().done();
    all_is_there(&place);
    daemon.kill();
    let daemon = place.start();
    all_is_there(&place);

    let old = fs::read(place.store()).unwrap();
    place.admin("zeroize hsm --yes").succeeds().says("new HSM").done();
    assert!(!place.path("root.key").exists(), "the root key is destroyed as well");
    assert!(is_sealed(&place));
    let status = place.admin("partition list").fails();
    assert!(status.text().contains("zeroized"), "{}", status.story());
    let header = |bytes: &[u8]| bytes.windows(8).filter(|part| *part == b"claviger").count();
    assert!(header(&old) > 0, "or the next line shows nothing");
    assert_eq!(header(&fs::read(place.store()).unwrap()), 0);
    daemon.kill();

    place.hsmd(&["--make-root-key"]).succeeds().done();
    let daemon = place.start();
    place.admin("partition list --json").succeeds().says("[]").done();
    daemon.partition("kept", "standard");
    assert_eq!(place.user("kept").find(&Template::new()).unwrap().len(), 0);
    drop(daemon);
}
