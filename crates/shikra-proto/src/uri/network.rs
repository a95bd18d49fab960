use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses: an address, and how many of its bits count (CIDR, RFC 4632 and RFC 4291 §2.3).
///
/// An IPv4 address that came as an IPv6 one (`::ffff:1.2.3.4`) counts as IPv4.
///
/// # Examples
///
/// ```
/// use shikra_proto::uri::Network;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let network = Network::decode("10.1.0.0/16")?;
/// assert!(network.contains("10.1.2.3".parse()?));
/// assert!(!network.contains("10.2.2.3".parse()?));
/// assert!(Network::decode("10.1.2.3/16").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// Why a text is no network. It is the program's mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// The text before the slash is no address.
    Address,
    /// The text after the slash is no number, or one larger than the address has bits.
    PrefixLen,
    /// The address has bits after the ones that count, so it is likely not the one that was meant.
    HostBits,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "not an IP address",
            Self::PrefixLen => "the prefix length after the slash is no number in range",
            Self::HostBits => "the address has bits set after the prefix",
        })
    }
}

impl Error for NetworkError {}

impl Network {
    /// Reads `address/bits`, or an address, which then is the only one of its network.
    ///
    /// # Errors
    ///
    /// The address has no bits set after its prefix.
    pub fn decode(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            None => bits_max,
            Some(bits) => {
                decimal(bits).filter(|&b| b <= bits_max).ok_or(NetworkError::PrefixLen)?
            }
        };
        let network = Self { address, prefix_bits };
        if network.masked(address) != number(address) {
            return Err(NetworkError::HostBits);
        }
        Ok(network)
    }

    /// Gives the networks that a name stands for: `loopback`, `link-local` or `private` (RFC 1918 and RFC 4193).
    pub fn preset(name: &str) -> Option<&'static [Self]> {
        match name {
            "loopback" => Some(&LOOPBACK),
            "link-local" => Some(&LINK_LOCAL),
            "private" => Some(&PRIVATE),
            _ => None,
        }
    }

    /// Says whether the address is of this network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && self.masked(address) == number(self.address)
    }

    /// The address as a number, without the bits after the prefix.
    fn masked(&self, address: IpAddr) -> u128 {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let host_bits = u32::from(bits - self.prefix_bits.min(bits));
        let host = 1_u128.checked_shl(host_bits).unwrap_or(0).wrapping_sub(1);
        number(address) & !host
    }

    const fn v4(a: u8, b: u8, prefix_bits: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), prefix_bits }
    }

    const fn v6(first: u16, last: u16, prefix_bits: u8) -> Self {
        let address = Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last);
        Self { address: IpAddr::V6(address), prefix_bits }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// Digits only: `parse` would take a sign.
fn decimal(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = text == "0" || !text.starts_with('0');
    if is_plain && is_short { text.parse().ok() } else { None }
}

const LOOPBACK: [Network; 2] = [Network::v4(127, 0, 8), Network::v6(0, 1, 128)];
const LINK_LOCAL: [Network; 2] = [Network::v4(169, 254, 16), Network::v6(0xfe80, 0, 10)];
const PRIVATE: [Network; 4] = [
    Network::v4(10, 0, 8),
    Network::v4(172, 16, 12),
    Network::v4(192, 168, 16),
    Network::v6(0xfc00, 0, 7),
];
