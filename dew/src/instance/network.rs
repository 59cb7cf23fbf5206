//! Where an instance is reached, and from where: subnets and allow-lists.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most entries of an allow-list.
pub const MAX_ALLOWED: usize = 256;

/// A range of addresses: `10.0.0.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

/// Why a range is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no range of addresses: expected such as 10.0.0.0/24 or fd00::/64")]
pub struct NoCidr(String);

impl Cidr {
    /// Whether an address is in it. An IPv4 address in IPv6 clothes is an IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                first(own.to_bits(), self.bits) == first(other.to_bits(), self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                first_v6(own.to_bits(), self.bits) == first_v6(other.to_bits(), self.bits)
            }
            _ => false,
        }
    }

    /// Its addresses for hosts, without the first and the last of an IPv4 range, which are the network's own.
    fn hosts(&self) -> Box<dyn Iterator<Item = IpAddr>> {
        match self.address {
            IpAddr::V4(address) => {
                let size = 1_u64.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                let base = u64::from(first(address.to_bits(), self.bits));
                let hosts = base + 1..(base + size).saturating_sub(1);
                Box::new(hosts.filter_map(|bits| Some(Ipv4Addr::from_bits(u32::try_from(bits).ok()?).into())))
            }
            IpAddr::V6(address) => {
                let base = first_v6(address.to_bits(), self.bits);
                let hosts = (1..=u128::from(u16::MAX)).map(move |offset| base | offset);
                let range = *self;
                let all = hosts.map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits)));
                Box::new(all.take_while(move |address| range.contains(*address)))
            }
        }
    }

    /// The next addresses that nobody has yet; none if there are not so many.
    #[must_use]
    pub fn free<const N: usize>(&self, is_taken: impl Fn(IpAddr) -> bool) -> Option<[IpAddr; N]> {
        let free: Vec<_> = self.hosts().filter(|address| !is_taken(*address)).take(N).collect();
        free.try_into().ok()
    }
}

const fn first(address: u32, bits: u8) -> u32 {
    match u32::MAX.checked_shl(32 - bits as u32) {
        Some(mask) => address & mask,
        None => 0,
    }
}

const fn first_v6(address: u128, bits: u8) -> u128 {
    match u128::MAX.checked_shl(128 - bits as u32) {
        Some(mask) => address & mask,
        None => 0,
    }
}

impl FromStr for Cidr {
    type Err = NoCidr;

    fn from_str(text: &str) -> Result<Self, NoCidr> {
        let wrong = || NoCidr(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) if bits.bytes().all(|digit| digit.is_ascii_digit()) => {
                (address, Some(bits.parse::<u8>().map_err(|_| wrong())?))
            }
            Some(_) => return Err(wrong()),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let range = Self { address, bits: bits.unwrap_or(most) };
        if range.bits > most {
            return Err(wrong());
        }
        let is_first = match address {
            IpAddr::V4(address) => first(address.to_bits(), range.bits) == address.to_bits(),
            IpAddr::V6(address) => first_v6(address.to_bits(), range.bits) == address.to_bits(),
        };
        if is_first { Ok(range) } else { Err(wrong()) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_holds_what_begins_as_it_does() {
        let ten = range("10.1.0.0/16");
        assert!(ten.contains("10.1.255.255".parse().unwrap()) && !ten.contains("10.2.0.0".parse().unwrap()));
        assert!(ten.contains("::ffff:10.1.2.3".parse().unwrap()), "IPv4 in IPv6 clothes");
        assert!(range("0.0.0.0/0").contains("203.0.113.9".parse().unwrap()));
        assert!(!range("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert!(
            range("::1").contains("::1".parse().unwrap()) && !range("::1").contains("::2".parse().unwrap())
        );
        assert!(range("fd00::/8").contains("fdff::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in
            ["", "10.0.0.0/33", "10.0.0.1/24", "::/129", "10.0.0/8", "10.0.0.0/+8", "10.0.0.0/", "x/8"]
        {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_are_taken_from_the_beginning_and_none_twice() {
        let subnet = range("192.168.0.0/29");
        let taken: IpAddr = "192.168.0.2".parse().unwrap();
        let [a, b, c] = subnet.free(|address| address == taken).unwrap();
        assert_eq!([a, b, c].map(|one| one.to_string()), ["192.168.0.1", "192.168.0.3", "192.168.0.4"]);
        assert_eq!(range("192.168.0.0/30").free::<3>(|_| false), None, "two hosts are not three");
        assert!(range("10.0.0.0/8").free::<3>(|_| false).is_some());
        assert!(range("fd00::/64").free::<3>(|_| false).is_some());
        assert_eq!(range("fd00::/127").free::<3>(|_| false), None);
        assert_eq!(range("10.0.0.1").free::<1>(|_| false), None);
    }

    proptest! {
        #[test]
        fn a_range_prints_as_it_is_read(address: u32, bits in 0_u8..=32) {
            let text = format!("{}/{bits}", Ipv4Addr::from_bits(first(address, bits)));
            prop_assert_eq!(range(&text).to_string(), text);
        }
    }
}
