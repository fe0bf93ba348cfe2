//! `mdoc-verifier decode`.

use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::input::{self, Form, Input};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::recognise::Structure;
use mdoc_cli::{Exit, Failure, keys};
use mdoc_core::cbor::{Embedded, Item};
use mdoc_core::cose::key;
use mdoc_core::crypto::SecretKey;
use mdoc_core::limits::Limits;
use mdoc_core::session::capture::Sender;
use mdoc_verifier::decode::{self, Explanation, Known, NoExplanation};
use zeroize::Zeroizing;

use super::{PROGRAM, check, scanned};

/// The longest text that is taken for the thing itself on the command line.
const LEAST_DIGITS: usize = 16;

#[derive(Args)]
#[command(after_help = "\
INPUT is, recognised by its content: an engagement (`mdoc:…`, CBOR, or a picture of
its QR code), a session transcript, the messages of a session (a file each, or a
text with a line each), or a trace of Bluetooth (btsnoop, as btmon -w writes it and
Android's log of Bluetooth HCI is). With an engagement and one ephemeral private
key, messages are decrypted; keys are never shown, what is in messages is.

A line of a text is a message or, with its characteristic, a value:
  reader a26a655265616465724b6579…
  mdoc   a26464617461590120…
  reader state 01
  mdoc   server2client 00a264646174…

Examples:
  mdoc-verifier decode 'mdoc:owBjMS4wAYIB…'
  mdoc-verifier decode photo.jpg
  mdoc-verifier decode 'mdoc:owBjMS4wAYIB…' establishment.cbor data.cbor \\
      --reader-key reader.key.pem --out opened
  mdoc-verifier decode btsnoop.log --engagement engagement.cbor \\
      --device-key wallet.jwk --json

Exit status: 0 nothing was seen that is wrong, 1 something is wrong, 2 could not
tell (usage, files).")]
pub(super) struct Arguments {
    /// What is to be explained: files, `-` for standard input, or the text itself.
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    /// The engagement of the session: a file, or `mdoc:…`.
    #[arg(long, value_name = "FILE|URI")]
    engagement: Option<String>,
    /// The session transcript; needed if the session did not begin with a QR code.
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// The mdoc's ephemeral private key of the session: PEM, DER, JWK or COSE_Key.
    #[arg(long, value_name = "FILE")]
    device_key: Option<PathBuf>,
    /// The reader's ephemeral private key of the session: PEM, DER, JWK or COSE_Key.
    #[arg(long, value_name = "FILE")]
    reader_key: Option<PathBuf>,
    /// The secret on which the ephemeral keys agree, in hexadecimal digits.
    #[arg(long, value_name = "FILE")]
    shared_secret: Option<PathBuf>,
    /// SKReader, the key of the reader's messages, in hexadecimal digits.
    #[arg(long, value_name = "FILE")]
    sk_reader: Option<PathBuf>,
    /// SKDevice, the key of the mdoc's messages, in hexadecimal digits.
    #[arg(long, value_name = "FILE")]
    sk_device: Option<PathBuf>,
    /// Write decrypted requests and responses to this folder, for `check` and `inspect`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Something to be explained, as it was given.
struct Given {
    name: String,
    bytes: Zeroizing<Vec<u8>>,
    structure: Structure,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut known = known(arguments)?;
    let given: Vec<Given> = arguments
        .inputs
        .iter()
        .map(|text| read(text))
        .collect::<Result<_, _>>()?;
    // An engagement or a transcript beside messages is theirs.
    for given in &given {
        match given.structure {
            Structure::DeviceEngagement if known.engagement.is_none() => {
                known.engagement = Some(inner(&given.bytes));
            }
            Structure::SessionTranscript if known.transcript.is_none() && arguments.inputs.len() > 1 => {
                let transcript =
                    mdoc_core::transcript::SessionTranscript::decode(&given.bytes, &Limits::DEFAULT);
                known.transcript = transcript.ok();
            }
            _ => {}
        }
    }
    let mut explanations: Vec<(String, Explanation)> = Vec::new();
    for group in given.chunk_by(|a, b| is_message(a) && is_message(b)) {
        let explained = match group {
            [one] => decode::explain(&one.bytes, &known).map_err(|error| nothing(one, &error))?,
            several => {
                let messages: Vec<(Option<Sender>, Vec<u8>)> = several
                    .iter()
                    .map(|message| (None, message.bytes.to_vec()))
                    .collect();
                decode::session(&messages, &known)
            }
        };
        let names: Vec<&str> = group.iter().map(|given| given.name.as_str()).collect();
        explanations.push((names.join(", "), explained));
    }
    show(arguments, &explanations)?;
    if let Some(folder) = &arguments.out {
        write(folder, &explanations)?;
    }
    let faults = explanations
        .iter()
        .any(|(_, explanation)| explanation.has_faults());
    Ok(if faults { Exit::Rejected } else { Exit::Done })
}

fn show(arguments: &Arguments, explanations: &[(String, Explanation)]) -> Result<(), Failure> {
    if arguments.json {
        let all: Vec<_> = explanations
            .iter()
            .map(|(name, explanation)| {
                let mut json = explanation.json();
                if let Some(members) = json.as_object_mut() {
                    members.insert("input".to_owned(), name.as_str().into());
                }
                json
            })
            .collect();
        return output::print_json(&all.into());
    }
    for (name, explanation) in explanations {
        output::print(&format!(
            "{name}: {}\n\n{}\n",
            explanation.kind,
            explanation.text()
        ))?;
    }
    Ok(())
}

/// Files that only their owner may read: they are a person's data.
fn write(folder: &Path, explanations: &[(String, Explanation)]) -> Result<(), Failure> {
    let opened: Vec<_> = explanations
        .iter()
        .flat_map(|(_, explanation)| &explanation.opened)
        .collect();
    if opened.is_empty() {
        output::warn(PROGRAM, "nothing was decrypted, so that nothing is written");
        return Ok(());
    }
    output::make_folder(folder)?;
    let names: Vec<PathBuf> = opened
        .iter()
        .enumerate()
        .map(|(index, opened)| {
            let kind = match opened.sender {
                Sender::Reader => "request",
                Sender::Mdoc => "response",
            };
            folder.join(format!("{:02}-{kind}.cbor", index + 1))
        })
        .collect();
    let files: Vec<NewFile<'_>> = names
        .iter()
        .zip(&opened)
        .map(|(path, opened)| NewFile {
            path,
            content: &opened.bytes,
            secret: true,
        })
        .collect();
    output::write_all(&files, Existing::Replace)
}

fn is_message(given: &Given) -> bool {
    matches!(
        given.structure,
        Structure::SessionEstablishment | Structure::SessionData
    )
}

/// Reads an input: a file, or what stands on the command line.
fn read(text: &str) -> Result<Given, Failure> {
    let path = Path::new(text);
    let digits = |c: char| c.is_ascii_hexdigit() || c.is_whitespace();
    let is_uri = text
        .trim_start()
        .get(..5)
        .is_some_and(|s| s.eq_ignore_ascii_case("mdoc:"));
    let is_text = is_uri || (text.len() >= LEAST_DIGITS && text.chars().all(digits) && !path.exists());
    let (name, bytes) = if is_text {
        ("the text".to_owned(), text.as_bytes().to_vec())
    } else {
        (input::display(path), input::read_bytes(path)?)
    };
    // Words may be base64, too: lines are looked for first.
    if decode::is_lines(&bytes) {
        return Ok(Given {
            name,
            bytes: Zeroizing::new(bytes),
            structure: Structure::Unknown,
        });
    }
    given(Input::recognise(name, bytes))
}

fn given(input: Input) -> Result<Given, Failure> {
    let whose = format!("{}: ", input.name);
    let bytes = match input.form {
        // What a scanner types for a keyboard of another country.
        Form::Text
            if input
                .bytes
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case(b"mdoc")) =>
        {
            Zeroizing::new(scanned::of_text(input.text()?, &whose)?)
        }
        Form::Cbor | Form::Text | Form::Unknown => input.bytes,
        Form::EngagementUri => Zeroizing::new(scanned::of_text(input.text()?, &whose)?),
        Form::Jpeg | Form::Other("a PNG picture") => {
            Zeroizing::new(scanned::of_picture(&input.bytes, &whose)?)
        }
        _ => {
            return Err(
                input.not("an engagement, a transcript, a message of a session or a trace of Bluetooth")
            );
        }
    };
    let structure = Item::parse(&bytes, &Limits::DEFAULT).map_or(Structure::Unknown, Structure::of);
    Ok(Given {
        name: input.name,
        bytes,
        structure,
    })
}

/// What tag 24 is around, or the bytes themselves.
fn inner(bytes: &[u8]) -> Vec<u8> {
    let item = Item::parse(bytes, &Limits::DEFAULT).and_then(Embedded::new);
    item.map_or_else(|_| bytes.to_vec(), |embedded| embedded.content().to_vec())
}

fn nothing(given: &Given, error: &NoExplanation) -> Failure {
    let failure = Failure::new(format!(
        "{} is {error}; an engagement, a transcript, messages of a session or a trace of Bluetooth are expected",
        given.name
    ));
    match error {
        NoExplanation::Other(Structure::DeviceResponse) => {
            failure.hint("`mdoc-verifier check` verifies it, `mdoc-issuer inspect` shows what is in it")
        }
        NoExplanation::Other(_) => failure.hint("`mdoc-issuer inspect` shows what is in it"),
        NoExplanation::Line { .. } => failure.hint(
            "a line is `reader` or `mdoc`, for a value its characteristic, and hexadecimal digits; see --help",
        ),
        NoExplanation::Trace(_) => {
            failure.hint("`btmon -w FILE` writes such a file, and Android's log of Bluetooth HCI is one")
        }
        _ => failure.hint("the file may be cut off, or not what its name says"),
    }
}

fn known(arguments: &Arguments) -> Result<Known, Failure> {
    let engagement = arguments.engagement.as_deref().map(read).transpose()?;
    let engagement = match engagement {
        Some(given) if given.structure == Structure::DeviceEngagement => Some(inner(&given.bytes)),
        Some(given) => {
            let found = match given.structure {
                Structure::Unknown => "something else",
                structure => structure.words(),
            };
            return Err(
                Failure::new(format!("{} is {found}, an engagement is expected", given.name))
                    .hint("--engagement takes what the QR code says: `mdoc:…`, or the CBOR that is in it"),
            );
        }
        None => None,
    };
    let session_key = |path: &Option<PathBuf>| {
        path.as_deref()
            .map(|path| {
                let key = digits(path)?;
                let key: Result<[u8; 32], _> = key.as_slice().try_into();
                key.map(|key| Box::new(Zeroizing::new(key))).map_err(|_| {
                    Failure::new(format!(
                        "{} is no session key: 64 hexadecimal digits are expected",
                        input::display(path)
                    ))
                    .hint("SKReader and SKDevice have 32 bytes")
                })
            })
            .transpose()
    };
    Ok(Known {
        engagement,
        transcript: arguments
            .transcript
            .as_deref()
            .map(check::transcript)
            .transpose()?,
        e_device_key: arguments.device_key.as_deref().map(ephemeral).transpose()?,
        e_reader_key: arguments.reader_key.as_deref().map(ephemeral).transpose()?,
        shared_secret: arguments.shared_secret.as_deref().map(digits).transpose()?,
        sk_reader: session_key(&arguments.sk_reader)?,
        sk_device: session_key(&arguments.sk_device)?,
    })
}

/// A private key of a session, which may also be a COSE_Key.
fn ephemeral(path: &Path) -> Result<SecretKey, Failure> {
    if !input::is_stdio(path) {
        let input = Input::read(path)?;
        if input.form == Form::Cbor {
            let item = Item::parse(&input.bytes, &Limits::DEFAULT);
            let found = item.map_err(|error| input.undecodable(Structure::CoseKey, &error))?;
            return key::decode_secret(found).map_err(|fault| {
                Failure::new(format!("{} is no private key: {fault}", input.name))
                    .hint("the ephemeral private key of the session is needed, not its public half")
            });
        }
    }
    keys::secret_key(path)
}

/// Bytes in hexadecimal digits.
fn digits(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let text = Zeroizing::new(input::read_bytes(path)?);
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    packed.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let bytes = base16ct::mixed::decode_vec(packed.as_slice()).map(Zeroizing::new);
    bytes.ok().filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
        Failure::new(format!(
            "{} has something else than hexadecimal digits",
            input::display(path)
        ))
        .hint("keys of sessions are given as hexadecimal digits alone")
    })
}
