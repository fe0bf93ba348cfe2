//! The list that a document refers to.

use mdoc_core::status::{
    self, Answer, Evidence, IDENTIFIER_LIST_CWT, LIMITS, Reference, STATUS_LIST_CWT, STATUS_LIST_JWT,
    Standing, Token, Told, Trust,
};
use mdoc_core::verify::Policy;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::path::{self, Path, TrustAnchor};

use super::cache::Key;
use super::gather::{Gather, Question, Worth};
use super::{Kind, Problem};

/// What status lists are served as by those who do not know them.
const UNNAMED: [&str; 4] = [
    "application/octet-stream",
    "application/cbor",
    "application/cwt",
    "application/jwt",
];

impl<'i: 's, 's> Gather<'_, 'i, 's> {
    /// Looks for the list, and for what is known of its signer.
    pub(super) fn status(&mut self, reference: Reference<'_>, trust: Trust<'_>, doc_type: Option<&str>) {
        let (kind, accept) = match reference {
            Reference::StatusList(_) => (
                Kind::StatusList,
                "application/statuslist+cwt, application/statuslist+jwt;q=0.5",
            ),
            Reference::IdentifierList(_) => (Kind::IdentifierList, IDENTIFIER_LIST_CWT),
        };
        let url = reference.uri();
        let key = Key::of(kind.id(), url, &[]);
        let given = self.inputs.status_lists.iter().any(|list| list.uri == url);
        if given || self.was_asked(&key) {
            return;
        }
        let by = status::Inputs {
            doc_type,
            // What is known of the list's signer may be fetched only when the list is there. The report insists.
            policy: Policy {
                deviations_reject: false,
                evidence_required: false,
                revocation_required: false,
                ..self.inputs.policy
            },
            backend: self.inputs.backend,
            ..status::Inputs::new(trust, self.inputs.now)
        };
        let look_up = |token: &[u8], fetched| {
            let evidence = Evidence {
                uri: url,
                token,
                fetched,
            };
            status::look_up(reference, &evidence, &by)
        };
        // What the issuer says itself is newer than what was kept, and takes nothing back that was signed: a document that
        // is good again needs the list in which it is.
        let valid = |told: &Told<'_>| told.reference == reference && told.standing == Standing::Valid;
        let kept = self.online.cache.filter(|_| self.evidence.told.iter().any(valid));
        let doubted = kept
            .and_then(|cache| cache.get(&key))
            .is_some_and(|kept| look_up(&kept.bytes, kept.fetched).answer != Answer::Valid);
        let judge = |token: &[u8], fetched, _| {
            let found = look_up(token, fetched);
            match (found.answer, found.freshness) {
                (Answer::Unknown(reason), _) => {
                    Err(Problem::Refused(Some(reason.code().id()), reason.to_string()))
                }
                (_, Some(held)) => Ok(Worth {
                    made: held.issued_at,
                    fresh_until: held.fresh_until,
                }),
                (_, None) => Err(Problem::Refused(None, "nothing is known of its time".to_owned())),
            }
        };
        let wanted: &[&str] = match reference {
            Reference::StatusList(_) => &[STATUS_LIST_CWT, STATUS_LIST_JWT],
            Reference::IdentifierList(_) => &[IDENTIFIER_LIST_CWT],
        };
        let media_type = |found: Option<&str>| {
            found.is_none_or(|found| wanted.contains(&found) || UNNAMED.contains(&found))
        };
        let question = Question {
            kind,
            url,
            key,
            accept,
            post: None,
            get: None,
            largest: LIMITS.message,
            plain: self.online.plain_status_lists,
            always: doubted,
            media_type: &media_type,
        };
        if let Some(found) = self.ask(&question, &judge) {
            if found.reliable {
                self.signer(&found.bytes, reference, trust);
            }
            self.token(url, found);
        }
    }

    /// Looks up the certificates of a list's signer.
    fn signer(&mut self, token: &[u8], reference: Reference<'_>, trust: Trust<'_>) {
        let chain = Token::decode(token).and_then(|token| {
            let encoded = token.certificates()?;
            Ok(encoded
                .iter()
                .map(|der| Certificate::from_der(der))
                .collect::<Result<Vec<_>, _>>())
        });
        let (Ok(Ok(chain)), Some(issuer)) = (chain, issuer(reference, trust)) else {
            return;
        };
        let anchors = [TrustAnchor::new(issuer)];
        let (now, backend) = (self.inputs.now, self.inputs.backend);
        if let (
            Some(signer),
            Path::Anchored {
                anchor,
                intermediates,
            },
        ) = (chain.first(), path::find(&chain, &anchors, now, backend))
        {
            self.certificates(signer, intermediates, &anchor.certificate);
        }
    }
}

/// Whom the signer of the list leads to.
fn issuer(reference: Reference<'_>, trust: Trust<'_>) -> Option<Certificate> {
    let named = match reference {
        Reference::StatusList(list) => list.certificate.as_deref(),
        Reference::IdentifierList(list) => list.certificate.as_deref(),
    };
    match (named, trust) {
        (Some(der), _) => Certificate::from_der(der).ok(),
        (None, Trust::Issuer(iaca)) => Some(iaca.clone()),
        (None, Trust::Named | Trust::Key(_)) => None,
    }
}
