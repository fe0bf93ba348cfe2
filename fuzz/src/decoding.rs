//! What `mdoc-verifier decode` is given: texts, messages and traces that nobody has looked at before.

use std::sync::OnceLock;

use mdoc_verifier::decode::{self, Known};

use crate::sessions::conversation;

/// What is known of the one session, so that its messages open.
fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let session = conversation();
        Known {
            engagement: Some(session.engagement().to_vec()),
            e_device_key: Some(session.key().clone()),
            ..Known::default()
        }
    })
}

/// What is opened is what the session said, and nothing that is shown steers a terminal.
pub fn decode(input: &[u8]) {
    let Ok(explained) = decode::explain(input, known()) else {
        return;
    };
    for opened in &explained.opened {
        assert!(matches!(opened.bytes.as_slice(), b"request" | b"response"));
    }
    let text = explained.text();
    assert!(!text.is_empty());
    assert!(!text.contains(|c: char| c != '\n' && steers(c)));
    assert_eq!(
        explained.has_faults(),
        explained.json()["faults"] != serde_json::json!([])
    );
}

/// A character that does something to a terminal.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
