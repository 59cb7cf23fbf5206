//! A disk of a test's own, which can be full, or read-only.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::Run;

/// A file system of its own in memory; unmounted when dropped.
pub struct Disk(TempDir);

impl Disk {
    /// None, with a printed reason, where this process may not mount.
    ///
    /// # Panics
    /// If there is no temporary directory.
    #[must_use]
    pub fn of(megabytes: usize) -> Option<Self> {
        let dir = TempDir::with_prefix("claviger-disk-").expect("a temporary directory");
        let size = format!("size={megabytes}m,mode=700");
        let mounted =
            Run::of(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()));
        if !mounted.succeeded() {
            println!("skipped: a file system cannot be mounted here, which needs root: {}", mounted.text());
            return None;
        }
        Some(Self(dir))
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Mounts it otherwise, such as `ro` or `size=64m`.
    ///
    /// # Panics
    /// If it cannot be.
    pub fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        Run::of(Command::new("mount").args(["-o", &how]).arg(self.path())).succeeds().done();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
