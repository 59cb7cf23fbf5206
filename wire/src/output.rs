//! Output of variable length: what the caller has room for, and what is answered.

use serde::{Deserialize, Serialize};

use crate::codec::{Malformed, encode};
use crate::{Bytes, Slice};

/// The room a caller offers for output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Room {
    /// No buffer: the caller asks for the length.
    Ask,
    /// A buffer of so many bytes.
    Bytes(u64),
}

/// What is answered to a caller who offered [`Room`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// The output itself.
    Bytes(Bytes),
    /// The caller asked for the length: the output will have at most so many bytes.
    Length(u64),
    /// The buffer is too small: so many bytes are needed.
    TooSmall {
        /// The bytes needed.
        needed: u64,
    },
}

/// An [`Output`] as it lies in its frame: the encoding is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputSlice<'a> {
    /// [`Output::Bytes`]
    #[serde(borrow)]
    Bytes(Slice<'a>),
    /// [`Output::Length`]
    Length(u64),
    /// [`Output::TooSmall`]
    TooSmall {
        /// The bytes needed.
        needed: u64,
    },
}

impl Room {
    /// The answer that leaves the operation open, if `needed` bytes do not fit
    /// (PKCS#11 3.2, "Conventions for functions returning output in a variable-length buffer").
    #[must_use]
    pub fn open_answer(self, needed: u64) -> Option<Output> {
        match self {
            Self::Ask => Some(Output::Length(needed)),
            Self::Bytes(have) if have < needed => Some(Output::TooSmall { needed }),
            Self::Bytes(_) => None,
        }
    }
}

/// The number of [`Output::Bytes`] among the kinds of output, as it is encoded.
const BYTES: u32 = 0;

impl Output {
    /// Appends what stands before the bytes in the encoding of [`Output::Bytes`], if there are so many.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn encode_head(len: usize, to: &mut Vec<u8>) -> Result<(), Malformed> {
        encode(&(BYTES, len), to)
    }
}

impl<'a> OutputSlice<'a> {
    /// Of an [`OutputSlice::Bytes`] whose encoding has `len` bytes and begins with `start`: how many bytes it has, and
    /// the first of them. None if it is something else, or does not fit together.
    #[must_use]
    pub fn begun(start: &'a [u8], len: usize) -> Option<(usize, &'a [u8])> {
        match postcard::take_from_bytes::<(u32, usize)>(start) {
            Ok(((BYTES, bytes), first)) if len.checked_sub(bytes) == Some(start.len() - first.len()) => {
                Some((bytes, first))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_long_output_is_that_of_its_encoding() {
        for len in [0, 1, 127, 128, 16_383, 16_384, 1 << 20] {
            let bytes = vec![7; len];
            let (mut whole, mut head) = (Vec::new(), Vec::new());
            encode(&Output::Bytes(bytes.as_slice().into()), &mut whole).unwrap();
            Output::encode_head(len, &mut head).unwrap();
            assert_eq!([head, bytes].concat(), whole);
            assert_eq!(OutputSlice::begun(&whole, whole.len()), Some((len, &whole[whole.len() - len..])));
            assert_eq!(OutputSlice::begun(&whole, whole.len() + 1), None);
        }
        let mut other = Vec::new();
        encode(&Output::Length(5), &mut other).unwrap();
        assert_eq!(OutputSlice::begun(&other, other.len()), None);
    }
}
