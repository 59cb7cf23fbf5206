//! What a UKey, or a set of shares, is known by.

use std::fmt;

/// SHA-256 of the key material of a UKey, or of what a set of shares commits to.
///
/// People see the first eight bytes, in groups; programs compare all 32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; Id::LEN]);

impl Id {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// The id of these bytes, as [`Self::as_bytes`] gave them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// All 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The digest of the parts, each with its length before it, under a label of its own.
    pub(crate) fn of(label: &str, parts: &[&[u8]]) -> Result<Self, crate::Error> {
        let mut digest = crypto::hash::Digest::new(crypto::Hash::Sha256)?;
        for part in std::iter::once(&label.as_bytes()).chain(parts) {
            digest.update(&(part.len() as u64).to_be_bytes())?;
            digest.update(part)?;
        }
        let digest = digest.finish()?;
        digest.try_into().map(Self).map_err(|_| crypto::Error::Failed("a digest of another length").into())
    }
}

impl fmt::Display for Id {
    /// Sixteen digits in groups of four: `1a2b-3c4d-5e6f-7081`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, pair) in self.0.chunks(2).take(4).enumerate() {
            if number > 0 {
                f.write_str("-")?;
            }
            for byte in pair {
                write!(f, "{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_sixteen_digits_in_four_groups() {
        let id = Id::from_bytes(std::array::from_fn(|at| u8::try_from(at * 17 % 256).unwrap()));
        assert_eq!(id.to_string(), "0011-2233-4455-6677");
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(Id::of("x", &[b"ab", b"c"]).unwrap(), Id::of("x", &[b"a", b"bc"]).unwrap());
        assert_ne!(Id::of("x", &[b"ab"]).unwrap(), Id::of("y", &[b"ab"]).unwrap());
    }
}
