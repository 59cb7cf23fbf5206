//! Each manner of tampering, by name, and what is found; and that no changed byte is missed.

use std::ops::Range;
use std::sync::LazyLock;

use crypto::ed25519::PrivateKey;
use proptest::prelude::*;

use super::*;
use crate::record::CLOCK_SET_BACK;
use crate::segment::State;
use crate::{Class, Outcome, Record, Signer};

/// What signs the log, and another key.
fn key(which: u8) -> PrivateKey {
    PrivateKey::from_seed(&[which; 32]).unwrap()
}

fn record(sequence: u64) -> Record {
    let mut record = Record::new(sequence, sequence * 2_000_000_000, Class::Lifecycle, "key.generate");
    record.detail("bits", "2048");
    record
}

/// A log as files, its head, and the heads that there were before.
#[derive(Clone)]
struct Log {
    segments: Vec<Vec<u8>>,
    heads: Vec<Signed<Checkpoint>>,
}

/// Three segments of eight records, a checkpoint after every fourth, stopped in order.
fn log(id: u8, signer: &PrivateKey, record: impl Fn(u64) -> Record) -> Log {
    let mut out = Vec::new();
    let mut writer = Writer::create([id; 16], "hsm".into(), signer, 0, &mut out).unwrap();
    let mut log = Log { segments: Vec::new(), heads: Vec::new() };
    for sequence in 1..=24 {
        writer.append(&record(sequence), &mut out).unwrap();
        if sequence.is_multiple_of(4) {
            let state = if sequence == 24 { State::Closed } else { State::Open };
            log.heads.push(writer.checkpoint(state, signer, sequence * 2_000_000_000, &mut out).unwrap());
        }
        if sequence.is_multiple_of(8) && sequence < 24 {
            let mut new = Vec::new();
            writer.roll(signer, signer, sequence * 2_000_000_000, &mut out, &mut new).unwrap();
            log.segments.push(std::mem::replace(&mut out, new));
        }
    }
    log.segments.push(out);
    log
}

static LOG: LazyLock<Log> = LazyLock::new(|| log(1, &key(1), record));

/// Where the frames of a segment are: the header, then 4 records and a checkpoint twice, then the end.
fn frames(segment: &[u8]) -> Vec<Range<usize>> {
    let (mut at, mut frames) = (10, Vec::new());
    while at < segment.len() {
        let len = u32::from_le_bytes(segment[at..at + 4].try_into().unwrap()) as usize;
        frames.push(at..at + 4 + len);
        at += 4 + len;
    }
    frames
}

/// The segment with its frames in another order, without some, or with some twice.
fn picked(segment: &[u8], frames_kept: &[usize]) -> Vec<u8> {
    let frames = frames(segment);
    let kept = frames_kept.iter().flat_map(|&n| &segment[frames[n].clone()]).copied();
    segment[..10].iter().copied().chain(kept).collect()
}

fn options(log: &Log) -> Options {
    let heads = log.heads.last().map(|head| ("head".to_owned(), head.clone())).into_iter().collect();
    Options { key: Some(Signer::public(&key(1))), heads, head_required: true, ..Options::default() }
}

fn report(segments: &[Vec<u8>], options: Options) -> Report {
    let mut verifier = Verifier::new(options);
    for (n, segment) in segments.iter().enumerate() {
        verifier.segment(&format!("file {}", n + 1), segment.as_slice()).unwrap();
    }
    verifier.finish()
}

/// Kind, segment and record of all findings.
fn found(segments: &[Vec<u8>], options: Options) -> Vec<(Kind, u64, Option<u64>)> {
    let report = report(segments, options);
    assert_eq!(report.tampered(), report.findings.iter().any(|f| f.kind.severity() == Severity::Tampered));
    report.findings.iter().map(|finding| (finding.kind, finding.segment, finding.sequence)).collect()
}

/// What is found after one change to the log.
fn after(change: impl FnOnce(&mut Log)) -> Vec<(Kind, u64, Option<u64>)> {
    let mut log = LOG.clone();
    let options = options(&log);
    change(&mut log);
    found(&log.segments, options)
}

#[test]
fn nothing_is_found_in_a_log_as_it_was_written() {
    let report = report(&LOG.segments, options(&LOG));
    assert_eq!(report.findings, []);
    assert_eq!((report.records, report.first, report.last, report.signed), (24, Some(1), Some(24), Some(24)));
    assert!(report.closed && !report.tampered() && report.segments == 3);
    for head in &LOG.heads {
        let older = Options { heads: vec![("kept".into(), head.clone())], ..options(&LOG) };
        assert_eq!(found(&LOG.segments, older), [], "a head that was kept is still in the log");
    }
}

#[test]
fn an_edited_record_is_found() {
    for (frame, sequence) in [(1, 9), (4, 12), (6, 13), (9, 16)] {
        let found = after(|log| {
            let at = frames(&log.segments[1])[frame].start + 60;
            log.segments[1][at] ^= 1;
        });
        assert_eq!(found, [(Kind::Edited, 2, Some(sequence))]);
    }
}

#[test]
fn an_edited_hash_is_found_at_its_own_record() {
    let found = after(|log| {
        let at = frames(&log.segments[0])[3].end - 1;
        log.segments[0][at] ^= 1;
    });
    assert_eq!(found, [(Kind::Edited, 1, Some(3))]);
}

/// Rewrites a segment from a record on, with hashes that fit; checkpoints stay as they were.
fn rechained(segment: &[u8], change: u64) -> Vec<u8> {
    let mut reader = Reader::open(segment).unwrap();
    let mut chain = chain_header(&reader.header().bytes).unwrap();
    let mut out = picked(segment, &[0]);
    while let Some(frame) = reader.frame().unwrap() {
        match frame {
            Frame::Record { log, bytes, .. } => {
                let mut record = Record::decode(bytes).unwrap();
                if record.sequence == change {
                    record.outcome = Outcome::Failed { code: 0xa0, why: "CKR_PIN_INCORRECT".into() };
                }
                let mut bytes = Vec::new();
                record.encode(&mut bytes);
                chain = crate::segment::chain_record(&chain, &log, &bytes, &mut Vec::new()).unwrap();
                crate::segment::put_frame(crate::segment::kind::RECORD, &[&log, &bytes, &chain], &mut out);
            }
            Frame::Checkpoint(signed) => {
                chain = crate::segment::chain_checkpoint(&chain, &signed.bytes).unwrap();
                signed.frame(&mut out);
            }
            Frame::End(signed) => signed.frame(&mut out),
        }
    }
    out
}

#[test]
fn an_edit_with_a_chain_made_to_fit_is_found_by_the_signature() {
    assert_eq!(rechained(&LOG.segments[1], 0), LOG.segments[1]);
    let found = after(|log| log.segments[1] = rechained(&log.segments[1], 10));
    assert_eq!(found[0], (Kind::Rewritten, 2, Some(9)));
}

#[test]
fn a_record_deleted_in_the_middle_is_found() {
    let found = after(|log| log.segments[0] = picked(&log.segments[0], &[0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]));
    assert_eq!(found, [(Kind::Deleted, 1, Some(4))]);
    let found = after(|log| log.segments[0] = picked(&log.segments[0], &[0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]));
    assert_eq!(found, [(Kind::Deleted, 1, Some(4))], "before a checkpoint");
}

#[test]
fn records_deleted_at_the_end_are_found() {
    let cut = |kept: &[usize]| after(|log| log.segments[2] = picked(&log.segments[2], kept));
    assert_eq!(cut(&[0, 1, 2, 3, 4, 5]), [(Kind::CutAtEnd, 3, Some(21))]);
    assert_eq!(cut(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), [(Kind::CutAtEnd, 3, Some(24))], "only the checkpoint");
    assert_eq!(cut(&[0, 1]), [(Kind::CutAtEnd, 3, Some(18))]);
    let found = after(|log| log.segments.truncate(2));
    assert_eq!(found, [(Kind::CutAtEnd, 3, Some(17))], "a whole segment");
}

#[test]
fn a_deletion_at_the_end_together_with_the_head_shows_by_a_head_kept_elsewhere() {
    let mut older = LOG.clone();
    older.segments[2] = picked(&older.segments[2], &[0, 1, 2, 3, 4, 5]);
    older.heads.pop();
    assert_eq!(found(&older.segments, options(&older)), []);
    assert_eq!(found(&older.segments, options(&LOG)), [(Kind::CutAtEnd, 3, Some(21))]);
}

#[test]
fn a_truncated_file_is_found() {
    for (segment, cut) in [(0, 5), (0, 200), (1, 1)] {
        let found = after(|log| {
            let len = log.segments[segment].len();
            log.segments[segment].truncate(len - cut);
        });
        assert_eq!(found[0].0, Kind::Truncated, "{segment} {cut}");
        assert_eq!(found[0].1, segment as u64 + 1);
    }
    let found = after(|log| {
        let len = log.segments[2].len();
        log.segments[2].truncate(len - 200);
    });
    assert_eq!(found, [(Kind::Torn, 3, Some(23)), (Kind::CutAtEnd, 3, Some(24))]);
}

#[test]
fn a_torn_write_of_a_crash_is_no_tampering() {
    let mut log = LOG.clone();
    log.segments[2] = picked(&log.segments[2], &[0, 1, 2, 3, 4, 5, 6, 7]);
    log.heads.pop();
    let whole = log.segments[2].len();
    for lost in 1..frames(&log.segments[2])[7].len() {
        let mut torn = log.clone();
        torn.segments[2].truncate(whole - lost);
        assert_eq!(found(&torn.segments, options(&log)), [(Kind::Torn, 3, Some(21))], "{lost}");
        torn.segments[2].extend(vec![0; lost + 400]);
        assert_eq!(found(&torn.segments, options(&log)), [(Kind::Torn, 3, Some(21))], "{lost} and zeros");
        assert!(!report(&torn.segments, options(&log)).tampered());
        let resumed =
            Writer::resume(torn.segments[2].as_slice(), &Signer::public(&key(1)), log.heads.last()).unwrap();
        assert!(resumed.torn && resumed.writer.next_sequence() == 22, "{lost} and zeros, resumed");
    }
    let mut not_torn = log.clone();
    not_torn.segments[2].truncate(whole - 9);
    not_torn.segments[2].extend([0; 100_000]);
    not_torn.segments[2].push(1);
    assert!(report(&not_torn.segments, options(&log)).tampered());
}

#[test]
fn a_fork_of_segments_is_found() {
    let mut other = log(1, &key(1), |sequence| Record { commit: 7, ..record(sequence) });
    let found_twice = after(|log| log.segments.insert(2, other.segments[1].clone()));
    assert_eq!(found_twice, [(Kind::Fork, 2, Some(9))]);
    let instead = after(|log| log.segments[1] = other.segments.swap_remove(1));
    assert_eq!(instead[0], (Kind::Fork, 2, Some(9)));
}

#[test]
fn a_fork_of_records_is_found() {
    let other = log(1, &key(1), |sequence| Record { commit: 7, ..record(sequence) });
    let found = after(|log| {
        let forked = &other.segments[1][frames(&other.segments[1])[2].clone()];
        let at = frames(&log.segments[1])[3].start;
        log.segments[1].splice(at..at, forked.iter().copied());
    });
    assert_eq!(found, [(Kind::Fork, 2, Some(10))]);
}

#[test]
fn another_history_than_the_one_of_a_kept_head_is_found() {
    let other = log(1, &key(1), |sequence| Record { commit: 7, ..record(sequence) });
    assert_eq!(found(&other.segments, options(&LOG)), [(Kind::CutAtEnd, 3, Some(24))]);
    let kept = Options { heads: vec![("kept".into(), LOG.heads[1].clone())], ..options(&LOG) };
    assert_eq!(found(&other.segments, kept), [(Kind::Fork, 1, Some(8))]);
}

#[test]
fn reordered_records_are_found() {
    let found =
        after(|log| log.segments[0] = picked(&log.segments[0], &[0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10, 11]));
    assert_eq!(found, [(Kind::Reordered, 1, Some(3))]);
}

#[test]
fn reordered_segments_are_found() {
    let found = after(|log| log.segments.swap(0, 1));
    assert!(found.contains(&(Kind::Reordered, 1, None)), "{found:?}");
    assert!(!found.iter().any(|found| found.0 == Kind::MissingSegment && found.1 == 1), "{found:?}");
}

#[test]
fn a_replayed_record_is_found() {
    let found =
        after(|log| log.segments[0] = picked(&log.segments[0], &[0, 1, 2, 3, 2, 4, 5, 6, 7, 8, 9, 10, 11]));
    assert_eq!(found, [(Kind::Replayed, 1, Some(2))]);
}

#[test]
fn a_replayed_checkpoint_is_found() {
    let found =
        after(|log| log.segments[0] = picked(&log.segments[0], &[0, 1, 2, 3, 4, 5, 6, 5, 7, 8, 9, 10, 11]));
    assert_eq!(found, [(Kind::Replayed, 1, Some(4))]);
}

#[test]
fn a_replayed_segment_is_found() {
    let found = after(|log| log.segments.insert(2, log.segments[0].clone()));
    assert_eq!(found, [(Kind::Replayed, 1, None)]);
    let last = after(|log| log.segments.push(log.segments[2].clone()));
    assert_eq!(last, [(Kind::Replayed, 3, None)]);
}

#[test]
fn a_record_of_another_log_is_found() {
    let other = log(2, &key(1), record);
    let put_in = after(|log| {
        let foreign = &other.segments[0][frames(&other.segments[0])[3].clone()];
        let at = frames(&log.segments[0])[3].start;
        log.segments[0].splice(at..at, foreign.iter().copied());
    });
    assert_eq!(put_in, [(Kind::Foreign, 1, Some(3))]);
    let instead = after(|log| {
        let foreign = &other.segments[0][frames(&other.segments[0])[3].clone()];
        let range = frames(&log.segments[0])[3].clone();
        log.segments[0].splice(range, foreign.iter().copied());
    });
    assert_eq!(instead, [(Kind::Foreign, 1, Some(3)), (Kind::Deleted, 1, Some(4))]);
    let checkpoint = after(|log| {
        let foreign = &other.segments[0][frames(&other.segments[0])[5].clone()];
        let at = frames(&log.segments[0])[6].start;
        log.segments[0].splice(at..at, foreign.iter().copied());
    });
    assert_eq!(checkpoint, [(Kind::Foreign, 1, Some(4))]);
}

#[test]
fn a_segment_or_head_of_another_log_is_found() {
    let other = log(2, &key(1), record);
    let segment = after(|log| log.segments[1] = other.segments[1].clone());
    assert_eq!(segment[0], (Kind::Foreign, 2, None));
    let head = Options { heads: vec![("head".into(), other.heads[5].clone())], ..options(&LOG) };
    assert_eq!(found(&LOG.segments, head), [(Kind::Foreign, 3, None)]);
}

#[test]
fn a_clock_that_was_set_back_is_found_unless_the_log_notes_it() {
    let back = |sequence| {
        let base = record(sequence);
        if sequence >= 11 { Record { time: base.time - 9_000_000_000, ..base } } else { base }
    };
    let log_back = log(1, &key(1), back);
    assert_eq!(found(&log_back.segments, options(&log_back)), [(Kind::ClockSetBack, 2, Some(11))]);
    let noted = log(1, &key(1), |sequence| {
        let mut record = back(sequence);
        if sequence == 11 {
            record.action = CLOCK_SET_BACK.into();
        }
        record
    });
    assert_eq!(found(&noted.segments, options(&noted)), [(Kind::ClockStep, 2, Some(11))]);
    assert!(!report(&noted.segments, options(&noted)).tampered());
    let jitter = log(1, &key(1), |sequence| Record { time: 90_000_000_000 - sequence, ..record(sequence) });
    assert_eq!(found(&jitter.segments, options(&jitter)), []);
}

#[test]
fn a_bad_signature_is_found() {
    for (frame, sequence) in [(0, None), (5, Some(12)), (11, Some(16))] {
        let found = after(|log| {
            let at = frames(&log.segments[1])[frame].end - 1;
            log.segments[1][at] ^= 1;
        });
        assert_eq!(found[0], (Kind::BadSignature, 2, sequence));
        assert_eq!(found.len(), 1, "{found:?}");
    }
    let mut head = LOG.heads[5].clone();
    head.signature[0] ^= 1;
    let head = Options { heads: vec![("head".into(), head)], ..options(&LOG) };
    assert_eq!(found(&LOG.segments, head), [(Kind::BadSignature, 3, None)]);
}

#[test]
fn a_log_signed_by_another_key_is_found() {
    let other = log(1, &key(2), record);
    let found = found(&other.segments, options(&LOG));
    assert_eq!(found[0], (Kind::BadSignature, 1, None));
}

#[test]
fn a_missing_segment_is_found() {
    assert_eq!(after(|log| drop(log.segments.remove(1))), [(Kind::MissingSegment, 2, Some(9))]);
    assert_eq!(after(|log| drop(log.segments.remove(0))), [(Kind::MissingSegment, 1, Some(1))]);
}

#[test]
fn a_log_without_its_head_is_found() {
    let options = Options { heads: Vec::new(), ..options(&LOG) };
    assert_eq!(found(&LOG.segments, options.clone()), [(Kind::NoHead, 0, None)]);
    let files = Options { head_required: false, ..options };
    assert_eq!(found(&LOG.segments, files), [(Kind::EndUnknown, 0, None)]);
}

#[test]
fn too_long_without_a_checkpoint_is_found() {
    let records = |most| Options { max_records: Some(most), ..options(&LOG) };
    assert_eq!(found(&LOG.segments, records(4)), []);
    assert_eq!(found(&LOG.segments, records(3)).len(), 6);
    let wait = |seconds: u64| Options { max_wait: Some(seconds * 1_000_000_000), ..options(&LOG) };
    assert_eq!(found(&LOG.segments, wait(6)), []);
    assert_eq!(found(&LOG.segments, wait(5))[0], (Kind::CheckpointGap, 1, Some(4)));
}

#[test]
fn reading_may_begin_later_if_that_is_said() {
    let later = Options { from: Some(2), ..options(&LOG) };
    assert_eq!(found(&LOG.segments[1..], later), [(Kind::Partial, 2, None)]);
}

#[test]
fn a_key_that_the_log_hands_over_to_is_followed() {
    let (first, second) = (key(1), key(2));
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let mut writer = Writer::create([1; 16], "hsm".into(), &first, 0, &mut old).unwrap();
    writer.append(&record(1), &mut old).unwrap();
    writer.end(&first, Signer::public(&second), 1, &mut old).unwrap();
    writer.next(&second, 1, &mut new).unwrap();
    writer.append(&record(2), &mut new).unwrap();
    let head = writer.checkpoint(State::Open, &second, 2, &mut new).unwrap();
    let options = Options { heads: vec![("head".into(), head)], ..options(&LOG) };
    assert_eq!(found(&[old, new], options), []);
}

#[test]
fn what_follows_the_end_of_a_segment_is_found() {
    let found = after(|log| {
        let again = log.segments[0][frames(&log.segments[0])[1].clone()].to_vec();
        log.segments[0].extend(again);
    });
    assert_eq!(found, [(Kind::Malformed, 1, None)]);
}

#[test]
fn a_frame_of_an_unknown_kind_or_an_impossible_length_is_found() {
    let found = after(|log| {
        let at = frames(&log.segments[0])[2].start;
        log.segments[0][at + 4] = 9;
    });
    assert_eq!(found, [(Kind::Malformed, 1, Some(2))]);
    let found = after(|log| {
        let at = frames(&log.segments[0])[2].start;
        log.segments[0][at + 3] = 9;
    });
    assert_eq!(found[0], (Kind::Malformed, 1, Some(2)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_changed_byte_is_missed(segment in 0usize..3, at: prop::sample::Index, bits in 1u8..) {
        let mut log = LOG.clone();
        let at = at.index(log.segments[segment].len());
        log.segments[segment][at] ^= bits;
        prop_assert!(report(&log.segments, options(&LOG)).tampered(), "segment {} byte {at}", segment + 1);
    }

    #[test]
    fn no_changed_byte_of_a_head_is_missed(at: prop::sample::Index, bits in 1u8..) {
        let mut head = LOG.heads[5].to_head();
        let at = at.index(head.len());
        head[at] ^= bits;
        if let Ok(head) = Signed::from_head(&head) {
            let options = Options { heads: vec![("head".into(), head)], ..options(&LOG) };
            prop_assert!(report(&LOG.segments, options).tampered());
        }
    }

    #[test]
    fn no_removed_or_doubled_or_moved_frame_is_missed(
        segment in 0usize..3, from: prop::sample::Index, to: prop::sample::Index, how in 0..3,
    ) {
        let mut log = LOG.clone();
        let count = frames(&log.segments[segment]).len();
        let (from, to) = (from.index(count), to.index(count));
        let mut order: Vec<_> = (0..count).collect();
        match how {
            0 => drop(order.remove(from)),
            1 => order.insert(to, from),
            _ => order.swap(from, to),
        }
        prop_assume!(order != (0..count).collect::<Vec<_>>());
        log.segments[segment] = picked(&log.segments[segment], &order);
        prop_assert!(report(&log.segments, options(&LOG)).tampered(), "segment {} {order:?}", segment + 1);
    }

    /// Neither panics nor loops, whatever the bytes.
    #[test]
    fn any_bytes_come_to_a_report(bytes: Vec<u8>, at: prop::sample::Index) {
        let mut segment = LOG.segments[0].clone();
        let at = at.index(segment.len());
        segment.splice(at.., bytes);
        report(&[segment], options(&LOG));
    }
}
