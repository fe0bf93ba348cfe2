//! Revocation lists and OCSP answers about the certificates of signers.

use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::ocsp::{
    CertificateId, IdHash, LARGEST_RESPONSE, OcspAnswer, OcspCheck, OcspRequest, OcspResponse,
};
use mdoc_core::x509::revocation::{Evidence, LARGEST_LIST, Revocation, RevocationList};
use rand_core::Rng as _;

use super::cache::Key;
use super::gather::{Gather, Origin, Question, Worth};
use super::{Kind, Problem};

/// A newer list or answer is looked for after this time even where the next one is due later, since revoked certificates
/// are listed as soon as they are known.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(86_400);

/// Addresses that are tried for one certificate, of each kind.
const MOST_ADDRESSES: usize = 4;

/// The longest request that is asked by GET (RFC 5019, 5).
const LONGEST_GET: usize = 255;

/// Media types of OCSP (RFC 6960, appendix A).
const OCSP_REQUEST: &str = "application/ocsp-request";
const OCSP_RESPONSE: &str = "application/ocsp-response";

impl<'i: 's, 's> Gather<'_, 'i, 's> {
    /// Looks up every certificate of a path but the anchor.
    pub(super) fn certificates(
        &mut self,
        leaf: &Certificate,
        intermediates: &[Certificate],
        anchor: &Certificate,
    ) {
        let issuers = intermediates.iter().chain([anchor]);
        for (certificate, issuer) in std::iter::once(leaf).chain(intermediates).zip(issuers) {
            self.certificate(certificate, issuer);
        }
    }

    /// By a list, of which the issuer learns nothing; where none says anything, by the responders.
    fn certificate(&mut self, certificate: &Certificate, issuer: &Certificate) {
        for address in lists(certificate, issuer) {
            if self.is_known(certificate, issuer) {
                return;
            }
            self.list(&address, certificate, issuer);
        }
        for address in responders(certificate) {
            if self.is_known(certificate, issuer) {
                return;
            }
            self.responder(&address, certificate, issuer);
        }
    }

    fn is_known(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let evidence = Evidence {
            lists: &self.evidence.revocation_lists,
            answers: &self.evidence.ocsp_answers,
        };
        let (now, backend) = (self.inputs.now, self.inputs.backend);
        evidence.revoked(certificate, issuer, now, backend).is_some()
    }

    fn list(&mut self, url: &str, certificate: &Certificate, issuer: &Certificate) {
        let key = Key::of(Kind::Crl.id(), url, &[]);
        if self.was_asked(&key) {
            return;
        }
        let (now, backend) = (self.inputs.now, self.inputs.backend);
        let judge = |bytes: &[u8], fetched, _| {
            let list = RevocationList::from_bytes(bytes).map_err(|error| refused(&error))?;
            match list.evaluate(certificate, issuer, now, backend) {
                Revocation::Good | Revocation::Revoked { .. } => {
                    Ok(worth(list.this_update(), list.next_update(), fetched))
                }
                Revocation::Undetermined(why) => Err(refused(&why)),
            }
        };
        let question = Question {
            kind: Kind::Crl,
            url,
            key,
            accept: "application/pkix-crl, */*;q=0.1",
            post: None,
            get: None,
            // As text it is longer by a third.
            largest: LARGEST_LIST * 3 / 2,
            plain: true,
            always: false,
            // Real lists are served under many types; a page in their place is none.
            media_type: &|found| found != Some("text/html"),
        };
        let found = self.ask(&question, &judge);
        if let Some(list) = found.and_then(|found| RevocationList::from_bytes(&found.bytes).ok()) {
            self.evidence.revocation_lists.push(list);
        }
    }

    fn responder(&mut self, url: &str, certificate: &Certificate, issuer: &Certificate) {
        let id = [CertificateId::of(certificate, issuer, IdHash::Sha1)];
        let Ok(plain) = OcspRequest::new(&id, None) else {
            return;
        };
        let key = Key::of(Kind::Ocsp.id(), url, plain.der());
        if self.was_asked(&key) {
            return;
        }
        let nonce = if self.online.ocsp_nonce {
            let Some(nonce) = nonce() else { return };
            Some(nonce)
        } else {
            None
        };
        let Ok(request) = OcspRequest::new(&id, nonce.as_ref().map(<[u8; 32]>::as_slice)) else {
            return;
        };
        let (now, backend) = (self.inputs.now, self.inputs.backend);
        // Lent to the judge, which stands beside `self` while it asks.
        let lists = core::mem::take(&mut self.evidence.revocation_lists);
        let judge = |bytes: &[u8], fetched, origin| {
            let response = OcspResponse::from_der(bytes).map_err(|error| refused(&error))?;
            let check = OcspCheck {
                certificate,
                issuer,
                nonce: nonce
                    .as_ref()
                    .filter(|_| origin == Origin::Received)
                    .map(<[u8; 32]>::as_slice),
                lists: &lists,
                now,
            };
            match check.judge(&response, backend) {
                OcspAnswer::Good | OcspAnswer::Revoked { .. } => {
                    let mut about = response
                        .answers()
                        .iter()
                        .filter(|answer| answer.id.is(certificate, issuer));
                    let answer = about
                        .next()
                        .ok_or(Problem::Refused(None, "it has no answer".to_owned()))?;
                    Ok(worth(answer.this_update, answer.next_update, fetched))
                }
                OcspAnswer::Undetermined(why) => Err(refused(&why)),
            }
        };
        let question = Question {
            kind: Kind::Ocsp,
            url,
            key,
            accept: OCSP_RESPONSE,
            post: Some((OCSP_REQUEST, request.der())),
            get: nonce.is_none().then(|| get(url, request.der())).flatten(),
            largest: LARGEST_RESPONSE,
            plain: true,
            always: nonce.is_some(),
            media_type: &|found| found == Some(OCSP_RESPONSE),
        };
        let found = self.ask(&question, &judge);
        self.evidence.revocation_lists = lists;
        // Whether the nonce is repeated is not looked at again.
        if let Some(found) = found
            && found.reliable
            && let Ok(response) = OcspResponse::from_der(&found.bytes)
        {
            self.evidence.ocsp_answers.push(response);
        }
    }
}

fn refused(why: &dyn std::error::Error) -> Problem {
    Problem::Refused(None, why.to_string())
}

fn worth(made: Timestamp, next: Option<Timestamp>, fetched: Timestamp) -> Worth {
    let again = fetched.plus(LOOK_AGAIN);
    Worth {
        made,
        fresh_until: next.map_or(again, |next| next.min(again)),
    }
}

/// Where the list of the issuer is: the certificate says so, and so may the issuer's own.
fn lists(certificate: &Certificate, issuer: &Certificate) -> Vec<String> {
    let of = |certificate: &Certificate| match certificate.crl_distribution_points() {
        Some(Ok(points)) => points.uris,
        Some(Err(_)) | None => Vec::new(),
    };
    let mut all = of(certificate);
    all.extend(of(issuer));
    addresses(all)
}

fn responders(certificate: &Certificate) -> Vec<String> {
    addresses(
        certificate
            .ocsp_addresses()
            .and_then(Result::ok)
            .unwrap_or_default(),
    )
}

/// Those of the web, each once; LDAP and files are passed over.
fn addresses(all: Vec<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for address in all {
        let web = ["http://", "https://"].iter().any(|scheme| {
            address
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
        if web && !found.contains(&address) && found.len() < MOST_ADDRESSES {
            found.push(address);
        }
    }
    found
}

/// A request as an address, if it is short enough (RFC 6960, appendix A.1).
fn get(url: &str, request: &[u8]) -> Option<String> {
    let encoded = Base64::encode_string(request);
    let encoded = encoded
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let whole = format!("{}/{encoded}", url.trim_end_matches('/'));
    (encoded.len() <= LONGEST_GET && !url.contains(['?', '#'])).then_some(whole)
}

fn nonce() -> Option<[u8; 32]> {
    let mut nonce = [0; 32];
    mdoc_cli::system::random().ok()?.fill_bytes(&mut nonce);
    Some(nonce)
}
