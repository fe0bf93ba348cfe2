//! What is compared with a secret, or with what a secret made, is compared in constant time: as far as sources show it.

use std::fs;
use std::path::{Path, PathBuf};

/// That a comparison takes the same time whatever is compared cannot be measured here without flickering: the sources
/// are looked at. Keys compare by `==`, which is constant-time for their type; the rest says so where it compares.
#[test]
fn keys_tags_and_passphrases_are_compared_in_constant_time() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let source = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    let keys = source("mdoc-core/src/crypto.rs");
    let (before, _) = keys.split_once("pub struct PublicKey {").unwrap();
    let derived = before
        .lines()
        .rev()
        .find(|line| line.starts_with("#[derive"))
        .unwrap();
    assert_eq!(
        derived, "#[derive(Clone, Eq)]",
        "`==` of public keys is no derived one"
    );
    for (file, comparison) in [
        (
            "mdoc-core/src/crypto.rs",
            "equal_in_constant_time(&self.bytes, &other.bytes)",
        ),
        (
            "mdoc-core/src/cose/mac0.rs",
            "equal_in_constant_time(&tag, &self.envelope.proof)",
        ),
        (
            "mdoc-core/src/verify/items.rs",
            "!equal_in_constant_time(digest.as_ref(), signed.as_ref())",
        ),
        (
            "mdoc-core/src/verify/issuer.rs",
            "!equal_in_constant_time(&thumbprint, &ds.fingerprint())",
        ),
        (
            "mdoc-core/src/x509/ocsp.rs",
            "equal_in_constant_time(&self.key_hash, &hash.digest(key))",
        ),
        (
            "mdoc-core/src/x509/ocsp/response.rs",
            "equal_in_constant_time(hash, &certificate.computed_key_identifier())",
        ),
        (
            "openid/src/secret.rs",
            "equal_in_constant_time(self.0.as_bytes(), other.0.as_bytes())",
        ),
        (
            "issuer/src/batch/run.rs",
            "equal_in_constant_time(found.as_ref(), digest.as_ref())",
        ),
        (
            "issuer/src/issue.rs",
            "equal_in_constant_time(device_key.as_bytes(), signer.key().public_key().as_bytes())",
        ),
        (
            "verifier/src/cli/request.rs",
            "equal_in_constant_time(leaf.as_bytes(), signer.public_key().as_bytes())",
        ),
        (
            "issuer/src/signer.rs",
            "!equal_in_constant_time(certified.as_bytes(), held.as_bytes())",
        ),
        (
            "issuer/src/vical.rs",
            "equal_in_constant_time(certified.as_bytes(), held.as_bytes())",
        ),
        (
            "cli/src/keys/secrets.rs",
            "equal_in_constant_time(second.as_bytes(), first.as_bytes())",
        ),
        (
            "mdoc-core/src/ble/link/begin.rs",
            "equal_in_constant_time(ident, &self.setup.ident)",
        ),
        (
            "mdoc-core/src/x509/ocsp/verdict.rs",
            "!equal_in_constant_time(asked, basic.nonce.as_deref().unwrap_or_default())",
        ),
        (
            "openid/src/vci/dpop.rs",
            "!equal_in_constant_time(found.as_bytes(), expected.as_bytes())",
        ),
        (
            "openid/src/vci/dpop.rs",
            "!equal_in_constant_time(bound_to.as_bytes(), thumbprint.as_bytes())",
        ),
        (
            "openid/src/vci/pkce.rs",
            "equal_in_constant_time(challenge(verifier, backend).as_bytes(), expected.as_bytes())",
        ),
        (
            "service/src/nonce.rs",
            "!equal_in_constant_time(expected.get(..TAG)?, tag)",
        ),
        (
            "service/src/usecase/collect.rs",
            "equal_in_constant_time(kept, &code_digest(terms, &offer.id, form, typed))",
        ),
        (
            "service/src/usecase/collect.rs",
            "equal_in_constant_time(kept, key)",
        ),
        (
            "service/src/usecase/authorize.rs",
            "equal_in_constant_time(&request.ticket(terms), said.ticket)",
        ),
        (
            "service/src/api/operator/openid.rs",
            "!equal_in_constant_time(asked.browser.as_bytes(), base64url(&browser).as_bytes())",
        ),
    ] {
        assert!(source(file).contains(comparison), "{file} has no {comparison}");
    }
    // Private keys have no `==` at all, so that nobody compares them by it.
    let (before, _) = keys.split_once("pub struct SecretKey {").unwrap();
    let derived = before
        .lines()
        .rev()
        .find(|line| line.starts_with("#[derive"))
        .unwrap();
    assert_eq!(derived, "#[derive(Clone)]");
    assert!(!keys.contains("PartialEq for SecretKey"));
}

/// Comparisons by `==` of what is called a digest or alike, with why they may be.
const COMPARED: [(&str, &str, &str); 8] = [
    (
        "mdoc-core/src/crypto/aws_lc.rs",
        "if digest != self.digest {",
        "names of algorithms",
    ),
    (
        "mdoc-core/src/crypto/aws_lc.rs",
        "suite.digest == digest",
        "names of algorithms",
    ),
    (
        "service/src/api/operator/join.rs",
        "if password != again {",
        "`Secret`, whose `==` is constant-time",
    ),
    (
        "service/src/usecase/audit/chain.rs",
        "if expected != digest || ",
        "of a trail that whoever asks has at hand",
    ),
    (
        "service/src/usecase/audit/chain.rs",
        "kept.digest != expected",
        "of a trail that whoever asks has at hand",
    ),
    (
        "service/src/usecase/reports/cursor.rs",
        "*made_for != digest(named)",
        "of the filters that whoever asks has chosen",
    ),
    (
        "service/src/store/migrate.rs",
        "before == digest(migration)",
        "of SQL that everybody can read",
    ),
    (
        "verifier/src/online/cache.rs",
        "header.sha256 == digest(&bytes)",
        "against files that broke, not against who made them",
    ),
];

#[test]
fn what_is_called_a_digest_or_a_secret_is_compared_by_operator_only_where_nobody_can_ask_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for (file, text) in sources(root) {
        let file = file.strip_prefix(root).unwrap().display().to_string();
        let code = text.lines().take_while(|line| *line != "mod tests {");
        let lines = code.filter(|line| !line.trim_start().starts_with("//") && is_compared(line));
        found.extend(lines.map(|line| (file.clone(), line.trim().to_owned())));
    }
    let known = |(file, line): &&(String, String)| {
        COMPARED
            .iter()
            .any(|(known, part, _)| file == known && line.contains(part))
    };
    let new: Vec<_> = found.iter().filter(|one| !known(one)).collect();
    assert!(
        new.is_empty(),
        "compare these with `equal_in_constant_time`, or say why not: {new:#?}"
    );
    for (file, part, _) in COMPARED {
        let there = found
            .iter()
            .any(|(other, line)| other == file && line.contains(part));
        assert!(there, "{file} has no `{part}` any more");
    }
}

/// Whether one side of a comparison by operator is called something that has to be compared in constant time.
fn is_compared(line: &str) -> bool {
    let name = |side: &str, last: bool| {
        let mut words = side
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty());
        let word = if last { words.next_back() } else { words.next() };
        let parts = [
            "digest",
            "thumbprint",
            "fingerprint",
            "password",
            "secret",
            "sha256",
            "mac",
            "hash",
        ];
        word.is_some_and(|word| word.split('_').any(|part| parts.contains(&part)))
    };
    let operators = ["==", "!="]
        .into_iter()
        .flat_map(|operator| line.match_indices(operator));
    operators.into_iter().any(|(at, _)| {
        let right = line[at + 2..]
            .split([' ', '(', '{'])
            .find(|word| !word.is_empty())
            .unwrap_or_default();
        name(&line[..at], true) || name(right, true)
    })
}

/// The sources of all crates, without tests that have a file of their own.
pub(crate) fn sources(root: &Path) -> Vec<(PathBuf, String)> {
    let crates = [
        "cli",
        "holder",
        "issuer",
        "mdoc-core",
        "openid",
        "pkcs11",
        "service",
        "verifier",
    ];
    crates
        .iter()
        .flat_map(|one| sources_in(&root.join(one).join("src")))
        .collect()
}

fn sources_in(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && entry.file_name() != "tests" {
            all.extend(sources_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && entry.file_name() != "tests.rs"
        {
            all.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
    all
}
