//! One `*.object` file: a generation number, then attributes in the order of their numbers.

use std::collections::BTreeMap;

use crypto::Secret;

use crate::reader::Reader;
use crate::{Attribute, Class, Error};

/// The longest file, in bytes.
pub const LIMIT: usize = 4 << 20;
/// The longest byte string in a file, in bytes: what an attribute of ours can be, and its encryption.
pub const MAX_VALUE: u64 = (1 << 20) + 32;
/// The most attributes of an object, and of a template in it.
pub const MAX_ATTRIBUTES: usize = 256;
/// The most mechanisms in `CKA_ALLOWED_MECHANISMS`.
pub const MAX_MECHANISMS: u64 = 512;

/// An attribute's value.
#[derive(Debug, PartialEq)]
pub enum Value {
    /// `CK_BBOOL`
    Flag(bool),
    /// `CK_ULONG`
    Number(u64),
    /// A byte string; of a private object in a file, encrypted.
    Bytes(Secret),
    /// A set of mechanisms.
    Mechanisms(Vec<u64>),
    /// A template. It holds no template.
    Map(BTreeMap<Attribute, Value>),
}

/// An object as it stands in its file.
#[derive(Debug, PartialEq)]
pub struct Stored {
    /// How often it was written.
    pub generation: u64,
    attributes: BTreeMap<Attribute, Value>,
}

/// The forms of values in a file (`ObjectFile.cpp`), and of those in a template in it (`File.cpp`).
mod form {
    pub(super) const FLAG: u64 = 1;
    pub(super) const NUMBER: u64 = 2;
    pub(super) const BYTES: u64 = 3;
    pub(super) const MAP: u64 = 4;
    pub(super) const MECHANISMS: u64 = 5;
}

impl Stored {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.is_empty() {
            return Err(Error::Empty);
        }
        if bytes.len() > LIMIT {
            return Err(Error::TooLong { len: bytes.len(), limit: LIMIT });
        }
        let mut reader = Reader::new(bytes);
        let generation = reader.number()?;
        let attributes = attributes(&mut reader, value)?;
        Ok(Self { generation, attributes })
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, attribute: Attribute) -> Option<&Value> {
        self.attributes.get(&attribute)
    }

    /// A number.
    ///
    /// # Errors
    /// `Incomplete` if there is no such attribute, `WrongForm` if it is no number.
    pub fn number(&self, attribute: Attribute) -> Result<u64, Error> {
        match self.get(attribute) {
            Some(Value::Number(number)) => Ok(*number),
            Some(_) => Err(Error::WrongForm { attribute, expected: "a number" }),
            None => Err(Error::Incomplete(attribute)),
        }
    }

    /// A flag.
    ///
    /// # Errors
    /// `Incomplete` if there is no such attribute, `WrongForm` if it is no flag.
    pub fn flag(&self, attribute: Attribute) -> Result<bool, Error> {
        match self.get(attribute) {
            Some(Value::Flag(flag)) => Ok(*flag),
            Some(_) => Err(Error::WrongForm { attribute, expected: "a flag" }),
            None => Err(Error::Incomplete(attribute)),
        }
    }

    /// Bytes, as they stand in the file.
    ///
    /// # Errors
    /// `Incomplete` if there is no such attribute, `WrongForm` if it is no byte string.
    pub fn bytes(&self, attribute: Attribute) -> Result<&[u8], Error> {
        match self.get(attribute) {
            Some(Value::Bytes(bytes)) => Ok(bytes.as_bytes()),
            Some(_) => Err(Error::WrongForm { attribute, expected: "a byte string" }),
            None => Err(Error::Incomplete(attribute)),
        }
    }

    /// `CKA_CLASS`
    ///
    /// # Errors
    /// As [`Stored::number`].
    pub fn class(&self) -> Result<Class, Error> {
        self.number(Attribute::CLASS).map(Class::of)
    }

    /// Whether all is there that every release writes for an object of its class.
    ///
    /// # Errors
    /// `Incomplete` names what is not.
    pub fn check_complete(&self) -> Result<(), Error> {
        let last = self.class()?.last();
        self.flag(Attribute::TOKEN)?;
        self.flag(Attribute::PRIVATE)?;
        self.bytes(Attribute::LABEL)?;
        self.get(last).map(drop).ok_or(Error::Incomplete(last))
    }

    /// Every attribute, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (Attribute, &Value)> {
        self.attributes.iter().map(|(attribute, value)| (*attribute, value))
    }

    pub(crate) fn into_attributes(self) -> BTreeMap<Attribute, Value> {
        self.attributes
    }
}

type ReadValue = fn(&mut Reader<'_>, Attribute, usize) -> Result<Value, Error>;

/// Attributes to the end of what is read. SoftHSM2 writes them from an ordered map, so that their numbers rise.
fn attributes(reader: &mut Reader<'_>, value: ReadValue) -> Result<BTreeMap<Attribute, Value>, Error> {
    let mut attributes = BTreeMap::new();
    while !reader.is_at_end() {
        let at = reader.at();
        let attribute = Attribute(reader.number()?);
        if attributes.last_key_value().is_some_and(|(last, _)| *last >= attribute) {
            return Err(Error::Damaged { at, what: "the attributes are not in the order of their numbers" });
        }
        if attributes.len() == MAX_ATTRIBUTES {
            return Err(Error::Damaged { at, what: "there are more attributes than an object has" });
        }
        attributes.insert(attribute, value(reader, attribute, at)?);
    }
    Ok(attributes)
}

fn value(reader: &mut Reader<'_>, attribute: Attribute, at: usize) -> Result<Value, Error> {
    let mut ahead = *reader;
    if ahead.number()? != form::MAP {
        return flat_value(reader, attribute, at);
    }
    *reader = ahead;
    let len = reader.length(LIMIT as u64, "a template is longer than any file")?;
    attributes(&mut reader.part(len)?, flat_value).map(Value::Map)
}

fn flat_value(reader: &mut Reader<'_>, attribute: Attribute, at: usize) -> Result<Value, Error> {
    match reader.number()? {
        form::FLAG => flag(reader),
        form::NUMBER => reader.number().map(Value::Number),
        form::BYTES => bytes(reader),
        form::MECHANISMS => mechanisms(reader),
        form => Err(Error::UnknownForm { at, attribute, form }),
    }
}

fn flag(reader: &mut Reader<'_>) -> Result<Value, Error> {
    let at = reader.at();
    match reader.byte()? {
        0 => Ok(Value::Flag(false)),
        1 | 0xff => Ok(Value::Flag(true)),
        _ => Err(Error::Damaged { at, what: "a flag is neither true nor false" }),
    }
}

fn bytes(reader: &mut Reader<'_>) -> Result<Value, Error> {
    let len = reader.length(MAX_VALUE, "a value is longer than any attribute")?;
    Ok(Value::Bytes(Secret::new(reader.take(len)?.to_vec())))
}

fn mechanisms(reader: &mut Reader<'_>) -> Result<Value, Error> {
    let count = reader.length(MAX_MECHANISMS, "a list has more mechanisms than there are")?;
    let mut part = reader.part(count * 8)?;
    let mut list = Vec::new();
    while !part.is_at_end() {
        list.push(part.number()?);
    }
    Ok(Value::Mechanisms(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u64) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    /// A file of these attributes.
    fn file(attributes: &[(Attribute, u64, Vec<u8>)]) -> Vec<u8> {
        let mut file = number(7);
        for (attribute, form, value) in attributes {
            file.extend([number(attribute.0), number(*form), value.clone()].concat());
        }
        file
    }

    fn key() -> Vec<u8> {
        file(&[
            (Attribute::CLASS, form::NUMBER, number(4)),
            (Attribute::TOKEN, form::FLAG, vec![0xff]),
            (Attribute::PRIVATE, form::FLAG, vec![0]),
            (Attribute::LABEL, form::BYTES, [number(2), b"ab".to_vec()].concat()),
            (
                Attribute::UNWRAP_TEMPLATE,
                form::MAP,
                [number(17), number(Attribute::TOKEN.0), number(form::FLAG), vec![0xff]].concat(),
            ),
            (Attribute::ALLOWED_MECHANISMS, form::MECHANISMS, [number(1), number(0x250)].concat()),
        ])
    }

    #[test]
    fn every_form_of_value_is_read() {
        let stored = Stored::read(&key()).unwrap();
        assert_eq!((stored.generation, stored.class()), (7, Ok(Class::SecretKey)));
        assert_eq!(stored.flag(Attribute::TOKEN), Ok(true));
        assert_eq!(stored.flag(Attribute::PRIVATE), Ok(false));
        assert_eq!(stored.bytes(Attribute::LABEL), Ok(&b"ab"[..]));
        let map = [(Attribute::TOKEN, Value::Flag(true))].into();
        assert_eq!(stored.get(Attribute::UNWRAP_TEMPLATE), Some(&Value::Map(map)));
        assert_eq!(stored.get(Attribute::ALLOWED_MECHANISMS), Some(&Value::Mechanisms(vec![0x250])));
        stored.check_complete().unwrap();
    }

    #[test]
    fn a_file_cut_off_anywhere_is_refused_or_known_to_be_incomplete() {
        let whole = key();
        // SoftHSM2 before 2.4 wrote no CKA_ALLOWED_MECHANISMS: without it alone, the file is one of those.
        let old = whole.len() - 32;
        for len in (0..whole.len()).filter(|len| *len != old) {
            let read = Stored::read(&whole[..len]).and_then(|stored| stored.check_complete());
            assert!(read.is_err(), "{len} of {} bytes", whole.len());
        }
        Stored::read(&whole[..old]).unwrap().check_complete().unwrap();
    }

    #[test]
    fn what_softhsm2_never_writes_is_refused() {
        let twice =
            file(&[(Attribute::TOKEN, form::FLAG, vec![0xff]), (Attribute::TOKEN, form::FLAG, vec![0])]);
        assert!(matches!(Stored::read(&twice), Err(Error::Damaged { at: 25, .. })));
        let flag = file(&[(Attribute::TOKEN, form::FLAG, vec![2])]);
        assert!(matches!(Stored::read(&flag), Err(Error::Damaged { at: 24, .. })));
        let newer = file(&[(Attribute::TOKEN, 6, vec![0xff])]);
        assert_eq!(
            Stored::read(&newer),
            Err(Error::UnknownForm { at: 8, attribute: Attribute::TOKEN, form: 6 })
        );
        let nested = file(&[(
            Attribute::UNWRAP_TEMPLATE,
            form::MAP,
            [number(24), number(Attribute::WRAP_TEMPLATE.0), number(form::MAP), number(0)].concat(),
        )]);
        assert!(matches!(Stored::read(&nested), Err(Error::UnknownForm { form: form::MAP, .. })));
    }

    #[test]
    fn a_length_beyond_the_file_makes_no_room_for_itself() {
        for len in [3, 1 << 19, MAX_VALUE + 1, u64::MAX] {
            let long = file(&[(Attribute::LABEL, form::BYTES, [number(len), b"ab".to_vec()].concat())]);
            assert!(Stored::read(&long).is_err(), "{len}");
        }
        let long = file(&[(Attribute::ALLOWED_MECHANISMS, form::MECHANISMS, number(u64::MAX / 8 + 1))]);
        assert!(Stored::read(&long).is_err());
        assert!(matches!(Stored::read(&vec![0; LIMIT + 1]), Err(Error::TooLong { .. })));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_whatever_upset_the_reader(bytes in proptest::collection::vec(0u8..=255, 0..400)) {
            let _ = Stored::read(&bytes);
        }

        #[test]
        fn no_change_of_a_byte_upsets_the_reader(at in 0usize..200, byte in 0u8..=255) {
            let mut file = key();
            let at = at % file.len();
            file[at] = byte;
            let _ = Stored::read(&file).and_then(|stored| stored.check_complete());
        }
    }
}
