//! Chains of certificates with names as large as they can be, under trust anchors of one name: whoever looks for a path compares
//! and tries them, and shows the names.

use mdoc_core::crypto::{Curve, SecretKey, fastest};
use mdoc_core::device_request::{
    DeviceRequest, ItemsRequest, ReaderAuth, ReaderIdentity, RequestedElement, encode_request,
};
use mdoc_core::value::Value;
use mdoc_core::verify::{Form, Inputs, verify};
use mdoc_core::x509::Certificate;
use mdoc_core::x509::path::{self, TrustAnchor};
use mdoc_holder::question::{Question, Session};
use mdoc_holder::reader::{Reader, ReaderTrust};
use mdoc_issuer::inspect::Inspection;
use mdoc_openid::jose::jws::{self, Jws, Named};
use mdoc_openid::jose::trust::Trust;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::cbor::{Decode, LARGE, LIMITS, judged};
use crate::certificates::name;
use crate::measure::{Answer, Case};
use crate::signatures::AUTHORITY;
use crate::world::{World, response};

/// How many trust anchors have one name, each with a key of its own.
const NAMESAKES: usize = 200;

/// Bytes of a name: with what stands around them, as many as are read.
const LONG: usize = 2_026;

/// Certificates in `x5c`.
const MOST_IN_JWT: usize = 8;

/// All of it. What a message may ask for in signatures takes less than the 50 ms of every decoder: no case has a bound of
/// its own.
pub(crate) fn cases(world: &World, run: &mut dyn FnMut(Case<'_>)) {
    let sender = World::on(Curve::P256, "Atlantis", 31);
    let turns = |names: &[Vec<u8>; 2]| -> Vec<Vec<u8>> { names.iter().cycle().take(16).cloned().collect() };
    for (bytes, input) in [
        (
            LONG,
            "16 certificates with names of 2 KB, two names in turn, 200 anchors of each",
        ),
        (4, "16 certificates, two names in turn, 200 anchors of each"),
    ] {
        let names = [called(bytes, b'A'), called(bytes, b'B')];
        let anchors = namesakes(&sender, &names);
        presented(&sender, (input, &turns(&names)), &anchors, run);
    }
    // One that has issued itself is not climbed over: the anchors are tried once.
    let names = [called(LONG, b'A')];
    let input = "16 certificates with one name of 2 KB, 200 anchors of it";
    let anchors = namesakes(&sender, &names);
    presented(&sender, (input, &vec![names[0].clone(); 16]), &anchors, run);
    // The others are climbed over to the end, and no anchor has the name of any.
    let names: Vec<Vec<u8>> = (b'A'..).take(16).map(|last| called(LONG, last)).collect();
    let input = "16 certificates with names of 2 KB that nobody knows";
    presented(&sender, (input, &names), &world.anchors, run);
    in_jwt(&sender, run);
}

/// A name of so many bytes, which differs from others in the last one. All but that are shown as three characters each.
fn called(bytes: usize, last: u8) -> Vec<u8> {
    let mut text = vec![1; bytes];
    text.push(last);
    name(1, &text)
}

/// A chain in which each certificate signed the one below it, with the names of the issuers from the leaf up.
fn chain(sender: &World, issuers: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let leaf = called(4, b'L');
    let none: &[u8] = &[];
    let subjects = std::iter::once(&leaf).chain(issuers);
    let named = subjects.zip(issuers).enumerate();
    named
        .map(|(at, (subject, issuer))| {
            let (key, extensions) = if at == 0 {
                (&sender.ds, none)
            } else {
                (&sender.iaca, AUTHORITY)
            };
            sender.certified(subject, issuer, key.public_key_info_der(), extensions)
        })
        .collect()
}

/// Trust anchors of each of these names, with keys that signed nothing.
fn namesakes(sender: &World, names: &[Vec<u8>]) -> Vec<TrustAnchor> {
    let mut rng = ChaCha20Rng::from_seed([41; 32]);
    let info = sender.ds.public_key_info_der();
    let mut anchors = Vec::new();
    for name in names {
        for _ in 0..NAMESAKES {
            let secret = SecretKey::generate(Curve::P256, &mut rng);
            // The same information but for the point, with which it ends.
            let point = secret.public_key().as_bytes();
            let key = [&info[..info.len() - point.len()], point].concat();
            let der = sender.certified(name, name, &key, AUTHORITY);
            anchors.push(TrustAnchor::new(Certificate::from_der(&der).unwrap()));
        }
    }
    anchors
}

/// A chain by itself, as that of an issuer, and as that of a reader.
fn presented(
    sender: &World,
    (input, issuers): (&str, &[Vec<u8>]),
    anchors: &[TrustAnchor],
    run: &mut dyn FnMut(Case<'_>),
) {
    let chain = chain(sender, issuers);
    let certificates: Vec<Certificate> = chain
        .iter()
        .map(|der| Certificate::from_der(der).unwrap())
        .collect();
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let all = chain.concat();
    // As many as fit into a message; each has a few hundred bytes more than its chain.
    let count = (LARGE / (all.len() + 2_000)).min(LIMITS.documents);

    let climb = |_: &[u8]| -> Answer {
        match path::find(&certificates, anchors, sender.now, fastest()) {
            path::Path::Broken(broken) => Err(broken.to_string()),
            _ => Ok("a path".to_owned()),
        }
    };
    let judge = |bytes: &[u8], form: Form| -> Answer {
        let inputs = Inputs {
            transcript: Some(&sender.transcript),
            ..Inputs::new(anchors, sender.now)
        };
        judged(&verify(bytes, form, &inputs))
    };
    let of_issued = |bytes: &[u8]| judge(bytes, Form::IssuerSigned);
    let of_response = |bytes: &[u8]| judge(bytes, Form::DeviceResponse);
    let asked = |bytes: &[u8]| -> Answer {
        let request = DeviceRequest::decode(bytes, &LIMITS).map_err(|error| error.to_string())?;
        let session = Session {
            transcript: &sender.transcript,
            trust: ReaderTrust {
                anchors,
                now: sender.now,
            },
            limits: LIMITS,
            backend: fastest(),
        };
        let question = Question::new(&request, &[], &session).map_err(|error| error.to_string())?;
        let mut readers = question.documents.iter().map(|document| &document.reader);
        match readers.find(|reader| !matches!(reader, Reader::Trusted { .. })) {
            Some(reader) => Err(reader.to_string()),
            None => Ok("trusted".to_owned()),
        }
    };

    let issued = sender.issue(&[("points".to_owned(), Value::from(1))], &chain);
    let documents = response(&sender.document(&issued).repeat(count), count);
    let question = ItemsRequest {
        doc_type: "org.iso.18013.5.1.mDL".to_owned(),
        name_spaces: vec![(
            "org.iso.18013.5.1".to_owned(),
            vec![RequestedElement {
                identifier: "portrait".to_owned(),
                intent_to_retain: false,
            }],
        )],
    };
    let reader = ReaderIdentity {
        signer: &sender.ds_key,
        x5chain: &chain,
    };
    let auth = ReaderAuth::EachDocument(reader, &sender.transcript);
    let request = encode_request(&vec![question; count], &auth).unwrap();
    let decoders: [(&str, &[u8], &Decode<'_>); 4] = [
        ("path::find", &all, &climb),
        ("verify, an IssuerSigned", &issued, &of_issued),
        ("verify, a response", &documents, &of_response),
        ("Question::new, who asks", &request, &asked),
    ];
    for (decoder, bytes, decode) in decoders {
        run(Case::new(decoder, input, bytes, decode).small());
    }
    // It shows what is there.
    let inspected = |bytes: &[u8]| -> Answer {
        let seen = Inspection::of_cbor(bytes, sender.now).map_err(|error| error.to_string())?;
        Ok(format!("{} faults", seen.faults().len()))
    };
    run(Case::new("inspect", input, &issued, &inspected).decided().small());
}

/// The chain of a JWT: all of it holds, but for the signature of the anchor.
fn in_jwt(sender: &World, run: &mut dyn FnMut(Case<'_>)) {
    let names = [called(LONG, b'A')];
    let anchors = namesakes(sender, &names);
    let trust = Trust {
        anchors: anchors.into_iter().map(|anchor| anchor.certificate).collect(),
        keys: Vec::new(),
    };
    let chain = chain(sender, &vec![names[0].clone(); MOST_IN_JWT]);
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let claims = serde_json::json!({});
    let named = Named::Certificates(&chain);
    let token = jws::sign("JWT", named, &[], &claims, &sender.ds_key).unwrap();
    let key = |bytes: &[u8]| -> Answer {
        let text = core::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let jws = Jws::decode(text).map_err(|error| error.to_string())?;
        let key = trust.key(jws.header(), sender.now, fastest());
        key.map(|_| "a key".to_owned()).map_err(|error| error.to_string())
    };
    let input = "eight certificates with one name of 2 KB, 200 anchors of it";
    run(Case::new("Trust::key, the chain of a JWT", input, token.as_bytes(), &key).small());
}
