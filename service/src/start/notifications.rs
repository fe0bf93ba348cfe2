//! What sends messages to people, from a configuration.

use std::sync::Arc;

use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use mdoc_cli::Failure;

use super::files::{roots, secret};
use crate::config::Config;
use crate::config::notifications::{MailServer, Notifications, Sms};
use crate::domain::notice::Channel;
use crate::notify::mail::{MailToSms, Security, Server};
use crate::notify::sms::{Gateway, HttpGateway};
use crate::notify::template::Templates;
use crate::notify::{Carrier, Courier, Folder};
use crate::usecase::outbox::Rules;

/// The channels over which people can be told something.
pub(super) fn channels(settings: &Notifications) -> Vec<Channel> {
    let all = settings.folder.is_some();
    let mail = (all || settings.mail.is_some()).then_some(Channel::Mail);
    let sms = (all || settings.sms.is_some()).then_some(Channel::Sms);
    mail.into_iter().chain(sms).collect()
}

/// Opens what the configuration says. Nothing is sent, and no server is asked.
///
/// # Errors
/// [`Failure`] that names the file or the setting.
pub(super) fn courier(config: &Config) -> Result<Courier, Failure> {
    let settings = &config.notifications;
    let templates = templates(config)?;
    let folder = |channel| -> Option<Arc<dyn Carrier>> {
        let path = settings.folder.clone()?;
        Some(Arc::new(Folder { path, channel }))
    };
    let server = settings
        .mail
        .as_ref()
        .map(|mail| server(mail, config).map(Arc::new))
        .transpose()?;
    let sms = match &settings.sms {
        None => folder(Channel::Sms),
        Some(sms) => Some(phones(sms, server.as_ref())?),
    };
    let mail = server
        .map(|server| -> Arc<dyn Carrier> { server })
        .or_else(|| folder(Channel::Mail));
    let recognises =
        settings.folder.is_some() || settings.sms.as_ref().and_then(|sms| sms.repeatable) == Some(true);
    let mut repeatable = Vec::new();
    if settings.folder.is_some() {
        repeatable.push(Channel::Mail);
    }
    if recognises {
        repeatable.push(Channel::Sms);
    }
    Ok(Courier {
        mail,
        sms,
        templates,
        rules: Rules {
            tries: settings.tries,
            pause: settings.pause_seconds,
            repeatable,
        },
    })
}

pub(super) fn templates(config: &Config) -> Result<Templates, Failure> {
    let templates = match &config.notifications.templates {
        None => Templates::shipped(&config.name),
        Some(folder) => Templates::with_folder(&config.name, folder),
    };
    templates.map_err(|why| {
        Failure::new(why.to_string())
            .hint("see `[notifications] templates`; `mdoc-service message templates` writes the shipped ones")
    })
}

fn wrong(key: &str, why: &dyn core::fmt::Display) -> Failure {
    Failure::new(format!("notifications.{key}: {why}")).hint("see `[notifications]` in the configuration")
}

fn server(mail: &MailServer, config: &Config) -> Result<Server, Failure> {
    let security = match mail.security.as_str() {
        "starttls" => Security::StartTls,
        "none" => Security::Plain,
        _ => Security::Tls,
    };
    let tls = match security {
        Security::Plain => None,
        Security::Tls | Security::StartTls => Some(tls(mail)?),
    };
    let login = match (&mail.user, &mail.password) {
        (Some(user), Some(password)) => Some((user.clone(), secret(password)?)),
        _ => None,
    };
    let domain = config
        .external
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', ':']).next())
        .unwrap_or_default();
    Ok(Server {
        host: mail.host.clone(),
        port: mail.port.unwrap_or(security.port()),
        security,
        tls,
        login,
        from: mail.from.parse().map_err(|why| wrong("mail.from", &why))?,
        hello: ClientId::Domain(domain.to_owned()),
    })
}

fn tls(mail: &MailServer) -> Result<TlsParameters, Failure> {
    let mut builder = TlsParameters::builder(mail.host.clone());
    if let Some(path) = &mail.trust {
        builder = builder.certificate_store(CertificateStore::None);
        for der in roots(path)? {
            let root = Certificate::from_der(der).map_err(|why| wrong("mail.trust", &why))?;
            builder = builder.add_root_certificate(root);
        }
    }
    builder.build_rustls().map_err(|why| wrong("mail.host", &why))
}

fn phones(sms: &Sms, server: Option<&Arc<Server>>) -> Result<Arc<dyn Carrier>, Failure> {
    if let (Some(domain), Some(server)) = (&sms.domain, server) {
        return Ok(Arc::new(MailToSms {
            server: Arc::clone(server),
            domain: domain.clone(),
        }));
    }
    let gateway = Gateway {
        url: sms.url.clone().unwrap_or_default(),
        method: sms.method.clone().unwrap_or_else(|| "POST".to_owned()),
        headers: sms.headers.clone().unwrap_or_default(),
        body: sms.body.clone().unwrap_or_default(),
        secret: sms.secret.as_deref().map(secret).transpose()?.unwrap_or_default(),
        internal: sms.internal == Some(true),
        roots: sms.trust.as_deref().map(roots).transpose()?,
    };
    let gateway = HttpGateway::new(&gateway).map_err(|why| wrong("sms", &why))?;
    Ok(Arc::new(gateway))
}
