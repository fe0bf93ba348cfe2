//! Status of documents: tokens, the lists in them, and lists of lists.

use mdoc_core::crypto::PublicKey;
use mdoc_core::status::{Claims, Content, Token, aggregated};

use mdoc_core::seams::Signer as _;

use crate::fixtures::{backend, world};

/// A key that signed no status list: nothing stands under it.
fn nobody() -> PublicKey {
    world().device_key.public_key().clone()
}

/// A status list token of either form, or an aggregation.
pub fn status_token(input: &[u8]) {
    if let Ok(uris) = aggregated(input) {
        assert!(uris.iter().all(|uri| !uri.is_empty()));
    }
    if let Ok(claims) = Claims::decode(input) {
        taken(&claims);
        let again = Claims::decode(&claims.encode()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{claims:?}"));
    }
    match Token::decode(input) {
        Err(reason) => assert!(!reason.to_string().is_empty()),
        Ok(token) => {
            assert!(token.verify(&nobody(), backend()).is_err(), "nobody signed it");
            taken(token.claims());
            let _ = token.certificates();
        }
    }
}

fn taken(claims: &Claims) {
    match &claims.content {
        Content::StatusList(list) => {
            if let Ok(inflated) = list.inflate() {
                let entries = inflated.entries();
                assert!(inflated.get(entries).is_none());
                assert!(entries == 0 || inflated.get(entries - 1).is_some());
                assert_eq!(inflated.deflate().inflate().unwrap().entries(), entries);
            }
        }
        Content::IdentifierList(list) => assert!(!list.contains(b"an identifier of nobody's")),
    }
}
