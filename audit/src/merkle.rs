//! The Merkle tree over the records of a segment (RFC 6962, "Merkle Hash Trees"), with SHA-256.

use crate::{Digest, Error, sha256};

/// A tree that grows, of which only the roots of its full subtrees are kept.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    size: u64,
    /// Roots of full subtrees, the largest first: one for each bit of `size`.
    peaks: Vec<Digest>,
}

impl Tree {
    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    ///
    /// # Errors
    /// `Crypto` if the library fails.
    pub fn push(&mut self, entry: &Digest) -> Result<(), Error> {
        let (mut hash, mut bits) = (leaf(entry)?, self.size);
        while bits & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node(&left, &hash)?;
            bits >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
        Ok(())
    }

    /// The root of all leaves so far.
    ///
    /// # Errors
    /// `Crypto` if the library fails.
    pub fn root(&self) -> Result<Digest, Error> {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return sha256(&[]) };
        peaks.try_fold(*last, |right, left| node(left, &right))
    }
}

/// The hash of a leaf: an entry after the byte 0x00.
pub(crate) fn leaf(entry: &Digest) -> Result<Digest, Error> {
    let mut bytes = [0; 33];
    bytes.iter_mut().skip(1).zip(entry).for_each(|(to, from)| *to = *from);
    sha256(&bytes)
}

/// The hash of two subtrees: both after the byte 0x01.
pub(crate) fn node(left: &Digest, right: &Digest) -> Result<Digest, Error> {
    let mut bytes = [1; 65];
    bytes.iter_mut().skip(1).zip(left.iter().chain(right)).for_each(|(to, from)| *to = *from);
    sha256(&bytes)
}

/// The hashes that, with the leaf at `index`, give the root over `entries`, from the leaf upwards (RFC 6962,
/// "Merkle Audit Paths").
///
/// # Errors
/// `Crypto` if the library fails.
pub fn path(entries: &[Digest], index: usize) -> Result<Vec<Digest>, Error> {
    let mut level = entries.iter().map(leaf).collect::<Result<Vec<_>, _>>()?;
    let (mut at, mut path) = (index, Vec::new());
    // Level by level: a node without a sibling moves up as it is, which makes RFC 6962's split at powers of two.
    while level.len() > 1 {
        path.extend(level.get(at ^ 1));
        at /= 2;
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node(left, right),
                [one, ..] => Ok(*one),
                [] => Err(Error::Malformed("an empty pair")),
            })
            .collect::<Result<_, _>>()?;
    }
    Ok(path)
}

/// The root that `path` leads to from `entry` at `index` of `size` (RFC 9162, "Verifying an Inclusion Proof").
///
/// # Errors
/// `Malformed` if the path is too long or too short for the place.
pub fn climb(entry: &Digest, index: u64, size: u64, path: &[Digest]) -> Result<Digest, Error> {
    const WRONG: Error = Error::Malformed("the path does not fit the size of the tree");
    if index >= size {
        return Err(WRONG);
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = leaf(entry)?;
    for sibling in path {
        if last == 0 {
            return Err(WRONG);
        }
        if at & 1 == 1 || at == last {
            hash = node(sibling, &hash)?;
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling)?;
        }
        at >>= 1;
        last >>= 1;
    }
    if last == 0 { Ok(hash) } else { Err(WRONG) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: u8) -> Vec<Digest> {
        (0..count).map(|n| [n; 32]).collect()
    }

    /// The definition of RFC 6962, word for word, by another library's SHA-256.
    fn definition(entries: &[Digest]) -> Digest {
        use sha2::Digest as _;
        let hash = |parts: &[&[u8]]| sha2::Sha256::digest(parts.concat()).into();
        match entries {
            [] => hash(&[]),
            [one] => hash(&[&[0], one]),
            many => {
                let k = many.len().next_power_of_two() / 2;
                hash(&[&[1], &definition(&many[..k]), &definition(&many[k..])])
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_definition_at_every_size() {
        let mut tree = Tree::default();
        for count in 0..70 {
            assert_eq!(tree.root().unwrap(), definition(&entries(count)), "{count}");
            tree.push(&[count; 32]).unwrap();
        }
        assert_eq!(tree.size(), 70);
    }

    #[test]
    fn every_path_leads_to_the_root_and_no_other_place_does() {
        for count in 1..20 {
            let all = entries(count);
            for index in 0..count {
                let path = path(&all, index.into()).unwrap();
                let climb = |entry: &Digest, index: u8| climb(entry, index.into(), count.into(), &path);
                assert_eq!(climb(&all[usize::from(index)], index).unwrap(), definition(&all));
                assert_ne!(climb(&[99; 32], index).ok(), Some(definition(&all)));
                for other in (0..count).filter(|other| *other != index) {
                    assert_ne!(climb(&all[usize::from(index)], other).ok(), Some(definition(&all)));
                }
            }
        }
        assert!(climb(&[0; 32], 1, 1, &[]).is_err());
        assert!(climb(&[0; 32], 0, 1, &[[0; 32]]).is_err());
        assert!(climb(&[0; 32], 0, 2, &[]).is_err());
    }
}
