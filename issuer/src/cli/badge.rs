//! `mdoc-issuer badge`

mod render;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mdoc_cli::input::{self, Form, Input};
use mdoc_cli::nearest::nearest;
use mdoc_cli::output;
use mdoc_cli::{Exit, Failure};
use mdoc_issuer::badge::{
    self, Drawing, Fonts, Layout, LayoutErrors, LayoutSelectionInvalid, SHIPPED, Selected, select, shipped,
};
use mdoc_issuer::format::fill::Filled;
use mdoc_issuer::format::more::Count;
use serde_json::{Value as Json, json};

use super::{PROGRAM, format};

/// What to do with badges.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the layouts that can be asked for by name
    #[command(after_help = "\
Example:
  mdoc-issuer badge list")]
    List(List),
    /// Print a shipped layout file, to start one of your own
    #[command(after_help = "\
Example:
  mdoc-issuer badge show access-badge-front > our-badge.xml")]
    Show(Show),
    /// Check layout files, and tell everything that is wrong with them
    #[command(after_help = "\
Each fault is a line FILE:LINE:COLUMN: message. Elements are looked for in the
format that the layout names. Several layouts of one format are checked as a set,
too: exactly one default front, and at most one back (LayoutSelectionInvalid).
Exit status 1 if anything is wrong.

Examples:
  mdoc-issuer badge check our-badge.xml
  mdoc-issuer badge check our-badge.xml our-badge-back.xml --formats our-formats/")]
    Check(Check),
    /// Draw the badge of a person: front and back, as SVG and PNG
    #[command(after_help = "\
The data fill the format as for `issue`, so that badge and document agree.
Files are DIR/NAME-front.svg, .png, and the same with -back.

Examples:
  mdoc-issuer badge render --layout access-badge-front --data person.json \\
      --portrait photo.jpg --out badges
  mdoc-issuer badge render --layout warrant-card-front --layout warrant-card-back \\
      --data person.json --portrait photo.jpg --country NL --out badges --dpi 600")]
    Render(render::Render),
}

/// `badge list`
#[derive(Debug, Args)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `badge show`
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The name of a layout
    #[arg(value_name = "NAME")]
    name: String,
}

/// `badge check`
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Layout files, XML
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The format whose elements are shown [default: the one that the layout names]
    #[arg(long, value_name = "NAME|FILE")]
    format: Option<String>,
    /// A folder with formats of your own (*.xml); they come before the shipped ones
    #[arg(long, value_name = "DIR")]
    formats: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `badge list`, `show`, `check` or `render`.
///
/// # Errors
/// [`Failure`] if a file cannot be read, is faulty, or the badge cannot be drawn.
pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(list) => self::list(list),
        Command::Show(show) => self::show(show),
        Command::Check(check) => self::check(check),
        Command::Render(render) => render::run(render),
    }
}

fn list(list: &List) -> Result<Exit, Failure> {
    let layouts = shipped();
    if list.json {
        let layouts: Vec<Json> = layouts.iter().map(summary_json).collect();
        output::print_json(&json!({ "layouts": layouts }))?;
        return Ok(Exit::Done);
    }
    let width = layouts.iter().map(|layout| layout.name.len()).max().unwrap_or(0);
    let lines = layouts.iter().map(|layout| {
        let format = layout.format.as_deref().unwrap_or("-");
        format!(
            "{:width$}  {:5}  {format:14}  {}\n",
            layout.name,
            layout.side.name(),
            layout.display_name
        )
    });
    output::print(&lines.collect::<String>())?;
    Ok(Exit::Done)
}

fn summary_json(layout: &Layout) -> Json {
    json!({
        "name": layout.name,
        "version": layout.version,
        "displayName": layout.display_name,
        "format": layout.format,
        "side": layout.side.name(),
        "default": layout.default,
        "backOf": layout.back_of,
        "widthMm": json_number(layout.size.0),
        "heightMm": json_number(layout.size.1),
    })
}

/// A length as it was written, not as the nearest binary number.
fn json_number(length: f32) -> Json {
    format!("{length}").parse::<f64>().map_or(Json::Null, Json::from)
}

fn show(show: &Show) -> Result<Exit, Failure> {
    let wanted = format!("{}.xml", show.name);
    match SHIPPED.iter().find(|(file, _)| *file == wanted) {
        Some((_, xml)) => output::print_bytes(xml.as_bytes())?,
        None => return Err(unknown(&show.name)),
    }
    Ok(Exit::Done)
}

fn unknown(name: &str) -> Failure {
    let shipped = shipped();
    let names = shipped.iter().map(|layout| layout.name.as_str());
    let hint = match nearest(name, names) {
        Some(nearest) => format!("did you mean {nearest}? `mdoc-issuer badge list` lists all"),
        None => "`mdoc-issuer badge list` lists those there are; a file is given with its .xml".to_owned(),
    };
    Failure::new(format!("there is no layout `{name}`")).hint(hint)
}

/// What is wrong with one file of `badge check`.
struct Fault {
    line: u32,
    column: u32,
    code: String,
    message: String,
}

fn check(check: &Check) -> Result<Exit, Failure> {
    let catalogue = format::catalogue(check.formats.as_deref())?;
    let stated = check
        .format
        .as_deref()
        .map(|name| format::find(&catalogue, name))
        .transpose()?;
    let mut layouts = Vec::new();
    let mut results: Vec<(String, Vec<Fault>)> = Vec::new();
    let mut count = Count::default();
    for path in &check.files {
        let name = input::display(path);
        let faults = match read(path)? {
            Ok(layout) => {
                let format = match (&stated, layout.format.as_deref()) {
                    (Some((format, _)), _) => Some(format),
                    (None, Some(name)) => catalogue.format(name),
                    (None, None) => None,
                };
                let unknown = format.map_or_else(Vec::new, |format| layout.unknown_elements(format));
                let faults = unknown.into_iter().map(|(line, element)| Fault {
                    line,
                    column: 1,
                    code: "layout.unknown-document-element".to_owned(),
                    message: format!("no document of this format has the element {element}"),
                });
                let faults: Vec<Fault> = faults.collect();
                count.known += faults.len();
                layouts.push(layout);
                faults
            }
            Err(errors) => {
                count += errors.count();
                let faults = errors.0.iter().map(|error| Fault {
                    line: error.line,
                    column: error.column,
                    code: LayoutErrors::code(error),
                    message: error.message.clone(),
                });
                faults.collect()
            }
        };
        results.push((name, faults));
    }
    // Layouts of one format are a set; those of others are checked beside them.
    let set = layouts.iter().find_map(|layout| {
        let same = layouts.iter().filter(|other| other.format == layout.format);
        let set: Vec<&Layout> = same.collect();
        (set.len() > 1).then(|| select(&set).err()).flatten()
    });
    report(check, &results, count, &layouts, set.as_ref())
}

fn report(
    check: &Check,
    results: &[(String, Vec<Fault>)],
    count: Count,
    layouts: &[Layout],
    set: Option<&LayoutSelectionInvalid>,
) -> Result<Exit, Failure> {
    if check.json {
        let files = results.iter().map(|(name, faults)| {
            let errors: Vec<Json> = faults
                .iter()
                .map(|fault| {
                    json!({"line": fault.line, "column": fault.column, "code": fault.code, "message": fault.message})
                })
                .collect();
            json!({"file": name, "valid": errors.is_empty(), "errors": errors})
        });
        let set =
            set.map(|fault| json!({"code": LayoutSelectionInvalid::NAME, "message": fault.to_string()}));
        output::print_json(&json!({"files": files.collect::<Vec<Json>>(), "set": set}))?;
    } else {
        let mut text = String::new();
        for (name, faults) in results {
            for fault in faults {
                text.push_str(&format!(
                    "{name}:{}:{}: {}\n",
                    fault.line, fault.column, fault.message
                ));
            }
        }
        if count.known == 0 {
            for ((name, _), layout) in results.iter().zip(layouts) {
                let (width, height) = layout.size;
                text.push_str(&format!(
                    "{name}: in order: layout {}, {} of {width} by {height} mm\n",
                    layout.name, layout.side
                ));
            }
        }
        output::print(&text)?;
    }
    if count.known > 0 {
        return Err(Failure::new(count.to_string())
            .hint("`mdoc-issuer badge show NAME` prints a layout that is in order")
            .exit(Exit::Rejected));
    }
    match set {
        Some(fault) => Err(selection(fault).exit(Exit::Rejected)),
        None => Ok(Exit::Done),
    }
}

fn selection(fault: &LayoutSelectionInvalid) -> Failure {
    Failure::new(format!("{}: {fault}", LayoutSelectionInvalid::NAME)).hint(fault.hint())
}

/// Reads a layout file, with the files that it names from its folder; what is wrong with it is not a failure yet.
fn read(path: &Path) -> Result<Result<Layout, LayoutErrors>, Failure> {
    let bytes = input::read_bytes(path)?;
    let input = Input::recognise(input::display(path), bytes.clone());
    if !matches!(input.form, Form::Text | Form::Unknown) {
        return Err(input
            .not("a badge layout in XML")
            .hint("`mdoc-issuer badge show NAME` prints one that is in order"));
    }
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(Layout::read(&bytes, &mut badge::beside(&folder)))
}

/// The options of the commands that draw badges.
#[derive(Debug, Args)]
pub(super) struct Look {
    /// The resolution of the PNG, in dots per inch
    #[arg(long, value_name = "N", default_value_t = Drawing::DPI, value_parser = clap::value_parser!(u16).range(72..=1200))]
    dpi: u16,
    /// A font, TrueType or OpenType, for characters that the built-in one lacks; may be given several times
    #[arg(long, value_name = "FILE")]
    font: Vec<PathBuf>,
}

/// The layout of a name or of a file.
fn find(name: &str) -> Result<Layout, Failure> {
    if let Some(layout) = shipped().into_iter().find(|layout| layout.name == name) {
        return Ok(layout);
    }
    let path = Path::new(name);
    let xml = path
        .extension()
        .is_some_and(|ext| ext.eq_ignore_ascii_case("xml"));
    if !(path.is_file() || xml || name.contains(['/', '\\'])) {
        return Err(unknown(name));
    }
    read(path)?.map_err(|errors| {
        let lines: Vec<String> = errors
            .0
            .iter()
            .map(|error| format!("{name}:{}:{}: {}", error.line, error.column, error.message))
            .collect();
        Failure::new(format!("{name} is not a layout in order:\n{}", lines.join("\n")))
            .hint("`mdoc-issuer badge show NAME` prints one that is in order")
    })
}

/// Layouts that were asked for, and the fonts.
pub(super) struct Badge {
    layouts: Vec<Layout>,
    fonts: Vec<Vec<u8>>,
    dpi: u16,
}

/// A file of a badge: the end of its name, and its content.
pub(super) type BadgeFile = (String, Vec<u8>);

impl Badge {
    /// Reads layouts and fonts, and sees to it that they make a badge.
    ///
    /// # Errors
    /// [`Failure`] that names the file, or says `LayoutSelectionInvalid`.
    pub(super) fn load(names: &[String], look: &Look) -> Result<Self, Failure> {
        let layouts = names.iter().map(|name| find(name)).collect::<Result<_, _>>()?;
        let font = |path: &PathBuf| {
            let bytes = input::read_bytes(path)?;
            match Fonts::built_in().with(&bytes) {
                Ok(_) => Ok(bytes),
                Err(error) => Err(Failure::new(format!("{}: {error}", path.display()))
                    .hint("give a file such as NotoNaskhArabic-Regular.ttf")),
            }
        };
        let badge = Self {
            layouts,
            fonts: look.font.iter().map(font).collect::<Result<_, Failure>>()?,
            dpi: look.dpi,
        };
        let all: Vec<&Layout> = badge.layouts.iter().collect();
        select(&all).map_err(|fault| selection(&fault))?;
        Ok(badge)
    }

    /// The format that the layouts name.
    fn format(&self) -> Option<&str> {
        self.layouts.first().and_then(|layout| layout.format.as_deref())
    }

    /// Draws front and back; what a person should look at goes to stderr.
    ///
    /// # Errors
    /// [`Failure`] with everything that keeps the badge from being drawn.
    pub(super) fn draw(&self, document: &Filled) -> Result<Vec<BadgeFile>, Failure> {
        let all: Vec<&Layout> = self.layouts.iter().collect();
        let Selected { front, back } = select(&all).map_err(|fault| selection(&fault))?;
        let mut files = Vec::new();
        for layout in [Some(front), back].into_iter().flatten() {
            let fonts = self
                .fonts
                .iter()
                .try_fold(Fonts::built_in(), |fonts, font| fonts.with(font));
            let fonts = fonts.map_err(|error| Failure::new(error.to_string()))?;
            let (drawing, notices) = badge::draw(layout, document, fonts).map_err(|errors| {
                Failure::new(format!("{}: {errors}", layout.name)).hint(
                    "the lines are those of the layout file; `mdoc-issuer badge check` looks at it alone",
                )
            })?;
            for notice in notices {
                output::warn(PROGRAM, &format!("{}: {notice}", layout.name));
            }
            let png = drawing.png(self.dpi).map_err(|error| {
                Failure::new(format!("{}: {error}", layout.name)).hint("give a lower --dpi")
            })?;
            files.push((format!("-{}.svg", layout.side), drawing.svg().into_bytes()));
            files.push((format!("-{}.png", layout.side), png));
        }
        Ok(files)
    }
}
