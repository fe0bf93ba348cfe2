//! Passphrases of key files and PINs of tokens: from the environment, from a file, or from the terminal.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use mdoc_core::crypto::equal_in_constant_time;
use zeroize::Zeroizing;

use crate::failure::{Failure, printable_line};

/// The passphrase of key files that are read; with `_FILE` behind it, the file that has it in its first line.
pub const PASSPHRASE: &str = "MDOC_KEY_PASSPHRASE";
/// The passphrase of key files that are written, if it is to be another one.
pub const NEW_PASSPHRASE: &str = "MDOC_KEY_NEW_PASSPHRASE";
/// The PIN of the token.
pub const PIN: &str = "MDOC_PKCS11_PIN";

/// The longest passphrase, in octets.
const LONGEST: usize = 4096;

/// The passphrase that opens a file.
///
/// # Errors
/// [`Failure`] that says how to give it, if it is nowhere and nobody can be asked.
pub(super) fn passphrase(name: &str) -> Result<Zeroizing<String>, Failure> {
    if let Some(found) = from_environment(PASSPHRASE)? {
        return Ok(found);
    }
    ask(&format!("Passphrase of {name}: "))?.ok_or_else(|| {
        Failure::new(format!("{name} is encrypted, and no passphrase was given")).hint(format!(
            "put it in {PASSPHRASE}, or in a file that {PASSPHRASE}_FILE names, or run the command in a terminal"
        ))
    })
}

/// The passphrase that a file is to have: on a terminal it is asked for twice.
///
/// # Errors
/// [`Failure`] that says how to give it, if it is nowhere and nobody can be asked, or if the two differ.
pub fn new_passphrase(name: &str) -> Result<Zeroizing<String>, Failure> {
    for variable in [NEW_PASSPHRASE, PASSPHRASE] {
        if let Some(found) = from_environment(variable)? {
            return Ok(found);
        }
    }
    let Some(first) = ask(&format!("New passphrase for {name}: "))? else {
        return Err(Failure::new(format!("no passphrase for {name} was given")).hint(format!(
            "put it in {NEW_PASSPHRASE}, or in a file that {NEW_PASSPHRASE}_FILE names, or run the command in a \
             terminal"
        )));
    };
    if first.is_empty() {
        return Err(Failure::new("an empty passphrase protects nothing").hint("give a longer one"));
    }
    match ask("The same once more: ")? {
        Some(second) if equal_in_constant_time(second.as_bytes(), first.as_bytes()) => Ok(first),
        _ => Err(Failure::new("the two passphrases differ").hint("try again")),
    }
}

/// The PIN of a token, if it can be had.
#[cfg(feature = "pkcs11")]
pub(super) fn pin(token: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    match from_environment(PIN)? {
        Some(found) => Ok(Some(found)),
        None => ask(&format!("PIN of token {token}: ")),
    }
}

/// What a variable holds, or the file that the variable with `_FILE` behind it names.
fn from_environment(variable: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    let empty = |what: String| Failure::new(format!("{what} is empty")).hint("leave it away, or fill it");
    if let Some(value) = env::var_os(variable) {
        let value = value.into_string().map_err(|_| {
            Failure::new(format!("{variable} is no UTF-8")).hint("give it in the encoding of the terminal")
        })?;
        return match Zeroizing::new(value) {
            value if value.is_empty() => Err(empty(variable.to_owned())),
            value => Ok(Some(value)),
        };
    }
    let Some(path) = env::var_os(format!("{variable}_FILE")) else {
        return Ok(None);
    };
    let path = Path::new(&path);
    let name = path.display();
    let value = first_line(path).map_err(|why| {
        Failure::new(format!("{name}, named by {variable}_FILE, {why}"))
            .hint("give a text file of mode 0600 with the secret in its first line")
    })?;
    if value.is_empty() {
        return Err(empty(format!("the first line of {name}")));
    }
    Ok(Some(value))
}

/// The first line of a file that is for its owner alone.
fn first_line(path: &Path) -> Result<Zeroizing<String>, String> {
    let cannot = |error: io::Error| format!("cannot be read: {}", error.kind());
    let file = File::open(path).map_err(cannot)?;
    if super::mode_for_others(&file.metadata().map_err(cannot)?).is_some() {
        return Err("can be used by others than its owner".to_owned());
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    let line = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next();
    core::str::from_utf8(line.unwrap_or_default())
        .map(|line| Zeroizing::new(line.to_owned()))
        .map_err(|_| "is no text".to_owned())
}

/// Asks on the terminal, without showing what is typed; none if there is no terminal to ask on.
fn ask(question: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    // Where stderr is not a terminal nobody would see that something is asked.
    if !io::stderr().is_terminal() {
        return Ok(None);
    }
    match rpassword::prompt_password(printable_line(question)) {
        Ok(answer) => Ok(Some(Zeroizing::new(answer))),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            Err(Failure::new("nothing was entered").hint("run the command again"))
        }
        // There is none to read from, as in a container.
        Err(_) => Ok(None),
    }
}
