//! The part of the configuration about how operators sign in.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Config, ConfigError};

/// How operators sign in (E3).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operators {
    /// After how many minutes without a request somebody is signed in no more.
    pub idle_minutes: i64,
    /// After how many hours at most.
    pub session_hours: i64,
    /// How many hours an invitation may be taken.
    pub invitation_hours: i64,
    /// What a password costs whoever guesses it: memory, in KiB.
    pub password_memory: u32,
    /// The same: passes over that memory.
    pub password_passes: u32,
    /// A file of the certificates of authorities whose certificates operators may show, with `[tls]`.
    pub client_authorities: Option<PathBuf>,
    /// Whether proxies that are believed say in the header `client-cert` (RFC 9440) which certificate their connection has.
    pub client_certificate_header: bool,
    /// A provider of OpenID Connect.
    pub openid: Option<OpenId>,
}

/// A provider of OpenID Connect.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenId {
    /// What operators call it.
    pub name: String,
    /// Its issuer identifier.
    pub issuer: String,
    /// What it calls this service.
    pub client_id: String,
    /// A file with what this service shows it, for its owner alone; none for a public client.
    pub client_secret: Option<PathBuf>,
    /// The claim that is the external identity key of a person.
    #[serde(default = "sub")]
    pub claim: String,
    /// Scopes that are asked for besides `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// How somebody may have signed in there (`acr`); anyhow if empty.
    #[serde(default)]
    pub acr: Vec<String>,
    /// Whether it may be in a private network, and without TLS.
    #[serde(default)]
    pub internal: bool,
    /// A file of certificates that TLS trusts instead of those of the system.
    pub trust: Option<PathBuf>,
}

impl Default for Operators {
    fn default() -> Self {
        Self {
            idle_minutes: 30,
            session_hours: 12,
            invitation_hours: 24,
            password_memory: 19 * 1024,
            password_passes: 2,
            client_authorities: None,
            client_certificate_header: false,
            openid: None,
        }
    }
}

fn sub() -> String {
    "sub".to_owned()
}

impl Operators {
    /// The files that are named.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let (secret, trust) = match &mut self.openid {
            Some(openid) => (openid.client_secret.as_mut(), openid.trust.as_mut()),
            None => (None, None),
        };
        let own = self.client_authorities.as_mut();
        own.into_iter().chain(secret).chain(trust)
    }
}

impl Config {
    pub(super) fn check_operators(&self) -> Result<(), ConfigError> {
        let operators = &self.operators;
        let wrong = |key, rule: String| Err(ConfigError::Value { key, rule });
        for (key, value, range) in [
            ("operators.idle_minutes", operators.idle_minutes, 1..=24 * 60),
            ("operators.session_hours", operators.session_hours, 1..=24 * 7),
            (
                "operators.invitation_hours",
                operators.invitation_hours,
                1..=24 * 30,
            ),
            // 7 MiB and five passes are the least that OWASP recommends.
            (
                "operators.password_memory",
                operators.password_memory.into(),
                7 * 1024..=1024 * 1024,
            ),
            (
                "operators.password_passes",
                operators.password_passes.into(),
                1..=64,
            ),
        ] {
            if !range.contains(&value) {
                return wrong(key, format!("it is from {} to {}", range.start(), range.end()));
            }
        }
        if operators.client_authorities.is_some() && self.tls.is_none() {
            let rule = "it needs [tls]: behind a proxy it is the proxy that asks for certificates, see \
                        client_certificate_header";
            return wrong("operators.client_authorities", rule.to_owned());
        }
        if operators.client_certificate_header && self.proxies.is_empty() {
            let rule = "it needs `proxies`: a header of anybody else is not believed";
            return wrong("operators.client_certificate_header", rule.to_owned());
        }
        if let Some(openid) = &operators.openid
            && (openid.name.trim().is_empty() || openid.client_id.is_empty() || openid.claim.is_empty())
        {
            return wrong(
                "operators.openid",
                "name, client_id and claim are texts".to_owned(),
            );
        }
        Ok(())
    }
}
