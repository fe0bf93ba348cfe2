//! Modules and the tokens behind them.

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::RvError;
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use crate::error::{TokenError, answer, failed};
use crate::uri::Uri;

/// The largest file that a PIN is read from, in octets.
const LARGEST_PIN: usize = 4096;

/// Folders where modules are, for `module-name` and p11-kit.
const FOLDERS: [&str; 12] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu/pkcs11",
    "/usr/lib/x86_64-linux-gnu/softhsm",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu/pkcs11",
    "/usr/lib64",
    "/usr/lib64/pkcs11",
    "/usr/lib",
    "/usr/lib/pkcs11",
    "/usr/lib/softhsm",
    "/usr/local/lib",
    "/opt/homebrew/lib",
];

/// Asks somebody for the PIN of a token; none if there is none to give.
pub type AskPin<'a> = &'a dyn Fn(&TokenInfo) -> Option<Zeroizing<String>>;

/// What a URI does not say.
#[derive(Default)]
pub struct Settings<'a> {
    /// The module, if the URI names none; otherwise p11-kit, which knows those that are installed.
    pub module: Option<PathBuf>,
    /// Gives the PIN of a token, if the URI does not say where it is.
    pub pin: Option<AskPin<'a>>,
}

/// A token, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its label.
    pub label: String,
    /// Who made it.
    pub manufacturer: String,
    /// What it is.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// The number of the slot that it is in.
    pub slot_id: u64,
}

impl TokenInfo {
    /// The URI of the token.
    #[must_use]
    pub fn uri(&self) -> Uri {
        Uri {
            token: Some(self.label.clone()),
            manufacturer: Some(self.manufacturer.clone()),
            model: Some(self.model.clone()),
            serial: Some(self.serial.clone()),
            ..Uri::default()
        }
    }
}

impl fmt::Display for TokenInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri().fmt(f)
    }
}

/// The tokens that fit a URI.
///
/// # Errors
/// [`TokenError`] if there is no module or it fails; that no token fits is an empty list.
pub fn tokens(uri: &Uri, settings: &Settings<'_>) -> Result<Vec<TokenInfo>, TokenError> {
    let module = open_module(uri, settings)?;
    Ok(fitting(&module, uri)?
        .0
        .into_iter()
        .map(|(_, info)| info)
        .collect())
}

/// Finds and starts the module. One that was started before is the same: a process has it once.
pub(crate) fn open_module(uri: &Uri, settings: &Settings<'_>) -> Result<Pkcs11, TokenError> {
    static MODULES: Mutex<Vec<(PathBuf, Pkcs11)>> = Mutex::new(Vec::new());
    if let Some(name) = uri.unknown.first() {
        return Err(TokenError::UnknownAttribute(name.clone()));
    }
    let path = module_path(uri, settings)?;
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    let module = if let Some((_, module)) = modules.iter().find(|(known, _)| *known == path) {
        module.clone()
    } else {
        let broken = |error: &cryptoki::error::Error| TokenError::ModuleBroken {
            path: path.clone(),
            why: error.to_string(),
        };
        let module = Pkcs11::new(&path).map_err(|error| broken(&error))?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Err(error) if answer(&error) != Some(RvError::CryptokiAlreadyInitialized) => {
                return Err(broken(&error));
            }
            _ => {}
        }
        modules.push((path, module.clone()));
        module
    };
    let info = module.get_library_info().map_err(|error| failed(&error))?;
    let version = (info.library_version().major(), info.library_version().minor());
    let fits = matches(uri.library_manufacturer.as_ref(), info.manufacturer_id())
        && matches(uri.library_description.as_ref(), info.library_description())
        && uri.library_version.is_none_or(|asked| asked == version);
    if fits {
        Ok(module)
    } else {
        Err(TokenError::NoToken(Vec::new()))
    }
}

fn module_path(uri: &Uri, settings: &Settings<'_>) -> Result<PathBuf, TokenError> {
    let named = uri.module_path.as_ref();
    if let Some(name) = &uri.module_name
        && named.is_none()
    {
        let files = [
            format!("lib{name}.so"),
            format!("{name}.so"),
            format!("lib{name}.dylib"),
        ];
        let known = !name.is_empty() && !name.contains(['/', '\\']);
        let found = files.iter().filter(|_| known).find_map(|file| in_folders(file));
        return found.ok_or_else(|| TokenError::ModuleMissing(name.clone()));
    }
    if let Some(path) = named.or(settings.module.as_ref()) {
        // A bare name is looked up by the system's loader.
        let bare = path.parent().is_some_and(|parent| parent.as_os_str().is_empty());
        if !bare && !path.is_file() {
            return Err(TokenError::ModuleMissing(path.display().to_string()));
        }
        return Ok(path.clone());
    }
    ["p11-kit-proxy.so", "p11-kit-proxy.dylib"]
        .into_iter()
        .find_map(in_folders)
        .ok_or(TokenError::NoModule)
}

fn in_folders(file: &str) -> Option<PathBuf> {
    let paths = FOLDERS.iter().map(|folder| Path::new(folder).join(file));
    paths.into_iter().find(|path| path.is_file())
}

fn matches(asked: Option<&String>, found: &str) -> bool {
    asked.is_none_or(|asked| asked == found.trim_end())
}

/// Tokens that fit a URI, and those that do not.
type Fitting = (Vec<(Slot, TokenInfo)>, Vec<TokenInfo>);

fn fitting(module: &Pkcs11, uri: &Uri) -> Result<Fitting, TokenError> {
    let slots = module
        .get_slots_with_initialized_token()
        .map_err(|error| failed(&error))?;
    let (mut fit, mut others) = (Vec::new(), Vec::new());
    for slot in slots {
        let token = module.get_token_info(slot).map_err(|error| failed(&error))?;
        let place = module.get_slot_info(slot).map_err(|error| failed(&error))?;
        let info = TokenInfo {
            label: token.label().trim_end().to_owned(),
            manufacturer: token.manufacturer_id().trim_end().to_owned(),
            model: token.model().trim_end().to_owned(),
            serial: token.serial_number().trim_end().to_owned(),
            slot_id: slot.id(),
        };
        if matches(uri.token.as_ref(), &info.label)
            && matches(uri.manufacturer.as_ref(), &info.manufacturer)
            && matches(uri.model.as_ref(), &info.model)
            && matches(uri.serial.as_ref(), &info.serial)
            && uri.slot_id.is_none_or(|asked| asked == info.slot_id)
            && matches(uri.slot_description.as_ref(), place.slot_description())
            && matches(uri.slot_manufacturer.as_ref(), place.manufacturer_id())
        {
            fit.push((slot, info));
        } else {
            others.push(info);
        }
    }
    Ok((fit, others))
}

/// The one token that fits a URI.
pub(crate) fn the_token(module: &Pkcs11, uri: &Uri) -> Result<(Slot, TokenInfo), TokenError> {
    let (mut fit, others) = fitting(module, uri)?;
    match (fit.pop(), fit.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(TokenError::NoToken(others)),
        (Some(last), false) => {
            fit.push(last);
            Err(TokenError::SeveralTokens(
                fit.into_iter().map(|(_, info)| info).collect(),
            ))
        }
    }
}

/// A session, logged in if the token asks for it. Gives the PIN that it took, to log in again later.
pub(crate) fn open_session(
    module: &Pkcs11,
    (slot, info): (Slot, &TokenInfo),
    write: bool,
    pin: impl FnOnce() -> Result<Option<Zeroizing<String>>, TokenError>,
) -> Result<(Session, Option<Zeroizing<String>>), TokenError> {
    let session = if write {
        module.open_rw_session(slot)
    } else {
        module.open_ro_session(slot)
    }
    .map_err(|error| failed(&error))?;
    let flags = module.get_token_info(slot).map_err(|error| failed(&error))?;
    let state = session
        .get_session_info()
        .map_err(|error| failed(&error))?
        .session_state();
    // Logging in is the affair of the whole process: another session may have done it.
    if !flags.login_required() || matches!(state, SessionState::RoUser | SessionState::RwUser) {
        // The PIN is kept nevertheless, for the day that this session is lost.
        let kept = if flags.login_required() { pin()? } else { None };
        return Ok((session, kept));
    }
    let token = || info.label.clone();
    if flags.user_pin_locked() {
        return Err(TokenError::PinLocked(token()));
    }
    if !flags.user_pin_initialized() {
        return Err(TokenError::NoPinSet(token()));
    }
    if flags.user_pin_final_try() {
        return Err(TokenError::LastTry(token()));
    }
    // A token with a keypad of its own asks for the PIN itself.
    let given = if flags.protected_authentication_path() {
        None
    } else {
        Some(pin()?.ok_or_else(|| TokenError::NoPin(token()))?)
    };
    let pin = given.as_ref().map(|pin| AuthPin::new(pin.as_str().into()));
    match session.login(UserType::User, pin.as_ref()) {
        Ok(()) => Ok((session, given)),
        Err(error) => match answer(&error) {
            Some(RvError::UserAlreadyLoggedIn) => Ok((session, given)),
            Some(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange) => {
                Err(TokenError::WrongPin(token()))
            }
            Some(RvError::PinLocked) => Err(TokenError::PinLocked(token())),
            Some(RvError::UserPinNotInitialized) => Err(TokenError::NoPinSet(token())),
            _ => Err(failed(&error)),
        },
    }
}

/// The PIN: as the URI says, otherwise from whoever asks.
pub(crate) fn find_pin(
    uri: &Uri,
    settings: &Settings<'_>,
    info: &TokenInfo,
) -> Result<Option<Zeroizing<String>>, TokenError> {
    if let Some(pin) = &uri.pin_value {
        return Ok(Some(pin.clone()));
    }
    if let Some(source) = &uri.pin_source {
        return pin_from(source).map(Some);
    }
    Ok(settings.pin.and_then(|ask| ask(info)))
}

/// Reads a PIN from the file of a `pin-source`: its first line.
fn pin_from(source: &str) -> Result<Zeroizing<String>, TokenError> {
    use std::io::Read as _;
    let refuse = |why: &str| Err(TokenError::PinSource(why.to_owned()));
    let path = match source.split_once(':') {
        Some(("file", path)) => path.strip_prefix("//").unwrap_or(path),
        Some(_) => return refuse("it is no `file:`"),
        None if source.starts_with('|') => return refuse("a program is not run for it"),
        None => source,
    };
    let cannot = |error: std::io::Error| TokenError::PinSource(format!("{path}: {}", error.kind()));
    let file = std::fs::File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if others_may(&metadata) {
        return refuse(&format!("others than its owner can use {path}"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST_PIN));
    let most = u64::try_from(LARGEST_PIN).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    let line = bytes
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .next()
        .unwrap_or_default();
    match core::str::from_utf8(line) {
        Ok("") => refuse(&format!("{path} has no PIN in its first line")),
        Ok(pin) => Ok(Zeroizing::new(pin.to_owned())),
        Err(_) => refuse(&format!("{path} is no text")),
    }
}

#[cfg(unix)]
fn others_may(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.is_file() && metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn others_may(_: &std::fs::Metadata) -> bool {
    false
}
