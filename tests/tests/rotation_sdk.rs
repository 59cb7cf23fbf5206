//! Rotation by the official SDK: of MariaDB as RDS has it, and as TaurusDB, which speaks alike.

use std::path::Path;

use serde_json::Value;
use tests::{Hsm, MariaDb, Run, huawei_cloud_python, needs, not_on_stand_in};

fn json(run: Run) -> Value {
    serde_json::from_str(&run.succeeds().out()).expect("JSON")
}

fn rotates(engine: &str, kind: &str) {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    let Some(python) = huawei_cloud_python() else { return };
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no CSMS");
    let server = MariaDb::start();
    server.command("CREATE USER app@'%' IDENTIFIED BY 'First-password-1'");
    let hsm_admin = |words: &[&str]| {
        let mut command = hsm.command(Path::new(hsm.module()).with_file_name("hsm-admin"));
        Run::of(command.args(words).current_dir(hsm.path("")))
    };
    let admin = |words: &[&str]| json(hsm_admin(&[words, &["--json"]].concat()));
    hsm.write("ca.pem", server.ca_pem());
    hsm.write("password", MariaDb::ADMIN_PASSWORD);
    let port = server.address().port().to_string();
    let database = admin(&[
        "database",
        "add",
        "orders",
        "--engine",
        engine,
        "--host",
        "localhost",
        "--port",
        &port,
        "--ca",
        "ca.pem",
        "--admin",
        MariaDb::ADMIN,
        "--password-file",
        "password",
    ]);
    // Somebody has to agree to a clone.
    let host = ["secret", "host", "two", "--database", "orders", "--account", "app", "--dual"];
    hsm_admin(&[&host[..], &["--password-file", "password"]].concat()).fails().says("--yes").done();
    let clones = "SELECT COUNT(*) FROM mysql.global_priv WHERE User = 'app_clone'";
    assert_eq!(server.command(clones), "0\n");
    let other = admin(&["account", "create", "other"]);
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let mut script = hsm.command(python);
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    script.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", &scripts);
    script.env("DATABASE_ID", word(&database["id"])).env("SECRET_TYPE", kind);
    script.env("ACCOUNT", "app").env("PASSWORD", "First-password-1");
    for (name, field) in
        [("OTHER_AK", "access_key"), ("OTHER_SK", "secret_key"), ("OTHER_PROJECT_ID", "project_id")]
    {
        script.env(name, word(&other[field]));
    }
    Run::of(script.arg(scripts.join("rotation/rotate.py"))).succeeds().done();
}

/// Requirement: CTS-039, CSMS-001, CSMS-002, CSMS-052, CSMS-093
#[test]
fn a_password_of_rds_is_rotated() {
    rotates("mysql", "RDS-FG");
}

/// Requirement: CSMS-004, CSMS-047
#[test]
fn a_password_of_taurusdb_is_rotated() {
    rotates("taurusdb", "GaussDB-FG");
}
