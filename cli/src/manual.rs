//! The manual pages and the completions of a program, made from its own arguments.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory, Parser};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::failure::{Exit, Failure};
use crate::output::{self, Existing, NewFile};

/// Print a script that completes commands and options in a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples, for a program that is called PROGRAM:
  PROGRAM completions bash > ~/.local/share/bash-completion/completions/PROGRAM
  PROGRAM completions zsh > ~/.zfunc/_PROGRAM
  PROGRAM completions fish > ~/.config/fish/completions/PROGRAM.fish")]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the manual: a page for the program and for each of its commands.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples, for a program that is called PROGRAM:
  PROGRAM man --out ~/.local/share/man/man1
  PROGRAM man | man -l -")]
pub struct Manual {
    /// The folder for the pages, made if it is not there; without it the first page goes to standard output.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Completions {
    /// Prints the script for the program with the arguments `A`.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written.
    pub fn run<A: CommandFactory>(&self) -> Result<Exit, Failure> {
        let mut command = A::command();
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        output::print_bytes(&script)?;
        Ok(Exit::Done)
    }
}

impl Manual {
    /// Writes the pages of the program with the arguments `A`: all of them, or none.
    ///
    /// # Errors
    /// [`Failure`] that names the folder or file which cannot be written.
    pub fn run<A: Parser>(&self) -> Result<Exit, Failure> {
        let mut command = A::command().disable_help_subcommand(true);
        command.build();
        let Some(folder) = &self.out else {
            output::print_bytes(&page(&command))?;
            return Ok(Exit::Done);
        };
        let mut pages = Vec::new();
        collect(&command, folder, &mut pages);
        let files: Vec<NewFile<'_>> = pages
            .iter()
            .map(|(path, content)| NewFile {
                path,
                content,
                secret: false,
            })
            .collect();
        output::make_folder(folder)?;
        output::write_all(&files, Existing::Replace)?;
        output::print(&format!(
            "wrote {} pages to {}; `man -l {}` shows the first\n",
            pages.len(),
            folder.display(),
            pages.first().map_or(Path::new(""), |(path, _)| path).display()
        ))?;
        Ok(Exit::Done)
    }
}

fn collect(command: &Command, folder: &Path, pages: &mut Vec<(PathBuf, Vec<u8>)>) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    pages.push((folder.join(format!("{name}.1")), page(command)));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        collect(below, folder, pages);
    }
}

/// The variables that all programs know.
const ENVIRONMENT: &str = r".SH ENVIRONMENT
.TP
MDOC_LOG
How much is logged on standard error: none (the default), fatal, error, warning, info, debug or trace. A line has
name=value pairs. Keys, passphrases, PINs and data of persons are in no line; paths of files are.
.TP
MDOC_KEY_PASSPHRASE, MDOC_KEY_PASSPHRASE_FILE
The passphrase of private keys that are read, or the file (mode 0600) that has it in its first line. The file is the
better way: variables stay in the memory of the process.
.TP
MDOC_KEY_NEW_PASSPHRASE, MDOC_KEY_NEW_PASSPHRASE_FILE
The same for private keys that are written, if it is to be another one.
.TP
MDOC_PKCS11_PIN, MDOC_PKCS11_PIN_FILE
The PIN of the token, or the file that has it.
.TP
MDOC_PKCS11_MODULE
The PKCS#11 library of the token's maker.
";

/// One page in roff: the parts that clap knows, and what follows the help, with its lines as they are.
fn page(command: &Command) -> Vec<u8> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    let parts = [
        Man::render_title,
        Man::render_name_section,
        Man::render_synopsis_section,
        Man::render_description_section,
        Man::render_options_section,
    ];
    for part in parts {
        // Nothing goes wrong when a vector is written to.
        let _ = part(&man, &mut page);
    }
    if command.has_subcommands() {
        let _ = man.render_subcommands_section(&mut page);
    }
    page.extend_from_slice(ENVIRONMENT.as_bytes());
    let after = command
        .get_after_long_help()
        .or_else(|| command.get_after_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    for paragraph in sections(&after) {
        let _ = write!(page, ".SH {}\n.nf\n{}.fi\n", paragraph.0, verbatim(&paragraph.1));
    }
    page
}

/// Cuts what follows the help into sections of a manual.
fn sections(text: &str) -> Vec<(&'static str, String)> {
    let mut sections: Vec<(&'static str, String)> = Vec::new();
    for paragraph in text
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
    {
        // A heading that says it already is not said again.
        let bare = ["Example:\n", "Examples:\n"]
            .iter()
            .find_map(|heading| paragraph.strip_prefix(heading));
        let name = if bare.is_some() || paragraph.starts_with("Example") || paragraph.contains("\n  mdoc-") {
            "EXAMPLES"
        } else if paragraph.starts_with("Exit status") {
            "EXIT STATUS"
        } else {
            "NOTES"
        };
        let paragraph = bare.unwrap_or(paragraph);
        match sections.last_mut() {
            Some((last, text)) if *last == name => {
                text.push_str("\n\n");
                text.push_str(paragraph);
            }
            _ => sections.push((name, paragraph.to_owned())),
        }
    }
    sections
}

/// Lines for roff that come out as they are.
fn verbatim(text: &str) -> String {
    text.lines()
        .map(|line| {
            let line = line
                .replace('\\', "\\e")
                .replace('-', "\\-")
                .replace('\'', "\\(aq");
            // A line that begins with a dot would be a command.
            let guard = if line.starts_with('.') { "\\&" } else { "" };
            format!("{guard}{line}\n")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    #[command(
        name = "mdoc-test",
        after_help = "\
Examples:
  mdoc-test keep --in x \\
      --out .hidden
.dot

Exit status: 0 done."
    )]
    enum Arguments {
        /// Keeps something.
        Keep {
            /// Where it goes.
            #[arg(long)]
            out: String,
        },
    }

    #[test]
    fn examples_keep_their_lines_and_no_line_is_a_command() {
        let command = <Arguments as CommandFactory>::command();
        let page = String::from_utf8(page(&command)).unwrap();
        assert!(page.contains(
            ".SH EXAMPLES\n.nf\n  mdoc\\-test keep \\-\\-in x \\e\n      \\-\\-out .hidden\n\\&.dot\n.fi\n"
        ));
        assert!(page.contains(".SH ENVIRONMENT\n.TP\nMDOC_LOG\n"), "{page}");
        assert!(
            page.contains(".SH EXIT STATUS\n.nf\nExit status: 0 done.\n.fi\n"),
            "{page}"
        );
    }

    #[test]
    fn every_command_has_a_page() {
        let mut command = <Arguments as CommandFactory>::command().disable_help_subcommand(true);
        command.build();
        let mut pages = Vec::new();
        collect(&command, Path::new("man"), &mut pages);
        let names: Vec<_> = pages.iter().map(|(path, _)| path.to_str().unwrap()).collect();
        assert_eq!(names, ["man/mdoc-test.1", "man/mdoc-test-keep.1"]);
        let second = String::from_utf8(pages[1].1.clone()).unwrap();
        assert!(second.contains("Where it goes"), "{second}");
    }
}
