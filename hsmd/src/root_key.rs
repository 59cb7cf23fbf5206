//! Where the root key comes from: a file, a service credential, or a passphrase.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::RangeInclusive;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params};
use crypto::{Secret, random};
use hsm::vault::RootKey;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::config;

/// The shortest passphrase, in bytes.
const MIN_PASSPHRASE: usize = 8;
const SALT: usize = 16;
/// What a derivation may cost: the file that says so is not sealed. Less would make a stolen store cheap to try
/// passphrases on, if somebody put the file there before the store was made; more would never end.
const MEMORY: RangeInclusive<u32> = 19 << 10..=4 << 20; // KiB
const PASSES: RangeInclusive<u32> = 2..=64;
const LANES: RangeInclusive<u32> = 1..=64;
/// The longest file of a derivation, in bytes.
const MAX_FILE: u64 = 4096;

/// Why there is no root key.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub(crate) enum RootKeyError {
    #[error("the configuration names no root key: expected file, credential or passphrase under [root_key]")]
    None,
    #[error("the root key waits for its passphrase: hsm-admin unseal")]
    Passphrase,
    #[error("root key file {path}: {error}")]
    File { path: PathBuf, error: io::Error },
    #[error("root key file {path} does not exist: hsmd --make-root-key makes one")]
    Missing { path: PathBuf },
    #[error(
        "root key file {path}: its mode is {mode:04o}, expected 0600 or less, since others could read it"
    )]
    Mode { path: PathBuf, mode: u32 },
    #[error("root key file {path} belongs to user {owner}, expected {expected}")]
    Owner { path: PathBuf, owner: u32, expected: u32 },
    #[error("root key file {path}: expected 64 hexadecimal digits or 32 bytes")]
    Form { path: PathBuf },
    #[error(
        "root key credential {0}: $CREDENTIALS_DIRECTORY is not set, expected LoadCredential= in the unit"
    )]
    NoCredentials(String),
    #[error("a passphrase has at least {MIN_PASSPHRASE} bytes")]
    Short,
    #[error("{0}: expected what an earlier unsealing wrote there: {1}")]
    Parameters(PathBuf, String),
    #[error("{0} is missing, and without its salt no passphrase is the right one: put it back")]
    ParametersMissing(PathBuf),
    #[error("the key cannot be derived: {0}")]
    Derive(String),
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}

/// The root key, if it is to be had without anyone's help.
///
/// # Errors
/// Why it is not.
pub(crate) fn obtain(config: &config::RootKey) -> Result<RootKey, RootKeyError> {
    match config {
        config::RootKey { file: Some(path), .. } => from_file(path, true),
        config::RootKey { credential: Some(name), .. } => match std::env::var_os("CREDENTIALS_DIRECTORY") {
            // The service manager sees to who may read it.
            Some(directory) => from_file(&Path::new(&directory).join(name), false),
            None => Err(RootKeyError::NoCredentials(name.clone())),
        },
        config::RootKey { passphrase: true, .. } => Err(RootKeyError::Passphrase),
        _ => Err(RootKeyError::None),
    }
}

fn from_file(path: &Path, guarded: bool) -> Result<RootKey, RootKeyError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => RootKeyError::Missing { path: path.into() },
        _ => RootKeyError::File { path: path.into(), error },
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if guarded {
        let mode = metadata.mode() & 0o7777;
        if mode & 0o177 != 0 {
            return Err(RootKeyError::Mode { path: path.into(), mode });
        }
        let expected = nix::unistd::geteuid().as_raw();
        if metadata.uid() != expected {
            return Err(RootKeyError::Owner { path: path.into(), owner: metadata.uid(), expected });
        }
    }
    // Room for more than any form has, so that the buffer never moves and leaves a copy behind.
    let mut content = Zeroizing::new(Vec::with_capacity(128));
    (&file).take(100).read_to_end(&mut content).map_err(failed)?;
    parse(&content).ok_or_else(|| RootKeyError::Form { path: path.into() })
}

/// 64 hexadecimal digits, with white space around them or not; or 32 bytes.
fn parse(content: &[u8]) -> Option<RootKey> {
    if content.len() == RootKey::LEN {
        return RootKey::new(Secret::new(content.to_vec()));
    }
    let digits = content.trim_ascii();
    if digits.len() != 2 * RootKey::LEN {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut key = Zeroizing::new(Vec::with_capacity(RootKey::LEN));
    for pair in digits.chunks_exact(2) {
        let mut pair = pair.iter().map(digit);
        let (high, low) = (pair.next()??, pair.next()??);
        key.push(u8::try_from(high * 16 + low).ok()?);
    }
    RootKey::new(Secret::new(std::mem::take(&mut *key)))
}

/// Makes a file with a new root key: mode 0600, and never over one that is there.
///
/// # Errors
/// Those of input and output.
pub(crate) fn make_file(path: &Path) -> Result<(), RootKeyError> {
    let key = Zeroizing::new(random::bytes(RootKey::LEN)?);
    let mut text = Zeroizing::new(String::with_capacity(2 * RootKey::LEN + 1));
    for byte in key.iter() {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text.push('\n');
    let failed = |error| RootKeyError::File { path: path.into(), error };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let written =
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| sync_directory(path));
    written.map_err(|error| {
        // Half a key is of no use, and would be in the way of the next try.
        let _ = fs::remove_file(path);
        failed(error)
    })
}

/// Makes a file's name as durable as its content.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// How a passphrase becomes the root key, as it was when the store was made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Derivation {
    /// KiB of memory.
    memory: u32,
    passes: u32,
    lanes: u32,
    /// Hexadecimal.
    salt: String,
}

/// The root key of a passphrase. On the first unsealing of a store that `is_new`, chooses a salt and keeps it
/// beside the store.
///
/// # Errors
/// `Short`; `ParametersMissing` if the store is not new and its salt is gone; else those of input and output.
pub(crate) fn from_passphrase(
    passphrase: &[u8],
    store: &Path,
    is_new: bool,
) -> Result<RootKey, RootKeyError> {
    let path = store.join("passphrase.toml");
    let failed = |error: io::Error| RootKeyError::File { path: path.clone(), error };
    let invalid = |what: String| RootKeyError::Parameters(path.clone(), what);
    let text = match read_text(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_new => {
            if passphrase.len() < MIN_PASSPHRASE {
                return Err(RootKeyError::Short);
            }
            let salt: String = random::bytes(SALT)?.iter().map(|byte| format!("{byte:02x}")).collect();
            let text = format!(
                "# How the passphrase becomes the root key (Argon2id). Without this file the store cannot be opened.\n\
                 memory = 65536\npasses = 3\nlanes = 1\nsalt = \"{salt}\"\n"
            );
            write_whole(&path, &text).map_err(failed)?;
            text
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(RootKeyError::ParametersMissing(path));
        }
        Err(error) => return Err(failed(error)),
    };
    let how: Derivation = toml::from_str(&text).map_err(|error| invalid(error.message().to_owned()))?;
    let salt: Option<Vec<u8>> = (0..how.salt.len())
        .step_by(2)
        .map(|at| how.salt.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    let salt = salt.ok_or_else(|| invalid("the salt is not hexadecimal".into()))?;
    if salt.len() < SALT {
        return Err(invalid(format!("the salt has fewer than {SALT} bytes")));
    }
    for (name, value, range) in
        [("memory", how.memory, MEMORY), ("passes", how.passes, PASSES), ("lanes", how.lanes, LANES)]
    {
        if !range.contains(&value) {
            return Err(invalid(format!("{name} is {value}, not {} to {}", range.start(), range.end())));
        }
    }
    let derive = |error: argon2::Error| RootKeyError::Derive(error.to_string());
    let params = Params::new(how.memory, how.passes, how.lanes, Some(RootKey::LEN)).map_err(derive)?;
    let mut key = Zeroizing::new(vec![0; RootKey::LEN]);
    Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into(passphrase, &salt, &mut key)
        .map_err(derive)?;
    RootKey::new(Secret::new(std::mem::take(&mut *key)))
        .ok_or_else(|| RootKeyError::Derive("a key of a wrong length".into()))
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a file that a crash or a full disk leaves whole or not there.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let half = path.with_extension("new");
    match fs::remove_file(&half) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // A new one: what a crash left, or somebody put there, has another mode or leads elsewhere.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    sync_directory(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    use hsm::store::memory::MemoryStore;
    use hsm::vault::Vault;
    use hsm::vault::anchor::MemoryAnchor;

    use super::*;

    fn obtain_from(path: &Path) -> Result<RootKey, RootKeyError> {
        obtain(&config::RootKey { file: Some(path.into()), ..Default::default() })
    }

    #[test]
    fn a_made_file_is_a_root_key_and_is_never_made_twice() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        assert!(matches!(obtain_from(&path), Err(RootKeyError::Missing { .. })));
        make_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        obtain_from(&path).unwrap();
        let before = fs::read(&path).unwrap();
        make_file(&path).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_key_is_64_digits_or_32_bytes() {
        for good in
            [&[b'a'; 64][..], b"\n 0123456789abcdefABCDEF00000000000000000000000000000000000000000f \n"]
        {
            assert!(parse(good).is_some());
        }
        assert!(parse(&[0xff; 32]).is_some());
        for bad in [&[b'a'; 63][..], &[b'g'; 64], &[0; 33], &[]] {
            assert!(parse(bad).is_none());
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        make_file(&path).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o700] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = obtain_from(&path).unwrap_err().to_string();
            assert!(refused.contains(&format!("{mode:04o}")) && refused.contains("0600"), "{refused}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        obtain_from(&path).unwrap();
    }

    #[test]
    fn without_a_key_it_is_said_what_is_expected() {
        let none = obtain(&config::RootKey::default()).unwrap_err().to_string();
        assert!(none.contains("[root_key]"), "{none}");
        let waits = obtain(&config::RootKey { passphrase: true, ..Default::default() });
        assert!(matches!(waits, Err(RootKeyError::Passphrase)));
    }

    #[test]
    fn a_passphrase_gives_the_same_key_as_long_as_its_salt_is_there() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(from_passphrase(b"short", directory.path(), true), Err(RootKeyError::Short)));
        let of = |passphrase: &[u8], is_new| from_passphrase(passphrase, directory.path(), is_new);
        let (store, anchor) = (Arc::new(MemoryStore::new()), Arc::new(MemoryAnchor::default()));
        let opens = |key: RootKey| Vault::open(store.clone(), anchor.clone(), &key).is_ok();
        assert!(opens(of(b"correct horse", true).unwrap()));
        assert!(opens(of(b"correct horse", false).unwrap()));
        assert!(!opens(of(b"wrong horse", false).unwrap()));
        fs::remove_file(directory.path().join("passphrase.toml")).unwrap();
        assert!(matches!(of(b"correct horse", false), Err(RootKeyError::ParametersMissing(_))));
        assert!(!opens(of(b"correct horse", true).unwrap()), "another salt is another key");
    }
    #[test]
    fn a_derivation_that_costs_too_little_or_too_much_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passphrase.toml");
        let salt = "00".repeat(SALT);
        let refused = |memory: u32, passes: u32, lanes: u32, salt: &str| {
            let text = format!("memory = {memory}\npasses = {passes}\nlanes = {lanes}\nsalt = \"{salt}\"\n");
            fs::write(&path, text).unwrap();
            // Also for a store that is new: somebody may have put the file there.
            matches!(
                from_passphrase(b"correct horse", directory.path(), true),
                Err(RootKeyError::Parameters(..))
            )
        };
        assert!(refused(8, 3, 1, &salt), "tries would cost nothing");
        assert!(refused(65536, 1, 1, &salt));
        assert!(refused(u32::MAX, 3, 1, &salt), "it would take all memory");
        assert!(refused(65536, u32::MAX, 1, &salt), "it would never end");
        assert!(refused(65536, 3, 1 << 20, &salt));
        assert!(refused(65536, 3, 1, "00"));
        assert!(!refused(65536, 2, 1, &salt));
    }

    #[test]
    fn a_salt_is_there_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let (path, half) =
            (directory.path().join("passphrase.toml"), directory.path().join("passphrase.new"));
        fs::create_dir(&half).unwrap(); // as a full disk would, keeps it from being written
        assert!(matches!(
            from_passphrase(b"correct horse", directory.path(), true),
            Err(RootKeyError::File { .. })
        ));
        assert!(!path.exists());
        fs::remove_dir(&half).unwrap();
        fs::write(&half, "half of what a crash left").unwrap();
        from_passphrase(b"correct horse", directory.path(), true).unwrap();
        assert!(path.exists() && !half.exists());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
}
