//! Accounts of real database servers: log-ins, passwords and clones.

use databases::{Account, Engine, Fault, Server, clone_account, drop_account, log_in, set_password};
use tests::{MariaDb, Postgres, needs, postgres};

macro_rules! faults {
    ($call:expr, $kind:ident) => {{
        let found = $call.expect_err("a fault");
        assert!(matches!(found, Fault::$kind(_)), "{found:?}");
        assert!(!found.to_string().contains("Secret-"), "{found}");
    }};
}

// Below the macro, which it uses.
#[path = "databases/redis.rs"]
mod redis;

/// Names with all that ends a name or a text in some statement.
const HOSTILE: &[&str] = &["a'b", "a`b", "a\"b", "a\\", "a\\'b", "`@`%", "a'@'%' -- b", "ünï ☃", "a;DROP b"];

const MARIA: Account<'static> = Account { name: MariaDb::ADMIN, password: MariaDb::ADMIN_PASSWORD };
const POSTGRES: Account<'static> = Account { name: Postgres::ADMIN, password: Postgres::ADMIN_PASSWORD };

fn account<'a>(name: &'a str, password: &'a str) -> Account<'a> {
    Account { name, password }
}

fn maria(server: &MariaDb) -> Server {
    let (address, ca) = (server.address(), server.ca_pem().to_owned());
    Server { engine: Engine::MySql, address, name: MariaDb::NAME.into(), ca, database: None }
}

fn postgresql(server: &Postgres) -> Server {
    let (address, ca) = (server.address(), server.ca_pem().to_owned());
    Server { engine: Engine::PostgreSql, address, name: Postgres::NAME.into(), ca, database: None }
}

#[test]
fn servers_start_for_a_test_and_end_with_it() {
    needs!("mariadbd", "mariadb", "mariadb-install-db", &postgres());
    let (mut maria, mut postgres) = (MariaDb::start(), Postgres::start());
    assert_eq!(maria.command("SELECT @@have_ssl"), "YES\n");
    assert_eq!(postgres.command("SHOW ssl"), "on\n");
    maria.stop();
    postgres.stop();
    for address in [maria.address(), postgres.address()] {
        assert!(std::net::TcpStream::connect(address).is_err(), "{address} still listens");
    }
    // One that has ended starts again, and so does one that runs; what is in it is kept.
    maria.restart();
    postgres.restart();
    maria.command("CREATE DATABASE shop; CREATE USER app IDENTIFIED BY 'Initial-a'");
    postgres.command("CREATE ROLE app LOGIN PASSWORD 'Initial-a'");
    maria.restart();
    postgres.restart();
    log_in(&self::maria(&maria), &account("app", "Initial-a")).unwrap();
    log_in(&postgresql(&postgres), &account("app", "Initial-a")).unwrap();
    assert_eq!(maria.command("SHOW DATABASES LIKE 'shop'"), "shop\n");
}

/// What holds for every server: who it is, who may come in, and what becomes of passwords.
fn keeps_the_contract(server: &Server, admin: &Account<'_>, other_ca: &str) {
    log_in(server, admin).unwrap();
    faults!(log_in(server, &account(admin.name, "Secret-wrong")), Login);
    faults!(log_in(server, &account("nobody", "Secret-wrong")), Login);
    faults!(log_in(&Server { ca: other_ca.into(), ..server.clone() }, admin), Certificate);
    faults!(log_in(&Server { ca: "none".into(), ..server.clone() }, admin), Certificate);
    faults!(log_in(&Server { name: "other.example".into(), ..server.clone() }, admin), Certificate);
    let nowhere = Server { address: tests::free_address(), ..server.clone() };
    faults!(log_in(&nowhere, admin), Unreachable);
    faults!(log_in(&Server { database: Some("not there".into()), ..server.clone() }, admin), Refused);

    faults!(set_password(server, admin, &account("nobody", "Secret-1")), NoAccount);
    faults!(clone_account(server, admin, "nobody", &account("c", "Secret-1")), NoAccount);
    drop_account(server, admin, "nobody").unwrap();

    log_in(server, &account("app", "Initial-old")).unwrap();
    let passwords = [r"Secret-new'", r#"Secret-\'"`ü"#];
    for password in passwords {
        set_password(server, admin, &account("app", password)).unwrap();
        log_in(server, &account("app", password)).unwrap();
        faults!(log_in(server, &account("app", "Initial-old")), Login);
    }
    faults!(set_password(server, &account("app", passwords[1]), &account(admin.name, "Secret-x")), Refused);
    log_in(server, admin).unwrap();
}

#[test]
fn a_mariadb_lets_in_and_changes_passwords() {
    needs!("mariadbd", "mariadb", "mariadb-install-db");
    let (server, other) = (MariaDb::start(), MariaDb::start_without_tls());
    server.command(
        "CREATE USER app@'%' IDENTIFIED BY 'Initial-old', app@localhost IDENTIFIED BY 'Initial-old'",
    );
    keeps_the_contract(&maria(&server), &MARIA, other.ca_pem());
    faults!(log_in(&maria(&other), &MARIA), Certificate);
    let hashes = "SELECT COUNT(DISTINCT authentication_string) FROM mysql.user WHERE User = 'app'";
    assert_eq!(server.command(hashes), "1\n", "both hosts have the new password");
    // Also an administrator that cannot keep a statement out of the log does not tell it passwords.
    server.command(
        "CREATE USER few@'%' IDENTIFIED BY 'Few-rights'; GRANT CREATE USER ON *.* TO few@'%'; \
         GRANT SELECT, UPDATE ON mysql.* TO few@'%'",
    );
    set_password(&maria(&server), &account("few", "Few-rights"), &account("app", "Secret-few")).unwrap();
    log_in(&maria(&server), &account("app", "Secret-few")).unwrap();
    assert!(!server.log().contains("Secret-"), "{}", server.log());
}

#[test]
fn a_postgresql_lets_in_and_changes_passwords() {
    needs!(&postgres());
    let (server, other) = (Postgres::start(), Postgres::start_without_tls());
    server.command("CREATE ROLE app LOGIN PASSWORD 'Initial-old'");
    keeps_the_contract(&postgresql(&server), &POSTGRES, other.ca_pem());
    faults!(log_in(&postgresql(&other), &POSTGRES), Certificate);
    assert!(!server.log().contains("Secret-"), "{}", server.log());
}

#[test]
fn a_mariadb_clone_may_do_what_the_original_may() {
    needs!("mariadbd", "mariadb", "mariadb-install-db");
    let server = MariaDb::start();
    server.command(
        "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT, `to` INT); CREATE ROLE clerk; GRANT clerk TO administrator WITH ADMIN OPTION; \
         GRANT INSERT ON shop.orders TO clerk; \
         CREATE USER app@'%' IDENTIFIED BY 'Initial-a' REQUIRE SSL WITH MAX_USER_CONNECTIONS 7; \
         CREATE USER app@localhost IDENTIFIED BY 'Initial-a'; GRANT SELECT ON shop.* TO app@localhost; \
         GRANT SELECT (id, `to`), UPDATE (`to`) ON shop.orders TO app@'%'; GRANT clerk TO app@'%'; \
         GRANT CREATE VIEW ON shop.* TO app@'%' WITH GRANT OPTION; SET DEFAULT ROLE clerk FOR app@'%'",
    );
    let shown = |name: &str| {
        let lines = ["%", "localhost"].map(|host| {
            let create = server.command(&format!("SHOW CREATE USER `{name}`@`{host}`"));
            create + &server.command(&format!("SHOW GRANTS FOR `{name}`@`{host}`"))
        });
        // The hash of the password alone differs.
        let lines = lines.concat().replace(&format!("`{name}`"), "`X`");
        // In whichever order the server lists columns.
        let mut words: Vec<_> = lines.split([' ', ',', '(', ')', '\n']).map(str::to_owned).collect();
        words.retain(|word| !word.is_empty() && !word.starts_with("'*"));
        words.sort();
        words
    };
    for (name, password) in [("app_clone", "Secret-b"), ("app_clone", "Secret-c"), ("x'\\ü", "Secret-c")] {
        // One that a try left behind, with more than it should have.
        if password == "Secret-c" && name == "app_clone" {
            server.command("GRANT DROP ON shop.* TO app_clone@'%'; CREATE USER app_clone@'10.0.0.1'");
        }
        clone_account(&maria(&server), &MARIA, "app", &account(name, password)).unwrap();
        assert_eq!(shown(name), shown("app"));
        log_in(&maria(&server), &account(name, password)).unwrap();
    }
    assert_eq!(server.command("SELECT COUNT(*) FROM mysql.user WHERE User = 'app_clone'"), "2\n");
    assert!(!server.log().contains("Secret-"), "{}", server.log());
    drop_account(&maria(&server), &MARIA, "app_clone").unwrap();
    faults!(set_password(&maria(&server), &MARIA, &account("app_clone", "Secret-d")), NoAccount);
    faults!(log_in(&maria(&server), &account("app_clone", "Secret-c")), Login);
}

#[test]
fn accounts_of_mariadb_that_log_in_by_ed25519_are_as_others() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    let server = MariaDb::start();
    server.command(
        "INSTALL SONAME 'auth_ed25519'; CREATE USER app@'%' IDENTIFIED VIA ed25519 USING PASSWORD('First-1')",
    );
    let (here, admin) = (maria(&server), MARIA);
    log_in(&here, &account("app", "First-1")).unwrap();
    assert!(matches!(log_in(&here, &account("app", "Other-1")), Err(Fault::Login(_))));
    clone_account(&here, &admin, "app", &account("app_clone", "Clone-1")).unwrap();
    for name in ["app", "app_clone"] {
        set_password(&here, &admin, &account(name, "Second-1")).unwrap();
        log_in(&here, &account(name, "Second-1")).unwrap();
        let shown = server.command(&format!("SHOW CREATE USER {name}@'%'"));
        assert!(shown.contains("ed25519"), "{shown}");
    }
    assert!(matches!(log_in(&here, &account("app", "First-1")), Err(Fault::Login(_))));
}

#[test]
fn a_mariadb_clone_inserts_where_the_original_may() {
    needs!("mariadbd", "mariadb", "mariadb-install-db");
    let server = MariaDb::start();
    server.command(
        "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT); \
         CREATE USER app@'%' IDENTIFIED BY 'Initial-a', app@localhost IDENTIFIED BY 'Initial-a'; \
         CREATE ROLE clerk; GRANT clerk TO administrator WITH ADMIN OPTION; GRANT INSERT ON shop.orders TO clerk; GRANT clerk TO app@localhost; \
         SET DEFAULT ROLE clerk FOR app@localhost",
    );
    clone_account(&maria(&server), &MARIA, "app", &account("clone", "Secret-b")).unwrap();
    server.command_as("clone", "Secret-b", "INSERT INTO shop.orders VALUES (1)").succeeds().done();
    server.command_as("clone", "Secret-b", "DROP TABLE shop.orders").fails().done();
    assert_eq!(server.command("SELECT * FROM shop.orders"), "1\n");
}

#[test]
fn a_rule_for_passwords_is_told_apart() {
    needs!("mariadbd", "mariadb", "mariadb-install-db", "/usr/lib/mysql/plugin/simple_password_check.so");
    let server = MariaDb::start();
    server.command("CREATE USER app@'%' IDENTIFIED BY 'Initial-old'; INSTALL SONAME 'simple_password_check'");
    faults!(set_password(&maria(&server), &MARIA, &account("app", "weaksecret")), PasswordRule);
    faults!(clone_account(&maria(&server), &MARIA, "app", &account("c", "weaksecret")), PasswordRule);
    log_in(&maria(&server), &account("app", "Initial-old")).unwrap();
    set_password(&maria(&server), &MARIA, &account("app", "Secret-new1")).unwrap();
    clone_account(&maria(&server), &MARIA, "app", &account("c", "Secret-new2")).unwrap();
    log_in(&maria(&server), &account("app", "Secret-new1")).unwrap();
    let log = server.log();
    assert!(!log.contains("Secret-") && !log.contains("weaksecret"), "{log}");
}

#[test]
fn a_postgresql_clone_is_the_original_in_all_it_does() {
    needs!(&postgres());
    let server = Postgres::start();
    for sql in [
        "CREATE ROLE app LOGIN CREATEDB CONNECTION LIMIT 9 PASSWORD 'Initial-a'",
        "CREATE DATABASE shop OWNER app",
    ] {
        server.command(sql);
    }
    server.command_in(
        "shop",
        "CREATE SCHEMA s AUTHORIZATION app; CREATE TABLE s.orders (id int); \
        ALTER TABLE s.orders OWNER TO app; ALTER ROLE app SET search_path = s, \"$user\"; \
        ALTER ROLE app IN DATABASE shop SET work_mem = '3MB'; REVOKE CONNECT ON DATABASE shop FROM public; \
        CREATE ROLE other",
    );
    let shop = Server { database: Some("shop".into()), ..postgresql(&server) };
    for password in ["Secret-b", "Secret-c"] {
        clone_account(&postgresql(&server), &POSTGRES, "app", &account("clone", password)).unwrap();
        log_in(&shop, &account("clone", password)).unwrap();
        // What a try that was cut off may have left.
        server.command(
            "GRANT other TO clone; ALTER ROLE clone CREATEROLE; ALTER ROLE clone SET statement_timeout = 1",
        );
    }
    clone_account(&postgresql(&server), &POSTGRES, "app", &account("clone", "Secret-d")).unwrap();
    let sql = "INSERT INTO orders VALUES (1); CREATE TABLE made (id int); ALTER TABLE orders ADD more int; \
               SELECT current_user, current_setting('search_path'), current_setting('work_mem')";
    let told = server.command_as("clone", "Secret-d", "shop", sql).succeeds().out();
    assert_eq!(told, "app|s, \"$user\"|3MB\n");
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'made'";
    assert_eq!(server.command_in("shop", owner), "app\n");
    let role =
        "SELECT rolcreatedb, rolcreaterole, rolsuper, rolconnlimit FROM pg_roles WHERE rolname = 'clone'";
    assert_eq!(server.command(role), "t|f|f|9\n");
    let groups = "SELECT roleid::regrole FROM pg_auth_members WHERE member = 'clone'::regrole";
    assert_eq!(server.command(groups), "app\n");
    drop_account(&postgresql(&server), &POSTGRES, "clone").unwrap();
    faults!(set_password(&postgresql(&server), &POSTGRES, &account("clone", "Secret-e")), NoAccount);
    // Who owns something is not deleted.
    faults!(drop_account(&postgresql(&server), &POSTGRES, "app"), Refused);
    assert_eq!(server.command_in("shop", "SELECT count(*) FROM s.orders"), "1\n");
}

#[test]
fn a_name_is_never_more_than_a_name() {
    needs!("mariadbd", "mariadb", "mariadb-install-db", &postgres());
    let (one, two) = (MariaDb::start(), Postgres::start());
    one.command("CREATE USER app@'%' IDENTIFIED BY 'Initial-a', b@'%' IDENTIFIED BY 'Initial-a'; CREATE DATABASE shop; GRANT SELECT ON shop.* TO app@'%'");
    two.command("CREATE ROLE app LOGIN PASSWORD 'Initial-a'; CREATE ROLE b LOGIN PASSWORD 'Initial-a'");
    let others = "SELECT User, Host, authentication_string FROM mysql.user ORDER BY 1, 2";
    let roles = "SELECT rolname, rolpassword FROM pg_authid ORDER BY 1";
    let (users, authids) = (one.command(others), two.command(roles));
    for (server, admin) in [(maria(&one), MARIA), (postgresql(&two), POSTGRES)] {
        for name in HOSTILE {
            clone_account(&server, &admin, "app", &account(name, "Secret-1")).unwrap();
            log_in(&server, &account(name, "Secret-1")).unwrap();
            clone_account(&server, &admin, name, &account("third", "Secret-1")).unwrap();
            drop_account(&server, &admin, "third").unwrap();
            set_password(&server, &admin, &account(name, name)).unwrap();
            log_in(&server, &account(name, name)).unwrap();
            drop_account(&server, &admin, name).unwrap();
        }
    }
    assert_eq!(one.command(others), users);
    assert_eq!(two.command(roles), authids);
}

#[test]
fn a_connection_that_is_open_stays_so() {
    needs!("mariadbd", "mariadb", "mariadb-install-db", &postgres());
    let (one, two) = (MariaDb::start(), Postgres::start());
    one.command("CREATE USER app@'%' IDENTIFIED BY 'Initial-a', app@localhost IDENTIFIED BY 'Initial-a'");
    two.command("CREATE ROLE app LOGIN PASSWORD 'Initial-a'");
    let mut open = [one.shell_as("app", "Initial-a"), two.shell_as("app", "Initial-a", "postgres")];
    for shell in &mut open {
        assert_eq!(shell.ask("SELECT 41+1;"), "42");
    }
    set_password(&maria(&one), &MARIA, &account("app", "Secret-b")).unwrap();
    set_password(&postgresql(&two), &POSTGRES, &account("app", "Secret-b")).unwrap();
    for shell in &mut open {
        assert_eq!(shell.ask("SELECT 42+1;"), "43");
    }
}
