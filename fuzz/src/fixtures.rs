//! What the targets share: made once, used millions of times.

use std::sync::OnceLock;

use integration::corpus::Case;
use integration::vectors;
use integration::world::World;
use mdoc_core::crypto::{self, Backend};
use mdoc_core::limits::Limits;
use mdoc_core::x509::build::{ListTerms, RevokedSerial, build_crl};
use mdoc_core::x509::ocsp::{CertificateId, IdHash, OcspRequest, OcspResponse, Responder, respond};
use mdoc_core::x509::revocation::RevocationList;

/// The limits that the programs have.
pub const LIMITS: Limits = Limits::DEFAULT;

/// Who computes.
#[must_use]
pub fn backend() -> &'static dyn Backend {
    crypto::fastest()
}

/// Whether this is one input in so many (a power of two): for what takes longer than all else. Always the same for the same
/// input, and always in tests.
#[must_use]
pub fn one_in(many: u8, input: &[u8]) -> bool {
    let sum = input.iter().fold(0_u8, |sum, byte| sum.rotate_left(3) ^ byte);
    cfg!(test) || sum.is_multiple_of(many)
}

/// The country of the negative corpus, so that its files are signed by whom this world trusts.
#[must_use]
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::new(18))
}

/// The negative corpus.
#[must_use]
pub fn cases() -> &'static [(String, Case)] {
    static CASES: OnceLock<Vec<(String, Case)>> = OnceLock::new();
    CASES.get_or_init(Case::all)
}

/// Revocation lists of the world's root: one that names nobody, and one that names the document signer.
#[must_use]
pub fn lists() -> &'static [RevocationList; 2] {
    static LISTS: OnceLock<[RevocationList; 2]> = OnceLock::new();
    LISTS.get_or_init(|| {
        let world = world();
        let terms = ListTerms {
            number: 1,
            this_update: world.now,
            next_update: world.now.plus(core::time::Duration::from_secs(86_400)),
        };
        let list =
            |revoked: &[RevokedSerial]| build_crl(&world.iaca, &world.iaca_key, revoked, terms).unwrap();
        let revoked = RevokedSerial {
            serial_number: world.ds.serial_number().to_vec(),
            at: world.now,
        };
        [list(&[]), list(&[revoked])]
    })
}

/// Answers of the world's root about its document signer: that it is good, and that it was revoked.
#[must_use]
pub fn answers() -> &'static [OcspResponse; 2] {
    static ANSWERS: OnceLock<[OcspResponse; 2]> = OnceLock::new();
    ANSWERS.get_or_init(|| {
        let world = world();
        let id = CertificateId::of(&world.ds, &world.iaca, IdHash::Sha1);
        let request = OcspRequest::new(&[id], None).unwrap();
        let responder = || Responder {
            certificate: &world.iaca,
            signer: &world.iaca_key,
        };
        let [good, revoked] = lists();
        [good, revoked].map(|list| respond(&request, &world.iaca, list, responder(), world.now).unwrap())
    })
}

/// The files of a folder of the vectors, those below it included, whose names have one of these endings.
#[must_use]
pub fn files(folder: &str, endings: &[&str]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut folders = vec![vectors::folder().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(std::fs::read(&path).unwrap());
            }
        }
    }
    found
}
