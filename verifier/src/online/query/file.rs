//! Who may be asked, out of the file that an issuer gives to a verifier.

use core::fmt;
use std::net::IpAddr;
use std::sync::Mutex;

use mdoc_cli::net;
use zeroize::Zeroizing;

use super::StatusQuery;

/// The members of the file.
const MEMBERS: [&str; 3] = ["issuer", "client-id", "client-secret"];

/// Why a text does not say whom to ask. Nothing of the text is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadQuery {
    /// It is no TOML, from this line on.
    Form(usize),
    /// That member is missing, or is no text.
    Missing(&'static str),
    /// There is a member that is none of the three.
    Unknown,
    /// The issuer's address is none: `https://HOST` and perhaps a path, without a query.
    Address,
    /// The issuer's address is without TLS, and not of this machine: others would learn the secret.
    Insecure,
    /// That member has a character that identifiers and secrets of clients have not, or is too long.
    Characters(&'static str),
}

impl fmt::Display for BadQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(line) => write!(f, "it is no TOML (line {line})"),
            Self::Missing(member) => write!(f, "`{member}` is missing, or is no text"),
            Self::Unknown => f.write_str("it has more than `issuer`, `client-id` and `client-secret`"),
            Self::Address => f.write_str("`issuer` is no address of an issuer"),
            Self::Insecure => {
                f.write_str("`issuer` is without TLS, and the secret would go over the network as it is")
            }
            Self::Characters(member) => write!(f, "`{member}` has characters that none has, or is too long"),
        }
    }
}

impl core::error::Error for BadQuery {}

impl StatusQuery {
    /// Whom to ask: the issuer's address, `https` or that of a service on this machine, and the client's credentials.
    ///
    /// # Errors
    /// [`BadQuery`].
    pub fn new(issuer: &str, client: &str, secret: Zeroizing<String>) -> Result<Self, BadQuery> {
        let issuer = issuer.trim_end_matches('/');
        let (uri, secure) = net::address(issuer, true).map_err(|_| BadQuery::Address)?;
        if issuer.contains(['?', '#']) || !issuer.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadQuery::Address);
        }
        if !secure && !uri.host().is_some_and(is_here) {
            return Err(BadQuery::Insecure);
        }
        for (member, text) in [("client-id", client), ("client-secret", &secret)] {
            // These need no escapes in the header (RFC 6749, 2.3.1; RFC 3986, 2.3).
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if text.is_empty() || text.len() > 512 || !text.bytes().all(plain) {
                return Err(BadQuery::Characters(member));
            }
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            client: client.to_owned(),
            secret,
            token: Mutex::new(None),
        })
    }

    /// Reads TOML with the texts `issuer`, `client-id` and `client-secret`.
    ///
    /// # Errors
    /// [`BadQuery`].
    pub fn from_toml(text: &str) -> Result<Self, BadQuery> {
        let table: toml::Table = text.parse().map_err(|why: toml::de::Error| {
            let before = why.span().and_then(|span| text.get(..span.start));
            BadQuery::Form(before.unwrap_or_default().lines().count().max(1))
        })?;
        let mut found = table.into_iter().map(|(name, value)| match value {
            toml::Value::String(text) => (name, Some(Zeroizing::new(text))),
            _ => (name, None),
        });
        let mut taken = [None, None, None];
        for (name, value) in found.by_ref() {
            let place = MEMBERS.iter().position(|member| *member == name);
            let place = place
                .and_then(|place| taken.get_mut(place))
                .ok_or(BadQuery::Unknown)?;
            *place = value;
        }
        let [issuer, client, secret] = taken;
        let text = |member, value: Option<Zeroizing<String>>| value.ok_or(BadQuery::Missing(member));
        let (issuer, client) = (text("issuer", issuer)?, text("client-id", client)?);
        Self::new(&issuer, &client, text("client-secret", secret)?)
    }
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(issuer: &str, client: &str, secret: &str) -> Result<String, BadQuery> {
        let text = format!("issuer = \"{issuer}\"\nclient-id = \"{client}\"\nclient-secret = \"{secret}\"\n");
        StatusQuery::from_toml(&text).map(|query| format!("{query:?}"))
    }

    #[test]
    fn a_file_says_whom_to_ask_and_its_secret_is_not_shown() {
        let shown = "StatusQuery(https://id.example.org/t/club)";
        let read = |issuer: &str| read(issuer, "gate-7", "s3cret");
        assert_eq!(read("https://id.example.org/t/club/").unwrap(), shown);
        for here in ["http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1"] {
            assert!(read(here).is_ok(), "{here}");
        }
        for (issuer, why) in [
            ("http://id.example.org", BadQuery::Insecure),
            ("http://10.0.0.1", BadQuery::Insecure),
            ("ftp://id.example.org", BadQuery::Address),
            ("https://a@id.example.org", BadQuery::Address),
            ("https://id.example.org?a=b", BadQuery::Address),
            ("id.example.org", BadQuery::Address),
            ("", BadQuery::Address),
        ] {
            assert_eq!(read(issuer), Err(why), "{issuer}");
        }
    }

    #[test]
    fn what_is_no_such_file_is_named_and_not_quoted() {
        let issuer = "https://id.example.org";
        assert_eq!(read(issuer, "a:b", "x"), Err(BadQuery::Characters("client-id")));
        assert_eq!(
            read(issuer, "a", "hunter 2"),
            Err(BadQuery::Characters("client-secret"))
        );
        let of = |text: &str| StatusQuery::from_toml(text).map(|_| ());
        assert_eq!(of(""), Err(BadQuery::Missing("issuer")));
        assert_eq!(of("issuer = 1"), Err(BadQuery::Missing("issuer")));
        assert_eq!(of("\n\nclient-secret = hunter2"), Err(BadQuery::Form(3)));
        assert_eq!(of("other = \"a\""), Err(BadQuery::Unknown));
        for why in [
            BadQuery::Form(3),
            BadQuery::Unknown,
            BadQuery::Address,
            BadQuery::Insecure,
        ] {
            assert!(!why.to_string().is_empty());
        }
    }
}
