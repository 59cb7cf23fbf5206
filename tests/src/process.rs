//! What is in the memory of a process.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};

/// In how many places of a process's writable memory each of these stands.
///
/// # Panics
/// If the memory cannot be read.
#[must_use]
pub fn places(pid: u32, secrets: &[(&str, Vec<u8>)]) -> Vec<(String, usize)> {
    let memory = File::open(format!("/proc/{pid}/mem")).expect("root reads any memory");
    let mut found: Vec<_> = secrets.iter().map(|(name, _)| ((*name).to_owned(), 0)).collect();
    for line in fs::read_to_string(format!("/proc/{pid}/maps")).expect("maps").lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if !rights.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').expect("a range");
        let number = |text| u64::from_str_radix(text, 16).expect("an address");
        let (start, end) = (number(start), number(end));
        const PIECE: u64 = 1 << 20;
        for at in (start..end).step_by(PIECE as usize) {
            // Overlapping, so that nothing is missed at a seam.
            let mut piece = vec![0; (end - at).min(PIECE + 64) as usize];
            let read = memory.read_at(&mut piece, at).unwrap_or_default();
            piece.truncate(read);
            if piece.iter().all(|byte| *byte == 0) {
                continue;
            }
            for ((_, secret), (_, count)) in secrets.iter().zip(&mut found) {
                let first = secret[0];
                *count += piece
                    .windows(secret.len())
                    .filter(|window| window[0] == first && *window == secret.as_slice())
                    .count();
            }
        }
    }
    found
}

/// Whether this is root, who reads the memory of any process.
#[must_use]
pub fn is_root() -> bool {
    fs::metadata("/proc/self").expect("this process").uid() == 0
}
