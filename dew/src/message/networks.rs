//! Which addresses messages may go to, so that nobody has the HSM ask what only this machine may ask.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::instance::Cidr;

/// Where messages may go: without a list everywhere but to this machine, its link, and what tells machines of a cloud
/// about themselves; with one only to what it holds.
#[derive(Clone, Debug, Default)]
pub struct Networks(Vec<Cidr>);

impl Networks {
    /// By a list; an empty one is none.
    #[must_use]
    pub const fn new(listed: Vec<Cidr>) -> Self {
        Self(listed)
    }

    /// Whether there is a list.
    #[must_use]
    pub const fn are_listed(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether a message may go to an address. Which addresses are this machine's own, whatever network they are in, is not
    /// known here.
    #[must_use]
    pub fn allow(&self, address: IpAddr) -> bool {
        let address = plain(address);
        match self.0.is_empty() {
            true => !is_near(address),
            false => self.0.iter().any(|range| range.contains(address)),
        }
    }
}

/// The IPv4 address that stands in an IPv6 one, if one does: mapped, or behind the translator of RFC 6052.
fn plain(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => match v6.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
            }
            // IPv4-compatible (RFC 4291), which `::` and `::1` are not.
            [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
                Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
            }
            _ => v6.into(),
        },
        v4 => v4,
    }
}

/// Whether an address is of this machine or its link, of nobody or of many, or tells a machine of a cloud of itself.
fn is_near(address: IpAddr) -> bool {
    /// What clouds have at addresses that are not of the link.
    const METADATA: [IpAddr; 3] = [
        IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
        IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
        IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    ];
    let near = match address {
        IpAddr::V4(v4) => {
            let [first, ..] = v4.octets();
            v4.is_loopback() || v4.is_link_local() || first == 0 || v4.is_multicast() || v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_multicast()
        }
    };
    near || METADATA.contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(networks: &Networks, address: &str) -> bool {
        networks.allow(address.parse().unwrap())
    }

    #[test]
    fn without_a_list_what_is_near_is_refused_in_all_its_clothes() {
        let networks = Networks::default();
        for far in ["93.184.215.14", "10.0.0.1", "192.168.1.1", "2606:2800::1", "fd12::1"] {
            assert!(allows(&networks, far), "{far}");
        }
        for near in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "::127.0.0.1",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
        ] {
            assert!(!allows(&networks, near), "{near}");
        }
    }

    #[test]
    fn a_list_is_all_there_is() {
        let networks = Networks::new(vec!["10.0.0.0/8".parse().unwrap(), "127.0.0.1".parse().unwrap()]);
        assert!(allows(&networks, "10.1.2.3") && allows(&networks, "127.0.0.1"));
        assert!(allows(&networks, "::ffff:10.1.2.3") && allows(&networks, "64:ff9b::a01:203"));
        for other in ["127.0.0.2", "93.184.215.14", "::1", "169.254.169.254"] {
            assert!(!allows(&networks, other), "{other}");
        }
    }
}
