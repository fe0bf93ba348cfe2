//! Known answers that were computed for the facts, with other software than ours (Appendix A there).

use std::convert::Infallible;

use mdoc_core::cbor::embed;
use mdoc_core::cose::{Mac0, key};
use mdoc_core::crypto::{Backend as _, Curve, DigestAlgorithm, RustCrypto, SecretKey};
use mdoc_core::device_signed::{device_authentication_bytes, mac_key};
use mdoc_core::issue::Draft;
use mdoc_core::issuer_signed::IssuerSigned;
use mdoc_core::limits::Limits;
use mdoc_core::seams::Signer as _;
use mdoc_core::transcript::SessionTranscript;
use mdoc_core::verify::{MDL_DOC_TYPE, MDL_NAME_SPACE};
use rand_core::{TryCryptoRng, TryRng};

use super::{hex, unhex};
use integration::world::{World, at, day};

fn secret(scalar: &str, x: &str) -> SecretKey {
    let key = SecretKey::from_bytes(Curve::P256, &unhex(scalar)).unwrap();
    assert_eq!(hex(key.public_key().coordinates().0), x);
    key
}

fn reader() -> SecretKey {
    secret(
        "07db8ef035be44eb9820f30c370f4a27600fafe1b047c02c30267f56c782f2db",
        "fadf8faf376e97a383724b82855a98515a71159938f1c8696cc5bfdcbe3e3859",
    )
}

fn device() -> SecretKey {
    secret(
        "65517774ea0b2b1b94d3b92bca5a5b0e8469dcc6919de50cc5a09cc3ea7a13e8",
        "4006f835b45654df05e94369758eb9fb963652387edf3444c62b158c65e667c6",
    )
}

/// A.2: the engagement of A.1 as scanned, the reader's key as sent, QR.
fn session() -> SessionTranscript {
    let e_device = secret(
        "4e191740332aa93137c522d43eb0dbf4b2f2b4d6c95192b9e4b442f09aaef130",
        "a4716ca7439c75fdb35863c1a2a58935374d6ce82306f827705a2d71b6ccf1f0",
    );
    let retrieval =
        "0281830201a400f501f50a500f0e0d0c0b0a400988070605040302010b5000112233445540669788aabbccddeeff";
    let engagement = [
        unhex("a30063312e30018201"),
        embed(&key::encode(e_device.public_key())),
        unhex(retrieval),
    ];
    SessionTranscript::qr(
        &embed(&engagement.concat()),
        &embed(&key::encode(reader().public_key())),
    )
}

#[test]
fn the_transcript_of_a_2() {
    assert_eq!(embed(session().raw()).len(), 223);
    assert_eq!(
        hex(session().salt(&RustCrypto).as_ref()),
        "c634da66ae725fa4d3c1a51fa618f05e3c0b508c7c0b70af896800214cc39157"
    );
}

#[test]
fn the_device_mac_of_a_3() {
    let (device, reader) = (device(), reader());
    let shared = RustCrypto.agree(&device, reader.public_key()).unwrap();
    assert_eq!(
        hex(&shared),
        "1453ff5ad9e951f4567afd9a77f23980bd8890a58be4950f85f6e8bcb62cfd90"
    );
    let key = mac_key(&device, reader.public_key(), &session(), &RustCrypto).unwrap();
    assert_eq!(
        hex(key.as_ref()),
        "5bac95a0e5f1deacf34138fb2104d94e72bd0afb24c4596ab787feccd619402c"
    );
    let payload = device_authentication_bytes(&session(), MDL_DOC_TYPE, &unhex("d81841a0"));
    assert_eq!(payload.len(), 272);
    let digest = RustCrypto.digest(DigestAlgorithm::Sha256, &[&payload]);
    assert_eq!(
        hex(digest.as_ref()),
        "e8ece2cde7d774d006d6116a3db4e47600ce1e0d4dfac3b42040ca8f4475ad59"
    );
    let mut mac = Vec::new();
    Mac0::write(&mut mac, &key, &payload, &RustCrypto);
    assert_eq!(
        hex(&mac),
        "8443a10105a0f6582085d396fc900ba2487c073ea71cad7b4cd61183f201e03fb5596e313eb6b457d2"
    );
}

/// Counts instead of drawing: 00 01 02 …
struct Counting(u8);

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

#[test]
fn the_item_of_a_4_is_issued_with_its_bytes_and_its_digest() {
    let world = World::new(4);
    let elements = vec![("birth_date".to_owned(), day("1990-01-02"))];
    let elements = vec![(MDL_NAME_SPACE.to_owned(), elements)];
    let validity = mdoc_core::issue::Validity {
        signed: at("2026-06-01T00:00:00Z"),
        valid_from: at("2026-06-01T00:00:00Z"),
        valid_until: at("2026-07-01T00:00:00Z"),
        expected_update: None,
    };
    let draft = Draft::new(MDL_DOC_TYPE, &elements, world.device_key.public_key(), validity);
    let unsigned = draft.salt(&mut Counting(0), &RustCrypto).unwrap();
    let issued = unsigned.sign(&world.ds_key, &[world.ds.der()]).unwrap();
    let document = IssuerSigned::decode(&issued, &Limits::DEFAULT).unwrap();
    assert_eq!(
        hex(document.name_spaces()[0].1[0].raw()),
        "d818586ca4686469676573744944006672616e646f6d5820000102030405060708090a0b0c0d0e0f101112131415161718191a\
         1b1c1d1e1f71656c656d656e744964656e7469666965726a62697274685f646174656c656c656d656e7456616c7565d903ec6a\
         313939302d30312d3032"
    );
    let mso = document.mso(&Limits::DEFAULT).unwrap();
    assert_eq!(
        hex(mso.value_digests.get(MDL_NAME_SPACE, 0).unwrap().as_ref()),
        "36738eac309641c05c58894804b567fec817184ccf659ec570fab75b7a8a994e"
    );
}
