//! What others say of everything that `mdoc-issuer pki` makes: openssl, and Python's cryptography.
//!
//! Where one of them is missing the test says so on standard error, and is not done; the CI script installs both.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::missing::not_done;
use crate::programs::{Workspace, run};
use crate::python;

/// Whether a program runs; says loudly if not.
fn there(command: &str, arguments: &[&str]) -> bool {
    let found = Command::new(command).args(arguments).output();
    let there = found.is_ok_and(|output| output.status.success());
    if !there {
        not_done(&format!("`{command} {}` does not work here", arguments.join(" ")));
    }
    there
}

fn words(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Runs our program, which must end with that status.
fn ours(folder: &Path, line: &str, status: i32) -> String {
    let arguments: Vec<&str> = ["mdoc-issuer", "pki"]
        .into_iter()
        .chain(line.split(' '))
        .collect();
    let output = run(folder, &arguments, b"");
    assert_eq!(output.status.code(), Some(status), "{line}: {}", words(&output));
    words(&output)
}

/// Runs openssl, which must be content.
fn openssl(folder: &Path, line: &str) -> String {
    let output = Command::new("openssl")
        .args(line.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "openssl {line}: {}", words(&output));
    words(&output)
}

/// Certificates: name, and that of the issuer.
const CERTIFICATES: [(&str, &str); 20] = [
    ("d/iaca", "d/iaca"),
    ("d/ds", "d/iaca"),
    ("d/status", "d/iaca"),
    ("d/ocsp", "d/iaca"),
    ("d/jws", "d/iaca"),
    ("d/reader-ca", "d/reader-ca"),
    ("d/reader", "d/reader-ca"),
    ("n/iaca", "n/iaca"),
    ("n/link", "d/iaca"),
    ("n/ds", "n/iaca"),
    ("l/ocsp", "d/iaca"),
    ("v/ca", "v/ca"),
    ("v/vical", "v/ca"),
    ("v/tls-server", "v/ca"),
    ("v/tls-client", "v/ca"),
    ("r/ds", "d/iaca"),
    ("r/reader", "d/reader-ca"),
    ("s/ds", "d/iaca"),
    ("s/reader", "d/reader-ca"),
    ("f/reader", "d/reader-ca"),
];

const ROLES: [(&str, &str); 9] = [
    ("document-signer", "P-256"),
    ("iaca", "P-384"),
    ("reader", "Ed25519"),
    ("status-signer", "P-521"),
    ("ocsp-responder", "P-256"),
    ("vical-signer", "P-256"),
    ("jws-signer", "P-256"),
    ("tls-client", "P-256"),
    ("ca", "P-256"),
];

/// Makes one of everything.
fn make(folder: &Path) {
    let crl = "--crl-url https://utopia.example/crl";
    for line in [
        "demo --out d".to_owned(),
        "jws-signer --iaca d --out d".to_owned(),
        format!("iaca --country NL --name Next --curve P-384 --email a@utopia.example {crl} --out n"),
        "link --iaca d --new n/iaca.pem --out n".to_owned(),
        "signer --iaca n --mdoc --curve Ed25519 --out n".to_owned(),
        "ocsp-responder --iaca d --out l".to_owned(),
        "ca --country UT --name Lists --curve P-521 --out v".to_owned(),
        format!(
            "vical-signer --ca v --organization Lists --ocsp-url https://utopia.example/ocsp --mdoc {crl} --out v"
        ),
        "tls-server --ca v --host mdl.utopia.example --host 127.0.0.1 --out v".to_owned(),
        "tls-client --ca v --out v".to_owned(),
        "renew d/ds.pem --iaca d --out r".to_owned(),
        "renew d/reader.pem --ca d --same-key --out r".to_owned(),
        "crl --iaca d --from d/iaca.crl --revoke r/ds.pem --out d/next.crl".to_owned(),
        "crl --ca d --out d/readers.crl".to_owned(),
    ] {
        ours(folder, &line, 0);
    }
    for (role, curve) in ROLES {
        ours(
            folder,
            &format!("csr --role {role} --name Somebody --country UT --curve {curve} --out c"),
            0,
        );
    }
    ours(
        folder,
        "csr --role tls-server --name Server --host mdl.utopia.example --out c",
        0,
    );
    ours(
        folder,
        "sign-csr c/document-signer.csr --role document-signer --iaca d --out s",
        0,
    );
    ours(folder, "sign-csr c/reader.csr --role reader --ca d --out s", 0);
    for (name, certificate) in [("ds", "d/ds.pem"), ("gone", "r/ds.pem")] {
        for hash in ["SHA-1", "SHA-256"] {
            let file = format!("{name}-{hash}");
            ours(
                folder,
                &format!(
                    "ocsp request --cert {certificate} --issuer d/iaca.pem --hash {hash} --out {file}.req"
                ),
                0,
            );
            ours(
                folder,
                &format!("ocsp respond {file}.req --iaca d --crl d/next.crl --out {file}.own"),
                0,
            );
            ours(
                folder,
                &format!(
                    "ocsp respond {file}.req --authority-cert d/iaca.pem --responder d --crl d/next.crl --out {file}.by"
                ),
                0,
            );
        }
    }
}

#[test]
fn openssl_and_python_verify_all_that_is_made() {
    let workspace = Workspace::new();
    let folder = workspace.0.as_path();
    if !there("openssl", &["version"]) {
        return;
    }
    make(folder);
    openssl(folder, "ecparam -name prime256v1 -genkey -noout -out f.key");
    openssl(
        folder,
        "req -new -key f.key -subj /C=UT/CN=Foreign/OU=Unit -addext basicConstraints=CA:TRUE -out f.csr",
    );
    let told = ours(folder, "sign-csr f.csr --role reader --ca d --out f", 0);
    assert!(told.contains("not granted: extension 2.5.29.19"), "{told}");
    assert!(told.contains("not granted: \"Unit\" in the subject"), "{told}");
    openssl_agrees(folder);
    python_agrees(folder);
    others_ask_and_answer(folder);
}

fn openssl_agrees(folder: &Path) {
    for (name, issuer) in CERTIFICATES {
        openssl(folder, &format!("x509 -in {name}.pem -noout -text"));
        openssl(
            folder,
            &format!("verify -x509_strict -CAfile {issuer}.pem {name}.pem"),
        );
    }
    // The new signer, from the old root by the link; two CAs are more than the path length of the old root permits
    // in an x5chain, so the link is followed to make the new root an anchor, as partial chains do.
    openssl(folder, "verify -partial_chain -trusted n/link.pem n/ds.pem");
    for name in ["d/iaca.crl", "d/next.crl"] {
        openssl(
            folder,
            &format!("crl -inform DER -in {name} -CAfile d/iaca.pem -noout"),
        );
        openssl(folder, &format!("crl -inform DER -in {name} -out {name}.pem"));
    }
    openssl(
        folder,
        "crl -inform DER -in d/readers.crl -CAfile d/reader-ca.pem -noout",
    );
    openssl(
        folder,
        "verify -crl_check -CAfile d/iaca.pem -CRLfile d/next.crl.pem d/ds.pem",
    );
    let line = "verify -crl_check -CAfile d/iaca.pem -CRLfile d/next.crl.pem r/ds.pem";
    let revoked = Command::new("openssl")
        .args(line.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(!revoked.status.success() && words(&revoked).contains("certificate revoked"));
    for (role, _) in ROLES.into_iter().chain([("tls-server", "")]) {
        let told = openssl(folder, &format!("req -in c/{role}.csr -verify -noout"));
        assert!(told.contains("verify OK"), "{role}: {told}");
    }
    for (name, certificate, expected) in [("ds", "d/ds.pem", "good"), ("gone", "r/ds.pem", "revoked")] {
        for file in [format!("{name}-SHA-1"), format!("{name}-SHA-256")] {
            openssl(folder, &format!("ocsp -reqin {file}.req -req_text -no_nonce"));
            let hash = if file.ends_with("256") { "-sha256" } else { "-sha1" };
            for by in ["own", "by"] {
                let told = openssl(
                    folder,
                    &format!(
                        "ocsp -respin {file}.{by} {hash} -issuer d/iaca.pem -cert {certificate} -CAfile d/iaca.pem -no_nonce"
                    ),
                );
                assert!(told.contains("Response verify OK"), "{file}.{by}: {told}");
                assert!(
                    told.contains(&format!("{certificate}: {expected}")),
                    "{file}.{by}: {told}"
                );
                let status = if expected == "good" { 0 } else { 1 };
                ours(
                    folder,
                    &format!(
                        "ocsp check {file}.{by} --cert {certificate} --issuer d/iaca.pem --request {file}.req"
                    ),
                    status,
                );
            }
        }
    }
}

fn python_agrees(folder: &Path) {
    let Some(python) = python::with(&["cryptography"]) else {
        return;
    };
    let mut lines = Vec::new();
    for (name, issuer) in CERTIFICATES {
        lines.push(format!("certificate\t{name}.pem\t{issuer}.pem\t"));
    }
    for (role, _) in ROLES.into_iter().chain([("tls-server", "")]) {
        lines.push(format!("csr\tc/{role}.csr\t\t"));
    }
    lines.push("crl\td/iaca.crl\td/iaca.pem\t0".to_owned());
    lines.push("crl\td/next.crl\td/iaca.pem\t1".to_owned());
    lines.push("crl\td/readers.crl\td/reader-ca.pem\t0".to_owned());
    for (name, certificate, status) in [("ds", "d/ds.pem", "GOOD"), ("gone", "r/ds.pem", "REVOKED")] {
        for hash in ["SHA-1", "SHA-256"] {
            lines.push(format!("ocsp-request\t{name}-{hash}.req\t\t{certificate}"));
            lines.push(format!("ocsp-response\t{name}-{hash}.own\td/iaca.pem\t{status}"));
            lines.push(format!("ocsp-response\t{name}-{hash}.by\td/iaca.pem\t{status}"));
        }
    }
    fs::write(folder.join("list.txt"), lines.join("\n")).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("second_opinion.py");
    let output = Command::new(python)
        .arg(script)
        .arg("list.txt")
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(words(&output), format!("{} agreed\n", lines.len()));
}

/// A request of openssl answered by us, and a response of openssl judged by us.
fn others_ask_and_answer(folder: &Path) {
    openssl(
        folder,
        "ocsp -issuer d/iaca.pem -cert d/ds.pem -reqout theirs.req",
    );
    ours(
        folder,
        "ocsp respond theirs.req --iaca d --crl d/next.crl --out theirs.answer",
        0,
    );
    let told = openssl(
        folder,
        "ocsp -reqin theirs.req -no_nonce -respin theirs.answer -issuer d/iaca.pem -cert d/ds.pem -CAfile d/iaca.pem",
    );
    assert!(told.contains("Response verify OK"), "{told}");
    // The database of `openssl ca`: status, expiry, revocation, serial, file, subject.
    let serial = openssl(folder, "x509 -in d/ds.pem -noout -serial");
    let serial = serial.trim().trim_start_matches("serial=");
    for (line, status) in [
        (format!("V\t351231235959Z\t\t{serial}\tunknown\t/CN=DS\n"), 0),
        (
            format!("R\t351231235959Z\t260101000000Z\t{serial}\tunknown\t/CN=DS\n"),
            1,
        ),
    ] {
        fs::write(folder.join("index.txt"), line).unwrap();
        openssl(
            folder,
            "ocsp -index index.txt -CA d/iaca.pem -rsigner d/ocsp.pem -rkey d/ocsp.key.pem -reqin theirs.req \
             -respout their.answer -ndays 7",
        );
        let check = "ocsp check their.answer --cert d/ds.pem --issuer d/iaca.pem --request theirs.req";
        ours(folder, check, status);
    }
    // Signed by who was not certified to answer.
    openssl(
        folder,
        "ocsp -index index.txt -CA d/iaca.pem -rsigner d/status.pem -rkey d/status.key.pem -reqin theirs.req \
         -respout false.answer -ndays 7",
    );
    let told = ours(
        folder,
        "ocsp check false.answer --cert d/ds.pem --issuer d/iaca.pem",
        2,
    );
    assert!(told.contains("certified for something else"), "{told}");
}
