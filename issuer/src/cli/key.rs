//! `mdoc-issuer key`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use mdoc_cli::args::CurveName;
use mdoc_cli::input::is_stdio;
use mdoc_cli::keys::{KeySource, new_passphrase, public_half, secret_key, token};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure, system};
use mdoc_core::crypto::{Curve, PublicKey, SecretKey};
use mdoc_core::keys::{Kdf, public_to_jwk, public_to_pem, secret_to_encrypted_pem, secret_to_pem};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a private key in a file or in a token
    #[command(after_help = "\
Examples:
  mdoc-issuer key new --key ds.key.pem --public ds.pub.pem
  mdoc-issuer key new --key ds.key.pem --encrypt
  mdoc-issuer key new --key 'pkcs11:token=issuing;object=ds-2026' --curve P-384

A key in a token can sign and nothing else, and cannot be taken out of it. One that is there
is never replaced.")]
    New(New),
    /// List the private keys of a token, or the tokens if there are several
    #[command(after_help = "\
Examples:
  mdoc-issuer key list
  mdoc-issuer key list 'pkcs11:token=issuing?module-path=/usr/lib/softhsm/libsofthsm2.so'")]
    List(List),
    /// Show the public half of a key, as PEM
    #[command(after_help = "\
Examples:
  mdoc-issuer key show ds.key.pem > ds.pub.pem
  mdoc-issuer key show 'pkcs11:token=issuing;object=ds-2026' --json")]
    Show(Show),
    /// Put a passphrase on the private key in a file, or change it
    #[command(after_help = "\
Examples:
  mdoc-issuer key encrypt ds.key.pem
  MDOC_KEY_NEW_PASSPHRASE_FILE=secret mdoc-issuer key encrypt ds.key.pem --out ds-2.key.pem

The new passphrase comes from MDOC_KEY_NEW_PASSPHRASE, from the file that
MDOC_KEY_NEW_PASSPHRASE_FILE names, otherwise from those of MDOC_KEY_PASSPHRASE, or from the
terminal. The present one comes from MDOC_KEY_PASSPHRASE or from the terminal.")]
    Encrypt(Encrypt),
    /// Take the passphrase off the private key in a file
    #[command(after_help = "\
Example:
  mdoc-issuer key decrypt ds.key.pem --out plain.key.pem")]
    Decrypt(Decrypt),
}

/// `key new`
#[derive(Debug, Args)]
pub(super) struct New {
    /// Where the key is to be: a file, or a pkcs11: URI with `object=LABEL`
    #[arg(long, value_name = "KEY")]
    key: KeySource,
    /// The curve of the key
    #[arg(long, value_enum, default_value = "P-256")]
    curve: CurveName,
    /// Put a passphrase on the file
    #[arg(long)]
    encrypt: bool,
    /// Also write the public half to a file, as PEM
    #[arg(long, value_name = "FILE")]
    public: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `key list`
#[derive(Debug, Args)]
pub(super) struct List {
    /// The token, a pkcs11: URI
    #[arg(value_name = "URI", default_value = "pkcs11:")]
    uri: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `key show`
#[derive(Debug, Args)]
pub(super) struct Show {
    /// A private or public key or a certificate in a file, or a pkcs11: URI
    #[arg(value_name = "KEY")]
    key: KeySource,
    /// Print JSON: curve, PEM and JWK
    #[arg(long)]
    json: bool,
}

/// `key encrypt`
#[derive(Debug, Args)]
pub(super) struct Encrypt {
    /// The file with the private key
    #[arg(value_name = "FILE")]
    key: PathBuf,
    /// How the passphrase is made hard to guess
    #[arg(long, value_enum, default_value_t = KdfName::Scrypt)]
    kdf: KdfName,
    #[command(flatten)]
    out: Out,
}

/// `key decrypt`
#[derive(Debug, Args)]
pub(super) struct Decrypt {
    /// The file with the private key
    #[arg(value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    out: Out,
}

/// Where a key is written to.
#[derive(Debug, Args)]
struct Out {
    /// Where to write the key [default: in place of the one that is read]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KdfName {
    Scrypt,
    Pbkdf2,
}

/// Does what was asked for.
///
/// # Errors
/// [`Failure`] in words, with no file written.
pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::New(arguments) => new(arguments),
        Command::List(arguments) => list(arguments),
        Command::Show(arguments) => show(arguments),
        Command::Encrypt(arguments) => {
            let kdf = match arguments.kdf {
                KdfName::Scrypt => Kdf::Scrypt,
                KdfName::Pbkdf2 => Kdf::Pbkdf2,
            };
            rewrite(&arguments.key, &arguments.out, Some(kdf))
        }
        Command::Decrypt(arguments) => rewrite(&arguments.key, &arguments.out, None),
    }?;
    Ok(Exit::Done)
}

fn new(arguments: &New) -> Result<(), Failure> {
    let curve = arguments.curve.curve();
    let public = match &arguments.key {
        KeySource::File(path) => {
            let key = SecretKey::generate(curve, &mut system::random()?);
            let text = written(&key, path, arguments.encrypt.then_some(Kdf::Scrypt))?;
            let public = public_to_pem(key.public_key());
            let mut files = vec![private_file(path, text.as_bytes())?];
            files.extend(arguments.public.as_deref().map(|path| NewFile {
                path,
                content: public.as_bytes(),
                secret: false,
            }));
            output::write_all(&files, existing(arguments.force))?;
            key.public_key().clone()
        }
        KeySource::Token(uri) => in_token(arguments, uri, curve)?,
    };
    let place = arguments.key.to_string();
    let encrypted = arguments.encrypt && arguments.key.file().is_some();
    if arguments.json {
        let file = arguments.public.as_ref().map(|path| path.display().to_string());
        let made = json!({
            "key": place,
            "encrypted": encrypted,
            "public": file,
            "publicKey": described(&public),
        });
        return output::print_json(&made);
    }
    let verb = if arguments.key.file().is_some() {
        "wrote"
    } else {
        "made"
    };
    let more = if encrypted { ", under a passphrase" } else { "" };
    let also = arguments.public.as_ref().map_or(String::new(), |path| {
        format!("; its public half is in {}", path.display())
    });
    output::print(&format!("{verb} {place}: a private key on {curve}{more}{also}\n"))
}

fn in_token(arguments: &New, uri: &str, curve: Curve) -> Result<PublicKey, Failure> {
    if arguments.encrypt {
        return Err(Failure::new("--encrypt is for keys in files")
            .hint("leave it away: what protects a key in a token is the token and its PIN"));
    }
    // Before the key is made: afterwards it would be too late to find that it is in the way.
    if let Some(path) = &arguments.public
        && path.exists()
        && !arguments.force
    {
        return Err(
            Failure::new(format!("{} exists already, nothing was made", path.display()))
                .hint("choose another place, or give --force to replace it"),
        );
    }
    let (_, public) = token::generate(uri, curve)?;
    if let Some(path) = &arguments.public {
        let content = public_to_pem(&public);
        let file = NewFile {
            path,
            content: content.as_bytes(),
            secret: false,
        };
        output::write(file, existing(arguments.force))?;
    }
    Ok(public)
}

fn list(arguments: &List) -> Result<(), Failure> {
    if !matches!(arguments.uri.parse(), Ok(KeySource::Token(_))) {
        return Err(Failure::new(format!("{} is no pkcs11: URI", arguments.uri))
            .hint("name a token, such as pkcs11:token=issuing, or give nothing to see all of them"));
    }
    let tokens = token::list(&arguments.uri)?;
    if arguments.json {
        let all: Vec<Json> = tokens.iter().map(token_json).collect();
        return output::print_json(&json!({ "tokens": all }));
    }
    let mut text = String::new();
    for found in &tokens {
        text.push_str(&format!("{}\n", found.uri));
        let keys = found.keys.iter().flatten();
        for key in keys {
            let curve = key
                .curve
                .map_or("not a kind that signs here".to_owned(), |curve| curve.to_string());
            let mut remarks = vec![curve];
            if !key.signs {
                remarks.push("may not sign".to_owned());
            }
            if key.extractable {
                remarks.push("CAN BE TAKEN OUT".to_owned());
            }
            text.push_str(&format!("  {}  {}\n", key.uri, remarks.join(", ")));
        }
        match &found.keys {
            None => {}
            Some(keys) if keys.is_empty() => text.push_str("  no private key that fits\n"),
            Some(_) => {}
        }
    }
    if tokens.iter().all(|found| found.keys.is_none()) {
        text.push_str("name one of them to see its keys\n");
    }
    output::print(&text)
}

fn token_json(found: &token::Token) -> Json {
    let keys = found.keys.as_ref().map(|keys| {
        let each = keys.iter().map(|key| {
            json!({
                "uri": key.uri,
                "label": key.label,
                "id": key.id,
                "curve": key.curve.map(|curve| curve.to_string()),
                "signs": key.signs,
                "extractable": key.extractable,
            })
        });
        each.collect::<Vec<Json>>()
    });
    json!({ "token": found.uri, "keys": keys })
}

fn show(arguments: &Show) -> Result<(), Failure> {
    let public = public_half(&arguments.key)?;
    if arguments.json {
        return output::print_json(&described(&public));
    }
    output::print(&public_to_pem(&public))
}

fn described(public: &PublicKey) -> Json {
    let jwk: Json = serde_json::from_str(&public_to_jwk(public)).unwrap_or_default();
    json!({
        "curve": public.curve().to_string(),
        "pem": public_to_pem(public),
        "jwk": jwk,
    })
}

/// Writes the key of a file once more, with a passphrase or without.
fn rewrite(key: &Path, to: &Out, kdf: Option<Kdf>) -> Result<(), Failure> {
    let in_place = to.out.is_none();
    let out = to.out.as_deref().unwrap_or(key);
    // Refused before anybody is asked for anything.
    private_file(out, &[])?;
    let secret = secret_key(key)?;
    let text = written(&secret, out, kdf)?;
    let existing = existing(in_place || to.force);
    output::write_all(&[private_file(out, text.as_bytes())?], existing)?;
    let place = out.display().to_string();
    if to.json {
        return output::print_json(&json!({ "key": place, "encrypted": kdf.is_some() }));
    }
    let how = if kdf.is_some() {
        "under a passphrase"
    } else {
        "without a passphrase"
    };
    output::print(&format!("wrote {place}: a private key {how}\n"))
}

fn written(key: &SecretKey, path: &Path, kdf: Option<Kdf>) -> Result<Zeroizing<String>, Failure> {
    let Some(kdf) = kdf else {
        return Ok(secret_to_pem(key));
    };
    let passphrase = new_passphrase(&path.display().to_string())?;
    secret_to_encrypted_pem(key, passphrase.as_bytes(), kdf, &mut system::random()?)
        .map(Zeroizing::new)
        .map_err(|error| Failure::new(format!("the key cannot be encrypted: {error}")))
}

fn private_file<'a>(path: &'a Path, content: &'a [u8]) -> Result<NewFile<'a>, Failure> {
    if is_stdio(path) {
        return Err(Failure::new("a private key is not written to standard output")
            .hint("give a file, which is made for its owner alone"));
    }
    Ok(NewFile {
        path,
        content,
        secret: true,
    })
}

const fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Keep }
}
