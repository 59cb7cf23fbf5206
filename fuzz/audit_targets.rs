//! What each fuzz target of the audit log does with bytes from outside, so that plain tests can do the same.
#![allow(dead_code, unreachable_pub)]

use audit::segment::Signed;
use audit::verify::{Options, Verifier};
use audit::{Record, Writer};

/// A record of the audit log. It has one encoding.
pub fn record(data: &[u8]) -> bool {
    let Ok(record) = Record::decode(data) else { return false };
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    assert_eq!(bytes, data);
    for format in [audit::export::Format::Json, audit::export::Format::Cef, audit::export::Format::Syslog] {
        let line = audit::export::line(format, &record, "host");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    true
}

/// Two segments of an audit log, and a head: to the verifier, and to the writer that would go on. The first two bytes
/// say how long the first segment is. Without the key nothing can come out as signed.
pub fn segment(data: &[u8]) -> bool {
    let Some((len, rest)) = data.split_first_chunk::<2>() else { return false };
    let (one, other) = rest.split_at(usize::from(u16::from_le_bytes(*len)).min(rest.len()));
    let heads = Signed::from_head(other).map(|head| ("head".to_owned(), head)).into_iter().collect();
    let mut verifier = Verifier::new(Options { heads, from: None, ..Options::default() });
    for segment in [one, other] {
        verifier.segment("segment", segment).expect("a slice can be read");
    }
    let report = verifier.finish();
    let Ok(reader) = audit::segment::Reader::open(one) else { return false };
    let key = reader.header().body.key.clone();
    if let Ok(resumed) = Writer::resume(one, &key, None) {
        assert!(resumed.length <= one.len() as u64);
        assert!(Writer::resume(&one[..resumed.length as usize], &key, None).is_ok_and(|again| !again.torn));
        assert!(report.segments > 0);
    }
    true
}
