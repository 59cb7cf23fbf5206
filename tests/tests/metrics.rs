//! Metrics and `hsm-admin top` of a daemon that works.

use std::fs;
use std::path::Path;
use std::process::Command;

use tests::{Hsm, Place, Run, needs};

/// A daemon that offers metrics on a free port, and the address of the endpoint.
fn with_metrics() -> (Hsm, String) {
    let mut hsm = Hsm::start();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = hsm.path("claviger/hsmd.toml");
    let mut text = fs::read_to_string(&config).unwrap();
    text.push_str(&format!("\n[metrics]\nlisten = \"{free}\"\n"));
    fs::write(config, text).unwrap();
    hsm.kill_and_start_again();
    (hsm, format!("http://{free}"))
}

fn scrape(address: &str, page: &str) -> Run {
    Run::of(Command::new("curl").args(["-sS", "-f"]).arg(format!("{address}{page}"))).succeeds()
}

/// The value of a line of the metrics.
fn value(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn what_clients_do_is_counted_by_mechanism_and_outcome() {
    needs!("pkcs11-tool", "curl");
    let (hsm, address) = with_metrics();
    let tool = ["--module", hsm.module(), "--token-label", hsm.label(), "--login", "--pin", hsm.pin()];
    let data = hsm.path("data");
    fs::write(&data, "data").unwrap();
    let tool = |words: &[&str]| hsm.run("pkcs11-tool", tool.iter().chain(words));
    tool(&["--keypairgen", "--key-type", "EC:prime256v1", "--label", "k"]).succeeds().done();
    for _ in 0..3 {
        let signature = hsm.path("signature");
        tool(&[
            "--sign",
            "-m",
            "ECDSA",
            "--label",
            "k",
            "-i",
            &data.to_string_lossy(),
            "-o",
            &signature.to_string_lossy(),
        ])
        .succeeds()
        .done();
    }
    let wrong = ["--module", hsm.module(), "--token-label", hsm.label(), "--login", "--pin", "999999", "-O"];
    hsm.run("pkcs11-tool", wrong).fails().done();

    let metrics = scrape(&address, "/metrics").out();
    let labels = "operation=\"sign\",mechanism=\"CKM_ECDSA\",rv=\"CKR_OK\"";
    let signed =
        metrics.lines().find(|line| line.starts_with("claviger_key_uses_total") && line.contains(labels));
    assert_eq!(signed.and_then(|line| line.rsplit(' ').next()), Some("3"), "{metrics}");
    assert_eq!(value(&metrics, "claviger_calls_total{call=\"C_Sign\",rv=\"CKR_OK\"}"), 3.0);
    assert_eq!(value(&metrics, "claviger_calls_total{call=\"C_Login\",rv=\"CKR_PIN_INCORRECT\"}"), 1.0);
    assert!(
        metrics.lines().any(|line| line.starts_with("claviger_wrong_pins_total") && line.ends_with(" 1"))
    );
    assert_eq!(value(&metrics, "claviger_sealed"), 0.0);
    assert!(value(&metrics, "claviger_store_commit_duration_seconds_count") >= 2.0);
    for secret in [hsm.pin(), hsm.label()] {
        assert!(!metrics.contains(secret), "{secret} is nobody's business");
    }
    assert_eq!(scrape(&address, "/health").out(), "open\n");

    // The console's view of the same.
    let top = hsm
        .run(
            Path::new(hsm.module()).with_file_name("hsm-admin"),
            ["top", "--interval", "0.2", "--count", "2", "--json"],
        )
        .succeeds()
        .out();
    assert_eq!(top.lines().count(), 2, "{top}");
    assert!(top.lines().all(|line| line.contains(&format!("\"label\":\"{}\"", hsm.label()))), "{top}");
}

#[test]
fn without_configuration_nothing_listens() {
    let place = Place::new("");
    let daemon = place.start();
    let sockets = fs::read_to_string(format!("/proc/{}/net/tcp", daemon.pid())).unwrap();
    // The sockets that are the daemon's own, by their inodes.
    let own: Vec<_> = fs::read_dir(format!("/proc/{}/fd", daemon.pid()))
        .unwrap()
        .filter_map(|file| fs::read_link(file.unwrap().path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    assert!(own.len() >= 2, "the daemon's Unix sockets at least: {own:?}");
    for line in sockets.lines().skip(1) {
        let inode = line.split_whitespace().nth(9).unwrap_or_default();
        assert!(!own.iter().any(|own| own == inode), "{line}");
    }
}
