//! What proxies say of the client: `X-Forwarded-For`, `-Host`, `-Proto`. Each is a list, perhaps on several lines, to
//! which every proxy adds what it saw: only what a trusted one added is believed, and all to the left of that was
//! written by the client.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

/// What a request's proxies say, as far as they are trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// The client's address: the hop before the first trusted proxy.
    pub address: IpAddr,
    /// The host that it named.
    pub host: Option<String>,
    /// The scheme that it used.
    pub scheme: Option<String>,
}

impl Client {
    /// Reads the headers of a request that came from `peer`.
    pub fn of(headers: &HeaderMap, peer: IpAddr, trusted: &[IpAddr]) -> Self {
        let peer = peer.to_canonical();
        let mut client = Self { address: peer, host: None, scheme: None };
        if !is_trusted(peer, trusted) {
            return client;
        }
        let hops = list(headers, "x-forwarded-for");
        // How many trusted proxies stand before the one that spoke to us.
        let mut before = 0;
        // What cannot be read (`unknown`, `_hidden`) ends the walk: who stands beyond it is not known.
        for hop in hops.iter().rev().map_while(|hop| address(hop)) {
            client.address = hop;
            if !is_trusted(hop, trusted) {
                break;
            }
            before += 1;
        }
        let said = |name: &str| {
            let list = list(headers, name);
            let at = list.len().checked_sub(1)?.saturating_sub(before);
            list.get(at).map(|entry| (*entry).to_owned()).filter(|entry| !entry.is_empty())
        };
        client.host = said("x-forwarded-host");
        client.scheme = said("x-forwarded-proto");
        client
    }
}

/// Is this one of these, in whichever form it is written?
pub fn is_trusted(address: IpAddr, trusted: &[IpAddr]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|one| one.to_canonical() == address)
}

/// The entries of a list that may come on several lines, as they stand, without the quotes.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter().map(|line| std::str::from_utf8(line.as_bytes()).unwrap_or_default());
    lines.flat_map(|line| line.split(',')).map(|entry| entry.trim().trim_matches('"')).collect()
}

/// An address with or without port, an IPv6 one with or without brackets.
fn address(hop: &str) -> Option<IpAddr> {
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let read = hop.parse::<IpAddr>().ok().or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()));
    read.or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::Client;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use std::net::IpAddr;

    fn client(peer: &str, lines: &[(&'static str, &'static str)]) -> Client {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let trusted: Vec<IpAddr> = ["127.0.0.1", "::1", "10.0.0.2"].iter().map(|t| t.parse().expect(t)).collect();
        Client::of(&headers, peer.parse().expect(peer), &trusted)
    }

    const FOR: &str = "x-forwarded-for";
    const HOST: &str = "x-forwarded-host";
    const PROTO: &str = "x-forwarded-proto";

    #[test]
    fn the_hop_before_the_trusted_proxies_is_the_client() {
        for (lines, address) in [
            (&[][..], "127.0.0.1"),
            (&[(FOR, "1.2.3.4")], "1.2.3.4"),
            (&[(FOR, "6.6.6.6, 1.2.3.4")], "1.2.3.4"),
            (&[(FOR, "6.6.6.6"), (FOR, "1.2.3.4")], "1.2.3.4"),
            (&[(FOR, "6.6.6.6"), (FOR, "1.2.3.4 , 10.0.0.2")], "1.2.3.4"),
            (&[(FOR, "1.2.3.4:567")], "1.2.3.4"),
            (&[(FOR, "2001:db8::1")], "2001:db8::1"),
            (&[(FOR, "[2001:db8::1]")], "2001:db8::1"),
            (&[(FOR, "\"[2001:db8::1]:80\"")], "2001:db8::1"),
            (&[(FOR, "::ffff:1.2.3.4")], "1.2.3.4"),
            (&[(FOR, "1.2.3.4, ::ffff:10.0.0.2")], "1.2.3.4"),
            (&[(FOR, "1.2.3.4, [::1]:4711")], "1.2.3.4"),
            // Who cannot be read is not skipped: what is beyond was written by whoever sent it.
            (&[(FOR, "6.6.6.6, unknown")], "127.0.0.1"),
            (&[(FOR, "6.6.6.6, _hidden, 10.0.0.2")], "10.0.0.2"),
            (&[(FOR, "6.6.6.6, ")], "127.0.0.1"),
            (&[(FOR, "6.6.6.6, 1.2.3.4.5")], "127.0.0.1"),
            (&[(FOR, "127.0.0.1, 10.0.0.2")], "127.0.0.1"),
        ] {
            assert_eq!(client("127.0.0.1", lines).address.to_string(), address, "{lines:?}");
            assert_eq!(client("::ffff:127.0.0.1", lines).address.to_string(), address, "{lines:?}");
        }
    }

    #[test]
    fn hosts_and_schemes_are_those_that_the_outermost_trusted_proxy_saw() {
        let said = |lines: &[_]| {
            let client = client("127.0.0.1", lines);
            (client.host.unwrap_or_default(), client.scheme.unwrap_or_default())
        };
        let pair = |host: &str, scheme: &str| (host.to_owned(), scheme.to_owned());
        assert_eq!(
            said(&[(HOST, "evil.example, docs.example"), (PROTO, "http, https")]),
            pair("docs.example", "https")
        );
        assert_eq!(said(&[(HOST, "evil.example"), (HOST, "docs.example:8443")]), pair("docs.example:8443", ""));
        let chain = [(FOR, "6.6.6.6, 1.2.3.4, 10.0.0.2"), (HOST, "evil.example, docs.example, inside")];
        assert_eq!(said(&chain), pair("docs.example", ""));
        assert_eq!(said(&[(FOR, "1.2.3.4, 10.0.0.2"), (HOST, "docs.example")]), pair("docs.example", ""));
    }

    #[test]
    fn a_stranger_says_nothing() {
        let stranger = client("9.9.9.9", &[(FOR, "1.2.3.4"), (HOST, "evil.example"), (PROTO, "https")]);
        assert_eq!(stranger, Client { address: "9.9.9.9".parse().expect("address"), host: None, scheme: None });
    }
}
