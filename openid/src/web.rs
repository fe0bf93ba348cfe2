//! Addresses and forms: as much of URLs as the protocol needs.

use core::fmt;

/// The longest address that is taken, in bytes.
pub const LONGEST: usize = 8 * 1024;

/// Why a text is no address that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadAddress {
    /// It is too long, or has a blank or another character that addresses have not.
    Malformed,
    /// It is neither `https` nor, where that is allowed, `http`.
    Scheme,
    /// There is no host, or a user before it.
    Host,
    /// There is a query or a fragment, which is not allowed here.
    Tail,
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is no address",
            Self::Scheme => "it does not begin with https://",
            Self::Host => "it has no host, or a user in it",
            Self::Tail => "it has a query or a fragment",
        })
    }
}

impl core::error::Error for BadAddress {}

/// An absolute address of the web, taken apart; its text is kept as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// Whether it is `https`.
    pub secure: bool,
    /// Scheme and host with its port: `https://id.example.org`.
    pub origin: &'a str,
    /// The path, from its first slash; may be empty.
    pub path: &'a str,
    /// What comes after the question mark.
    pub query: Option<&'a str>,
    /// What comes after the number sign.
    pub fragment: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// Reads an `https` or `http` address.
    ///
    /// # Errors
    /// [`BadAddress`].
    pub fn parse(text: &'a str) -> Result<Self, BadAddress> {
        let allowed = |byte: &u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(byte);
        if text.len() > LONGEST || !text.as_bytes().iter().all(allowed) {
            return Err(BadAddress::Malformed);
        }
        let (scheme, after) = text.split_once("://").ok_or(BadAddress::Scheme)?;
        let secure = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ => return Err(BadAddress::Scheme),
        };
        let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.starts_with(':') || authority.contains('@') {
            return Err(BadAddress::Host);
        }
        let (origin, tail) = text
            .split_at_checked(scheme.len() + 3 + authority.len())
            .ok_or(BadAddress::Malformed)?;
        let (tail, fragment) = split(tail, '#');
        let (path, query) = split(tail, '?');
        Ok(Self {
            secure,
            origin,
            path,
            query,
            fragment,
        })
    }

    /// Reads the identifier of an issuer or an authorization server: no query, no fragment.
    ///
    /// # Errors
    /// [`BadAddress`].
    pub fn identifier(text: &'a str) -> Result<Self, BadAddress> {
        let address = Self::parse(text)?;
        if address.query.is_some() || address.fragment.is_some() {
            return Err(BadAddress::Tail);
        }
        Ok(address)
    }

    /// Whether both are the same place: scheme and host without regard to case, without the port that goes without saying,
    /// and without query and fragment (RFC 9449, 4.3).
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        let path = |address: &Self| {
            if address.path.is_empty() {
                "/"
            } else {
                address.path
            }
            .to_owned()
        };
        self.plain_origin() == other.plain_origin() && path(self) == path(other)
    }

    fn plain_origin(&self) -> String {
        let origin = self.origin.to_ascii_lowercase();
        let port = if self.secure { ":443" } else { ":80" };
        origin.strip_suffix(port).map(str::to_owned).unwrap_or(origin)
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Where a document about an identifier is: first as it is since the final version, the segment put between host and
/// path, then as it was before, appended (OpenID4VCI 1.0, 12.2.2; RFC 8414, 3.1).
///
/// # Errors
/// [`BadAddress`] if the identifier is none.
pub fn well_known(identifier: &str, document: &str) -> Result<[String; 2], BadAddress> {
    let Address { origin, path, .. } = Address::identifier(identifier)?;
    let path = path.strip_suffix('/').unwrap_or(path);
    Ok([
        format!("{origin}/.well-known/{document}{path}"),
        format!("{origin}{path}/.well-known/{document}"),
    ])
}

/// Why a form was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadForm {
    /// It is too large, or not UTF-8.
    Malformed,
    /// A parameter is there twice (RFC 6749, 3.2).
    Repeated(&'static str),
    /// A parameter is missing.
    Missing(&'static str),
    /// A parameter is not what it should be.
    Value(&'static str),
}

impl fmt::Display for BadForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the form cannot be read"),
            Self::Repeated(name) => write!(f, "the parameter {name} is there twice"),
            Self::Missing(name) => write!(f, "the parameter {name} is missing"),
            Self::Value(name) => write!(f, "the parameter {name} is not what it should be"),
        }
    }
}

impl core::error::Error for BadForm {}

/// A form or a query (`application/x-www-form-urlencoded`).
#[derive(Clone, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of a request, or what comes after a question mark.
    ///
    /// # Errors
    /// [`BadForm::Malformed`] over 256 KiB, if it is not text, or has the character U+0000.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        if body.len() > 256 * 1024 || core::str::from_utf8(body).is_err() {
            return Err(BadForm::Malformed);
        }
        let pairs: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        // Nothing means anything by it, and not everything can keep it.
        if pairs
            .iter()
            .any(|(name, value)| name.contains('\0') || value.contains('\0'))
        {
            return Err(BadForm::Malformed);
        }
        Ok(Self(pairs))
    }

    /// A parameter. One without a value counts as left out (RFC 6749, 3.1).
    ///
    /// # Errors
    /// [`BadForm::Repeated`].
    pub fn get(&self, name: &'static str) -> Result<Option<&str>, BadForm> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        let first = found.next();
        if found.next().is_some() {
            return Err(BadForm::Repeated(name));
        }
        Ok(first
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty()))
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// [`BadForm::Missing`] or [`BadForm::Repeated`].
    pub fn required(&self, name: &'static str) -> Result<&str, BadForm> {
        self.get(name)?.ok_or(BadForm::Missing(name))
    }

    /// Adds a parameter.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Adds a parameter if there is one.
    pub(crate) fn add_if(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    /// The text for a body or a query.
    pub(crate) fn encode(&self) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.0 {
            out.append_pair(name, value);
        }
        out.finish()
    }
}

impl fmt::Debug for Form {
    /// The names alone: values are codes and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_documents_are_between_host_and_path_and_were_after_it() {
        assert_eq!(
            well_known("https://id.example.org/t/dmv", "openid-credential-issuer").unwrap(),
            [
                "https://id.example.org/.well-known/openid-credential-issuer/t/dmv",
                "https://id.example.org/t/dmv/.well-known/openid-credential-issuer"
            ]
        );
        let [new, old] = well_known("https://id.example.org/", "x").unwrap();
        assert_eq!(
            (new.as_str(), new == old),
            ("https://id.example.org/.well-known/x", true)
        );
        assert_eq!(well_known("https://a/b?c", "x"), Err(BadAddress::Tail));
    }

    #[test]
    fn addresses_are_taken_apart_and_bad_ones_refused() {
        let address = Address::parse("https://a.example:8443/b/c?d=e#f").unwrap();
        assert_eq!(address.origin, "https://a.example:8443");
        assert_eq!(
            (address.path, address.query, address.fragment),
            ("/b/c", Some("d=e"), Some("f"))
        );
        for (text, expected) in [
            ("ftp://a", BadAddress::Scheme),
            ("a", BadAddress::Scheme),
            ("https:///a", BadAddress::Host),
            ("https://u@a/", BadAddress::Host),
            ("https://a/\u{e9}", BadAddress::Malformed),
            ("https://a/ b", BadAddress::Malformed),
            ("https://a\\b", BadAddress::Malformed),
        ] {
            assert_eq!(Address::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn places_are_the_same_without_ports_and_queries_that_do_not_matter() {
        let same = |a, b| Address::parse(a).unwrap().same_place(&Address::parse(b).unwrap());
        assert!(same("https://A.example:443/b?x", "HTTPS://a.example/b#y"));
        assert!(same("https://a", "https://a/"));
        assert!(!same("https://a/b", "https://a/B"));
        assert!(!same("https://a/b", "http://a/b"));
        assert!(!same("https://a:8443/b", "https://a/b"));
    }

    #[test]
    fn parameters_come_once() {
        let form = Form::parse(b"a=1&b=&c=%20x+y&a=2&d=%F0%9F%98%80").unwrap();
        assert_eq!(form.get("a"), Err(BadForm::Repeated("a")));
        assert_eq!((form.get("b"), form.get("c")), (Ok(None), Ok(Some(" x y"))));
        assert_eq!(form.required("b"), Err(BadForm::Missing("b")));
        assert_eq!(form.get("d"), Ok(Some("😀")));
    }
}
