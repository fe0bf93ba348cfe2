//! All lists of an issuer at once, so that fetching one does not tell which document is looked at.

use serde::Deserialize;

use super::at_most::AtMost;
use super::claims::LIMITS;
use super::reason::{Code, Detail, Reason};

/// The most lists that are taken from one aggregation.
pub const MOST_LISTS: usize = 10_000;

#[derive(Deserialize)]
struct Aggregation {
    status_lists: AtMost<MOST_LISTS>,
}

/// The addresses in what `aggregation_uri` of a list leads to: `{"status_lists": ["https://…", …]}`, of at most 4 MiB.
///
/// Nobody signed it. It tells what to fetch; what is fetched is signed.
///
/// # Errors
/// A [`Reason`] with [`Code::Malformed`] or, above a limit, [`Code::TooLarge`].
///
/// Source: draft-ietf-oauth-status-list, 9.
pub fn aggregated(json: &[u8]) -> Result<Vec<String>, Reason> {
    if json.len() > LIMITS.message {
        return Err(Reason::plain(Code::TooLarge));
    }
    let read: Result<Aggregation, _> = serde_json::from_slice(json);
    let malformed = Reason::new(Code::Malformed, Detail::Json("no `status_lists` of addresses"));
    let lists = read.map_err(|_| malformed)?.status_lists;
    lists.all().ok_or(Reason::plain(Code::TooLarge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_their_order_and_nothing_else() {
        let said = |json: &str| aggregated(json.as_bytes()).map_err(|reason| reason.code());
        let two = r#"{"status_lists": ["https://a.example/1", "https://a.example/2"], "more": [1]}"#;
        let expected = ["https://a.example/1", "https://a.example/2"].map(str::to_owned);
        assert_eq!(said(two), Ok(expected.to_vec()));
        assert_eq!(said(r#"{"status_lists": []}"#), Ok(vec![]));
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"status_lists": [1]}"#,
            r#"{"status_lists": {}}"#,
        ] {
            assert_eq!(said(bad), Err(Code::Malformed), "{bad}");
        }
        let of = |count| format!(r#"{{"status_lists": [{}]}}"#, vec![r#""u""#; count].join(","));
        assert_eq!(said(&of(MOST_LISTS)).map(|lists| lists.len()), Ok(MOST_LISTS));
        assert_eq!(said(&of(MOST_LISTS + 1)), Err(Code::TooLarge));
        let long = format!("{two}{}", " ".repeat(LIMITS.message));
        assert_eq!(said(&long), Err(Code::TooLarge));
    }
}
