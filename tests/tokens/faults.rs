//! What goes wrong with a token, and what is said of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// A key, the environment, and what is to be in the error and in its hint.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

#[test]
fn what_goes_wrong_with_a_token_is_said() {
    let Some(token) = Token::new() else { return };
    let key = "pkcs11:token=issuing;object=ds";
    token.done(&["mdoc-issuer", "key", "new", "--key", key]);
    let file = |name: &str, text: &str, mode| {
        fs::write(token.space.0.join(name), text).unwrap();
        programs::mode(&token.space.0.join(name), mode);
    };
    file("pin", &format!("{PIN}\n"), 0o600);
    file("pin.open", PIN, 0o644);
    file("pin.wrong", "000000", 0o600);
    file("pin.empty", "\n", 0o600);
    let show = |key: &str, environment: &[(&str, &str)]| {
        token.run(&["mdoc-issuer", "key", "show", key], environment)
    };
    let right: &[(&str, &str)] = &[("MDOC_PKCS11_PIN", PIN)];
    // Every way to give the PIN, and a module in the URI.
    let by_uri = format!("{key}?module-path={}&pin-source=file:pin", token.module);
    for (key, environment) in [
        (key, right),
        ("pkcs11:token=issuing;object=ds?pin-source=file:pin", &[]),
        ("pkcs11:object=ds;type=private?pin-source=pin", &[]),
        (key, &[("MDOC_PKCS11_PIN_FILE", "pin")]),
        (&by_uri, &[("MDOC_PKCS11_MODULE", "/nowhere.so")]),
        (
            "pkcs11:object=ds?module-name=softhsm2&pin-source=pin",
            &[("MDOC_PKCS11_MODULE", "/nowhere.so")],
        ),
    ] {
        let output = show(key, environment);
        assert!(output.status.success(), "{key}: {}", words(&output));
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .starts_with("-----BEGIN PUBLIC KEY-----")
        );
    }
    token.init("other");
    let uri = token.module.replace('/', "%2F");
    let photo = format!(
        "{key}?module-path={}",
        uri.replace("libsofthsm2.so", "../../../etc/passwd")
    );
    let cases: &[Case<'_>] = &[
        (key, &[], "asks for a PIN, and none was given", "MDOC_PKCS11_PIN"),
        (
            key,
            &[("MDOC_PKCS11_PIN", "000000")],
            "does not take the PIN, which was tried once",
            "locks itself",
        ),
        (
            key,
            &[("MDOC_PKCS11_PIN", "0")],
            "does not take the PIN",
            "locks itself",
        ),
        (
            key,
            &[("MDOC_PKCS11_PIN", "")],
            "MDOC_PKCS11_PIN is empty",
            "fill it",
        ),
        (
            key,
            &[("MDOC_PKCS11_PIN_FILE", "pin.open")],
            "can be used by others",
            "0600",
        ),
        (
            key,
            &[("MDOC_PKCS11_PIN_FILE", "nowhere")],
            "cannot be read",
            "0600",
        ),
        (
            "pkcs11:token=issuing;object=ds?pin-source=file:pin.open",
            right,
            "others than its owner",
            "0600",
        ),
        (
            "pkcs11:token=issuing;object=ds?pin-source=file:pin.empty",
            right,
            "has no PIN",
            "0600",
        ),
        (
            "pkcs11:token=issuing;object=ds?pin-source=file:pin.wrong",
            right,
            "does not take the PIN",
            "locks",
        ),
        (
            "pkcs11:token=issuing;object=ds?pin-source=%7Ccat%20pin",
            right,
            "a program is not run",
            "0600",
        ),
        (
            "pkcs11:token=issuing;object=ds?pin-value=471100",
            &[],
            "has its PIN in it",
            "pin-source=file:",
        ),
        (
            "pkcs11:token=issuing;object=dd",
            right,
            "no private key fits the URI; the token has\n  pkcs11:object=ds;id=",
            "key new",
        ),
        (
            "pkcs11:token=issuing;object=ds;type=cert",
            right,
            "names no private key",
            "`type`",
        ),
        (
            "pkcs11:token=nobody;object=ds",
            right,
            "no token fits the URI; there are\n  pkcs11:token=",
            "key list",
        ),
        (
            "pkcs11:object=ds",
            right,
            "several tokens fit the URI\n  pkcs11:token=",
            "serial=",
        ),
        (
            "pkcs11:token=issuing;object=ds;vendor=1",
            right,
            "attribute vendor of the URI is not known",
            "leave",
        ),
        (
            "pkcs11:token=issuing;object=d s",
            right,
            "attribute object has the character ' '",
            "%20",
        ),
        (
            "pkcs11:token=issuing;object=%zz",
            right,
            "attribute object has a `%` without",
            "%20",
        ),
        (
            "pkcs11:token=issuing;object=ds?module-path=/no/module.so",
            right,
            "there is no PKCS#11 module /no/module.so",
            "module-path",
        ),
        (
            "pkcs11:token=issuing;object=ds?module-path=person.json",
            right,
            "cannot be used as a PKCS#11 module",
            "module-path",
        ),
        (
            "pkcs11:token=issuing;object=ds?module-name=..%2Fx",
            right,
            "there is no PKCS#11 module",
            "module-path",
        ),
        (&photo, right, "module", "module-path"),
    ];
    for (key, environment, sentence, hint) in cases {
        let output = show(key, environment);
        let said = words(&output);
        assert_eq!(output.status.code(), Some(2), "{key}: {said}");
        let (error, advice) = said.split_once("\nhint: ").unwrap_or((&said, ""));
        assert!(error.contains(sentence), "{key}: {said}");
        assert!(advice.contains(hint), "{key}: {said}");
        assert!(!said.contains(PIN) && !said.contains("000000"), "{said}");
        assert!(output.stdout.is_empty());
    }
    if ![
        "/usr/lib/x86_64-linux-gnu/p11-kit-proxy.so",
        "/usr/lib64/p11-kit-proxy.so",
    ]
    .iter()
    .any(|path| Path::new(path).exists())
    {
        let none = programs::run_with(&token.space.0, &["mdoc-issuer", "key", "show", key], right);
        assert!(
            words(&none).contains("no PKCS#11 module is named"),
            "{}",
            words(&none)
        );
    }
    // After all the wrong ones the right PIN still opens it.
    assert!(show(key, right).status.success());

    // On a terminal the PIN is asked for.
    let mut asked = Command::new("python3");
    asked.args(["-c", crate::secrets::TERMINAL, "PIN of token issuing: ", PIN]);
    asked
        .arg(programs::program("mdoc-issuer"))
        .args(["key", "show", key]);
    asked
        .current_dir(&token.space.0)
        .env("SOFTHSM2_CONF", &token.config);
    match asked.env("MDOC_PKCS11_MODULE", token.module).output() {
        Ok(output) => {
            let seen = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                output.status.success() && seen.contains("BEGIN PUBLIC KEY"),
                "{seen}"
            );
            assert!(!seen.contains(PIN), "{seen}");
        }
        Err(_) => not_done("the question for a PIN, for want of python3"),
    }

    // A label twice: made outside, since `key new` does not make a second one.
    let again = token.run(&["mdoc-issuer", "key", "new", "--key", key], right);
    assert!(
        words(&again).contains("the token has such a key already"),
        "{}",
        words(&again)
    );
    token.util(&[
        "--import",
        "pki/ds.key.pem",
        "--token",
        "issuing",
        "--label",
        "ds",
        "--id",
        "A1B2",
        "--pin",
        PIN,
    ]);
    let two = words(&show(key, right));
    assert!(
        two.contains("several private keys fit the URI\n  ") && two.contains("id=%A1%B2"),
        "{two}"
    );
    assert!(two.contains("hint: add the `id=`"), "{two}");
    assert!(show(&format!("{key};id=%A1%B2"), right).status.success());
    let listed = token.done(&["mdoc-issuer", "key", "list", "pkcs11:token=issuing"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let both = token.done(&["mdoc-issuer", "key", "list"]);
    assert!(
        both.contains("token=other") && both.contains("name one of them"),
        "{both}"
    );
    // The key of another certificate, in a token as in a file.
    let mut other = programs::issue("short/ds.pem", "pkcs11:token=issuing;id=%A1%B2", "new.mdoc");
    other.extend(["--valid-for", "5d"]);
    let other = token.run(&other, right);
    assert!(
        words(&other).contains("does not belong to the signer's certificate"),
        "{}",
        words(&other)
    );
    assert!(!token.space.0.join("new.mdoc").exists());
}
