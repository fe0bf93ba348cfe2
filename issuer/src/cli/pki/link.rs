//! `mdoc-issuer pki link`

use core::time::Duration;
use std::path::PathBuf;

use clap::Args;
use mdoc_cli::{Exit, Failure, args, keys, output, system};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::GeneralName;
use mdoc_core::x509::profile::{self, Role, Weight};
use mdoc_issuer::pki::{self, Terms};

use super::finish::{finish, refused};
use super::options::{Addresses, Iaca, OutputOptions, begin};

/// From where to where.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mdoc-issuer pki link --iaca old --new new/iaca.pem --out new

The key of the old root signs the name and the key of the new one, so that those
who trust the old root can follow. Signers are then made below the new root.")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    iaca: Iaca,
    /// The certificate of the new root
    #[arg(long, value_name = "FILE")]
    new: PathBuf,
    #[command(flatten)]
    addresses: Addresses,
    /// How long it is valid: 90d, 1y [default: as long as the old root]
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    validity: Option<Duration>,
    /// The first instant of validity [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    #[command(flatten)]
    output: OutputOptions,
}

/// Makes the link.
///
/// # Errors
/// [`Failure`] in words, with no file written.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let old = arguments.iaca.load()?;
    let new = keys::certificate(&arguments.new)?;
    let name = arguments.new.display();
    let unfit = profile::check(Role::IacaRoot, &new, None)
        .into_iter()
        .find(|finding| finding.weight() == Weight::Hard);
    if let Some(finding) = unfit {
        return Err(
            Failure::new(format!("{name} is no root of an authority: {finding}"))
                .hint("give the certificate that `mdoc-issuer pki iaca` made"),
        );
    }
    let signed = new
        .public_key()
        .is_ok_and(|key| new.verify_signed_by(&key, mdoc_core::crypto::fastest()).is_ok());
    if !signed {
        return Err(Failure::new(format!("{name} is not signed by its own key"))
            .hint("get the file again from its source"));
    }
    let link_path = arguments.output.out.join("link.pem");
    let mut inputs = old.files();
    inputs.push(&arguments.new);
    output::not_over(&link_path, &inputs)?;
    let (email, uri) = (&arguments.addresses.email, &arguments.addresses.uri);
    let contacts = email.clone().map(GeneralName::Email).into_iter();
    let terms = Terms {
        common_name: String::new(),
        organization: None,
        from: begin(arguments.at, Some(&old.certificate)),
        lifetime: arguments.validity,
        contacts: contacts.chain(uri.clone().map(GeneralName::Uri)).collect(),
        crl_uri: arguments.addresses.list.crl_url.clone(),
        curve: mdoc_core::crypto::Curve::P256,
    };
    let link = pki::link(&new, &terms, old.authority(), &mut system::random()?);
    let link = link.map_err(|error| refused(&error, Some(&old)))?;
    let next = format!(
        "mdoc-issuer pki lint {} {} {}",
        old.certificate_path.display(),
        link_path.display(),
        arguments.new.display()
    );
    finish("link", &link, None, &arguments.output, &[&next])
}
