//! What rotation reaches: databases over TLS and hosts over SSH in the networks that the configuration lists, and programs
//! that it lists.

use std::net::{SocketAddr, ToSocketAddrs};

use dew::csms::{Fault, Login, Server, Servers};
use dew::iam::ProjectId;
use dew::message::Networks;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::networks::{Listed, may_reach};
use crate::programs::Programs;

pub(crate) mod errand;

use errand::{Act, Errand};

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

    /// Where a server is, if it may be reached there.
    fn find(&self, server: &Server) -> Result<SocketAddr, Fault> {
        let Server { host, port, .. } = server;
        let found = (host.as_str(), *port).to_socket_addrs();
        let found: Vec<SocketAddr> = found
            .map_err(|error| Fault::Unreachable(format!("the host {host:?} is not found: {error}")))?
            .collect();
        let Some(first) = found.first() else {
            return Err(Fault::Unreachable(format!("the host {host:?} has no address")));
        };
        let allowed = found.iter().find(|address| may_reach(&self.networks, address.ip()));
        allowed.copied().ok_or_else(|| {
            Fault::Refused(format!(
                "{} is in no network that servers may be in: [rotation] networks in hsmd.toml says which",
                first.ip()
            ))
        })
    }

    fn send(&self, server: &Server, act: Act) -> Result<(), Fault> {
        Errand { server: server.clone(), address: self.find(server)?, act }.run()
    }
}

impl Servers for Reached {
    fn log_in(&self, server: &Server, login: &Login) -> Result<(), Fault> {
        self.send(server, Act::LogIn(login.into()))
    }

    fn set_password(&self, server: &Server, admin: &Login, login: &Login) -> Result<(), Fault> {
        self.send(server, Act::SetPassword { admin: admin.into(), account: login.into() })
    }

    fn clone_account(
        &self,
        server: &Server,
        admin: &Login,
        original: &str,
        clone: &Login,
    ) -> Result<(), Fault> {
        let (admin, original, clone) = (admin.into(), original.to_owned(), clone.into());
        self.send(server, Act::CloneAccount { admin, original, clone })
    }

    fn drop_account(&self, server: &Server, admin: &Login, name: &str) -> Result<(), Fault> {
        self.send(server, Act::DropAccount { admin: admin.into(), name: name.to_owned() })
    }

    fn new_key(&self, seed: &[u8; 32]) -> Result<(Zeroizing<String>, String), Fault> {
        hosts::new_key(seed, KEY_COMMENT).map_err(|why| Fault::Refused(why.to_string()))
    }

    fn run(&self, project: ProjectId, program: &str, asked: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.programs.run(&project.to_string(), program, asked)
    }
}

/// What a key says of itself.
const KEY_COMMENT: &str = "claviger";

#[cfg(test)]
mod tests {
    use dew::csms::Engine;

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
        assert!(some.find(&server("localhost")).is_ok_and(|found| found.ip().is_loopback()));
        for outside in ["192.0.2.1", "169.254.169.254", "11.0.0.1"] {
            assert!(matches!(some.find(&server(outside)), Err(Fault::Refused(_))), "{outside}");
        }
        assert!(toml::from_str::<Config>("networks = [\"10.0.0.1/8\"]").is_err());
    }
}
