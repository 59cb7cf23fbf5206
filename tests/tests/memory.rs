//! What the daemon's memory still holds of what is over: no PIN, no destroyed key, no plaintext.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use cryptoki_sys as ck;
use tests::process::{is_root, places};
use tests::{Client, PIN, Place, SO_PIN};
use wire::calls::decrypt::{Decrypt, DecryptInit};
use wire::calls::encrypt::{Encrypt, EncryptInit, EncryptUpdate};
use wire::calls::object::{CreateObject, DestroyObject};
use wire::calls::session::{CloseSession, Login, Logout, OpenSession};
use wire::mechanism::{Params, Value};
use wire::template::{Attribute, AttributeValue};
use wire::{
    AttributeType, List, Mechanism, MechanismId, ObjectHandle, Output, Room, SessionHandle, Slice, SlotId,
};

/// A part of a secret that is long enough to be in memory by no accident.
const PART: usize = 16;

/// Bytes that nobody else has.
fn unique(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let random = File::open("/dev/urandom").expect("random bytes");
    random.read_exact_at(&mut bytes, 0).expect("random bytes");
    bytes
}

fn aes_key(value: &[u8]) -> List<Attribute, 128> {
    let ulong = |number: u64| number.to_ne_bytes().to_vec();
    let template = [
        (ck::CKA_CLASS, ulong(ck::CKO_SECRET_KEY)),
        (ck::CKA_KEY_TYPE, ulong(ck::CKK_AES)),
        (ck::CKA_TOKEN, vec![0]),
        (ck::CKA_SENSITIVE, vec![1]),
        (ck::CKA_ENCRYPT, vec![1]),
        (ck::CKA_DECRYPT, vec![1]),
        (ck::CKA_VALUE, value.to_vec()),
    ];
    let attribute = |(kind, value): (u64, Vec<u8>)| Attribute {
        kind: AttributeType(kind),
        value: AttributeValue::Bytes(value.into()),
    };
    List::new(template.into_iter().map(attribute).collect()).expect("a short template")
}

fn cbc_pad() -> Option<Mechanism> {
    let iv = List::new(vec![Value::Bytes(vec![9; 16].into())]).expect("one value");
    Some(Mechanism { id: MechanismId(ck::CKM_AES_CBC_PAD), params: Params::Words(iv) })
}

fn bytes(output: Output) -> Vec<u8> {
    match output {
        Output::Bytes(bytes) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

const ROOM: Room = Room::Bytes(1 << 24);

fn encrypt(client: &mut Client, session: SessionHandle, key: ObjectHandle, data: &[u8]) -> Vec<u8> {
    client.call(&EncryptInit { session, mechanism: cbc_pad(), key }).expect("an encryption begins");
    bytes(client.call(&Encrypt { session, data: Slice(data), room: ROOM }).expect("a ciphertext"))
}

#[test]
fn nothing_is_left_in_memory_of_pins_destroyed_keys_and_plaintexts() {
    if !is_root() {
        println!("skipped: only root reads the memory of a process that guards it");
        return;
    }
    let place = Place::new("[log]\nlevel = \"trace\"\n");
    let daemon = place.start();
    let slot = SlotId(daemon.partition("forgetful", "standard"));
    let (key_value, small, large) = (unique(32), unique(80), unique(300_000));
    let part = |of: &[u8], at: usize| of[at..at + PART].to_vec();
    let secrets = [
        ("the user's PIN", PIN.as_bytes().to_vec()),
        ("the security officer's PIN", SO_PIN.as_bytes().to_vec()),
        ("the key", part(&key_value, 0)),
        ("the key's end", part(&key_value, 16)),
        ("a small plaintext", part(&small, 0)),
        ("a small plaintext's end", part(&small, 60)),
        ("a large plaintext", part(&large, 0)),
        ("a large plaintext's middle", part(&large, 150_000)),
        ("a large plaintext's end", part(&large, 299_000)),
    ];

    let mut client = Client::over(daemon.raw()).expect("a connection");
    let session = client.call(&OpenSession { slot, flags: 6 }).expect("a session");
    let pin = Some(Slice(PIN.as_bytes()));
    client.call(&Login { session, user: ck::CKU_USER, pin }).expect("a login");
    let key = client.call(&CreateObject { session, template: aes_key(&key_value) }).expect("a key");
    for plain in [&small, &large] {
        let sealed = encrypt(&mut client, session, key, plain);
        client.call(&DecryptInit { session, mechanism: cbc_pad(), key }).expect("a decryption begins");
        let opened =
            client.call(&Decrypt { session, data: Slice(&sealed), room: ROOM }).expect("a plaintext");
        assert_eq!(&bytes(opened), plain);
    }
    // One in parts, which is given up.
    client.call(&EncryptInit { session, mechanism: cbc_pad(), key }).expect("an encryption begins");
    client.call(&EncryptUpdate { session, data: Slice(&small), room: ROOM }).expect("a part");

    let while_it_lives = places(daemon.pid(), &secrets);
    assert!(while_it_lives[2].1 > 0, "a key in use is in memory, or the search finds nothing at all");
    client.call(&DestroyObject { session, object: key }).expect("destroyed");
    client.call(&Logout { session }).expect("logged out");
    client.call(&CloseSession { session }).expect("closed");
    drop(client);
    let until = Instant::now() + Duration::from_secs(5);
    while place.admin("status --json").succeeds().out().contains("\"connections\": 1")
        && Instant::now() < until
    {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(100));
    let left: Vec<_> = places(daemon.pid(), &secrets).into_iter().filter(|(_, count)| *count > 0).collect();
    assert!(left.is_empty(), "still in memory, and how often: {left:?}");

    let log = place.log();
    for (name, secret) in &secrets[..2] {
        assert!(!log.contains(&*String::from_utf8_lossy(secret)), "{name} is in the log");
    }
}

#[test]
fn nothing_is_left_in_a_sealed_daemons_memory_of_its_keys() {
    if !is_root() {
        println!("skipped: only root reads the memory of a process that guards it");
        return;
    }
    let place = Place::new("");
    let daemon = place.start();
    let slot = SlotId(daemon.partition("shut", "standard"));
    let (key_value, plain) = (unique(32), unique(80));
    let hex = fs::read_to_string(place.path("root.key")).expect("a root key");
    let digits = hex.trim().as_bytes();
    let byte =
        |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("text"), 16).expect("digits");
    let root: Vec<u8> = digits.chunks(2).map(byte).collect();
    let part = |of: &[u8], at: usize| of[at..at + PART].to_vec();
    let secrets = [
        ("a token key", part(&key_value, 0)),
        ("a token key's end", part(&key_value, 16)),
        ("the root key", part(&root, 0)),
        ("the root key's end", part(&root, 16)),
        ("the root key's digits", part(digits, 0)),
        ("the user's PIN", PIN.as_bytes().to_vec()),
    ];
    let mut client = Client::over(daemon.raw()).expect("a connection");
    let session = client.call(&OpenSession { slot, flags: 6 }).expect("a session");
    let pin = Some(Slice(PIN.as_bytes()));
    client.call(&Login { session, user: ck::CKU_USER, pin }).expect("a login");
    let mut template = aes_key(&key_value).into_vec();
    for attribute in &mut template {
        if attribute.kind == AttributeType(ck::CKA_TOKEN) {
            attribute.value = AttributeValue::Bytes(vec![1].into());
        }
    }
    let template = List::new(template).expect("a short template");
    let key = client.call(&CreateObject { session, template }).expect("a key");
    encrypt(&mut client, session, key, &plain);
    // One that is under way when the daemon is sealed.
    client.call(&EncryptInit { session, mechanism: cbc_pad(), key }).expect("an encryption begins");
    assert!(
        places(daemon.pid(), &secrets)[0].1 > 0,
        "a key in use is in memory, or the search finds nothing"
    );
    place.admin("seal").succeeds().done();
    let left: Vec<_> = places(daemon.pid(), &secrets).into_iter().filter(|(_, count)| *count > 0).collect();
    assert!(left.is_empty(), "still in memory, and how often: {left:?}");
    // It was all there to be found, and is again.
    place.admin("unseal").succeeds().done();
    assert!(places(daemon.pid(), &secrets)[0].1 > 0, "an open daemon has its keys again");
}

#[test]
fn nobody_but_root_reads_the_daemons_memory_and_it_dumps_no_core() {
    let place = Place::new("");
    let daemon = place.start();
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).expect("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit of cores");
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    if is_root() {
        // Files of a process that is not dumpable belong to root whoever runs it; so root cannot tell.
        println!("skipped: root reads any memory");
        return;
    }
    assert!(File::open(format!("/proc/{}/mem", daemon.pid())).is_err());
}
