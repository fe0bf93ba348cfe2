//! The screen of the terminal, which forgets as the page does.

use std::io::IsTerminal as _;

use mdoc_cli::failure::printable_line;
use mdoc_cli::{Failure, output};
use mdoc_verifier::kiosk::{Counts, Outcome, Verdict};
use mdoc_verifier::portrait::Terminal;

/// Home, erase the screen, and erase what has scrolled off it (xterm: ED 2 and ED 3).
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Wide enough to know somebody by, with room for the words below.
const PORTRAIT_COLUMNS: usize = 40;

/// Where results are shown; lines one after the other if standard output is no terminal.
pub(super) struct Screen {
    terminal: Option<Terminal>,
    colours: bool,
    /// Said again whenever the terminal was cleared.
    page: Option<String>,
    /// Whether somebody's result is there.
    shown: bool,
}

impl Screen {
    /// Of standard output; `page` is where the page is served, if there is one.
    pub(super) fn of_output(page: Option<String>) -> Self {
        let environment = |name: &str| std::env::var(name).ok();
        let clears = std::io::stdout().is_terminal() && environment("TERM").is_none_or(|term| term != "dumb");
        Self {
            terminal: clears.then(|| Terminal::of(environment)),
            colours: clears && environment("NO_COLOR").is_none(),
            page,
            shown: false,
        }
    }

    /// Whether it forgets, and so has to be given time.
    pub(super) const fn is_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// Says that a code is waited for, at the beginning.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        output::print("ready: scan a code\n")
    }

    /// Forgets whoever is shown, and says what comes next.
    pub(super) fn forget(&mut self, next: &str, counts: Counts) -> Result<(), Failure> {
        if !core::mem::take(&mut self.shown) || !self.is_terminal() {
            return Ok(());
        }
        output::print_bytes(self.cleared(next, counts).as_bytes())
    }

    /// Forgets whoever is shown; nothing comes next.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        if core::mem::take(&mut self.shown) && self.is_terminal() {
            return output::print_bytes(CLEAR.as_bytes());
        }
        Ok(())
    }

    fn cleared(&self, next: &str, counts: Counts) -> String {
        let page = self.page.as_ref();
        let page = page.map_or_else(String::new, |page| format!("the screen is at {page}\n"));
        format!("{CLEAR}{counts}\n{page}{next}\n")
    }

    /// Shows a result.
    pub(super) fn show(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        self.shown = true;
        output::print_bytes(self.result(outcome).as_bytes())
    }

    /// Large enough to be seen from the side. What others wrote cannot steer the terminal.
    fn result(&self, outcome: &Outcome) -> String {
        let colour = match outcome.verdict {
            Verdict::Accepted => "1;37;42",
            Verdict::NotAccepted => "1;37;41",
            Verdict::CouldNotTell => "1;30;43",
        };
        let (on, off) = if self.colours {
            (format!("\x1b[{colour}m"), "\x1b[0m")
        } else {
            (String::new(), "")
        };
        let mut text = String::new();
        let drawn = outcome.portrait.as_ref().zip(self.terminal);
        let drawn = drawn.and_then(|(portrait, terminal)| terminal.draw(portrait, PORTRAIT_COLUMNS));
        text.push_str(&drawn.unwrap_or_default());
        let bar = " ".repeat(60);
        for line in [
            bar.as_str(),
            &format!("{:^60}", outcome.verdict.to_string()),
            bar.as_str(),
        ] {
            text.push_str(&format!("{on}{line}{off}\n"));
        }
        for fact in &outcome.facts {
            let (label, value) = (printable_line(&fact.label), printable_line(&fact.value));
            text.push_str(&format!("  {label:<24} {value}\n"));
        }
        for reason in &outcome.reasons {
            text.push_str(&format!("  {}\n", printable_line(reason)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mdoc_verifier::kiosk::Fact;
    use mdoc_verifier::portrait::Portrait;

    use super::*;

    fn screen(terminal: Option<Terminal>) -> Screen {
        Screen {
            terminal,
            colours: terminal.is_some(),
            page: Some("http://127.0.0.1:8018/".to_owned()),
            shown: false,
        }
    }

    fn outcome() -> Outcome {
        let jpeg = include_bytes!("../../../../document-formats/samples/portrait.jpg");
        let mut outcome = Outcome::without_answer(
            "a reason".to_owned(),
            Some("what helps".to_owned()),
            "code",
            Duration::ZERO,
        );
        outcome.portrait = Some(Portrait::decode(jpeg).unwrap());
        outcome.facts.push(Fact {
            label: "family name".to_owned(),
            value: "de\x1b[2J Vries".to_owned(),
        });
        outcome
    }

    #[test]
    fn the_terminal_shows_the_picture_where_it_can_and_names_cannot_steer_it() {
        let drawn = screen(Some(Terminal::Colours)).result(&outcome());
        assert!(drawn.contains('▀') && drawn.contains("\x1b[1;30;43m"), "{drawn}");
        assert!(drawn.contains("de\u{fffd}[2J Vries") && !drawn.contains(CLEAR));
        assert!(drawn.contains("a reason\n  what helps\n"), "{drawn}");
        let words = screen(Some(Terminal::Text)).result(&outcome());
        assert!(!words.contains('▀') && words.contains("COULD NOT TELL"));
        let lines = screen(None).result(&outcome());
        assert!(!lines.contains('\x1b') && !lines.contains('▀'), "{lines}");
    }

    #[test]
    fn what_is_forgotten_is_erased_with_what_has_scrolled_and_the_page_is_named_again() {
        let counts = Counts {
            accepted: 2,
            ..Counts::default()
        };
        assert_eq!(
            screen(Some(Terminal::Text)).cleared("ready: scan a code", counts),
            "\x1b[H\x1b[2J\x1b[3J2 accepted, 0 not accepted, 0 could not tell\n\
             the screen is at http://127.0.0.1:8018/\nready: scan a code\n"
        );
    }
}
