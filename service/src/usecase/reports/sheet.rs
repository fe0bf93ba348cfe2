//! A report for a spreadsheet: comma-separated values (RFC 4180) in UTF-8.
//!
//! A spreadsheet takes a cell for a formula that begins with one of a few characters, and formulas may fetch and send what
//! is in other cells. Text that somebody else chose gets an apostrophe before such a character (OWASP, CSV injection), also
//! behind what a spreadsheet with other settings takes for the end of a cell. What the service itself writes, numbers and
//! instants, stays as it is.

use csv::{Terminator, WriterBuilder};

use super::{Cell, Report};
use crate::store::StoreError;

/// Before everything: by this spreadsheets know that it is UTF-8.
const MARK: &str = "\u{feff}";

/// Rows of a report as text, with the names of the columns before them if they are the first.
///
/// # Errors
/// [`StoreError::Unexpected`] if a row has another number of cells than the others, which none has.
pub fn sheet(report: Report, rows: &[Vec<Cell>], first: bool) -> Result<Vec<u8>, StoreError> {
    let mut text = Vec::new();
    if first {
        text.extend_from_slice(MARK.as_bytes());
    }
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(text);
    let odd = |why: &dyn core::fmt::Display| StoreError::Unexpected(format!("a row of a report: {why}"));
    if first {
        let names = report.columns().iter().map(|column| column.name);
        writer.write_record(names).map_err(|why| odd(&why))?;
    }
    for row in rows {
        let cells = row.iter().map(|cell| match cell {
            Cell::Text(text) => harmless(text),
            other => other.text(),
        });
        writer.write_record(cells).map_err(|why| odd(&why))?;
    }
    writer.into_inner().map_err(|why| odd(&why))
}

/// What a formula begins with, also in full width, which some spreadsheets take for the same.
const fn begins(character: char) -> bool {
    matches!(
        character,
        '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'
    )
}

/// What is behind the end of a cell for a spreadsheet that was told of another one, or knows no quotes.
const fn ends(character: char) -> bool {
    matches!(character, ';' | '\t' | '\r' | '\n' | '|')
}

/// What is passed over before a formula: blanks, quotes, and what is not to be seen.
fn passed(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '"' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
}

/// The text with an apostrophe wherever a formula could begin.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    if text
        .chars()
        .find(|c| begins(*c) || !passed(*c))
        .is_some_and(begins)
    {
        out.push('\'');
    }
    let mut after_end = false;
    for character in text.chars() {
        if after_end && begins(character) && !ends(character) {
            out.push('\'');
        }
        after_end = ends(character) || after_end && passed(character);
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_begins_nowhere() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("\nx", "'\nx"),
            ("＝1", "'＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠1", "'＠1"),
            (" =1", "' =1"),
            ("\"=1", "'\"=1"),
            ("\u{feff}=1", "'\u{feff}=1"),
            ("a;=1", "a;'=1"),
            ("a; \"=1", "a; \"'=1"),
            ("a\n=1", "a\n'=1"),
            ("a\t@x", "a\t'@x"),
        ] {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in [
            "",
            "Pixel 9",
            "a=1",
            "x-1",
            "ada@example.org",
            "a, -1",
            "a;b",
            "'x",
            "1-2\nb",
        ] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn what_the_service_writes_itself_stays_as_it_is() {
        let row = vec![Cell::Nothing, Cell::Number(-5), Cell::Flag(true)];
        let text = sheet(Report::Issued, &[row], false).unwrap();
        assert_eq!(text, b",-5,true\r\n");
    }
}
