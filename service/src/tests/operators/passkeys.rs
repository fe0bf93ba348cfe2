//! Passkeys, by an authenticator in software that does what W3C Web Authentication, Level 3, asks of one.

use mdoc_core::crypto::{Backend as _, Curve, DigestAlgorithm, RustCrypto, SecretKey};
use mdoc_openid::jose::{base64url, from_base64url};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::browser::Page;
use super::*;

/// An authenticator with one credential.
struct Device {
    key: SecretKey,
    id: Vec<u8>,
    count: u32,
    /// What it says of the user: present and verified (6.1).
    flags: u8,
    origin: &'static str,
}

const PRESENT_AND_VERIFIED: u8 = 0x05;
const PRESENT: u8 = 0x01;

impl Device {
    fn new(world: &mut World) -> Self {
        Self {
            key: SecretKey::generate(Curve::P256, &mut world.rng()),
            id: b"credential-1 of sixteen bytes".to_vec(),
            count: 0,
            flags: PRESENT_AND_VERIFIED,
            origin: "https://id.example.org",
        }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        })
        .to_string()
        .into_bytes()
    }

    fn data(&mut self, flags: u8) -> Vec<u8> {
        self.count += 1;
        let mut data = Sha256::digest(b"id.example.org").to_vec();
        data.push(self.flags | flags);
        data.extend(self.count.to_be_bytes());
        data
    }

    /// 6.5.1 and 7.1: a new credential, with attestation `none`.
    fn make(&mut self, options: &Value) -> String {
        let client_data = self.client_data("webauthn.create", options);
        let mut data = self.data(0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        let key = self.key.public_key();
        let (x, Some(y)) = key.coordinates() else {
            panic!("a point has two");
        };
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(x);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(y);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        self.answer(&json!({
            "clientDataJSON": base64url(&client_data),
            "attestationObject": base64url(&object),
            "transports": ["internal"],
        }))
    }

    /// 6.3.3 and 7.2.
    fn get(&mut self, options: &Value) -> String {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(0);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client_data));
        let key = RustCrypto.signing_key(&self.key).unwrap();
        let signature = key.sign(DigestAlgorithm::Sha256, &signed).unwrap();
        self.answer(&json!({
            "clientDataJSON": base64url(&client_data),
            "authenticatorData": base64url(&data),
            "signature": base64url(&der(&signature)),
        }))
    }

    fn answer(&self, response: &Value) -> String {
        json!({
            "id": base64url(&self.id),
            "rawId": base64url(&self.id),
            "type": "public-key",
            "extensions": {},
            "response": response,
        })
        .to_string()
    }
}

/// `Ecdsa-Sig-Value` of r and s.
fn der(raw: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap();
        let mut number = bytes[start..].to_vec();
        if number[0] & 0x80 != 0 {
            number.insert(0, 0);
        }
        let mut out = vec![0x02, u8::try_from(number.len()).unwrap()];
        out.extend(number);
        out
    };
    let (r, s) = raw.split_at(raw.len() / 2);
    let inside = [integer(r), integer(s)].concat();
    let mut out = vec![0x30, u8::try_from(inside.len()).unwrap()];
    out.extend(inside);
    out
}

/// What a page has a script ask.
fn options(page: &Page) -> Value {
    let text = page.body.split("data-options=\"").nth(1).unwrap();
    let text = text.split('"').next().unwrap();
    let text = text
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    serde_json::from_str(&text).unwrap()
}

fn token(page: &Page) -> String {
    let text = page.body.split("name=\"token\" value=\"").nth(1).unwrap();
    text.split('"').next().unwrap().to_owned()
}

/// Adds the passkey of an authenticator to the account of whoever is signed in.
async fn add(browser: &mut Browser, authenticator: &mut Device) -> u16 {
    let page = browser.post("/operator/passkey", &[("current", PASSWORD)]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let answer = authenticator.make(&options(&page));
    let form = [
        ("token", token(&page)),
        ("answer", answer),
        ("name", "laptop".to_owned()),
    ];
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = browser.post("/operator/passkey/made", &form).await;
    // The same again is nothing.
    assert_eq!(browser.post("/operator/passkey/made", &form).await.status, 422);
    page.status
}

#[test]
fn a_passkey_is_added_signs_in_and_is_removed() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        let mut authenticator = Device::new(&mut world);
        assert_eq!(
            browser
                .post("/operator/passkey", &[("current", "x")])
                .await
                .status,
            422
        );
        assert_eq!(add(&mut browser, &mut authenticator).await, 303);
        let page = browser.get("/operator").await;
        assert!(page.body.contains("<strong>laptop</strong>"), "{}", page.body);

        let mut again = Browser::new(&world);
        again.password("clerk", PASSWORD).await;
        let page = again.get("/operator/second").await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("script-src 'sha256-") && !policy.contains("unsafe"),
            "{policy}"
        );
        let asked = options(&page);
        assert_eq!(asked["userVerification"], "required");
        assert_eq!(
            from_base64url(asked["allowCredentials"][0]["id"].as_str().unwrap()).unwrap(),
            authenticator.id
        );
        let answer = authenticator.get(&asked);
        let page = again
            .post("/operator/second/passkey", &[("answer", &answer)])
            .await;
        assert_eq!(
            (page.status, page.location()),
            (303, "/operator"),
            "{}",
            page.body
        );
        assert_eq!(again.people().await, 200);
        let entry = world.audited().await.pop().unwrap();
        assert_eq!(entry["after"]["method"], "password+passkey");
        // An answer is good once.
        let mut replayed = Browser::new(&world);
        replayed.password("clerk", PASSWORD).await;
        let page = replayed
            .post("/operator/second/passkey", &[("answer", &answer)])
            .await;
        assert_eq!(page.status, 403);

        let id = base64url(&authenticator.id);
        let form = [("current", PASSWORD), ("id", &id)];
        assert_eq!(browser.post("/operator/passkey/remove", &form).await.status, 303);
        assert_eq!(browser.post("/operator/passkey/remove", &form).await.status, 422);
        let mut none = Browser::new(&world);
        none.password("clerk", PASSWORD).await;
        assert!(!none.get("/operator/second").await.body.contains("passkey"));
    });
}

#[test]
fn what_is_no_answer_of_the_passkey_is_refused_and_counted() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        let mut authenticator = Device::new(&mut world);
        assert_eq!(add(&mut browser, &mut authenticator).await, 303);
        let mut other = Device::new(&mut world);
        other.id.clone_from(&authenticator.id);

        let mut again = Browser::new(&world);
        again.password("clerk", PASSWORD).await;
        let asked = options(&again.get("/operator/second").await);
        let mut stale = asked.clone();
        stale["challenge"] = base64url(&[7; 32]).into();
        let elsewhere = |authenticator: &mut Device| {
            authenticator.origin = "https://evil.example";
            let answer = authenticator.get(&asked);
            authenticator.origin = "https://id.example.org";
            answer
        };
        let unverified = |authenticator: &mut Device| {
            authenticator.flags = PRESENT;
            let answer = authenticator.get(&asked);
            authenticator.flags = PRESENT_AND_VERIFIED;
            answer
        };
        let wrong = [
            ("of another key", other.get(&asked)),
            ("for another challenge", authenticator.get(&stale)),
            ("on another site", elsewhere(&mut authenticator)),
            ("of an unverified user", unverified(&mut authenticator)),
        ];
        for (what, answer) in &wrong {
            let page = again
                .post("/operator/second/passkey", &[("answer", answer)])
                .await;
            assert_eq!(page.status, 403, "{what}");
        }
        assert_eq!(again.people().await, 401);
        let right = authenticator.get(&asked);
        let page = again
            .post("/operator/second/passkey", &[("answer", &right)])
            .await;
        assert_eq!(page.status, 303, "{}", page.body);
        let mut again = Browser::new(&world);
        again.password("clerk", PASSWORD).await;
        for _ in 0..5 {
            let page = again.post("/operator/second/passkey", &[("answer", "{}")]).await;
            assert_eq!(page.status, 403);
        }
        // Closed, as after codes that were wrong.
        assert_eq!(again.password("clerk", PASSWORD).await.status, 403);
    });
}

/// One answer, sent several times at once, and one of before the last use.
#[test]
fn an_answer_of_a_passkey_is_good_once() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let mut browser = signed_in(&world, &account).await;
        let mut device = Device::new(&mut world);
        assert_eq!(add(&mut browser, &mut device).await, 303);
        let mut first = Browser::new(&world);
        first.password("clerk", PASSWORD).await;
        let mut late = Browser::new(&world);
        late.password("clerk", PASSWORD).await;
        let early = device.get(&options(&late.get("/operator/second").await));
        let answer = device.get(&options(&first.get("/operator/second").await));
        let all: Vec<_> = (0..4)
            .map(|_| {
                let (mut browser, answer) = (Browser::new(&world), answer.clone());
                browser.cookies.clone_from(&first.cookies);
                tokio::spawn(async move {
                    browser
                        .post("/operator/second/passkey", &[("answer", &answer)])
                        .await
                        .status
                })
            })
            .collect();
        let mut statuses = Vec::new();
        for one in all {
            statuses.push(one.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 403, 403, 403]);
        // What the device counted before is of a copy of it.
        let page = late.post("/operator/second/passkey", &[("answer", &early)]).await;
        assert_eq!(page.status, 403);
    });
}

#[test]
fn a_passkey_is_made_by_whoever_asked_and_in_time() {
    everywhere(async |mut world| {
        let clerk = world.clerk.clone();
        let account = account(&mut world, &clerk, "clerk").await;
        let chief = world.chief.clone();
        let other = super::account(&mut world, &chief, "chief").await;
        let mut chiefs = signed_in(&world, &other).await;
        let mut browser = signed_in(&world, &account).await;
        let mut authenticator = Device::new(&mut world);
        let page = browser.post("/operator/passkey", &[("current", PASSWORD)]).await;
        let answer = authenticator.make(&options(&page));
        let token = token(&page);
        let form = [("token", token.as_str()), ("answer", &answer), ("name", "stolen")];
        assert_eq!(chiefs.post("/operator/passkey/made", &form).await.status, 422);
        world.later(300);
        let mut browser = browser.moved(&world);
        assert_eq!(browser.post("/operator/passkey/made", &form).await.status, 422);
        let kept = world
            .run(|tx| Ok(tx.value::<i64>("SELECT COUNT(*) FROM operator_passkey", &[])?))
            .await;
        assert_eq!(kept, Some(0));
    });
}
