//! `mdoc-verifier request`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use mdoc_cli::failure::printable_line;
use mdoc_cli::input::{self, Form, Input};
use mdoc_cli::keys::KeySource;
use mdoc_cli::nearest::nearest;
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure, keys};
use mdoc_core::crypto::equal_in_constant_time;
use mdoc_core::device_request::{ItemsRequest, ReaderAuth, ReaderIdentity, encode_request};
use mdoc_core::seams::Signer;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::profile::{self, Role};
use mdoc_verifier::request::{self, PRESETS};

use super::{PROGRAM, check};

#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).args(["preset", "file", "list"]), after_help = "\
Examples:
  mdoc-verifier request --list
  mdoc-verifier request --preset age-over-18 --out request.cbor
  mdoc-verifier request --file request.toml --out request.cbor \\
      --reader-cert reader.pem --reader-key reader.key.pem \\
      --transcript transcript.cbor

A request file:
  [[document]]
  docType = \"org.iso.18013.5.1.mDL\"
  [document.elements.\"org.iso.18013.5.1\"]
  age_over_18 = false        # true: you mean to keep it
  portrait = false")]
pub(super) struct Arguments {
    /// A request by name; --list shows them.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// A request in TOML; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Show the presets.
    #[arg(long, conflicts_with = "out")]
    list: bool,
    /// The reader's certificate, followed by intermediate ones if there are any; signs the request.
    #[arg(long, value_name = "FILE", requires_all = ["reader_key", "transcript"])]
    reader_cert: Option<PathBuf>,
    /// The reader's private key.
    #[arg(long, value_name = "KEY", requires = "reader_cert")]
    reader_key: Option<KeySource>,
    /// Session transcript that the signature holds for.
    #[arg(long, value_name = "FILE", requires = "reader_cert")]
    transcript: Option<PathBuf>,
    /// Sign the request as a whole (version 1.1, second edition): only for wallets that announced it.
    #[arg(long, requires = "reader_cert")]
    sign_whole: bool,
    /// Where to write the DeviceRequest; `-` is standard output.
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.list {
        return list(arguments.json);
    }
    if let Some(out) = &arguments.out {
        let inputs = [&arguments.file, &arguments.reader_cert, &arguments.transcript];
        let inputs = inputs.into_iter().flatten().map(PathBuf::as_path);
        let inputs = inputs.chain(arguments.reader_key.as_ref().and_then(KeySource::file));
        output::not_over(out, &inputs.collect::<Vec<_>>())?;
    }
    let requests = requests(arguments.preset.as_deref(), arguments.file.as_deref())?;
    let encoded = encode(arguments, &requests)?;
    let Some(out) = &arguments.out else {
        return Ok(Exit::Done);
    };
    if input::is_stdio(out) {
        output::print_bytes(&encoded)?;
        return Ok(Exit::Done);
    }
    output::write(
        NewFile {
            path: out,
            content: &encoded,
            secret: false,
        },
        Existing::Replace,
    )?;
    if arguments.json {
        output::print_json(&serde_json::json!({
            "request": out.display().to_string(),
            "docTypes": requests.iter().map(|request| request.doc_type.as_str()).collect::<Vec<_>>(),
            "signed": arguments.reader_cert.is_some(),
        }))?;
    } else {
        output::print(&summary(&requests, arguments, &out.display().to_string()))?;
    }
    Ok(Exit::Done)
}

fn list(json: bool) -> Result<Exit, Failure> {
    if json {
        let presets: Vec<_> = PRESETS
            .iter()
            .map(|preset| serde_json::json!({ "name": preset.name, "about": preset.about }))
            .collect();
        output::print_json(&serde_json::Value::from(presets))?;
    } else {
        let lines: String = PRESETS
            .iter()
            .map(|preset| format!("{:<14} {}\n", preset.name, preset.about))
            .collect();
        output::print(&lines)?;
    }
    Ok(Exit::Done)
}

/// What a preset or a file asks for.
pub(super) fn requests(preset: Option<&str>, file: Option<&Path>) -> Result<Vec<ItemsRequest>, Failure> {
    if let Some(name) = preset {
        let preset = request::preset(name).ok_or_else(|| {
            let meant = nearest(name, PRESETS.iter().map(|preset| preset.name));
            let hint = meant.map_or_else(
                || "`mdoc-verifier request --list` shows them all".to_owned(),
                |meant| format!("did you mean `{meant}`? --list shows them all"),
            );
            Failure::new(format!("there is no preset `{name}`")).hint(hint)
        })?;
        return Ok(preset.request());
    }
    let input = Input::read(file.unwrap_or_else(|| Path::new("-")))?;
    let hint = "`mdoc-verifier request --help` shows a request file";
    if !matches!(input.form, Form::Text | Form::Json) {
        return Err(input.not("a request in TOML").hint(hint));
    }
    request::parse(input.text()?)
        .map_err(|error| Failure::new(format!("{}: {}", input.name, error.to_string().trim_end())).hint(hint))
}

fn encode(arguments: &Arguments, requests: &[ItemsRequest]) -> Result<Vec<u8>, Failure> {
    let (Some(cert), Some(key), Some(transcript)) = (
        &arguments.reader_cert,
        &arguments.reader_key,
        &arguments.transcript,
    ) else {
        return encode_request(requests, &ReaderAuth::None).map_err(|error| Failure::new(error.to_string()));
    };
    let identity = Identity::load(cert, key)?;
    identity.sign(requests, &check::transcript(transcript)?, arguments.sign_whole)
}

/// A reader with a name: its certificates and its key.
pub(super) struct Identity {
    chain: Vec<Certificate>,
    signer: Box<dyn Signer>,
}

impl Identity {
    /// Reads both, and warns of what wallets do not expect.
    pub(super) fn load(cert: &Path, key: &KeySource) -> Result<Self, Failure> {
        let chain = keys::certificates(cert)?;
        let signer = keys::signer(key)?;
        let leaf = chain.first().and_then(|leaf| leaf.public_key().ok());
        if !leaf.is_some_and(|leaf| equal_in_constant_time(leaf.as_bytes(), signer.public_key().as_bytes())) {
            return Err(Failure::new(format!(
                "the key in {} does not belong to the first certificate in {}",
                key,
                cert.display()
            ))
            .hint("give the certificate and the key that `mdoc-issuer pki reader` wrote together"));
        }
        for finding in chain
            .first()
            .iter()
            .flat_map(|leaf| profile::check(Role::ReaderAuthentication, leaf, None))
        {
            let name = cert.display();
            output::warn(
                PROGRAM,
                &format!("{name} is not what wallets expect of a reader: {finding}"),
            );
        }
        Ok(Self { chain, signer })
    }

    /// The request, signed for a session.
    pub(super) fn sign(
        &self,
        requests: &[ItemsRequest],
        transcript: &SessionTranscript,
        whole: bool,
    ) -> Result<Vec<u8>, Failure> {
        let x5chain: Vec<&[u8]> = self.chain.iter().map(Certificate::der).collect();
        let identity = ReaderIdentity {
            signer: self.signer.as_ref(),
            x5chain: &x5chain,
        };
        let auth = if whole {
            ReaderAuth::WholeRequest(identity, transcript)
        } else {
            ReaderAuth::EachDocument(identity, transcript)
        };
        encode_request(requests, &auth).map_err(|error| Failure::new(error.to_string()))
    }
}

fn summary(requests: &[ItemsRequest], arguments: &Arguments, out: &str) -> String {
    let signed = if arguments.reader_cert.is_some() {
        "signed"
    } else {
        "not signed"
    };
    let mut text = format!("wrote {out} ({signed})\n");
    for request in requests {
        let _ = writeln!(text, "  {}", printable_line(&request.doc_type));
        for (name_space, elements) in &request.name_spaces {
            for element in elements {
                let keep = if element.intent_to_retain {
                    ", to be kept"
                } else {
                    ""
                };
                let (name_space, identifier) =
                    (printable_line(name_space), printable_line(&element.identifier));
                let _ = writeln!(text, "    {name_space} {identifier}{keep}");
            }
        }
    }
    text
}
