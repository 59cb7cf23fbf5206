//! Networks as the configuration lists them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use dew::instance::Cidr;
use dew::message::Networks;
use serde::Deserialize;

/// The networks that something may be in; without any, all but this machine and its link.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Listed(Vec<Range>);

/// A range of addresses.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Range(Cidr);

impl TryFrom<String> for Range {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: dew::instance::NoCidr| error.to_string())
    }
}

impl Listed {
    /// What decides of an address.
    pub(crate) fn networks(&self) -> Networks {
        Networks::new(self.0.iter().map(|range| range.0).collect())
    }
}

/// Whether an address may be connected to: without a list none of this machine, also not what it has in a network.
pub(crate) fn may_reach(networks: &Networks, address: IpAddr) -> bool {
    networks.allow(address) && (networks.are_listed() || !is_own(address.to_canonical()))
}

/// Whether an address is this machine's own: what it would send there would come from there. Nothing is sent.
fn is_own(address: IpAddr) -> bool {
    let any: IpAddr =
        if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let from = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    from.is_ok_and(|from| from.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address that this machine has in the network by which it reaches others; none if it reaches none.
    fn in_a_network() -> Option<IpAddr> {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.connect("198.51.100.1:9").ok()?;
        Some(socket.local_addr().unwrap().ip())
    }

    #[test]
    fn what_this_machine_has_in_a_network_is_its_own() {
        let none = Listed::default().networks();
        let all = Networks::new(vec!["0.0.0.0/0".parse().unwrap()]);
        assert!(may_reach(&none, "198.51.100.1".parse().unwrap()));
        let Some(own) = in_a_network() else { return };
        assert!(!may_reach(&none, own) && may_reach(&all, own), "{own}");
        let IpAddr::V4(v4) = own else { panic!("{own}") };
        assert!(!may_reach(&none, v4.to_ipv6_mapped().into()));
    }
}
