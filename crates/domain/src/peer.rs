//! Whom a request comes from, where proxies may stand in between.
//!
//! What a header says is believed only as far as proxies of ours said it: read from the right, up to the first address
//! that is none of them. Anything further left was written by who knows whom.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Addresses that begin alike, written like `10.0.0.0/8`; a single address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    first: IpAddr,
    bits: u32,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It has another form.
    #[error("{0:?} is no address or network. Write one like 10.0.0.7 or 10.0.0.0/8.")]
    Form(String),
    /// Every address is in it.
    #[error("{0:?} is everybody. Name only the proxies that are yours.")]
    Everybody(String),
}

impl Network {
    /// Where one customer is taken to be: one address of IPv4, or the 64 bits of IPv6 that a household is given.
    pub fn of_peer(peer: IpAddr) -> Self {
        let peer = peer.to_canonical();
        Self::new(peer, if peer.is_ipv4() { 32 } else { 64 })
    }

    fn new(address: IpAddr, bits: u32) -> Self {
        Self {
            first: first(address, bits),
            bits,
        }
    }

    /// Whether the address is in it.
    pub fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && first(address, self.bits) == self.first
    }
}

/// The address with all but the first bits at zero.
fn first(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(a) => {
            let mask = u32::MAX
                .checked_shl(32_u32.saturating_sub(bits))
                .unwrap_or(0);
            Ipv4Addr::from_bits(a.to_bits() & mask).into()
        }
        IpAddr::V6(a) => {
            let mask = u128::MAX
                .checked_shl(128_u32.saturating_sub(bits))
                .unwrap_or(0);
            Ipv6Addr::from_bits(a.to_bits() & mask).into()
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError::Form(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        match bits.unwrap_or(all) {
            0 => Err(NetworkError::Everybody(text.to_owned())),
            bits if bits <= all => Ok(Self::new(address, bits)),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// What the headers of a request say of the way it took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// `Forwarded` (RFC 7239), all of its lines joined by commas.
    pub forwarded: Option<&'a str>,
    /// `X-Forwarded-For`, likewise.
    pub x_forwarded_for: Option<&'a str>,
}

/// Whom a request comes from: who holds the connection, or whom our proxies took it from.
pub fn peer(connection: IpAddr, headers: Headers<'_>, proxies: &[Network]) -> IpAddr {
    let connection = connection.to_canonical();
    let told = [
        headers.forwarded.map(forwarded),
        headers.x_forwarded_for.map(x_forwarded_for),
    ];
    let mut peers = told
        .into_iter()
        .flatten()
        .map(|hops| first_stranger(connection, &hops, proxies));
    match (peers.next(), peers.next()) {
        // A proxy writes one of the two and may let the other through as it came: when they differ, none is believed.
        (Some(one), Some(other)) if one != other => connection,
        (Some(peer), _) => peer,
        (None, _) => connection,
    }
}

/// Goes back hop by hop for as long as proxies of ours tell, and they tell an address.
fn first_stranger(connection: IpAddr, hops: &[Option<IpAddr>], proxies: &[Network]) -> IpAddr {
    let mut peer = connection;
    for hop in hops.iter().rev() {
        if !proxies.iter().any(|proxy| proxy.has(peer)) {
            break;
        }
        let Some(hop) = hop else { break };
        peer = *hop;
    }
    peer
}

fn x_forwarded_for(value: &str) -> Vec<Option<IpAddr>> {
    value.split(',').map(address).collect()
}

/// A header whose quotes do not match says nothing: nobody knows what is inside of them.
fn forwarded(value: &str) -> Vec<Option<IpAddr>> {
    let hop = |hop: &str| {
        let mut pairs = split_outside_quotes(hop, ';')?
            .into_iter()
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
        let (_, node) = pairs.next()?;
        let node = node.trim();
        address(
            node.strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .unwrap_or(node),
        )
    };
    split_outside_quotes(value, ',')
        .unwrap_or_default()
        .into_iter()
        .map(hop)
        .collect()
}

/// The parts between separators, but for those in quotes; `None` where a quote is not closed.
fn split_outside_quotes(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text
        .split(|c| {
            let is_quote = c == '"' && !escaped;
            escaped = quoted && c == '\\' && !escaped;
            quoted ^= is_quote;
            c == separator && !quoted
        })
        .collect();
    (!quoted).then_some(parts)
}

/// An address as these headers write it: alone, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let parsed = bare.unwrap_or(text).parse::<IpAddr>();
    parsed
        .or_else(|_| text.parse::<SocketAddr>().map(|with_port| with_port.ip()))
        .ok()
        .map(|address| address.to_canonical())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn ours() -> Vec<Network> {
        ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"]
            .iter()
            .map(|n| n.parse().unwrap())
            .collect()
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_alike() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.1.2.3/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.0/31", "192.0.2.1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/1", "0.0.0.1", false),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(parsed.has(ip(address)), inside, "{address} in {network}");
        }
    }

    #[test]
    fn what_is_no_network_is_named() {
        for wrong in [
            "",
            "10",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "proxy",
            "10.0.0.1:80",
        ] {
            assert_eq!(
                wrong.parse::<Network>(),
                Err(NetworkError::Form(wrong.to_owned()))
            );
        }
        for all in ["0.0.0.0/0", "::/0"] {
            assert_eq!(
                all.parse::<Network>(),
                Err(NetworkError::Everybody(all.to_owned()))
            );
        }
        assert_eq!(
            "10.1.2.3/8".parse::<Network>().unwrap().to_string(),
            "10.0.0.0/8"
        );
    }

    #[test]
    fn a_customer_is_an_address_or_a_household() {
        let of = |text: &str| Network::of_peer(ip(text)).to_string();
        assert_eq!(of("203.0.113.7"), "203.0.113.7/32");
        assert_eq!(of("::ffff:203.0.113.7"), "203.0.113.7/32");
        assert_eq!(of("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
    }

    #[test]
    fn only_our_proxies_are_believed_and_only_as_far_as_they_saw() {
        for (connection, header, expected) in [
            ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
            (
                "10.0.0.1",
                "6.6.6.6, 198.51.100.1, 10.9.9.9,192.0.2.1",
                "198.51.100.1",
            ),
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("10.0.0.1", "6.6.6.6, unknown", "10.0.0.1"),
            ("10.0.0.1", "6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
            ("::ffff:10.0.0.1", "[2001:db9::1]:4711", "2001:db9::1"),
            ("2001:db8::1", "::ffff:198.51.100.1", "198.51.100.1"),
        ] {
            let headers = Headers {
                x_forwarded_for: Some(header),
                forwarded: None,
            };
            assert_eq!(
                peer(ip(connection), headers, &ours()),
                ip(expected),
                "{connection} {header}"
            );
        }
    }

    #[test]
    fn the_standard_header_is_read_likewise() {
        for (header, expected) in [
            ("for=198.51.100.1", "198.51.100.1"),
            (
                "for=6.6.6.6, For=\"198.51.100.1:80\";proto=https;by=10.0.0.1",
                "198.51.100.1",
            ),
            ("proto=https; for = \"[2001:db9::1]:4711\"", "2001:db9::1"),
            (
                "for=198.51.100.1;host=\"a,for=6.6.6.6;x\\\",for=6.6.6.7\"",
                "198.51.100.1",
            ),
            ("for=\"6.6.6.6, for=198.51.100.1", "10.0.0.1"),
            ("for=6.6.6.6, for=unknown", "10.0.0.1"),
            ("for=6.6.6.6, for=\"_hidden\"", "10.0.0.1"),
            ("for=6.6.6.6, by=10.0.0.1", "10.0.0.1"),
            ("nothing", "10.0.0.1"),
        ] {
            let headers = Headers {
                forwarded: Some(header),
                x_forwarded_for: None,
            };
            assert_eq!(
                peer(ip("10.0.0.1"), headers, &ours()),
                ip(expected),
                "{header}"
            );
        }
    }

    #[test]
    fn headers_that_contradict_each_other_are_not_believed() {
        let both = |x_forwarded_for| Headers {
            forwarded: Some("for=198.51.100.1"),
            x_forwarded_for: Some(x_forwarded_for),
        };
        for (header, expected) in [("198.51.100.1", "198.51.100.1"), ("6.6.6.6", "10.0.0.1")] {
            assert_eq!(peer(ip("10.0.0.1"), both(header), &ours()), ip(expected));
        }
    }

    proptest! {
        /// Without a proxy of ours no header matters; behind one, nothing that the sender wrote does.
        #[test]
        fn nobody_can_choose_who_they_are(forged in "[0-9a-f.:, \"\\\\;=for\\[\\]]{0,40}") {
            let (stranger, proxy) = (ip("203.0.113.7"), ip("10.0.0.1"));
            let headers = Headers { forwarded: Some(&forged), x_forwarded_for: Some(&forged) };
            prop_assert_eq!(peer(stranger, headers, &ours()), stranger);
            let appended = format!("{forged}, 203.0.113.7");
            let headers = Headers { x_forwarded_for: Some(&appended), forwarded: None };
            prop_assert_eq!(peer(proxy, headers, &ours()), stranger);
            let appended = format!("{forged}, for=203.0.113.7");
            let headers = Headers { forwarded: Some(&appended), x_forwarded_for: None };
            let told = peer(proxy, headers, &ours());
            prop_assert!(told == stranger || told == proxy, "{}", told);
        }
    }
}
