//! Against an issuer in memory, which is written from the specification and shares no type of the protocol with us.

mod badges;
mod issuer;
mod wrong;

use mdoc_core::crypto::{Curve, RustCrypto, SecretKey};
use mdoc_core::time::Timestamp;
use mdoc_core::x509::path::TrustAnchor;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use self::issuer::{Issuer, NOW, rng};
use super::*;

/// The wallet's side: runs operations against the issuer.
struct World {
    issuer: Issuer,
    rng: ChaCha20Rng,
}

impl World {
    fn new() -> Self {
        Self {
            issuer: Issuer::new(),
            rng: ChaCha20Rng::from_seed([77; 32]),
        }
    }

    fn around(&mut self) -> Around<'_> {
        Around {
            now: Timestamp::parse(NOW).unwrap(),
            rng: &mut self.rng,
            backend: &RustCrypto,
        }
    }

    fn run<O: Operation>(&mut self, mut operation: O) -> Result<O::Done, CollectError> {
        for _ in 0..20 {
            let request = operation.request(&mut self.around())?;
            let response = self.issuer.answer(&request);
            match operation.receive(&response, &mut self.around())? {
                Progress::Again(next) => operation = next,
                Progress::Done(done) => return Ok(done),
            }
        }
        panic!("it asks for ever");
    }

    fn plan(&mut self) -> Result<Plan, CollectError> {
        let fetch = match start(&self.issuer.offer_uri())? {
            Start::Fetch(fetch) => self.run(fetch)?,
            Start::Have(fetch) => *fetch,
        };
        let described = self.run(fetch)?;
        self.run(described.server()?)
    }

    fn session(&mut self) -> Result<Session, CollectError> {
        let plan = self.plan()?;
        let code = plan.tx_code().is_some().then(|| "49 35 36".into());
        let get = plan.redeem(code.as_ref(), "mdoc-holder", &mut self.around())?;
        self.run(get)
    }

    fn given(&mut self, keys: u8) -> Result<Given, CollectError> {
        let session = self.session()?;
        let keys = (0..keys).map(|seed| SecretKey::generate(Curve::P256, &mut rng(seed)));
        let get = session.documents(keys.collect())?;
        self.run(get)
    }

    fn collected(&mut self, keys: u8) -> Result<Collected, CollectError> {
        match self.given(keys)? {
            Given::Now(collected) => Ok(collected),
            Given::Later(_) => panic!("later"),
        }
    }

    fn judged(&mut self, collected: Collected) -> Outcome {
        let anchors = [TrustAnchor::new(self.issuer.root.clone())];
        let judge = Judge {
            anchors: &anchors,
            now: Timestamp::parse(NOW).unwrap(),
        };
        collected.judge(&judge)
    }

    fn received(&mut self, keys: u8) -> Received {
        let collected = self.collected(keys).unwrap();
        match self.judged(collected) {
            Outcome::Received(received) => received,
            Outcome::Unusable(unusable) => panic!("{}", unusable.fault()),
        }
    }
}

#[test]
fn a_batch_is_collected_and_accepted() {
    let mut world = World::new();
    let received = world.received(3);
    assert_eq!(received.copies().len(), 3);
    for (at, copy) in received.copies().iter().enumerate() {
        let seed = u8::try_from(at).unwrap();
        let key = SecretKey::generate(Curve::P256, &mut rng(seed));
        assert_eq!(copy.key.public_key(), key.public_key(), "each with its key");
    }
    assert!(world.issuer.notified.is_empty(), "not before it is kept");
    world.run(received.kept().unwrap()).unwrap();
    assert_eq!(world.issuer.notified, ["credential_accepted"]);
    assert_eq!(
        world.issuer.tx_code.as_deref(),
        Some("493536"),
        "without the blanks"
    );
}

#[test]
fn an_offer_by_value_and_metadata_in_the_old_place_do_as_well() {
    let mut world = World::new();
    world.issuer.by_value = true;
    world.issuer.old_places = true;
    assert_eq!(world.received(1).copies().len(), 1);
}

#[test]
fn nonces_that_servers_insist_on_are_sent() {
    let mut world = World::new();
    world.issuer.dpop_nonce = true;
    assert_eq!(world.received(2).copies().len(), 2);
    assert_eq!(world.issuer.dpop_refused, 2, "at the token and at the resource");
}

#[test]
fn a_stale_nonce_is_replaced() {
    let mut world = World::new();
    world.issuer.stale_nonces = 1;
    assert_eq!(world.received(1).copies().len(), 1);
    assert_eq!(world.issuer.nonces, 2);
    let mut world = World::new();
    world.issuer.stale_nonces = 99;
    let error = world.collected(1).unwrap_err();
    assert!(
        matches!(&error, CollectError::Refused { answer: Some(answer), .. } if answer.error == "invalid_nonce"),
        "{error}"
    );
}

#[test]
fn a_server_without_dpop_gives_a_bearer_token() {
    let mut world = World::new();
    world.issuer.dpop = false;
    assert_eq!(world.received(1).copies().len(), 1);
    assert_eq!(world.issuer.dpop_proofs, 0);
}

#[test]
fn documents_that_come_later_are_asked_for_until_they_are_there() {
    let mut world = World::new();
    world.issuer.pending = 2;
    let Given::Later(mut pending) = world.given(2).unwrap() else {
        panic!("now");
    };
    assert_eq!(pending.interval(), 30);
    let (session, transaction) = pending.to_keep();
    // As a program does that has ended in between.
    let kept = serde_json::to_string(session).unwrap();
    let keys = (0..2).map(|seed| SecretKey::generate(Curve::P256, &mut rng(seed)));
    pending = Pending::new(
        serde_json::from_str(&kept).unwrap(),
        keys.collect(),
        transaction.to_owned(),
    );
    for later in [true, false] {
        match (world.run(pending.ask().unwrap()).unwrap(), later) {
            (Given::Later(again), true) => pending = again,
            (Given::Now(collected), false) => {
                let Outcome::Received(received) = world.judged(collected) else {
                    panic!("unusable");
                };
                assert_eq!(received.copies().len(), 2);
                return;
            }
            _ => panic!("not as it was to be"),
        }
    }
}

#[test]
fn a_token_is_refreshed_for_more_documents() {
    let mut world = World::new();
    let received = world.received(1);
    let session = received.session().clone();
    assert!(session.can_refresh());
    let session = world.run(session.refresh().unwrap()).unwrap();
    assert!(session.can_refresh(), "the one that was not said again is kept");
    let key = SecretKey::generate(Curve::P256, &mut rng(9));
    let given = world.run(session.documents(vec![key]).unwrap()).unwrap();
    assert!(matches!(given, Given::Now(_)));
}

#[test]
fn a_person_signs_in() {
    let mut world = World::new();
    world.issuer.sign_in = true;
    let plan = world.plan().unwrap();
    assert!(!plan.is_pre_authorized());
    let authorize = plan
        .authorize("mdoc-holder", "http://127.0.0.1/cb", &mut world.around())
        .unwrap();
    let Authorize::Push(push) = authorize else {
        panic!("no push")
    };
    let waiting = world.run(push).unwrap();
    assert_eq!(
        waiting.url(),
        "https://id.example.org/t/dmv/authorize?client_id=mdoc-holder&request_uri=urn%3Ax%3A1"
    );
    let pushed = world.issuer.pushed.clone();
    assert_eq!(pushed["issuer_state"], "state-1");
    assert_eq!(pushed["scope"], "org.example.mdl");
    assert_eq!(pushed["code_challenge_method"], "S256");
    let back = format!(
        "http://127.0.0.1/cb?code=code-1&state={}&iss=https%3A%2F%2Fid.example.org%2Ft%2Fdmv",
        pushed["state"]
    );
    let session = world.run(waiting.back(&back).unwrap()).unwrap();
    let key = SecretKey::generate(Curve::P256, &mut rng(1));
    let given = world.run(session.documents(vec![key]).unwrap()).unwrap();
    assert!(matches!(given, Given::Now(_)));
}

#[test]
fn what_the_browser_brings_back_may_be_no() {
    let waiting = |world: &mut World| {
        world.issuer.sign_in = true;
        let plan = world.plan().unwrap();
        let authorize = plan
            .authorize("w", "http://127.0.0.1/cb", &mut world.around())
            .unwrap();
        let Authorize::Push(push) = authorize else {
            panic!("no push")
        };
        let waiting = world.run(push).unwrap();
        (waiting, world.issuer.pushed["state"].clone())
    };
    let mut world = World::new();
    let iss = "&iss=https%3A%2F%2Fid.example.org%2Ft%2Fdmv";
    let (first, state) = waiting(&mut world);
    let denied = first
        .back(&format!("x?error=access_denied&state={state}{iss}"))
        .unwrap_err();
    assert_eq!(denied, CollectError::Denied("access_denied".to_owned()));
    let (second, _) = waiting(&mut world);
    let other = second.back(&format!("x?code=a&state=other{iss}")).unwrap_err();
    assert!(matches!(other, CollectError::Callback(CallbackError::State)));
    let (third, state) = waiting(&mut world);
    let mixed = third
        .back(&format!("x?code=a&state={state}&iss=https%3A%2F%2Fevil.example"))
        .unwrap_err();
    assert!(matches!(mixed, CollectError::Callback(CallbackError::Issuer)));
}

#[test]
fn requests_and_answers_are_encrypted_where_the_issuer_insists() {
    let mut world = World::new();
    world.issuer.encrypted = true;
    assert_eq!(world.received(2).copies().len(), 2);
    assert_eq!(world.issuer.decrypted, 1);
}

#[test]
fn an_issuer_of_draft_14_is_understood() {
    let mut world = World::new();
    world.issuer.draft = true;
    assert_eq!(world.received(1).copies().len(), 1);
    assert_eq!(world.issuer.nonces, 0, "the nonce came with the token");
}
