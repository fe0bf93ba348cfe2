//! The wallet that a command works on.

use std::path::{Path, PathBuf};

use clap::Args;
use mdoc_cli::{Failure, keys, output, system};
use mdoc_core::crypto::fastest;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::time::Timestamp;
use mdoc_holder::wallet::{self, Record, State, Wallet};

use super::PROGRAM;

#[derive(Args)]
pub(super) struct WalletArguments {
    /// The folder of the wallet.
    #[arg(long, value_name = "DIR", default_value = "wallet")]
    wallet: PathBuf,
}

impl WalletArguments {
    pub(super) fn folder(&self) -> &Path {
        &self.wallet
    }

    /// Opens a wallet that is there.
    pub(super) fn open(&self) -> Result<Wallet<'static>, Failure> {
        open(&self.wallet)
    }

    /// Opens the wallet, or makes it.
    pub(super) fn open_or_create(&self) -> Result<Wallet<'static>, Failure> {
        if wallet::exists(&self.wallet) {
            return self.open();
        }
        let name = format!("the new wallet {}", self.wallet.display());
        let passphrase = keys::new_passphrase(&name)?;
        let master = wallet::create(&self.wallet, passphrase.as_bytes(), &mut system::random()?)?;
        Wallet::open(&self.wallet, master, fastest())
    }
}

/// Opens a wallet that is there; its passphrase is had as that of any key file.
pub(super) fn open(folder: &Path) -> Result<Wallet<'static>, Failure> {
    if !wallet::exists(folder) {
        return Err(Failure::new(format!("{} is no wallet", folder.display()))
            .hint("`mdoc-holder collect` makes one, and --wallet names another folder"));
    }
    let master = keys::secret_key(&wallet::key_path(folder))?;
    Wallet::open(folder, master, fastest())
}

/// All records; files that are damaged are said on stderr.
pub(super) fn records(wallet: &Wallet<'_>) -> Result<Vec<Record>, Failure> {
    let (records, damaged) = wallet.records()?;
    for name in damaged {
        output::warn(PROGRAM, &format!("{name} is damaged, or is not of this wallet"));
    }
    Ok(records)
}

/// A record in one word.
pub(super) const fn state(record: &Record) -> &'static str {
    match record.state {
        State::Requested => "requested",
        State::Pending(_) => "pending",
        State::Ready => "ready",
    }
}

/// Until when the first copy is valid.
pub(super) fn valid_until(record: &Record) -> Option<Timestamp> {
    let document = record.copies.iter().find_map(|copy| copy.document.as_deref())?;
    let limits = Limits::DEFAULT;
    let mso = IssuerSigned::decode(document, &limits).ok()?.mso(&limits).ok()?;
    Some(mso.validity_info.valid_until)
}
