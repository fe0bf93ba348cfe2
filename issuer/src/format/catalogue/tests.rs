use std::process::Command;

use serde_json::Value as Json;

use super::*;
use crate::format::fill::{Filled, IssuerFacts, Times, fill};
use crate::quality;
use mdoc_core::time::{FullDate, Timestamp};

const PORTRAIT: &[u8] = include_bytes!("../../../../document-formats/samples/portrait.jpg");
fn formats_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../document-formats")
}

fn facts(country: &str) -> IssuerFacts {
    IssuerFacts {
        country: country.to_owned(),
        jurisdiction: Some(format!("{country}-UT")),
        authority: None,
    }
}

fn times() -> Times {
    Times {
        valid_from: Timestamp::parse("2026-06-01T00:00:00Z").unwrap(),
        issue_date: FullDate::parse("2026-06-01").unwrap(),
    }
}

fn shipped() -> Vec<Format> {
    let catalogue = Catalogue::shipped();
    catalogue
        .entries()
        .iter()
        .map(|entry| entry.format.clone())
        .collect()
}

/// Data that come with a format: `samples/NAME.json`, or `samples/faulty/NAME.json`.
fn data(folder: &str, name: &str) -> Json {
    let file = formats_folder().join(folder).join(format!("{name}.json"));
    let text = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The names of the JSON files of a folder, without their ending.
fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(formats_folder().join(folder))
        .unwrap()
        .filter_map(|entry| {
            Some(
                entry
                    .unwrap()
                    .file_name()
                    .to_str()?
                    .strip_suffix(".json")?
                    .to_owned(),
            )
        })
        .collect();
    names.sort();
    names
}

/// The format filled from its sample; the drawn portrait goes where there is an element for it.
fn filled(name: &str) -> Filled {
    let catalogue = Catalogue::shipped();
    let format = catalogue.format(name).unwrap();
    let portrait = format
        .elements()
        .any(|(_, element)| element.identifier == "portrait")
        .then_some(PORTRAIT);
    fill(format, &data("samples", name), portrait, &facts("NL"), &times())
        .unwrap_or_else(|errors| panic!("{name}: {errors}"))
}

/// A folder of its own for one test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mdoc-catalogue-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, file: &str, content: &str) {
        fs::write(self.0.join(file), content).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_shipped_format_is_read_and_named_like_its_file() {
    let catalogue = Catalogue::shipped();
    assert_eq!(catalogue.problems(), []);
    for ((file, _), entry) in SHIPPED.iter().zip(catalogue.entries()) {
        assert_eq!(file.strip_suffix(".xml"), Some(entry.format.name.as_str()));
    }
    let mut files: Vec<String> = fs::read_dir(formats_folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".xml"))
        .collect();
    files.sort();
    let mut shipped = SHIPPED.map(|(file, _)| file.to_owned());
    shipped.sort();
    assert_eq!(files, shipped, "a format in the folder is not embedded");
}

#[test]
fn every_sample_fills_its_format_and_passes_the_gate() {
    let mut formats: Vec<String> = shipped().into_iter().map(|format| format.name).collect();
    formats.sort();
    assert_eq!(
        names("samples"),
        formats,
        "each format has a sample, and each sample a format"
    );
    for name in formats {
        let filled = filled(&name);
        let findings = quality::check(&filled, &facts("NL"), times().valid_from);
        assert_eq!(
            (findings.as_slice(), filled.warnings.as_slice()),
            ([].as_slice(), [].as_slice()),
            "{name}"
        );
    }
}

#[test]
fn every_faulty_sample_fails_in_five_ways_that_are_told_at_once() {
    assert_eq!(names("samples/faulty"), names("samples"));
    for format in shipped() {
        let data = data("samples/faulty", &format.name);
        let errors = fill(&format, &data, None, &facts("NL"), &times()).unwrap_err();
        let mut faults: Vec<(&str, &str)> = errors
            .0
            .iter()
            .map(|error| (error.problem.code(), error.field.as_str()))
            .collect();
        faults.sort_unstable();
        // Of a proof of age the data state so little that two of its five faults are of one kind.
        if format.name != "eu-age-verification" {
            faults.dedup_by_key(|(code, _)| *code);
        }
        faults.dedup();
        assert!(faults.len() >= 5, "{}: {faults:?}", format.name);
    }
}

#[test]
fn the_full_mdl_has_every_element_and_the_partial_one_only_the_mandatory() {
    let full = filled("iso-18013-5-mdl");
    let missing: Vec<&str> = Catalogue::shipped()
        .format("iso-18013-5-mdl")
        .unwrap()
        .elements()
        .map(|(_, element)| element.identifier.clone())
        .filter(|i| full.element("org.iso.18013.5.1", i).is_none())
        .filter(|i| !i.starts_with("biometric_template_") && !i.ends_with("NN"))
        .map(|i| {
            if i == "signature_usual_mark" {
                "signature_usual_mark"
            } else {
                "another"
            }
        })
        .collect();
    assert_eq!(missing, ["signature_usual_mark"], "the sample lacks an element");
    assert_eq!(filled("partial-iso-18013-5").elements().count(), 11 + 6);
}

#[test]
fn the_schema_agrees_with_the_reader() {
    if Command::new("xmllint").arg("--version").output().is_err() {
        eprintln!("xmllint is not installed, nothing compared");
        return;
    }
    let valid = |file: &Path| {
        let schema = formats_folder().join("document-format.xsd");
        let args = ["--noout", "--nonet", "--schema"];
        Command::new("xmllint")
            .args(args)
            .arg(schema)
            .arg(file)
            .output()
            .unwrap()
            .status
            .success()
    };
    for (file, _) in SHIPPED {
        assert!(valid(&formats_folder().join(file)), "{file}");
    }
    let folder = Folder::new("schema");
    folder.write(
        "start.xml",
        &crate::format::start::start("staff", "com.example.staff.1", "Staff").unwrap(),
    );
    assert!(valid(&folder.0.join("start.xml")), "the start of a format");
    let good = SHIPPED[0].1;
    for (from, to) in [
        ("type=\"bool\"", "type=\"boolean\""),
        ("ages=\"16 18 21 25 60 65\"", "ages=\"16 118\""),
        ("derive=\"expiry\"", "derive=\"expires\""),
        ("identifier=\"given_name\"", "identifier=\"family_name\""),
        ("<namespace ", "<name-space "),
    ] {
        let bad = good.replacen(from, to, 1).replace(
            "</namespace>",
            if to.starts_with('<') {
                "</name-space>"
            } else {
                "</namespace>"
            },
        );
        folder.write("bad.xml", &bad);
        assert!(!valid(&folder.0.join("bad.xml")), "the schema accepts {to}");
        assert!(Format::read(bad.as_bytes()).is_err(), "the reader accepts {to}");
    }
}

#[test]
fn a_folder_adds_formats_and_tells_clashes_and_faults() {
    let folder = Folder::new("adds");
    let own = SHIPPED[0]
        .1
        .replace("name=\"partial-iso-18013-5\"", "name=\"club-card\"");
    folder.write("a-club.xml", &own);
    folder.write("b-club.xml", &own);
    folder.write("broken.xml", "<document-format/>");
    folder.write(
        "eu-pid.xml",
        &SHIPPED[2].1.replace("version=\"1.0\"\n", "version=\"9\"\n"),
    );
    folder.write("notes.txt", "not looked at");
    let catalogue = Catalogue::shipped().with_folder(&folder.0).unwrap();
    let names: Vec<&str> = catalogue
        .entries()
        .iter()
        .map(|entry| entry.format.name.as_str())
        .collect();
    assert_eq!(
        names,
        SHIPPED
            .iter()
            .filter_map(|(file, _)| file.strip_suffix(".xml"))
            .chain(["club-card"])
            .collect::<Vec<_>>()
    );
    assert_eq!(catalogue.format("eu-pid").unwrap().version, "9");
    assert_eq!(
        catalogue.entries()[SHIPPED.len()].file.as_ref().unwrap(),
        &folder.0.join("b-club.xml")
    );
    let told: Vec<&str> = catalogue
        .problems()
        .iter()
        .map(|problem| match problem {
            Problem::Replaces { replaced: None, .. } => "replaces shipped",
            Problem::Replaces { .. } => "replaces",
            Problem::Faulty { .. } => "faulty",
            Problem::Unreadable { .. } => "unreadable",
        })
        .collect();
    assert_eq!(told, ["replaces", "faulty", "replaces shipped"]);
    assert_eq!(catalogue.nearest("clubcard"), Some("club-card"));
    assert_eq!(catalogue.nearest("passport"), None);
}

/// The first code block of this language in the README of the formats, without its indentation.
fn readme_block(language: &str) -> String {
    let readme = include_str!("../../../../document-formats/README.md");
    let start = readme.find(&format!("```{language}\n")).unwrap() + language.len() + 4;
    readme[start..]
        .split("```")
        .next()
        .unwrap()
        .replace("\n   ", "\n")
        .trim_start()
        .to_owned()
}

#[test]
fn the_example_of_the_readme_works() {
    let format = Format::read(readme_block("xml").as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    let data: Json = serde_json::from_str(&readme_block("json")).unwrap();
    let times = Times {
        valid_from: Timestamp::parse("2026-06-01T00:00:00Z").unwrap(),
        issue_date: FullDate::parse("2026-06-01").unwrap(),
    };
    let filled = fill(&format, &data, None, &facts("NL"), &times).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(quality::check(&filled, &facts("NL"), times.valid_from), []);
    let identifiers: Vec<&str> = filled.elements().map(|(_, identifier, _)| identifier).collect();
    assert_eq!(
        identifiers,
        [
            "family_name",
            "level",
            "halls",
            "age_over_18",
            "issue_date",
            "expiry_date"
        ]
    );
}

#[test]
fn the_readme_and_the_schema_name_every_derivation_and_type() {
    let readme = include_str!("../../../../document-formats/README.md");
    let schema = include_str!("../../../../document-formats/document-format.xsd");
    for name in crate::format::derive::Derivation::NAMES
        .iter()
        .chain(&crate::format::types::ValueType::NAMES)
    {
        assert!(readme.contains(&format!("| `{name}` |")), "{name}");
        assert!(
            schema.contains(&format!("<xs:enumeration value=\"{name}\"/>")),
            "{name}"
        );
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let error = Catalogue::shipped()
        .with_folder(Path::new("/nowhere/at/all"))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the folder of formats /nowhere/at/all cannot be listed"
    );
}

#[test]
fn a_shipped_format_is_found_by_its_name_without_reading_the_others() {
    for format in shipped() {
        assert_eq!(Catalogue::shipped_format(&format.name), Some(format));
    }
    for name in ["", "eu-pid.xml", "EU-PID", "no-such-format"] {
        assert_eq!(Catalogue::shipped_format(name), None, "{name}");
    }
}
