//! Several document signers, of which one is chosen for each document: rotation.
//!
//! A signer is renewed before the old one ends, so that for a while both are valid. The rule: of those that keep
//! their profile, are valid at the instant of signing and outlive the document, the **newest** signs, that is the
//! one with the latest beginning of validity (then the latest end, then the first that was given). So a new
//! signer takes over from the day on that its certificate names, and the old key can be destroyed then.

use core::fmt;
use core::time::Duration;

use mdoc_core::time::Timestamp;
use mdoc_core::x509::Certificate;

use super::{Deviations, SignerFault, judge, within};
use crate::issue::coarse;

/// How long before its last document a signer is to be replaced: 30 days.
pub const AHEAD: Duration = Duration::from_secs(30 * 86_400);

/// Certificates of document signers, each with whatever leads to its key: a place, a handle, the key itself.
#[derive(Debug, Clone)]
pub struct SignerSet<K> {
    entries: Vec<Entry<K>>,
}

#[derive(Debug, Clone)]
struct Entry<K> {
    name: String,
    certificate: Certificate,
    key: K,
}

/// What a signer is wanted for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The type of the documents.
    pub doc_type: &'a str,
    /// The instant of signing.
    pub now: Timestamp,
    /// How long the documents are valid.
    pub valid_for: Duration,
    /// What to do about deviations that readers tolerate.
    pub deviations: Deviations,
}

/// The signer that was chosen.
#[derive(Debug, Clone, Copy)]
pub struct Chosen<'s, K> {
    /// Its name, as it was added.
    pub name: &'s str,
    /// Its certificate.
    pub certificate: &'s Certificate,
    /// What leads to its key.
    pub key: &'s K,
    /// That it is to be replaced soon, and no other one of the set takes over.
    pub near_expiry: Option<NearExpiry>,
}

/// A signer is near its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearExpiry {
    /// When its certificate expires.
    pub not_after: Timestamp,
    /// The last instant at which it can sign a document of this validity; later ones would outlive it.
    pub last: Timestamp,
}

impl fmt::Display for NearExpiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the signer's certificate expires at {}; documents of this validity can be signed until {}",
            self.not_after, self.last
        )
    }
}

/// Why none of the signers can sign, for each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSigner(pub Vec<(String, SignerFault)>);

impl fmt::Display for NoSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("there is no signer"),
            [(name, fault)] => write!(f, "{name}: {fault}"),
            several => {
                write!(f, "none of the {} signers can sign this document", several.len())?;
                several.iter().try_for_each(|(name, fault)| {
                    let words = fault.to_string().replace('\n', "\n  ");
                    write!(f, "\n  {name}: {words}")
                })
            }
        }
    }
}

impl core::error::Error for NoSigner {}

impl<K> Default for SignerSet<K> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<K> SignerSet<K> {
    /// Adds a signer. The name is what messages call it; nothing is judged before [`SignerSet::choose`].
    pub fn add(&mut self, name: String, certificate: Certificate, key: K) {
        self.entries.push(Entry {
            name,
            certificate,
            key,
        });
    }

    /// How many signers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All certificates, with their names, in the order in which they were added.
    pub fn certificates(&self) -> impl Iterator<Item = (&str, &Certificate)> {
        self.entries
            .iter()
            .map(|entry| (entry.name.as_str(), &entry.certificate))
    }

    /// Chooses the signer for documents signed now; the rule is that of the module.
    ///
    /// Whether the key belongs to the certificate is found out by [`DocumentSigner::new`](super::DocumentSigner::new):
    /// no key is touched here.
    ///
    /// # Errors
    /// [`NoSigner`] with what is wrong with each of them.
    pub fn choose(&self, wanted: &Wanted<'_>) -> Result<Chosen<'_, K>, NoSigner> {
        let mut faults = Vec::new();
        let mut best: Option<&Entry<K>> = None;
        for entry in &self.entries {
            let newer = |best: &Entry<K>| {
                let age = |entry: &Entry<K>| (entry.certificate.not_before(), entry.certificate.not_after());
                age(entry) > age(best)
            };
            match fault(&entry.certificate, wanted) {
                Some(fault) => faults.push((entry.name.clone(), fault)),
                None if best.is_none_or(newer) => best = Some(entry),
                None => {}
            }
        }
        let chosen = best.ok_or(NoSigner(faults))?;
        Ok(Chosen {
            name: &chosen.name,
            certificate: &chosen.certificate,
            key: &chosen.key,
            near_expiry: self.near_expiry(chosen, wanted),
        })
    }

    fn near_expiry(&self, chosen: &Entry<K>, wanted: &Wanted<'_>) -> Option<NearExpiry> {
        let last_of = |entry: &Entry<K>| entry.certificate.not_after().minus(wanted.valid_for);
        let last = last_of(chosen);
        let takes_over = |entry: &Entry<K>| {
            entry.certificate.not_before() <= last
                && last_of(entry) > last
                && judge(&entry.certificate, wanted.doc_type, wanted.deviations).is_ok()
        };
        (wanted.now.plus(AHEAD) > last && !self.entries.iter().any(takes_over)).then(|| NearExpiry {
            not_after: chosen.certificate.not_after(),
            last,
        })
    }
}

/// What keeps a certificate from signing.
fn fault(certificate: &Certificate, wanted: &Wanted<'_>) -> Option<SignerFault> {
    if let Err(fault) = judge(certificate, wanted.doc_type, wanted.deviations) {
        return Some(fault);
    }
    let signed = coarse(wanted.now, certificate.not_before(), wanted.valid_for);
    within(certificate, wanted.now, signed.plus(wanted.valid_for)).err()
}

#[cfg(test)]
mod tests {
    use mdoc_core::crypto::Curve;
    use mdoc_core::seams::SoftwareKey;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::pki::{self, Authority, Terms};

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn terms(name: &str, from: &str, days: u32) -> Terms {
        Terms {
            common_name: name.to_owned(),
            organization: None,
            from: at(from),
            lifetime: Some(DAY * days),
            contacts: Vec::new(),
            crl_uri: Some("https://example.org/a.crl".to_owned()),
            curve: Curve::P256,
        }
    }

    /// Signers by name, beginning and days; beside them the root, which is none.
    fn set(signers: &[(&str, &str, u32)]) -> SignerSet<usize> {
        let mut rng = ChaCha20Rng::from_seed([15; 32]);
        let root = pki::iaca("NL", None, &terms("IACA", "2025-01-01T00:00:00Z", 3650), &mut rng).unwrap();
        let key = SoftwareKey::new(root.key.clone()).unwrap();
        let authority = Authority {
            certificate: &root.certificate,
            signer: &key,
        };
        let mut set = SignerSet::default();
        for (number, (name, from, days)) in signers.iter().enumerate() {
            let certificate = match *name {
                "root" => root.certificate.clone(),
                _ => {
                    let made = pki::document_signer(&terms(name, from, *days), authority, &mut rng);
                    made.unwrap().certificate
                }
            };
            set.add((*name).to_owned(), certificate, number);
        }
        set
    }

    fn wanted(now: &str, days: u32) -> Wanted<'static> {
        Wanted {
            doc_type: mdoc_core::verify::MDL_DOC_TYPE,
            now: at(now),
            valid_for: DAY * days,
            deviations: Deviations::Refuse,
        }
    }

    const ROTATION: [(&str, &str, u32); 4] = [
        ("2026", "2026-01-01T00:00:00Z", 365),
        ("2025", "2025-01-01T00:00:00Z", 400),
        ("next", "2026-11-01T00:00:00Z", 365),
        ("brief", "2026-03-01T00:00:00Z", 60),
    ];

    #[test]
    fn the_newest_that_is_valid_and_outlives_the_document_signs() {
        let set = set(&ROTATION);
        for (now, days, name, key) in [
            ("2025-06-01T12:00:00Z", 30, "2025", 1),
            // Both are valid from January on: the new one takes over at once.
            ("2026-01-01T00:00:00Z", 30, "2026", 0),
            ("2026-03-02T00:00:00Z", 30, "brief", 3),
            // The newest does not live long enough for this one.
            ("2026-03-02T00:00:00Z", 90, "2026", 0),
            ("2026-10-31T23:59:59Z", 30, "2026", 0),
            ("2026-11-01T00:00:00Z", 30, "next", 2),
        ] {
            let chosen = set.choose(&wanted(now, days)).unwrap();
            assert_eq!((chosen.name, *chosen.key), (name, key), "{now} {days}");
        }
        assert_eq!((set.len(), set.is_empty()), (4, false));
    }

    #[test]
    fn of_two_that_began_together_the_longer_and_then_the_first() {
        let from = "2026-01-01T00:00:00Z";
        let set = set(&[("a", from, 100), ("b", from, 200), ("c", from, 200)]);
        assert_eq!(set.choose(&wanted("2026-02-01T00:00:00Z", 30)).unwrap().name, "b");
    }

    #[test]
    fn if_none_fits_every_reason_is_said() {
        let set = set(&[
            ROTATION[1],
            ("root", "", 0),
            ROTATION[2],
            ("short", "2026-05-01T00:00:00Z", 40),
        ]);
        let refused = set.choose(&wanted("2026-06-01T12:30:00Z", 30)).unwrap_err();
        let faults: Vec<(&str, &SignerFault)> = refused
            .0
            .iter()
            .map(|(name, fault)| (name.as_str(), fault))
            .collect();
        assert_eq!(faults.len(), 4);
        assert_eq!(
            faults[0],
            (
                "2025",
                &SignerFault::Expired {
                    not_after: at("2026-02-05T00:00:00Z")
                }
            )
        );
        assert!(matches!(faults[1], ("root", SignerFault::Profile(broken)) if !broken.is_empty()));
        assert_eq!(
            faults[2],
            (
                "next",
                &SignerFault::NotYetValid {
                    not_before: at("2026-11-01T00:00:00Z")
                }
            )
        );
        assert_eq!(
            faults[3],
            (
                "short",
                &SignerFault::DocumentOutlives {
                    valid_until: at("2026-07-01T12:00:00Z"),
                    not_after: at("2026-06-10T00:00:00Z"),
                }
            )
        );
        let words = refused.to_string();
        assert!(
            words.starts_with("none of the 4 signers can sign this document\n  2025: "),
            "{words}"
        );
        assert_eq!(
            SignerSet::<()>::default()
                .choose(&wanted("2026-06-01T00:00:00Z", 1))
                .unwrap_err(),
            NoSigner(Vec::new())
        );
    }

    #[test]
    fn expiry_is_announced_a_month_before_the_last_document() {
        let alone = set(&ROTATION[..1]);
        let soon = NearExpiry {
            not_after: at("2027-01-01T00:00:00Z"),
            last: at("2026-12-02T00:00:00Z"),
        };
        let near = |set: &SignerSet<usize>, now| set.choose(&wanted(now, 30)).unwrap().near_expiry;
        assert_eq!(near(&alone, "2026-11-02T00:00:00Z"), None);
        assert_eq!(near(&alone, "2026-11-02T00:00:01Z"), Some(soon));
        assert_eq!(near(&alone, "2026-12-02T00:00:00Z"), Some(soon));
        assert!(
            alone.choose(&wanted("2026-12-02T01:00:00Z", 30)).is_err(),
            "not one hour longer"
        );
        assert!(soon.to_string().contains("2026-12-02T00:00:00Z"));
        // A successor that begins in time says that all is well; one that begins too late does not.
        let from = "2026-11-15T00:00:00Z";
        assert_eq!(
            near(&set(&[ROTATION[0], ("next", from, 365)]), "2026-11-10T00:00:00Z"),
            None
        );
        let late = "2026-12-15T00:00:00Z";
        let late = set(&[ROTATION[0], ("next", late, 365)]);
        assert_eq!(near(&late, "2026-11-10T00:00:00Z"), Some(soon));
        // Documents that are valid longer are the last ones earlier.
        let year = set(&ROTATION[..1])
            .choose(&wanted("2026-06-01T00:00:00Z", 200))
            .unwrap()
            .near_expiry;
        assert_eq!(year.unwrap().last, at("2026-06-15T00:00:00Z"));
    }
}
