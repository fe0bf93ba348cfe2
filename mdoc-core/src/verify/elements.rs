//! The step about the data elements of a driving licence: types and values of ISO/IEC 18013-5, 7.2.

use super::check::Check;
use super::items::Released;
use super::reason::{Code, Detail, Why};
use super::report::Steps;
use super::{MDL_DOC_TYPE, MDL_NAME_SPACE};
use crate::cbor::Item;
use crate::present::age_threshold;
use crate::time::{FullDate, Timestamp};
use crate::value::{TAG_FULL_DATE, TAG_TDATE};

/// What an element has to be.
enum Shape {
    /// At most 150 characters of ISO/IEC 8859-1.
    Latin,
    /// Any text.
    Text,
    /// Two upper-case letters.
    Country,
    /// A code of ISO 3166-2.
    Subdivision,
    FullDate,
    /// `tdate` or `full-date`.
    Date,
    Unsigned,
    Boolean,
    Bytes,
    /// JPEG or JPEG 2000.
    Picture,
    OneOf(&'static [&'static str]),
    Sex,
    Privileges,
}

const EYES: &[&str] = &[
    "black",
    "blue",
    "brown",
    "dichromatic",
    "grey",
    "green",
    "hazel",
    "maroon",
    "pink",
    "unknown",
];
const HAIR: &[&str] = &[
    "bald", "black", "blond", "brown", "grey", "red", "auburn", "sandy", "white", "unknown",
];

fn shape_of(identifier: &str) -> Option<Shape> {
    Some(match identifier {
        "family_name"
        | "given_name"
        | "issuing_authority"
        | "document_number"
        | "administrative_number"
        | "birth_place"
        | "resident_address"
        | "resident_street"
        | "resident_city"
        | "resident_state"
        | "resident_postal_code" => Shape::Latin,
        "family_name_national_character" | "given_name_national_character" | "un_distinguishing_sign" => {
            Shape::Text
        }
        "issuing_country" | "nationality" | "resident_country" => Shape::Country,
        "issuing_jurisdiction" => Shape::Subdivision,
        "birth_date" => Shape::FullDate,
        "issue_date" | "expiry_date" | "portrait_capture_date" => Shape::Date,
        "height" | "weight" | "age_in_years" | "age_birth_year" => Shape::Unsigned,
        "portrait" | "signature_usual_mark" => Shape::Picture,
        "sex" => Shape::Sex,
        "eye_colour" => Shape::OneOf(EYES),
        "hair_colour" => Shape::OneOf(HAIR),
        "driving_privileges" => Shape::Privileges,
        _ if age_threshold(identifier).is_some() => Shape::Boolean,
        _ if identifier.starts_with("biometric_template_") => Shape::Bytes,
        _ => return None,
    })
}

/// What is wrong with a value: its type, or what it says.
enum Wrong {
    Type(&'static str),
    Value(&'static str),
}

pub(super) fn inspect(released: &[Released<'_>], doc_type: Option<&str>, steps: &mut Steps) {
    if doc_type != Some(MDL_DOC_TYPE) {
        steps.not_done(Check::MdlElements, Why::NotApplicable);
        return;
    }
    // One that does not decode was reported where the digests are checked.
    for Released { item, .. } in released
        .iter()
        .filter(|released| released.name_space == MDL_NAME_SPACE)
    {
        let found = match shape_of(&item.element_identifier) {
            None => Err((Code::ElementUnknown, "")),
            Some(shape) => check(&shape, item.element_value).map_err(|wrong| match wrong {
                Wrong::Type(what) => (Code::ElementType, what),
                Wrong::Value(what) => (Code::ElementValue, what),
            }),
        };
        if let Err((code, what)) = found {
            let element = item.element_identifier.to_string();
            steps.find(
                code,
                Detail::Element {
                    name_space: MDL_NAME_SPACE.to_owned(),
                    element,
                    what,
                },
            );
        }
    }
    steps.pass_unless_found(Check::MdlElements);
}

fn check(shape: &Shape, value: Item<'_>) -> Result<(), Wrong> {
    let text = || value.text().ok_or(Wrong::Type("a text string"));
    let holds = |holds: bool, what| if holds { Ok(()) } else { Err(Wrong::Value(what)) };
    match shape {
        Shape::Latin => {
            let text = text()?;
            let latin = text.chars().all(|letter| u32::from(letter) <= 0xff);
            holds(
                latin && text.chars().count() <= 150,
                "at most 150 characters of ISO/IEC 8859-1",
            )
        }
        Shape::Text => text().map(|_| ()),
        Shape::Country => holds(is_country(&text()?), "two upper-case letters"),
        Shape::Subdivision => {
            let text = text()?;
            let parts = text.split_once('-');
            let coded = parts.is_some_and(|(country, rest)| {
                is_country(country)
                    && (1..=3).contains(&rest.len())
                    && rest.bytes().all(|b| b.is_ascii_alphanumeric())
            });
            holds(coded, "a code of ISO 3166-2")
        }
        Shape::FullDate => date(value, false),
        Shape::Date => date(value, true),
        Shape::Unsigned => value
            .unsigned()
            .map(|_| ())
            .ok_or(Wrong::Type("an unsigned integer")),
        Shape::Boolean => value.boolean().map(|_| ()).ok_or(Wrong::Type("a boolean")),
        Shape::Bytes => value.bytes().map(|_| ()).ok_or(Wrong::Type("a byte string")),
        Shape::Picture => {
            let bytes = value.bytes().ok_or(Wrong::Type("a byte string"))?;
            holds(is_picture(&bytes), "a JPEG or JPEG 2000 picture")
        }
        Shape::OneOf(values) => holds(values.contains(&text()?.as_ref()), "one of the standard's words"),
        Shape::Sex => {
            let code = value.unsigned().ok_or(Wrong::Type("an unsigned integer"))?;
            holds(matches!(code, 0 | 1 | 2 | 9), "one of 0, 1, 2 and 9")
        }
        Shape::Privileges => privileges(value),
    }
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase())
}

/// The magic numbers, and for JPEG the end marker too (a cut or padded file has none).
fn is_picture(bytes: &[u8]) -> bool {
    const JP2: &[u8] = &[0, 0, 0, 0x0c, 0x6a, 0x50, 0x20, 0x20, 0x0d, 0x0a, 0x87, 0x0a];
    (bytes.starts_with(&[0xff, 0xd8, 0xff]) && bytes.ends_with(&[0xff, 0xd9]))
        || bytes.starts_with(JP2)
        || bytes.starts_with(&[0xff, 0x4f, 0xff, 0x51])
}

fn date(value: Item<'_>, with_time: bool) -> Result<(), Wrong> {
    let (tag, inner) = value.tagged().ok_or(Wrong::Type("a tagged date"))?;
    let text = inner.text().ok_or(Wrong::Type("a tagged date"))?;
    match tag {
        TAG_FULL_DATE => FullDate::parse(&text)
            .map(|_| ())
            .map_err(|_| Wrong::Value("a date that exists")),
        TAG_TDATE if with_time => Timestamp::parse(&text)
            .map(|_| ())
            .map_err(|_| Wrong::Value("an instant that exists")),
        _ => Err(Wrong::Type("a full-date, tag 1004")),
    }
}

/// `[* {"vehicle_category_code": tstr, ? "issue_date": full-date, ? "expiry_date": full-date,
/// ? "codes": [+ {"code": tstr, ? "sign": tstr, ? "value": tstr}]}]`
fn privileges(value: Item<'_>) -> Result<(), Wrong> {
    const MAPS: Wrong = Wrong::Type("an array of maps with vehicle categories");
    for privilege in value.array().ok_or(MAPS)? {
        if privilege.map().is_none()
            || privilege
                .get("vehicle_category_code")
                .and_then(Item::text)
                .is_none()
        {
            return Err(MAPS);
        }
        for name in ["issue_date", "expiry_date"] {
            privilege.get(name).map_or(Ok(()), |value| date(value, false))?;
        }
        let Some(codes) = privilege.get("codes") else {
            continue;
        };
        for code in codes.array().ok_or(Wrong::Type("an array of codes"))? {
            if code.get("code").and_then(Item::text).is_none() {
                return Err(Wrong::Type("an array of codes"));
            }
        }
    }
    Ok(())
}
