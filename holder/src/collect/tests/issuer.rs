//! An issuer in memory. What it takes and gives is written by hand as JSON and text.

use std::collections::BTreeMap;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use mdoc_core::crypto::{Backend, Curve, DigestAlgorithm, PublicKey, RustCrypto, SecretKey};
use mdoc_core::issue::{Draft, Validity as MsoValidity};
use mdoc_core::jws::Compact;
use mdoc_core::keys::public_from_jwk;
use mdoc_core::seams::{Signer as _, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_core::value::Value as Element;
use mdoc_core::x509::build::{DocumentSigner, IacaRoot, Validity};
use mdoc_core::x509::{Certificate, GeneralName};
use mdoc_openid::jose::jwe::{self, Encryption, Opening, OwnKey, Recipient};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};

use super::{Request, Response};

pub(super) const NOW: &str = "2026-06-01T12:00:00Z";

/// Where it is, if a test does not say otherwise.
pub(super) const ORIGIN: &str = "https://id.example.org";
pub(super) const DOC_TYPE: &str = "org.iso.18013.5.1.mDL";

pub(super) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn key(seed: u8) -> SoftwareKey {
    SoftwareKey::new(SecretKey::generate(Curve::P256, &mut rng(seed))).unwrap()
}

/// What a test wants the issuer to do, and what it saw.
pub(super) struct Issuer {
    origin: String,
    id: String,
    now: Timestamp,
    pub(super) by_value: bool,
    pub(super) old_places: bool,
    pub(super) dpop: bool,
    pub(super) dpop_nonce: bool,
    pub(super) stale_nonces: u32,
    pub(super) pending: u32,
    /// Whether a refresh token is good once, and another one comes for it.
    pub(super) rotates: bool,
    pub(super) sign_in: bool,
    pub(super) encrypted: bool,
    pub(super) draft: bool,
    /// The badge beside the documents, if there is one.
    pub(super) badge: Option<Value>,
    /// Answers of a test for the ends of addresses.
    pub(super) instead: BTreeMap<&'static str, (u16, Value)>,
    /// What becomes of a document before it is sent.
    pub(super) spoil: fn(usize, Vec<u8>) -> Vec<u8>,
    pub(super) doc_type: &'static str,
    pub(super) wrong_key: bool,

    pub(super) notified: Vec<String>,
    pub(super) tx_code: Option<String>,
    pub(super) nonces: u32,
    pub(super) dpop_refused: u32,
    pub(super) dpop_proofs: u32,
    pub(super) decrypted: u32,
    pub(super) pushed: BTreeMap<String, String>,
    refreshed: u32,
    bound_to: Option<PublicKey>,
    keys: Vec<PublicKey>,

    pub(super) root: Certificate,
    signer: SoftwareKey,
    certificate: Certificate,
    encryption_key: SecretKey,
}

impl Issuer {
    /// At some address, and as of some day.
    pub(super) fn at(origin: &str, now: Timestamp) -> Self {
        let (root_key, signer) = (key(200), key(201));
        let days = |count: u64| Duration::from_secs(count * 86_400);
        let contacts = vec![GeneralName::Email("a@example.org".to_owned())];
        let root = IacaRoot {
            country: "UT".to_owned(),
            state: None,
            common_name: "Utopia IACA".to_owned(),
            organization: None,
            validity: Validity {
                from: now.minus(days(100)),
                until: now.plus(days(3_000)),
            },
            contacts: contacts.clone(),
            crl_uri: "https://example.org/crl".to_owned(),
        };
        let root = root.build(&root_key, &mut rng(202)).unwrap();
        let certificate = DocumentSigner {
            common_name: "Utopia DS".to_owned(),
            organization: None,
            validity: Validity {
                from: now.minus(days(30)),
                until: now.plus(days(400)),
            },
            mdoc_purpose: false,
            contacts,
            crl_uri: "https://example.org/crl".to_owned(),
        };
        let certificate = certificate
            .build(signer.public_key(), &root, &root_key, &mut rng(203))
            .unwrap();
        Self {
            origin: origin.to_owned(),
            id: format!("{origin}/t/dmv"),
            now,
            by_value: false,
            old_places: false,
            dpop: true,
            dpop_nonce: false,
            stale_nonces: 0,
            pending: 0,
            rotates: false,
            sign_in: false,
            encrypted: false,
            draft: false,
            badge: None,
            instead: BTreeMap::new(),
            spoil: |_, document| document,
            doc_type: DOC_TYPE,
            wrong_key: false,
            notified: Vec::new(),
            tx_code: None,
            nonces: 0,
            dpop_refused: 0,
            dpop_proofs: 0,
            decrypted: 0,
            pushed: BTreeMap::new(),
            refreshed: 0,
            bound_to: None,
            keys: Vec::new(),
            root,
            signer,
            certificate,
            encryption_key: SecretKey::generate(Curve::P256, &mut rng(204)),
        }
    }

    /// As most tests have it.
    pub(super) fn new() -> Self {
        Self::at(ORIGIN, Timestamp::parse(NOW).unwrap())
    }

    /// Another authority.
    pub(super) fn new_root() -> Certificate {
        let root = IacaRoot {
            country: "UT".to_owned(),
            state: None,
            common_name: "Another IACA".to_owned(),
            organization: None,
            validity: Validity {
                from: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
                until: Timestamp::parse("2036-01-01T00:00:00Z").unwrap(),
            },
            contacts: vec![GeneralName::Email("a@example.org".to_owned())],
            crl_uri: "https://example.org/crl".to_owned(),
        };
        root.build(&key(210), &mut rng(211)).unwrap()
    }

    fn offer(&self) -> Value {
        let grants = if self.sign_in {
            json!({ "authorization_code": { "issuer_state": "state-1" } })
        } else {
            json!({ "urn:ietf:params:oauth:grant-type:pre-authorized_code":
                { "pre-authorized_code": "pre-1", "tx_code": { "length": 6 } } })
        };
        json!({ "credential_issuer": self.id, "credential_configuration_ids": ["unknown", "mdl"], "grants": grants })
    }

    pub(super) fn offer_uri(&self) -> String {
        if !self.by_value {
            let place = self.origin.replace(':', "%3A").replace('/', "%2F");
            return format!("openid-credential-offer://?credential_offer_uri={place}%2Foffer%2F1");
        }
        let quoted = |byte: u8| format!("%{byte:02X}");
        let offer: String = self.offer().to_string().bytes().map(quoted).collect();
        format!("openid-credential-offer://?credential_offer={offer}")
    }

    fn metadata(&self) -> Value {
        let id = &self.id;
        let mut metadata = json!({
            "credential_issuer": id, "credential_endpoint": format!("{id}/credential"),
            "nonce_endpoint": format!("{id}/nonce"), "deferred_credential_endpoint": format!("{id}/deferred"),
            "notification_endpoint": format!("{id}/notification"),
            "batch_credential_issuance": { "batch_size": 10 }, "of_the_future": [],
            "credential_configurations_supported": { "mdl": {
                "format": "mso_mdoc", "doctype": DOC_TYPE, "scope": "org.example.mdl",
                "credential_signing_alg_values_supported": [-7],
                "cryptographic_binding_methods_supported": ["cose_key"],
                "proof_types_supported": { "jwt": { "proof_signing_alg_values_supported": ["ES256"] } } } }
        });
        if self.draft {
            metadata.as_object_mut().unwrap().remove("nonce_endpoint");
        }
        if self.encrypted {
            let jwk: Value =
                serde_json::from_str(&mdoc_core::keys::public_to_jwk(self.encryption_key.public_key()))
                    .unwrap();
            let mut jwk = jwk;
            jwk["kid"] = "i1".into();
            jwk["alg"] = "ECDH-ES".into();
            metadata["credential_request_encryption"] = json!({ "jwks": { "keys": [jwk] },
                "enc_values_supported": ["A128GCM"], "encryption_required": true });
            metadata["credential_response_encryption"] = json!({ "alg_values_supported": ["ECDH-ES"],
                "enc_values_supported": ["A256GCM"], "encryption_required": true });
        }
        metadata
    }

    fn server(&self) -> Value {
        let id = &self.id;
        let mut server = json!({ "issuer": id, "token_endpoint": format!("{id}/token"),
            "authorization_endpoint": format!("{id}/authorize"),
            "pushed_authorization_request_endpoint": format!("{id}/par"),
            "authorization_response_iss_parameter_supported": true,
            "pre-authorized_grant_anonymous_access_supported": true });
        if self.dpop {
            server["dpop_signing_alg_values_supported"] = json!(["ES256"]);
        }
        server
    }

    pub(super) fn answer(&mut self, request: &Request) -> Response {
        let path = request.url.strip_prefix(&self.origin).unwrap().to_owned();
        for (end, (status, body)) in &self.instead {
            if path.ends_with(end) {
                return reply(*status, body);
            }
        }
        let old = self.old_places;
        match path.as_str() {
            "/offer/1" => reply(200, &self.offer()),
            "/.well-known/openid-credential-issuer/t/dmv" if !old => reply(200, &self.metadata()),
            "/t/dmv/.well-known/openid-credential-issuer" if old => reply(200, &self.metadata()),
            "/.well-known/oauth-authorization-server/t/dmv" if !old => reply(200, &self.server()),
            "/t/dmv/.well-known/openid-configuration" if old => reply(200, &self.server()),
            "/t/dmv/par" => self.par(request),
            "/t/dmv/token" => self.token(request),
            "/t/dmv/nonce" => {
                assert_eq!((request.method(), body(request).len()), ("POST", 0));
                self.nonces += 1;
                reply(200, &json!({ "c_nonce": format!("nonce-{}", self.nonces) }))
            }
            "/t/dmv/credential" => self.credential(request),
            "/t/dmv/deferred" => self.deferred(request),
            "/t/dmv/notification" => self.notification(request),
            _ => reply(404, &json!({})),
        }
    }

    fn par(&mut self, request: &Request) -> Response {
        self.pushed = form(request);
        reply(201, &json!({ "request_uri": "urn:x:1", "expires_in": 60 }))
    }

    /// Checks the proof of DPoP; the answer if it is not taken.
    fn proved(&mut self, request: &Request, token: Option<&str>) -> Option<Response> {
        if !self.dpop {
            assert!(header(request, "DPoP").is_none());
            return None;
        }
        let (head, claims, _) = jwt(header(request, "DPoP").unwrap());
        self.dpop_proofs += 1;
        assert_eq!(head["typ"], "dpop+jwt");
        assert_eq!(claims["htm"], request.method());
        assert_eq!(claims["htu"], request.url.as_str());
        assert_eq!(claims["ath"].as_str(), token.map(sha256).as_deref());
        let expected = if token.is_some() { "resource-n" } else { "server-n" };
        if self.dpop_nonce && claims["nonce"] != expected {
            self.dpop_refused += 1;
            let status = if token.is_some() { 401 } else { 400 };
            let mut refused = reply(status, &json!({ "error": "use_dpop_nonce" }));
            refused
                .headers
                .push(("dpop-nonce".to_owned(), expected.to_owned()));
            return Some(refused);
        }
        let key = public_from_jwk(&head["jwk"].to_string()).unwrap();
        match (&self.bound_to, token) {
            (Some(bound), _) => assert_eq!(*bound, key, "one key for all"),
            (None, _) => self.bound_to = Some(key),
        }
        None
    }

    fn token(&mut self, request: &Request) -> Response {
        if let Some(refused) = self.proved(request, None) {
            return refused;
        }
        let form = form(request);
        match form["grant_type"].as_str() {
            "urn:ietf:params:oauth:grant-type:pre-authorized_code" => {
                assert_eq!(form["pre-authorized_code"], "pre-1");
                assert!(
                    !form.contains_key("client_id"),
                    "anonymous, as the server allows it"
                );
                self.tx_code = form.get("tx_code").cloned();
            }
            "authorization_code" => {
                assert_eq!(
                    (form["code"].as_str(), form["client_id"].as_str()),
                    ("code-1", "mdoc-holder")
                );
                assert_eq!(form["redirect_uri"], self.pushed["redirect_uri"]);
                assert_eq!(sha256(&form["code_verifier"]), self.pushed["code_challenge"]);
            }
            "refresh_token" => {
                if form["refresh_token"] != format!("refresh-{}", self.refreshed + 1) {
                    return reply(400, &json!({ "error": "invalid_grant" }));
                }
                let kind = if self.dpop { "DPoP" } else { "Bearer" };
                let mut token = json!({ "access_token": "access-1", "token_type": kind });
                if self.rotates {
                    self.refreshed += 1;
                    token["refresh_token"] = format!("refresh-{}", self.refreshed + 1).into();
                }
                return reply(200, &token);
            }
            other => panic!("{other}"),
        }
        let kind = if self.dpop { "DPoP" } else { "Bearer" };
        let mut token = json!({ "access_token": "access-1", "token_type": kind, "expires_in": 300,
            "refresh_token": "refresh-1", "authorization_details": [{ "type": "openid_credential",
            "credential_configuration_id": "mdl", "credential_identifiers": ["mdl/8d1f"] }] });
        if self.draft {
            token.as_object_mut().unwrap().remove("authorization_details");
            token["c_nonce"] = "nonce-0".into();
        }
        reply(200, &token)
    }

    fn allowed(&mut self, request: &Request) -> Option<Response> {
        let scheme = if self.dpop { "DPoP" } else { "Bearer" };
        assert_eq!(
            header(request, "Authorization").unwrap(),
            format!("{scheme} access-1")
        );
        self.proved(request, Some("access-1"))
    }

    fn opened(&mut self, request: &Request) -> Value {
        let media_type = request.post.as_ref().unwrap().0;
        if !self.encrypted {
            assert_eq!(media_type, "application/json");
            return serde_json::from_slice(body(request)).unwrap();
        }
        assert_eq!(media_type, "application/jwt");
        self.decrypted += 1;
        let keys = [OwnKey {
            kid: Some("i1"),
            secret: &self.encryption_key,
        }];
        let opening = Opening {
            keys: &keys,
            encryptions: &[Encryption::A128Gcm],
            compressed: false,
        };
        let text = std::str::from_utf8(body(request)).unwrap();
        let opened = jwe::decrypt(text, &opening, &RustCrypto).unwrap();
        serde_json::from_slice(&opened.plaintext).unwrap()
    }

    fn credential(&mut self, request: &Request) -> Response {
        if let Some(refused) = self.allowed(request) {
            return refused;
        }
        let asked = self.opened(request);
        if self.draft {
            assert_eq!(
                (&asked["format"], &asked["doctype"]),
                (&json!("mso_mdoc"), &json!(DOC_TYPE))
            );
            assert_eq!(asked["proof"]["proof_type"], "jwt");
            assert!(asked.get("credential_configuration_id").is_none() && asked.get("proofs").is_none());
        } else {
            assert_eq!(asked["credential_identifier"], "mdl/8d1f");
            assert!(asked.get("credential_configuration_id").is_none());
        }
        let nonce = format!("nonce-{}", self.nonces);
        let one = json!([asked["proof"]["jwt"]]);
        let proofs = if self.draft { &one } else { &asked["proofs"]["jwt"] };
        let proofs = proofs.as_array().unwrap();
        self.keys.clear();
        for proof in proofs {
            let (head, claims, good) = jwt(proof.as_str().unwrap());
            assert!(good, "the signature of a proof");
            assert_eq!(
                (&head["typ"], &claims["aud"]),
                (&json!("openid4vci-proof+jwt"), &json!(self.id))
            );
            assert_eq!(
                claims.get("iss").is_some(),
                self.sign_in,
                "iss only if there is a client"
            );
            assert_eq!(claims["nonce"], nonce.as_str());
            self.keys.push(public_from_jwk(&head["jwk"].to_string()).unwrap());
        }
        if self.stale_nonces > 0 {
            self.stale_nonces -= 1;
            return reply(400, &json!({ "error": "invalid_nonce" }));
        }
        if self.pending > 0 {
            return reply(202, &json!({ "transaction_id": "tx-1", "interval": 30 }));
        }
        self.documents(&asked)
    }

    fn deferred(&mut self, request: &Request) -> Response {
        if let Some(refused) = self.allowed(request) {
            return refused;
        }
        let asked = self.opened(request);
        assert_eq!(asked["transaction_id"], "tx-1");
        self.pending -= 1;
        if self.pending > 0 {
            return reply(202, &json!({ "transaction_id": "tx-1", "interval": 30 }));
        }
        self.documents(&asked)
    }

    fn documents(&self, asked: &Value) -> Response {
        let day = Duration::from_secs(86_400);
        let midnight = self.now.date().midnight();
        let validity = MsoValidity {
            signed: midnight,
            // Tomorrow: not yet when it is received.
            valid_from: midnight.plus(day),
            valid_until: midnight.plus(day * 90),
            expected_update: None,
        };
        let family = ("family_name".to_owned(), Element::from("Doe"));
        let age = ("age_over_18".to_owned(), Element::from(true));
        let elements = vec![("org.iso.18013.5.1".to_owned(), vec![family, age])];
        let other = key(222);
        let mut texts = Vec::new();
        for (at, device) in self.keys.iter().enumerate() {
            let device = if self.wrong_key {
                other.public_key()
            } else {
                device
            };
            let draft = Draft::new(self.doc_type, &elements, device, validity);
            let seed = u8::try_from(at).unwrap();
            let document = draft.salt(&mut rng(seed + 50), &RustCrypto).unwrap();
            let document = document.sign(&self.signer, &[self.certificate.der()]).unwrap();
            texts.push(Base64UrlUnpadded::encode_string(&(self.spoil)(at, document)));
        }
        if self.draft {
            return reply(200, &json!({ "credential": texts[0], "c_nonce": "next" }));
        }
        let texts: Vec<Value> = texts.iter().map(|text| json!({ "credential": text })).collect();
        let mut answer = json!({ "credentials": texts, "notification_id": "n-1" });
        if let Some(badge) = &self.badge {
            answer["urn:mdoc-issuer:badge:1"] = badge.clone();
        }
        if !self.encrypted {
            return reply(200, &answer);
        }
        let terms = &asked["credential_response_encryption"];
        assert_eq!(
            (&terms["enc"], &terms["jwk"]["alg"]),
            (&json!("A256GCM"), &json!("ECDH-ES"))
        );
        let recipient = Recipient {
            key: public_from_jwk(&terms["jwk"].to_string()).unwrap(),
            kid: Some(terms["jwk"]["kid"].as_str().unwrap().to_owned()),
            encryption: Encryption::A256Gcm,
            compress: false,
        };
        let sealed = jwe::encrypt(
            answer.to_string().as_bytes(),
            &recipient,
            &mut rng(60),
            &RustCrypto,
        )
        .unwrap();
        Response {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/jwt".to_owned())],
            body: sealed.into_bytes(),
        }
    }

    fn notification(&mut self, request: &Request) -> Response {
        if let Some(refused) = self.allowed(request) {
            return refused;
        }
        let said: Value = serde_json::from_slice(body(request)).unwrap();
        assert_eq!(said["notification_id"], "n-1");
        self.notified.push(said["event"].as_str().unwrap().to_owned());
        Response {
            status: 204,
            ..Response::default()
        }
    }
}

fn reply(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

fn body(request: &Request) -> &[u8] {
    &request.post.as_ref().unwrap().1
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut found = request.headers.iter().filter(|(known, _)| *known == name);
    found.next().map(|(_, value)| value.as_str())
}

fn form(request: &Request) -> BTreeMap<String, String> {
    let text = std::str::from_utf8(body(request)).unwrap();
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn sha256(text: &str) -> String {
    let digest = RustCrypto.digest(DigestAlgorithm::Sha256, &[text.as_bytes()]);
    Base64UrlUnpadded::encode_string(digest.as_ref())
}

/// Header, claims, and whether the key of the header signed it.
fn jwt(token: &str) -> (Value, Value, bool) {
    let compact = Compact::split(token).unwrap();
    let head: Value = serde_json::from_slice(&compact.header).unwrap();
    let claims = serde_json::from_slice(&compact.payload).unwrap();
    let key = public_from_jwk(&head["jwk"].to_string()).unwrap();
    assert_eq!(head["alg"], "ES256");
    let good = compact.verify("ES256", &key, &RustCrypto).is_ok();
    (head, claims, good)
}
