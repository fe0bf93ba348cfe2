//! `mdoc-issuer pki renew`

use core::time::Duration;
use std::path::PathBuf;

use clap::Args;
use mdoc_cli::keys::{self, KeySource};
use mdoc_cli::{Exit, Failure, args, output, system};
use mdoc_core::crypto::SecretKey;
use mdoc_core::seams::SoftwareKey;
use mdoc_core::time::Timestamp;
use mdoc_core::x509::{Certificate, GeneralName};
use mdoc_issuer::lint;
use mdoc_issuer::pki::{Certified, Kind, Terms};

use super::finish::{finish, public_half, refused};
use super::options::{Authority, Loaded, OutputOptions, RoleName, begin};

/// What to make again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mdoc-issuer pki renew demo/ds.pem --iaca demo --out demo-2027
  mdoc-issuer pki renew old/iaca.pem --out new

The subject, the role and the addresses stay, the serial number and the validity
are new, and so is the key unless --same-key or --key is given. A root with a new
key needs a link as well: `mdoc-issuer pki link`.")]
pub(in crate::cli) struct Arguments {
    /// The certificate that is to be made again
    #[arg(value_name = "FILE")]
    certificate: PathBuf,
    #[command(flatten)]
    authority: Authority,
    /// The role of the certificate [default: guessed]
    #[arg(long, value_enum)]
    role: Option<RoleName>,
    /// Keep the key of the certificate; of a root give it by --key
    #[arg(long, conflicts_with = "key")]
    same_key: bool,
    /// A key that is there already: a file, or a pkcs11: URI
    #[arg(long, value_name = "KEY")]
    key: Option<KeySource>,
    /// How long it is valid: 90d, 1y [default: as long as the one before]
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    validity: Option<Duration>,
    /// The first instant of validity [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
    #[command(flatten)]
    output: OutputOptions,
}

/// Makes a certificate again.
///
/// # Errors
/// [`Failure`] in words, with no file written.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let before = keys::certificate(&arguments.certificate)?;
    let name = arguments.certificate.display();
    let kind = kind(arguments, &before)?;
    let ca = authority(arguments, &kind)?;
    let path = arguments.output.out.join(format!("{}.pem", kind.stem()));
    let mut inputs = vec![arguments.certificate.as_path()];
    inputs.extend(ca.iter().flat_map(Loaded::files));
    output::not_over(&path, &inputs)?;
    let key = before.public_key().map_err(|error| {
        Failure::new(format!("{name}: {}", keys::sentence(&error))).hint("make a certificate anew")
    })?;
    let terms = terms(arguments, &before, ca.as_ref(), key.curve());
    let mut rng = system::random()?;
    let refused = |error| refused(&error, ca.as_ref());
    let mut new_key = None;
    let certified: Certified = match &ca {
        None => {
            let signer = match &arguments.key {
                Some(source) => keys::signer(source)?,
                None => {
                    let made = new_key.insert(SecretKey::generate(key.curve(), &mut rng));
                    let signer = SoftwareKey::new(made.clone())
                        .map_err(|error| Failure::new(format!("the new key cannot sign: {error}")))?;
                    Box::new(signer)
                }
            };
            kind.root(&terms, signer.as_ref(), &mut rng).map_err(refused)?
        }
        Some(ca) => {
            let subject_key = match &arguments.key {
                Some(source) => public_half(source)?,
                None if arguments.same_key => key,
                None => new_key
                    .insert(SecretKey::generate(key.curve(), &mut rng))
                    .public_key()
                    .clone(),
            };
            let certified = kind.certify(&terms, &subject_key, ca.authority(), &mut rng);
            certified.map_err(refused)?
        }
    };
    let certificate = &certified.certificate;
    if certificate.subject_der() != before.subject_der() {
        let (found, expected) = (certificate.subject(), before.subject());
        return Err(Failure::new(format!(
            "the subject would be {found}, not {expected} octet for octet as before"
        ))
        .hint("the subject has parts that the profile has no place for; make a certificate anew"));
    }
    let overlap = overlap(&before, certificate);
    let next = match kind {
        Kind::Iaca { .. } if certificate.public_key_info_der() != before.public_key_info_der() => format!(
            "mdoc-issuer pki link --iaca OLD --new {} --out {}",
            path.display(),
            arguments.output.out.display()
        ),
        _ => format!("mdoc-issuer pki show {}", path.display()),
    };
    finish(
        kind.stem(),
        &certified,
        new_key.as_ref(),
        &arguments.output,
        &[&overlap, &next],
    )
}

fn kind(arguments: &Arguments, before: &Certificate) -> Result<Kind, Failure> {
    let role = arguments
        .role
        .map(RoleName::role)
        .or_else(|| lint::role_of(before));
    let name = arguments.certificate.display();
    let role = role.ok_or_else(|| {
        Failure::new(format!("what {name} is used for cannot be told from it")).hint("give --role")
    })?;
    Kind::of(role, before).ok_or_else(|| {
        Failure::new(format!("{name} is {}, which is not renewed", lint::words(role)))
            .hint("make it anew with `mdoc-issuer pki link`")
    })
}

/// Who signs: nobody above a root, and an authority above all others.
fn authority(arguments: &Arguments, kind: &Kind) -> Result<Option<Loaded>, Failure> {
    let loaded = arguments.authority.find()?;
    match (kind.role().is_ca(), loaded) {
        (true, Some(_)) => {
            Err(Failure::new("a root signs itself: it has no authority above")
                .hint("leave out --iaca and --ca"))
        }
        (true, None) if arguments.same_key => Err(Failure::new(
            "a root is signed by its own key, which is not in the certificate",
        )
        .hint("give it by --key instead of --same-key")),
        (false, None) => Err(Failure::new("who issues the certificate is not given")
            .hint("give the folder of the authority: --iaca DIR or --ca DIR")),
        (_, loaded) => Ok(loaded),
    }
}

fn terms(
    arguments: &Arguments,
    before: &Certificate,
    ca: Option<&Loaded>,
    curve: mdoc_core::crypto::Curve,
) -> Terms {
    let subject = before.subject();
    let length = before
        .not_after()
        .unix()
        .saturating_sub(before.not_before().unix());
    let from = begin(arguments.at, ca.map(|ca| &ca.certificate));
    let usual = Duration::from_secs(u64::try_from(length).unwrap_or_default());
    // As long as before, but not beyond the issuer; what was asked for is taken as it is.
    let room = ca.map(|ca| ca.certificate.not_after().unix().saturating_sub(from.unix()));
    let room = room.map(|room| Duration::from_secs(u64::try_from(room).unwrap_or_default()));
    let usual = room.map_or(usual, |room| usual.min(room));
    Terms {
        common_name: subject.common_name().unwrap_or_default(),
        organization: subject.organization(),
        from,
        lifetime: Some(arguments.validity.unwrap_or(usual)),
        contacts: match before.issuer_alt_name() {
            Some(Ok(mut names)) => {
                names.retain(|name| matches!(name, GeneralName::Email(_) | GeneralName::Uri(_)));
                names
            }
            _ => Vec::new(),
        },
        crl_uri: match before.crl_distribution_points() {
            Some(Ok(points)) => points.uris.into_iter().next(),
            _ => None,
        },
        curve,
    }
}

/// How long both are valid.
fn overlap(before: &Certificate, after: &Certificate) -> String {
    let seconds = before
        .not_after()
        .unix()
        .saturating_sub(after.not_before().unix());
    if seconds > 0 {
        format!(
            "both are valid for {} days, until {}",
            seconds / 86_400,
            before.not_after().date()
        )
    } else if seconds == 0 {
        "the new one begins when the old one ends".to_owned()
    } else {
        format!(
            "the old one ended on {}: nothing was valid for {} days",
            before.not_after().date(),
            -seconds / 86_400
        )
    }
}
