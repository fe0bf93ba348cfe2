//! Responses that are full of signatures, on curves that cost their receiver much.

use mdoc_core::crypto::Curve;
use mdoc_core::seams::Signer as _;
use mdoc_core::value::Value;

use crate::cbor::{LIMITS, decoders};
use crate::certificates::{name, tlv};
use crate::measure::Case;
use crate::world::{World, response};

/// Extensions of an authority: basicConstraints; keyUsage for certificates and lists.
pub(crate) const AUTHORITY: &[u8] = &[
    0x30, 15, 6, 3, 0x55, 0x1d, 0x13, 1, 1, 0xff, 4, 5, 0x30, 3, 1, 1, 0xff, //
    0x30, 14, 6, 3, 0x55, 0x1d, 0x0f, 1, 1, 0xff, 4, 4, 3, 2, 1, 6,
];

/// As many documents as a response may have, each with as many certificates as are taken.
pub(crate) fn cases(world: &World, run: &mut dyn FnMut(Case<'_>)) {
    let decoder = "verify, a response";
    let decoders = decoders(world, LIMITS);
    let (_, verify) = decoders.iter().find(|(name, _)| *name == decoder).unwrap();
    for (curve, on) in [
        (Curve::P256, "P-256"),
        (Curve::P521, "P-521"),
        (Curve::BrainpoolP384r1, "brainpoolP384r1"),
    ] {
        for (place, whose) in [("Atlantis", "a stranger"), ("Utopia", "an impostor")] {
            let sender = World::on(curve, place, 21);
            let above = sender.authorities();
            let mut chain = vec![sender.ds.der()];
            chain.extend(above.iter().map(Vec::as_slice));
            let issued = sender.issue(&[("points".to_owned(), Value::from(1))], &chain);
            let documents = sender.document(&issued).repeat(LIMITS.documents);
            let input = format!("{} documents of {whose}, {on}", LIMITS.documents);
            let bytes = response(&documents, LIMITS.documents);
            run(Case::new(decoder, &input, &bytes, &**verify).small());
        }
    }
}

impl World {
    /// As many authorities above its own as a chain has room for, each of which signed the one below.
    fn authorities(&self) -> Vec<Vec<u8>> {
        let names: Vec<_> = (0..LIMITS.certificates)
            .map(|at| match at {
                0 => self.ds.issuer_der().to_vec(),
                _ => name(1, format!("Authority {at}").as_bytes()),
            })
            .collect();
        let key = self.iaca.public_key_info_der();
        let pairs = names.windows(2);
        pairs
            .map(|pair| self.certified(&pair[0], &pair[1], key, AUTHORITY))
            .collect()
    }

    /// A certificate for a name and a key, signed with the key of this world's authority in the name of `issuer`.
    pub(crate) fn certified(&self, subject: &[u8], issuer: &[u8], key: &[u8], extensions: &[u8]) -> Vec<u8> {
        let validity = [tlv(0x17, b"260101000000Z"), tlv(0x17, b"400101000000Z")].concat();
        let algorithm = self.iaca.signature_algorithm_der();
        let tbs = tlv(
            0x30,
            &[
                &[0xa0, 3, 2, 1, 2][..],
                &tlv(2, &[1]),
                algorithm,
                issuer,
                &tlv(0x30, &validity),
                subject,
                key,
                &tlv(0xa3, &tlv(0x30, extensions)),
            ]
            .concat(),
        );
        let signature = self.iaca_key.sign(&tbs).unwrap();
        let (r, s) = signature.split_at(signature.len() / 2);
        let signature = tlv(0x30, &[integer(r), integer(s)].concat());
        tlv(
            0x30,
            &[&tbs[..], algorithm, &tlv(3, &[&[0][..], &signature].concat())].concat(),
        )
    }
}

/// A positive number in DER.
fn integer(digits: &[u8]) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = &digits[zeros..];
    if digits.first().is_some_and(|first| *first < 0x80) {
        return tlv(2, digits);
    }
    tlv(2, &[&[0][..], digits].concat())
}
