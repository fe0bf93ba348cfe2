//! What a browser sends with each request: cookies, and from which site a form comes.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use mdoc_openid::jose::{base64url, from_base64url};
use zeroize::Zeroizing;

use crate::service::Service;

/// A cookie of this service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Cookie {
    /// Somebody is signed in.
    Session,
    /// A password was right.
    Second,
    /// A provider was asked.
    Provider,
}

impl Cookie {
    /// Its name. With `__Host-` no other host, and nobody without TLS, can set it (RFC 6265bis, 4.1.3.2).
    fn name(self, secure: bool) -> String {
        let name = match self {
            Self::Session => "mdoc-operator",
            Self::Second => "mdoc-second",
            Self::Provider => "mdoc-provider",
        };
        if secure {
            format!("__Host-{name}")
        } else {
            name.to_owned()
        }
    }

    /// What the browser has of it; nothing if it has two, of which one may be somebody else's.
    pub(in crate::api) fn read(self, service: &Service, headers: &HeaderMap) -> Option<Zeroizing<Vec<u8>>> {
        let name = self.name(is_secure(service));
        let mut found = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(given, _)| *given == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => from_base64url(value).map(Zeroizing::new),
            _ => None,
        }
    }

    /// Gives it to the browser, for so many seconds.
    pub(super) fn set(self, service: &Service, response: &mut Response, (token, seconds): (&[u8], i64)) {
        self.write(service, response, (&base64url(token), seconds));
    }

    /// Takes it away.
    pub(super) fn clear(self, service: &Service, response: &mut Response) {
        self.write(service, response, ("", 0));
    }

    /// `Lax`, since a provider sends the browser back from another site; forms of other sites are refused by where they come
    /// from ([`is_ours`]).
    fn write(self, service: &Service, response: &mut Response, (value, seconds): (&str, i64)) {
        let secure = is_secure(service);
        let name = self.name(secure);
        let tls = if secure { "; Secure" } else { "" };
        let text = Zeroizing::new(format!(
            "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{tls}"
        ));
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
}

fn is_secure(service: &Service) -> bool {
    service.identifier.starts_with("https:")
}

/// The token of the session that the browser has, if it has one.
pub(in crate::api) fn session_token(service: &Service, headers: &HeaderMap) -> Option<Zeroizing<Vec<u8>>> {
    Cookie::Session.read(service, headers)
}

/// Scheme, host and port of the service, as browsers say where a form comes from.
pub(in crate::api) fn origin(service: &Service) -> &str {
    let identifier = service.identifier.as_str();
    let Some((scheme, rest)) = identifier.split_once("://") else {
        return identifier;
    };
    let end = scheme.len() + 3 + rest.find('/').unwrap_or(rest.len());
    identifier.get(..end).unwrap_or(identifier)
}

/// Whether what may change something was sent by a page of this service: browsers say so, by one header or the other, and
/// whatever says neither has no business with a cookie.
pub(in crate::api) fn is_ours(service: &Service, headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(from)) => from.eq_ignore_ascii_case(origin(service)),
        (None, None) => false,
    }
}
