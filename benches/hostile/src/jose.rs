//! What is signed and encrypted in JSON: tokens, proofs, attestations of keys, encrypted bodies.

use mdoc_core::crypto::{Curve, RustCrypto, SecretKey, SignatureAlgorithm};
use mdoc_core::jws::to_be_signed;
use mdoc_core::seams::Signer as _;
use mdoc_openid::Secret;
use mdoc_openid::jose::jwe::{self, Encryption, Opening, OwnKey, Recipient};
use mdoc_openid::jose::jws::Jws;
use mdoc_openid::jose::trust::Trust;
use mdoc_openid::jose::{Jwk, LARGEST, base64url};
use mdoc_openid::vci::attestation::{self, AttestationRules};
use mdoc_openid::vci::client::{self, ClientRules};
use mdoc_openid::vci::dpop::{self, DpopRules};
use mdoc_openid::vci::metadata::{self, KeyAttestationsRequired};
use mdoc_openid::vci::proof::{self, Attestations, ProofRules, Proofs, Wallet};
use mdoc_openid::vci::{Draft, Nonces, Window};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::SIZE;
use crate::cbor::Decode;
use crate::measure::{Answer, Case};
use crate::text::json_texts;
use crate::world::World;

pub(crate) const ISSUER: &str = "https://id.example.org/t/dmv";

const ALGORITHMS: &[SignatureAlgorithm] = &[SignatureAlgorithm::Es256, SignatureAlgorithm::EdDsa];

fn text(bytes: &[u8]) -> Result<&str, String> {
    core::str::from_utf8(bytes).map_err(|error| error.to_string())
}

fn said<T>(result: Result<T, impl ToString>) -> Answer {
    result
        .map(|_| "taken".to_owned())
        .map_err(|error| error.to_string())
}

/// A token with that header and those claims, signed by the document signer.
fn token(world: &World, header: &str, claims: &str) -> String {
    let message = to_be_signed(header.as_bytes(), claims.as_bytes());
    let signature = world.ds_key.sign(message.as_bytes()).unwrap();
    format!("{message}.{}", base64url(&signature))
}

/// Tokens of that size.
fn tokens(world: &World, size: usize) -> Vec<(String, String)> {
    let size = size * 3 / 4 - 300;
    let mut out = Vec::new();
    for (input, json) in json_texts(size) {
        out.push((format!("header: {input}"), token(world, &json, "{}")));
        out.push((
            format!("claims: {input}"),
            token(world, "{\"alg\":\"ES256\",\"kid\":\"k\"}", &json),
        ));
    }
    let key = serde_json::to_string(&Jwk::new(world.device_key.public_key())).unwrap();
    let keys = vec![key.as_str(); size / (key.len() + 1)].join(",");
    let header = |typ: &str| format!("{{\"alg\":\"ES256\",\"typ\":\"{typ}\",\"kid\":\"k\"}}");
    out.push((
        "an attestation of thousands of keys".to_owned(),
        token(
            world,
            &header("key-attestation+jwt"),
            &format!(
                "{{\"iat\":{},\"nonce\":\"n\",\"attested_keys\":[{keys}]}}",
                world.now.unix()
            ),
        ),
    ));
    let chain = vec!["\"AAAA\""; size / 7].join(",");
    out.push((
        "a chain of tens of thousands of certificates".to_owned(),
        token(world, &format!("{{\"alg\":\"ES256\",\"x5c\":[{chain}]}}"), "{}"),
    ));
    let large = "M".repeat(size / 8 / 4 * 4 - 8);
    let chain = vec![format!("\"{large}\""); 8].join(",");
    out.push((
        "a chain of eight that fill it".to_owned(),
        token(
            world,
            &format!("{{\"alg\":\"ES256\",\"typ\":\"openid4vci-proof+jwt\",\"x5c\":[{chain}]}}"),
            "{}",
        ),
    ));
    let aud = vec!["\"a\""; size / 4 - 50].join(",");
    out.push((
        "hundreds of thousands of audiences".to_owned(),
        token(
            world,
            &format!("{{\"alg\":\"ES256\",\"typ\":\"openid4vci-proof+jwt\",\"jwk\":{key}}}"),
            &format!("{{\"aud\":[{aud}]}}"),
        ),
    ));
    out
}

/// All of it.
pub(crate) fn cases(run: &mut dyn FnMut(Case<'_>)) {
    let world = World::new();
    signed(&world, run);
    encrypted(run);
}

fn signed(world: &World, run: &mut dyn FnMut(Case<'_>)) {
    let trust = Trust {
        anchors: vec![world.iaca.clone()],
        keys: vec![("k".to_owned(), world.ds_key.public_key().clone())],
    };
    let known = |nonce: &str| nonce == "n";
    let nonces = || Nonces::Required(&known);
    let window = Window::at(world.now);
    let required = KeyAttestationsRequired::default();
    let rules = AttestationRules {
        trust: &trust,
        required: &required,
        algorithms: ALGORITHMS,
        window,
        oldest: Draft::Final,
    };
    let decode = |bytes: &[u8]| -> Answer {
        let jws = Jws::decode(text(bytes)?).map_err(|error| error.to_string())?;
        let header = jws.header();
        let chain = header
            .x5c()
            .map_or(0, |chain| chain.map_or(0, |chain| chain.len()));
        let key = header.jwk().ok().flatten();
        let key = key.unwrap_or_else(|| world.device_key.public_key().clone());
        said(jws.verify(&key, ALGORITHMS, &RustCrypto)).map(|words| format!("{words}, {chain} certificates"))
    };
    let proofs = |bytes: &[u8]| -> Answer {
        let rules = ProofRules {
            issuer: ISSUER,
            algorithms: ALGORITHMS,
            most: 3,
            wallet: Wallet::Anonymous,
            nonces: nonces(),
            window,
            attestations: Attestations::Required(&rules),
            attestation_alone: true,
        };
        let token = text(bytes)?;
        said(proof::verify(
            Some(&Proofs::Jwt(vec![token.to_owned()])),
            &rules,
            &RustCrypto,
        ))
    };
    let attested = |bytes: &[u8]| said(attestation::verify(text(bytes)?, &rules, nonces(), &RustCrypto));
    let clients = |bytes: &[u8]| -> Answer {
        let rules = ClientRules {
            server: ISSUER,
            trust: &trust,
            client_id: None,
            challenges: nonces(),
            window,
            algorithms: ALGORITHMS,
        };
        let token = text(bytes)?;
        said(client::verify(token, token, &rules, &RustCrypto))
    };
    let access = Secret::from("t");
    let bound = |bytes: &[u8]| -> Answer {
        let rules = DpopRules {
            method: "POST",
            url: ISSUER,
            access_token: Some(&access),
            bound_to: None,
            nonces: nonces(),
            window,
            algorithms: ALGORITHMS,
        };
        said(dpop::verify(text(bytes)?, &rules, &RustCrypto))
    };
    let about = |bytes: &[u8]| {
        said(metadata::verify(
            text(bytes)?,
            ISSUER,
            &trust,
            &window,
            &RustCrypto,
        ))
    };
    let decoders: [(&str, &Decode<'_>); 6] = [
        ("Jws::decode, its key and signature", &decode),
        ("proof::verify", &proofs),
        ("attestation::verify", &attested),
        ("client::verify", &clients),
        ("dpop::verify", &bound),
        ("metadata::verify", &about),
    ];
    let (large, largest) = (tokens(world, SIZE), tokens(world, LARGEST - 200));
    let halves = tokens(world, LARGEST / 2 - 100);
    for (decoder, decode) in decoders {
        for (input, token) in &large {
            run(Case::new(decoder, input, token.as_bytes(), decode));
        }
        for (input, text) in [
            ("nothing but dots", ".".repeat(SIZE)),
            ("no dot", "A".repeat(SIZE)),
        ] {
            run(Case::new(decoder, input, text.as_bytes(), decode));
        }
        for ((input, token), (_, half)) in largest.iter().zip(&halves) {
            let input = format!("{input}, 512 KiB");
            run(Case::new(decoder, &input, token.as_bytes(), decode)
                .small()
                .halved(half.as_bytes()));
        }
    }
}

fn encrypted(run: &mut dyn FnMut(Case<'_>)) {
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let secret = SecretKey::generate(Curve::P256, &mut rng);
    let recipient = |compress| Recipient {
        key: secret.public_key().clone(),
        kid: None,
        encryption: Encryption::A256Gcm,
        compress,
    };
    let open = |bytes: &[u8]| -> Answer {
        let keys = [OwnKey {
            kid: None,
            secret: &secret,
        }];
        let opening = Opening {
            keys: &keys,
            encryptions: &Encryption::ALL,
            compressed: true,
        };
        jwe::decrypt(text(bytes)?, &opening, &RustCrypto)
            .map(|opened| format!("{} bytes", opened.plaintext.len()))
            .map_err(|error| error.to_string())
    };
    let mut sealed = |bytes: usize, compress| {
        jwe::encrypt(&vec![0; bytes], &recipient(compress), &mut rng, &RustCrypto).unwrap()
    };
    let small = sealed(10, false);
    let header = small.split('.').next().unwrap().to_owned();
    let most = LARGEST * 3 / 4 - 1_000;
    for (input, text) in [
        ("a content of 10 MB".to_owned(), sealed(SIZE, false)),
        ("nothing but dots".to_owned(), ".".repeat(SIZE)),
        ("a content of 380 KB".to_owned(), sealed(most, false)),
        ("64 MB of noughts, compressed".to_owned(), sealed(64 << 20, true)),
        (
            "1 MiB of noughts, compressed".to_owned(),
            sealed(jwe::LARGEST_PLAINTEXT, true),
        ),
        (
            "a tag of 380 KB".to_owned(),
            format!("{header}..AAAAAAAAAAAAAAAA.AAAA.{}", "A".repeat(most)),
        ),
    ]
    .into_iter()
    .chain(json_texts(most).into_iter().map(|(input, json)| {
        let header = base64url(json.as_bytes());
        (
            format!("header: {input}"),
            format!("{header}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"),
        )
    })) {
        let case = Case::new("jwe::decrypt", &input, text.as_bytes(), &open);
        let case = if text.len() < SIZE { case.small() } else { case };
        // As large as they may be, and in order.
        let whole = ["a content of 380 KB", "1 MiB of noughts, compressed"].contains(&input.as_str());
        run(if whole { case.decided() } else { case });
    }
}
