//! `mdoc-issuer inspect`

use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::input::{self, Form, Input, Writing};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure, args, keys, system};
use mdoc_core::error::{DecodeError, Fault};
use mdoc_core::keys::{public_from_file, secret_from_file};
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;

use super::PROGRAM;
use mdoc_issuer::inspect::{
    Inspection, LARGEST_WITH_DUPLICATES, NoDiagnostic, NoPortrait, diagnostic, portrait,
};
use mdoc_issuer::photo;

/// What to look into, and how to show it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mdoc-issuer inspect document.mdoc
  mdoc-issuer inspect response.cbor --json
  mdoc-issuer inspect document.mdoc --portrait portrait.jpg
  echo 'mdoc:owBjMS4wAYIB…' | mdoc-issuer inspect -

Takes IssuerSigned, Document, DeviceResponse, DeviceRequest, DeviceEngagement
(CBOR or mdoc: URI), SessionTranscript, keys and certificates; CBOR raw, as
hexadecimal digits or as base64url. What it is is recognised by its content.
`mdoc-verifier decode` opens the messages of a session.
Nothing is verified: that is what `mdoc-verifier check` is for.")]
pub(super) struct Arguments {
    /// The file to look into; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON: dates as text, bytes as {"bytes": base64url}
    #[arg(long, group = "form")]
    json: bool,
    /// Print CBOR diagnostic notation, with encoded CBOR (tag 24) opened
    #[arg(long, group = "form")]
    diag: bool,
    /// Write the portrait to this file
    #[arg(long, value_name = "OUT.jpg", group = "form")]
    portrait: Option<PathBuf>,
    /// The instant for remarks such as "expired" [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    at: Option<Timestamp>,
}

/// Looks into a file.
///
/// # Errors
/// [`Failure`] if it cannot be read or is nothing that is known here.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let now = arguments.at.unwrap_or_else(|| system::SystemClock.now());
    let input = Input::read(&arguments.file)?;
    if let Some(out) = &arguments.portrait {
        output::not_over(out, &[&arguments.file])?;
        return write_portrait(&input, out);
    }
    if arguments.diag {
        return print_diagnostic(&input);
    }
    let inspection = look(&input, now)?;
    if arguments.json {
        let mut json = inspection.json();
        if let Some(members) = json.as_object_mut() {
            members.insert("file".to_owned(), input.name.into());
        }
        output::print_json(&json)?;
        return Ok(Exit::Done);
    }
    output::print(&text(&input, &inspection))?;
    Ok(Exit::Done)
}

fn look(input: &Input, now: Timestamp) -> Result<Inspection, Failure> {
    match input.form {
        Form::Cbor | Form::EngagementUri => {
            let bytes = input.cbor("an mdoc")?;
            Inspection::of_cbor(&bytes, now).map_err(|error| malformed(input, &error))
        }
        Form::Pem | Form::Der | Form::Json => {
            let certificates = keys::certificates_in(input)?;
            if !certificates.is_empty() {
                return Ok(Inspection::of_certificates(&certificates, now));
            }
            if let Ok(secret) = secret_from_file(&input.bytes) {
                return Ok(Inspection::of_key(secret.public_key(), true));
            }
            public_from_file(&input.bytes)
                .map(|key| Inspection::of_key(&key, false))
                .map_err(|error| match input.form {
                    Form::Json => input.not("an mdoc or a certificate"),
                    _ => Failure::new(format!(
                        "{} holds neither a certificate nor a key that can be read: {}",
                        input.name,
                        keys::sentence(&error)
                    ))
                    .hint("get the file again from where it came"),
                })
        }
        _ => Err(input.not("an mdoc or a certificate")),
    }
}

fn text(input: &Input, inspection: &Inspection) -> String {
    let writing = match input.writing {
        Writing::Raw => "",
        Writing::Hex => ", written as hexadecimal digits",
        Writing::Base64 => ", written as base64",
    };
    let uri = if input.form == Form::EngagementUri {
        ", an mdoc: URI"
    } else {
        ""
    };
    let mut text = format!("{}: {}{writing}{uri}\n\n", input.name, inspection.words);
    text.push_str(&inspection.text());
    text.push('\n');
    match inspection.fault_count() {
        0 => {}
        1 => text.push_str("1 fault was found on the way; "),
        count => text.push_str(&format!("{count} faults were found on the way; ")),
    }
    let checked = matches!(
        inspection.structure,
        "IssuerSigned" | "Document" | "DeviceResponse"
    );
    text.push_str(if checked {
        "nothing was verified; use mdoc-verifier check\n"
    } else if inspection.structure == "VICAL" {
        "nothing was verified; use mdoc-verifier vical verify\n"
    } else if matches!(inspection.structure, "SessionEstablishment" | "SessionData") {
        "nothing was decrypted; use mdoc-verifier decode, with the keys of the session if you have them\n"
    } else {
        "nothing was verified\n"
    });
    text
}

fn print_diagnostic(input: &Input) -> Result<Exit, Failure> {
    let bytes = input.cbor("CBOR")?;
    let text = diagnostic(&bytes).map_err(|error| match error {
        NoDiagnostic::Decode(error) => malformed(input, &error),
        NoDiagnostic::PrivateKey => {
            Failure::new(format!("{} is a private key, which is not shown", input.name))
                .hint("without --diag its public half is shown")
        }
    })?;
    output::print(&format!("{text}\n"))?;
    Ok(Exit::Done)
}

fn write_portrait(input: &Input, out: &Path) -> Result<Exit, Failure> {
    let bytes = input.cbor("an mdoc with a portrait")?;
    let name = &input.name;
    let picture = portrait(&bytes).map_err(|error| match error {
        NoPortrait::Decode(error) => malformed(input, &error),
        NoPortrait::NoDocument(structure) => {
            Failure::new(format!("{name} is a {structure} and has no portrait"))
                .hint("portraits are in issued documents and in responses")
        }
        NoPortrait::Missing(others) if others.is_empty() => Failure::new(format!(
            "{name} has no element `portrait` among the elements released"
        ))
        .hint(format!(
            "`mdoc-issuer inspect {name}` lists the elements that are there"
        )),
        NoPortrait::Missing(others) => {
            Failure::new(format!("{name} has no element `portrait`")).hint(format!(
                "these elements are pictures, see them with --json: {}",
                others.join(", ")
            ))
        }
    })?;
    if picture.is_empty() {
        return Err(Failure::new(format!("the portrait of {name} is empty"))
            .hint("some documents have an empty portrait for holders who want none"));
    }
    let kind = match photo::kind(&picture) {
        Ok(kind) => kind.to_string(),
        Err(error) => {
            output::warn(PROGRAM, &format!("the portrait is written as it is, but {error}"));
            "no known picture".to_owned()
        }
    };
    let file = NewFile {
        path: out,
        content: &picture,
        secret: false,
    };
    output::write(file, Existing::Replace)?;
    if !input::is_stdio(out) {
        output::print(&format!(
            "wrote {}: {kind}, {} bytes\n",
            out.display(),
            picture.len()
        ))?;
    }
    Ok(Exit::Done)
}

fn malformed(input: &Input, error: &DecodeError) -> Failure {
    let name = &input.name;
    let hint = match error.fault() {
        Fault::Truncated => "the file is cut off; get it again from where it came",
        Fault::TrailingBytes(_) => "something follows the document; was it joined with another file?",
        Fault::DuplicateKey if input.bytes.len() > LARGEST_WITH_DUPLICATES => {
            "such data is ambiguous and every verifier must refuse it"
        }
        Fault::DuplicateKey => {
            "such data is ambiguous and every verifier must refuse it; without --diag it is shown"
        }
        Fault::Limit(_) => "this is more than any document needs",
        _ => "the file is damaged or is something else; get it again from where it came",
    };
    Failure::new(format!("{name} is not well-formed: {error}")).hint(hint)
}
