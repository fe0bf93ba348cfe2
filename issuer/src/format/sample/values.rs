//! Values to choose from, by type and by what the name of an element suggests.

use base64ct::{Base64, Encoding};
use mdoc_core::time::FullDate;
use serde_json::{Map, Value as Json};

use super::matching::matching;
use crate::format::codes::{self, CodeTable};
use crate::format::types::{ArrayRules, BytesRules, MapRules, TextRules, UintRules, ValueType};
use crate::photo::ImageKind;

/// The drawn portrait that is shipped with the formats.
const PORTRAIT: &[u8] = include_bytes!("../../../../document-formats/samples/portrait.jpg");
/// The issuing authority of every sample.
pub(super) const AUTHORITY: &str = "Example Authority";
/// The person of every sample was born on this day.
const BORN: &str = "1994-05-17";
/// The day of everything of which the name says nothing about when it was.
const SOME_DAY: &str = "2020-03-14";

/// A state of the country, in the form of ISO 3166-2.
pub(super) fn jurisdiction(country: &str) -> String {
    format!("{country}-UT")
}

/// What values are made from, besides a type.
pub(super) struct Values<'c> {
    /// The issuing country, and the only one in the data.
    pub(super) country: &'c str,
    /// The day of issue.
    pub(super) today: FullDate,
}

impl Values<'_> {
    /// Values for an element or member of this name, the most plausible first; some may not suit the type.
    pub(super) fn candidates(&self, name: &str, value_type: &ValueType) -> Vec<Json> {
        match value_type {
            ValueType::Text(rules) => self.texts(name, rules).into_iter().map(Json::from).collect(),
            ValueType::FullDate | ValueType::TdateOrFullDate => vec![Json::from(self.date(name))],
            ValueType::Tdate => vec![Json::from(format!("{}T00:00:00Z", self.date(name)))],
            ValueType::Bytes(rules) => vec![Json::from(bytes(rules))],
            ValueType::Uint(rules) => self.numbers(name, rules).into_iter().map(Json::from).collect(),
            ValueType::Bool => vec![Json::from(over_age(name).is_none_or(|nn| self.age() >= nn))],
            ValueType::Array(rules) => self.array(name, rules),
            ValueType::Map(rules) => vec![self.map(rules)],
        }
    }

    fn array(&self, name: &str, rules: &ArrayRules) -> Vec<Json> {
        let count = rules.min_items.max(1).min(rules.max_items);
        let of = |item: Json| Json::Array(vec![item; count]);
        self.candidates(name, &rules.item).into_iter().map(of).collect()
    }

    fn map(&self, rules: &MapRules) -> Json {
        let mut members = Map::new();
        for member in &rules.members {
            let best = self
                .candidates(&member.name, &member.value_type)
                .into_iter()
                .find(|json| suits(&member.value_type, json));
            if let Some(json) = best {
                members.insert(member.name.clone(), json);
            }
        }
        Json::Object(members)
    }

    fn texts(&self, name: &str, rules: &TextRules) -> Vec<String> {
        let known = self.known_text(name);
        if let Some(table) = &rules.codes {
            let mut texts: Vec<String> = known.into_iter().collect();
            texts.extend(preferred(table, self.country));
            texts.extend(table.codes.iter().map(|code| code.value.clone()));
            return texts;
        }
        let label = format!("Example {}", name.replace(['_', '-', '.'], " "));
        let mut texts: Vec<String> = known
            .into_iter()
            .chain([label])
            .flat_map(|text| [text.clone(), fitted(&text, rules)])
            .collect();
        if let Some(pattern) = &rules.pattern {
            // The fewest repetitions that the pattern allows, then more of them for the sake of the length.
            texts.extend(
                (0..=3)
                    .chain([rules.min_length])
                    .filter_map(|more| matching(pattern, more)),
            );
        }
        texts
    }

    fn known_text(&self, name: &str) -> Option<String> {
        let has = |part: &str| name.contains(part);
        let text = match name {
            "issuing_jurisdiction" | "issuing_subdivision" => return Some(jurisdiction(self.country)),
            "un_distinguishing_sign" => {
                return Some(codes::sign_of(self.country).unwrap_or_default().to_owned());
            }
            "nationality" => return Some(self.country.to_owned()),
            _ if name.ends_with("country") => return Some(self.country.to_owned()),
            "vehicle_category_code" => "B",
            "code" => "S01",
            "sign" => "<=",
            "value" => "3500",
            "unit" => "kg",
            _ if has("issuing_authority") => AUTHORITY,
            _ if has("family_name") || has("surname") || has("name_at_birth") => "de Vries",
            _ if has("given_name") || has("first_name") => "Anna Maria",
            _ if has("house_number") => "12",
            _ if name.ends_with("_code") && !has("postal") => "X1",
            _ if has("phone") => "+31000000000",
            _ if has("number") => "EX-0001-2345",
            _ if has("email") => "anna.devries@example.com",
            _ if has("address") => "Lindelaan 12, 3511 AB Utrecht",
            _ if has("street") => "Lindelaan",
            _ if has("postal_code") => "3511 AB",
            _ if has("city") || has("locality") || has("place") => "Utrecht",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn numbers(&self, name: &str, rules: &UintRules) -> Vec<u64> {
        let known = match name {
            "height" => Some(171),
            "weight" => Some(66),
            "engine_power" => Some(74),
            "engine_capacity" => Some(1199),
            _ if name.contains("mass") => Some(1820),
            "age_in_years" => Some(u64::from(self.age())),
            "age_birth_year" => FullDate::parse(BORN).ok().map(|born| u64::from(born.year())),
            _ => None,
        };
        let codes = rules.codes.iter().flat_map(|table| &table.codes);
        let codes = codes.filter_map(|code| code.value.parse().ok());
        known
            .into_iter()
            .chain(codes)
            .chain([1, rules.min, rules.max])
            .collect()
    }

    fn date(&self, name: &str) -> String {
        if name.contains("birth") {
            BORN.to_owned()
        } else if name.contains("expir") {
            self.today.plus_years(5).to_string()
        } else if name.starts_with("issu") {
            self.today.to_string()
        } else {
            SOME_DAY.to_owned()
        }
    }

    fn age(&self) -> u16 {
        FullDate::parse(BORN).map_or(0, |born| born.years_until(self.today))
    }
}

/// Whether a type takes a value.
fn suits(value_type: &ValueType, json: &Json) -> bool {
    let mut converter = super::Converter::default();
    converter.convert("", value_type, json);
    converter.errors.is_empty()
}

/// The value of a built-in table that goes with the country.
fn preferred(table: &CodeTable, country: &str) -> Option<String> {
    match table.name.as_str() {
        codes::COUNTRY => Some(country.to_owned()),
        codes::UN_DISTINGUISHING_SIGN => codes::sign_of(country).map(str::to_owned),
        _ => None,
    }
}

/// The text shortened or lengthened until it has as many characters as it may.
fn fitted(text: &str, rules: &TextRules) -> String {
    let mut fitted: String = text.chars().take(rules.max_length).collect();
    let missing = rules.min_length.saturating_sub(fitted.chars().count());
    fitted.extend(core::iter::repeat_n('x', missing));
    fitted
}

fn bytes(rules: &BytesRules) -> String {
    let bytes: &[u8] = match rules.images.as_slice() {
        [] => b"Example",
        images if images.contains(&ImageKind::Jpeg) => PORTRAIT,
        _ => &[0xff, 0x4f, 0xff, 0x51],
    };
    let most = if rules.images.is_empty() {
        rules.max_bytes
    } else {
        bytes.len()
    };
    let bytes: Vec<u8> = bytes.iter().copied().take(most).collect();
    Base64::encode_string(&bytes)
}

/// The NN of an identifier that ends with `_over_NN`.
fn over_age(name: &str) -> Option<u16> {
    let (_, digits) = name.rsplit_once("_over_")?;
    digits.parse().ok()
}
