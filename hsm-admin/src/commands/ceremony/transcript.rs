//! The transcript of a ceremony: lines of text, and under them the signatures of all who took part.

use std::rc::Rc;

use ukey::{Holder, Id, Public};
use wire::admin::people::hex;

use crate::approval_file::bytes;
use crate::caller;
use crate::error::Error;

/// The first line.
const TITLE: &str = "Claviger ceremony transcript 1";
/// The line that ends what is signed.
const UNDER: &str = "Signatures over all lines above, this one included:";
/// The context of the signatures.
const CONTEXT: &str = "Claviger ceremony";
const REHEARSAL: &str = "HSM: none, this is a rehearsal";

/// The first lines: of an HSM's ceremony, or of a rehearsal.
pub(super) fn heading(hsm: Option<&[u8; 32]>) -> [String; 2] {
    let hsm = hsm.map_or_else(|| REHEARSAL.to_owned(), |hsm| format!("HSM: {}", hex(hsm)));
    [TITLE.to_owned(), hsm]
}

/// The transcript with the signatures of these.
pub(super) fn sign(lines: &[String], keys: &[Rc<dyn Holder>]) -> Result<Vec<u8>, Error> {
    let mut text: String =
        lines.iter().map(String::as_str).chain([UNDER]).flat_map(|line| [line, "\n"]).collect();
    let signed = text.clone();
    for key in keys {
        let signature = caller::sign(&**key, CONTEXT, signed.as_bytes())?;
        let public = hex(&key.public().to_bytes());
        text.push_str(&format!("signature {public} {}\n", hex(&signature)));
    }
    Ok(text.into_bytes())
}

/// A transcript that is what it should be.
pub(super) struct Signed {
    pub(super) rehearsal: bool,
    /// By whom: each one's name for the UKey, and its id.
    pub(super) by: Vec<(String, Id)>,
}

/// Verifies a transcript: that each who took part signed it, and nobody else.
///
/// # Errors
/// What is wrong with it.
pub(super) fn verify(transcript: &[u8]) -> Result<Signed, String> {
    let text = std::str::from_utf8(transcript).map_err(|_| "this is no transcript: it is not UTF-8")?;
    let mut lines = text.lines();
    if lines.next() != Some(TITLE) {
        return Err(format!("this is no transcript: its first line is not {TITLE:?}"));
    }
    let end = format!("\n{UNDER}\n");
    let at = text.find(&end).ok_or("it is not signed, or was truncated")?;
    let (signed, under) = text.split_at_checked(at + end.len()).ok_or("it is not signed")?;
    let took_part = participants(signed)?;
    let mut by: Vec<(String, Id)> = Vec::new();
    for (number, line) in under.lines().enumerate() {
        let wrong = |why: &str| format!("signature {}: {why}", number + 1);
        let public = verified(line, signed.as_bytes()).map_err(|why| wrong(&why))?;
        let id = public.id();
        // A UKey's id is that of its keys: the name beside them is signed where the participants are named.
        let Some((name, _)) = took_part.iter().find(|(_, one)| *one == id) else {
            return Err(wrong(&format!("UKey {id} did not take part")));
        };
        if *name != format!("{:?}", public.name()) {
            return Err(wrong(&format!("UKey {id} took part as {name}, not as {:?}", public.name())));
        }
        if by.iter().any(|(_, one)| *one == id) {
            return Err(wrong(&format!("UKey {id} signed before")));
        }
        by.push((public.name().to_owned(), id));
    }
    if !under.ends_with('\n') && !under.is_empty() {
        return Err("it was truncated".into());
    }
    let missing = took_part.iter().find(|(_, id)| !by.iter().any(|(_, one)| one == id));
    match missing {
        Some((name, id)) => Err(format!("{name}, UKey {id}, took part and did not sign it")),
        None if by.is_empty() => Err("nobody took part in it".into()),
        None => Ok(Signed { rehearsal: text.lines().nth(1) == Some(REHEARSAL), by }),
    }
}

/// The UKey whose signature a line is.
fn verified(line: &str, signed: &[u8]) -> Result<Public, String> {
    let mut words = line.split(' ');
    let (Some("signature"), Some(public), Some(signature), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("the line is not one".into());
    };
    let public = bytes(public).ok_or("the UKey is not in hexadecimal")?;
    let public = Public::from_bytes(&public).map_err(|error| error.to_string())?;
    let signature = bytes(signature).ok_or("it is not in hexadecimal")?;
    public.verify(CONTEXT, signed, &signature).map_err(|error| error.to_string())?;
    Ok(public)
}

/// Who took part, as the lines `TIME participant "NAME" role ROLE ukey ID …` say.
fn participants(signed: &str) -> Result<Vec<(String, Id)>, String> {
    let mut found = Vec::new();
    for line in signed.lines().skip(2) {
        let Some((_time, rest)) = line.split_once(" participant ") else { continue };
        // From behind: a name may hold any words.
        let id = rest.rsplit_once(" ukey ").and_then(|(_, id)| id.split(' ').next());
        let id = id.and_then(bytes).and_then(|id| id.try_into().ok()).map(Id::from_bytes);
        let name = rest.rsplit_once(" role ").map_or(rest, |(name, _)| name);
        found.push((name.to_owned(), id.ok_or_else(|| format!("a line names no UKey: {line}"))?));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use ukey::Algorithm;
    use ukey::file::{self, Cost};

    use super::*;

    fn key(name: &str) -> Rc<dyn Holder> {
        let (bytes, _) =
            file::create(name, Algorithm::Ed25519, b"123456", Cost::new(8, 1, 1).unwrap()).unwrap();
        Rc::new(file::open(&bytes, b"123456").unwrap())
    }

    fn line(key: &Rc<dyn Holder>) -> String {
        let (name, id) = (key.public().name(), hex(key.public().id().as_bytes()));
        format!(
            "2026-01-01T00:00:00Z participant {name:?} role hsm-so ukey {id} algorithm Ed25519, made here"
        )
    }

    fn lines(keys: &[Rc<dyn Holder>]) -> Vec<String> {
        let mut lines = heading(Some(&[7; 32])).to_vec();
        lines.extend(keys.iter().map(line));
        lines.push("2026-01-01T00:00:01Z quorum 2 of 2".into());
        lines
    }

    fn refused(transcript: &[u8]) -> String {
        verify(transcript).err().unwrap()
    }

    #[test]
    fn a_transcript_that_all_signed_verifies_and_names_them() {
        let keys = [key("Ada"), key("Ben ukey 00 role x")];
        let signed = verify(&sign(&lines(&keys), &keys).unwrap()).unwrap();
        assert!(!signed.rehearsal);
        assert_eq!(
            signed.by.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
            keys.each_ref().map(|key| key.public().id())
        );
        let rehearsed = [&heading(None)[..], &lines(&keys)[2..]].concat();
        assert!(verify(&sign(&rehearsed, &keys).unwrap()).unwrap().rehearsal);
    }

    #[test]
    fn whatever_is_changed_cut_off_or_added_is_noticed() {
        let keys = [key("Ada"), key("Ben")];
        let good = sign(&lines(&keys), &keys).unwrap();
        let text = String::from_utf8(good.clone()).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(verify(&bad).is_err(), "byte {at}: {text}");
        }
        for end in 0..good.len() {
            assert!(verify(&good[..end]).is_err(), "cut off after {end} bytes");
        }
        assert!(verify(&[&good[..], b"x\n"].concat()).is_err());
        let last = text.lines().last().unwrap();
        assert!(refused(format!("{text}{last}\n").as_bytes()).contains("signed before"));
    }

    #[test]
    fn who_took_part_must_sign_and_nobody_else_may() {
        let keys = [key("Ada"), key("Ben")];
        assert!(refused(&sign(&lines(&keys), &keys[..1]).unwrap()).contains("\"Ben\", UKey"));
        assert!(refused(&sign(&lines(&keys[..1]), &keys).unwrap()).contains("did not take part"));
        assert!(refused(&sign(&lines(&[]), &[]).unwrap()).contains("nobody took part"));
        assert!(refused(b"something else\n").contains("this is no transcript"));
    }
}
