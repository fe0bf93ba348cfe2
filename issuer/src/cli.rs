//! The command line: flags, help and printing; no rule of the domain.

mod badge;
mod batch;
mod format;
mod inspect;
mod issue;
mod key;
mod pki;
mod portrait;
mod signing;
mod terms;
mod vical;

use clap::{Parser, Subcommand};
use mdoc_cli::manual::{Completions, Manual};
use mdoc_cli::{Deferred, Exit, Failure};

/// The name of the program, which begins its messages.
pub(crate) const PROGRAM: &str = "mdoc-issuer";

/// Makes mobile identity documents (ISO/IEC 18013-5), and looks into them.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, after_help = "\
From nothing to something to look into:
  mdoc-issuer pki iaca --country NL --name \"Example IACA\" --out demo
  mdoc-issuer pki signer --iaca demo --out demo
  mdoc-holder key new --out demo
  mdoc-issuer issue --format partial-iso-18013-5 --data person.json \\
      --portrait photo.jpg --device-key demo/device.pub.pem \\
      --signer demo/ds.pem --signer-key demo/ds.key.pem --out demo/licence.mdoc
  mdoc-issuer inspect demo/licence.mdoc

Exit status: 0 done, 1 the answer is no, 2 could not tell (usage, files).")]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make keys and certificates: issuing authority, document signer, reader
    #[command(
        subcommand,
        after_help = "\
Examples:
  mdoc-issuer pki iaca --country NL --name \"Example IACA\" --out demo
  mdoc-issuer pki signer --iaca demo --out demo
  mdoc-issuer pki reader-ca --country NL --name \"Example Reader CA\" --out readers
  mdoc-issuer pki reader --ca readers --name \"Example Bar\" --out bar"
    )]
    Pki(Deferred<pki::Command>),
    /// Make and show private keys, in files and in tokens; put passphrases on them
    #[command(
        subcommand,
        after_help = "\
Examples:
  mdoc-issuer key new --key ds.key.pem --encrypt
  mdoc-issuer key new --key 'pkcs11:token=issuing;object=ds-2026'
  mdoc-issuer key list
  mdoc-issuer key show 'pkcs11:token=issuing;object=ds-2026' > ds-2026.pub.pem

A KEY is a file or a pkcs11: URI (RFC 7512). The library of the token's maker is named by
`module-path=` in the URI or by MDOC_PKCS11_MODULE. The PIN comes from the file of
`pin-source=file:/path` in the URI, from MDOC_PKCS11_PIN, or is asked for on the terminal;
the passphrase of a file from MDOC_KEY_PASSPHRASE, from the file that
MDOC_KEY_PASSPHRASE_FILE names, or from the terminal."
    )]
    Key(Deferred<key::Command>),
    /// List, check and show document formats; start one, and make sample data
    #[command(
        subcommand,
        after_help = "\
Examples:
  mdoc-issuer format list
  mdoc-issuer format show eu-pid --xml > our-pid.xml
  mdoc-issuer format new --name staff-badge --doctype com.example.staff-badge.1 --out staff-badge.xml
  mdoc-issuer format sample staff-badge.xml --out person.json"
    )]
    Format(Deferred<format::Command>),
    /// Issue a document: a format and a person's data in, a signed mdoc out
    Issue(Deferred<issue::Arguments>),
    /// Issue many documents from CSV or JSON lines, on all cores
    Batch(Deferred<batch::Arguments>),
    /// Prepare photographs for documents
    #[command(
        subcommand,
        after_help = "\
Example:
  mdoc-issuer portrait prepare IMG_2041.JPG --out portrait.jpg"
    )]
    Portrait(Deferred<portrait::Command>),
    /// Draw badges of documents, front and back; check their layouts
    #[command(
        subcommand,
        after_help = "\
Examples:
  mdoc-issuer badge list
  mdoc-issuer badge show access-badge-front > our-badge.xml
  mdoc-issuer badge check our-badge.xml
  mdoc-issuer badge render --layout our-badge.xml --data person.json --portrait photo.jpg --out badges"
    )]
    Badge(Deferred<badge::Command>),
    /// Make lists of issuing authorities (VICAL)
    #[command(
        subcommand,
        after_help = "\
Examples:
  mdoc-issuer vical make --iaca roots --provider \"Example Trust\" --issue-id 1 \\
      --next-update 90d --signer vical.pem --signer-key vical.key.pem \\
      --root provider.pem --out list.vical

`mdoc-verifier vical` verifies, shows and compares such lists."
    )]
    Vical(Deferred<vical::Command>),
    /// Look into a document, request, QR code or certificate, without trusting it
    Inspect(Deferred<inspect::Arguments>),
    Completions(Completions),
    Man(Manual),
}

/// Runs the command that was asked for.
///
/// # Errors
/// [`Failure`] in words, with nothing half-done.
pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Pki(command) => pki::run(&command),
        Command::Key(command) => key::run(&command),
        Command::Format(command) => format::run(&command),
        Command::Issue(arguments) => issue::run(&arguments),
        Command::Vical(command) => vical::run(&command),
        Command::Batch(arguments) => batch::run(&arguments),
        Command::Portrait(command) => portrait::run(&command),
        Command::Badge(command) => badge::run(&command),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Completions(arguments) => arguments.run::<Arguments>(),
        Command::Man(arguments) => arguments.run::<Arguments>(),
    }
}
