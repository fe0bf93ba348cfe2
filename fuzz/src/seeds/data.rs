//! Of formats, layouts, requests and people's data.

use mdoc_core::time::FullDate;
use mdoc_issuer::format::{Catalogue, sample};

use super::formats;

pub(crate) fn request_toml() -> Vec<Vec<u8>> {
    let text = "[[document]]\ndocType = \"org.iso.18013.5.1.mDL\"\n\n[document.elements.\"org.iso.18013.5.1\"]\n\
                family_name = false\nportrait = true\n";
    vec![
        text.as_bytes().to_vec(),
        format!("# two\n{text}{text}").into_bytes(),
    ]
}

pub(crate) fn vical_listing() -> Vec<Vec<u8>> {
    let text = "[[entry]]\ncertificate = \"nl.pem\" # beside this file\ndocTypes = [\"org.iso.18013.5.1.mDL\"]\n\
                issuingAuthority = \"RDW\"\nissuingCountry = \"NL\"\nstateOrProvinceName = \"NL-UT\"\n\
                certificateProfile = [\"urn:oid:1.0.18013.5.1.7\"]\n";
    vec![
        text.as_bytes().to_vec(),
        format!("{text}\n{text}").into_bytes(),
        b"entry = [{certificate = 'a', docTypes = []}]".to_vec(),
        b"entry = []".to_vec(),
    ]
}

pub(crate) fn format_xml() -> Vec<Vec<u8>> {
    let mut all = formats("", "xml");
    // Whole formats are longer than what is fuzzed: their beginnings, closed again.
    for format in formats("", "xml") {
        let text = String::from_utf8(format).unwrap();
        for keep in [1500, 3000] {
            let cut = text
                .char_indices()
                .map(|(at, _)| at)
                .take_while(|at| *at < keep)
                .last()
                .unwrap_or(0);
            let end = text[..cut].rfind("/>").map_or(0, |at| at + 2);
            all.push(format!("{}\n</namespace></document-format>", &text[..end]).into_bytes());
        }
    }
    all.extend(formats("samples/faulty", "xml"));
    all
}

pub(crate) fn badge_layout() -> Vec<Vec<u8>> {
    formats("layouts", "xml")
}

fn people() -> Vec<serde_json::Value> {
    let catalogue = Catalogue::shipped();
    let format = catalogue.format("iso-18013-5-mdl").unwrap();
    let today = FullDate::from_ymd(2026, 6, 1).unwrap();
    let mut person = sample::sample(format, "DE", today).unwrap();
    let small =
        serde_json::json!({"family_name": "A", "birth_date": "1990-02-29", "driving_privileges": [{}]});
    person.as_object_mut().unwrap().remove("portrait");
    vec![person, small]
}

pub(crate) fn person() -> Vec<Vec<u8>> {
    let mut all: Vec<_> = people().iter().map(|one| one.to_string().into_bytes()).collect();
    all.extend(formats("samples", "json"));
    all
}

pub(crate) fn batch_json() -> Vec<Vec<u8>> {
    let people = people();
    let lines: Vec<_> = people.iter().map(ToString::to_string).collect();
    vec![
        lines.join("\n").into_bytes(),
        b"{\"device_key\":\"\"}\n\n[]\n".to_vec(),
    ]
}

pub(crate) fn batch_csv() -> Vec<Vec<u8>> {
    [
        "document_number,family_name,given_name,birth_date,driving_privileges\n1,A,\"B \"\"C\"\"\",1990-01-02,\"[]\"\n2,D\n",
        ";document_number;family_name;device_key\n1;A;x\n",
        "family_name,family_name,nothing\n1,2,3\n",
        "\u{feff}given_name\r\nÅsa\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
