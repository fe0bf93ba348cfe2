//! The part of the configuration about what is sent to people.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Config, ConfigError};

/// What is sent to people, and by what (E9).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notifications {
    /// A folder with templates of one's own.
    pub templates: Option<PathBuf>,
    /// How often a message is tried.
    pub tries: i64,
    /// How long it is waited after the first time, in seconds; twice as long after each further one.
    pub pause_seconds: i64,
    /// A folder that takes messages instead of anything that sends them, for trying the service out.
    pub folder: Option<PathBuf>,
    /// The mail server.
    pub mail: Option<MailServer>,
    /// What sends messages to phones.
    pub sms: Option<Sms>,
}

/// A mail server that takes what this service sends.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailServer {
    /// From whom the mail is: `Office <office@id.example.org>`.
    pub from: String,
    /// The name of the server, which its certificate has.
    pub host: String,
    /// Its port; 465 with `tls`, 587 with `starttls`.
    pub port: Option<u16>,
    /// `tls`, `starttls`, or `none` for a server on the very machine.
    #[serde(default = "tls")]
    pub security: String,
    /// Who signs in there.
    pub user: Option<String>,
    /// A file with the password, for its owner alone.
    pub password: Option<PathBuf>,
    /// A file of certificates that TLS trusts instead of those of the system.
    pub trust: Option<PathBuf>,
}

/// What sends messages to phones: a gateway that takes mail, or one that is asked over HTTP.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    /// The domain of a gateway that takes mail to `<number>@<domain>`.
    pub domain: Option<String>,
    /// The address of one that is asked over HTTP: a template.
    pub url: Option<String>,
    /// `POST`, `PUT` or `GET`; `POST` if none.
    pub method: Option<String>,
    /// Its headers: templates.
    pub headers: Option<BTreeMap<String, String>>,
    /// Its body: a template, escaped as `Content-Type` asks for it.
    pub body: Option<String>,
    /// A file with what templates call `secret`, for its owner alone.
    pub secret: Option<PathBuf>,
    /// Whether it recognises the `id` of what it was given before, so that it may be given it again.
    pub repeatable: Option<bool>,
    /// Whether it may be in a private network, and without TLS.
    pub internal: Option<bool>,
    /// A file of certificates that TLS trusts instead of those of the system.
    pub trust: Option<PathBuf>,
}

impl Sms {
    /// A setting of a gateway that is asked over HTTP, if there is one.
    fn of_http(&self) -> Option<&'static str> {
        let set = [
            ("notifications.sms.method", self.method.is_some()),
            ("notifications.sms.headers", self.headers.is_some()),
            ("notifications.sms.body", self.body.is_some()),
            ("notifications.sms.secret", self.secret.is_some()),
            ("notifications.sms.repeatable", self.repeatable.is_some()),
            ("notifications.sms.internal", self.internal.is_some()),
            ("notifications.sms.trust", self.trust.is_some()),
        ];
        set.into_iter().find_map(|(key, is_set)| is_set.then_some(key))
    }
}

impl Notifications {
    /// Every file and folder that is named.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let mail = self.mail.iter_mut();
        let sms = self.sms.iter_mut();
        self.templates
            .iter_mut()
            .chain(&mut self.folder)
            .chain(mail.flat_map(|mail| mail.password.iter_mut().chain(&mut mail.trust)))
            .chain(sms.flat_map(|sms| sms.secret.iter_mut().chain(&mut sms.trust)))
    }
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            templates: None,
            tries: 5,
            pause_seconds: 10,
            folder: None,
            mail: None,
            sms: None,
        }
    }
}

fn tls() -> String {
    "tls".to_owned()
}

/// Whether a host is the very machine.
fn is_here(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<core::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl Config {
    pub(super) fn check_notifications(&self) -> Result<(), ConfigError> {
        let wrong = |key, rule: &str| {
            let rule = rule.to_owned();
            Err(ConfigError::Value { key, rule })
        };
        let notifications = &self.notifications;
        if !(1..=100).contains(&notifications.tries) {
            return wrong("notifications.tries", "it is from 1 to 100");
        }
        if !(10..=3600).contains(&notifications.pause_seconds) {
            return wrong("notifications.pause_seconds", "it is from 10 to 3600");
        }
        if notifications.folder.is_some() && (notifications.mail.is_some() || notifications.sms.is_some()) {
            return wrong(
                "notifications.folder",
                "it takes all messages: there is no mail and no sms besides",
            );
        }
        if let Some(mail) = &notifications.mail {
            match mail.security.as_str() {
                "tls" | "starttls" => {}
                "none" if is_here(&mail.host) => {}
                "none" => {
                    return wrong(
                        "notifications.mail.security",
                        "without TLS nothing is sent but to localhost",
                    );
                }
                _ => return wrong("notifications.mail.security", "it is tls, starttls or none"),
            }
            if mail.user.is_some() != mail.password.is_some() {
                return wrong("notifications.mail.user", "user and password go together");
            }
        }
        if let Some(sms) = &notifications.sms {
            match (&sms.domain, &sms.url) {
                (Some(_), None) if notifications.mail.is_none() => {
                    return wrong(
                        "notifications.sms.domain",
                        "such a gateway is reached by notifications.mail",
                    );
                }
                (Some(_), None) => {
                    if let Some(key) = sms.of_http() {
                        let rule =
                            "it is for a gateway with a url; one with a domain takes mail: leave it out";
                        return wrong(key, rule);
                    }
                }
                (None, Some(_)) => {}
                _ => return wrong("notifications.sms", "it has either a domain or a url"),
            }
        }
        Ok(())
    }
}
