//! Messages to phones by a gateway that is asked over HTTP, as its operator wants it: address, headers and body are templates.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;

use mdoc_cli::net::{self, Network, Reach, Unreachable};
use minijinja::{Environment, Value};
use ureq::http::{HeaderName, HeaderValue, Method, Request};
use zeroize::Zeroizing;

use super::template::{Filled, environment};
use super::{Carrier, digits};
use crate::domain::id::MessageId;
use crate::usecase::outbox::Outcome;

/// How long the gateway may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a gateway is asked.
#[derive(Clone)]
pub struct Gateway {
    /// Where; what is put in stands after the host.
    pub url: String,
    /// `POST`, `PUT` or `GET`.
    pub method: String,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// The body; what is put in is escaped as `Content-Type` asks for it.
    pub body: String,
    /// What templates call `secret`.
    pub secret: Zeroizing<String>,
    /// Whether hosts of private networks may be asked, and without TLS.
    pub internal: bool,
    /// Certificates that TLS trusts instead of those of the system, each in DER.
    pub roots: Option<Vec<Vec<u8>>>,
}

/// What is wrong with a gateway's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadGateway {
    /// Which setting.
    pub key: &'static str,
    /// What it has to be.
    pub rule: String,
}

impl fmt::Display for BadGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.rule)
    }
}

impl core::error::Error for BadGateway {}

/// A gateway that may be asked.
pub struct HttpGateway {
    method: Method,
    host: String,
    names: Vec<String>,
    environment: Environment<'static>,
    body: String,
    secret: Zeroizing<String>,
    network: Network,
    internal: bool,
}

const URL: &str = "address.url";

impl HttpGateway {
    /// Takes the settings of a gateway, and tries its templates.
    ///
    /// # Errors
    /// [`BadGateway`] with the setting and its rule.
    pub fn new(gateway: &Gateway) -> Result<Self, BadGateway> {
        let bad = |key, rule: &str| {
            let rule = rule.to_owned();
            BadGateway { key, rule }
        };
        let host = fixed_host(&gateway.url).ok_or_else(|| {
            bad(
                "url",
                "it is an address with a host, and nothing is put in before the first / after it",
            )
        })?;
        let method = match gateway.method.as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            _ => return Err(bad("method", "it is GET, POST or PUT")),
        };
        let kind = gateway
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map_or("", |(_, kind)| kind.as_str());
        let body = match kind.split(';').next().unwrap_or_default().trim() {
            "application/json" => "body.json",
            "application/x-www-form-urlencoded" => "body.url",
            "application/xml" | "text/xml" => "body.html",
            "text/plain" | "" => "body.txt",
            _ => {
                let rule = "Content-Type is application/json, application/x-www-form-urlencoded, application/xml or text/plain";
                return Err(bad("headers", rule));
            }
        };
        let mut environment = environment();
        let mut add = |name: String, source: &str, key| {
            environment
                .add_template_owned(name, source.to_owned())
                .map_err(|why| bad(key, &why.to_string()))
        };
        add(URL.to_owned(), &gateway.url, "url")?;
        add(body.to_owned(), &gateway.body, "body")?;
        for (name, value) in &gateway.headers {
            if HeaderName::try_from(name.as_str()).is_err() {
                return Err(bad("headers", "a name is none of a header"));
            }
            add(header(name), value, "headers")?;
        }
        let reach = if gateway.internal {
            Reach::Everywhere
        } else {
            Reach::Public
        };
        let gateway = Self {
            method,
            host,
            names: gateway.headers.keys().cloned().collect(),
            environment,
            body: body.to_owned(),
            secret: gateway.secret.clone(),
            network: match &gateway.roots {
                Some(roots) => Network::trusting(reach, roots),
                None => Network::new(reach),
            },
            internal: gateway.internal,
        };
        let id = MessageId::given("example").ok_or_else(|| bad("url", "it cannot be tried"))?;
        gateway
            .request(&id, "+441632960123", "Hello")
            .map_err(|why| bad("url, headers and body", &why))?;
        Ok(gateway)
    }

    fn render(&self, name: &str, filling: &Value) -> Result<String, String> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(filling.clone()))
            // Details may repeat what was put in.
            .map_err(|why| format!("{name} cannot be filled: {}", why.kind()))
    }

    fn request(&self, id: &MessageId, number: &str, text: &str) -> Result<Request<Vec<u8>>, String> {
        let filling = Value::from_pairs([
            ("id", id.as_str()),
            ("number", number),
            ("digits", &digits(number)),
            ("text", text),
            ("secret", self.secret.as_str()),
        ]);
        let url = self.render(URL, &filling)?;
        let uri = net::address(&url, self.internal)
            .map_err(|why| why.to_string())?
            .0;
        if uri.authority().map(|authority| authority.as_str()) != Some(self.host.as_str()) {
            return Err("the address leads to another host than the one that is set".to_owned());
        }
        let mut request = Request::builder().method(self.method.clone()).uri(uri);
        for name in &self.names {
            let value = self.render(&header(name), &filling)?;
            let mut value =
                HeaderValue::from_str(&value).map_err(|_| format!("the header {name} is no text"))?;
            value.set_sensitive(true);
            request = request.header(name.as_str(), value);
        }
        let body = if self.method == Method::GET {
            Vec::new()
        } else {
            self.render(&self.body, &filling)?.into_bytes()
        };
        request.body(body).map_err(|why| why.to_string())
    }
}

fn header(name: &str) -> String {
    format!("header {}.txt", name.to_ascii_lowercase())
}

/// The host of a template, if nothing is put into it.
fn fixed_host(template: &str) -> Option<String> {
    let rest = template
        .strip_prefix("https://")
        .or_else(|| template.strip_prefix("http://"))?;
    let (authority, _) = rest.split_once(['/', '?'])?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    (!authority.is_empty() && authority.bytes().all(plain)).then(|| authority.to_owned())
}

impl Carrier for HttpGateway {
    fn carry(
        &self,
        id: &MessageId,
        to: &str,
        filled: &Filled,
        ready: &mut dyn FnMut() -> Result<(), String>,
    ) -> Outcome {
        let request = match self.request(id, to, filled.text.trim_end()) {
            Ok(request) => request,
            Err(why) => return Outcome::Never(why),
        };
        let agent = self.network.agent(net::Terms {
            user_agent: "mdoc-service",
            secure: request.uri().scheme_str() == Some("https"),
            redirects: false,
            time: PATIENCE,
        });
        let agent = match agent {
            Ok(agent) => agent,
            Err(why) => return Outcome::Later(why.to_string()),
        };
        if let Err(why) = ready() {
            return Outcome::Later(why);
        }
        match agent.run(request) {
            Ok(answer) => judged(answer.status().as_u16()),
            Err(why) if never_connected(&why) => Outcome::Later(net::unreachable(why).to_string()),
            Err(why) => match net::unreachable(why) {
                why @ (Unreachable::Private | Unreachable::HostUnknown | Unreachable::Tls(_)) => {
                    Outcome::Later(why.to_string())
                }
                why => Outcome::Unknown(why.to_string()),
            },
        }
    }
}

fn never_connected(why: &ureq::Error) -> bool {
    match why {
        ureq::Error::ConnectionFailed => true,
        ureq::Error::Io(why) => why.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

fn judged(status: u16) -> Outcome {
    let why = format!("the gateway answered {status}");
    match status {
        200..=299 => Outcome::Sent,
        // It did nothing, and will later, or as soon as somebody mends the address or what it knows this service by.
        401 | 403 | 404 | 407 | 408 | 425 | 429 | 503 => Outcome::Later(why),
        300..=499 => Outcome::Never(why),
        _ => Outcome::Unknown(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway() -> Gateway {
        Gateway {
            url: "https://sms.example.org/send?to={{ digits }}".to_owned(),
            method: "POST".to_owned(),
            headers: BTreeMap::from([
                ("Authorization".to_owned(), "Bearer {{ secret }}".to_owned()),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ]),
            body: "{\"to\": {{ number }}, \"text\": {{ text }}, \"id\": {{ id }}}".to_owned(),
            secret: Zeroizing::new("s3cret".to_owned()),
            internal: false,
            roots: None,
        }
    }

    #[test]
    fn what_is_put_in_stays_what_it_is() {
        let id = MessageId::given("one").unwrap();
        let text = "\",\"to\":\"+1\u{1}<&>\r\n";
        let made = HttpGateway::new(&gateway())
            .unwrap()
            .request(&id, "+44 1632", text)
            .unwrap();
        assert_eq!(made.uri(), "https://sms.example.org/send?to=441632");
        assert_eq!(made.headers()["authorization"], "Bearer s3cret");
        let body: serde_json::Value = serde_json::from_slice(made.body()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({ "to": "+44 1632", "text": text, "id": "one" })
        );
        assert!(!format!("{:?}", made.headers()).contains("s3cret"));

        let mut form = gateway();
        form.headers = BTreeMap::from([(
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        )]);
        form.body = "to={{ number }}&text={{ text }}".to_owned();
        let made = HttpGateway::new(&form)
            .unwrap()
            .request(&id, "+44", "a&to=+1 b")
            .unwrap();
        assert_eq!(made.body(), b"to=%2B44&text=a%26to%3D%2B1%20b");
    }

    #[test]
    fn nothing_leads_to_another_host_or_into_a_header() {
        for url in [
            "https://{{ digits }}.example.org/",
            "https://sms.example.org{{ text }}/",
            "https://sms.example.org@{{ text }}/",
            "https://sms.example.org",
            "ftp://sms.example.org/",
            "http://sms.example.org/",
            "https:///x",
        ] {
            let mut other = gateway();
            other.url = url.to_owned();
            assert!(HttpGateway::new(&other).is_err(), "{url}");
        }
        let mut other = gateway();
        other.headers.insert("X-Text".to_owned(), "{{ text }}".to_owned());
        let made = HttpGateway::new(&other).unwrap();
        let id = MessageId::given("one").unwrap();
        assert!(made.request(&id, "+44", "a\r\nX-Other: b").is_err());
    }

    #[test]
    fn private_hosts_are_asked_only_if_that_is_set() {
        let mut private = gateway();
        private.url = "https://127.0.0.1:1/".to_owned();
        let id = MessageId::given("one").unwrap();
        let filled = Filled {
            subject: None,
            text: "Hello".to_owned(),
            html: None,
        };
        let outcome = HttpGateway::new(&private)
            .unwrap()
            .carry(&id, "+44", &filled, &mut || Ok(()));
        assert_eq!(outcome, Outcome::Later(Unreachable::Private.to_string()));
    }

    #[test]
    fn the_status_says_whether_it_may_be_tried_again() {
        assert_eq!(judged(202), Outcome::Sent);
        for status in [401, 403, 404, 407, 408, 425, 429, 503] {
            assert!(matches!(judged(status), Outcome::Later(_)), "{status}");
        }
        assert!(matches!(judged(302), Outcome::Never(_)));
        assert!(matches!(judged(400), Outcome::Never(_)));
        assert!(matches!(judged(500), Outcome::Unknown(_)));
    }
}
