//! Backup and restore between two machines: total loss and the way back, who can open a backup, and each way in which
//! one can be wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use tempfile::TempDir;
use tests::{PIN, Place, Run, module_for_engine, needs};
use ukey::Algorithm;
use ukey::file::Cost;

/// UKeys in a folder, all with one PIN.
struct Keys(TempDir);

const NAMES: [&str; 5] = ["ada", "ben", "eva", "ida", "max"];

impl Keys {
    fn new() -> Self {
        let dir = TempDir::with_prefix("claviger-ukeys-").unwrap();
        for name in NAMES {
            let cost = Cost::new(8, 1, 1).unwrap();
            let (file, public) = ukey::file::create(name, Algorithm::Ed25519, b"246810", cost).unwrap();
            fs::write(dir.path().join(format!("{name}.ukey")), file).unwrap();
            fs::write(dir.path().join(format!("{name}.pub")), public.to_bytes()).unwrap();
        }
        fs::write(dir.path().join("pin"), "246810\n").unwrap();
        fs::write(dir.path().join("passphrase"), "correct horse battery\n").unwrap();
        fs::write(dir.path().join("wrong"), "correct horse batterie\n").unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// `--to` for all five.
    fn to(&self) -> String {
        let to: Vec<_> =
            NAMES.iter().map(|name| format!("--to {}", self.text(&format!("{name}.pub")))).collect();
        to.join(" ")
    }

    /// `--holder` for these.
    fn by(&self, names: &[&str]) -> String {
        let one = |name: &&str| {
            format!("--holder {} --holder-pin-file {}", self.text(&format!("{name}.ukey")), self.text("pin"))
        };
        names.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn passphrase(&self) -> String {
        format!("--passphrase-file {}", self.text("passphrase"))
    }
}

fn tool(place: &Place, label: &str, line: &str) -> Run {
    let mut command = client(place, "pkcs11-tool");
    command.arg("--module").arg(place.program("libclaviger.so")).args([
        "--token-label",
        label,
        "--login",
        "--pin",
        PIN,
    ]);
    Run::of(command.args(line.split_whitespace()))
}

fn client(place: &Place, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("CLAVIGER_SOCKET", place.path("hsmd.sock")).env("LC_ALL", "C").current_dir(place.path(""));
    command
}

/// OpenSSL with its engine on our module.
fn openssl(place: &Place, line: &str) -> Run {
    let config = format!(
        "openssl_conf = init\n[init]\nengines = engines\n[engines]\npkcs11 = pkcs11\n[pkcs11]\nengine_id = pkcs11\n\
         dynamic_path = {}\nMODULE_PATH = {}\nPIN = {PIN}\ninit = 0\n",
        module_for_engine(),
        place.program("libclaviger.so").display()
    );
    fs::write(place.path("openssl.cnf"), config).unwrap();
    let mut command = client(place, "openssl");
    Run::of(command.env("OPENSSL_CONF", place.path("openssl.cnf")).args(line.split_whitespace()))
}

/// A data object on the token.
fn note(label: &str, value: &[u8]) -> Template {
    Template::new()
        .ulong(ck::CKA_CLASS, ck::CKO_DATA)
        .bool(ck::CKA_TOKEN, true)
        .bytes(ck::CKA_LABEL, label.as_bytes())
        .bytes(ck::CKA_VALUE, value)
}

/// Keys and objects of many kinds on a partition.
fn fill(place: &Place, label: &str) {
    for (kind, id, name) in [("EC:prime256v1", "01", "elliptic"), ("rsa:2048", "02", "rivest")] {
        tool(place, label, &format!("--keypairgen --key-type {kind} --id {id} --label {name} --usage-sign"))
            .succeeds()
            .done();
    }
    tool(place, label, "--keygen --key-type AES:32 --id 03 --label closed --sensitive").succeeds().done();
    tool(place, label, "--keygen --key-type AES:16 --id 04 --label open --extractable").succeeds().done();
    let user = place.user(label);
    user.create(&note("note", b"kept").bool(ck::CKA_PRIVATE, true)).unwrap();
    user.close();
}

/// Each object that the user sees, by its unique id, with all that its attributes say.
fn everything(session: &Session) -> BTreeMap<Vec<u8>, Vec<(u64, Option<Vec<u8>>)>> {
    #[rustfmt::skip]
    const ATTRIBUTES: &[u64] = &[
        ck::CKA_CLASS, ck::CKA_TOKEN, ck::CKA_PRIVATE, ck::CKA_LABEL, ck::CKA_APPLICATION, ck::CKA_VALUE,
        ck::CKA_OBJECT_ID, ck::CKA_CERTIFICATE_TYPE, ck::CKA_TRUSTED, ck::CKA_KEY_TYPE, ck::CKA_SUBJECT,
        ck::CKA_ID, ck::CKA_SENSITIVE, ck::CKA_ENCRYPT, ck::CKA_DECRYPT, ck::CKA_WRAP, ck::CKA_UNWRAP,
        ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_VERIFY, ck::CKA_VERIFY_RECOVER, ck::CKA_DERIVE,
        ck::CKA_START_DATE, ck::CKA_END_DATE, ck::CKA_MODULUS, ck::CKA_MODULUS_BITS,
        ck::CKA_PUBLIC_EXPONENT, ck::CKA_PUBLIC_KEY_INFO, ck::CKA_VALUE_LEN, ck::CKA_EXTRACTABLE,
        ck::CKA_LOCAL, ck::CKA_NEVER_EXTRACTABLE, ck::CKA_ALWAYS_SENSITIVE, ck::CKA_KEY_GEN_MECHANISM,
        ck::CKA_MODIFIABLE, ck::CKA_COPYABLE, ck::CKA_DESTROYABLE, ck::CKA_EC_PARAMS, ck::CKA_EC_POINT,
        ck::CKA_ALWAYS_AUTHENTICATE, ck::CKA_WRAP_WITH_TRUSTED, ck::CKA_CHECK_VALUE,
        ck::CKA_ALLOWED_MECHANISMS,
    ];
    let objects = session.find(&Template::new()).unwrap();
    objects
        .into_iter()
        .map(|object| {
            let value = |kind: &u64| (*kind, session.get(object, *kind).ok());
            (session.get(object, ck::CKA_UNIQUE_ID).unwrap(), ATTRIBUTES.iter().map(value).collect())
        })
        .collect()
}

fn lock(place: &Place, label: &str) {
    let module = place.application();
    let session = Session::open(module, module.slot_of(label).unwrap()).unwrap();
    while session.login(ck::CKU_USER, "00000000").0 != ck::CKR_PIN_LOCKED {}
    session.close();
}

/// Requirement: DHSM-055
/// Requirement: DHSM-005
#[test]
fn after_total_loss_three_of_five_ukeys_bring_everything_back_on_another_machine() {
    needs!("pkcs11-tool", "openssl", &module_for_engine());
    let keys = Keys::new();
    let shelf = TempDir::with_prefix("claviger-shelf-").unwrap();
    let file = shelf.path().join("a.backup").display().to_string();

    let a = Place::new("");
    let daemon = a.start();
    for (label, policy) in [("payments", "standard"), ("vault", "strict"), ("spent", "standard")] {
        daemon.partition(label, policy);
    }
    fill(&a, "payments");
    fill(&a, "vault");
    lock(&a, "spent");
    tool(&a, "payments", "--read-object --type pubkey --id 01 --output-file pub.der").succeeds().done();
    fs::copy(a.path("pub.der"), shelf.path().join("pub.der")).unwrap();
    a.admin(&format!("backup holders set --threshold 3 {}", keys.to())).succeeds().says("ada").done();

    // It goes on signing while the backup is made.
    let (stop, signed) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            fs::write(a.path("data"), "signed all the time").unwrap();
            while !stop.load(Ordering::Relaxed) {
                tool(&a, "payments", "--sign --mechanism ECDSA-SHA256 --id 01 --input-file data --output-file sig")
                    .succeeds()
                    .done();
                openssl(
                    &a,
                    "dgst -sha256 -engine pkcs11 -keyform engine -sign pkcs11:token=payments;object=rivest;type=private -out sig2 data",
                )
                .succeeds()
                .done();
                signed.fetch_add(1, Ordering::Relaxed);
            }
        });
        let until = std::time::Instant::now() + Duration::from_secs(120);
        while signed.load(Ordering::Relaxed) == 0 && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        a.admin(&format!("backup create --hsm --out {file}")).succeeds().says("3 of 5 UKeys").done();
        stop.store(true, Ordering::Relaxed);
    });
    assert!(signed.load(Ordering::Relaxed) > 0);
    let before: Vec<_> = ["payments", "vault"].map(|label| everything(&a.user(label))).into();
    let serials: Vec<_> = ["payments", "vault", "spent"].map(|label| daemon.show(label).serial).into();
    daemon.kill();
    drop(a); // the folder is gone, with root key, store and anchor

    let b = Place::new("");
    let daemon = b.start();
    b.admin(&format!("backup show {file}")).succeeds().says("payments").says("ada").says("whole HSM").done();
    let two = keys.by(&["ada", "max"]);
    b.admin(&format!("backup restore {file} {two}"))
        .fails()
        .says("opens with 3 of 5 UKeys, and 2 were given")
        .done();
    let stranger = Keys::new();
    b.admin(&format!("backup restore {file} {} {two}", stranger.by(&["ben"])))
        .fails()
        .says("was not made for UKey")
        .done();
    // One of the three is on another machine.
    let share = shelf.path().join("eva.share").display().to_string();
    let (eva, ada) = (keys.by(&["eva"]), keys.text("ada.pub"));
    b.admin(&format!("backup open-share {file} {eva} --to {ada} --out {share}")).succeeds().done();
    let opens = format!("{two} --share {share}");
    b.admin(&format!("backup verify {file} {opens}")).succeeds().says("genuine and whole").done();
    assert!(b.admin("partition list --json").succeeds().out().trim().starts_with("[]"));
    b.admin(&format!("backup restore {file} {opens}")).succeeds().says("payments").done();

    for (label, serial) in ["payments", "vault", "spent"].iter().zip(&serials) {
        assert_eq!(&daemon.show(label).serial, serial);
    }
    for (label, before) in ["payments", "vault"].iter().zip(&before) {
        let now = everything(&b.user(label));
        assert_eq!(now.len(), 7);
        assert_eq!(&now, before, "every attribute of every object of {label}");
    }
    fs::write(b.path("data"), "signed on the other machine").unwrap();
    openssl(
        &b,
        "dgst -sha256 -engine pkcs11 -keyform engine -sign pkcs11:token=payments;object=elliptic;type=private -out sig data",
    )
    .succeeds()
    .done();
    let public = shelf.path().join("pub.der").display().to_string();
    Run::of(client(&b, "openssl").args(["dgst", "-sha256", "-keyform", "DER", "-verify", &public]).args([
        "-signature",
        "sig",
        "data",
    ]))
    .succeeds()
    .says("Verified OK")
    .done();
    // What was locked there is locked here.
    tool(&b, "spent", "--list-objects").fails().says("CKR_PIN_LOCKED").done();
    b.admin("backup holders show").succeeds().says("eva").done();
    daemon.stop();
    let daemon = b.start();
    assert_eq!(everything(&b.user("payments")), before[0], "after a restart too");
    drop(daemon);
}

/// A place with a filled partition and its backup under a passphrase.
fn backed_up(keys: &Keys) -> (Place, PathBuf) {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("payments", "standard");
    let user = place.user("payments");
    for number in 0..20 {
        user.create(&note(&format!("note {number}"), &[number; 5000])).unwrap();
    }
    user.close();
    let file = place.path("payments.backup");
    let line = format!("backup create payments --out {} {}", file.display(), keys.passphrase());
    place.admin(&line).succeeds().says("a passphrase").done();
    daemon.stop();
    (place, file)
}

/// What `backup restore` says of a file, without anything having changed.
#[track_caller]
fn refused(place: &Place, file: &Path, options: &str, says: &str) {
    let before = place.admin("partition list --json").succeeds().out();
    place.admin(&format!("backup restore {} {options}", file.display())).fails().says(says).done();
    assert_eq!(place.admin("partition list --json").succeeds().out(), before);
}

/// Requirement: DHSM-055
#[test]
fn a_backup_that_is_not_as_it_was_made_is_refused_by_name() {
    let keys = Keys::new();
    let (a, file) = backed_up(&keys);
    let whole = fs::read(&file).unwrap();
    let b = Place::new("");
    let _daemon = b.start();
    let opens = keys.passphrase();
    let bent = b.path("bent.backup");

    for at in (0..whole.len()).step_by(whole.len() / 25).chain([0, 8, 13, whole.len() - 33, whole.len() - 1])
    {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        fs::write(&bent, bytes).unwrap();
        refused(&b, &bent, &opens, "error: ");
    }
    for at in [0, 1, 12, 13, 100, 400, whole.len() / 2, whole.len() - 1] {
        fs::write(&bent, &whole[..at]).unwrap();
        let says = match at {
            0 => "this is not a backup file of Claviger".to_owned(),
            at if at > 400 => format!("ends at byte {at}, and {} more bytes should follow", whole.len() - at),
            at => format!("truncated: it ends at byte {at}"),
        };
        refused(&b, &bent, &opens, &says);
    }
    fs::write(&bent, "PK\u{3}\u{4} something else altogether").unwrap();
    refused(&b, &bent, &opens, "this is not a backup file of Claviger");
    let mut newer = whole.clone();
    newer[8] = 9;
    fs::write(&bent, newer).unwrap();
    refused(&b, &bent, &opens, "has format version 9, and this release knows versions up to 1");
    fs::write(&bent, [&whole[..], b"x"].concat()).unwrap();
    refused(&b, &bent, &opens, "and goes on");
    refused(
        &b,
        &file,
        &format!("--passphrase-file {}", keys.text("wrong")),
        "wrong passphrase for this backup",
    );
    refused(&b, Path::new("/nowhere.backup"), &opens, "cannot read it");

    b.admin(&format!("backup restore {} {opens}", file.display())).succeeds().done();
    assert_eq!(everything(&b.user("payments")).len(), 20);
    drop(a);
}

/// Requirement: DHSM-055
#[test]
fn an_older_backup_takes_nothing_back_unnoticed() {
    let keys = Keys::new();
    let (a, file) = backed_up(&keys);
    let _daemon = a.start();
    let opens = keys.passphrase();
    let user = a.user("payments");
    user.create(&note("later", b"later")).unwrap();
    refused(&a, &file, &opens, "is there already, and would be overwritten");
    refused(&a, &file, &format!("{opens} --replace"), "no terminal to ask for confirmation");
    refused(&a, &file, &format!("{opens} --replace --yes"), "has changed since the backup was made");
    refused(&a, &file, &format!("{opens} --replace --older --yes"), "sessions are open");
    user.close();
    let restore = format!("backup restore {} {opens} --replace --older --yes", file.display());
    a.admin(&restore).succeeds().says("in place of the one that was here").says("has changed since").done();
    assert_eq!(everything(&a.user("payments")).len(), 20);
    // On the record, with the reason.
    let list = format!("audit export {} --format json", a.path("audit").display());
    a.admin(&list).succeeds().says("restore a backup").says("has changed since").done();
}

#[test]
fn kill_9_in_the_middle_of_a_restore_leaves_what_was_there_or_all_of_the_backup() {
    let keys = Keys::new();
    let (a, file) = backed_up(&keys);
    drop(a.start());
    for pause in [0, 30, 200, 400, 600, 800, 1000, 1200, 1600] {
        let b = Place::new("");
        let daemon = b.start();
        let mut restore = Command::new(b.program("hsm-admin"));
        restore.arg("--socket").arg(b.path("admin.sock")).args(["backup", "restore"]).arg(&file);
        restore.args(keys.passphrase().split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut restore = restore.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        daemon.kill();
        let done = restore.wait().unwrap().success();
        let daemon = b.start();
        let there = b.admin("partition list --json").succeeds().out().contains("payments");
        assert!(there || !done, "what was said to be restored is there");
        if there {
            assert_eq!(daemon.show("payments").objects, 20);
        } else {
            b.admin(&format!("backup restore {} {}", file.display(), keys.passphrase())).succeeds().done();
        }
        assert_eq!(everything(&b.user("payments")).len(), 20);
    }
}

#[test]
fn a_backup_is_made_whole_or_not_at_all_and_never_over_another_file() {
    let keys = Keys::new();
    let (a, file) = backed_up(&keys);
    let _daemon = a.start();
    let create = |out: &Path| {
        a.admin(&format!("backup create payments --out {} {}", out.display(), keys.passphrase()))
    };
    let before = fs::read(&file).unwrap();
    create(&file).fails().says("it is not overwritten").done();
    assert_eq!(fs::read(&file).unwrap(), before);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    create(Path::new("/nowhere/x.backup")).fails().says("/nowhere/x.backup: cannot make it").done();
    a.admin("backup create nothing --out x").fails().says("there is no partition").done();
    a.admin(&format!("backup create payments --out {}", a.path("y").display()))
        .fails()
        .says("nobody is set to open backups")
        .done();
    a.admin(&format!("backup create payments --out x --threshold 6 {}", keys.to()))
        .fails()
        .says("6 of 5 UKeys cannot be needed")
        .done();

    // A disk with room for less than half of it.
    let disk = TempDir::with_prefix("claviger-disk-").unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=40k", "tmpfs"];
    if !Run::of(Command::new("mount").args(mount).arg(disk.path())).succeeded() {
        println!("skipped: a file system cannot be mounted here, which needs root");
        return;
    }
    let full = create(&disk.path().join("x.backup"));
    let left = fs::read_dir(disk.path()).unwrap().count();
    let _ = Command::new("umount").arg("--lazy").arg(disk.path()).status();
    full.fails().says("cannot write it: No space left on device").done();
    assert_eq!(left, 0, "no half file is left");
}

/// Requirement: DHSM-055
#[test]
fn keys_go_between_hsms_of_one_cloning_domain_and_to_no_other() {
    needs!("pkcs11-tool");
    let keys = Keys::new();
    let (a, b, other) = (Place::new(""), Place::new(""), Place::new(""));
    let (on_a, on_b, on_other) = (a.start(), b.start(), other.start());
    for daemon in [&on_a, &on_b, &on_other] {
        daemon.partition("payments", "standard");
    }
    tool(&a, "payments", "--keypairgen --key-type EC:prime256v1 --id 01 --label signer --usage-sign")
        .succeeds()
        .done();
    let path = |name: &str| a.path(name).display().to_string();
    let (domain, clone) = (path("domain.file"), path("signer.clone"));
    a.admin(&format!("clone export payments --object signer --out {clone}"))
        .fails()
        .says("no cloning domain")
        .done();
    a.admin("clone domain create").succeeds().says("is in cloning domain").done();
    let ada = keys.text("ada.pub");
    a.admin(&format!("clone domain export --out {domain} --to {ada} --threshold 1")).succeeds().done();
    b.admin(&format!("clone domain import {domain} {}", keys.by(&["ada"]))).succeeds().done();
    other.admin("clone domain create").succeeds().done();

    a.admin(&format!("clone export payments --object signer --out {clone}"))
        .succeeds()
        .says("single keys")
        .done();
    other
        .admin(&format!("clone import {clone} --into payments"))
        .fails()
        .says("this HSM is not in it")
        .done();
    b.admin(&format!("clone import {clone} --into payments")).succeeds().says("2 objects came").done();
    fs::write(b.path("data"), "data").unwrap();
    tool(&b, "payments", "--sign --mechanism ECDSA-SHA256 --id 01 --input-file data --output-file sig")
        .succeeds()
        .done();
    fs::copy(b.path("data"), a.path("data")).unwrap();
    fs::copy(b.path("sig"), a.path("sig")).unwrap();
    tool(&a, "payments", "--verify --mechanism ECDSA-SHA256 --id 01 --input-file data --signature-file sig")
        .succeeds()
        .says("Signature is valid")
        .done();
    let whole = path("payments.clone");
    a.admin("partition rename payments ours").succeeds().done();
    a.admin(&format!("clone export ours --out {whole}")).succeeds().done();
    b.admin(&format!("clone import {whole}")).succeeds().says("ours").done();
}
