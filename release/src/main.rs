//! The program that `release.sh` runs: the bill of materials and the licences of a release.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure};
use mdoc_release::{Parts, Platform, licences, sbom};

const PROGRAM: &str = "mdoc-release";

/// Says what is in a release: its bill of materials, the licences of its parts.
#[derive(Parser)]
#[command(name = PROGRAM, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the software bill of materials, CycloneDX 1.5 as JSON
    Sbom {
        /// The target triple of the programs [default: this machine].
        #[arg(long, value_name = "TRIPLE")]
        target: Option<String>,
        /// The instant of the release; without it none is named.
        #[arg(long, value_name = "RFC3339")]
        made_at: Option<String>,
        /// Where to write it; `-` is standard output.
        #[arg(long, value_name = "FILE", default_value = "-")]
        out: PathBuf,
    },
    /// Copy the texts of the licences of all parts into a folder
    Licences {
        /// The target triple of the programs [default: this machine].
        #[arg(long, value_name = "TRIPLE")]
        target: Option<String>,
        /// The folder.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    mdoc_cli::run(PROGRAM, run)
}

fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Sbom { target, made_at, out } => {
            let bill = sbom::to_json(&parts(target)?, made_at.as_deref());
            let content = format!("{bill:#}\n");
            let file = NewFile {
                path: &out,
                content: content.as_bytes(),
                secret: false,
            };
            output::write(file, Existing::Replace)?;
        }
        Command::Licences { target, out } => {
            let without = licences::copy_texts(&parts(target)?, &out)
                .map_err(|error| Failure::new(format!("the licences cannot be copied: {error}")))?;
            for package in without {
                output::warn(
                    PROGRAM,
                    &format!("{package} comes without the text of its licence"),
                );
            }
        }
    }
    Ok(Exit::Done)
}

fn parts(target: Option<String>) -> Result<Parts, Failure> {
    let platform = target.map_or(Platform::Host, Platform::Target);
    Parts::of(Path::new("."), &platform).map_err(|error| {
        Failure::new(error.to_string())
            .hint("run it in the folder of the repository, with Cargo.lock up to date")
    })
}
