//! What somebody with the disk can do to a stopped daemon's files: each change is refused at the next start in
//! words that say what was changed, or touches nothing that is used.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use conformance::mechanism::Mechanism;
use conformance::names::Rv;
use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tests::{PIN, Place, Random};

/// As the daemon's store has it: keys, and values behind the revision that put them.
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
/// How many flipped bits are tried; `CLAVIGER_TAMPER_FLIPS` says another number.
const FLIPS: usize = 200;
/// The store's file is read and written in pages of so many bytes.
const PAGE: usize = 4096;
/// Objects in the token.
const OBJECTS: u8 = 12;

/// A stopped daemon whose one partition has objects 1 to [`OBJECTS`], of which the first is a key.
fn stopped() -> Place {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("guarded", "standard");
    let session = place.user("guarded");
    let key = Template::new().bool(ck::CKA_TOKEN, true).ulong(ck::CKA_VALUE_LEN, 32);
    session.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &key).unwrap();
    for number in 2..=OBJECTS {
        session.create(&data(number)).unwrap();
    }
    daemon.stop();
    place
}

/// A data object that tells of its number.
fn data(number: u8) -> Template {
    Template::new()
        .ulong(ck::CKA_CLASS, ck::CKO_DATA)
        .bool(ck::CKA_TOKEN, true)
        .bytes(ck::CKA_LABEL, &[b'a' + number])
        .bytes(ck::CKA_VALUE, &[number; 500])
}

/// Sees that a daemon that started has everything, unchanged.
fn assert_whole(place: &Place) {
    assert_has_all(place.user("guarded"));
}

fn assert_has_all(session: Session) {
    let keys = session.find(&Template::new().ulong(ck::CKA_CLASS, ck::CKO_SECRET_KEY)).unwrap();
    session.encrypt(&Mechanism::ecb(), keys[0], &[0; 16]).unwrap();
    for number in 2..=OBJECTS {
        let found = session.find(&Template::new().bytes(ck::CKA_LABEL, &[b'a' + number])).unwrap();
        assert_eq!(found.len(), 1, "object {number} is lost");
        assert_eq!(session.get(found[0], ck::CKA_VALUE).unwrap(), [number; 500]);
    }
}

/// The daemon's words when it refuses to start; nobody can connect then.
fn refusal(place: &Place) -> String {
    let run = place.hsmd(&[]).fails();
    assert!(!place.path("hsmd.sock").exists(), "it listens: {}", run.story());
    let text = run.text();
    let line =
        text.lines().find(|line| line.contains("ERROR")).unwrap_or_else(|| panic!("no reason: {text}"));
    line.to_owned()
}

/// Every record of the store, by its key.
fn records(place: &Place) -> Vec<(Vec<u8>, Vec<u8>)> {
    let database = Database::open(place.store()).unwrap();
    let transaction = database.begin_read().unwrap();
    let table = transaction.open_table(RECORDS).unwrap();
    let all = table.iter().unwrap().map(Result::unwrap);
    all.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())).collect()
}

/// Puts a value under a key, or removes it.
fn put(place: &Place, key: &[u8], value: Option<&[u8]>) {
    let database = Database::open(place.store()).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut table = transaction.open_table(RECORDS).unwrap();
        match value {
            Some(value) => drop(table.insert(key, value).unwrap()),
            None => drop(table.remove(key).unwrap()),
        }
    }
    transaction.commit().unwrap();
}

/// The key of an object's record: `r`, partition, kind 1, number.
fn object(number: u64) -> Vec<u8> {
    [&b"r"[..], &1_u64.to_be_bytes(), &[1], &number.to_be_bytes()].concat()
}

fn value(place: &Place, key: &[u8]) -> Vec<u8> {
    let found = records(place).into_iter().find(|(other, _)| other == key);
    found.unwrap_or_else(|| panic!("the store has no {key:02x?}")).1
}

#[test]
fn a_flipped_bit_is_refused_in_words_or_is_in_space_that_nothing_uses() {
    let flips = std::env::var("CLAVIGER_TAMPER_FLIPS").map_or(FLIPS, |flips| flips.parse().unwrap());
    let mut random = Random::of(Random::seed("CLAVIGER_TAMPER_SEED"));
    let place = stopped();
    let good = fs::read(place.store()).unwrap();
    // Anywhere in the file; since most of that is empty, within what is not; and since most of that is old, in
    // the pages that hold what counts.
    let used: Vec<usize> = (0..good.len()).filter(|at| good[*at] != 0).collect();
    let live: Vec<usize> = records(&place)
        .iter()
        .filter_map(|(_, value)| good.windows(value.len()).position(|window| window == value))
        .flat_map(|at| at / PAGE * PAGE..at / PAGE * PAGE + PAGE)
        .filter(|at| good.get(*at).is_some_and(|byte| *byte != 0))
        .collect();
    assert!(!live.is_empty());
    let (mut refused, mut at_use, mut harmless) = (0, 0, 0);
    for flip in 0..flips {
        let at = match flip % 4 {
            0 => random.below(good.len()),
            1 => *random.pick(&used),
            _ => *random.pick(&live),
        };
        let bit = 1 << random.below(8);
        let mut bad = good.clone();
        bad[at] ^= bit;
        fs::write(place.store(), &bad).unwrap();
        let anchor = fs::read(place.path("anchor/anchor")).unwrap();
        let from = place.log().len();
        println!("bit {bit:#04x} of byte {at} of {}", good.len());
        if let Some(daemon) = place.try_start() {
            let module = place.application();
            let session = Session::open(module, module.slot_of("guarded").unwrap()).unwrap();
            match session.login(ck::CKU_USER, PIN) {
                Rv::OK => {
                    assert_has_all(session);
                    harmless += 1;
                }
                // Pages that are only needed to write, such as those that say which are free.
                rv => {
                    assert_eq!(rv, Rv(ck::CKR_DEVICE_ERROR));
                    place.logs_after(from, &["ERROR", "C_Login", "CKR_DEVICE_ERROR", "the store is damaged"]);
                    at_use += 1;
                }
            }
            daemon.kill();
        } else {
            let log = place.log();
            let said = log[from..].lines().find(|line| line.contains("ERROR"));
            let said = said.unwrap_or_else(|| panic!("refused without a word:\n{}", &log[from..]));
            assert!(!said.contains("a defect in hsmd"), "{said}");
            println!("    {}", said.split_once("ERROR").map_or(said, |(_, said)| said.trim()));
            refused += 1;
        }
        fs::write(place.path("anchor/anchor"), anchor).unwrap();
    }
    println!("{refused} refused at start, {at_use} at use, {harmless} without effect");
    assert!(refused > flips / 10, "hardly any flipped bit was noticed");
    fs::write(place.store(), &good).unwrap();
    let _daemon = place.start();
    assert_whole(&place);
}

#[test]
fn a_flipped_bit_in_a_records_value_names_the_record() {
    let place = stopped();
    let before = fs::read(place.store()).unwrap();
    for (key, value) in records(&place) {
        // The first 8 bytes are the revision, which the store keeps for itself.
        for at in [8, 8 + (value.len() - 8) / 2, value.len() - 1] {
            let mut bad = value.clone();
            bad[at] ^= 1;
            put(&place, &key, Some(&bad));
            let said = refusal(&place);
            let named = match key[0] {
                b'r' if key[1..9] == [0; 8] && key[9] == 0 => format!("record partition {} key", key[17]),
                b'r' if key[1..9] == [0; 8] => "record HSM ".to_owned(),
                b'r' if key[9] == 1 => {
                    format!("record partition {} object {}: does not authenticate", key[8], key[17])
                }
                b'r' => format!("record partition {} ", key[8]),
                b'j' => format!("journal entry {} does not authenticate", key[8]),
                b'h' => "header".to_owned(),
                other => panic!("a record of kind {other}"),
            };
            let wrong_key = key[0] == b'h' && said.contains("the root key is not the one");
            assert!(said.contains(&named) || wrong_key, "{key:02x?} byte {at}: {said}");
            fs::write(place.store(), &before).unwrap();
        }
    }
    let _daemon = place.start();
    assert_whole(&place);
}

#[test]
fn two_swapped_records_are_refused_by_name() {
    let place = stopped();
    let (one, two) = (value(&place, &object(3)), value(&place, &object(4)));
    assert_ne!(one, two);
    put(&place, &object(3), Some(&two));
    put(&place, &object(4), Some(&one));
    let said = refusal(&place);
    assert!(said.contains("record partition 1 object 3: does not authenticate"), "{said}");
    put(&place, &object(3), Some(&one));
    put(&place, &object(4), Some(&two));
    let _daemon = place.start();
    assert_whole(&place);
}

#[test]
fn a_deleted_record_is_missed_by_name() {
    let place = stopped();
    let deleted = value(&place, &object(5));
    put(&place, &object(5), None);
    let said = refusal(&place);
    assert!(said.contains("record partition 1 object 5: is missing"), "{said}");
    put(&place, &object(5), Some(&deleted));
    let _daemon = place.start();
    assert_whole(&place);
}

#[test]
fn an_old_version_of_one_record_is_refused_by_name_with_both_versions() {
    let place = stopped();
    let old = value(&place, &object(6));
    let daemon = place.start();
    let session = place.user("guarded");
    let found = session.find(&Template::new().bytes(ck::CKA_LABEL, &[b'a' + 6])).unwrap();
    session.set(found[0], &Template::new().bytes(ck::CKA_LABEL, b"renamed")).ok().unwrap();
    daemon.stop();
    let new = value(&place, &object(6));
    put(&place, &object(6), Some(&old));
    let said = refusal(&place);
    let words =
        ["record partition 1 object 6: is version ", " but the journal says ", "an older copy was put back"];
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
    put(&place, &object(6), Some(&new));
    let _daemon = place.start();
}

#[test]
fn a_destroyed_record_does_not_come_back() {
    let place = stopped();
    let old = value(&place, &object(7));
    let daemon = place.start();
    let session = place.user("guarded");
    let found = session.find(&Template::new().bytes(ck::CKA_LABEL, &[b'a' + 7])).unwrap();
    session.destroy(found[0]).ok().unwrap();
    daemon.stop();
    put(&place, &object(7), Some(&old));
    let said = refusal(&place);
    assert!(said.contains("record partition 1 object 7: is unknown to the journal"), "{said}");
}

#[test]
fn an_old_record_with_its_old_journal_is_refused_too() {
    let place = stopped();
    let old = records(&place);
    let daemon = place.start();
    place.user("guarded").create(&data(20)).unwrap();
    daemon.stop();
    // The last journal entry goes, and the record it tells of: the store is then as it was, to the letter.
    for (key, _) in records(&place) {
        if old.iter().all(|(before, _)| *before != key) {
            put(&place, &key, None);
        }
    }
    for (key, value) in &old {
        put(&place, key, Some(value));
    }
    let said = refusal(&place);
    assert!(said.contains("was acknowledged: an older copy of the store was put back"), "{said}");
}

#[test]
fn yesterdays_copy_of_the_store_is_refused() {
    let place = stopped();
    let yesterday = fs::read(place.store()).unwrap();
    let daemon = place.start();
    place.user("guarded").create(&data(20)).unwrap();
    daemon.stop();
    let today = fs::read(place.store()).unwrap();
    fs::write(place.store(), yesterday).unwrap();
    let said = refusal(&place);
    assert!(said.contains("an older copy of the store was put back"), "{said}");
    fs::write(place.store(), today).unwrap();
    let _daemon = place.start();
    assert_whole(&place);
}

#[test]
fn an_anchor_that_is_lost_old_or_anothers_is_refused() {
    let place = stopped();
    let anchor = place.path("anchor/anchor");
    let yesterday = fs::read(&anchor).unwrap();
    let daemon = place.start();
    let session = place.user("guarded");
    session.create(&data(20)).unwrap();
    session.create(&data(21)).unwrap();
    daemon.stop();
    let today = fs::read(&anchor).unwrap();

    fs::remove_file(&anchor).unwrap();
    let said = refusal(&place);
    assert!(said.contains("the anchor is missing") && said.contains("--trust-store"), "{said}");

    fs::write(&anchor, yesterday).unwrap();
    let said = refusal(&place);
    assert!(said.contains("an older copy of the anchor was put back"), "{said}");

    fs::copy(stopped().path("anchor/anchor"), &anchor).unwrap();
    let said = refusal(&place);
    assert!(said.contains("the anchor belongs to another store"), "{said}");

    fs::write(&anchor, &today).unwrap();
    let _daemon = place.start();
    assert_whole(&place);
}

#[test]
fn a_flipped_bit_in_the_anchor_is_refused_or_costs_no_acknowledged_commit() {
    let place = stopped();
    let anchor = place.path("anchor/anchor");
    let good = fs::read(&anchor).unwrap();
    let used: Vec<usize> = (0..good.len()).filter(|at| good[*at] != 0).collect();
    for at in used.into_iter().step_by(5) {
        flip(&anchor, at);
        // One of the two slots may be torn by a crash, so the other one stands alone.
        match place.try_start() {
            Some(daemon) => {
                assert_whole(&place);
                daemon.stop();
            }
            None => assert!(place.log().contains("anchor"), "byte {at}: {}", place.log()),
        }
        fs::write(&anchor, &good).unwrap();
    }
}

fn flip(file: &Path, at: usize) {
    let file = fs::File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at as u64).unwrap();
}
