//! The openssl program, as tests of several crates ask it. They include this file by its path.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What openssl answers on these arguments and this input, in a directory, if it succeeds.
pub(crate) fn openssl(place: &Path, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .current_dir(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tests need the openssl program");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then_some(output.stdout)
}

/// r and s of a curve of 256 bits as openssl writes them, a SEQUENCE of two INTEGERs.
pub(crate) fn der_signature(raw: &[u8]) -> Vec<u8> {
    let number = |half: &[u8]| {
        let mut digits: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
        if digits.first().is_none_or(|byte| byte & 0x80 != 0) {
            digits.insert(0, 0);
        }
        [&[2, digits.len() as u8], digits.as_slice()].concat()
    };
    let both = [number(&raw[..32]), number(&raw[32..])].concat();
    [&[0x30, both.len() as u8], both.as_slice()].concat()
}
