//! Prints the table of mechanisms that README.md has, from the rows that the HSM runs on.
//!
//! Mechanisms with the same key sizes and uses share a line. `scripts/readme-tables` calls it.

use hsm::mechanism::{Mechanism, Mechanisms};

fn main() {
    println!("| mechanisms | key sizes | may |\n|---|---|---|");
    let all = Mechanisms::standard();
    let mut lines: Vec<(String, String, Vec<&str>)> = Vec::new();
    for row in all.iter() {
        let (sizes, uses) = (sizes(row), uses(row).join(", "));
        match lines.iter_mut().find(|line| line.0 == sizes && line.1 == uses) {
            Some(line) => line.2.push(row.name),
            None => lines.push((sizes, uses, vec![row.name])),
        }
    }
    for (sizes, uses, names) in lines {
        println!("| `{}` | {sizes} | {uses} |", names.join("` `"));
    }
}

/// As `C_GetMechanismInfo` tells them: bits or bytes, as the standard has it for the mechanism.
fn sizes(row: &Mechanism) -> String {
    let info = row.info();
    match (info.min_key_size, info.max_key_size) {
        (0, 0) => String::new(),
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least} to {most}"),
    }
}

fn uses(row: &Mechanism) -> Vec<&'static str> {
    [
        (row.generate.is_some(), "generate"),
        (row.generate_pair.is_some(), "generate a pair"),
        (row.sign.is_some(), "sign"),
        (row.verify.is_some(), "verify"),
        (row.sign_recover.is_some(), "sign with recovery"),
        (row.verify_recover.is_some(), "verify with recovery"),
        (row.encrypt.is_some(), "encrypt"),
        (row.decrypt.is_some(), "decrypt"),
        (row.wrap.is_some(), "wrap"),
        (row.unwrap.is_some(), "unwrap"),
        (row.derive.is_some(), "derive"),
        (row.digest.is_some(), "digest"),
    ]
    .into_iter()
    .filter_map(|(can, word)| can.then_some(word))
    .collect()
}
