//! What the service asks of wallets, what it tells them, and from where they come.

use core::fmt;
use core::net::IpAddr;

use mdoc_openid::jose::trust::Trust;
use mdoc_openid::web::Address;

/// What the service asks of wallets, and tells them.
#[derive(Debug, Clone, Default)]
pub struct Wallets {
    /// Whose word of wallets and their keys counts.
    pub trust: Trust,
    /// Whether every wallet has to come with its provider's word.
    pub attested: bool,
    /// Whether that word has to come with a challenge of ours.
    pub challenges: bool,
    /// Whether proofs of DPoP have to carry a nonce of ours.
    pub dpop_nonces: bool,
    /// Where browsers are sent after a sign-in; without any there is no sign-in.
    pub redirect_uris: Vec<RedirectUri>,
    /// Wallets for those who have none.
    pub apps: Vec<App>,
}

/// A wallet that may be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// What people call it.
    pub name: String,
    /// Where it is had, by `https`.
    pub url: String,
}

/// An address that a wallet may have browsers sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(String);

/// Why an address is none that browsers may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadRedirect {
    /// It is no address.
    Malformed,
    /// It has a fragment (RFC 6749, 3.1.2).
    Fragment,
    /// It is `http` and not of this very machine, or of a scheme that runs or shows what is in it.
    Scheme,
}

impl fmt::Display for BadRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is no address",
            Self::Fragment => "it has a fragment",
            Self::Scheme => {
                "it is https://…, the scheme of an app such as org.example.wallet:/callback, or http://127.0.0.1/… or \
                 http://[::1]/… for a program on the same machine"
            }
        })
    }
}

impl core::error::Error for BadRedirect {}

/// Schemes by which a browser does something else than going somewhere.
const HARMFUL: [&str; 10] = [
    "javascript",
    "data",
    "vbscript",
    "file",
    "blob",
    "about",
    "filesystem",
    "view-source",
    "ws",
    "wss",
];

/// Hosts of the very machine, with any port (RFC 8252, 7.3).
const LOOPBACK: [&str; 2] = ["127.0.0.1", "[::1]"];

impl RedirectUri {
    /// Takes an address of the configuration.
    ///
    /// # Errors
    /// [`BadRedirect`].
    pub fn parse(text: &str) -> Result<Self, BadRedirect> {
        let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte);
        let (scheme, rest) = text.split_once(':').ok_or(BadRedirect::Malformed)?;
        let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if text.len() > 2048
            || rest.is_empty()
            || !text.bytes().all(allowed)
            || !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            || !scheme.bytes().all(in_scheme)
        {
            return Err(BadRedirect::Malformed);
        }
        if text.contains('#') {
            return Err(BadRedirect::Fragment);
        }
        let is = |other: &str| scheme.eq_ignore_ascii_case(other);
        if HARMFUL.into_iter().any(is) {
            return Err(BadRedirect::Scheme);
        }
        if is("http") || is("https") {
            let address = Address::parse(text).map_err(|_| BadRedirect::Malformed)?;
            let host = host(&address);
            let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
            if !address.origin.bytes().skip(scheme.len() + 3).all(in_host) {
                return Err(BadRedirect::Malformed);
            }
            if !address.secure && !LOOPBACK.contains(&host) {
                return Err(BadRedirect::Scheme);
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a wallet may give that one: the same byte for byte, but for the port where it is one of this very machine.
    #[must_use]
    pub fn allows(&self, given: &str) -> bool {
        if self.0 == given {
            return true;
        }
        let (Ok(ours), Ok(theirs)) = (Address::parse(&self.0), Address::parse(given)) else {
            return false;
        };
        !ours.secure
            && !theirs.secure
            && LOOPBACK.contains(&host(&ours))
            && host(&ours) == host(&theirs)
            && port(&theirs).is_none_or(|port| port.parse::<u16>().is_ok())
            && (ours.path, ours.query) == (theirs.path, theirs.query)
            && theirs.fragment.is_none()
    }
}

/// What a policy for forms calls the place of an address: its origin, or its scheme.
#[must_use]
pub fn place(redirect_uri: &str) -> String {
    match Address::parse(redirect_uri) {
        Ok(address) => address.origin.to_owned(),
        Err(_) => {
            let scheme = redirect_uri.split(':').next().unwrap_or_default();
            format!("{scheme}:")
        }
    }
}

/// The host of an address, without its port.
fn host<'a>(address: &Address<'a>) -> &'a str {
    authority(address).0
}

fn port<'a>(address: &Address<'a>) -> Option<&'a str> {
    authority(address).1
}

fn authority<'a>(address: &Address<'a>) -> (&'a str, Option<&'a str>) {
    let authority = address.origin.split_once("://").map_or("", |(_, rest)| rest);
    // The colons of an IPv6 address are within brackets.
    let from = authority.rfind(']').unwrap_or(0);
    match authority.get(from..).and_then(|tail| tail.find(':')) {
        Some(at) => {
            let (host, port) = authority.split_at_checked(from + at).unwrap_or((authority, ""));
            (host, port.get(1..))
        }
        None => (authority, None),
    }
}

/// Who forwards requests to the service, and in which header it says whose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// The addresses of those that are believed.
    pub believed: Vec<IpAddr>,
    /// Which header they write.
    pub header: ForwardedBy,
}

/// The header in which a proxy says who asked it. The other one is not looked at: whoever asked may have written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ForwardedBy {
    /// The name of the header, in small letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The header of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::XForwardedFor, Self::Forwarded]
            .into_iter()
            .find(|header| header.name().eq_ignore_ascii_case(name))
    }
}

impl Proxies {
    /// Whether what is said from there of who asks is believed.
    #[must_use]
    pub fn believes(&self, connected: IpAddr) -> bool {
        self.believed.contains(&connected.to_canonical())
    }

    /// Who asked, given who is connected and what the header says: the last one that is not a proxy of ours. What stands
    /// before it, anybody may have written.
    #[must_use]
    pub fn client<'h>(&self, connected: IpAddr, header: impl DoubleEndedIterator<Item = &'h str>) -> IpAddr {
        let mut client = connected.to_canonical();
        let hops = header.rev().flat_map(|line| line.rsplit(','));
        for hop in hops {
            if !self.believed.contains(&client) {
                break;
            }
            let named = match self.header {
                ForwardedBy::XForwardedFor => ip(hop),
                ForwardedBy::Forwarded => hop.split(';').find_map(|pair| {
                    let (name, value) = pair.split_once('=')?;
                    name.trim()
                        .eq_ignore_ascii_case("for")
                        .then(|| ip(value))
                        .flatten()
                }),
            };
            match named {
                Some(named) => client = named,
                None => break,
            }
        }
        client
    }
}

/// An address as it stands in such a header: perhaps in quotes, perhaps with a port.
fn ip(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None if text.matches(':').count() == 1 => text.split(':').next()?,
        None => text,
    };
    bare.parse().map(|ip: IpAddr| ip.to_canonical()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_sent_to_what_is_set_and_nowhere_else() {
        let allowed = |set: &str, given: &str| RedirectUri::parse(set).unwrap().allows(given);
        for same in [
            "https://wallet.example/cb",
            "org.example.wallet:/cb?x=1",
            "http://127.0.0.1/cb",
        ] {
            assert!(allowed(same, same));
        }
        for (set, given) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:53423/cb"),
            ("http://127.0.0.1:80/cb", "http://127.0.0.1:1/cb"),
            ("http://[::1]/cb", "http://[::1]:5/cb"),
        ] {
            assert!(allowed(set, given), "{given}");
        }
        for (set, given) in [
            ("https://wallet.example/cb", "https://wallet.example/cb/"),
            ("https://wallet.example/cb", "https://wallet.example/cb?x"),
            ("https://wallet.example/cb", "https://wallet.example:8443/cb"),
            ("https://wallet.example/cb", "https://WALLET.example/cb"),
            ("https://wallet.example/cb", "http://wallet.example/cb"),
            (
                "https://wallet.example/cb",
                "https://wallet.example.evil.example/cb",
            ),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/other"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:x/cb"),
            ("http://127.0.0.1/cb", "http://[::1]:1/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1/cb#x"),
            ("org.example.wallet:/cb", "org.example.wallet:/cb2"),
        ] {
            assert!(!allowed(set, given), "{given}");
        }
    }

    #[test]
    fn an_address_that_does_harm_is_refused() {
        for (text, why) in [
            ("wallet", BadRedirect::Malformed),
            ("", BadRedirect::Malformed),
            ("x:", BadRedirect::Malformed),
            ("https://a b", BadRedirect::Malformed),
            ("https://a/\r\nx", BadRedirect::Malformed),
            ("https://u@a/", BadRedirect::Malformed),
            ("https://a;b/", BadRedirect::Malformed),
            ("1x:/a", BadRedirect::Malformed),
            ("https://a/#x", BadRedirect::Fragment),
            ("http://wallet.example/", BadRedirect::Scheme),
            ("http://localhost/", BadRedirect::Scheme),
            ("JavaScript:alert(1)", BadRedirect::Scheme),
            ("data:text/html,x", BadRedirect::Scheme),
        ] {
            assert_eq!(RedirectUri::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_policy_names_the_origin_or_the_scheme() {
        assert_eq!(place("https://a.example:8443/cb?x"), "https://a.example:8443");
        assert_eq!(place("http://[::1]:5/cb"), "http://[::1]:5");
        assert_eq!(place("org.example.wallet:/cb"), "org.example.wallet:");
        assert_eq!(place("openid4vci://cb"), "openid4vci:");
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_of_ours_is_who_asked() {
        let proxies = |header| Proxies {
            believed: vec!["127.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()],
            header,
        };
        let (plain, rfc) = (ForwardedBy::XForwardedFor, ForwardedBy::Forwarded);
        for (header, connected, lines, expected) in [
            (plain, "192.0.2.1", &["203.0.113.9"][..], "192.0.2.1"),
            (plain, "127.0.0.1", &[], "127.0.0.1"),
            (plain, "127.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            (plain, "::ffff:127.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            (plain, "127.0.0.1", &["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            (
                plain,
                "127.0.0.1",
                &["6.6.6.6", "203.0.113.9, 10.0.0.2"],
                "203.0.113.9",
            ),
            (plain, "127.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            (plain, "127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            (plain, "127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            (plain, "127.0.0.1", &["unknown"], "127.0.0.1"),
            (plain, "127.0.0.1", &["for=203.0.113.9"], "127.0.0.1"),
            (
                rfc,
                "127.0.0.1",
                &["for=6.6.6.6, For=\"[2001:db8::1]:5\";proto=https"],
                "2001:db8::1",
            ),
            (rfc, "127.0.0.1", &["203.0.113.9"], "127.0.0.1"),
        ] {
            let client = proxies(header).client(connected.parse().unwrap(), lines.iter().copied());
            assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{lines:?}");
        }
    }
}
