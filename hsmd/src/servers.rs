//! The servers of databases, as rotation reaches them: in the networks that the configuration lists, over TLS.

use std::net::{SocketAddr, ToSocketAddrs};

use databases::{Account, Fault as Why};
use dew::csms::{Engine, Fault, Login, Server, Servers};
use dew::message::Networks;
use serde::Deserialize;

use crate::networks::Listed;

/// The section `[rotation]` of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The networks that databases may be in; without any, all but this machine and its link.
    networks: Listed,
}

/// Servers that are reached over the network.
pub(crate) struct Reached {
    networks: Networks,
}

impl Reached {
    pub(crate) fn new(config: &Config) -> Self {
        Self { networks: config.networks.networks() }
    }

    /// Where a server is, and how it is known.
    fn find(&self, server: &Server) -> Result<databases::Server, Fault> {
        let Server { engine, host, port, ca, database } = server;
        let found = (host.as_str(), *port).to_socket_addrs();
        let found: Vec<SocketAddr> = found
            .map_err(|error| {
                Fault::Unreachable(format!("the host {host:?} of the database is not found: {error}"))
            })?
            .collect();
        let Some(first) = found.first() else {
            return Err(Fault::Unreachable(format!("the host {host:?} of the database has no address")));
        };
        let allowed = found.iter().find(|address| self.networks.allow(address.ip()));
        let address = allowed.ok_or_else(|| {
            Fault::Refused(format!(
                "{} is in no network that databases may be in: [rotation] networks in hsmd.toml says which",
                first.ip()
            ))
        })?;
        let engine = match engine {
            Engine::MySql | Engine::TaurusDb => databases::Engine::MySql,
            Engine::PostgreSql => databases::Engine::PostgreSql,
        };
        let (name, ca, database) = (host.clone(), ca.clone(), database.clone());
        Ok(databases::Server { engine, address: *address, name, ca, database })
    }
}

impl Servers for Reached {
    fn log_in(&self, server: &Server, login: &Login) -> Result<(), Fault> {
        databases::log_in(&self.find(server)?, &account(login)).map_err(|why| fault(&why))
    }

    fn set_password(&self, server: &Server, admin: &Login, login: &Login) -> Result<(), Fault> {
        databases::set_password(&self.find(server)?, &account(admin), &account(login))
            .map_err(|why| fault(&why))
    }

    fn clone_account(
        &self,
        server: &Server,
        admin: &Login,
        original: &str,
        clone: &Login,
    ) -> Result<(), Fault> {
        let server = self.find(server)?;
        databases::clone_account(&server, &account(admin), original, &account(clone))
            .map_err(|why| fault(&why))
    }

    fn drop_account(&self, server: &Server, admin: &Login, name: &str) -> Result<(), Fault> {
        databases::drop_account(&self.find(server)?, &account(admin), name).map_err(|why| fault(&why))
    }
}

fn account(login: &Login) -> Account<'_> {
    Account { name: &login.name, password: &login.password }
}

fn fault(why: &Why) -> Fault {
    let text = why.to_string();
    match why {
        Why::Unreachable(_) => Fault::Unreachable(text),
        Why::Certificate(_) => Fault::Certificate(text),
        Why::Login(_) => Fault::Login(text),
        Why::NoAccount(_) => Fault::NoAccount(text),
        Why::PasswordRule(_) => Fault::PasswordRule(text),
        Why::Refused(_) => Fault::Refused(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str) -> Server {
        Server { engine: Engine::MySql, host: host.into(), port: 3306, ca: String::new(), database: None }
    }

    /// Requirement: CSMS-038
    #[test]
    fn databases_are_reached_in_the_networks_that_are_listed_alone() {
        let listing = |text: &str| Reached::new(&toml::from_str(text).unwrap());
        let (none, some) = (listing(""), listing("networks = [\"10.0.0.0/8\", \"127.0.0.0/8\"]"));
        assert!(
            matches!(none.find(&server("127.0.0.1")), Err(Fault::Refused(why)) if why.contains("[rotation]"))
        );
        assert!(none.find(&server("192.0.2.1")).is_ok());
        assert!(some.find(&server("127.0.0.1")).is_ok());
        assert!(some.find(&server("localhost")).is_ok_and(|found| found.address.ip().is_loopback()));
        for outside in ["192.0.2.1", "169.254.169.254", "11.0.0.1"] {
            assert!(matches!(some.find(&server(outside)), Err(Fault::Refused(_))), "{outside}");
        }
        assert!(toml::from_str::<Config>("networks = [\"10.0.0.1/8\"]").is_err());
    }
}
