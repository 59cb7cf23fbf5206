//! Backup files: what comes back from them, and what is refused, by name.

use backup::{
    CarriedShare, DomainSecret, Error, Facts, Header, Lock, Name, Opener, Partition, Reader, Recipients,
    Sealed, What, Writer, record_len,
};
use crypto::Secret;
use proptest::prelude::*;
use ukey::file::{Cost, FileKey};
use ukey::{Algorithm, Holder, Public};

type Records = Vec<(Name, Vec<u8>)>;

fn domain() -> DomainSecret {
    DomainSecret { id: [9; 16], secret: Secret::new(vec![7; 32]) }
}

fn records(lengths: &[usize]) -> Records {
    let name = |number| Name { domain: 3, kind: 1, number };
    (1..).map(name).zip(lengths.iter().map(|len| vec![0x5a; *len])).collect()
}

fn facts(records: &Records) -> Facts {
    let partition = Partition {
        slot: 3,
        objects: records.len() as u64,
        records: records.len() as u64,
        serial: "0123456789abcdef".into(),
        policy: 1,
        label: "payments".into(),
    };
    Facts {
        what: What::Partition,
        hsm: [4; 16],
        made_at: 1_800_000_000,
        commit: 77,
        content_len: records.iter().map(|(_, bytes)| record_len(bytes.len())).sum(),
        own_records: 0,
        partitions: vec![partition],
    }
}

fn write(records: &Records, recipients: &Recipients) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::begin(&mut file, &facts(records), recipients).unwrap();
    for (name, bytes) in records {
        writer.record(*name, &Secret::new(bytes.clone())).unwrap();
    }
    writer.finish().unwrap();
    file
}

fn sealed(records: &Records) -> Vec<u8> {
    write(records, &Recipients::Domain(domain()))
}

fn read_with(file: &[u8], opener: &Opener) -> Result<Records, Error> {
    let mut reader = Sealed::read(file)?.open(opener)?;
    let mut records = Vec::new();
    while let Some((name, bytes)) = reader.next()? {
        records.push((name, bytes.as_bytes().to_vec()));
    }
    Ok(records)
}

fn read(file: &[u8]) -> Result<Records, Error> {
    read_with(file, &Opener::Domain(domain()))
}

fn refusal(file: &[u8]) -> String {
    read(file).expect_err("the file was taken").to_string()
}

fn header_len(file: &[u8]) -> usize {
    u32::from_le_bytes(file[9..13].try_into().unwrap()) as usize
}

fn ukeys(count: usize) -> Vec<FileKey> {
    (0..count)
        .map(|number| {
            let algorithm = if number % 2 == 0 { Algorithm::Ed25519 } else { Algorithm::P256 };
            let cost = Cost::new(8, 1, 1).unwrap();
            let (file, _) =
                ukey::file::create(&format!("holder {number}"), algorithm, b"123456", cost).unwrap();
            ukey::file::open(&file, b"123456").unwrap()
        })
        .collect()
}

fn publics(holders: &[FileKey]) -> Vec<Public> {
    holders.iter().map(|holder| holder.public().clone()).collect()
}

proptest! {
    #[test]
    fn what_was_written_comes_back(lengths in prop::collection::vec(0usize..100_000, 0..8)) {
        let records = records(&lengths);
        let file = sealed(&records);
        prop_assert_eq!(Sealed::read(&file[..]).unwrap().header().file_len(), Some(file.len() as u64));
        prop_assert_eq!(read(&file).unwrap(), records);
    }

    #[test]
    fn no_bytes_make_the_reader_fall_over(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0usize..400) {
        prop_assert!(read(&bytes).is_err());
        let mut file = sealed(&records(&[10]));
        let at = at.min(file.len());
        let end = (at + bytes.len()).min(file.len());
        let changed = file[at..end] != bytes[..end - at];
        file[at..end].copy_from_slice(&bytes[..end - at]);
        prop_assert_eq!(read(&file).is_err(), changed);
    }
}

#[test]
fn content_that_fills_its_chunks_to_the_byte_comes_back() {
    for len in [0, 1, 65_535, 65_536, 65_537, 131_072] {
        let len = usize::try_from(len).unwrap().saturating_sub(21);
        let records = records(&[len]);
        assert_eq!(read(&sealed(&records)).unwrap(), records, "{len}");
    }
    assert_eq!(read(&sealed(&records(&[]))).unwrap(), []);
}

#[test]
fn the_header_tells_what_is_in_the_file_without_a_key() {
    let records = records(&[10, 20]);
    let file = sealed(&records);
    let (header, _) = Sealed::read(&file[..]).unwrap().check_hash().unwrap();
    assert_eq!(header.facts, facts(&records));
    assert_eq!(header.lock.opens_with(), format!("the secret of cloning domain {}", "09".repeat(16)));
    assert_eq!(Header::from_bytes(&file[..header_len(&file)]).unwrap(), header);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let file = sealed(&records(&[100, 70_000]));
    let header = header_len(&file);
    let near = (0..header + 200).chain((header..file.len()).step_by(997)).chain(file.len() - 70..file.len());
    for at in near {
        let mut bent = file.clone();
        bent[at] ^= 1 << (at % 8);
        let why = refusal(&bent);
        let expected = match at {
            0..8 => "this is not a backup file of Claviger",
            8 => "has format version",
            // A length that is too long or too short for the file.
            9..13 => "",
            at if at < header - 32 => "header is damaged",
            at if at < header => "header was altered",
            at if at < header + 65_536 + 16 => "chunk 1 of 2",
            at if at < file.len() - 64 => "chunk 2 of 2",
            at if at < file.len() - 32 => "its hash is wrong",
            _ => "its MAC is wrong",
        };
        assert!(why.contains(expected), "byte {at}: {why}");
    }
}

#[test]
fn a_file_cut_anywhere_says_how_much_is_missing() {
    let file = sealed(&records(&[100, 70_000]));
    for at in (0..file.len()).step_by(331).chain([1, 8, 9, 12, 13, header_len(&file), file.len() - 1]) {
        let why = refusal(&file[..at]);
        match at {
            0 => assert_eq!(why, "this is not a backup file of Claviger"),
            at if at >= header_len(&file) => {
                let missing = file.len() - at;
                let exactly = format!(
                    "the backup is truncated: it ends at byte {at}, and {missing} more bytes should follow"
                );
                assert_eq!(why, exactly);
                let unopened = Sealed::read(&file[..at]).unwrap().check_hash().unwrap_err();
                assert_eq!(unopened.to_string(), exactly);
            }
            _ => {
                assert!(why.starts_with(&format!("the backup is truncated: it ends at byte {at},")), "{why}");
            }
        }
    }
}

#[test]
fn what_follows_the_end_is_refused() {
    let mut file = sealed(&records(&[100]));
    let len = file.len();
    file.push(0);
    assert_eq!(refusal(&file), format!("the backup should end at byte {len}, and goes on"));
}

#[test]
fn chunks_cannot_change_places_or_be_left_out() {
    let file = sealed(&records(&[200_000]));
    let (header, chunk) = (header_len(&file), 65_536 + 16);
    let mut swapped = file.clone();
    swapped[header..header + chunk].copy_from_slice(&file[header + chunk..header + 2 * chunk]);
    swapped[header + chunk..header + 2 * chunk].copy_from_slice(&file[header..header + chunk]);
    let expected = format!("chunk 1 of 4 (bytes {header} to {}) was altered", header + chunk);
    assert_eq!(refusal(&swapped), expected);
    let mut twice = file.clone();
    twice.copy_within(header..header + chunk, header + chunk);
    assert!(refusal(&twice).starts_with("chunk 2 of 4"));
    let shorter = [&file[..header + chunk], &file[header + 2 * chunk..]].concat();
    assert!(refusal(&shorter).starts_with("chunk 2 of 4"));
}

#[test]
fn chunks_of_another_file_are_refused() {
    let records = records(&[100]);
    let (one, other) = (sealed(&records), sealed(&records));
    let header = header_len(&one);
    assert!(refusal(&[&one[..header], &other[header..]].concat()).starts_with("chunk 1 of 1"));
}

#[test]
fn a_newer_format_says_that_a_newer_release_is_needed() {
    let mut file = sealed(&records(&[100]));
    file[8] = 2;
    assert_eq!(
        refusal(&file),
        "the backup has format version 2, and this release knows versions up to 1: restore it with a newer release"
    );
}

#[test]
fn a_passphrase_opens_and_another_does_not() {
    let records = records(&[100]);
    let passphrase = |word: &str| Secret::new(word.as_bytes().to_vec());
    let file = write(&records, &Recipients::Passphrase(passphrase("correct horse battery")));
    let opened = read_with(&file, &Opener::Passphrase(passphrase("correct horse battery")));
    assert_eq!(opened.unwrap(), records);
    let why = read_with(&file, &Opener::Passphrase(passphrase("correct horse batterie"))).unwrap_err();
    assert_eq!(why.to_string(), "wrong passphrase for this backup");
    let why = read(&file).unwrap_err();
    let expected = "the backup opens with a passphrase, not with the secret of a cloning domain";
    assert_eq!(why.to_string(), expected);
    let short = Recipients::Passphrase(passphrase("elevenbytes"));
    let why = Writer::begin(Vec::new(), &facts(&records), &short).err().unwrap();
    assert_eq!(why.to_string(), "a backup's passphrase has at least 12 bytes, not 11");
}

#[test]
fn three_of_five_ukeys_open_and_two_do_not() {
    let (records, holders) = (records(&[100]), ukeys(5));
    let file = write(&records, &Recipients::UKeys { threshold: 3, holders: publics(&holders) });
    let (header, _) = Sealed::read(&file[..]).unwrap().check_hash().unwrap();
    assert_eq!(header.lock.opens_with(), "3 of 5 UKeys");
    let Lock::UKeys { shares, .. } = &header.lock else { panic!("{:?}", header.lock) };
    assert_eq!(shares[4].name, "holder 4");
    let open = |at: &[usize]| at.iter().map(|at| header.open_share(&holders[*at]).unwrap()).collect();
    for three in [[0, 1, 2], [4, 2, 0], [1, 3, 4]] {
        assert_eq!(read_with(&file, &Opener::Shares(open(&three))).unwrap(), records);
    }
    let why = read_with(&file, &Opener::Shares(open(&[0, 4]))).unwrap_err();
    assert_eq!(why.to_string(), "2 shares do not make the secret: 3 are needed");
    let why = read_with(&file, &Opener::Shares(open(&[0, 4, 4]))).unwrap_err();
    assert_eq!(why.to_string(), "share 5 is there twice");
    let stranger = &ukeys(1)[0];
    let why = header.open_share(stranger).unwrap_err().to_string();
    assert!(why.starts_with("the backup was not made for UKey "), "{why}");
}

#[test]
fn a_share_of_another_file_for_the_same_people_is_refused() {
    let (records, holders) = (records(&[100]), ukeys(2));
    let to = Recipients::UKeys { threshold: 2, holders: publics(&holders) };
    let (one, other) = (write(&records, &to), write(&records, &to));
    let header = |file: &[u8]| Sealed::read(file).unwrap().check_hash().unwrap().0;
    let shares =
        vec![header(&one).open_share(&holders[0]).unwrap(), header(&other).open_share(&holders[1]).unwrap()];
    assert!(read_with(&one, &Opener::Shares(shares)).unwrap_err().to_string().contains("is of the set"));
}

#[test]
fn a_share_travels_sealed_to_the_one_who_restores() {
    let (records, holders) = (records(&[100]), ukeys(3));
    let file = write(&records, &Recipients::UKeys { threshold: 2, holders: publics(&holders) });
    let (header, _) = Sealed::read(&file[..]).unwrap().check_hash().unwrap();
    let away = header.open_share(&holders[1]).unwrap();
    let bytes = CarriedShare::seal(&header, &away, holders[0].public()).unwrap().to_bytes();
    let carried = CarriedShare::from_bytes(&bytes).unwrap();
    assert_eq!(carried.to(), holders[0].public().id());
    assert!(carried.open(&header, &holders[2]).is_err(), "it is sealed to another");
    let shares = vec![header.open_share(&holders[0]).unwrap(), carried.open(&header, &holders[0]).unwrap()];
    assert_eq!(read_with(&file, &Opener::Shares(shares)).unwrap(), records);
    let other = write(&records, &Recipients::UKeys { threshold: 2, holders: publics(&holders) });
    let (other, _) = Sealed::read(&other[..]).unwrap().check_hash().unwrap();
    let why = carried.open(&other, &holders[0]).err().unwrap().to_string();
    assert!(why.starts_with("the share is not of this backup"), "{why}");
    assert!(CarriedShare::from_bytes(&bytes[..40]).is_err());
    assert!(CarriedShare::from_bytes(b"something else").is_err());
}

#[test]
fn a_header_that_was_mended_after_a_change_is_refused_all_the_same() {
    let mut file = sealed(&records(&[100]));
    let header = header_len(&file);
    file[62 - 8] ^= 1; // the commit: not in the lock's own binding alone
    let sum = crypto::hash::digest(crypto::Hash::Sha256, &file[..header - 64]).unwrap();
    file[header - 64..header - 32].copy_from_slice(&sum);
    let why = refusal(&file);
    assert!(why.contains("this HSM is not in it") || why.contains("does not authenticate"), "{why}");
}

#[test]
fn nothing_is_made_for_people_who_cannot_be_meant() {
    let (records, holders) = (records(&[]), ukeys(2));
    let refusal = |threshold, holders| {
        let to = Recipients::UKeys { threshold, holders };
        Writer::begin(Vec::new(), &facts(&records), &to).err().unwrap().to_string()
    };
    assert!(refusal(3, publics(&holders)).contains("3 of 2 UKeys cannot be needed"));
    assert!(refusal(0, publics(&holders)).contains("0 of 2 UKeys cannot be needed"));
    let twice = [publics(&holders), publics(&holders[..1])].concat();
    assert!(refusal(1, twice).contains("is named twice"));
}

#[test]
fn a_writer_that_breaks_its_word_makes_no_file() {
    let two = records(&[1, 1]);
    let mut writer = Writer::begin(Vec::new(), &facts(&two), &Recipients::Domain(domain())).unwrap();
    let byte = Secret::new(vec![1]);
    writer.record(two[1].0, &byte).unwrap();
    assert!(writer.record(two[0].0, &byte).is_err(), "out of order");
    assert!(writer.finish().is_err(), "too short");
}

#[test]
fn content_that_does_not_hold_what_the_header_counts_is_refused() {
    let records = records(&[1, 1]);
    let mut file = Vec::new();
    let mut facts = facts(&records);
    facts.partitions[0].records = 3;
    let mut writer = Writer::begin(&mut file, &facts, &Recipients::Domain(domain())).unwrap();
    for (name, bytes) in &records {
        writer.record(*name, &Secret::new(bytes.clone())).unwrap();
    }
    writer.finish().unwrap();
    assert!(refusal(&file).contains("records are missing"));
    let mut reader: Reader<_> = Sealed::read(&file[..]).unwrap().open(&Opener::Domain(domain())).unwrap();
    assert!(reader.next().unwrap().is_some());
    assert_eq!(reader.content_read(), 22);
}
