//! PEM as people have it: several blocks, text between them, any line length.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// One block: its label and what is between the lines.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    body: &'a str,
}

impl Block<'_> {
    /// Whether the block has the header of the old, password-based encryption (RFC 1421, 4.6.1.1).
    pub(crate) fn is_encrypted(&self) -> bool {
        self.body.contains("Proc-Type: 4,ENCRYPTED")
    }

    /// How long the text between the lines is, in bytes.
    pub(crate) const fn len(&self) -> usize {
        self.body.len()
    }

    /// The bytes; `None` if the body is not Base64.
    pub(crate) fn decode(&self) -> Option<Zeroizing<Vec<u8>>> {
        // Both buffers are wiped also when the text turns out to be none in the middle of a key.
        let mut packed = Zeroizing::new(String::with_capacity(self.body.len()));
        for line in self.body.split_ascii_whitespace() {
            packed.push_str(line);
        }
        let mut decoded = Zeroizing::new(vec![0; packed.len() / 4 * 3 + 3]);
        let length = Base64::decode(packed.as_bytes(), &mut decoded).ok()?.len();
        decoded.truncate(length);
        Some(decoded)
    }
}

/// The blocks of a text, in order. One that does not end is left out.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut rest = text;
    core::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once("-----BEGIN ")?;
            let (label, after) = after.split_once("-----")?;
            rest = after;
            if label.len() > 64 || label.contains('\n') {
                continue;
            }
            let (body, end) = after.split_once("-----END ")?;
            if let Some(after) = end.strip_prefix(label).and_then(|end| end.strip_prefix("-----")) {
                rest = after;
                return Some(Block { label, body });
            }
            // Cut short, perhaps: the last that begins before this end may be whole. So no end is looked at more
            // than twice, however many beginnings stand before it.
            rest = match body.rfind("-----BEGIN ") {
                Some(at) => after.get(at..).unwrap_or_default(),
                None => end,
            };
        }
    })
}

/// A block with lines of 64 characters (RFC 7468).
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(Base64::encode_string(der));
    let room = body.len() + body.len() / 64 + 2 * label.len() + 48;
    let mut out = Zeroizing::new(String::with_capacity(room));
    let mut rest: &str = &body;
    for part in ["-----BEGIN ", label, "-----\n"] {
        out.push_str(part);
    }
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    for part in ["-----END ", label, "-----\n"] {
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_among_text() {
        let first = encode("ONE", &[1; 100]);
        let second = encode("TWO", &[]);
        let text = format!("before\n{}between\n{}-----BEGIN THREE-----\nAA", *first, *second);
        let found: Vec<_> = blocks(&text)
            .map(|b| (b.label.to_owned(), b.decode().unwrap().to_vec()))
            .collect();
        assert_eq!(
            found,
            [("ONE".to_owned(), vec![1; 100]), ("TWO".to_owned(), vec![])]
        );
        assert!(first.lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn a_block_that_was_cut_short_does_not_take_the_next_one_with_it() {
        let whole = encode("TWO", &[2; 9]);
        let text = format!("-----BEGIN ONE-----\nAAAA\n{}", *whole);
        assert_eq!(blocks(&text).map(|b| b.label).collect::<Vec<_>>(), ["TWO"]);
        let text = format!("-----BEGIN ONE-----\nAAAA\n-----END TWO-----\n{}", *whole);
        assert_eq!(blocks(&text).map(|b| b.label).collect::<Vec<_>>(), ["TWO"]);
    }

    #[test]
    fn many_beginnings_before_a_foreign_end_are_passed_over_once() {
        let text = format!("{}-----END B-----\n", "-----BEGIN A-----\n".repeat(200_000));
        // Each beginning looking for the end again would take most of an hour.
        assert_eq!(blocks(&text).count(), 0);
    }
}
