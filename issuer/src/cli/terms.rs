//! The options about what a document says besides the person's data, for every command that issues.

use core::time::Duration;

use clap::{Args, ValueEnum};
use mdoc_cli::args;
use mdoc_cli::system::SystemClock;
use mdoc_core::crypto::DigestAlgorithm;
use mdoc_core::seams::Clock;
use mdoc_core::time::{FullDate, Timestamp};

/// What all documents of a command have in common.
#[derive(Debug, Args)]
pub(super) struct Terms {
    /// How long the document is valid, such as 30d or 12h
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = args::duration)]
    pub(super) valid_for: Duration,
    /// The administrative date of issue [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    pub(super) issue_date: Option<FullDate>,
    /// The issuing authority's name, if the data do not have it
    #[arg(long, value_name = "TEXT", value_parser = args::line)]
    pub(super) authority: Option<String>,
    /// The digest of the elements
    #[arg(long, value_enum, default_value_t = DigestName::Sha256)]
    digest: DigestName,
    /// Random digests without an element, to hide how many elements there are
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=1000))]
    decoys: u16,
    /// Issue as of this instant [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = args::instant)]
    pub(super) at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DigestName {
    #[value(name = "SHA-256")]
    Sha256,
    #[value(name = "SHA-384")]
    Sha384,
    #[value(name = "SHA-512")]
    Sha512,
}

fn date(text: &str) -> Result<FullDate, String> {
    FullDate::parse(text).map_err(|_| "a date such as 2026-06-01 is expected".to_owned())
}

impl Terms {
    pub(super) const fn digest_algorithm(&self) -> DigestAlgorithm {
        match self.digest {
            DigestName::Sha256 => DigestAlgorithm::Sha256,
            DigestName::Sha384 => DigestAlgorithm::Sha384,
            DigestName::Sha512 => DigestAlgorithm::Sha512,
        }
    }

    pub(super) fn decoys(&self) -> usize {
        usize::from(self.decoys)
    }
}

/// The instant that was given stands still; otherwise it is that of the system.
impl Clock for Terms {
    fn now(&self) -> Timestamp {
        self.at.unwrap_or_else(|| SystemClock.now())
    }
}
