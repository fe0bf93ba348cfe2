//! Seeing to the configuration.

use clap::Subcommand;
use mdoc_cli::{Exit, Failure, output};
use mdoc_service::{serve, start};

use super::Where;
use super::serve::ends;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Read the configuration, open every key, look at the database, and say what is wrong
    #[command(after_help = "Example:\n  mdoc-service config check --config authority/service.toml")]
    Check(Where),
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    let Command::Check(at) = command;
    let config = at.config()?;
    let checked = start::check(&config)?;
    if let Some(files) = &config.tls {
        serve::tls(files, config.operators.client_authorities.as_deref())?;
    }
    let formats = checked.formats;
    for (name, end) in &checked.ending {
        output::warn(start::PROGRAM, &ends(name, *end));
    }
    if at.json {
        output::print_json(&serde_json::json!({
            "external": config.external,
            "listen": config.listen,
            "database": if config.database.starts_with("postgres") { "postgresql" } else { "sqlite" },
            "schema": checked.schema,
            "newest_schema": checked.newest,
            "formats": formats,
            "signers": config.signers.len(),
            "ending": checked.ending.iter().map(|(name, end)| {
                serde_json::json!({ "certificate": name, "until": end.to_string() })
            }).collect::<Vec<_>>(),
        }))?;
    } else {
        output::print(&format!(
            "The configuration is good: {} is answered at {}{}, with {formats} formats and {} document signer{}.\n",
            config.external,
            config.listen,
            if config.tls.is_some() {
                " by TLS"
            } else {
                ", behind a proxy"
            },
            config.signers.len(),
            if config.signers.len() == 1 { "" } else { "s" },
        ))?;
        match checked.schema {
            None => {
                output::print("The database is empty: the first command that needs it makes its tables.\n")?
            }
            Some(found) if found < checked.newest => output::print(&format!(
                "The database has schema {found}; the first command that needs it brings it to {}.\n",
                checked.newest
            ))?,
            Some(_) => {}
        }
    }
    Ok(Exit::Done)
}
