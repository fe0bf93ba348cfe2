//! The part of the configuration about wallets: whose word of them counts, where they send browsers, where they are had.

use core::net::IpAddr;
use std::path::PathBuf;

use mdoc_openid::web::Address;
use serde::Deserialize;

use super::{Config, ConfigError};
use crate::wallets::{App, ForwardedBy, Proxies, RedirectUri};

/// Whose word of wallets and of their keys counts, and when it is needed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wallets {
    /// Certificates of wallets' providers, folders of them, and files `*.json` with sets of JWK whose keys have a `kid`.
    pub trust: Vec<PathBuf>,
    /// Whether every wallet has to come with a client attestation.
    pub attested: bool,
    /// Whether a client attestation has to come with a challenge of the service.
    pub challenges: bool,
}

/// A wallet that may be downloaded (E10).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// What people call it.
    pub name: String,
    /// Where it is had, by `https`.
    pub url: String,
}

impl Config {
    pub(super) fn check_wallets(&self) -> Result<(), ConfigError> {
        self.redirect_uris()?;
        self.apps()?;
        self.proxies()?;
        if self.wallets.attested && self.wallets.trust.is_empty() {
            let rule = "nobody's word counts without wallets.trust".to_owned();
            let key = "wallets.attested";
            return Err(ConfigError::Value { key, rule });
        }
        Ok(())
    }

    /// Where browsers are sent after a sign-in.
    ///
    /// # Errors
    /// [`ConfigError`] if one is none where they may be sent.
    pub fn redirect_uris(&self) -> Result<Vec<RedirectUri>, ConfigError> {
        let key = "collection.redirect_uris";
        let uris = self.collection.redirect_uris.iter();
        uris.map(|text| {
            RedirectUri::parse(text).map_err(|why| ConfigError::Value {
                key,
                rule: format!("{text:?}: {why}"),
            })
        })
        .collect()
    }

    /// Wallets for those who have none.
    ///
    /// # Errors
    /// [`ConfigError`] if one has no name, or an address that is not `https`.
    pub fn apps(&self) -> Result<Vec<App>, ConfigError> {
        let wallets = self.collection.wallets.iter();
        wallets
            .map(|wallet| {
                let secure = Address::parse(&wallet.url).is_ok_and(|address| address.secure);
                if wallet.name.trim().is_empty() || !secure {
                    return Err(ConfigError::Value {
                        key: "collection.wallets",
                        rule: "each has a name and an address that begins with https://".to_owned(),
                    });
                }
                Ok(App {
                    name: wallet.name.clone(),
                    url: wallet.url.clone(),
                })
            })
            .collect()
    }

    /// Who forwards requests.
    ///
    /// # Errors
    /// [`ConfigError`] if one is no address, or the header none that is known.
    pub fn proxies(&self) -> Result<Proxies, ConfigError> {
        let wrong = |key, rule: &str| ConfigError::Value {
            key,
            rule: rule.to_owned(),
        };
        let believed: Result<Vec<IpAddr>, _> = self
            .proxies
            .iter()
            .map(|text| text.parse().map(|ip: IpAddr| ip.to_canonical()))
            .collect();
        Ok(Proxies {
            believed: believed.map_err(|_| wrong("proxies", "each is an IP address, as 127.0.0.1"))?,
            header: ForwardedBy::named(&self.proxy_header)
                .ok_or_else(|| wrong("proxy_header", "it is x-forwarded-for or forwarded"))?,
        })
    }
}
