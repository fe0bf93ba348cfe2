//! What programs are told, whatever goes wrong.

use super::*;
use crate::programs::run_with;

const CODE: &str = "mdoc:owBjMS4wAYIB2BhYS6QBAiABIVggpHFsp0Ocdf2zWGPBoqWJNTdNbOgjBvgncFotcbbM8fAiWCACjoCrqq5-KJy7yAVb\
eaSL_61sB1l1zUQET2SP0ZOgEgKBgwIBpAD1AfUKUA8ODQwLCkAJiAcGBQQDAgELUAARIjNEVUBml4iqu8zd7v8";

/// A machine without Bluetooth.
const NOWHERE: [(&str, &str); 1] = [("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")];

fn told(space: &Workspace, arguments: &[&str]) -> Value {
    let output = run_with(&space.0, &[arguments, &["--json"]].concat(), &NOWHERE);
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {words}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["declined"], false);
    let message = told["message"].as_str().unwrap();
    assert!(
        !message.is_empty() && words.contains(message),
        "{message}: {words}"
    );
    told["code"].clone()
}

#[test]
fn whatever_goes_wrong_is_told_to_programs_by_a_reader_and_by_a_wallet() {
    let space = stage();
    let read = ["mdoc-verifier", "read", "--preset", "age-over-18", "--at", NOW];
    let trust = ["--trust", "pki/iaca.pem"];
    let code = ["--engagement", CODE];
    for (more, expected) in [
        ([&trust[..], &code].concat(), "radio.no-service"),
        (
            [&trust[..], &code, &["--radio", "gone"]].concat(),
            "command.failed",
        ),
        ([&["--trust", "gone.pem"][..], &code].concat(), "command.failed"),
        (
            [&trust[..], &["--engagement", "hello"]].concat(),
            "engagement.not-read",
        ),
    ] {
        assert_eq!(told(&space, &[&read[..], &more].concat()), expected, "{more:?}");
    }
    let present = [
        "mdoc-holder",
        "present",
        "--key",
        "wallet/device.key.pem",
        "--at",
        NOW,
    ];
    let document = ["--document", "met.mdoc"];
    for (more, expected) in [
        (document.to_vec(), "radio.no-service"),
        ([&document[..], &["--radio", "gone"]].concat(), "command.failed"),
        (vec!["--document", "gone.mdoc"], "command.failed"),
        (
            [&document[..], &["--radio", "air", "--timeout", "1s"]].concat(),
            "link.no-peer",
        ),
    ] {
        assert_eq!(
            told(&space, &[&present[..], &more].concat()),
            expected,
            "{more:?}"
        );
    }
}
