//! What is asked of wallets, from the configuration: the files of those whose word counts are read.

use std::path::Path;

use mdoc_cli::trust::trust_anchors;
use mdoc_cli::{Failure, output};
use mdoc_core::crypto::PublicKey;
use mdoc_openid::jose::{Jwk, json, trust::Trust};
use mdoc_openid::vci::metadata::Jwks;

use super::PROGRAM;
use crate::config::{Config, ConfigError};
use crate::wallets::Wallets;

pub(super) fn wrong(why: ConfigError) -> Failure {
    Failure::new(why.to_string())
}

/// What is asked of wallets; the files of those whose word counts are read.
pub(super) fn wallets(config: &Config) -> Result<Wallets, Failure> {
    let (sets, certificates): (Vec<_>, Vec<_>) = config
        .wallets
        .trust
        .iter()
        .partition(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut trust = Trust::default();
    if !certificates.is_empty() {
        let found = trust_anchors(&certificates)?;
        for warning in &found.warnings {
            output::warn(PROGRAM, warning);
        }
        trust.anchors = found.certificates;
    }
    for path in sets {
        trust.keys.extend(named_keys(path)?);
    }
    Ok(Wallets {
        trust,
        attested: config.wallets.attested,
        challenges: config.wallets.challenges,
        dpop_nonces: config.collection.dpop_nonces,
        redirect_uris: config.redirect_uris().map_err(wrong)?,
        apps: config.apps().map_err(wrong)?,
    })
}

/// The keys of a set of JWK, each with its `kid`.
fn named_keys(path: &Path) -> Result<Vec<(String, PublicKey)>, Failure> {
    let name = path.display();
    let hint = "it is {\"keys\": [ … ]} with public keys, each with a `kid`";
    let bad = |why: &dyn core::fmt::Display| {
        Failure::new(format!("{name} is no set of keys that can be used: {why}")).hint(hint)
    };
    let text = std::fs::read(path).map_err(|why| Failure::new(format!("{name} cannot be read: {why}")))?;
    let set: Jwks = json::read(&text).map_err(|why| bad(&why))?;
    if set.keys.is_empty() {
        return Err(bad(&"it is empty"));
    }
    let key = |jwk: &Jwk| {
        let kid = jwk.text("kid").ok_or_else(|| bad(&"a key has no kid"))?;
        let key = jwk.public_key().map_err(|why| bad(&why))?;
        Ok((kid.to_owned(), key))
    };
    set.keys.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use mdoc_core::crypto::{Curve, SecretKey};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use serde_json::{Value, json};

    use super::*;

    fn read(name: &str, set: &Value) -> Result<Vec<(String, PublicKey)>, Failure> {
        let path = std::env::temp_dir().join(format!("mdoc-keys-{}-{name}.json", std::process::id()));
        std::fs::write(&path, set.to_string()).unwrap();
        let found = named_keys(&path);
        std::fs::remove_file(&path).unwrap();
        found
    }

    #[test]
    fn a_set_of_keys_has_public_keys_with_names() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let secret = SecretKey::generate(Curve::P256, &mut rng);
        let public = Jwk::new(secret.public_key());
        let good = read(
            "good",
            &json!({ "keys": [public.clone().with("kid", "a"), public.clone().with("kid", "b")] }),
        );
        let names: Vec<String> = good.unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b"]);
        let private = public.clone().with("kid", "a").with("d", "AAAA");
        for (name, set, word) in [
            ("empty", json!({ "keys": [] }), "empty"),
            ("nameless", json!({ "keys": [public] }), "kid"),
            ("private", json!({ "keys": [private] }), "private"),
            ("other", json!({ "keys": [{ "kty": "oct", "kid": "a" }] }), "key"),
            ("none", json!([]), "no set"),
        ] {
            let why = read(name, &set).unwrap_err().to_string();
            assert!(why.contains(word), "{name}: {why}");
        }
        let missing = named_keys(Path::new("/nowhere/keys.json"))
            .unwrap_err()
            .to_string();
        assert!(missing.contains("cannot be read"), "{missing}");
    }
}
