//! Mail by SMTP (RFC 5321), with TLS (RFC 8314, RFC 3207) and a password (RFC 4954); also messages to phones, by a gateway that
//! takes mail.

use core::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, SUBMISSION_PORT, SUBMISSIONS_PORT};
use zeroize::Zeroizing;

use super::template::Filled;
use super::{Carrier, digits};
use crate::domain::id::MessageId;
use crate::usecase::outbox::Outcome;

/// How long the server may take for each of its answers.
const PATIENCE: Duration = Duration::from_secs(15);

/// How the connection to a server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after `STARTTLS`; without it nothing is sent.
    StartTls,
    /// Nothing; for a server on the very machine.
    Plain,
}

impl Security {
    /// The port that such servers have.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Tls => SUBMISSIONS_PORT,
            Self::StartTls => SUBMISSION_PORT,
            Self::Plain => 25,
        }
    }
}

/// A mail server that takes what this service sends.
pub struct Server {
    /// Its name, which its certificate has.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from others.
    pub security: Security,
    /// Whom TLS trusts.
    pub tls: Option<TlsParameters>,
    /// Who signs in there, and with what.
    pub login: Option<(String, Zeroizing<String>)>,
    /// From whom the mail is.
    pub from: Mailbox,
    /// What this service calls itself.
    pub hello: ClientId,
}

/// A server's refusal by its status, or whatever else went wrong before it had the message.
fn before(why: &Error) -> Outcome {
    if why.is_permanent() {
        Outcome::Never(words(why))
    } else {
        Outcome::Later(words(why))
    }
}

/// What a server says may repeat the address that it was given.
fn words(why: &Error) -> String {
    match why.status() {
        Some(status) => format!("the mail server answered {status}"),
        None if why.is_timeout() => "the mail server did not answer in time".to_owned(),
        None if why.is_tls() => "no TLS with the mail server: see its certificate".to_owned(),
        None => "the mail server could not be talked to".to_owned(),
    }
}

impl Server {
    fn connect(&self) -> Result<SmtpConnection, Error> {
        let wrapped = self.tls.as_ref().filter(|_| self.security == Security::Tls);
        let place = (self.host.as_str(), self.port);
        let mut connection = SmtpConnection::connect(place, Some(PATIENCE), &self.hello, wrapped, None)?;
        if let (Security::StartTls, Some(tls)) = (self.security, &self.tls) {
            connection.starttls(tls, &self.hello)?;
        }
        if let Some((name, password)) = &self.login {
            let credentials = Credentials::new(name.clone(), password.as_str().to_owned());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)?;
        }
        Ok(connection)
    }

    fn deliver(
        &self,
        envelope: &Envelope,
        message: &[u8],
        ready: &mut dyn FnMut() -> Result<(), String>,
    ) -> Outcome {
        let mut connection = match self.connect() {
            Ok(connection) => connection,
            // Whatever a server says of who signs in, another configuration mends it.
            Err(why) => return Outcome::Later(words(&why)),
        };
        let asked = connection
            .command(MailFrom::new(envelope.from().cloned(), Vec::new()))
            .and_then(|_| {
                for to in envelope.to() {
                    connection.command(Rcpt::new(to.clone(), Vec::new()))?;
                }
                connection.command(Data)
            });
        if let Err(why) = asked {
            let _bye = connection.quit();
            return before(&why);
        }
        if let Err(why) = ready() {
            connection.abort();
            return Outcome::Later(why);
        }
        let outcome = match connection.message(message) {
            Ok(_) => Outcome::Sent,
            Err(why) if why.is_permanent() || why.is_transient() => before(&why),
            Err(why) => Outcome::Unknown(words(&why)),
        };
        let _bye = connection.quit();
        outcome
    }
}

/// Answering machines leave such mail alone (RFC 3834, 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

fn compose(from: &Mailbox, to: &str, id: &MessageId, filled: &Filled) -> Result<Message, String> {
    let bad = "the address of mail is none that mail can be sent to";
    let to: Mailbox = Mailbox::new(None, to.parse().map_err(|_| bad.to_owned())?);
    let domain = from.email.domain();
    let builder = Message::builder()
        .message_id(Some(format!("<{id}@{domain}>")))
        .header(AutoSubmitted)
        .from(from.clone())
        .to(to)
        .subject(filled.subject.clone().unwrap_or_default());
    let text = SinglePart::builder()
        .header(ContentType::TEXT_PLAIN)
        .body(filled.text.clone());
    let made = match &filled.html {
        None => builder.singlepart(text),
        Some(html) => {
            let html = SinglePart::builder()
                .header(ContentType::TEXT_HTML)
                .body(html.clone());
            builder.multipart(MultiPart::alternative().singlepart(text).singlepart(html))
        }
    };
    made.map_err(|why| why.to_string())
}

impl Carrier for Server {
    fn carry(
        &self,
        id: &MessageId,
        to: &str,
        filled: &Filled,
        ready: &mut dyn FnMut() -> Result<(), String>,
    ) -> Outcome {
        match compose(&self.from, to, id, filled) {
            Ok(message) => self.deliver(message.envelope(), &message.formatted(), ready),
            Err(why) => Outcome::Never(why),
        }
    }
}

/// A gateway that takes mail to `<number>@<domain>` and sends its text to the phone.
pub struct MailToSms {
    /// The server that takes the mail.
    pub server: std::sync::Arc<Server>,
    /// The domain of the gateway.
    pub domain: String,
}

impl Carrier for MailToSms {
    fn carry(
        &self,
        id: &MessageId,
        to: &str,
        filled: &Filled,
        ready: &mut dyn FnMut() -> Result<(), String>,
    ) -> Outcome {
        let to = format!("{}@{}", digits(to), self.domain);
        let plain = Filled {
            html: None,
            ..filled.clone()
        };
        self.server.carry(id, &to, &plain, ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_person_makes_a_header() {
        let from: Mailbox = "Office <office@id.example.org>".parse().unwrap();
        let id = MessageId::given("one").unwrap();
        let filled = Filled {
            subject: Some("Ada\r\nBcc: eve@example.org".to_owned()),
            text: "Hello\r\n.\r\nMAIL FROM:<eve@example.org>".to_owned(),
            html: Some("<p>Hello</p>".to_owned()),
        };
        let message = compose(&from, "ada@example.org", &id, &filled).unwrap();
        let formatted = String::from_utf8(message.formatted()).unwrap();
        assert!(!formatted.contains("\nBcc:"), "{formatted}");
        assert!(
            formatted.contains("Message-ID: <one@id.example.org>"),
            "{formatted}"
        );
        assert!(
            formatted.contains("Auto-Submitted: auto-generated"),
            "{formatted}"
        );
        for bad in [
            "ada",
            "ada@example.org, eve@example.org",
            "ada@example.org\r\nRCPT TO:<eve@example.org>",
            "",
        ] {
            assert!(compose(&from, bad, &id, &filled).is_err(), "{bad}");
        }
    }
}
