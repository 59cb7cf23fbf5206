//! What rotation reaches: databases over TLS and hosts over SSH in the networks that the configuration lists, and programs
//! that it lists.

use std::net::{SocketAddr, ToSocketAddrs};

use dew::csms::{Engine, Fault, Login, Server, Servers};
use dew::iam::ProjectId;
use dew::message::Networks;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::networks::{Listed, may_reach};
use crate::programs::Programs;

/// The section `[rotation]` of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The networks that servers may be in; without any, all but this machine and its link.
    networks: Listed,
    /// Programs that rotate what is in no server that is known here.
    programs: Programs,
}

impl Config {
    /// Refuses programs that could not be run.
    ///
    /// # Errors
    /// What is wrong, and what was expected.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.programs.check()
    }
}

/// Servers that are reached over the network.
pub(crate) struct Reached {
    networks: Networks,
    programs: Programs,
}

impl Reached {
    pub(crate) fn new(config: &Config) -> Self {
        Self { networks: config.networks.networks(), programs: config.programs.clone() }
    }

    /// Where a server is, and how it is known.
    fn find(&self, server: &Server) -> Result<Way, Fault> {
        let Server { engine, host, port, ca, database } = server;
        let found = (host.as_str(), *port).to_socket_addrs();
        let found: Vec<SocketAddr> = found
            .map_err(|error| Fault::Unreachable(format!("the host {host:?} is not found: {error}")))?
            .collect();
        let Some(first) = found.first() else {
            return Err(Fault::Unreachable(format!("the host {host:?} has no address")));
        };
        let allowed = found.iter().find(|address| may_reach(&self.networks, address.ip()));
        let address = *allowed.ok_or_else(|| {
            Fault::Refused(format!(
                "{} is in no network that servers may be in: [rotation] networks in hsmd.toml says which",
                first.ip()
            ))
        })?;
        let (name, ca, database) = (host.clone(), ca.clone(), database.clone());
        let engine = match engine {
            Engine::MySql | Engine::TaurusDb => databases::Engine::MySql,
            Engine::PostgreSql => databases::Engine::PostgreSql,
            Engine::Redis => databases::Engine::Redis,
            Engine::Ssh => return Ok(Way::Host(hosts::Host { address, name, host_keys: ca })),
        };
        Ok(Way::Database(databases::Server { engine, address, name, ca, database }))
    }
}

/// A server that may be reached.
enum Way {
    Database(databases::Server),
    Host(hosts::Host),
}

impl Servers for Reached {
    fn log_in(&self, server: &Server, login: &Login) -> Result<(), Fault> {
        match self.find(server)? {
            Way::Database(server) => databases::log_in(&server, &account(login)).map_err(fault),
            Way::Host(host) => hosts::log_in(&host, &host_account(login)).map_err(host_fault),
        }
    }

    fn set_password(&self, server: &Server, admin: &Login, login: &Login) -> Result<(), Fault> {
        match self.find(server)? {
            Way::Database(server) => {
                databases::set_password(&server, &account(admin), &account(login)).map_err(fault)
            }
            Way::Host(host) if login.is_key() => {
                hosts::set_key(&host, &host_account(admin), &login.name, &login.password).map_err(host_fault)
            }
            Way::Host(host) => hosts::set_password(&host, &host_account(admin), &login.name, &login.password)
                .map_err(host_fault),
        }
    }

    fn clone_account(
        &self,
        server: &Server,
        admin: &Login,
        original: &str,
        clone: &Login,
    ) -> Result<(), Fault> {
        match self.find(server)? {
            Way::Database(server) => {
                databases::clone_account(&server, &account(admin), original, &account(clone)).map_err(fault)
            }
            Way::Host(_) => Err(no_clones()),
        }
    }

    fn drop_account(&self, server: &Server, admin: &Login, name: &str) -> Result<(), Fault> {
        match self.find(server)? {
            Way::Database(server) => databases::drop_account(&server, &account(admin), name).map_err(fault),
            Way::Host(_) => Err(no_clones()),
        }
    }

    fn new_key(&self, seed: &[u8; 32]) -> Result<(Zeroizing<String>, String), Fault> {
        hosts::new_key(seed, KEY_COMMENT).map_err(host_fault)
    }

    fn run(&self, project: ProjectId, program: &str, asked: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.programs.run(&project.to_string(), program, asked)
    }
}

/// What a key says of itself.
const KEY_COMMENT: &str = "claviger";

fn no_clones() -> Fault {
    Fault::Refused("an account of a host has no clone".to_owned())
}

fn account(login: &Login) -> databases::Account<'_> {
    databases::Account { name: &login.name, password: &login.password }
}

fn host_account(login: &Login) -> hosts::Account<'_> {
    let proof = match login.is_key() {
        true => hosts::Proof::PrivateKey(&login.password),
        false => hosts::Proof::Password(&login.password),
    };
    hosts::Account { name: &login.name, proof }
}

/// The faults of both crates are of the same kinds.
macro_rules! same_fault {
    ($name:ident, $of:path) => {
        fn $name(why: $of) -> Fault {
            use $of as Why;
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
    };
}

same_fault!(fault, databases::Fault);
same_fault!(host_fault, hosts::Fault);

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
        assert!(
            some.find(&server("localhost"))
                .is_ok_and(|found| matches!(found, Way::Database(found) if found.address.ip().is_loopback()))
        );
        for outside in ["192.0.2.1", "169.254.169.254", "11.0.0.1"] {
            assert!(matches!(some.find(&server(outside)), Err(Fault::Refused(_))), "{outside}");
        }
        assert!(toml::from_str::<Config>("networks = [\"10.0.0.1/8\"]").is_err());
    }
}
