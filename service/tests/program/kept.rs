//! What is kept, told and forgotten: the trail, reports, people.

use std::process::Command;

use super::Folder;

#[test]
fn what_was_kept_of_a_trail_is_checked_with_the_database_and_without() {
    let folder = Folder::new("trail", "127.0.0.1:2");
    let (status, text) = folder.run(&["audit", "verify"]);
    assert_eq!(status, Some(0), "{text}");
    let keep = text.lines().last().unwrap().to_owned();
    folder.add("ada");
    let (status, text) = folder.run(&["audit", "verify", "--expect", &keep]);
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = folder.run(&["audit", "show"]);
    assert_eq!(status, Some(0), "{text}");
    std::fs::write(folder.0.join("trail.jsonl"), &text).unwrap();

    // Away from the service: nothing but the file.
    std::fs::remove_file(folder.0.join("service.toml")).unwrap();
    let check =
        |arguments: &[&str]| folder.run(&[&["audit", "verify", "--file", "trail.jsonl"], arguments].concat());
    let (status, words) = check(&["--expect", &keep]);
    assert_eq!(status, Some(0), "{words}");
    let count = text.lines().count();
    assert!(words.contains(&format!("{count} entries")), "{words}");
    let wrong = format!("2:{}", "0".repeat(64));
    let (status, words) = check(&["--expect", &wrong]);
    assert_eq!(status, Some(1), "{words}");
    assert!(words.contains("entry 2 has another digest"), "{words}");
    let far = format!("{}:{}", count + 1, "0".repeat(64));
    assert_eq!(check(&["--expect", &far]).0, Some(1));
    assert_eq!(check(&["--expect", "2"]).0, Some(2));
    std::fs::write(
        folder.0.join("trail.jsonl"),
        text.replace("person.add", "person.got"),
    )
    .unwrap();
    let (status, words) = check(&[]);
    assert_eq!(status, Some(1), "{words}");
    assert!(words.contains("was changed"), "{words}");
}

#[cfg(unix)]
#[test]
fn the_trail_has_the_account_of_who_names_an_operator() {
    let folder = Folder::new("account", "127.0.0.1:3");
    let number = Command::new("id").arg("-u").output().unwrap().stdout;
    let number = String::from_utf8(number).unwrap().trim().to_owned();
    let (status, text) = folder.run(&["role", "list", "--as", "administrator"]);
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = folder.run(&["client", "disable", "administrator", "--as", "administrator"]);
    assert_eq!(status, Some(0), "{text}");
    folder.add("ada");
    let (_, text) = folder.run(&["audit", "show"]);
    let entries: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [.., named, unnamed] = entries.as_slice() else {
        panic!("{text}")
    };
    assert!(named["who"].is_string() && unnamed["who"].is_null());
    for (entry, place) in [
        (named, "command line, "),
        (unnamed, "command line, "),
        (&entries[0], "set-up, "),
    ] {
        let from = entry["from"].as_str().unwrap();
        assert!(from.starts_with(place), "{from}");
        assert!(
            from.contains(&format!("({number})")) || from.contains(&format!("account {number}")),
            "{from}"
        );
    }
}

#[test]
fn reports_are_tables_lines_and_sheets() {
    let folder = Folder::new("reports", "127.0.0.1:1");
    folder.add("ada");
    let profile = "display_name = \"Club\"\nformat = \"loyalty-card\"\nissue_over_existing = true\n";
    std::fs::write(folder.0.join("club.toml"), profile).unwrap();
    assert_eq!(folder.run(&["profile", "set", "club", "club.toml"]).0, Some(0));
    for note in ["=1+1", "second"] {
        let request = [
            "request",
            "--person",
            "ada",
            "--profile",
            "club",
            "--delivery",
            "held",
        ];
        let (status, text) = folder.run(&[&request[..], &["--notes", note]].concat());
        assert_eq!(status, Some(0), "{text}");
    }
    let report = |more: &[&str]| {
        folder.run(
            &[
                &["report", "requests", "--person", "ada", "--sort", "serial"],
                more,
            ]
            .concat(),
        )
    };
    let (status, text) = report(&["--limit", "1"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.starts_with("serial "), "{text}");
    let (_, cursor) = text.trim_end().rsplit_once("There is more: --cursor ").unwrap();
    let (_, rest) = report(&["--cursor", cursor, "--json"]);
    let rest: serde_json::Value = serde_json::from_str(&rest).unwrap();
    assert_eq!(rest["rows"].as_array().unwrap().len(), 1);
    assert!(rest["next"].is_null());
    let (_, lines) = report(&["--all", "--json"]);
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((lines.len(), &lines[1]), (2, &rest["rows"][0]));

    assert_eq!(report(&["--csv", "requests.csv"]), (Some(0), String::new()));
    let sheet = std::fs::read_to_string(folder.0.join("requests.csv")).unwrap();
    assert!(sheet.starts_with("\u{feff}serial,person,logon_name,"), "{sheet}");
    assert_eq!(sheet.matches("\r\n").count(), 3, "{sheet}");
    assert!(sheet.contains(",'=1+1\r\n"), "{sheet}");
    assert_eq!(report(&["--csv", "-"]), (Some(0), sheet));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let kept = std::fs::metadata(folder.0.join("requests.csv")).unwrap();
        assert_eq!(kept.permissions().mode() & 0o777, 0o600);
    }
    let (status, text) = report(&["--csv", "requests.csv"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("is there already"), "{text}");
    let (status, text) = report(&["--platform", "ios"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.contains("platform: the report of requests has person, group"),
        "{text}"
    );
    assert!(!folder.0.join("requests.csv.part").exists());
}

#[test]
fn a_person_is_written_down_in_a_new_file_and_erased_by_name() {
    let folder = Folder::new("erased", "127.0.0.1:1");
    folder.add("ada");
    let export = ["person", "export", "ada"];
    let to_file = ["person", "export", "ada", "--out", "ada.json"];
    assert_eq!(folder.run(&to_file), (Some(0), String::new()));
    let read = || std::fs::read(folder.0.join("ada.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&read()).unwrap();
    assert_eq!(kept["person"]["given_name"], "Ada");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(folder.0.join("ada.json")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    let (status, text) = folder.run(&to_file);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("is there already"), "{text}");
    let (_, printed) = folder.run(&export);
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["person"], kept["person"]);
    // What was refused is not in the trail.
    let told = printed["audit"].as_array().unwrap();
    let told = told.iter().filter(|entry| entry["action"] == "person.export");
    assert_eq!(told.count(), 2);

    assert_eq!(folder.run(&["backup", "copy.db"]).0, Some(0));
    let (status, text) = folder.run(&["person", "erase", "ada", "--confirm", "ad"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("[field.invalid]"), "{text}");
    let (status, text) = folder.run(&["person", "erase", "ada", "--confirm", "ada"]);
    assert_eq!(status, Some(0), "{text}");
    let id = kept["person"]["id"].as_str().unwrap();
    assert_eq!(text, format!("{id} is nobody any more\n"));
    assert_eq!(folder.run(&export).0, Some(1));
    assert_eq!(folder.run(&["audit", "verify"]).0, Some(0));
    assert!(!folder.run(&["person", "list", "--json"]).1.contains("Ada"));

    // A copy from before has the person, and who restores it is told so.
    let (status, text) = folder.run(&["restore", "copy.db", "--replace"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(&format!("person.erase {id}")), "{text}");
}
