//! Collecting by a sign-in: what is pushed, the page in the browser, the code.

use mdoc_openid::Secret;
use mdoc_openid::jose::base64url;
use mdoc_openid::vci::authorization::{AuthorizationDetail, AuthorizationRequest, PushedResponse};
use mdoc_openid::vci::offer::CredentialOffer;
use mdoc_openid::vci::pkce;
use mdoc_openid::vci::server::ServerMetadata;
use mdoc_openid::vci::token::{Grant, TokenRequest, TokenResponse};
use mdoc_openid::web::{Address, Form};
use serde_json::json;

use super::wallet::{Answered, Wallet};
use super::{ISSUER, issued, offer};
use crate::service::Service;
use crate::tests::world::{World, everywhere};
use crate::usecase::request::Offer;
use crate::wallets::RedirectUri;

const REDIRECT: &str = "https://wallet.example/cb?w=1";
const CLIENT: &str = "wallet <i>&\"x\"</i>";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn with_sign_in(service: &mut Service) {
    service.wallets.redirect_uris = vec![
        RedirectUri::parse(REDIRECT).unwrap(),
        RedirectUri::parse("http://127.0.0.1/cb").unwrap(),
    ];
}

fn wallet(world: &mut World) -> Wallet {
    Wallet::at(world, 1, with_sign_in)
}

/// A wallet that was given an offer.
async fn given(world: &mut World) -> (Wallet, Offer, Option<String>) {
    let offer = offer(world).await;
    let wallet = wallet(world);
    let state = issuer_state(&wallet, &offer).await;
    (wallet, offer, state)
}

async fn issuer_state(wallet: &Wallet, offer: &Offer) -> Option<String> {
    let path = format!("/t/club/offer/{}", base64url(&*offer.secret));
    let answer = wallet.get(&path, &[]).await;
    let grants = CredentialOffer::decode(&answer.body).unwrap().grants.unwrap();
    grants.authorization_code.unwrap().issuer_state
}

fn request(issuer_state: Option<&String>) -> AuthorizationRequest {
    AuthorizationRequest {
        client_id: CLIENT.to_owned(),
        redirect_uri: Some(REDIRECT.to_owned()),
        scope: Some("openid licence".to_owned()),
        authorization_details: Vec::new(),
        state: Some("s=1&t".to_owned()),
        code_challenge: pkce::challenge(&Secret::from(VERIFIER), &mdoc_core::crypto::RustCrypto),
        issuer_state: issuer_state.cloned(),
        resource: None,
        dpop_jkt: None,
    }
}

async fn push(wallet: &mut Wallet, request: &AuthorizationRequest) -> Answered {
    wallet.ask("/t/club/par", &request.encode()).await
}

fn pushed(answer: &Answered) -> String {
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (201, "no-store"),
        "{}",
        answer.error()
    );
    let pushed = PushedResponse::decode(&answer.body).unwrap();
    assert!((5..=600).contains(&pushed.expires_in));
    pushed.request_uri
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    pairs.join("&")
}

async fn open(wallet: &Wallet, request_uri: &str) -> Answered {
    let query = encoded(&[("client_id", CLIENT), ("request_uri", request_uri)]);
    wallet.get(&format!("/t/club/authorize?{query}"), &[]).await
}

/// What a hidden field of the page carries.
fn hidden(page: &Answered, name: &str) -> String {
    let text = String::from_utf8(page.body.clone()).unwrap();
    let after = text
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap_or_else(|| panic!("no {name}: {text}"))
        .1;
    let value = after.split('"').next().unwrap();
    value
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

async fn say(wallet: &Wallet, page: &Answered, fields: &[(&str, &str)]) -> Answered {
    let hidden: Vec<(&str, String)> = ["request_uri", "client_id", "ticket"]
        .map(|name| (name, hidden(page, name)))
        .to_vec();
    let all: Vec<(&str, &str)> = hidden
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain(fields.iter().copied())
        .collect();
    let kind = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
    ];
    wallet
        .post("/t/club/authorize", &kind, encoded(&all).as_bytes())
        .await
}

/// The parameters that the browser brings back.
fn brought(answer: &Answered) -> Form {
    assert_eq!(answer.status, 303, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("cache-control"), "no-store");
    let location = Address::parse(answer.header("location")).unwrap();
    assert_eq!(
        (location.origin, location.path),
        ("https://wallet.example", "/cb")
    );
    Form::parse(location.query.unwrap().as_bytes()).unwrap()
}

fn code(answer: &Answered) -> String {
    brought(answer).get("code").unwrap().unwrap().to_owned()
}

fn redeem(code: &str) -> TokenRequest {
    let mut request = TokenRequest::new(Grant::AuthorizationCode {
        code: code.into(),
        verifier: Some(VERIFIER.into()),
        redirect_uri: Some(REDIRECT.to_owned()),
    });
    request.client_id = Some(CLIENT.to_owned());
    request
}

async fn token(wallet: &mut Wallet, request: &TokenRequest) -> Answered {
    wallet.ask("/t/club/token", &request.encode()).await
}

/// A code for a wallet that was given an offer.
async fn coded(world: &mut World) -> (Wallet, Offer, String) {
    let (mut wallet, offer, state) = given(world).await;
    let pushed = pushed(&push(&mut wallet, &request(state.as_ref())).await);
    let page = open(&wallet, &pushed).await;
    let answer = say(&wallet, &page, &[("code", offer.code.as_ref().unwrap())]).await;
    let code = code(&answer);
    (wallet, offer, code)
}

#[test]
fn a_sign_in_with_the_code_of_the_offer_leads_to_the_document() {
    everywhere(async |mut world| {
        let (mut wallet, offer, state) = given(&mut world).await;
        let server = wallet
            .get("/.well-known/oauth-authorization-server/t/club", &[])
            .await;
        let server = ServerMetadata::decode(&server.body, ISSUER).unwrap();
        assert!(server.require_pushed_authorization_requests && server.has_grant("authorization_code"));
        assert!(server.authorization_response_iss_parameter_supported);
        assert_eq!(server.code_challenge_methods_supported, ["S256"]);
        assert_eq!(server.response_types_supported, ["code"]);
        assert_eq!(
            server.pushed_authorization_request_endpoint.unwrap(),
            format!("{ISSUER}/par")
        );

        let name = pushed(&push(&mut wallet, &request(state.as_ref())).await);
        let page = open(&wallet, &name).await;
        assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'")
                && policy.contains("form-action 'self' https://wallet.example;"),
            "{policy}"
        );
        let text = String::from_utf8(page.body.clone()).unwrap();
        assert!(
            text.contains("wallet &lt;i&gt;&amp;&quot;x&quot;&lt;/i&gt;"),
            "{text}"
        );
        assert!(
            text.contains("Licence") && text.contains("<label for=\"code\">"),
            "{text}"
        );
        assert!(
            !text.contains("<script") && !text.contains("Invitation"),
            "{text}"
        );

        let answer = say(&wallet, &page, &[("code", offer.code.as_ref().unwrap())]).await;
        let form = brought(&answer);
        assert_eq!(form.get("w"), Ok(Some("1")));
        assert_eq!(form.get("state"), Ok(Some("s=1&t")));
        assert_eq!(form.get("iss"), Ok(Some(ISSUER)));
        let token = token(&mut wallet, &redeem(&code(&answer))).await;
        assert_eq!((token.status, token.header("cache-control")), (200, "no-store"));
        let response = TokenResponse::decode(&token.body).unwrap();
        assert!(response.is_dpop() && response.authorization_details.is_empty());
        assert!(response.refresh_token.is_some());
        assert_eq!(issued(&wallet.collect(&token, 2).await).documents.len(), 2);
        // The offer is taken.
        assert_eq!(open(&wallet, &name).await.status, 400);
        let path = format!("/t/club/offer/{}", base64url(&*offer.secret));
        assert_eq!(wallet.get(&path, &[]).await.status, 404);
    });
}

#[test]
fn who_asks_in_detail_is_told_the_dataset() {
    everywhere(async |mut world| {
        let (mut wallet, offer, state) = given(&mut world).await;
        let mut asked = request(state.as_ref());
        asked.scope = None;
        asked.authorization_details = vec![AuthorizationDetail::new("licence")];
        let page = {
            let name = pushed(&push(&mut wallet, &asked).await);
            open(&wallet, &name).await
        };
        let answer = say(&wallet, &page, &[("code", offer.code.as_ref().unwrap())]).await;
        let token = token(&mut wallet, &redeem(&code(&answer))).await;
        let response = TokenResponse::decode(&token.body).unwrap();
        let detail = &response.authorization_details[0];
        assert_eq!(detail.credential_configuration_id.as_deref(), Some("licence"));
        let identifier = &detail.credential_identifiers[0];
        let by_identifier = wallet
            .collect_by(&token, json!({ "credential_identifier": identifier }))
            .await;
        assert_eq!(issued(&by_identifier).documents.len(), 1);
        let other = wallet
            .collect_by(&token, json!({ "credential_identifier": "other" }))
            .await;
        assert_eq!(other.error(), "unknown_credential_identifier");
        let both = json!({ "credential_identifier": identifier, "credential_configuration_id": "licence" });
        for wanted in [both, json!({ "credential_configuration_id": "licence" })] {
            let refused = wallet.collect_by(&token, wanted).await;
            assert_eq!(refused.error(), "invalid_credential_request");
        }
        // Later, too: a wallet keeps what it was told.
        let refresh = Grant::RefreshToken {
            token: response.refresh_token.clone().unwrap(),
        };
        let token = wallet
            .ask("/t/club/token", &TokenRequest::new(refresh).encode())
            .await;
        let again = TokenResponse::decode(&token.body).unwrap();
        assert_eq!(
            again.authorization_details[0].credential_identifiers,
            [identifier.as_str()]
        );
        let by_identifier = wallet
            .collect_by(&token, json!({ "credential_identifier": identifier }))
            .await;
        assert_eq!(issued(&by_identifier).documents.len(), 1);
    });
}

#[test]
fn a_wrong_code_is_counted_with_those_that_wallets_send() {
    everywhere(async |mut world| {
        let (mut wallet, offer, state) = given(&mut world).await;
        let pre = wallet.pre_authorized(&offer).await;
        let name = pushed(&push(&mut wallet, &request(state.as_ref())).await);
        let mut page = open(&wallet, &name).await;
        let first = page.body.clone();
        for tried in 0..3 {
            page = say(&wallet, &page, &[("code", "no")]).await;
            assert_eq!(page.status, 403);
            let text = String::from_utf8(page.body.clone()).unwrap();
            assert!(
                text.contains("role=\"alert\"") && text.contains("That is not the code"),
                "{tried}: {text}"
            );
        }
        assert_eq!(wallet.token(&pre, Some("no")).await.error(), "invalid_grant");
        // What a page carries is good once.
        let stale = Answered::of(200, first);
        let again = say(&wallet, &stale, &[("code", offer.code.as_ref().unwrap())]).await;
        assert_eq!((again.status, again.rule), (403, Some("sign-in.page-stale")));
        assert!(String::from_utf8_lossy(&again.body).contains("sent before"));
        let last = say(&wallet, &again, &[("code", "no")]).await;
        assert!(String::from_utf8_lossy(&last.body).contains("too often"));
        let right = say(&wallet, &last, &[("code", offer.code.as_ref().unwrap())]).await;
        assert_eq!(right.status, 403);
        let code = offer.code.as_ref().map(|code| code.as_str());
        assert_eq!(wallet.token(&pre, code).await.error(), "invalid_grant");
    });
}

#[test]
fn an_invitation_code_may_be_typed_where_no_offer_was_scanned() {
    everywhere(async |mut world| {
        let (mut wallet, offer, _state) = given(&mut world).await;
        for made_up in [None, Some("bm9uZQ".to_owned()), Some("no base64!".to_owned())] {
            let name = pushed(&push(&mut wallet, &request(made_up.as_ref())).await);
            let page = open(&wallet, &name).await;
            assert!(String::from_utf8_lossy(&page.body).contains("Invitation code"));
            let wrong = say(
                &wallet,
                &page,
                &[("invitation", "7K3M-9QXA-0000-0000"), ("code", "1")],
            )
            .await;
            assert!(String::from_utf8_lossy(&wrong.body).contains("no such invitation code"));
        }
        let name = pushed(&push(&mut wallet, &request(None)).await);
        let page = open(&wallet, &name).await;
        let typed = offer.invitation.to_lowercase().replace('-', " ");
        let missing = say(&wallet, &page, &[("invitation", &typed)]).await;
        assert!(String::from_utf8_lossy(&missing.body).contains("authentication code is missing"));
        let right = [
            ("invitation", typed.as_str()),
            ("code", offer.code.as_ref().unwrap()),
        ];
        let answer = say(&wallet, &missing, &right).await;
        let token = token(&mut wallet, &redeem(&code(&answer))).await;
        assert_eq!(issued(&wallet.collect(&token, 1).await).documents.len(), 1);
    });
}

#[test]
fn invitation_codes_are_not_guessed_without_end() {
    everywhere(async |mut world| {
        let (mut wallet, offer, _state) = given(&mut world).await;
        let name = pushed(&push(&mut wallet, &request(None)).await);
        let mut page = open(&wallet, &name).await;
        for _try in 0..5 {
            page = say(&wallet, &page, &[("invitation", "7K3M-9QXA-0000-0000")]).await;
        }
        let right = [
            ("invitation", offer.invitation.as_str()),
            ("code", offer.code.as_ref().unwrap()),
        ];
        let answer = say(&wallet, &page, &right).await;
        assert_eq!(answer.status, 403);
        assert!(String::from_utf8_lossy(&answer.body).contains("too often"));
    });
}

#[test]
fn a_code_that_comes_twice_ends_what_was_given_for_it() {
    everywhere(async |mut world| {
        let (mut wallet, _offer, code) = coded(&mut world).await;
        let first = token(&mut wallet, &redeem(&code)).await;
        assert_eq!(issued(&wallet.collect(&first, 1).await).documents.len(), 1);
        let mut thief = Wallet::at(&mut world, 99, with_sign_in);
        let second = token(&mut thief, &redeem(&code)).await;
        assert_eq!((second.status, second.error()), (400, "invalid_grant".to_owned()));
        let after = wallet.collect(&first, 1).await;
        assert_eq!((after.status, after.error()), (401, "invalid_token".to_owned()));
        let refresh = TokenResponse::decode(&first.body).unwrap().refresh_token.unwrap();
        let refreshed = token(
            &mut wallet,
            &TokenRequest::new(Grant::RefreshToken { token: refresh }),
        )
        .await;
        assert_eq!(refreshed.error(), "invalid_grant");
        let told = world.actions().await;
        assert!(told.contains(&"offer.sign-in-twice".to_owned()), "{told:?}");
    });
}

#[test]
fn a_code_is_for_who_asked_as_it_was_asked() {
    everywhere(async |mut world| {
        let (mut wallet, _offer, code) = coded(&mut world).await;
        type Change = fn(&mut TokenRequest);
        let changes: [(&str, Change); 6] = [
            ("verifier", |r| {
                if let Grant::AuthorizationCode { verifier, .. } = &mut r.grant {
                    *verifier = Some(Secret::new("x".repeat(43)));
                }
            }),
            ("no verifier", |r| {
                if let Grant::AuthorizationCode { verifier, .. } = &mut r.grant {
                    *verifier = None;
                }
            }),
            ("redirect", |r| {
                if let Grant::AuthorizationCode { redirect_uri, .. } = &mut r.grant {
                    *redirect_uri = Some("http://127.0.0.1/cb".to_owned());
                }
            }),
            ("no redirect", |r| {
                if let Grant::AuthorizationCode { redirect_uri, .. } = &mut r.grant {
                    *redirect_uri = None;
                }
            }),
            ("client", |r| r.client_id = Some("other".to_owned())),
            ("no client", |r| r.client_id = None),
        ];
        for (what, change) in changes {
            let mut request = redeem(&code);
            change(&mut request);
            let refused = token(&mut wallet, &request).await;
            assert_eq!(
                (refused.status, refused.error()),
                (400, "invalid_grant".to_owned()),
                "{what}"
            );
        }
        let mut thief = Wallet::at(&mut world, 99, with_sign_in);
        assert_eq!(token(&mut thief, &redeem(&code)).await.error(), "invalid_grant");
        assert_eq!(token(&mut wallet, &redeem(&code)).await.status, 200);
    });
}

#[test]
fn a_code_is_good_for_a_minute_and_a_page_for_ten() {
    everywhere(async |mut world| {
        let (mut wallet, offer, code) = coded(&mut world).await;
        wallet.later(&mut world, 61, with_sign_in);
        let late = token(&mut wallet, &redeem(&code)).await;
        assert_eq!(
            (late.error().as_str(), late.rule),
            ("invalid_grant", Some("sign-in.unknown"))
        );
        let state = issuer_state(&wallet, &offer).await;
        let name = pushed(&push(&mut wallet, &request(state.as_ref())).await);
        let page = open(&wallet, &name).await;
        assert_eq!(page.status, 200);
        wallet.later(&mut world, 601, with_sign_in);
        let over = open(&wallet, &name).await;
        assert_eq!((over.status, over.rule), (400, Some("sign-in.unknown")));
        let late = say(&wallet, &page, &[("code", offer.code.as_ref().unwrap())]).await;
        assert_eq!((late.status, late.header("location")), (400, ""));
    });
}

#[test]
fn what_is_pushed_keeps_the_rules() {
    everywhere(async |mut world| {
        let mut wallet = wallet(&mut world);
        type Change = fn(&mut AuthorizationRequest);
        let changes: [(&str, Change); 9] = [
            ("invalid_request", |r| r.redirect_uri = None),
            ("invalid_request", |r| {
                r.redirect_uri = Some("https://evil.example/cb".to_owned());
            }),
            ("invalid_request", |r| {
                r.redirect_uri = Some(format!("{REDIRECT}#x"))
            }),
            ("invalid_request", |r| r.code_challenge = "short".to_owned()),
            ("invalid_request", |r| r.state = Some("x".repeat(4000))),
            ("invalid_scope", |r| r.scope = Some("openid".to_owned())),
            ("invalid_authorization_details", |r| {
                r.authorization_details = vec![AuthorizationDetail::new("nothing")];
            }),
            ("invalid_target", |r| {
                r.resource = Some("https://other.example".to_owned())
            }),
            ("invalid_dpop_proof", |r| {
                r.dpop_jkt = Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".to_owned());
            }),
        ];
        for (expected, change) in changes {
            let mut asked = request(None);
            change(&mut asked);
            let refused = push(&mut wallet, &asked).await;
            assert_eq!((refused.status, refused.error()), (400, expected.to_owned()));
        }
        let plain = request(None).encode().replace("S256", "plain");
        assert_eq!(wallet.ask("/t/club/par", &plain).await.error(), "invalid_request");
        let token = request(None)
            .encode()
            .replace("response_type=code", "response_type=token");
        assert_eq!(
            wallet.ask("/t/club/par", &token).await.error(),
            "unsupported_response_type"
        );
        let within = format!("{}&request_uri=urn%3Ax", request(None).encode());
        assert_eq!(
            wallet.ask("/t/club/par", &within).await.error(),
            "invalid_request"
        );
        let mut program = request(None);
        program.redirect_uri = Some("http://127.0.0.1:40123/cb".to_owned());
        assert_eq!(push(&mut wallet, &program).await.status, 201);
        // What was said once is not said again.
        assert_eq!(wallet.repeat_last().await.error(), "invalid_dpop_proof");
    });
}

#[test]
fn a_browser_is_sent_nowhere_but_to_the_wallet_of_the_request() {
    everywhere(async |mut world| {
        let (mut wallet, offer, state) = given(&mut world).await;
        for query in [
            String::new(),
            request(None).encode(),
            encoded(&[("client_id", CLIENT), ("request_uri", "https://evil.example/r")]),
            encoded(&[("client_id", CLIENT), ("redirect_uri", "https://evil.example/")]),
        ] {
            let answer = wallet.get(&format!("/t/club/authorize?{query}"), &[]).await;
            assert_eq!((answer.status, answer.header("location")), (400, ""), "{query}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("evil"));
        }
        let name = pushed(&push(&mut wallet, &request(state.as_ref())).await);
        let other = encoded(&[("client_id", "other"), ("request_uri", &name)]);
        let answer = wallet.get(&format!("/t/club/authorize?{other}"), &[]).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""));
        // A page of somebody else sends the form.
        let page = open(&wallet, &name).await;
        let fields = ["request_uri", "client_id", "ticket"].map(|field| (field, hidden(&page, field)));
        let mut fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        fields.push(("code", offer.code.as_ref().unwrap()));
        let form = encoded(&fields);
        let answer = wallet
            .post(
                "/t/club/authorize",
                &[("sec-fetch-site", "cross-site")],
                form.as_bytes(),
            )
            .await;
        assert_eq!((answer.status, answer.header("location")), (400, ""));
        // Without what the page carries.
        let bare = encoded(&[fields[0], fields[1], fields[3]]);
        let answer = wallet.post("/t/club/authorize", &[], bare.as_bytes()).await;
        assert_eq!((answer.status, answer.header("location")), (403, ""));
        // Who goes back says so to the wallet.
        let answer = say(&wallet, &answer, &[("do", "cancel")]).await;
        let form = brought(&answer);
        assert_eq!(
            (form.get("error"), form.get("code")),
            (Ok(Some("access_denied")), Ok(None))
        );
        assert_eq!(form.get("iss"), Ok(Some(ISSUER)));
        assert_eq!(open(&wallet, &name).await.status, 400);
    });
}

#[test]
fn an_offer_of_another_document_is_not_what_was_asked_for() {
    everywhere(async |mut world| {
        world.profile("other", |_| {}).await;
        let (mut wallet, offer, state) = given(&mut world).await;
        let mut asked = request(state.as_ref());
        asked.scope = Some("other".to_owned());
        let name = pushed(&push(&mut wallet, &asked).await);
        let page = open(&wallet, &name).await;
        let answer = say(&wallet, &page, &[("code", offer.code.as_ref().unwrap())]).await;
        assert_eq!((answer.status, answer.header("location")), (403, ""));
        assert_eq!(answer.rule, Some("offer.other-document"));
        assert!(String::from_utf8_lossy(&answer.body).contains("another document"));
    });
}

#[test]
fn one_offer_with_two_sign_ins_is_taken_once() {
    everywhere(async |mut world| {
        let (mut wallet, offer, state) = given(&mut world).await;
        let mut codes = Vec::new();
        for _browser in 0..2 {
            let name = pushed(&push(&mut wallet, &request(state.as_ref())).await);
            let page = open(&wallet, &name).await;
            let answer = say(&wallet, &page, &[("code", offer.code.as_ref().unwrap())]).await;
            codes.push(code(&answer));
        }
        assert_eq!(token(&mut wallet, &redeem(&codes[0])).await.status, 200);
        assert_eq!(
            token(&mut wallet, &redeem(&codes[1])).await.error(),
            "invalid_grant"
        );
    });
}

#[test]
fn without_addresses_for_browsers_there_is_no_sign_in() {
    everywhere(async |mut world| {
        let offer = offer(&mut world).await;
        let mut wallet = Wallet::new(&mut world);
        assert_eq!(push(&mut wallet, &request(None)).await.status, 404);
        assert_eq!(open(&wallet, "urn:x").await.status, 404);
        let server = wallet
            .get("/.well-known/oauth-authorization-server/t/club", &[])
            .await;
        let server = ServerMetadata::decode(&server.body, ISSUER).unwrap();
        assert!(!server.has_grant("authorization_code") && server.authorization_endpoint.is_none());
        let path = format!("/t/club/offer/{}", base64url(&*offer.secret));
        let answer = wallet.get(&path, &[]).await;
        let grants = CredentialOffer::decode(&answer.body).unwrap().grants.unwrap();
        assert!(grants.authorization_code.is_none());
    });
}
