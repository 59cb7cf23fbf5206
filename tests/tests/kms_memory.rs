//! What the daemon needs of memory for each project.

use std::fs;

use serde_json::{Value, json};
use tests::{Hsm, Rest, not_on_stand_in};

/// The memory of a process that is in use, in KiB.
fn resident(pid: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the daemon runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Makes projects, each with a key, over several connections at once.
fn make(root: &Rest, domain: &str, names: &str) {
    const THREADS: usize = 8;
    const EACH: usize = 5;
    let below = &root.project;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for number in 0..EACH {
                    let name = format!("local-1_{names}{thread}-{number}");
                    let body =
                        json!({ "project": { "name": name, "domain_id": domain, "parent_id": below } });
                    let made = root.signed("POST", "/v3/projects", body.to_string().as_bytes());
                    let made: Value = root.send(&made).expect("an answer").json();
                    let mut project = root.clone();
                    made["project"]["id"].as_str().expect("an id").clone_into(&mut project.project);
                    assert_eq!(project.kms("create-key", &json!({ "key_alias": "first" })).status, 200);
                }
            });
        }
    });
}

#[test]
fn a_project_takes_no_more_memory_than_what_it_holds() {
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no KMS");
    let (root, domain, pid) = (Rest::of(&hsm), hsm.var("DOMAIN_ID"), hsm.var("HSMD_PID"));
    make(&root, domain, "first");
    let before = resident(pid);
    make(&root, domain, "second");
    let grown = resident(pid).saturating_sub(before);
    // Forty projects: a PIN alone is hashed in 19 MiB, which the daemon has since the first one and uses again.
    assert!(grown < 40 * 1024, "{grown} KiB for forty projects");
}
