//! What has to be known of a file before the XML reader may have it: the reader compares the attributes of a tag, and
//! the XML namespaces that hold there, each with each other.

/// Most attributes of a tag.
const MOST_ATTRIBUTES: usize = 64;
/// Most XML namespaces that a file declares.
const MOST_NAMESPACES: usize = 16;
/// Deepest nesting of elements that is given to the reader.
const DEEPEST: usize = 64;

/// Looks through a text once. What is not well-formed is left to the reader, which stops there.
///
/// # Errors
/// The byte where a limit is exceeded, and a sentence that names it.
pub(super) fn check(text: &str) -> Result<(), (usize, String)> {
    let (mut rest, mut depth, mut namespaces) = (text, 0_usize, 0);
    let at = |rest: &str| text.len().saturating_sub(rest.len());
    while let Some((_, after)) = rest.split_once('<') {
        // Comments, character data and instructions may hold what looks like tags.
        let end = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>"), ("/", ">")]
            .into_iter()
            .find(|(begin, _)| after.starts_with(begin));
        if let Some((begin, end)) = end {
            if begin == "/" {
                depth = depth.saturating_sub(1);
            }
            let inside = after.get(begin.len()..).unwrap_or_default();
            let Some((_, after)) = inside.split_once(end) else {
                return Ok(());
            };
            rest = after;
            continue;
        }
        if after.starts_with('!') {
            return Ok(()); // a document type declaration, which the reader refuses
        }
        let tag = Tag::read(after);
        let place = at(after).saturating_sub(1);
        namespaces += tag.namespaces;
        depth += 1;
        if tag.attributes > MOST_ATTRIBUTES {
            return Err((
                place,
                format!("the tag has more than {MOST_ATTRIBUTES} attributes"),
            ));
        }
        if namespaces > MOST_NAMESPACES {
            let message = format!("the file declares more than {MOST_NAMESPACES} XML namespaces");
            return Err((place, message));
        }
        if depth > DEEPEST {
            return Err((place, format!("elements are nested deeper than {DEEPEST} levels")));
        }
        if tag.is_empty {
            depth -= 1;
        }
        rest = after.get(tag.len..).unwrap_or_default();
    }
    Ok(())
}

/// A tag that begins an element.
#[derive(Default)]
struct Tag {
    /// Its length in bytes behind `<`.
    len: usize,
    attributes: usize,
    /// Of the attributes those that declare an XML namespace.
    namespaces: usize,
    /// Whether it ends its element as well.
    is_empty: bool,
}

impl Tag {
    fn read(text: &str) -> Self {
        let mut tag = Self::default();
        // Where the word before `=` began, and the quote that is open.
        let (mut word, mut quote, mut before) = (0, None, b' ');
        for (at, byte) in text.bytes().enumerate() {
            tag.len = at + 1;
            match (quote, byte) {
                (Some(open), _) if byte == open => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'>') => {
                    tag.is_empty = before == b'/';
                    break;
                }
                (None, b'=') => {
                    tag.attributes += 1;
                    let name = text.get(word..at).unwrap_or_default();
                    tag.namespaces += usize::from(name.starts_with("xmlns"));
                }
                _ => {}
            }
            if quote.is_none()
                && !byte.is_ascii_whitespace()
                && (before.is_ascii_whitespace() || before == b'"')
            {
                word = at;
            }
            before = byte;
        }
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        check(text).unwrap_err().1
    }

    fn attributes(count: usize) -> String {
        (0..count).map(|at| format!(" a{at}=\"=>\"")).collect()
    }

    #[test]
    fn attributes_are_counted_for_each_tag() {
        let most = attributes(MOST_ATTRIBUTES);
        check(&format!("<x{most}><y{most}/><y{most}></y></x>")).unwrap();
        let (at, words) = check(&format!("<x>\n<y{}/></x>", attributes(MOST_ATTRIBUTES + 1))).unwrap_err();
        assert_eq!((at, words.as_str()), (4, "the tag has more than 64 attributes"));
    }

    #[test]
    fn namespaces_are_counted_for_the_file() {
        let declared = |from: usize, count: usize| -> String {
            (from..from + count)
                .map(|at| format!(" xmlns:a{at} = 'u{at}'"))
                .collect()
        };
        let good = format!("<x{}><y{}/></x>", declared(0, 12), declared(12, 4));
        check(&good).unwrap();
        assert_eq!(
            refused(&format!("<x{}><y{}/></x>", declared(0, 12), declared(12, 5))),
            "the file declares more than 16 XML namespaces"
        );
        assert!(
            check(&format!("<x{}/>", "\u{a0}xmlns=''".repeat(1000))).is_err(),
            "not well-formed, and many"
        );
        check(&"<y notxmlns='a'/>".repeat(100)).unwrap();
    }

    #[test]
    fn depth_is_that_of_elements_and_of_nothing_else() {
        let nested = |levels: usize| format!("{}{}", "<x>".repeat(levels), "</x>".repeat(levels));
        check(&nested(DEEPEST)).unwrap();
        assert_eq!(
            refused(&nested(DEEPEST + 1)),
            "elements are nested deeper than 64 levels"
        );
        check(&format!("<x>{}</x>", "<y/>".repeat(1000))).unwrap();
        for aside in ["<!-- <y> -->", "<![CDATA[ <y> ]]>", "<?y <y> ?>"] {
            check(&format!("<x>{}</x>", aside.repeat(100))).unwrap();
        }
    }

    #[test]
    fn what_does_not_end_is_left_to_the_reader() {
        for text in [
            "<",
            "<x a=\"",
            "<!-- <x",
            "<?",
            "<![CDATA[",
            "</x",
            "<!DOCTYPE x [",
            "> = \" '",
        ] {
            check(text).unwrap();
        }
    }
}
