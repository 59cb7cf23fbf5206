//! Keys that let an account in: the lines in its `~/.ssh/authorized_keys` that are from here, and no others.
//!
//! The file is read and written as the account itself, never as root: it is in a directory in which the account may put
//! what it likes, links too. What is new is decided here; the host's part is two fixed scripts of one line each.

use crypto::Hash;

use crate::admin::Admin;
use crate::fault::told;
use crate::keys::private_key;
use crate::session::Output;
use crate::{Account, Fault, Host};

/// The comment by which lines from here are known.
const COMMENT: &str = "claviger-rotated";

/// How often it is tried where somebody else writes the file meanwhile.
const TRIES: usize = 3;

/// The shell that runs the scripts, as sudoers must have it in full; it is run by its name, which sudo finds.
const SHELL: &str = "/usr/bin/sh";

/// Around what is in the file, as the administrator's shell may print something before.
const BEGIN: &[u8] = b"claviger-begin\n";
const END: &[u8] = b"claviger-end\n";

/// Prints the file of the account `NAME`. Neither quote, backslash, newline nor exclamation mark is in it, so that
/// between single quotes it means the same to every shell that an administrator may have.
const READ: &str = "cd ~NAME || exit 70; f=.ssh/authorized_keys; \
    test -L .ssh && exit 71; test -L $f && exit 71; echo claviger-begin; \
    if test -e $f; then test -f $f || exit 72; cat $f || exit 73; fi; echo claviger-end";

/// Puts its input in place of the file, whole or not at all: only if all of it came (`AFTER`), and if nobody else has
/// changed the file since (`BEFORE`).
const WRITE: &str = "umask 077; cd ~NAME || exit 70; f=.ssh/authorized_keys; \
    test -d .ssh || mkdir .ssh || exit 74; \
    test -L .ssh && exit 71; test -L $f && exit 71; test -d $f && exit 72; \
    t=$(mktemp .ssh/.claviger.XXXXXX) || exit 74; \
    trap \"rm -f $t\" EXIT; trap \"exit 74\" HUP INT TERM; \
    cat > $t || exit 74; h=$(sha256sum < $t); test ${h%% *} = AFTER || exit 74; sync $t || exit 74; \
    if test -e $f; then h=$(sha256sum < $f); else h=$(sha256sum < /dev/null); fi; \
    test ${h%% *} = BEFORE || exit 75; \
    mv -f $t $f || exit 74; sync .ssh || exit 74";

/// What the scripts end with if somebody else changed the file.
const CHANGED: u32 = 75;

pub(crate) async fn set(host: &Host, admin: &Account<'_>, name: &str, pem: &str) -> Result<(), Fault> {
    let key = private_key(pem).map_err(Fault::Refused)?;
    let mut key = key.public_key().clone();
    key.set_comment(COMMENT);
    let line = key.to_openssh().map_err(|error| Fault::Refused(told(&error.to_string())))?;
    let admin = Admin::open(host, admin).await?;
    admin.find(name).await?;
    for _ in 0..TRIES {
        if put(&admin, name, &line).await? {
            admin.session.close().await;
            return Ok(());
        }
    }
    Err(Fault::Refused(format!("authorized_keys of {name} changes all the time: try again")))
}

/// Puts the line of a key into the file, unless somebody else changed that meanwhile.
async fn put(admin: &Admin<'_>, name: &str, line: &str) -> Result<bool, Fault> {
    let output = run(admin, name, READ, b"").await?;
    if output.status != Some(0) {
        return Err(fault(admin, name, &output));
    }
    let unread = || Fault::Refused(format!("authorized_keys of {name}: {}", told(&output.text())));
    let before = framed(&output.out).ok_or_else(unread)?;
    let Some(after) = rotated(before, line) else { return Ok(true) };
    let script = WRITE.replace("BEFORE", &digest(before)?).replace("AFTER", &digest(&after)?);
    let output = run(admin, name, &script, &after).await?;
    match output.status {
        Some(0) => Ok(true),
        Some(CHANGED) => Ok(false),
        _ => Err(fault(admin, name, &output)),
    }
}

/// Runs a script as the account.
async fn run(admin: &Admin<'_>, name: &str, script: &str, input: &[u8]) -> Result<Output, Fault> {
    let script = script.replace("NAME", name);
    admin.session.run(&admin.as_account(name, &format!("sh -c '{script}'")), input).await
}

/// What the end of a script means.
fn fault(admin: &Admin<'_>, name: &str, output: &Output) -> Fault {
    let what = match output.status {
        Some(70) => "has no home that it may enter",
        Some(71) => "has a link as ~/.ssh or ~/.ssh/authorized_keys, which is not followed: make it no link",
        Some(72) => "has a ~/.ssh/authorized_keys that is no file",
        Some(73) => "may not read its ~/.ssh/authorized_keys",
        Some(74) => "may not write its ~/.ssh/authorized_keys",
        _ => return admin.may_not(output, SHELL, name),
    };
    let said = String::from_utf8_lossy(&output.err);
    Fault::Refused(format!("{name} {what}: {}", told(&said)).trim_end_matches([':', ' ']).to_owned())
}

/// What is between the marks.
fn framed(printed: &[u8]) -> Option<&[u8]> {
    let begin = printed.windows(BEGIN.len()).position(|bytes| bytes == BEGIN)?;
    printed.get(begin + BEGIN.len()..)?.strip_suffix(END)
}

fn digest(bytes: &[u8]) -> Result<String, Fault> {
    let digest = crypto::hash::digest(Hash::Sha256, bytes);
    let digest = digest.map_err(|error| Fault::Refused(error.to_string()))?;
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What the file becomes with this line: it is the last of ours, and of those before only the newest stays. None if
/// that is so. The lines of others stay as they are.
fn rotated(file: &[u8], line: &str) -> Option<Vec<u8>> {
    let key = key_from_here(line.as_bytes())?;
    let lines: Vec<_> = file.split_inclusive(|byte| *byte == b'\n').collect();
    let ours: Vec<_> = lines.iter().filter_map(|line| key_from_here(line)).collect();
    let before = ours.iter().rfind(|ours| **ours != key).copied();
    let wanted: Vec<_> = before.into_iter().chain([key]).collect();
    if ours == wanted {
        return None;
    }
    // Where the newest one before stands last, if more than once.
    let kept = lines.iter().rposition(|line| before.is_some() && key_from_here(line) == before);
    let stays = |(at, line): (usize, &&[u8])| key_from_here(line).is_none() || Some(at) == kept;
    let mut after = Vec::with_capacity(file.len() + line.len() + 2);
    for (_, line) in lines.iter().enumerate().filter(|(at, line)| stays((*at, line))) {
        after.extend_from_slice(line);
    }
    if after.last().is_some_and(|byte| *byte != b'\n') {
        after.push(b'\n');
    }
    after.extend_from_slice(line.as_bytes());
    after.push(b'\n');
    Some(after)
}

/// The key in a line whose comment says that it is from here: the word before.
fn key_from_here(line: &[u8]) -> Option<&[u8]> {
    let words: Vec<_> = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [first, ..] if first.starts_with(b"#") => None,
        [.., _, key, comment] if *comment == COMMENT.as_bytes() => Some(key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    fn line(key: u8) -> String {
        format!("ssh-ed25519 KEY{key} {COMMENT}")
    }

    fn set(file: &mut Vec<u8>, key: u8) {
        if let Some(after) = rotated(file, &line(key)) {
            *file = after;
        }
    }

    #[test]
    fn the_key_before_stays_and_the_one_before_that_goes() {
        let mut file = b"ssh-rsa AAAA somebody\r\nno newline \xff\0".to_vec();
        let foreign = "ssh-rsa AAAA somebody\r\nno newline \u{fffd}\0\n";
        for (key, ours) in [(1, vec![1]), (2, vec![1, 2]), (2, vec![1, 2]), (3, vec![2, 3]), (2, vec![3, 2])]
        {
            set(&mut file, key);
            let lines: String = ours.iter().map(|key| line(*key) + "\n").collect();
            assert_eq!(String::from_utf8_lossy(&file), format!("{foreign}{lines}"));
        }
    }

    #[test]
    fn a_line_is_from_here_by_its_comment_alone() {
        let ours = format!("from=\"10.0.0.0/8, 1.1.1.1\" ssh-ed25519 KEY1 {COMMENT} \r\n");
        assert_eq!(key_from_here(ours.as_bytes()), Some(b"KEY1".as_slice()));
        for line in
            ["# ssh-rsa A claviger-rotated", "claviger-rotated", "ssh-rsa A claviger-rotated by me", ""]
        {
            assert_eq!(key_from_here(line.as_bytes()), None, "{line:?}");
        }
    }

    #[test]
    fn what_a_shell_prints_before_is_no_part_of_the_file() {
        assert_eq!(framed(b"Hello!\nclaviger-begin\na\nbclaviger-end\n"), Some(b"a\nb".as_slice()));
        assert_eq!(framed(b"claviger-begin\nclaviger-end\n"), Some(b"".as_slice()));
        assert_eq!(framed(b"claviger-begin\na"), None);
        assert_eq!(framed(b"claviger-end\n"), None);
    }

    #[test]
    fn the_scripts_mean_the_same_to_every_shell() {
        for script in [READ, WRITE] {
            assert!(!script.contains(['\'', '\\', '!', '\n']), "{script}");
        }
    }

    /// Runs a script in a folder that stands for a home.
    fn script(home: &Path, script: &str, input: &[u8]) -> Output {
        let mut shell = Command::new("sh");
        shell.args(["-c", &script.replace("~NAME", &home.display().to_string())]);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        shell.stdin.take().unwrap().write_all(input).unwrap();
        let done = shell.wait_with_output().unwrap();
        let status = done.status.code().map(i32::cast_unsigned);
        Output { status, out: done.stdout, err: done.stderr }
    }

    #[test]
    fn the_file_is_replaced_whole_and_as_it_was_seen_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(".ssh/authorized_keys");
        let write = |before: &[u8], after: &[u8]| {
            WRITE.replace("BEFORE", &digest(before).unwrap()).replace("AFTER", &digest(after).unwrap())
        };
        assert_eq!(framed(&script(home.path(), READ, b"").out), Some(b"".as_slice()));
        assert_eq!(script(home.path(), &write(b"", b"one\xff"), b"one\xff").status, Some(0));
        assert_eq!(framed(&script(home.path(), READ, b"").out), Some(b"one\xff".as_slice()));
        // The connection ended before all of it came; somebody else was faster.
        assert_eq!(script(home.path(), &write(b"one\xff", b"one two"), b"one").status, Some(74));
        assert_eq!(script(home.path(), &write(b"", b"two"), b"two").status, Some(CHANGED));
        assert_eq!(std::fs::read(&file).unwrap(), b"one\xff");
        let names = std::fs::read_dir(file.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "something is left beside the file");
    }

    proptest! {
        /// Whatever is in the file, it ends with the key, has at most one of ours before, and all that others wrote.
        #[test]
        fn lines_of_others_stay_as_they_are(
            pieces in prop::collection::vec(
                prop_oneof![
                    (0u8..4).prop_map(|key| line(key).into_bytes()),
                    Just(b"ssh-rsa AAAA foreign".to_vec()),
                    prop::collection::vec(any::<u8>(), 0..12),
                ],
                0..8,
            ),
            ends in any::<bool>(),
            key in 0u8..4,
        ) {
            let mut file = pieces.join(&b'\n');
            if ends && !file.is_empty() {
                file.push(b'\n');
            }
            let foreign = |file: &[u8]| -> Vec<Vec<u8>> {
                let lines = file.split_inclusive(|byte| *byte == b'\n');
                let foreign = lines.filter(|line| key_from_here(line).is_none());
                foreign.map(|line| line.strip_suffix(b"\n").unwrap_or(line).to_vec()).collect()
            };
            let before = foreign(&file);
            set(&mut file, key);
            prop_assert_eq!(foreign(&file), before);
            let ours: Vec<_> = file.split(|byte| *byte == b'\n').filter_map(key_from_here).collect();
            let name = format!("KEY{key}");
            prop_assert!(ours.len() <= 2 && ours.last() == Some(&name.as_bytes()));
            prop_assert_eq!(rotated(&file, &line(key)), None);
        }
    }
}
