//! Files that a person names: read whole, up to a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Error;

/// The longest file of keys or certificates that is read, in bytes.
pub(crate) const LIMIT: u64 = 4 << 20;

/// The bytes of a file, wiped when they are no longer needed.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    whole(path).map_err(|cause| Error::File { path: path.to_owned(), why: cause.to_string() })
}

/// As [`read`], with the bare cause of a failure.
pub(crate) fn whole(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    let about = std::fs::metadata(path)?;
    if !about.is_file() {
        return refuse("it is no file");
    }
    if about.len() > LIMIT {
        return refuse("it is longer than a file of keys can be");
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default() + 1));
    File::open(path)?.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}
