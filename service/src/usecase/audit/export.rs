//! A trail in a file, an entry a line: what the service wrote can be checked where the service is not.
//!
//! A line is the entry's JSON object with its digest before the other members. The digest is over the text of the entry, so
//! that lines are taken as they were written: a program that writes JSON anew spoils them. Characters that would steer a
//! terminal are escaped in a line, and nothing else is.

use core::fmt;
use std::io::{self, BufRead};

use base16ct::{lower, mixed};
use mdoc_cli::failure::steers;

use super::Recorded;
use super::chain::{Broken, Chain, number_of};

/// What is before the digest, and between it and the rest of the entry.
const BEFORE: &str = "{\"digest\":\"";
const BETWEEN: &str = "\",";

/// Why a file cannot be checked, or does not hold.
#[derive(Debug)]
#[non_exhaustive]
pub enum BadExport {
    /// It cannot be read.
    Input(io::Error),
    /// A line is none of a trail.
    Line(u64),
    /// It begins later than the trail, and no digest of the entry before was given.
    Begins(i64),
    /// It does not hold.
    Broken(Broken),
}

impl fmt::Display for BadExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(why) => write!(f, "it cannot be read: {why}"),
            Self::Line(number) => write!(f, "line {number} is none that `audit show` prints"),
            Self::Begins(number) => write!(f, "it begins with entry {number}"),
            Self::Broken(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for BadExport {}

/// An entry as a line of an export.
#[must_use]
pub fn line(recorded: &Recorded) -> String {
    let digest = lower::encode_string(&recorded.digest);
    let rest = recorded.entry.strip_prefix('{').unwrap_or(&recorded.entry);
    let mut line = format!("{BEFORE}{digest}{BETWEEN}");
    for character in rest.chars() {
        if steers(character) {
            line.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            line.push(character);
        }
    }
    line
}

/// The text before [`line`] escaped in it what steers. Entries are written with no other escape of such a character but of
/// those below the blank, which stay escaped.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.strip_prefix('u').and_then(|digits| digits.get(..4));
        let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let steering = code
            .and_then(char::from_u32)
            .filter(|character| *character >= ' ' && steers(*character));
        // What follows a backslash otherwise belongs to it, another backslash too.
        let taken = match steering {
            Some(character) => {
                out.push(character);
                5
            }
            None => {
                let taken = after.chars().next().map_or(0, char::len_utf8);
                out.push('\\');
                out.push_str(after.get(..taken).unwrap_or_default());
                taken
            }
        };
        rest = after.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The entry and the digest of a line.
fn of_line(line: &str) -> Option<Recorded> {
    let (digits, rest) = line.strip_prefix(BEFORE)?.split_once(BETWEEN)?;
    let mut digest = [0; 32];
    if digits.len() != 64 || mixed::decode(digits, &mut digest).is_err() {
        return None;
    }
    let entry = format!("{{{}", unescaped(rest));
    Some(Recorded {
        number: number_of(&entry)?,
        entry,
        digest: digest.to_vec(),
    })
}

/// Checks an export. One that begins later is checked from the entry on whose digest was kept.
///
/// # Errors
/// [`BadExport`].
pub fn verify_export(lines: impl BufRead, mut chain: Chain) -> Result<Chain, BadExport> {
    let mut number = 0;
    for line in lines.lines() {
        let line = line.map_err(BadExport::Input)?;
        number += 1;
        let recorded = of_line(&line).ok_or(BadExport::Line(number))?;
        if number == 1 && recorded.number > 1 {
            chain.skip_to(recorded.number - 1);
            if chain.head().0 != recorded.number - 1 {
                return Err(BadExport::Begins(recorded.number));
            }
        }
        chain
            .next(recorded.number, &recorded.entry, &recorded.digest)
            .map_err(BadExport::Broken)?;
    }
    chain.end().map_err(BadExport::Broken)
}
