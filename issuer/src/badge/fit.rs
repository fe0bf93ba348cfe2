//! Text into its field: broken into lines, made smaller, or cut.

use std::collections::BTreeSet;

use super::fonts::{Fonts, Line};
use super::layout::{Overflow, TextPart};

/// The step by which the size of the type is lowered.
const STEP: f32 = 0.97;
/// Most steps: 0.97 to the power of 60 is a sixth.
const MOST_STEPS: usize = 60;
/// Most characters of a text that are looked at; no badge has room for more.
const MOST_CHARACTERS: usize = 1000;

/// A text as it goes into its field.
pub(super) struct Fitted<'s, 'f> {
    pub(super) lines: Vec<Line<'s, 'f>>,
    /// The size of the type in millimetres.
    pub(super) size: f32,
    /// Whether something was cut off.
    pub(super) cut: bool,
    /// Characters that no font has.
    pub(super) missing: BTreeSet<char>,
}

/// Puts a text into its field. `None` if it does not fit and must not be cut.
pub(super) fn fit<'s, 'f>(part: &TextPart, text: &str, fonts: &'s Fonts<'f>) -> Option<Fitted<'s, 'f>> {
    let whole = text;
    let text = match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    };
    if text.len() < whole.len() {
        return (part.overflow != Overflow::Refuse).then(|| cut(text, part.min_size, part, fonts));
    }
    let mut size = part.size;
    for _ in 0..MOST_STEPS {
        let room = part.width / size;
        let lines = wrapped(text, room, part, fonts);
        let fits = lines.len() <= usize::from(part.lines) && lines.iter().all(|(_, line)| line.width <= room);
        if fits {
            return Some(fitted(
                lines.into_iter().map(|(_, line)| line).collect(),
                size,
                false,
            ));
        }
        if part.overflow != Overflow::Shrink || size <= part.min_size {
            break;
        }
        size = (size * STEP).max(part.min_size);
    }
    (part.overflow != Overflow::Refuse).then(|| cut(text, size, part, fonts))
}

fn fitted<'s, 'f>(lines: Vec<Line<'s, 'f>>, size: f32, cut: bool) -> Fitted<'s, 'f> {
    let missing = lines
        .iter()
        .flat_map(|line| line.missing.iter().copied())
        .collect();
    Fitted {
        lines,
        size,
        cut,
        missing,
    }
}

/// As many words on a line as there is room for; line feeds of the text stay.
fn wrapped<'s, 'f>(
    text: &str,
    room: f32,
    part: &TextPart,
    fonts: &'s Fonts<'f>,
) -> Vec<(String, Line<'s, 'f>)> {
    if part.lines == 1 {
        let words: Vec<&str> = text.split_whitespace().collect();
        let words = words.join(" ");
        let set = fonts.set(&words, part.bold);
        return vec![(words, set)];
    }
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut current: Option<(String, Line<'s, 'f>)> = None;
        for word in paragraph.split_whitespace() {
            let longer = match &current {
                Some((words, _)) => format!("{words} {word}"),
                None => word.to_owned(),
            };
            let set = fonts.set(&longer, part.bold);
            match current.take() {
                Some(full) if set.width > room => {
                    lines.push(full);
                    current = Some((word.to_owned(), fonts.set(word, part.bold)));
                }
                _ => current = Some((longer, set)),
            }
        }
        lines.extend(current);
    }
    lines
}

/// The beginning of the text that fits, with an ellipsis behind it.
fn cut<'s, 'f>(text: &str, size: f32, part: &TextPart, fonts: &'s Fonts<'f>) -> Fitted<'s, 'f> {
    let room = part.width / size;
    let all = wrapped(text, room, part, fonts);
    let more = all.len() > usize::from(part.lines);
    let count = all.len().min(usize::from(part.lines));
    let lines = all
        .into_iter()
        .take(count)
        .enumerate()
        .map(|(at, (words, line))| {
            let last = more && at + 1 == count;
            if last || line.width > room {
                shortened(&words, room, part, fonts)
            } else {
                line
            }
        });
    fitted(lines.collect(), size, true)
}

fn shortened<'s, 'f>(words: &str, room: f32, part: &TextPart, fonts: &'s Fonts<'f>) -> Line<'s, 'f> {
    let ends: Vec<usize> = words.char_indices().map(|(at, _)| at).collect();
    let with_dots = |end: usize| {
        let start = words.get(..end).unwrap_or_default().trim_end();
        fonts.set(&format!("{start}…"), part.bold)
    };
    // The longest beginning that fits, by halves: a longer one is hardly ever narrower.
    let (mut low, mut high) = (0, ends.len());
    while low + 1 < high {
        let middle = usize::midpoint(low, high);
        let fits = ends.get(middle).is_some_and(|end| with_dots(*end).width <= room);
        if fits {
            low = middle;
        } else {
            high = middle;
        }
    }
    with_dots(ends.get(low).copied().unwrap_or(0))
}
