//! A country with a signer of lists, and lists that are good but for one thing.

mod answers;
mod forms;
mod signers;
mod times;

use ciborium::Value;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::cose::{protected_header, to_be_signed};
use crate::crypto::{Curve, SecretKey};
use crate::seams::{Signer, SoftwareKey};
use crate::x509::GeneralName;
use crate::x509::build::{IacaRoot, StatusListSigner, Validity};

const URI: &str = "https://status.utopia.example/lists/1";
const HOUR: u64 = 3600;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn now() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

fn years(from: u16, until: u16) -> Validity {
    Validity {
        from: at(&format!("{from}-01-01T00:00:00Z")),
        until: at(&format!("{until}-01-01T00:00:00Z")),
    }
}

fn key(curve: Curve, seed: u8) -> SoftwareKey {
    SoftwareKey::new(SecretKey::generate(
        curve,
        &mut ChaCha20Rng::from_seed([seed; 32]),
    ))
    .unwrap()
}

struct Country {
    rng: ChaCha20Rng,
    iaca_key: SoftwareKey,
    iaca: Certificate,
    key: SoftwareKey,
    signer: Certificate,
}

fn iaca(name: &str, key: &SoftwareKey, rng: &mut ChaCha20Rng) -> Certificate {
    let root = IacaRoot {
        country: "UT".into(),
        state: None,
        common_name: name.into(),
        organization: None,
        validity: years(2025, 2045),
        contacts: vec![GeneralName::Uri("https://utopia.example/".into())],
        crl_uri: "https://utopia.example/crl".into(),
    };
    root.build(key, rng).unwrap()
}

fn country_on(curve: Curve) -> Country {
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let (iaca_key, key) = (key(Curve::P256, 1), key(curve, 2));
    let iaca = iaca("Utopia IACA", &iaca_key, &mut rng);
    let signer = terms()
        .build(key.public_key(), &iaca, &iaca_key, &mut rng)
        .unwrap();
    Country {
        rng,
        iaca_key,
        iaca,
        key,
        signer,
    }
}

fn country() -> Country {
    country_on(Curve::P256)
}

fn terms() -> StatusListSigner {
    StatusListSigner {
        country: Some("UT".into()),
        common_name: "Utopia status".into(),
        organization: None,
        validity: years(2026, 2029),
        crl_uri: None,
    }
}

/// Entries 0 to 3 of a list of two bits each have the values 0 to 3.
fn list() -> StatusList {
    let mut list = StatusList::new(Bits::Two, 1000).unwrap();
    for value in 0..4 {
        list.set(value.into(), value).unwrap();
    }
    list
}

fn claims() -> Claims {
    Claims {
        subject: URI.into(),
        issued_at: now().minus(Duration::from_secs(HOUR)),
        not_before: None,
        expires: Some(now().plus(Duration::from_secs(24 * HOUR))),
        ttl: Some(2 * HOUR),
        content: Content::StatusList(list().deflate()),
    }
}

/// Those with the identifiers `01` and `02` were revoked.
fn identifiers() -> Claims {
    let identifiers = [vec![1], vec![2]].into_iter().collect();
    Claims {
        content: Content::IdentifierList(IdentifierList {
            identifiers,
            aggregation_uri: None,
        }),
        ..claims()
    }
}

fn place(index: u64) -> StatusListReference {
    StatusListReference {
        index,
        uri: URI.into(),
        certificate: None,
    }
}

fn identifier(id: &[u8]) -> IdentifierListReference {
    IdentifierListReference {
        id: id.to_vec(),
        uri: URI.into(),
        certificate: None,
    }
}

impl Country {
    fn cwt(&self, claims: &Claims) -> Vec<u8> {
        claims.sign_cwt(&self.key, &[self.signer.der()]).unwrap()
    }

    fn jwt(&self, claims: &Claims) -> Vec<u8> {
        let jwt = claims.sign_jwt(&self.key, &[self.signer.der()]).unwrap();
        jwt.into_bytes()
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs::new(Trust::Issuer(&self.iaca), now())
    }

    /// What a list says of its entry 0, which is valid if nothing is wrong.
    fn judge(&self, token: &[u8]) -> Finding {
        look(token, &self.inputs())
    }
}

fn fetched(token: &[u8]) -> Evidence<'_> {
    Evidence {
        uri: URI,
        token,
        fetched: now(),
    }
}

fn look(token: &[u8], inputs: &Inputs<'_>) -> Finding {
    look_up(Reference::StatusList(&place(0)), &fetched(token), inputs)
}

fn why(finding: &Finding) -> Option<Code> {
    match &finding.answer {
        Answer::Unknown(reason) => {
            assert_eq!(finding.freshness, None, "of nothing known, nothing holds");
            Some(reason.code())
        }
        _ => None,
    }
}

#[track_caller]
fn unknown(finding: &Finding, code: Code) {
    assert_eq!(why(finding), Some(code), "{finding:?}");
}

fn deviations(finding: &Finding) -> Vec<Code> {
    finding.deviations.iter().map(Reason::code).collect()
}

/// A CWT whose parts can be anything; made apart from the code that makes good ones.
struct Forgery<'c> {
    country: &'c Country,
    protected: Vec<(Value, Value)>,
    unprotected: Vec<(Value, Value)>,
    claims: Vec<(Value, Value)>,
    tags: Vec<u64>,
}

impl<'c> Forgery<'c> {
    fn of(country: &'c Country) -> Self {
        let list = Value::Map(vec![
            ("bits".into(), 2.into()),
            ("lst".into(), list().deflate().lst.into()),
        ]);
        Self {
            country,
            protected: vec![
                (1.into(), (-7).into()),
                (16.into(), "application/statuslist+cwt".into()),
                (33.into(), country.signer.der().to_vec().into()),
            ],
            unprotected: vec![],
            claims: vec![
                (2.into(), URI.into()),
                (4.into(), (now().unix() + 86_400).into()),
                (6.into(), (now().unix() - 3600).into()),
                (65534.into(), 7200.into()),
                (65533.into(), list),
            ],
            tags: vec![18],
        }
    }

    /// With this instead of the protected header of that label, or besides.
    fn header(mut self, label: i64, value: impl Into<Value>) -> Self {
        self = self.without_header(label);
        self.protected.push((label.into(), value.into()));
        self
    }

    fn without_header(mut self, label: i64) -> Self {
        self.protected.retain(|(key, _)| *key != label.into());
        self
    }

    fn claim(mut self, label: i64, value: impl Into<Value>) -> Self {
        self = self.without_claim(label);
        self.claims.push((label.into(), value.into()));
        self
    }

    fn without_claim(mut self, label: i64) -> Self {
        self.claims.retain(|(key, _)| *key != label.into());
        self
    }

    fn tags(mut self, tags: &[u64]) -> Self {
        self.tags = tags.to_vec();
        self
    }

    fn encode(&self) -> Vec<u8> {
        let (protected, payload) = (cbor(&Value::Map(self.protected.clone())), self.payload());
        let signature = self
            .country
            .key
            .sign(&to_be_signed(&protected, &payload))
            .unwrap();
        let mut item = Value::Array(vec![
            protected.into(),
            Value::Map(self.unprotected.clone()),
            payload.into(),
            signature.into(),
        ]);
        for tag in self.tags.iter().rev() {
            item = Value::Tag(*tag, Box::new(item));
        }
        cbor(&item)
    }

    fn payload(&self) -> Vec<u8> {
        cbor(&Value::Map(self.claims.clone()))
    }

    fn judge(&self) -> Finding {
        self.country.judge(&self.encode())
    }
}

fn cbor(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

#[test]
fn what_is_forged_is_good_until_something_is_changed() {
    let country = country();
    let finding = Forgery::of(&country).judge();
    assert_eq!((finding.answer, finding.deviations), (Answer::Valid, vec![]));
    assert_eq!(
        protected_header(country.key.algorithm()),
        cbor(&Value::Map(vec![(1.into(), (-7).into())]))
    );
}
