//! What the console asks before passwords are rotated.

use std::process::Command;

use rexpect::session::PtySession;
use tests::{MariaDb, Place, needs};

use super::{Database, FIRST, assert_current_logs_in, host, read, world};

/// `hsm-admin` on a terminal.
fn terminal(place: &Place, line: &str) -> PtySession {
    let mut command = Command::new(place.program("hsm-admin"));
    command.arg("--socket").arg(place.path("admin.sock")).args(line.split(' '));
    rexpect::session::spawn_command(command, Some(20_000)).expect("a terminal")
}

/// Requirement: CSMS-034, CSMS-052
#[test]
fn the_console_asks_before_it_makes_a_clone_and_before_csms_may_rotate() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    let (place, rest) = world();
    let server = MariaDb::start();
    let database = Database::mariadb(&place, &server);
    let _daemon = place.start();
    database.register(&place).succeeds().done();
    let line = "secret host db --database orders --account app --dual";
    let mut asked = terminal(&place, line);
    asked
        .exp_string("\"app_clone\" that may do all that \"app\" may is made in database \"orders\"")
        .unwrap();
    asked.exp_string("CLONE").unwrap();
    asked.send_line("yes").unwrap();
    asked.exp_string("not the word").unwrap();
    for (word, told) in [("no", "not the word"), ("AGREE", "Made secret \"db\"")] {
        let mut asked = terminal(&place, line);
        asked.exp_string("Type the word").unwrap();
        asked.send_line("CLONE").unwrap();
        asked.exp_string("password: ").unwrap();
        asked.send_line(FIRST).unwrap();
        asked.exp_string("AGREE").unwrap();
        let clones = server.command("SELECT COUNT(*) FROM mysql.global_priv WHERE User = 'app_clone'");
        assert_eq!(clones, "0\n", "nothing is made before");
        asked.send_line(word).unwrap();
        asked.exp_string(told).unwrap();
    }
    assert_current_logs_in(&rest, &database);
}

/// Requirement: CSMS-095
#[test]
fn the_console_asks_for_the_word_rotate() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    let (place, rest) = world();
    let server = MariaDb::start();
    let database = Database::mariadb(&place, &server);
    let _daemon = place.start();
    database.register(&place).succeeds().done();
    host(&place, "--every 1d").succeeds().says("rotated every 1d").done();
    place.admin("secret rotate db").fails().says("--yes").done();
    let mut asked = terminal(&place, "secret rotate db");
    asked.exp_string("ROTATE").unwrap();
    asked.send_line("rotate").unwrap();
    asked.exp_string("not the word").unwrap();
    assert_eq!(read(&rest, "SYSCURRENT").unwrap(), ["app", FIRST]);
    let mut asked = terminal(&place, "secret rotate db");
    asked.exp_string("ROTATE").unwrap();
    asked.send_line("ROTATE").unwrap();
    asked.exp_string("version v2 is current").unwrap();
    assert_current_logs_in(&rest, &database);
    place.admin("secret rotate db --every 400d").fails().says("8760h").done();
    place.admin("secret rotate db --every 12h").succeeds().says("every 12h").done();
    place.admin("secret show db").succeeds().says("every 12h, with one account").says("next rotation").done();
    place.admin("secret rotate db --off").succeeds().says("not rotated by itself").done();
    place.admin("secret show db").succeeds().says("when somebody asks for it, with one account").done();
    place.admin("secret rotate db --every 5h").fails().says("6h").done();
}

#[test]
fn an_administrator_with_another_password_is_told_to_the_hsm_and_secrets_stay() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    let (place, rest) = world();
    let server = MariaDb::start();
    let database = Database::mariadb(&place, &server);
    let _daemon = place.start();
    database.register(&place).succeeds().done();
    host(&place, "").succeeds().done();
    server.command(&format!(
        "CREATE USER dba@'%' IDENTIFIED BY '{OTHER}'; GRANT ALL ON *.* TO dba@'%' WITH GRANT OPTION"
    ));
    let file = place.path("other-password");
    std::fs::write(&file, OTHER).unwrap();
    let set =
        |more: &str| place.admin(&format!("database set orders --password-file {} {more}", file.display()));
    set("").fails().says("check both").done();
    server.command(&format!("ALTER USER '{}'@'%' IDENTIFIED BY '{OTHER}'", database.admin[0]));
    place.admin("secret rotate db --yes").fails().done();
    // What to do is told in full.
    place
        .admin("secret rotations db --failed")
        .succeeds()
        .says("check both, and the hosts it may come from")
        .done();
    set("").succeeds().done();
    place.admin("secret rotate db --yes").succeeds().done();
    set("--admin dba --ca /etc/hostname").fails().says("certificate").done();
    set("--admin dba").succeeds().says("Account \"dba\" sets passwords").done();
    server.command(&format!("DROP USER '{}'@'%'", database.admin[0]));
    place.admin("database list").succeeds().says("dba").done();
    let traces = place.admin("trace list --json").succeeds().never_says(OTHER).out();
    for name in ["addDatabase", "updateDatabase"] {
        assert!(traces.contains(name), "{name}: {traces}");
    }
    place.admin("secret rotate db --yes").succeeds().done();
    assert_current_logs_in(&rest, &database);
    let own =
        format!("secret host own --database orders --account dba --yes --password-file {}", file.display());
    place.admin(&own).fails().says("sets passwords there").done();
}

/// The password of the other administrator.
const OTHER: &str = "Other-password-1";
