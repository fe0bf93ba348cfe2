//! `mdoc-holder key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mdoc_cli::args::CurveName;
use mdoc_cli::output;
use mdoc_cli::system;
use mdoc_cli::{Exit, Failure};
use mdoc_core::crypto::SecretKey;
use mdoc_core::keys;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a key that a document can be bound to: device.key.pem and device.pub.pem.
    New(New),
}

#[derive(Args)]
#[command(after_help = "\
Example:
  mdoc-holder key new --out wallet
  mdoc-issuer issue … --device-key wallet/device.pub.pem")]
pub(super) struct New {
    /// The folder to write to; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The curve. A MAC needs the reader's key on the same one; Ed25519 makes signatures only.
    #[arg(long, value_enum, default_value_t = CurveName::P256)]
    curve: CurveName,
    /// Replace a key that is there already.
    #[arg(long)]
    force: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    let Command::New(arguments) = command;
    let curve = arguments.curve.curve();
    let key = SecretKey::generate(curve, &mut system::random()?);
    output::make_folder(&arguments.out)?;
    let (secret_path, public_path) = (
        arguments.out.join("device.key.pem"),
        arguments.out.join("device.pub.pem"),
    );
    let (secret, public) = (keys::secret_to_pem(&key), keys::public_to_pem(key.public_key()));
    output::write_pair(
        (&secret_path, secret.as_bytes()),
        (&public_path, public.as_bytes()),
        arguments.force,
    )?;
    let (secret_path, public_path) = (
        secret_path.display().to_string(),
        public_path.display().to_string(),
    );
    if arguments.json {
        let made =
            serde_json::json!({ "key": secret_path, "public": public_path, "curve": curve.to_string() });
        output::print_json(&made)?;
    } else {
        output::print(&format!(
            "wrote {secret_path} (keep it to yourself) and {public_path} (for the issuer)\n"
        ))?;
    }
    Ok(Exit::Done)
}
