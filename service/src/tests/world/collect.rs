//! Ada's wallet, as far as the rules see it: codes, keys, and what comes of them.

use std::sync::Arc;

use mdoc_core::crypto::{Curve, PublicKey, RustCrypto, SecretKey};
use mdoc_core::seams::{Signer, SoftwareKey};
use mdoc_core::time::Timestamp;
use mdoc_issuer::format::sample::sample;
use mdoc_issuer::pki::{self, Authority};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::{NOON, World, operator};
use crate::domain::id::{PersonId, Serial};
use crate::making::{Copy, Signers, Workshop, make};
use crate::secrets::{Purpose, random};
use crate::service::Identity;
use crate::status;
use crate::usecase::Failure;
use crate::usecase::authority::Actor;
use crate::usecase::collect::{self, Begun, Holder, Offered, Once, Presented};
use crate::usecase::issue::{self, Delivery, Next, Order};
use crate::usecase::request::{self, Offer};

impl World {
    pub(crate) async fn offered(&self, secret: &[u8; 32]) -> Result<Offered, Failure> {
        let (secret, terms, now) = (*secret, self.terms.clone(), self.now);
        self.store
            .read(move |tx| collect::offered(tx, now, (&secret, &terms)))
            .await
    }

    /// What the wallet that has the offer begins with; the outer refusal is one of which nothing was noted.
    pub(crate) async fn redeem(
        &mut self,
        offer: &Offer,
        code: Option<&str>,
        holder: &Holder,
    ) -> Result<Begun, Failure> {
        let pre_authorized = {
            let id = self
                .terms
                .secrets
                .digest(Purpose::PreAuthorized, &[b"of", &*offer.secret]);
            id.to_vec()
        };
        self.redeem_by(pre_authorized, code, holder).await
    }

    pub(crate) async fn redeem_by(
        &mut self,
        pre: Vec<u8>,
        code: Option<&str>,
        holder: &Holder,
    ) -> Result<Begun, Failure> {
        let (terms, now, mut rng) = (self.terms.clone(), self.now, self.rng());
        let (code, holder) = (code.map(str::to_owned), holder.clone());
        let noted = self
            .store
            .write(move |tx| {
                let presented = Presented::PreAuthorized(&pre);
                let asked = (presented, code.as_deref(), &holder, &terms);
                let wallet = Actor::outsider("198.51.100.7".to_owned());
                collect::redeem(tx, &wallet, now, asked, &mut rng)
            })
            .await?;
        noted.map_err(Failure::from)
    }

    /// Signs and records copies for an access token.
    pub(crate) async fn issue(
        &mut self,
        begun: &Begun,
        copies: usize,
        nonce: &[u8],
    ) -> Result<Vec<Copy>, Failure> {
        let order = self.gathered(begun, copies).await?;
        self.recorded(begun, (&order, copies), nonce).await
    }

    /// What is to be signed for an access token.
    pub(crate) async fn gathered(&mut self, begun: &Begun, copies: usize) -> Result<Order, Failure> {
        let (serial, terms, now) = (begun.serial.clone(), self.terms.clone(), self.now);
        let next = loop {
            let (serial, terms_, mut rng) = (serial.clone(), terms.clone(), self.rng());
            let next = self
                .store
                .read(move |tx| issue::gather(tx, now, (&serial, copies, &terms_), &mut rng))
                .await?;
            let Next::NoList(shape) = next else { break next };
            let terms = terms.clone();
            self.run(move |tx| Ok(status::open_list(tx, shape, copies, &terms)?))
                .await;
        };
        let Next::Sign(order) = next else {
            panic!("somebody has to approve it first");
        };
        Ok(*order)
    }

    /// Signs what was gathered, and records it.
    pub(crate) async fn recorded(
        &mut self,
        begun: &Begun,
        (order, copies): (&Order, usize),
        nonce: &[u8],
    ) -> Result<Vec<Copy>, Failure> {
        let (order, terms, now) = (order.clone(), self.terms.clone(), self.now);
        let mut rng = self.rng();
        let keys: Vec<(PublicKey, [u8; 32])> = (0..copies)
            .map(|_| {
                let key = SecretKey::generate(Curve::P256, &mut rng);
                (key.public_key().clone(), *random(&mut rng))
            })
            .collect();
        let signers = signers();
        let workshop = Workshop {
            terms: &terms,
            signers: &signers,
            lists: "https://id.example.org/status",
            backend: &RustCrypto,
        };
        let made = make(&order, &keys, now, workshop, &mut rng).unwrap().copies;
        let signed: Vec<_> = made.iter().map(|copy| copy.signed.clone()).collect();
        let (token, nonce, notification) = (begun.token.to_vec(), nonce.to_vec(), random(&mut rng).to_vec());
        self.store
            .write(move |tx| {
                let once = [Once {
                    what: "nonce",
                    value: nonce.clone(),
                    expires: Timestamp::from_unix(NOON + 10_000_000),
                }];
                let delivery = Delivery {
                    token: &token,
                    once: &once,
                    notification_id: &notification,
                    waited: false,
                    key_security: None,
                };
                let recorded = (&order, signed.as_slice(), &delivery, &terms);
                let wallet = Actor::outsider("198.51.100.7".to_owned());
                issue::record(tx, &wallet, now, recorded, &mut rng)
            })
            .await?;
        Ok(made)
    }

    /// Requests a document for Ada and collects it.
    pub(crate) async fn collected(&mut self, profile: &str, copies: usize) -> Serial {
        if profile == "licence" {
            self.data_of("loyalty-card").await;
        }
        let clerk = self.clerk.clone();
        let offer = self.request_as(&clerk, profile).await.unwrap().offer.unwrap();
        let code = offer.code.clone().unwrap();
        let begun = self
            .redeem(&offer, Some(code.as_str()), &Holder::default())
            .await
            .unwrap();
        self.issue(&begun, copies, &*offer.secret).await.unwrap();
        begun.serial
    }

    /// Has a wallet without a refresh token collect a document anew, by an offer that the clerk hands out.
    pub(crate) async fn collected_again(&mut self, serial: &Serial, copies: usize) {
        let clerk = self.clerk.clone();
        let offer = self.hand_out(&clerk, serial).await.unwrap();
        let code = offer.code.clone().unwrap();
        let begun = self
            .redeem(&offer, Some(code.as_str()), &Holder::default())
            .await
            .unwrap();
        self.issue(&begun, copies, &*offer.secret).await.unwrap();
    }

    /// What a wallet begins with by its refresh token.
    pub(crate) async fn refresh(&mut self, begun: &Begun, holder: &Holder) -> Result<Begun, Failure> {
        let token = begun.refresh.as_ref().unwrap().to_vec();
        let (holder, terms) = (holder.clone(), self.terms.clone());
        let (now, mut rng) = (self.now, self.rng());
        let noted = self
            .store
            .write(move |tx| {
                let wallet = Actor::outsider("198.51.100.7".to_owned());
                collect::refresh(tx, &wallet, now, (&token, &holder, &terms), &mut rng)
            })
            .await?;
        noted.map(|(begun, _)| begun).map_err(Failure::from)
    }

    /// Hands out a document.
    pub(crate) async fn hand_out(&mut self, who: &PersonId, serial: &Serial) -> Result<Offer, Failure> {
        let (serial, actor, terms) = (serial.clone(), operator(who), self.terms.clone());
        let (now, mut rng) = (self.now, self.rng());
        self.store
            .write(move |tx| request::offer(tx, &actor, now, (&serial, &terms), &mut rng))
            .await
    }

    /// The one document that there is.
    pub(crate) async fn only_document(&self) -> Serial {
        let found = self
            .run(|tx| Ok(tx.value("SELECT serial FROM document", &[])?))
            .await;
        found.unwrap()
    }

    /// What the lists say of each copy of a document, in the order of issue.
    pub(crate) async fn entries(&self, serial: &Serial) -> Vec<i64> {
        let serial = serial.clone();
        self.run(move |tx| {
            let sql = "SELECT status FROM copy WHERE document = $1 ORDER BY generation, place";
            Ok(tx.rows(sql, &[(&serial).into()], |row| row.get::<i64>(0))?)
        })
        .await
    }

    pub(crate) async fn licence_data(&mut self) {
        self.data_of("partial-iso-18013-5").await;
    }

    /// Gives Ada the data that a format needs, and the portrait.
    pub(crate) async fn data_of(&mut self, format: &str) {
        let format = self.terms.formats.format(format).unwrap();
        let sample = sample(format, "NL", self.now.date()).unwrap();
        let attributes = sample.as_object().unwrap().clone();
        let ada = self.ada.clone();
        self.edit(&ada, move |details| details.attributes.clone_from(&attributes))
            .await;
    }
}

/// The document signer of a country that does not exist.
pub(crate) fn signers() -> Signers {
    signers_and_status().0
}

/// A document signer and a signer of status lists, of one authority of a country that does not exist: another one for each
/// seed.
pub(crate) fn certified(seed: u64) -> [pki::Made; 2] {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let terms = |name: &str| pki::Terms {
        common_name: name.to_owned(),
        organization: None,
        from: Timestamp::from_unix(NOON - 86_400),
        lifetime: None,
        contacts: Vec::new(),
        crl_uri: None,
        curve: Curve::P256,
    };
    let iaca = pki::iaca("NL", None, &terms("Test IACA"), &mut rng).unwrap();
    let iaca_key = SoftwareKey::new(iaca.key).unwrap();
    let authority = Authority {
        certificate: &iaca.certificate,
        signer: &iaca_key,
    };
    [
        pki::document_signer(&terms("Test DS"), authority, &mut rng).unwrap(),
        pki::status_list_signer(&terms("Test status"), authority, &mut rng).unwrap(),
    ]
}

/// The document signer of a country that does not exist, and its signer of status lists.
pub(crate) fn signers_and_status() -> (Signers, Identity) {
    let [ds, status] = certified(7);
    let mut signers = Signers::default();
    let key: Arc<dyn Signer + Send + Sync> = Arc::new(SoftwareKey::new(ds.key).unwrap());
    signers.add("ds".to_owned(), ds.certificate, key);
    let identity = Identity {
        signer: Arc::new(SoftwareKey::new(status.key).unwrap()),
        certificate: status.certificate,
    };
    (signers, identity)
}
