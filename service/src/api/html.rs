//! Pages for browsers: plain, without scripts but one that asks for passkeys, and nothing from elsewhere.
//!
//! What is put into a page is escaped by [`Html::text`]; there is no other way in for what came from outside.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64, Encoding};
use mdoc_cli::qr::QrCode;
use sha2::{Digest, Sha256};

/// The one style of all pages; the policy names its digest.
const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1.125rem/1.5 system-ui,sans-serif;margin:0 auto;padding:1.5rem;max-width:34rem}\
h1{font-size:1.5rem;line-height:1.25}\
label{display:block;font-weight:600;margin-top:1rem}\
input{box-sizing:border-box;width:100%;font:inherit;padding:.6rem;margin-top:.25rem;border:2px solid #767676;border-radius:.3rem;\
letter-spacing:.08em}\
button,.button{display:inline-block;font:inherit;font-weight:600;padding:.6rem 1.2rem;margin:1.25rem .75rem 0 0;border-radius:.3rem;\
border:2px solid #0b4f8a;background:#0b4f8a;color:#fff;text-decoration:none;cursor:pointer}\
button.other{background:transparent;color:inherit;border-color:#767676}\
:focus-visible{outline:3px solid #f0a500;outline-offset:2px}\
.wrong{border-left:.4rem solid #b00020;padding:.5rem 1rem;margin:1rem 0}\
.note{font-size:1rem}\
h2{font-size:1.2rem;margin-top:2rem}\
ul.codes{list-style:none;padding:0;columns:14rem;font-size:1.2rem}\
.code{background:#fff;padding:1rem;max-width:18rem}\
.code svg{display:block;width:100%;height:auto}";

/// Text of a page.
#[derive(Debug, Clone, Default)]
pub(super) struct Html(String);

impl Html {
    /// Adds what the programmer wrote.
    pub(super) fn raw(mut self, markup: &'static str) -> Self {
        self.0.push_str(markup);
        self
    }

    /// Adds a text, in an element or in a quoted attribute, whatever is in it.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.0.push_str(&escaped(text));
        self
    }

    /// Adds another piece.
    pub(super) fn add(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// The QR code of a text as SVG; nothing if it is too long for one.
    pub(super) fn qr(mut self, text: &str) -> Self {
        if let Ok(code) = QrCode::new(text) {
            self.0.push_str("<div role=\"img\" aria-label=\"QR code\">");
            self.0.push_str(&code.to_svg());
            self.0.push_str("</div>");
        }
        self
    }

    /// The page, which nobody keeps and no other page shows within it. Forms go to this service, and on to `beyond`.
    pub(super) fn page(self, status: StatusCode, title: &str, beyond: Option<&str>) -> Response {
        // Browsers hold a form to where it is sent on, too.
        let forms = beyond.map_or(String::new(), |place| format!(" {place}"));
        self.finish((status, title), &forms, "")
    }

    /// The same with a script, the only one that the page has. It is none in which `</` stands.
    pub(super) fn scripted(self, status: StatusCode, title: &str, script: &'static str) -> Response {
        self.finish((status, title), "", script)
    }

    fn finish(self, (status, title): (StatusCode, &str), forms: &str, script: &'static str) -> Response {
        let head = Self::default()
            .raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .raw("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>")
            .text(title)
            .raw("</title>\n<style>")
            .raw(STYLE)
            .raw("</style>\n</head>\n<body>\n<main>\n<h1>")
            .text(title)
            .raw("</h1>\n");
        let mut body = head.add(&self).raw("</main>\n");
        let digest = |text: &str| Base64::encode_string(&Sha256::digest(text.as_bytes()));
        let mut scripts = String::new();
        if !script.is_empty() {
            body = body.raw("<script>").raw(script).raw("</script>\n");
            scripts = format!(" script-src 'sha256-{}';", digest(script));
        }
        let body = body.raw("</body>\n</html>\n");
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}';{scripts} form-action 'self'{forms}; frame-ancestors 'none'; base-uri 'none'",
            digest(STYLE)
        );
        let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        (status, headers, body.0).into_response()
    }
}

/// A text as it stands in an element or in a quoted attribute, whatever is in it.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What turns text around could have a page say something else.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            control if control.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_stays_text() {
        let hostile = "\"><script>alert('x')</script>&\u{202e}\u{0}\n";
        let html = Html::default().raw("<p>").text(hostile).raw("</p>").0;
        assert_eq!(
            html,
            "<p>&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;\u{fffd}\u{fffd}\u{fffd}</p>"
        );
    }

    #[test]
    fn a_page_has_a_policy_that_allows_its_style_and_its_form() {
        let page = Html::default().page(StatusCode::OK, "<T>", Some("https://wallet.example"));
        let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(
            policy.contains("form-action 'self' https://wallet.example;"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
    }

    #[test]
    fn a_text_that_is_too_long_has_no_qr_code() {
        assert!(Html::default().qr("https://id.example.org").0.contains("<svg"));
        assert_eq!(Html::default().qr(&"x".repeat(5000)).0, "");
    }
}
