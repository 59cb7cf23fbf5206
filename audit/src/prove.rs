//! A proof that one record is in a sealed segment, for somebody who has the public key and not the log.

use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::segment::{Broken, End, Frame, Reader, Signed, chain_record};
use crate::{Digest, Error, PublicKey, Record, Writer, hex, merkle, unhex};

/// What stands in [`Proof::format`].
pub const FORMAT: &str = "claviger-audit-proof-1";

/// A proof, as it is written in JSON. All bytes are in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// [`FORMAT`].
    pub format: String,
    /// The record's bytes.
    pub record: String,
    /// The chain's hash before the record.
    pub previous: String,
    /// The hashes from the record's leaf up to the root (RFC 6962, "Merkle Audit Paths").
    pub path: Vec<String>,
    /// The bytes of the segment's end, which holds the root.
    pub end: String,
    /// The signature of the end.
    pub signature: String,
}

/// What a proof proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The record.
    pub record: Record,
    /// The end of the segment that it is in.
    pub end: End,
}

/// Makes the proof of record `sequence` from its segment, which is checked on the way.
///
/// # Errors
/// `NotSealed` if the segment has no end yet; `NoSuchRecord`; `Tampered` and what else resuming finds; `Io`.
pub fn prove<R: Read>(segment: R, sequence: u64) -> Result<Proof, Error> {
    let mut reader = Reader::open(segment)?;
    let header = reader.header().clone();
    let number = header.body.segment;
    header.verify(&header.body.key)?;
    let mut writer = Writer::after(&header)?;
    let (mut hashes, mut wanted): (Vec<Digest>, _) = (Vec::new(), None);
    loop {
        let (offset, chain) = (reader.offset(), writer.chain());
        let tampered = |what: String| Error::Tampered { segment: number, offset, what };
        let frame = match reader.frame() {
            Ok(Some(frame)) => frame,
            Ok(None) | Err(Broken::Torn) => return Err(Error::NotSealed(number)),
            Err(Broken::Io(error)) => return Err(error.into()),
            Err(Broken::Malformed(error)) => return Err(error),
            Err(Broken::Length(_)) => return Err(tampered("a frame has an impossible length".into())),
        };
        let (mut bytes, mut end) = (None, None);
        match &frame {
            Frame::Record { bytes: record, hash, .. } => {
                hashes.push(*hash);
                bytes = (writer.next_sequence() == sequence).then(|| record.to_vec());
            }
            Frame::Checkpoint(_) => {}
            Frame::End(signed) => end = Some(signed.clone()),
        }
        writer.follow(frame).map_err(|error| tampered(error.to_string()))?;
        if let Some(bytes) = bytes {
            wanted = Some((bytes, chain, hashes.len() - 1));
        }
        if let Some(end) = end {
            let (bytes, previous, index) = wanted.ok_or(Error::NoSuchRecord(sequence))?;
            return Ok(Proof {
                format: FORMAT.to_owned(),
                record: hex(&bytes),
                previous: hex(&previous),
                path: merkle::path(&hashes, index)?.iter().map(|hash| hex(hash)).collect(),
                end: hex(&end.bytes),
                signature: hex(&end.signature),
            });
        }
    }
}

impl Proof {
    /// Checks the proof: that `key` signed the end of a segment that holds this record at its place.
    ///
    /// # Errors
    /// `Malformed` if it is no proof, or the record is not in the segment; `Signature` if the key did not sign it.
    pub fn check(&self, key: &PublicKey) -> Result<Proven, Error> {
        const HEX: Error = Error::Malformed("not hexadecimal, or of a wrong length");
        let bytes = |text: &str| unhex(text).ok_or(HEX);
        let digest = |text: &String| bytes(text)?.try_into().map_err(|_| HEX);
        if self.format != FORMAT {
            return Err(Error::Malformed("not a proof of this format"));
        }
        let end = Signed::<End>::decode_parts(&bytes(&self.end)?, bytes(&self.signature)?)?;
        end.verify(key)?;
        let end = end.body;
        let record_bytes = bytes(&self.record)?;
        let record = Record::decode(&record_bytes)?;
        if !(end.first..=end.last).contains(&record.sequence) {
            return Err(Error::Malformed("the record's number is not in the segment"));
        }
        let hash = chain_record(&digest(&self.previous)?, &end.log, &record_bytes, &mut Vec::new())?;
        let path = self.path.iter().map(digest).collect::<Result<Vec<_>, _>>()?;
        // Both fit, for the number is in the range.
        let (index, size) = (record.sequence - end.first, (end.last - end.first).saturating_add(1));
        if merkle::climb(&hash, index, size, &path)? != end.root {
            return Err(Error::Malformed("the record is not the one in the segment"));
        }
        Ok(Proven { record, end })
    }
}

#[cfg(test)]
mod tests {
    use crypto::ed25519::PrivateKey;

    use super::*;
    use crate::segment::State;
    use crate::{Class, Signer};

    fn key() -> PrivateKey {
        PrivateKey::from_seed(&[7; 32]).unwrap()
    }

    fn segment(records: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::create([1; 16], "hsm".into(), &key(), 5, &mut out).unwrap();
        for sequence in 1..=records {
            writer.append(&Record::new(sequence, 9, Class::Use, "key.sign"), &mut out).unwrap();
            if sequence.is_multiple_of(3) {
                writer.checkpoint(State::Open, &key(), 9, &mut out).unwrap();
            }
        }
        writer.end(&key(), Signer::public(&key()), 9, &mut out).unwrap();
        out
    }

    #[test]
    fn each_record_of_a_sealed_segment_is_proven_by_the_public_key_alone() {
        for records in [1, 2, 7, 8, 13] {
            for sequence in 1..=records {
                let proof = prove(segment(records).as_slice(), sequence).unwrap();
                let text = serde_json::to_string(&proof).unwrap();
                let read: Proof = serde_json::from_str(&text).unwrap();
                assert_eq!(read.check(&Signer::public(&key())).unwrap().record.sequence, sequence);
            }
        }
    }

    #[test]
    fn a_proof_of_anything_else_fails() {
        let good = prove(segment(7).as_slice(), 3).unwrap();
        let other = prove(segment(7).as_slice(), 4).unwrap();
        let public = Signer::public(&key());
        for bad in [
            Proof { record: other.record.clone(), ..good.clone() },
            Proof { previous: other.previous.clone(), ..good.clone() },
            Proof { path: other.path.clone(), ..good.clone() },
            Proof { path: good.path[1..].to_vec(), ..good.clone() },
            Proof { end: prove(segment(8).as_slice(), 3).unwrap().end, ..good.clone() },
            Proof { signature: prove(segment(8).as_slice(), 3).unwrap().signature, ..good.clone() },
            Proof { format: "x".into(), ..good.clone() },
            Proof { record: "x".into(), ..good.clone() },
        ] {
            assert!(bad.check(&public).is_err(), "{bad:?}");
        }
        let stranger = Signer::public(&PrivateKey::from_seed(&[8; 32]).unwrap());
        assert!(matches!(good.check(&stranger), Err(Error::Signature)));
    }

    #[test]
    fn nothing_is_proven_from_a_segment_that_is_open_or_changed() {
        let whole = segment(7);
        assert!(matches!(prove(&whole[..whole.len() - 5], 3), Err(Error::NotSealed(1))));
        assert!(matches!(prove(whole.as_slice(), 8), Err(Error::NoSuchRecord(8))));
        let mut changed = whole;
        changed[400] ^= 1;
        assert!(prove(changed.as_slice(), 3).is_err());
    }
}
