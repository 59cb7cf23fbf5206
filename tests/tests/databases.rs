//! Accounts of real database servers: log-ins, passwords and clones.

use tests::{MariaDb, Postgres, needs, postgres};

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
}
