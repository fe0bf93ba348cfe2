//! The two questions: for a token, and with it for the status.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use mdoc_core::status::{Reference, Standing, TOLD_FOR};
use mdoc_core::time::Timestamp;
use serde::Deserialize;
use serde_json::json;
use zeroize::{Zeroize, Zeroizing};

use super::StatusQuery;
use crate::online::Problem;
use crate::online::fetch::{Answer, Request, Unreachable};
use crate::online::gather::Gather;

/// The most octets of an answer.
const LARGEST: usize = 16 * 1024;
/// The longest token that is taken.
const LONGEST_TOKEN: usize = 4096;
/// A token is not used in its last seconds.
const MARGIN: Duration = Duration::from_secs(10);
/// The longest time for which a token is kept, whatever is said of it.
const LONGEST_USE: Duration = Duration::from_secs(3600);

/// A token, as the header that it goes in.
pub(super) struct Token {
    header: Zeroizing<String>,
    until: Instant,
}

/// The answer to the first question (RFC 6749, 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

impl Drop for Granted {
    fn drop(&mut self) {
        self.access_token.zeroize();
    }
}

/// The answer to the second.
#[derive(Deserialize)]
struct Stated {
    status: String,
    at: String,
}

/// What is asked about a document.
pub(super) fn body(reference: Reference<'_>) -> Vec<u8> {
    let asked = match reference {
        Reference::StatusList(list) => json!({ "status_list": { "uri": list.uri, "idx": list.index } }),
        Reference::IdentifierList(list) => {
            let id = Base64UrlUnpadded::encode_string(&list.id);
            json!({ "identifier_list": { "uri": list.uri, "id": id } })
        }
    };
    asked.to_string().into_bytes()
}

impl StatusQuery {
    /// How the document stands, and when that was heard.
    pub(super) fn ask(
        &self,
        gather: &Gather<'_, '_, '_>,
        body: &[u8],
    ) -> Result<(Standing, Timestamp), Problem> {
        let kept = self.kept();
        let was_kept = kept.is_some();
        let header = match kept {
            Some(header) => header,
            None => self.token(gather)?,
        };
        let answer = match self.status(gather, body, &header) {
            // A token may end early: by a restart, or because somebody was switched off and on.
            Err(Problem::Unreachable(Unreachable::Status(401))) if was_kept => {
                let header = self.token(gather)?;
                self.status(gather, body, &header)
            }
            answer => answer,
        };
        let answer = answer.map_err(|why| match why {
            Problem::Unreachable(Unreachable::Status(401)) => credentials(),
            Problem::Unreachable(Unreachable::Status(403)) => Problem::Refused(
                Some("online.query-scope"),
                "the client may not ask how documents stand: give it the scope `status`".to_owned(),
            ),
            other => other,
        })?;
        let heard = gather.online.clock.now();
        Ok((standing(&answer, heard)?, heard))
    }

    /// The token that is kept, if it is good for a while.
    fn kept(&self) -> Option<Zeroizing<String>> {
        let kept = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let token = kept.as_ref()?;
        (Instant::now() < token.until).then(|| token.header.clone())
    }

    /// A new token, which is kept.
    fn token(&self, gather: &Gather<'_, '_, '_>) -> Result<Zeroizing<String>, Problem> {
        let pair = Zeroizing::new(format!("{}:{}", self.client, *self.secret));
        let encoded = Zeroizing::new(Base64::encode_string(pair.as_bytes()));
        let header = Zeroizing::new(format!("Basic {}", *encoded));
        let asked = Instant::now();
        let form = (
            "application/x-www-form-urlencoded",
            b"grant_type=client_credentials&scope=status".as_slice(),
        );
        let answer = self.post(gather, "/oauth/token", form, &header);
        let answer = Zeroizing::new(answer.map_err(|why| match why {
            Problem::Unreachable(Unreachable::Status(400 | 401)) => credentials(),
            other => other,
        })?);
        let malformed = || {
            let why = "the answer to the request for a token is none";
            Problem::Refused(Some("online.query-token"), why.to_owned())
        };
        let granted: Granted = serde_json::from_slice(&answer).map_err(|_| malformed())?;
        let token = &granted.access_token;
        let usable = !token.is_empty()
            && token.len() <= LONGEST_TOKEN
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !usable || !granted.token_type.eq_ignore_ascii_case("Bearer") {
            return Err(malformed());
        }
        let header = Zeroizing::new(format!("Bearer {token}"));
        let good_for = Duration::from_secs(granted.expires_in.unwrap_or_default())
            .min(LONGEST_USE)
            .saturating_sub(MARGIN);
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) =
            asked.checked_add(good_for).map(|until| Token {
                header: header.clone(),
                until,
            });
        Ok(header)
    }

    fn status(&self, gather: &Gather<'_, '_, '_>, body: &[u8], header: &str) -> Result<Vec<u8>, Problem> {
        self.post(gather, "/api/v1/status", ("application/json", body), header)
    }

    fn post(
        &self,
        gather: &Gather<'_, '_, '_>,
        path: &str,
        post: (&str, &[u8]),
        authorization: &str,
    ) -> Result<Vec<u8>, Problem> {
        let fetch = gather.online.fetch.ok_or(Problem::Offline)?;
        let time = gather.left().map_err(Problem::Unreachable)?;
        let answered = fetch.fetch(&Request {
            url: &format!("{}{path}", self.issuer),
            accept: "application/json",
            post: Some(post),
            authorization: Some(authorization),
            etag: None,
            largest: LARGEST,
            time,
            // An address without TLS was taken for this machine alone.
            plain: true,
        });
        match answered.map_err(Problem::Unreachable)? {
            Answer::Body(received) => Ok(received.body),
            Answer::Unchanged => Err(Problem::Unreachable(Unreachable::Protocol)),
        }
    }
}

fn credentials() -> Problem {
    Problem::Refused(
        Some("online.query-credentials"),
        "the issuer does not take the client's id and secret".to_owned(),
    )
}

/// What an answer says, if it is one of now.
fn standing(answer: &[u8], heard: Timestamp) -> Result<Standing, Problem> {
    let malformed = || {
        let why = "the issuer's answer is not one to a status query";
        Problem::Refused(Some("online.query-answer"), why.to_owned())
    };
    let stated: Stated = serde_json::from_slice(answer).map_err(|_| malformed())?;
    let standing = match stated.status.as_str() {
        "valid" => Standing::Valid,
        "disabled" => Standing::Disabled,
        "cancelled" => Standing::Cancelled,
        "expired" => Standing::Expired,
        "unknown" => Standing::Unknown,
        _ => return Err(malformed()),
    };
    let at = Timestamp::parse(&stated.at).map_err(|_| malformed())?;
    if at > heard.plus(TOLD_FOR) || at.plus(TOLD_FOR) < heard {
        let why = format!("the issuer's answer is of {at}, and it is {heard} here");
        return Err(Problem::Refused(Some("online.query-time"), why));
    }
    Ok(standing)
}
