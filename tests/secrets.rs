//! Passphrases of key files and PINs, as a user gives them: by the environment, by a file, on a terminal.

use std::fs;
use std::process::{Command, Output};

use mdoc_core::keys::{KeyError, secret_from_file, secret_from_pem};

use crate::missing::not_done;
use crate::programs::{self, Workspace};

const PASSPHRASE: &str = "correct horse";

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(space: &Workspace, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let output = programs::run_with(&space.0, arguments, environment);
    assert!(!words(&output).contains(PASSPHRASE), "{}", words(&output));
    output
}

fn issue(key: &str) -> Vec<&str> {
    programs::issue("pki/ds.pem", key, "new.mdoc")
}

#[test]
fn a_key_with_a_passphrase_signs() {
    let space = Workspace::new();
    let plain = fs::read_to_string(space.0.join("pki/ds.key.pem")).unwrap();
    let given: &[(&str, &str)] = &[("MDOC_KEY_PASSPHRASE", PASSPHRASE)];
    let encrypt = [
        "mdoc-issuer",
        "key",
        "encrypt",
        "pki/ds.key.pem",
        "--out",
        "ds.key.pem",
    ];
    let made = run(&space, &encrypt, given);
    assert!(made.status.success(), "{}", words(&made));
    let file = space.0.join("ds.key.pem");
    let text = fs::read(&file).unwrap();
    assert_eq!(secret_from_file(&text).unwrap_err(), KeyError::Encrypted);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    fs::write(space.0.join("secret"), format!("{PASSPHRASE}\n")).unwrap();
    programs::mode(&space.0.join("secret"), 0o600);
    for environment in [given, &[("MDOC_KEY_PASSPHRASE_FILE", "secret")]] {
        let issued = run(&space, &issue("ds.key.pem"), environment);
        assert!(issued.status.success(), "{}", words(&issued));
        fs::remove_file(space.0.join("new.mdoc")).unwrap();
    }
    for (environment, sentence) in [
        (&[][..], "ds.key.pem is encrypted, and no passphrase was given"),
        (
            &[("MDOC_KEY_PASSPHRASE", "wrong")],
            "the passphrase does not open the private key",
        ),
        (&[("MDOC_KEY_PASSPHRASE", "")], "MDOC_KEY_PASSPHRASE is empty"),
        (
            &[("MDOC_KEY_PASSPHRASE_FILE", "nowhere")],
            "nowhere, named by MDOC_KEY_PASSPHRASE_FILE, cannot be read",
        ),
        (
            &[("MDOC_KEY_PASSPHRASE_FILE", "person.json")],
            "can be used by others than its owner",
        ),
    ] {
        let refused = run(&space, &issue("ds.key.pem"), environment);
        assert_eq!(refused.status.code(), Some(2));
        assert!(words(&refused).contains(sentence), "{}", words(&refused));
        assert!(words(&refused).contains("\nhint: "));
        assert!(!space.0.join("new.mdoc").exists());
    }
    // Another passphrase in place, and then none.
    let change = run(
        &space,
        &["mdoc-issuer", "key", "encrypt", "ds.key.pem", "--kdf", "pbkdf2"],
        &[
            ("MDOC_KEY_PASSPHRASE", PASSPHRASE),
            ("MDOC_KEY_NEW_PASSPHRASE", "another"),
        ],
    );
    assert!(change.status.success(), "{}", words(&change));
    let old = run(&space, &issue("ds.key.pem"), given);
    assert!(words(&old).contains("does not open"), "{}", words(&old));
    let decrypt = ["mdoc-issuer", "key", "decrypt", "ds.key.pem"];
    assert!(
        run(&space, &decrypt, &[("MDOC_KEY_PASSPHRASE", "another")])
            .status
            .success()
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), plain);
}

#[test]
fn new_keys_are_read_by_openssl() {
    let space = Workspace::new();
    for curve in ["P-256", "P-384", "P-521", "Ed25519"] {
        let name = format!("{curve}.key.pem");
        let new = [
            "mdoc-issuer",
            "key",
            "new",
            "--key",
            &name,
            "--curve",
            curve,
            "--encrypt",
            "--public",
            "public.pem",
            "--force",
        ];
        let made = run(&space, &new, &[("MDOC_KEY_NEW_PASSPHRASE", PASSPHRASE)]);
        assert!(made.status.success(), "{}", words(&made));
        let mut openssl = Command::new("openssl");
        let pass = format!("pass:{PASSPHRASE}");
        openssl
            .args(["pkey", "-in", &name, "-passin", &pass, "-pubout"])
            .current_dir(&space.0);
        let Ok(output) = openssl.output() else {
            not_done("openssl reading new keys, as it is not installed");
            return;
        };
        assert!(output.status.success(), "{}", words(&output));
        assert_eq!(
            output.stdout,
            fs::read(space.0.join("public.pem")).unwrap(),
            "{curve}"
        );
    }
}

/// Runs a command on a terminal of its own, answers each question, and gives all that was seen.
pub(crate) const TERMINAL: &str = r#"
import os, pty, sys, select, termios, time
questions = sys.argv[1].split("|"); answers = sys.argv[2].split("|"); command = sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.execv(command[0], command)
seen, end = b"", time.time() + 60
asked = 0
while time.time() < end:
    ready, _, _ = select.select([terminal], [], [], 1)
    if not ready: continue
    try: part = os.read(terminal, 4096)
    except OSError: break
    if not part: break
    seen += part
    if asked < len(questions) and questions[asked].encode() in seen:
        # The question is there before what is answered is hidden.
        while termios.tcgetattr(terminal)[3] & termios.ECHO and time.time() < end: time.sleep(0.01)
        os.write(terminal, answers[asked].encode() + b"\n"); asked += 1
else:
    os.kill(child, 9)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[test]
fn on_a_terminal_the_passphrase_is_asked_for_and_not_shown() {
    let space = Workspace::new();
    let terminal = |questions: &str, answers: &str, arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.args(["-c", TERMINAL, questions, answers]);
        command.arg(programs::program(arguments[0])).args(&arguments[1..]);
        command.current_dir(&space.0).output()
    };
    let encrypt = [
        "mdoc-issuer",
        "key",
        "encrypt",
        "pki/ds.key.pem",
        "--out",
        "ds.key.pem",
    ];
    let questions = "New passphrase for ds.key.pem: |The same once more: ";
    let Ok(made) = terminal(questions, &format!("{PASSPHRASE}|{PASSPHRASE}"), &encrypt) else {
        not_done("questions on a terminal, for want of python3");
        return;
    };
    let seen = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success(), "{seen}{}", words(&made));
    assert!(seen.contains("once more") && !seen.contains(PASSPHRASE), "{seen}");

    let decrypt = [
        "mdoc-issuer",
        "key",
        "decrypt",
        "ds.key.pem",
        "--out",
        "plain.key.pem",
    ];
    let opened = terminal("Passphrase of ds.key.pem: ", PASSPHRASE, &decrypt).unwrap();
    let seen = String::from_utf8_lossy(&opened.stdout).into_owned();
    assert!(opened.status.success() && !seen.contains(PASSPHRASE), "{seen}");
    let plain = fs::read_to_string(space.0.join("plain.key.pem")).unwrap();
    assert!(secret_from_pem(&plain).is_ok());

    let questions = "New passphrase for plain.key.pem: |The same once more: ";
    let change = ["mdoc-issuer", "key", "encrypt", "plain.key.pem"];
    let differ = terminal(questions, "one|two", &change).unwrap();
    let seen = String::from_utf8_lossy(&differ.stdout).into_owned();
    assert_eq!(differ.status.code(), Some(2), "{seen}");
    assert!(seen.contains("the two passphrases differ"), "{seen}");
    assert_eq!(fs::read_to_string(space.0.join("plain.key.pem")).unwrap(), plain);
}
