//! Arithmetic of IPv4 networks. Pure.

use std::net::Ipv4Addr;
use std::str::FromStr;

/// An IPv4 network such as `172.18.0.0/22` (RFC 4632).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    base: u32,
    prefix: u8,
}

impl Subnet {
    /// Returns the network of this size that begins at the same address, or this one where it is not larger.
    pub fn head(self, prefix: u8) -> Self {
        Self { base: self.base, prefix: prefix.max(self.prefix).min(32) }
    }

    /// Returns its parts of this size, without those that touch `head`.
    pub fn slices(self, prefix: u8, head: Self) -> impl Iterator<Item = Self> {
        let count = if prefix < self.prefix || prefix > 32 { 0 } else { 1_u64 << (prefix - self.prefix) };
        let step = 1_u64 << (32 - u32::from(prefix.min(32)));
        (0..count)
            .filter_map(move |index| u32::try_from(u64::from(self.base) + index * step).ok())
            .map(move |base| Self { base, prefix })
            .filter(move |slice| !slice.overlaps(head))
    }

    /// Returns how many leading bits are the network's.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Tells whether two networks share an address.
    pub fn overlaps(self, other: Self) -> bool {
        let mask = mask(self.prefix.min(other.prefix));
        self.base & mask == other.base & mask
    }

    /// Returns the address at a place counted from the network's own, if that is neither outside nor its broadcast address.
    pub fn at(self, index: u32) -> Option<Ipv4Addr> {
        let last = !mask(self.prefix);
        (index < last).then(|| Ipv4Addr::from_bits(self.base + index))
    }

    /// Returns every address that may be given away, from a place on.
    pub fn addresses(self, from: u32) -> impl Iterator<Item = Ipv4Addr> {
        (from..!mask(self.prefix)).filter_map(move |index| self.at(index))
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

impl FromStr for Subnet {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = text.split_once('/').ok_or(())?;
        let prefix: u8 = prefix.parse().map_err(|_| ())?;
        let address: Ipv4Addr = address.parse().map_err(|_| ())?;
        (prefix <= 32).then(|| Self { base: address.to_bits() & mask(prefix), prefix }).ok_or(())
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.base), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn a_pool_is_cut_into_a_head_and_slices() {
        let pool = subnet("172.18.0.0/16");
        let head = pool.head(22);
        assert_eq!(head.to_string(), "172.18.0.0/22");
        let slices: Vec<String> = pool.slices(25, head).take(3).map(|slice| slice.to_string()).collect();
        assert_eq!(slices, ["172.18.4.0/25", "172.18.4.128/25", "172.18.5.0/25"]);
        assert_eq!(pool.slices(25, head).count(), 504);
        assert_eq!(subnet("10.0.0.0/26").slices(25, head).count(), 0);
    }

    #[test]
    fn a_small_pool_is_all_head() {
        assert_eq!(subnet("192.168.0.0/24").head(22).to_string(), "192.168.0.0/24");
    }

    #[test]
    fn addresses_end_before_the_broadcast_address() {
        let network = subnet("172.18.0.0/28");
        assert_eq!(network.at(2), Some(Ipv4Addr::new(172, 18, 0, 2)));
        assert_eq!(network.at(15), None);
        assert_eq!(network.addresses(13).map(|address| address.to_string()).collect::<Vec<_>>(), ["172.18.0.13", "172.18.0.14"]);
    }

    #[test]
    fn networks_overlap_when_one_holds_the_other() {
        assert!(subnet("172.18.0.0/16").overlaps(subnet("172.18.7.0/24")));
        assert!(subnet("172.18.7.0/24").overlaps(subnet("172.18.0.0/16")));
        assert!(!subnet("172.18.0.0/16").overlaps(subnet("172.19.0.0/16")));
        assert!(subnet("0.0.0.0/0").overlaps(subnet("9.9.9.9/32")));
    }

    #[test]
    fn nonsense_is_no_network() {
        for text in ["", "1.2.3.4", "1.2.3.4/33", "fd00::/64", "a/b"] {
            assert!(text.parse::<Subnet>().is_err(), "{text}");
        }
    }
}
