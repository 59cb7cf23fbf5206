//! Writes a log of as many records as asked for into a folder, for measuring: `million DIR RECORDS`.

use std::fs;
use std::path::PathBuf;

use audit::segment::State;
use audit::{Class, Door, HEAD, Object, Partition, Peer, Record, Signer, Writer, file_name};
use crypto::ed25519::PrivateKey;

/// A segment's size in bytes from which on the next one is begun.
const ROLL: usize = 64 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().ok_or("million DIR RECORDS")?);
    let records: u64 = words.next().ok_or("million DIR RECORDS")?.parse()?;
    fs::create_dir_all(&folder)?;
    let (key, mut out) = (PrivateKey::generate()?, Vec::new());
    fs::write(folder.join("audit.pem"), Signer::public(&key).to_pem()?)?;
    let mut writer = Writer::create([7; 16], "example".into(), &key, 0, &mut out)?;
    for sequence in 1..=records {
        let mut record = Record::new(sequence, sequence * 20_000, Class::Use, "key.sign");
        record.door = Door::Pkcs11;
        record.peer = Some(Peer { uid: 1000, gid: 1000, pid: 4242 });
        record.user = "USER".into();
        record.partition = Some(Partition { slot: 3, serial: "0011223344556677".into() });
        record.object = Some(Object { id: "00112233445566778899aabbccddeeff".into(), label: "web".into() });
        record.mechanism = "CKM_ECDSA".into();
        writer.append(&record, &mut out)?;
        if sequence.is_multiple_of(1000) || sequence == records {
            let head = writer.checkpoint(State::Open, &key, sequence * 20_000, &mut out)?;
            fs::write(folder.join(HEAD), head.to_head())?;
        }
        if out.len() > ROLL {
            let (number, mut new) = (writer.segment(), Vec::new());
            writer.roll(&key, &key, sequence * 20_000, &mut out, &mut new)?;
            fs::write(folder.join(file_name(number)), std::mem::replace(&mut out, new))?;
        }
    }
    fs::write(folder.join(file_name(writer.segment())), out)?;
    Ok(())
}
