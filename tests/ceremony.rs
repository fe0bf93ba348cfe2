//! docs/key-ceremony.md, run as it stands there.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::missing::not_done;
use crate::programs::{Workspace, program, run_command};

/// Where Debian and others put SoftHSM.
const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
];

#[test]
fn the_key_ceremony_can_be_held_as_it_is_written() {
    let module = MODULES.iter().find(|module| Path::new(module).is_file());
    let there = |name: &str| Command::new(name).arg("--version").output().is_ok();
    let (Some(module), true, true) = (module, there("softhsm2-util"), there("openssl")) else {
        not_done("the key ceremony, for want of SoftHSM (package softhsm2) or openssl");
        return;
    };
    let space = Workspace::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("docs/key-ceremony.md")).unwrap();
    let blocks: Vec<&str> = text
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 7, "the document has the blocks of the ceremony");

    let tokens = space.0.join("tokens");
    fs::create_dir(&tokens).unwrap();
    let configuration = space.0.join("softhsm2.conf");
    fs::write(
        &configuration,
        format!("directories.tokendir = {}\n", tokens.display()),
    )
    .unwrap();
    let bin = program("mdoc-issuer").parent().unwrap().to_owned();
    let here = space.0.join("ceremony");
    fs::create_dir(&here).unwrap();
    let script = format!(
        "set -eu\nexport PATH=\"{}:$PATH\" SOFTHSM2_CONF=\"{}\" MDOC_PKCS11_MODULE={module} MDOC_PKCS11_PIN=271828 SO_PIN=31415926\n\
         cd \"{}\"\n{}",
        bin.display(),
        configuration.display(),
        here.display(),
        blocks.join("\n")
    );
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(script);
    let output = run_command(shell, &space.0, b"");
    let (words, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{words}\n{errors}");
    for made in [
        "iaca/iaca.pem",
        "iaca/iaca.crl",
        "signer/ds.pem",
        "next/link.pem",
        "rehearsal.mdoc",
    ] {
        assert!(
            here.join(made).is_file(),
            "{made} was not made: {words}\n{errors}"
        );
    }
    assert!(words.contains("ACCEPTED"), "{words}");
    assert!(
        !words.contains("271828") && !errors.contains("271828"),
        "the PIN is shown"
    );
    let keys = fs::read_dir(&here).unwrap().flatten().map(|entry| entry.path());
    let in_files = keys.filter(|path| path.to_str().is_some_and(|name| name.ends_with(".key.pem")));
    assert_eq!(in_files.count(), 0, "no key of the ceremony is in a file");
}
