//! A badge goes with its document from the profile of the service to a file of the person's, by the programs. On SQLite, and on
//! PostgreSQL where `tests/postgres/run` started one.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use serde_json::{Value, json};

use crate::issuing::{Stage, command, fresh, good, text};

const PROFILE: &str = "display_name = \"Access badge\"\nformat = \"access-badge\"\ncopies = 3\n\
                       badge_layouts = [\"gate-front\", \"gate-back\"]\n";
/// A layout of the organisation's own, and a back that is nothing but bars.
const FRONT: &str = "side=\"front\" default=\"true\"><photo x=\"2\" y=\"2\" width=\"16\" height=\"20\"/>\
                     <text x=\"20\" y=\"5\" width=\"38\" size=\"10\">{given_name} {family_name}</text>";
const BACK: &str = "side=\"back\" back-of=\"gate-front\"><barcode type=\"code128\" x=\"2\" y=\"10\" width=\"56\" \
                    height=\"12\">{card_number}</barcode>";

fn layout(name: &str, rest: &str) -> String {
    format!(
        "<badge-layout xmlns=\"urn:mdoc-issuer:badge-layout:1\" name=\"{name}\" version=\"1\" display-name=\"Gate\" \
         format=\"access-badge\" width=\"60\" height=\"40\" {rest}</badge-layout>"
    )
}

/// What becomes of a command that is not to succeed: its status, and its words.
fn bad(stage: &Stage, arguments: &[&str]) -> (Option<i32>, String) {
    let arguments = [arguments, &["--config", "authority/service.toml"]].concat();
    let mut command = command(&stage.space.0, "mdoc-service", &arguments, stage.database());
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), text(&stderr))
}

fn delivered(database: Option<String>) {
    let stage = Stage::with(database, "layouts = \"layouts\"\n", |folder| {
        let layouts = folder.join("authority/layouts");
        fs::create_dir(&layouts).unwrap();
        fs::write(layouts.join("front.xml"), layout("gate-front", FRONT)).unwrap();
        fs::write(layouts.join("back.xml"), layout("gate-back", BACK)).unwrap();
    });
    let folder = stage.space.0.clone();
    let sample = include_str!("../document-formats/samples/access-badge.json");
    let mut attributes: Value = serde_json::from_str(sample).unwrap();
    for name in ["given_name", "family_name", "portrait"] {
        attributes.as_object_mut().unwrap().remove(name);
    }
    fs::write(folder.join("ada.json"), attributes.to_string()).unwrap();
    let portrait = include_bytes!("../document-formats/samples/portrait.jpg");
    fs::write(folder.join("ada.jpg"), portrait).unwrap();

    // Layouts that make no badge are refused, by the command as by the interface.
    fs::write(folder.join("bad.toml"), PROFILE.replace("\"gate-front\", ", "")).unwrap();
    let (status, words) = bad(&stage, &["profile", "set", "club", "bad.toml"]);
    assert_eq!(status, Some(1), "{words}");
    assert!(
        words.contains("gate-back is the back of gate-front, which is not among"),
        "{words}"
    );
    assert!(
        words.contains("[LayoutSelectionInvalid]") && words.contains("hint: "),
        "{words}"
    );
    fs::write(folder.join("club.toml"), PROFILE).unwrap();
    let requested = stage.requested();
    stage.service(&["person", "photo", "ada", "ada.jpg"]);
    good(stage.collect(&requested["offer"], "3"));

    let wallet = |arguments: &[&str]| {
        let output = good(command(
            &folder,
            "mdoc-holder",
            &[arguments, &["--json"]].concat(),
            None,
        ));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let record = wallet(&["list"])["records"][0].clone();
    assert_eq!(
        (&record["copies"], &record["badge"]),
        (&json!(3), &json!(["front", "back"]))
    );
    let id = record["id"].as_str().unwrap();
    for (file, side) in [("ada.svg", "front"), ("ada.png", "front"), ("back.PNG", "back")] {
        let written = wallet(&["show", id, "--badge", file, "--side", side]);
        assert_eq!(written["files"], json!([file]));
        let mode = fs::metadata(folder.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let svg = fs::read_to_string(folder.join("ada.svg")).unwrap();
    assert!(svg.contains("aria-label=\"Ada Lovelace\""), "{svg}");
    for file in ["ada.png", "back.PNG"] {
        let decoder = png::Decoder::new(Cursor::new(fs::read(folder.join(file)).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        // 60 by 40 mm at 300 dots per inch.
        assert_eq!((reader.info().width, reader.info().height), (709, 472));
        assert!(pixels.iter().any(|one| *one < 64) && pixels.iter().any(|one| *one > 192));
    }
    let show = ["show", id, "--badge", "ada.gif"];
    let none = command(&folder, "mdoc-holder", &show, None).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
    assert!(
        text(&none.stderr).contains("neither .svg nor .png"),
        "{}",
        text(&none.stderr)
    );

    // What a profile names may be gone later: that is found before somebody collects.
    stage.service(&["config", "check"]);
    fs::remove_file(folder.join("authority/layouts/back.xml")).unwrap();
    let (status, words) = bad(&stage, &["config", "check"]);
    assert_eq!(status, Some(2), "{words}");
    let expected = "profile club, version 1: badge_layouts: there is no layout \"gate-back\"";
    assert!(
        words.contains(expected) && words.contains("[LayoutSelectionInvalid]"),
        "{words}"
    );
    // A file that is no layout is no layout of a like name in its place.
    fs::write(folder.join("authority/layouts/front.xml"), "<badge-layout/>").unwrap();
    let (status, words) = bad(&stage, &["config", "check"]);
    assert_eq!(status, Some(2), "{words}");
    assert!(
        words.contains("front.xml: the layout has") && words.contains("hint: `mdoc-issuer badge check`"),
        "{words}"
    );
}

#[test]
fn a_wallet_collects_a_badge_with_the_document_and_exports_it() {
    delivered(None);
    match std::env::var("MDOC_TEST_POSTGRES") {
        Ok(url) => delivered(Some(fresh(&url))),
        Err(_) => eprintln!("NOT DONE on PostgreSQL: MDOC_TEST_POSTGRES is not set"),
    }
}
