//! `mdoc-issuer portrait`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use mdoc_cli::input::{self, Form, Input};
use mdoc_cli::output::{self, Existing, NewFile};
use mdoc_cli::{Exit, Failure};
use mdoc_issuer::photo::{self, Change, ImageKind, LARGEST_INPUT, Prepared, Wanted};
use serde_json::{Value as Json, json};

use super::PROGRAM;

/// What to do with portraits.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make of a photograph what a document allows, and tell what was done to it
    #[command(after_help = "\
A file that is as it should be stays as it is, but for its metadata: places,
dates, thumbnails. Any other is turned upright, scaled down, and written as a
baseline JPEG in sRGB. `issue` and `badge` do the same with every portrait; here
it can be looked at before.

Examples:
  mdoc-issuer portrait prepare IMG_2041.JPG --out portrait.jpg
  mdoc-issuer portrait prepare scan.png --max-bytes 20000 --max-pixels 172800 --out portrait.jpg
  mdoc-issuer portrait prepare photo.jp2 --allow jpeg --out - --json > portrait.jpg")]
    Prepare(Prepare),
}

/// `portrait prepare`
#[derive(Debug, Args)]
pub(super) struct Prepare {
    /// The photograph: JPEG, JPEG 2000 or PNG; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write the picture; `-` for standard output
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Most bytes of the picture
    #[arg(long, value_name = "N", default_value_t = 40_960, value_parser = clap::value_parser!(u32).range(2000..=4_194_304))]
    max_bytes: u32,
    /// Most pixels, width times height; 480000 is 600 by 800
    #[arg(long, value_name = "N", default_value_t = Wanted::MAX_PIXELS, value_parser = clap::value_parser!(u32).range(2500..=16_000_000))]
    max_pixels: u32,
    /// The kinds that the document allows; a JPEG 2000 is never made, only kept
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Jpeg, Kind::Jpeg2000])]
    allow: Vec<Kind>,
    /// Print JSON; on stderr, if the picture goes to standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Jpeg,
    Jpeg2000,
}

/// Runs `portrait prepare`.
///
/// # Errors
/// [`Failure`] if the file is no picture that can be used; nothing is written then.
pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    let Command::Prepare(arguments) = command;
    output::not_over(&arguments.out, &[&arguments.file])?;
    let bytes = read(&arguments.file)?;
    let kinds: Vec<ImageKind> = arguments
        .allow
        .iter()
        .map(|kind| match kind {
            Kind::Jpeg => ImageKind::Jpeg,
            Kind::Jpeg2000 => ImageKind::Jpeg2000,
        })
        .collect();
    let wanted = Wanted {
        max_pixels: arguments.max_pixels,
        ..Wanted::new(&kinds, usize::try_from(arguments.max_bytes).unwrap_or(usize::MAX))
    };
    let prepared = photo::prepare(&bytes, &wanted).map_err(|error| {
        let name = input::display(&arguments.file);
        Failure::new(format!("{name}: {error}")).hint(error.hint())
    })?;
    let file = NewFile {
        path: &arguments.out,
        content: &prepared.bytes,
        secret: false,
    };
    output::write(file, Existing::Replace)?;
    report(&prepared, bytes.len(), arguments)
}

fn report(prepared: &Prepared, before: usize, arguments: &Prepare) -> Result<Exit, Failure> {
    let to_stdout = input::is_stdio(&arguments.out);
    let out = arguments.out.display().to_string();
    if arguments.json {
        let report = json!({
            "picture": out,
            "kind": prepared.kind.name(),
            "width": prepared.width,
            "height": prepared.height,
            "bytes": prepared.bytes.len(),
            "bytesBefore": before,
            "changes": changes_json(&prepared.changes),
        });
        if to_stdout {
            eprintln!("{report:#}");
        } else {
            output::print_json(&report)?;
        }
        return Ok(Exit::Done);
    }
    for change in &prepared.changes {
        output::warn(PROGRAM, &change.to_string());
    }
    if !to_stdout {
        output::print(&format!(
            "wrote {out}: {}, {} by {} pixels, {} bytes\n",
            prepared.kind,
            prepared.width,
            prepared.height,
            prepared.bytes.len()
        ))?;
    }
    Ok(Exit::Done)
}

fn changes_json(changes: &[Change]) -> Vec<Json> {
    let changes = changes
        .iter()
        .map(|change| json!({"code": change.code(), "message": change.to_string()}));
    changes.collect()
}

/// Reads a portrait. Pictures are judged with the other data; what is no picture at all is named here.
///
/// # Errors
/// [`Failure`] that says what the file is.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let input = Input::read(path)?;
    let picture = match input.form {
        Form::Jpeg | Form::Unknown => true,
        Form::Other(kind) => matches!(kind, "a JPEG 2000 picture" | "a PNG picture"),
        _ => false,
    };
    if picture && input.bytes.len() <= LARGEST_INPUT {
        return Ok(input.bytes.to_vec());
    }
    if picture {
        let megabytes = LARGEST_INPUT >> 20;
        return Err(
            Failure::new(format!("{} is larger than {megabytes} MiB", input.name))
                .hint("save the picture with fewer pixels"),
        );
    }
    Err(input
        .not("a portrait in JPEG, JPEG 2000 or PNG")
        .hint("give an image file, such as photo.jpg"))
}
