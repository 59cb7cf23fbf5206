//! Buckets: folders of `[transfer] folder`, each within that of its account, so that accounts neither share nor see them.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use dew::cts::{Outside, bucket_fault};
use dew::iam::AccountId;
use flate2::Compression;
use flate2::write::GzEncoder;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};

use crate::audit::replace_durably;

/// The most buckets of an account.
const MOST: usize = 100;

/// What there is outside of the daemon for traces.
#[derive(Clone, Debug)]
pub(crate) struct Buckets {
    /// The folder with those of the accounts.
    pub(crate) folder: Option<PathBuf>,
    /// Whether records are sent to a receiver of logs.
    pub(crate) forwards: bool,
}

impl Buckets {
    fn path(&self, account: AccountId, bucket: &str) -> Result<PathBuf, String> {
        if let Some(why) = bucket_fault(bucket) {
            return Err(why.to_owned());
        }
        let folder =
            self.folder.as_ref().ok_or("there are no buckets: [transfer] folder in hsmd.toml is not set")?;
        Ok(folder.join(account.to_string()).join(bucket))
    }

    /// Why nothing can be written to a bucket; none if it can.
    pub(super) fn fault_of(&self, account: AccountId, bucket: &str) -> Option<String> {
        match self.path(account, bucket) {
            Err(why) => Some(why),
            Ok(path) if !path.is_dir() => Some(format!("there is no bucket {bucket:?}")),
            Ok(path) => {
                let may =
                    faccessat(AT_FDCWD, &path, AccessFlags::W_OK | AccessFlags::X_OK, AtFlags::AT_EACCESS);
                may.err().map(|errno| format!("bucket {bucket:?} cannot be written to: {}", errno.desc()))
            }
        }
    }

    /// Writes a file whole, or not at all; one that is there is written over.
    pub(super) fn put(
        &self,
        account: AccountId,
        bucket: &str,
        folders: &[String],
        name: &str,
        bytes: &[u8],
    ) -> io::Result<()> {
        let mut at = self.path(account, bucket).map_err(io::Error::other)?;
        for folder in folders {
            at = make_within(&at, folder)?;
        }
        replace_durably(&at, name, bytes)
    }
}

impl Outside for Buckets {
    fn fault(&self, account: AccountId, bucket: &str) -> Option<String> {
        self.fault_of(account, bucket)
    }

    fn make(&self, account: AccountId, bucket: &str) -> Result<(), String> {
        let path = self.path(account, bucket)?;
        let Some(folder) = &self.folder else { return Ok(()) };
        let others = || fs::read_dir(folder.join(account.to_string())).map_or(0, Iterator::count);
        if !path.is_dir() && others() >= MOST {
            return Err(format!("the account has {MOST} buckets, and more are not made for it"));
        }
        let account = make_within(folder, &account.to_string());
        let made = account.and_then(|account| make_within(&account, bucket));
        made.map(drop).map_err(|error| {
            tracing::warn!("a bucket cannot be made in {}: {error}", folder.display());
            format!("bucket {bucket:?} cannot be made: see the log of hsmd")
        })
    }

    fn forwards(&self) -> bool {
        self.forwards
    }
}

/// A file compressed. The same bytes give the same file.
pub(super) fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes)?;
    gzip.finish()
}

/// Makes a folder within another one, if it is not there, durably.
pub(super) fn make_within(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    match DirBuilder::new().mode(0o750).create(&path) {
        Ok(()) => File::open(folder)?.sync_all()?,
        Err(_) if path.is_dir() => {}
        Err(error) => return Err(error),
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::thread;

    use nix::unistd::{Uid, geteuid, setfsuid};
    use tempfile::TempDir;

    use super::*;

    const ACCOUNT: AccountId = AccountId([7; 16]);

    /// Buckets in a folder.
    fn buckets(folder: &TempDir) -> Buckets {
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Buckets { folder: Some(folder.path().to_owned()), forwards: false }
    }

    #[test]
    fn a_bucket_that_cannot_be_written_to_has_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = buckets(&folder);
        assert!(buckets.fault_of(ACCOUNT, "kept").unwrap().contains("no bucket"));
        buckets.make(ACCOUNT, "kept").unwrap();
        assert_eq!(buckets.fault_of(ACCOUNT, "kept"), None);
        let path = buckets.path(ACCOUNT, "kept").unwrap();
        for (mode, may) in [(0o500, false), (0o600, false), (0o700, true)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            // As root this thread alone is somebody else, to whom modes matter.
            let fault = thread::scope(|scope| {
                let look = || {
                    if geteuid().is_root() {
                        let nobody = Uid::from_raw(65534);
                        chown(&path, Some(nobody.as_raw()), None).unwrap();
                        setfsuid(nobody);
                    }
                    buckets.fault_of(ACCOUNT, "kept")
                };
                scope.spawn(look).join().unwrap()
            });
            assert_eq!(fault.is_none(), may, "{mode:o}: {fault:?}");
        }
    }

    #[test]
    fn an_account_has_so_many_buckets_made_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = buckets(&folder);
        for number in 0..MOST {
            buckets.make(ACCOUNT, &format!("bucket-{number}")).unwrap();
        }
        assert!(buckets.make(ACCOUNT, "one-more").unwrap_err().contains("100 buckets"));
        buckets.make(ACCOUNT, "bucket-0").unwrap();
        buckets.make(AccountId([8; 16]), "one-more").unwrap();
    }
}
