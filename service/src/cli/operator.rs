//! Seeing to how operators sign in.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mdoc_cli::{Exit, Failure, keys, output, system};
use mdoc_core::time::Timestamp;
use mdoc_service::usecase::operators::{self, Account};
use mdoc_service::usecase::people;
use mdoc_service::{api, start};
use serde_json::{Value, json};

use super::Acting;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Invite a person to set a password and an authenticator.
    #[command(after_help = "\
Give the address to the person, and to nobody else: whoever opens it first has the
account. It is good once, for a day. Somebody who lost the authenticator or forgot the
password is invited again; what was set before is good until then.

Example:
  mdoc-service operator invite ada --config authority/service.toml")]
    Invite(OneArguments),
    /// List the accounts.
    #[command(after_help = "Example:\n  mdoc-service operator list --config authority/service.toml")]
    List(Acting),
    /// Let an operator sign in no more; sessions end at once.
    #[command(after_help = "\
It holds for every way to sign in. Machines of the operator go on: see `client disable`.

Example:
  mdoc-service operator disable ada --config authority/service.toml")]
    Disable(OneArguments),
    /// Let an operator sign in again.
    #[command(after_help = "Example:\n  mdoc-service operator enable ada --config authority/service.toml")]
    Enable(OneArguments),
    /// Open an account that is closed since somebody was wrong too often.
    #[command(after_help = "Example:\n  mdoc-service operator unlock ada --config authority/service.toml")]
    Unlock(OneArguments),
    /// End all sessions of an operator.
    #[command(after_help = "Example:\n  mdoc-service operator sign-out ada --config authority/service.toml")]
    SignOut(OneArguments),
    /// See to the certificates that operators sign in by.
    #[command(
        subcommand,
        after_help = "Example:\n  mdoc-service operator certificate add ada ada.pem --config authority/service.toml"
    )]
    Certificate(CertificateCommand),
}

#[derive(Subcommand)]
pub(crate) enum CertificateCommand {
    /// Let an operator sign in by a certificate.
    #[command(after_help = "\
The certificate is of one of the authorities in `client_authorities`, or checked by a
proxy (`client_certificate_header`). `mdoc-issuer pki tls-client` makes one for trying.

Example:
  mdoc-service operator certificate add ada ada.pem --config authority/service.toml")]
    Add(CertificateAddArguments),
    /// Let nobody sign in by a certificate any more; sessions that were begun with it end.
    #[command(
        after_help = "Example:\n  mdoc-service operator certificate remove ada.pem --config authority/service.toml"
    )]
    Remove(CertificateRemoveArguments),
}

#[derive(Args)]
pub(crate) struct OneArguments {
    /// The operator, by logon name
    logon: String,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct CertificateAddArguments {
    /// The operator, by logon name
    logon: String,
    /// The certificate, in PEM or DER
    certificate: PathBuf,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Args)]
pub(crate) struct CertificateRemoveArguments {
    /// The certificate: its file, or SHA-256 of it in hexadecimal digits
    certificate: String,
    #[command(flatten)]
    acting: Acting,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Invite(arguments) => invite(arguments),
        Command::List(acting) => list(acting),
        Command::Disable(arguments) => switch(arguments, false),
        Command::Enable(arguments) => switch(arguments, true),
        Command::Unlock(arguments) => unlock(arguments),
        Command::SignOut(arguments) => sign_out(arguments),
        Command::Certificate(CertificateCommand::Add(arguments)) => add_certificate(arguments),
        Command::Certificate(CertificateCommand::Remove(arguments)) => remove_certificate(arguments),
    }
}

fn invite(arguments: &OneArguments) -> Result<Exit, Failure> {
    let session = arguments.acting.open()?;
    let config = &session.config;
    let (secrets, mut rng) = (start::secrets(&config.keys.secret)?, system::random()?);
    let (patience, logon) = (start::patience(config), arguments.logon.clone());
    let invited = session.write(move |tx, actor, now| {
        let person = people::by_logon(tx, &logon)?.id;
        operators::invite(tx, actor, now, &person, (&secrets, patience, &mut rng))
    })?;
    let address = api::invitation_address(&config.external, &invited.token);
    if arguments.acting.at.json {
        output::print_json(&json!({
            "logon_name": arguments.logon,
            "invitation": address.as_str(),
            "expires": invited.expires.to_string(),
        }))?;
    } else {
        output::print(&format!(
            "{}\n\nFor {} alone, once, until {}.\n",
            address.as_str(),
            arguments.logon,
            invited.expires
        ))?;
    }
    Ok(Exit::Done)
}

fn list(acting: &Acting) -> Result<Exit, Failure> {
    let session = acting.open()?;
    let (patience, now) = (start::patience(&session.config), session.now);
    let all = session.read(move |tx, actor, now| operators::list(tx, actor, now, patience))?;
    if acting.at.json {
        output::print_json(&all.iter().map(as_json).collect::<Vec<_>>().into())?;
        return Ok(Exit::Done);
    }
    for account in &all {
        output::print(&format!("{}\t{}\n", account.logon_name, said(account, now)))?;
    }
    Ok(Exit::Done)
}

/// What there is to say of an account, in words.
fn said(account: &Account, now: Timestamp) -> String {
    let mut parts = Vec::new();
    if !account.enabled {
        parts.push("disabled".to_owned());
    }
    if let Some(until) = account.locked_until.filter(|until| now < *until) {
        parts.push(format!("closed until {until}"));
    }
    if account.password {
        parts.push("password".to_owned());
    }
    if account.authenticator {
        parts.push("authenticator".to_owned());
    }
    for (count, one, more) in [
        (account.passkeys, "passkey", "passkeys"),
        (account.certificates, "certificate", "certificates"),
        (account.recovery_codes, "recovery code", "recovery codes"),
        (account.sessions, "session", "sessions"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { more }));
        }
    }
    match account.signed_in {
        Some(at) => parts.push(format!("signed in {at}")),
        None => parts.push("never signed in".to_owned()),
    }
    parts.join(", ")
}

fn as_json(account: &Account) -> Value {
    json!({
        "logon_name": account.logon_name,
        "person": account.person.as_str(),
        "enabled": account.enabled,
        "closed_until": account.locked_until.map(|until| until.to_string()),
        "password": account.password,
        "authenticator": account.authenticator,
        "passkeys": account.passkeys,
        "certificates": account.certificates,
        "recovery_codes": account.recovery_codes,
        "sessions": account.sessions,
        "signed_in": account.signed_in.map(|at| at.to_string()),
    })
}

fn switch(arguments: &OneArguments, enabled: bool) -> Result<Exit, Failure> {
    let logon = arguments.logon.clone();
    arguments.acting.open()?.write(move |tx, actor, now| {
        let person = people::by_logon(tx, &logon)?.id;
        operators::enable(tx, actor, now, (&person, enabled))
    })?;
    Ok(Exit::Done)
}

fn unlock(arguments: &OneArguments) -> Result<Exit, Failure> {
    let logon = arguments.logon.clone();
    arguments.acting.open()?.write(move |tx, actor, now| {
        let person = people::by_logon(tx, &logon)?.id;
        operators::unlock(tx, actor, now, &person)
    })?;
    Ok(Exit::Done)
}

fn sign_out(arguments: &OneArguments) -> Result<Exit, Failure> {
    let logon = arguments.logon.clone();
    let ended = arguments.acting.open()?.write(move |tx, actor, now| {
        let person = people::by_logon(tx, &logon)?.id;
        operators::end_sessions(tx, actor, now, (&person, None))
    })?;
    if arguments.acting.at.json {
        output::print_json(&json!({ "sessions": ended }))?;
    } else {
        let sessions = if ended == 1 { "session" } else { "sessions" };
        output::print(&format!("{ended} {sessions} ended\n"))?;
    }
    Ok(Exit::Done)
}

fn add_certificate(arguments: &CertificateAddArguments) -> Result<Exit, Failure> {
    let certificate = keys::certificate(&arguments.certificate)?;
    let presented = api::presented(certificate.der())
        .ok_or_else(|| Failure::new(format!("{} cannot be used", arguments.certificate.display())))?;
    let (logon, subject) = (arguments.logon.clone(), presented.subject.clone());
    let until = presented.until;
    arguments.acting.open()?.write(move |tx, actor, now| {
        let person = people::by_logon(tx, &logon)?.id;
        operators::add_certificate(tx, actor, now, (&person, &presented))
    })?;
    if arguments.acting.at.json {
        output::print_json(&json!({ "subject": subject, "expires": until.to_string() }))?;
    } else {
        output::print(&format!("{subject}, until {until}\n"))?;
    }
    Ok(Exit::Done)
}

fn remove_certificate(arguments: &CertificateRemoveArguments) -> Result<Exit, Failure> {
    let fingerprint = match base16ct::mixed::decode_vec(&arguments.certificate).map(TryFrom::try_from) {
        Ok(Ok(fingerprint)) => fingerprint,
        _ => {
            let path = PathBuf::from(&arguments.certificate);
            let certificate = keys::certificate(&path)?;
            let presented = api::presented(certificate.der());
            presented
                .ok_or_else(|| Failure::new(format!("{} cannot be used", path.display())))?
                .fingerprint
        }
    };
    arguments
        .acting
        .open()?
        .write(move |tx, actor, now| operators::remove_certificate(tx, actor, now, &fingerprint))?;
    Ok(Exit::Done)
}
