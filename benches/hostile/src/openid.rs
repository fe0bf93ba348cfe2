//! What a wallet and an issuer send each other over OpenID4VCI: bodies in JSON, forms, addresses.

use std::fmt::Write as _;

use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_openid::jose::{Jwk, json};
use mdoc_openid::vci::Draft;
use mdoc_openid::vci::authorization::{AuthorizationRequest, Callback, PushedResponse};
use mdoc_openid::vci::client::ChallengeResponse;
use mdoc_openid::vci::credential::{
    Answer as Answered, CredentialRequest, DeferredRequest, NonceResponse, Notification,
};
use mdoc_openid::vci::error::ErrorAnswer;
use mdoc_openid::vci::metadata::{IssuerMetadata, Jwks};
use mdoc_openid::vci::offer::CredentialOffer;
use mdoc_openid::vci::server::ServerMetadata;
use mdoc_openid::vci::token::{TokenRequest, TokenResponse};
use mdoc_openid::web::{Form, well_known};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::SIZE;
use crate::cbor::Decode;
use crate::jose::ISSUER;
use crate::measure::{Answer, Case};
use crate::text::json_texts;

/// Nearly as large as a body may be.
const LARGE: usize = json::LARGEST - 200;
/// Nearly as large as a form may be.
const FORM: usize = 256 * 1024 - 200;

fn said<T>(result: Result<T, impl ToString>) -> Answer {
    result
        .map(|_| "taken".to_owned())
        .map_err(|error| error.to_string())
}

/// All of it.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    bodies(run);
    forms(run);
}

fn bodies(run: &mut dyn FnMut(Case<'_>)) {
    let issuer = |bytes: &[u8]| {
        let read = IssuerMetadata::decode(bytes, ISSUER).map_err(|error| error.to_string())?;
        let _ = read.validate();
        let terms = read.credential_request_encryption.as_ref();
        Ok(format!(
            "{} read, {} not; {:?}",
            read.credential_configurations_supported.len(),
            read.unreadable.len(),
            terms.map(|terms| terms.recipient().is_ok())
        ))
    };
    let server = |bytes: &[u8]| said(ServerMetadata::decode(bytes, ISSUER));
    let offer = |bytes: &[u8]| said(CredentialOffer::decode(bytes));
    let request = |bytes: &[u8]| said(CredentialRequest::decode(bytes, true, Draft::Draft13));
    let deferred = |bytes: &[u8]| said(DeferredRequest::decode(bytes, true, Draft::Final));
    let answer = |bytes: &[u8]| said(Answered::decode(200, bytes, Some("t")));
    let refusal = |bytes: &[u8]| said(Answered::decode(400, bytes, Some("t")));
    let error = |bytes: &[u8]| said(ErrorAnswer::decode(bytes));
    let pushed = |bytes: &[u8]| said(PushedResponse::decode(bytes));
    let token = |bytes: &[u8]| said(TokenResponse::decode(bytes));
    let challenge = |bytes: &[u8]| said(ChallengeResponse::decode(bytes));
    let nonce = |bytes: &[u8]| said(NonceResponse::decode(bytes));
    let notification = |bytes: &[u8]| said(Notification::decode(bytes));
    let keys = |bytes: &[u8]| -> Answer {
        let set: Jwks = json::read(bytes).map_err(|error| error.to_string())?;
        Ok(format!("{} keys", set.keys.len()))
    };
    let decoders: [(&str, &Decode<'_>); 14] = [
        ("IssuerMetadata::decode", &issuer),
        ("ServerMetadata::decode", &server),
        ("CredentialOffer::decode", &offer),
        ("CredentialRequest::decode", &request),
        ("DeferredRequest::decode", &deferred),
        ("Answer::decode, documents", &answer),
        ("Answer::decode, a refusal", &refusal),
        ("ErrorAnswer::decode", &error),
        ("PushedResponse::decode", &pushed),
        ("TokenResponse::decode", &token),
        ("ChallengeResponse::decode", &challenge),
        ("NonceResponse::decode", &nonce),
        ("Notification::decode", &notification),
        ("Jwks, a set of keys", &keys),
    ];
    let (large, largest, halves) = (json_texts(SIZE), json_texts(LARGE), json_texts(LARGE / 2));
    for (decoder, decode) in decoders {
        for (input, text) in &large {
            run(Case::new(decoder, input, text.as_bytes(), decode));
        }
        for ((input, text), (_, half)) in largest.iter().zip(&halves) {
            let input = format!("{input}, 1 MiB");
            run(Case::new(decoder, &input, text.as_bytes(), decode)
                .small()
                .halved(half.as_bytes()));
        }
    }
    for (decoder, input, text) in whole() {
        let decode = decoders.iter().find(|(name, _)| *name == decoder).unwrap().1;
        run(Case::new(decoder, input, text.as_bytes(), decode)
            .decided()
            .small());
    }
}

/// Items until there is no more room, each with its number.
fn items(size: usize, item: impl Fn(usize) -> String) -> String {
    let mut out = String::new();
    for at in 0.. {
        let next = item(at);
        if out.len() + next.len() + 1 > size {
            break;
        }
        let _ = write!(out, "{}{next}", if at == 0 { "" } else { "," });
    }
    out
}

/// Bodies that are as large as they may be and as they should be but for that.
fn whole() -> Vec<(&'static str, &'static str, String)> {
    let size = LARGE - 1_000;
    let metadata = |configurations: &str, more: &str| {
        format!(
            "{{\"credential_issuer\":\"{ISSUER}\",\"credential_endpoint\":\"{ISSUER}/c\",{more}\
             \"credential_configurations_supported\":{{{configurations}}}}}"
        )
    };
    let mdoc =
        |at: usize, more: &str| format!("\"c{at}\":{{\"format\":\"mso_mdoc\",\"doctype\":\"d\"{more}}}");
    let keys_on = |curve: Curve| {
        let secret = SecretKey::generate(curve, &mut ChaCha20Rng::from_seed([2; 32]));
        let jwk = Jwk::new(secret.public_key())
            .with("alg", "ECDH-ES")
            .with("kid", "k");
        let jwk = serde_json::to_string(&jwk).unwrap();
        let terms = format!(
            "\"credential_request_encryption\":{{\"enc_values_supported\":[\"A256GCM\"],\"jwks\":{{\"keys\":[{}]}}}},",
            items(size - 500, |_| jwk.clone())
        );
        metadata("", &terms)
    };
    let offer = |ids: &str| {
        format!("{{\"credential_issuer\":\"{ISSUER}\",\"credential_configuration_ids\":[{ids}]}}")
    };
    let request =
        |proofs: &str| format!("{{\"credential_configuration_id\":\"c\",\"proofs\":{{\"jwt\":[{proofs}]}}}}");
    let answer = |documents: &str| format!("{{\"credentials\":[{documents}]}}");
    let fill = "A".repeat(size / 1_000 - 30);
    vec![
        (
            "IssuerMetadata::decode",
            "as many configurations as fit, 1 MiB",
            metadata(&items(size, |at| mdoc(at, "")), ""),
        ),
        (
            "IssuerMetadata::decode",
            "a thousand configurations of 1 KB, 1 MiB",
            metadata(
                &(0..1_000)
                    .map(|at| mdoc(at, &format!(",\"scope\":\"{}\"", "s".repeat(size / 1_000 - 70))))
                    .collect::<Vec<_>>()
                    .join(","),
                "",
            ),
        ),
        (
            "IssuerMetadata::decode",
            "one configuration of thousands of claims, 1 MiB",
            metadata(
                &mdoc(
                    0,
                    &format!(
                        ",\"credential_metadata\":{{\"claims\":[{}]}}",
                        items(size - 500, |at| format!("{{\"path\":[\"n\",\"e{at}\"]}}"))
                    ),
                ),
                "",
            ),
        ),
        (
            "IssuerMetadata::decode",
            "thousands of keys on P-384, 1 MiB",
            keys_on(Curve::P384),
        ),
        (
            "IssuerMetadata::decode",
            "thousands of keys on P-521, 1 MiB",
            keys_on(Curve::P521),
        ),
        (
            "IssuerMetadata::decode",
            "thousands of keys on Ed25519, 1 MiB",
            keys_on(Curve::Ed25519),
        ),
        (
            "CredentialOffer::decode",
            "as many documents as fit, 1 MiB",
            offer(&items(size, |at| format!("\"{at:x}\""))),
        ),
        (
            "CredentialOffer::decode",
            "thousands of documents, 1 MiB",
            offer(&items(size, |at| format!("\"{at:0>100}\""))),
        ),
        (
            "CredentialRequest::decode",
            "as many proofs as fit, 1 MiB",
            request(&items(size, |_| "\"\"".to_owned())),
        ),
        (
            "Answer::decode, documents",
            "as many documents as fit, 1 MiB",
            answer(&items(size, |_| "{\"credential\":\"\"}".to_owned())),
        ),
        (
            "Answer::decode, documents",
            "a thousand documents of 1 KB, 1 MiB",
            answer(&vec![format!("{{\"credential\":\"{}\"}}", &fill[..fill.len() / 4 * 4]); 1_000].join(",")),
        ),
        (
            "Answer::decode, documents",
            "one document of 1 MiB",
            answer(&format!("{{\"credential\":\"{}\"}}", "A".repeat(size / 4 * 4))),
        ),
    ]
}

fn forms(run: &mut dyn FnMut(Case<'_>)) {
    let form = |bytes: &[u8]| -> Answer {
        let form = Form::parse(bytes).map_err(|error| error.to_string())?;
        said(form.get("a"))
    };
    let authorization = |bytes: &[u8]| said(AuthorizationRequest::decode(bytes));
    let token = |bytes: &[u8]| said(TokenRequest::decode(bytes));
    let callback = |bytes: &[u8]| said(Callback::decode(bytes, "s", (ISSUER, true)));
    let link = |bytes: &[u8]| -> Answer {
        let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        said(CredentialOffer::parse(&format!(
            "openid-credential-offer://?{text}"
        )))
    };
    let place = |bytes: &[u8]| -> Answer {
        let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        said(well_known(text, "x"))
    };
    let decoders: [(&str, &Decode<'_>); 6] = [
        ("Form::parse", &form),
        ("AuthorizationRequest::decode", &authorization),
        ("TokenRequest::decode", &token),
        ("Callback::decode", &callback),
        ("CredentialOffer::parse, an address", &link),
        ("Address::parse", &place),
    ];
    for (size, more) in [(SIZE, ""), (FORM, ", 256 KiB")] {
        let mut inputs = vec![
            ("nothing but ampersands".to_owned(), "&".repeat(size)),
            ("parameters without a name".to_owned(), "=&".repeat(size / 2)),
            (
                "one parameter again and again".to_owned(),
                "a=b&".repeat(size / 4),
            ),
            ("percent signs".to_owned(), "%".repeat(size)),
            (
                "characters in hexadecimal digits".to_owned(),
                format!("a={}", "%41".repeat(size / 3)),
            ),
            (
                "bytes that are no text".to_owned(),
                format!("a={}", "%ff".repeat(size / 3)),
            ),
            ("one long value".to_owned(), format!("a={}", "b".repeat(size))),
            ("slashes".to_owned(), format!("https://{}", "/".repeat(size))),
        ];
        for (input, json) in json_texts(size - 400) {
            let text = format!(
                "response_type=code&grant_type=refresh_token&refresh_token=t&client_id=c&code_challenge_method=S256&code_challenge={}\
                 &credential_offer={json}&authorization_details={json}",
                "A".repeat(43)
            );
            let half = &text[..text.len().min(size + 190)];
            inputs.push((format!("details: {input}"), half.to_owned()));
        }
        for (decoder, decode) in decoders {
            for (input, text) in &inputs {
                let input = format!("{input}{more}");
                let case = Case::new(decoder, &input, text.as_bytes(), decode);
                run(if more.is_empty() {
                    case
                } else {
                    case.decided().small()
                });
            }
        }
    }
}
