//! From a configuration to how operators sign in.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use mdoc_cli::{Failure, system};
use mdoc_openid::Secret;

use super::files::{roots, secret};
use crate::api::operator_paths;
use crate::config::Config;
use crate::passkeys::Passkeys;
use crate::password::{Cost, Passwords};
use crate::provider::{Provider, Settings};
use crate::service::Operators;
use crate::usecase::operators::Patience;

/// How long it takes at least until a name or a password is refused.
const FLOOR: Duration = Duration::from_millis(500);

/// How operators sign in.
pub(super) fn operators(config: &Config) -> Result<Operators, Failure> {
    let settings = &config.operators;
    let cost = Cost {
        memory: settings.password_memory,
        passes: settings.password_passes,
    };
    let wrong = |why: String| Failure::new(why).hint("see `[operators]` in the configuration");
    let passwords = Passwords::new(cost, &mut system::random()?)
        .ok_or_else(|| wrong("operators.password_memory: there is no such cost".to_owned()))?;
    Ok(Operators {
        passwords,
        patience: patience(config),
        passkeys: Passkeys::new(&config.external, &config.name),
        floor: FLOOR,
        openid: openid(config).map_err(|why| wrong(why.to_string()))?,
        certificate_header: settings.client_certificate_header,
    })
}

/// How long operators are signed in.
#[must_use]
pub fn patience(config: &Config) -> Patience {
    let settings = &config.operators;
    Patience {
        idle: settings.idle_minutes * 60,
        longest: settings.session_hours * 3600,
        invitation: settings.invitation_hours * 3600,
    }
}

fn openid(config: &Config) -> Result<Option<Arc<Provider>>, Failure> {
    let Some(openid) = &config.operators.openid else {
        return Ok(None);
    };
    let shown = |path: &Path| secret(path).map(|text| Secret::new(text.as_str()));
    let provider = Provider::new(Settings {
        name: openid.name.clone(),
        issuer: openid.issuer.clone(),
        client_id: openid.client_id.clone(),
        client_secret: openid.client_secret.as_deref().map(shown).transpose()?,
        redirect: format!("{}{}", config.external, operator_paths::CALLBACK),
        claim: openid.claim.clone(),
        scopes: openid.scopes.clone(),
        acr: openid.acr.clone(),
        internal: openid.internal,
        roots: openid.trust.as_deref().map(roots).transpose()?,
    });
    let provider = provider.map_err(|why| Failure::new(format!("operators.openid: {why}")))?;
    Ok(Some(Arc::new(provider)))
}
