//! Accounts of a real Redis, which its own client logs in to.

use databases::{Account, Engine, Fault, Server, clone_account, drop_account, log_in, set_password};
use tests::{Accounts, Redis, needs};

use super::{account, keeps_the_contract};

const ADMIN: Account<'static> = Account { name: Redis::ADMIN, password: Redis::ADMIN_PASSWORD };

/// Names with all that ends a name or a rule somewhere.
const HOSTILE: &[&str] =
    &["a`b", "a\\", "#b", ">b", "(b", "b)", "~*", "+@all", "nopass", "$b", "a;b", "ünï☃"];

fn at(server: &Redis) -> Server {
    let (address, ca) = (server.address(), server.ca_pem().to_owned());
    Server { engine: Engine::Redis, address, name: Redis::NAME.into(), ca, database: None }
}

/// What the server says of an account, without its name and its password.
fn rules(server: &Redis, name: &str) -> String {
    let list = server.command("ACL LIST");
    let line = list.lines().find_map(|line| line.strip_prefix(&format!("user {name} ")));
    let line = line.unwrap_or_else(|| panic!("no {name}: {list}"));
    let own = |word: &&str| !word.starts_with('#') && *word != "sanitize-payload";
    line.split(' ').filter(own).collect::<Vec<_>>().join(" ")
}

fn knows(server: &Redis, name: &str, password: &str) {
    assert_eq!(server.command_as(name, password, "PING").succeeds().out(), "PONG\n");
}

#[test]
fn a_redis_lets_in_and_changes_passwords() {
    needs!("redis-server", "redis-cli");
    let (server, other) = (Redis::start(), Redis::start_without_tls());
    server.command("ACL SETUSER app on >Initial-old ~* +@all -@admin");
    keeps_the_contract(&at(&server), &ADMIN, other.ca_pem());
    faults!(log_in(&at(&other), &ADMIN), Certificate);
    knows(&server, "app", "Secret-\\'\"`ü");
    assert_eq!(server.command("ACL GETUSER app").matches("passwords").count(), 1);
    let database = |number: &str| Server { database: Some(number.into()), ..at(&server) };
    log_in(&database("15"), &ADMIN).unwrap();
    faults!(log_in(&database("16"), &ADMIN), Refused);
    faults!(log_in(&database("-1"), &ADMIN), Refused);
}

#[test]
fn an_account_that_may_do_nothing_logs_in() {
    needs!("redis-server", "redis-cli");
    let server = Redis::start();
    server.command("ACL SETUSER app on >Secret-a -@all");
    log_in(&at(&server), &account("app", "Secret-a")).unwrap();
    faults!(log_in(&at(&server), &account("app", "Secret-b")), Login);
    let first = Server { database: Some("1".into()), ..at(&server) };
    let found = log_in(&first, &account("app", "Secret-a")).unwrap_err();
    assert!(
        matches!(&found, Fault::Refused(why) if why.contains("'select'") && !why.contains("+acl")),
        "{found:?}"
    );
    server.command("ACL SETUSER app off");
    faults!(log_in(&at(&server), &account("app", "Secret-a")), Login);
    server.command("ACL SETUSER app on nopass +acl");
    faults!(log_in(&at(&server), &account("app", "Secret-a")), Refused);
}

#[test]
fn a_redis_that_wants_certificates_of_clients_says_so() {
    needs!("redis-server", "redis-cli");
    let server = Redis::start_with(Accounts::File, &["tls-auth-clients optional"]);
    log_in(&at(&server), &ADMIN).unwrap();
    server.command("CONFIG SET tls-auth-clients yes");
    let found = log_in(&at(&server), &ADMIN).unwrap_err();
    assert!(matches!(&found, Fault::Refused(why) if why.contains("tls-auth-clients")), "{found:?}");
}

#[test]
fn a_password_outlives_the_server_wherever_it_keeps_accounts() {
    needs!("redis-server", "redis-cli");
    for accounts in [Accounts::File, Accounts::Configuration] {
        let mut server = Redis::start_with(accounts, &[]);
        server.command("ACL SETUSER app on >Initial-a ~* +@all");
        set_password(&at(&server), &ADMIN, &account("app", "Secret-b")).unwrap();
        clone_account(&at(&server), &ADMIN, "app", &account("app_clone", "Secret-c")).unwrap();
        clone_account(&at(&server), &ADMIN, "app", &account("gone", "Secret-c")).unwrap();
        drop_account(&at(&server), &ADMIN, "gone").unwrap();
        server.restart();
        knows(&server, "app", "Secret-b");
        knows(&server, "app_clone", "Secret-c");
        server.command_as("app", "Initial-a", "PING").fails().done();
        server.command_as("gone", "Secret-c", "PING").fails().done();
    }
    // One that keeps none loses them anyway.
    let mut server = Redis::start_with(Accounts::Memory, &[]);
    server.command("ACL SETUSER app on >Initial-a +ping");
    set_password(&at(&server), &ADMIN, &account("app", "Secret-b")).unwrap();
    knows(&server, "app", "Secret-b");
    server.restart();
    faults!(set_password(&at(&server), &ADMIN, &account("app", "Secret-b")), NoAccount);
}

#[test]
fn what_cannot_be_kept_is_not_changed() {
    needs!("redis-server", "redis-cli");
    let server = Redis::start();
    server.command("ACL SETUSER app on >Initial-a +ping");
    server.command("ACL SETUSER few on >Few-rights -@all +acl|getuser +acl|setuser +acl|list +acl|deluser");
    let few = account("few", "Few-rights");
    let before = server.command("ACL LIST");
    faults!(set_password(&at(&server), &few, &account("app", "Secret-b")), Refused);
    faults!(clone_account(&at(&server), &few, "app", &account("c", "Secret-b")), Refused);
    faults!(drop_account(&at(&server), &few, "app"), Refused);
    assert_eq!(server.command("ACL LIST"), before);
    // All that an administrator needs.
    server.command("ACL SETUSER few +acl|save +config|rewrite");
    set_password(&at(&server), &few, &account("app", "Secret-b")).unwrap();
    clone_account(&at(&server), &few, "app", &account("c", "Secret-b")).unwrap();
    drop_account(&at(&server), &few, "c").unwrap();
    knows(&server, "app", "Secret-b");
}

#[test]
fn an_administrator_without_rights_is_told_which_it_needs() {
    needs!("redis-server", "redis-cli");
    let server = Redis::start();
    server.command("ACL SETUSER app on >Initial-a ~* +@all -@admin -@dangerous");
    let app = account("app", "Initial-a");
    let told = [
        set_password(&at(&server), &app, &account(ADMIN.name, "Secret-b")),
        clone_account(&at(&server), &app, ADMIN.name, &account("c", "Secret-b")),
        drop_account(&at(&server), &app, ADMIN.name),
    ];
    for found in told {
        let found = found.unwrap_err();
        let lists =
            |why: &str| ["+acl|getuser", "+acl|save", "+config|rewrite"].iter().all(|one| why.contains(one));
        assert!(matches!(&found, Fault::Refused(why) if lists(why)), "{found:?}");
    }
    knows(&server, ADMIN.name, ADMIN.password);
}

#[test]
fn a_redis_clone_may_do_what_the_original_may() {
    needs!("redis-server", "redis-cli");
    let server = Redis::start();
    server.command(
        "ACL SETUSER app on >Initial-a >Initial-b skip-sanitize-payload ~shop:* %R~#read:* resetchannels &news:* \
         -@all +@read +ping -mget +client|id (~cart:* +set +get) (%W~log:* +append)",
    );
    server.command("SET shop:1 one");
    for password in ["Secret-b", "Secret-c"] {
        clone_account(&at(&server), &ADMIN, "app", &account("app_clone", password)).unwrap();
        assert_eq!(rules(&server, "app_clone"), rules(&server, "app"));
        assert!(rules(&server, "app").contains("(~cart:* "), "{}", rules(&server, "app"));
        knows(&server, "app_clone", password);
        let run = |command| server.command_as("app_clone", password, command);
        assert_eq!(run("GET shop:1").succeeds().out(), "one\n");
        run("SET cart:1 two").succeeds().done();
        run("SET shop:1 two").fails().done();
        run("MGET shop:1").fails().done();
        // The original's rules change, and the clone has what a try that was cut off may have left.
        server.command("ACL SETUSER app ~more:* +exists clearselectors (~cart:* +get +set +del)");
        server.command("ACL SETUSER app_clone nopass ~secret:* +@all >Initial-c");
    }
    clone_account(&at(&server), &ADMIN, "app", &account("app_clone", "Secret-d")).unwrap();
    assert_eq!(rules(&server, "app_clone"), rules(&server, "app"));
    server.command_as("app_clone", "Secret-d", "DEL cart:1").succeeds().done();
    server.command_as("app_clone", "Initial-a", "PING").fails().done();
    server.command_as("app_clone", "Initial-c", "PING").fails().done();
    knows(&server, "app", "Initial-b");
    drop_account(&at(&server), &ADMIN, "app_clone").unwrap();
    faults!(set_password(&at(&server), &ADMIN, &account("app_clone", "Secret-d")), NoAccount);
    faults!(log_in(&at(&server), &account("app_clone", "Secret-d")), Login);
}

#[test]
fn the_account_that_every_redis_has_is_no_clone_and_not_deleted() {
    needs!("redis-server", "redis-cli");
    let server = Redis::start();
    let before = server.command("ACL LIST");
    faults!(drop_account(&at(&server), &ADMIN, "default"), Refused);
    faults!(drop_account(&at(&server), &ADMIN, ADMIN.name), Refused);
    faults!(clone_account(&at(&server), &ADMIN, ADMIN.name, &account("default", "Secret-a")), Refused);
    assert_eq!(server.command("ACL LIST"), before);
    // It is an original like any other, unless it takes any password.
    server.command("ACL SETUSER default on nopass ~* +ping");
    let found = clone_account(&at(&server), &ADMIN, "default", &account("clone", "Secret-a")).unwrap_err();
    assert!(matches!(&found, Fault::Refused(why) if why.contains("nopass")), "{found:?}");
    set_password(&at(&server), &ADMIN, &account("default", "Secret-b")).unwrap();
    clone_account(&at(&server), &ADMIN, "default", &account("clone", "Secret-a")).unwrap();
    knows(&server, "default", "Secret-b");
    knows(&server, "clone", "Secret-a");
    server.command_as("default", "Secret-a", "PING").fails().done();
}

#[test]
fn a_name_is_never_a_rule() {
    needs!("redis-server", "redis-cli");
    for accounts in [Accounts::File, Accounts::Configuration] {
        let mut server = Redis::start_with(accounts, &[]);
        server.command("ACL SETUSER app on >Initial-a ~shop:* +ping");
        let before = server.command("ACL LIST");
        for name in HOSTILE {
            clone_account(&at(&server), &ADMIN, "app", &account(name, "Secret-1")).unwrap();
            clone_account(&at(&server), &ADMIN, name, &account("third", "Secret-1")).unwrap();
            assert_eq!(rules(&server, "third"), rules(&server, "app"));
            set_password(&at(&server), &ADMIN, &account(name, name)).unwrap();
        }
        server.restart();
        for name in HOSTILE {
            log_in(&at(&server), &account(name, name)).unwrap();
            drop_account(&at(&server), &ADMIN, name).unwrap();
        }
        drop_account(&at(&server), &ADMIN, "third").unwrap();
        assert_eq!(server.command("ACL LIST"), before);
        for name in ["a b", "a\"b", "a'b", "app on nopass"] {
            faults!(clone_account(&at(&server), &ADMIN, "app", &account(name, "Secret-1")), Refused);
        }
    }
}

#[test]
fn a_connection_to_a_redis_stays_open_and_nothing_tells_the_password() {
    needs!("redis-server", "redis-cli");
    let server = Redis::start();
    server.command("ACL SETUSER app on >Initial-a ~* +@all -@admin +client");
    let (mut open, mut monitor) =
        (server.shell_as("app", "Initial-a"), server.shell_as(ADMIN.name, ADMIN.password));
    let id = open.ask("CLIENT ID");
    assert_eq!(monitor.ask("MONITOR"), "OK");

    set_password(&at(&server), &ADMIN, &account("app", "Secret-b")).unwrap();
    clone_account(&at(&server), &ADMIN, "app", &account("clone", "Secret-c")).unwrap();
    log_in(&at(&server), &account("app", "Secret-b")).unwrap();
    faults!(log_in(&at(&server), &account("clone", "Secret-wrong")), Login);
    faults!(set_password(&at(&server), &account("app", "Secret-b"), &account("app", "Secret-d")), Refused);
    drop_account(&at(&server), &ADMIN, "clone").unwrap();

    // The client would log in anew with the old password, and be another.
    assert_eq!(open.ask("CLIENT ID"), id);
    server.command("ECHO That-is-all");
    let mut seen = String::new();
    while !seen.contains("That-is-all") {
        let line = monitor.next_line();
        assert!(!line.is_empty(), "the connection is gone: {seen}");
        seen += &line;
    }
    let (slow, denied) = (server.command("SLOWLOG GET -1"), server.command("ACL LOG"));
    assert!(slow.contains("SETUSER") && denied.contains("acl"), "{slow}{denied}");
    for text in [seen, slow, denied, server.log()] {
        assert!(!text.contains("Secret-"), "{text}");
    }
}
