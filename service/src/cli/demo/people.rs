//! Two hundred people who do not exist: their family names say "example" in ten languages.

use mdoc_cli::Failure;
use mdoc_service::domain::person::Details;
use mdoc_service::making::photograph;
use serde_json::{Map, Value, json};

/// How many.
pub(super) const COUNT: usize = GIVEN.len() * FAMILY.len();

const GIVEN: [&str; 20] = [
    "Aline", "Bram", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kavya", "Luca",
    "Maren", "Nuno", "Olga", "Pavel", "Quirin", "Rosa", "Sven", "Tala",
];
const FAMILY: [&str; 10] = [
    "Example",
    "Mustermann",
    "Voorbeeld",
    "Exemple",
    "Esempio",
    "Ejemplo",
    "Exemplo",
    "Esimerkki",
    "Przykład",
    "Exempel",
];

/// The member of a list, which is as long as it takes.
fn of(list: &[&'static str], at: usize) -> &'static str {
    list.get(at % list.len().max(1)).copied().unwrap_or_default()
}

/// What is entered of the person of that number, from 0.
pub(super) fn details(number: usize) -> Details {
    let (given, family) = (of(&GIVEN, number), of(&FAMILY, number / GIVEN.len()));
    let logon = format!("person{:03}", number + 1);
    Details {
        given_name: given.to_owned(),
        family_name: family.to_owned(),
        email: Some(format!("{logon}@example.org")),
        // Numbers that nobody has (Ofcom, for drama).
        mobile_phone: Some(format!("+441632960{number:03}")),
        user_data_approved: true,
        attributes: attributes(number, (given, family)),
        logon_name: logon,
        ..Details::default()
    }
}

/// Whatever the documents of all profiles need. Formats differ in what a nationality is: one, or several. So those with an
/// even number have the former and can have a photo ID, and the others the latter and a PID.
fn attributes(number: usize, (given, family): (&str, &str)) -> Map<String, Value> {
    let birth = format!(
        "{}-{:02}-{:02}",
        1950 + number * 7 % 55,
        1 + number % 12,
        1 + number * 11 % 28
    );
    let nationality = if number.is_multiple_of(2) {
        json!("NL")
    } else {
        json!(["NL"])
    };
    let value = json!({
        "birth_date": birth,
        "birth_year": birth.get(..4),
        "sex": 1 + number % 2,
        "nationality": nationality,
        "place_of_birth": { "country": "NL", "locality": "Voorbeeldstad" },
        "resident_country": "NL",
        "resident_city": "Voorbeeldstad",
        "document_number": format!("EX-{:06}", number + 1),
        "issuing_authority": "Example Authority",
        "driving_privileges": [
            { "vehicle_category_code": "B", "issue_date": "2024-03-01", "expiry_date": "2034-03-01" }
        ],
        "family_name_unicode": family,
        "given_name_unicode": given,
        "issuing_authority_unicode": "Example Authority",
        "organisation": "Example Energy",
        "department": "Operations",
        "site": "Plant North",
        "zones": ["lobby", "workshop"],
        "card_number": format!("{:010}", 4_000_000 + number),
        "facility_code": 117,
        "member_number": format!("LC-{:04}", number + 1),
        "level": of(&["basic", "silver", "gold"], number),
        "points": number * 37,
        "agency": "Example Inspectorate",
        "office": "Inspector",
        "warrant_number": format!("WI-{:04}", number + 1),
        "powers": ["inspect"],
    });
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

const WIDTH: u32 = 180;
const HEIGHT: u32 = 240;

/// A drawn face, another one for each number, as documents have it.
pub(super) fn portrait(number: usize) -> Result<Vec<u8>, Failure> {
    let bad = |why: String| Failure::new(format!("a portrait could not be drawn: {why}"));
    let mut pixels = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            pixels.extend_from_slice(&colour(
                number,
                f64::from(x) / f64::from(WIDTH),
                f64::from(y) / f64::from(HEIGHT),
            ));
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .map_err(|why| bad(why.to_string()))?;
    photograph(&file).map_err(|why| bad(why.to_string()))
}

/// Shoulders, neck, hair, head, eyes and mouth, from the back to the front; from 0 to 1 in both directions.
fn colour(number: usize, x: f64, y: f64) -> [u8; 3] {
    const SKIN: [[u8; 3]; 5] = [
        [244, 212, 188],
        [222, 178, 144],
        [188, 138, 100],
        [140, 96, 66],
        [96, 64, 46],
    ];
    const HAIR: [[u8; 3]; 4] = [[40, 30, 26], [98, 62, 34], [190, 150, 80], [150, 150, 154]];
    const COAT: [[u8; 3]; 6] = [
        [44, 62, 96],
        [110, 40, 52],
        [50, 88, 62],
        [70, 70, 78],
        [120, 92, 40],
        [84, 56, 104],
    ];
    let pick = |list: &[[u8; 3]], at: usize| list.get(at % list.len().max(1)).copied().unwrap_or_default();
    let within =
        |cx: f64, cy: f64, rx: f64, ry: f64| ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) <= 1.0;
    let skin = pick(&SKIN, number / 3);
    let wide = [0.20, 0.22, 0.24].get(number % 3).copied().unwrap_or(0.22);
    let eyes = within(0.42, 0.43, 0.022, 0.016) || within(0.58, 0.43, 0.022, 0.016);
    if eyes {
        [34, 34, 40]
    } else if within(0.5, 0.565, 0.07, 0.012) {
        [168, 84, 80]
    } else if within(0.5, 0.46, wide, 0.205) && y > 0.33 {
        skin
    } else if within(0.5, 0.40, wide + 0.035, 0.20) {
        pick(&HAIR, number / 2)
    } else if within(0.5, 0.66, 0.09, 0.12) {
        skin
    } else if within(0.5, 1.0, 0.40, 0.26) {
        pick(&COAT, number)
    } else {
        [214, 220, 226]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn they_are_two_hundred_and_each_is_another_one() {
        let names: BTreeSet<_> = (0..COUNT)
            .map(|number| {
                let person = details(number);
                person.check().unwrap();
                (person.given_name, person.family_name)
            })
            .collect();
        assert_eq!((COUNT, names.len()), (200, 200));
        assert!(portrait(0).unwrap().starts_with(&[0xff, 0xd8]));
        assert_ne!(portrait(0).unwrap(), portrait(1).unwrap());
    }
}
