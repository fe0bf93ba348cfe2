//! What a command ends with: a status, or a failure in words.

use core::fmt;
use std::process::ExitCode;

/// The exit status of every program. Stable: scripts depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or accepted.
    Done,
    /// 1: the answer is no: rejected, or all of a batch failed.
    Rejected,
    /// 2: no answer: wrong usage, an unreadable file, no network.
    CouldNotTell,
    /// 3: some of a batch failed.
    SomeFailed,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Rejected => 1,
            Self::CouldNotTell => 2,
            Self::SomeFailed => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

/// Why a command did not do what it was asked: one sentence, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A lower-case sentence without a full stop; several lines for several faults.
    pub message: String,
    /// What the user can do about it, one line.
    pub hint: Option<String>,
    /// The status that the program ends with.
    pub exit: Exit,
    /// What programs know it by, stable for ever; the message has it too.
    pub code: Option<&'static str>,
}

/// The code of a failure that has none of its own.
const FAILED: &str = "command.failed";

impl Failure {
    /// A failure that leaves the question open: usage, files, network.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            exit: Exit::CouldNotTell,
            code: None,
        }
    }

    /// A failure that programs know by a code, which is put behind the message.
    #[must_use]
    pub fn coded(message: impl fmt::Display, code: &'static str) -> Self {
        Self::new(format!("{message} [{code}]")).code(code)
    }

    /// The same failure with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure with a hint, if there is one.
    #[must_use]
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// The same failure with another exit status.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The same failure with a code.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// For programs: `code`, which is `command.failed` where there is none, `message`, and whether the answer was no
    /// (`declined`).
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let code = self.code.unwrap_or(FAILED);
        let behind = format!(" [{code}]");
        serde_json::json!({
            "code": code,
            "message": self.message.strip_suffix(&behind).unwrap_or(&self.message),
            "declined": self.exit == Exit::Rejected,
        })
    }

    /// The words for stderr: `mdoc-issuer: error: …`, then `hint: …`.
    #[must_use]
    pub fn words(&self, program: &str) -> String {
        let mut words = format!("{program}: error: {}\n", printable(&self.message));
        if let Some(hint) = &self.hint {
            words.push_str("hint: ");
            words.push_str(&printable(hint));
            words.push('\n');
        }
        words
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Failure {}

/// Text that is safe on a terminal: what others wrote may hold control characters, which could move the
/// cursor or change what the user reads; so could the marks that reverse the direction of text.
#[must_use]
pub fn printable(text: &str) -> String {
    let shown = |c| match c {
        '\n' | '\t' => c,
        c if steers(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The same on one line: a name within a line of output must not begin a line of its own.
#[must_use]
pub fn printable_line(text: &str) -> String {
    text.chars()
        .map(|c| if steers(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Most characters of [`printable_name`].
const LONGEST_NAME: usize = 100;

/// A name that somebody else wrote, in a line by which a user decides: on one line, of at most 100 characters and without
/// runs of spaces, so that it pushes nothing else out of sight and does not look like another line where the terminal breaks it.
#[must_use]
pub fn printable_name(name: &str) -> String {
    let mut shown = String::new();
    let (mut count, mut after_space) = (0, false);
    for c in name.chars() {
        if c.is_whitespace() && after_space {
            continue;
        }
        if count == LONGEST_NAME {
            shown.push('…');
            break;
        }
        after_space = c.is_whitespace();
        shown.push(if steers(c) { '\u{fffd}' } else { c });
        count += 1;
    }
    shown
}

/// Whether a character does something to a terminal, or to the order of the text, instead of being shown.
#[must_use]
pub fn steers(c: char) -> bool {
    let turns = matches!(
        c,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}'
    );
    turns || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_short_and_have_no_room_for_another_line() {
        assert_eq!(printable_name("CN=Bar, C=NL"), "CN=Bar, C=NL");
        assert_eq!(
            printable_name("a \u{3000}  \t b\u{202e}c\n\nd"),
            "a b\u{fffd}c\u{fffd}d"
        );
        let most = "n".repeat(LONGEST_NAME);
        assert_eq!(printable_name(&most), most);
        assert_eq!(printable_name(&format!("{most}   ")), format!("{most}…"));
        let long = format!("x{}(trusted)", " ".repeat(40_000));
        assert_eq!(printable_name(&long), "x (trusted)");
    }

    #[test]
    fn a_sentence_then_a_hint() {
        let failure = Failure::new("photo.jpg is empty").hint("take another one");
        assert_eq!(
            failure.words("mdoc-issuer"),
            "mdoc-issuer: error: photo.jpg is empty\nhint: take another one\n"
        );
        assert_eq!(Failure::new("no").words("x"), "x: error: no\n");
        assert_eq!(failure.exit, Exit::CouldNotTell);
    }

    #[test]
    fn programs_are_told_a_code_and_the_message_without_it() {
        let failure = Failure::coded("no adapter", "radio.no-adapter");
        assert_eq!(failure.message, "no adapter [radio.no-adapter]");
        assert_eq!(
            failure.to_json(),
            serde_json::json!({"code": "radio.no-adapter", "message": "no adapter", "declined": false})
        );
        let failure = Failure::new("photo.jpg is empty").exit(Exit::Rejected);
        assert_eq!(
            failure.to_json(),
            serde_json::json!({"code": "command.failed", "message": "photo.jpg is empty", "declined": true})
        );
    }

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        assert_eq!(
            printable("a\u{1b}[31mb\u{202e}c\nd"),
            "a\u{fffd}[31mb\u{fffd}c\nd"
        );
    }
}
