//! Accounts of Redis, with redis-cli as the client.

use tests::{Redis, needs};

use super::{
    Database, FIRST, assert_current_logs_in, failures, host, next_turn, polling, read, rotate, session, world,
};

#[test]
fn passwords_of_redis_are_rotated_with_one_account_and_with_two() {
    needs!("redis-server", "redis-cli");
    let mut server = Redis::start();
    for more in ["--dual", ""] {
        let (place, rest) = world();
        server.command("ACL DELUSER app app_clone");
        let database = Database::redis(&place, &server);
        let _daemon = place.start();
        database.register(&place).succeeds().done();
        host(&place, more).succeeds().done();
        let mut open = session(&database, "app", FIRST);
        assert_eq!(open.ask("SET orders:1 one"), "OK");
        let polled = polling(&rest, &database, |begun| {
            for _ in 0..if more.is_empty() { 10 } else { 50 } {
                rotate(&place).succeeds().done();
                next_turn(begun);
            }
        });
        println!("{more} {} log-ins, {} failed, gap {:?}", polled.log_ins, polled.failed.len(), polled.gap);
        assert!(more.is_empty() || polled.failed.is_empty(), "{:?}", polled.failed);
        assert_eq!(open.ask("GET orders:1"), "one");
        assert_current_logs_in(&rest, &database);
        assert!(database.log_in("app", FIRST).is_err());
        let [name, password] = read(&rest, "SYSCURRENT").unwrap();
        let mut another = session(&database, &name, &password);
        assert_eq!(another.ask("GET orders:1"), "one");
        // What the account may not, it may not.
        assert!(another.ask("GET others:1").contains("NOPERM"));
        drop((open, another));
        // It is the password also once the server starts again.
        server.restart();
        assert_current_logs_in(&rest, &database);
        if more.is_empty() {
            server.command("ACL DELUSER app");
            rotate(&place).fails().says("app").done();
            server.stop();
            rotate(&place).fails().done();
            let codes: Vec<_> = failures(&place).into_iter().map(|(code, _)| code).collect();
            assert_eq!(codes, ["SERVER_UNREACHABLE", "SERVER_NO_ACCOUNT"]);
        }
    }
}
