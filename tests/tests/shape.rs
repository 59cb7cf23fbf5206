//! The shape of the repository: what ARCHITECTURE.md says of crates, `unsafe` and files, held by tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates in which no `unsafe` compiles.
const SAFE: &[&str] = &[
    "softhsm",
    "signing",
    "databases",
    "hosts",
    "wire",
    "audit",
    "audit-cli",
    "ukey",
    "backup",
    "hsm",
    "dew",
    "hsmd",
    "hsm-admin",
];

/// Where `unsafe` may stand in what is shipped: around C functions, and around C pointers.
const UNSAFE: &[&str] = &[
    "foreign/src/ffi.rs",
    "crypto/src/ffi.rs",
    "crypto/src/ffi/",
    "pkcs11/src/memory.rs",
    "pkcs11/src/memory/",
    "pkcs11/src/c_api.rs",
    "pkcs11/src/c_api/",
];

/// What is shipped, and the crates of ours that each may depend on.
const DEPENDENCIES: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("crypto", &[]),
    ("softhsm", &["crypto"]),
    ("foreign", &["wire", "crypto"]),
    ("ukey", &["crypto"]),
    ("backup", &["crypto", "ukey"]),
    ("audit", &["crypto"]),
    ("signing", &["crypto"]),
    ("databases", &[]),
    ("hosts", &["crypto"]),
    ("audit-cli", &["audit"]),
    ("hsm", &["wire", "crypto", "ukey", "backup"]),
    ("dew", &["wire", "crypto", "hsm"]),
    ("pkcs11", &["wire"]),
    (
        "hsm-admin",
        &["wire", "crypto", "backup", "softhsm", "foreign", "ukey", "audit", "audit-cli", "signing"],
    ),
    ("hsmd", &["wire", "crypto", "ukey", "backup", "hsm", "dew", "databases", "hosts", "audit", "signing"]),
];

/// All that the module that applications load may be built from.
const MODULE: &[&str] = &["wire", "libc", "cryptoki-sys"];

/// The most lines of a file that has no reason to be longer.
const LINES: usize = 500;

/// Such a reason, on a line of its own.
const REASON: &str = "// Long because ";

/// Folders that hold what is made, not what is written.
const MADE: &[&str] = &["target", ".git", "corpus", "artifacts", "node_modules"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file that was written, by its path from the root.
fn files() -> Vec<(String, PathBuf)> {
    let (root, mut found) = (root(), Vec::new());
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let made = MADE.iter().any(|made| entry.file_name() == *made);
            if kind.is_dir() && !made {
                folders.push(path);
            } else if kind.is_file() && !made {
                found.push((path.strip_prefix(&root).unwrap().display().to_string(), path));
            }
        }
    }
    assert!(found.len() > 100, "the repository is not at {}", root.display());
    found
}

fn rust_files() -> impl Iterator<Item = (String, String)> {
    files()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".rs"))
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
}

/// The names in a section such as `[dependencies]` of a crate's manifest.
fn section(crate_name: &str, section: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join(crate_name).join("Cargo.toml")).unwrap();
    let table: toml::Table = manifest.parse().unwrap();
    let names = |table: &toml::Value| table.as_table().unwrap().keys().cloned().collect::<Vec<_>>();
    let plain = table.get(section).map(names);
    let per_target = table.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let per_target = per_target.filter_map(|(_, target)| target.get(section)).flat_map(names);
    plain.into_iter().flatten().chain(per_target).collect()
}

#[test]
fn no_unsafe_compiles_in_the_crates_that_decide() {
    for name in SAFE {
        let roots = ["lib.rs", "main.rs"].map(|file| root().join(name).join("src").join(file));
        let roots: Vec<_> = roots.iter().filter(|path| path.exists()).collect();
        assert!(!roots.is_empty(), "{name} has no root file");
        for path in roots {
            let text = fs::read_to_string(path).unwrap();
            assert!(text.contains("#![forbid(unsafe_code)]"), "{} does not forbid unsafe", path.display());
        }
    }
}

#[test]
fn unsafe_stands_only_around_c_functions_and_c_pointers() {
    let shipped = |name: &str| DEPENDENCIES.iter().any(|(c, _)| name.starts_with(&format!("{c}/src/")));
    let allowed = |name: &str| UNSAFE.iter().any(|place| name.starts_with(place));
    let words = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "unsafe trait", "#[unsafe("];
    let mut seen = 0;
    for (name, text) in rust_files().filter(|(name, _)| shipped(name)) {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                assert!(allowed(&name), "{name}:{}: unsafe outside {UNSAFE:?}", number + 1);
                seen += 1;
            }
        }
    }
    assert!(seen > 0, "the test no longer sees any unsafe code");
}

/// Where what is shipped and does no I/O tells the time all the same: a store's notices are waited for.
const CLOCKS: &[&str] = &["hsm/src/store/feed.rs"];

#[test]
fn what_decides_is_handed_the_time_and_does_not_wait() {
    let decides = |name: &str| ["hsm/src/", "dew/src/"].iter().any(|place| name.starts_with(place));
    let is_test = |name: &str| name.ends_with("/tests.rs") || name.contains("/tests/");
    let words = ["Instant::now", "SystemTime::now", "thread::sleep"];
    let mut clocks = BTreeSet::new();
    for (name, text) in rust_files().filter(|(name, _)| decides(name) && !is_test(name)) {
        let shipped = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        if shipped.lines().any(|line| words.iter().any(|word| line.contains(word))) {
            clocks.insert(name);
        }
    }
    assert_eq!(clocks.iter().map(String::as_str).collect::<Vec<_>>(), CLOCKS, "reads a clock, or waits");
}

#[test]
fn arrows_between_crates_point_one_way() {
    for (name, allowed) in DEPENDENCIES {
        let ours: BTreeSet<_> = DEPENDENCIES.iter().map(|(name, _)| (*name).to_owned()).collect();
        let needs: BTreeSet<_> = section(name, "dependencies").intersection(&ours).cloned().collect();
        let allowed: BTreeSet<_> = allowed.iter().map(|&name| name.to_owned()).collect();
        assert!(needs.is_subset(&allowed), "{name} depends on {needs:?}; it may on {allowed:?}");
    }
}

/// The rows of a table of ARCHITECTURE.md, below a heading: its cells.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let below = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading:?}")).1;
    let lines = below.lines().skip_while(|line| !line.starts_with("|-")).skip(1);
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// What stands between backticks.
fn code(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// All crates, those that are not shipped too.
fn crates() -> Vec<String> {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap().iter();
    members.map(|name| name.as_str().unwrap().to_owned()).chain(["fuzz".to_owned()]).collect()
}

#[test]
fn the_table_of_crates_has_each_and_what_it_depends_on() {
    let (crates, rows) = (crates(), table("## Crates"));
    for name in &crates {
        let row = rows.iter().find(|row| code(&row[0]).contains(name));
        let row = row.unwrap_or_else(|| panic!("{name} has no row in the table of crates"));
        let mut needs = section(name, "dependencies");
        needs.retain(|other| crates.contains(other));
        assert_eq!(code(&row[2]), needs, "what {name} depends on, in the table of crates");
    }
    assert_eq!(rows.len(), crates.len(), "the table of crates has one that is not there");
}

#[test]
fn the_table_of_dependencies_says_of_each_what_it_is_for_and_who_has_it() {
    let (crates, rows) = (crates(), table("## Dependencies"));
    for (name, _) in DEPENDENCIES {
        for package in section(name, "dependencies").iter().filter(|package| !crates.contains(package)) {
            let row = rows.iter().find(|row| code(&row[0]).contains(package));
            let row = row.unwrap_or_else(|| panic!("{package}, of {name}, has no row"));
            let everyone = row[1].starts_with("all") || row[1] == "the programs";
            assert!(everyone || code(&row[1]).contains(*name), "{package}: {name} is not in {:?}", row[1]);
        }
    }
    let all: BTreeSet<_> = crates.iter().flat_map(|name| section(name, "dependencies")).collect();
    for package in rows.iter().flat_map(|row| code(&row[0])) {
        assert!(all.contains(&package), "{package} has a row, and nobody depends on it");
    }
}

#[test]
fn the_module_is_built_from_next_to_nothing() {
    let needs = section("pkcs11", "dependencies");
    let allowed = MODULE.iter().map(|&name| name.to_owned()).collect();
    assert!(needs.is_subset(&allowed), "pkcs11 depends on {needs:?}; it may on {allowed:?}");
    assert!(section("pkcs11", "build-dependencies").is_empty());
}

#[test]
fn no_private_key_meets_a_library_with_a_known_timing_leak() {
    for (name, _) in DEPENDENCIES {
        // RUSTSEC-2023-0071, which deny.toml lets pass for the sake of tests.
        assert!(!section(name, "dependencies").contains("rsa"), "{name} depends on the crate rsa");
    }
}

#[test]
fn no_crate_has_features_of_its_own() {
    for (name, _) in DEPENDENCIES {
        assert_eq!(section(name, "features"), BTreeSet::new(), "{name}: policy is configuration");
    }
}

#[test]
fn a_file_is_short_or_says_why_not() {
    for (name, text) in rust_files() {
        let excused = text.lines().any(|line| line.trim_start().starts_with(REASON));
        let lines = text.lines().count();
        assert!(lines <= LINES || excused, "{name} has {lines} lines and no line “{REASON}…”");
    }
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    for (name, text) in rust_files() {
        assert!(text.starts_with("//! "), "{name} does not open with a line of documentation");
    }
}

#[test]
fn no_path_of_the_machine_it_was_written_on_is_left() {
    // In two parts, so that this file does not hold what it looks for.
    let paths = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];
    for (name, path) in files() {
        let Ok(text) = fs::read_to_string(path) else { continue };
        for (number, line) in text.lines().enumerate() {
            let found = paths.iter().find(|path| line.contains(**path));
            assert_eq!(found, None, "{name}:{}: {line}", number + 1);
        }
    }
}
