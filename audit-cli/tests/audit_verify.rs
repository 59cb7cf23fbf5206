//! The real program on real files: each manner of tampering by name, and a verifier that others could have written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use audit::segment::State;
use audit::{Class, HEAD, Object, Outcome, Partition, Person, Record, Signer, Writer, file_name};
use crypto::ed25519::PrivateKey;
use crypto::{mldsa, sm2};
use tempfile::TempDir;

const SECOND: u64 = 1_000_000_000;

fn key(which: u8) -> PrivateKey {
    PrivateKey::from_seed(&[which; 32]).unwrap()
}

fn record(sequence: u64) -> Record {
    let action = if sequence.is_multiple_of(5) { "partition.create" } else { "key.sign" };
    let mut record = Record::new(sequence, 1_700_000_000 * SECOND + sequence * SECOND, Class::Use, action);
    record.partition = Some(Partition { slot: sequence % 2, serial: "00ff".into() });
    record.object = Some(Object { id: "id".into(), label: "web".into() });
    if sequence.is_multiple_of(7) {
        record.person = Some(Person { name: "Ada".into(), id: "ukey-1".into() });
        record.outcome = Outcome::Failed { code: 0xa0, why: "CKR_PIN_INCORRECT".into() };
    }
    record
}

/// A folder with a log of 30 records in three segments, a checkpoint after each fifth, and its key.
struct Log(TempDir);

impl Log {
    fn new() -> Self {
        Self::of([9; 16], &record)
    }

    fn of(id: [u8; 16], record: &dyn Fn(u64) -> Record) -> Self {
        Self::signed(id, record, [&key(1), &key(1), &key(1)])
    }

    /// A log whose segments are signed by these keys.
    fn signed(id: [u8; 16], record: &dyn Fn(u64) -> Record, keys: [&dyn Signer; 3]) -> Self {
        let log = Self(TempDir::new().unwrap());
        let mut out = Vec::new();
        let mut writer = Writer::create(id, "hsm of the test".into(), keys[0], 0, &mut out).unwrap();
        let key = |writer: &Writer| keys[writer.segment() as usize - 1];
        for sequence in 1..=30 {
            writer.append(&record(sequence), &mut out).unwrap();
            if sequence.is_multiple_of(5) {
                let state = if sequence == 30 { State::Closed } else { State::Open };
                let head = writer.checkpoint(state, key(&writer), sequence * SECOND, &mut out).unwrap();
                fs::write(log.path(HEAD), head.to_head()).unwrap();
                fs::write(log.path(&format!("../{}.{sequence}", log.name())), head.to_head()).unwrap();
            }
            if sequence.is_multiple_of(10) && sequence < 30 {
                let (number, mut new) = (writer.segment(), Vec::new());
                let next = keys[number as usize];
                writer.roll(key(&writer), next, sequence * SECOND, &mut out, &mut new).unwrap();
                fs::write(log.segment(number), std::mem::replace(&mut out, new)).unwrap();
            }
        }
        fs::write(log.segment(3), out).unwrap();
        fs::write(log.path("audit.pem"), keys[0].public().to_pem().unwrap()).unwrap();
        log
    }

    fn name(&self) -> String {
        self.0.path().file_name().unwrap().to_string_lossy().into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.path(&file_name(number))
    }

    /// The head as it was after this record.
    fn kept(&self, sequence: u64) -> PathBuf {
        self.path(&format!("../{}.{sequence}", self.name()))
    }

    fn verify(&self, more: &[&str]) -> (i32, String) {
        let key = self.path("audit.pem");
        let words = ["verify", "--key", key.to_str().unwrap(), self.0.path().to_str().unwrap()];
        run(&[&words, more].concat())
    }

    /// Where the frames of a segment begin, and the end of the last one.
    fn frames(&self, number: u64) -> Vec<usize> {
        let bytes = fs::read(self.segment(number)).unwrap();
        let mut starts = vec![10];
        while let Some(len) = bytes.get(starts[starts.len() - 1]..).filter(|rest| !rest.is_empty()) {
            starts.push(
                starts[starts.len() - 1] + 4 + u32::from_le_bytes(len[..4].try_into().unwrap()) as usize,
            );
        }
        starts
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.segment(number)).unwrap();
        change(&mut bytes);
        fs::write(self.segment(number), bytes).unwrap();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        for sequence in (5..=30).step_by(5) {
            let _ = fs::remove_file(self.kept(sequence));
        }
    }
}

/// The program's exit code, and all that it prints.
fn run(words: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_claviger-audit")).args(words).output().unwrap();
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code().unwrap(), text)
}

#[test]
fn a_log_as_it_was_written_verifies() {
    let log = Log::new();
    let (code, text) = log.verify(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("30 records, 1 to 30, in 3 segments; the daemon stopped in order"), "{text}");
    assert!(text.ends_with("\nas it was written\n"), "{text}");
    let kept = log.kept(15);
    assert_eq!(log.verify(&["--head", kept.to_str().unwrap()]).0, 0);
}

/// The first key is all that a verifier needs; each further one is named by the end that the one before signed.
#[test]
fn each_segment_may_be_signed_by_a_key_of_another_algorithm() {
    let (ed25519, sm2) = (key(1), sm2::PrivateKey::from_scalar(&[7; 32]).unwrap());
    let (mldsa, stranger) = (mldsa::PrivateKey::from_seed(&[7; 32]).unwrap(), key(2));
    for keys in [[&ed25519 as &dyn Signer, &sm2, &mldsa], [&mldsa, &ed25519, &sm2], [&sm2, &sm2, &sm2]] {
        let log = Log::signed([9; 16], &record, keys);
        let (code, text) = log.verify(&[]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(&keys[2].public().fingerprint().unwrap()), "{text}");
        // Every bit that a key or a signature is made of counts.
        for segment in 1..=3 {
            let frames = log.frames(segment);
            let whole = fs::read(log.segment(segment)).unwrap();
            // Within the header's key, its signature, a checkpoint's, and the last frame's.
            for at in [frames[0] + 160, frames[1] - 2, frames[7] - 2, whole.len() - 2] {
                log.change(segment, |bytes| bytes[at] ^= 1);
                let (code, text) = log.verify(&[]);
                assert!(code != 0 && text.contains("TAMPERED"), "byte {at} of segment {segment}: {text}");
                fs::write(log.segment(segment), &whole).unwrap();
            }
        }
        // A segment that somebody signs with a key of his own.
        let forged = Log::signed([9; 16], &record, [keys[0], &stranger, keys[2]]);
        fs::copy(forged.segment(2), log.segment(2)).unwrap();
        let (code, text) = log.verify(&[]);
        assert!(code != 0 && text.contains("signed by another key"), "{text}");
    }
}

/// What is done to a log, and what the program then says.
type Manner = (&'static str, fn(&Log), &'static str);

const MANNERS: &[Manner] = &[
    (
        "edit",
        |log| {
            let at = log.frames(2)[4] + 80;
            log.change(2, |bytes| bytes[at] ^= 1);
        },
        "TAMPERED edited: record 14, segment 2, byte ",
    ),
    (
        "deletion in the middle",
        |log| {
            let frames = log.frames(2);
            log.change(2, |bytes| drop(bytes.drain(frames[3]..frames[5])));
        },
        "TAMPERED deleted: record 15, segment 2, byte ",
    ),
    (
        "deletion at the end",
        |log| {
            let frames = log.frames(3);
            log.change(3, |bytes| bytes.truncate(frames[7]));
        },
        "TAMPERED cut-at-end: record 26, segment 3",
    ),
    (
        "deletion of the last segment",
        |log| fs::remove_file(log.segment(3)).unwrap(),
        "TAMPERED cut-at-end: record 21",
    ),
    (
        "truncation",
        |log| log.change(1, |bytes| bytes.truncate(bytes.len() - 30)),
        "TAMPERED truncated: record 10, segment 1, byte ",
    ),
    (
        "fork",
        |log| {
            let other = Log::of([9; 16], &|sequence| Record { commit: 1, ..record(sequence) });
            fs::copy(other.segment(2), log.path("audit-00000002b.log")).unwrap();
        },
        "TAMPERED fork: record 11, segment 2, byte 0 of audit-00000002b.log: a second segment 2",
    ),
    (
        "another history",
        |log| {
            let other = Log::of([9; 16], &|sequence| Record { commit: 1, ..record(sequence) });
            fs::copy(other.segment(2), log.segment(2)).unwrap();
        },
        "TAMPERED fork: record 11, segment 2, byte 0",
    ),
    (
        "reorder",
        |log| {
            let frames = log.frames(1);
            log.change(1, |bytes| {
                let second = bytes[frames[2]..frames[3]].to_vec();
                let third = bytes[frames[3]..frames[4]].to_vec();
                bytes.splice(frames[2]..frames[4], [third, second].concat());
            });
        },
        "TAMPERED reordered: record 3, segment 1, byte ",
    ),
    (
        "replayed segment",
        |log| {
            fs::copy(log.segment(1), log.segment(4)).unwrap();
        },
        "TAMPERED replayed: segment 1, byte 0 of audit-00000004.log",
    ),
    (
        "segment of another log",
        |log| {
            fs::copy(Log::of([8; 16], &record).segment(2), log.segment(2)).unwrap();
        },
        "TAMPERED foreign: segment 2, byte 0 of audit-00000002.log: a segment of the log 0808",
    ),
    (
        "missing segment",
        |log| fs::remove_file(log.segment(2)).unwrap(),
        "TAMPERED missing-segment: record 11",
    ),
    (
        "bad signature",
        |log| {
            let end = log.frames(2)[7];
            log.change(2, |bytes| bytes[end - 1] ^= 1);
        },
        "TAMPERED bad-signature: record 15, segment 2, byte ",
    ),
    ("missing head", |log| fs::remove_file(log.path(HEAD)).unwrap(), "TAMPERED no-head: "),
    ("damaged head", |log| fs::write(log.path(HEAD), b"CLVAHEAD\x01").unwrap(), "TAMPERED no-head: "),
];

#[test]
fn each_manner_of_tampering_is_named_with_its_record() {
    for (name, tamper, says) in MANNERS {
        let log = Log::new();
        tamper(&log);
        let (code, text) = log.verify(&[]);
        assert!(code == 1 && text.contains(says), "{name}: {code}, expected {says:?}\n{text}");
        assert!(text.ends_with("\nNOT as it was written\n"), "{name}: {text}");
        let (code, text) = log.verify(&["--json"]);
        assert!(code == 1 && text.contains("\"tampered\": true"), "{name}: {text}");
    }
}

#[test]
fn a_clock_that_was_set_back_is_named() {
    let log = Log::of([9; 16], &|sequence| {
        let record = record(sequence);
        if sequence < 12 { record } else { Record { time: record.time - 60 * SECOND, ..record } }
    });
    let (code, text) = log.verify(&[]);
    assert!(code == 1 && text.contains("clock-set-back: record 12, segment 2"), "{text}");
    assert!(text.contains("the clock went back by 59.000 s, and the log does not note it"), "{text}");
}

#[test]
fn a_log_set_back_with_its_head_shows_by_a_head_kept_elsewhere() {
    let log = Log::new();
    let end = log.frames(3)[7];
    log.change(3, |bytes| bytes.truncate(end));
    fs::copy(log.kept(25), log.path(HEAD)).unwrap();
    assert_eq!(log.verify(&[]).0, 0);
    let (code, text) = log.verify(&["--head", log.kept(30).to_str().unwrap()]);
    assert!(code == 1 && text.contains("cut-at-end: record 26"), "{text}");
}

#[test]
fn another_key_verifies_nothing() {
    let log = Log::new();
    fs::write(log.path("audit.pem"), Signer::public(&key(2)).to_pem().unwrap()).unwrap();
    let (code, text) = log.verify(&[]);
    assert!(code == 1 && text.contains("bad-signature"), "{text}");
    let (code, text) = run(&["verify", log.0.path().to_str().unwrap()]);
    assert!(code == 0 && text.contains("no key was given"), "{text}");
}

#[test]
fn what_cannot_be_used_is_told_from_tampering() {
    let log = Log::new();
    fs::write(log.path("no.pem"), "no key").unwrap();
    let (folder, key) = (log.0.path().to_str().unwrap(), log.path("no.pem"));
    assert_eq!(run(&["verify", "--key", key.to_str().unwrap(), folder]).0, 2);
    assert_eq!(run(&["verify", "--key", "/nowhere", folder]).0, 2);
    assert_eq!(run(&["verify", "/nowhere"]).0, 2);
    assert_eq!(run(&["verify"]).0, 2);
    assert_eq!(run(&["list", folder, "--since", "yesterday"]).0, 2);
    assert_eq!(run(&["prove", "99", folder]).0, 2);
}

#[test]
fn one_record_is_proven_by_the_public_key_alone() {
    let log = Log::new();
    let folder = log.0.path().to_str().unwrap();
    let (code, proof) = run(&["prove", "14", folder]);
    assert_eq!(code, 0, "{proof}");
    let elsewhere = TempDir::new().unwrap();
    let file = |name: &str| elsewhere.path().join(name);
    fs::write(file("proof.json"), &proof).unwrap();
    fs::copy(log.path("audit.pem"), file("audit.pem")).unwrap();
    let check = || {
        let (key, proof) = (file("audit.pem"), file("proof.json"));
        run(&["check-proof", "--key", key.to_str().unwrap(), proof.to_str().unwrap()])
    };
    let (code, text) = check();
    assert!(code == 0 && text.contains("this is record 14 of the log 0909"), "{text}");
    let record = proof.find("\"record\": \"").unwrap() + 60;
    let other = if proof.as_bytes()[record] == b'0' { "1" } else { "0" };
    let mut forged = proof;
    forged.replace_range(record..=record, other);
    fs::write(file("proof.json"), forged).unwrap();
    let (code, text) = check();
    assert!(code == 1 && text.contains("NOT proven"), "{text}");
    assert!(run(&["prove", "25", folder]).1.contains("not sealed"));
}

#[test]
fn records_are_listed_by_what_they_are() {
    let log = Log::new();
    let list = |words: &[&str]| {
        let (code, text) = run(&[&["list", log.0.path().to_str().unwrap()], words].concat());
        assert_eq!(code, 0, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        text.lines().count() - 1
    };
    assert_eq!(list(&[]), 30);
    assert_eq!(list(&["--action", "partition"]), 6);
    assert_eq!(list(&["--action", "part"]), 0);
    assert_eq!(list(&["--person", "Ada", "--failed"]), 4);
    assert_eq!(list(&["--partition", "1"]), 15);
    assert_eq!(list(&["--since", "2023-11-14T22:13:41Z"]), 10);
    assert_eq!(list(&["--last", "3"]), 3);
}

#[test]
fn no_label_forges_a_line_of_any_export() {
    let evil = "x\nCEF:0|forged\u{1b}[2J\u{2028}";
    let log = Log::of([9; 16], &|sequence| Record { user: evil.into(), ..record(sequence) });
    for words in
        [&["list"][..], &["export"], &["export", "--format", "cef"], &["export", "--format", "syslog"]]
    {
        let (code, text) = run(&[words, &[log.0.path().to_str().unwrap()]].concat());
        assert_eq!(code, 0, "{text}");
        let titles = usize::from(words == ["list"]);
        assert_eq!(text.lines().count(), 30 + titles, "{words:?}");
        assert!(!text.contains(['\u{1b}', '\u{2028}']), "{words:?}");
    }
}

/// The document says enough: a verifier in Python with OpenSSL comes to the same end.
#[test]
fn a_verifier_written_from_the_document_agrees() {
    if Command::new("openssl").arg("version").output().is_err()
        || Command::new("python3").arg("-V").output().is_err()
    {
        println!("skipped: needs openssl and python3");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verify.py");
    let verify = |log: &Log| {
        Command::new("python3").arg(&script).arg(log.path("audit.pem")).arg(log.0.path()).output().unwrap()
    };
    let log = Log::new();
    let good = verify(&log);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert_eq!(String::from_utf8_lossy(&good.stdout), "30 records verified\n");
    // One that is signed by SM2.
    let sm2 = sm2::PrivateKey::from_scalar(&[7; 32]).unwrap();
    let national = Log::signed([9; 16], &record, [&sm2, &sm2, &sm2]);
    let good = verify(&national);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    let at = national.frames(2)[1] - 2;
    national.change(2, |bytes| bytes[at] ^= 1);
    assert!(!verify(&national).status.success());
    let at = log.frames(2)[4] + 80;
    log.change(2, |bytes| bytes[at] ^= 1);
    let bad = verify(&log);
    assert!(
        String::from_utf8_lossy(&bad.stderr).contains("record 14"),
        "{}",
        String::from_utf8_lossy(&bad.stderr)
    );
}
