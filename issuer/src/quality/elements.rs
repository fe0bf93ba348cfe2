//! Each element alone: its form, and what its value may be.

use mdoc_core::value::{TAG_FULL_DATE, TAG_TDATE, Value};

use super::ages::over_age;
use super::finding::PORTRAIT_ADVICE;
use super::{Gate, MDL_NAMESPACE, PID, Rule, date_of};
use crate::format::codes::{has_country_form, has_subdivision_form, is_listed_country, is_listed_sign};
use crate::format::types::Charset;
use crate::photo::ImageKind;

/// Elements of the mDL that are text of at most 150 characters of ISO/IEC 8859-1.
const LATIN_1: [&str; 11] = [
    "family_name",
    "given_name",
    "issuing_authority",
    "document_number",
    "administrative_number",
    "birth_place",
    "resident_address",
    "resident_street",
    "resident_city",
    "resident_state",
    "resident_postal_code",
];

/// The other elements of the mDL, except `age_over_NN` and `biometric_template_xx`.
const OTHERS: [&str; 23] = [
    "birth_date",
    "issue_date",
    "expiry_date",
    "issuing_country",
    "portrait",
    "driving_privileges",
    "un_distinguishing_sign",
    "sex",
    "height",
    "weight",
    "eye_colour",
    "hair_colour",
    "portrait_capture_date",
    "age_in_years",
    "age_birth_year",
    "issuing_jurisdiction",
    "nationality",
    "resident_country",
    "family_name_national_character",
    "given_name_national_character",
    "signature_usual_mark",
    "webapi_info",
    "oidc_info",
];

/// Texts that say nothing when they are empty.
const NEVER_EMPTY: [&str; 4] = [
    "family_name",
    "given_name",
    "document_number",
    "issuing_authority",
];

/// Texts of a PID, at most 150 characters of Unicode.
const MOST_CHARACTERS: usize = 150;

impl Gate<'_> {
    /// Checks one element by its identifier.
    pub(super) fn element(&mut self, namespace: &str, identifier: &str, value: &Value) {
        let is_mdl = namespace == MDL_NAMESPACE;
        if is_mdl && !is_mdl_identifier(identifier) {
            self.find(namespace, identifier, Rule::UnknownIdentifier);
        }
        let limited = is_mdl && LATIN_1.contains(&identifier) || namespace == PID && value.is_text();
        if limited || NEVER_EMPTY.contains(&identifier) {
            self.text(
                namespace,
                identifier,
                value,
                if is_mdl { Charset::Latin1 } else { Charset::Unicode },
            );
        }
        match identifier {
            "birth_date" => self.date(namespace, identifier, value, TAG_FULL_DATE),
            "portrait_capture_date" => {
                self.date(namespace, identifier, value, TAG_TDATE);
                self.in_life(namespace, identifier, value);
            }
            "issue_date" | "issuance_date" | "expiry_date" if date_of(value).is_none() => {
                self.find(
                    namespace,
                    identifier,
                    Rule::DateForm {
                        expected: "a full-date or a tdate",
                    },
                );
            }
            "issuing_country" | "resident_country" => self.country(namespace, identifier, value),
            "nationality" => self.nationality(namespace, value),
            "place_of_birth" => self.place_of_birth(namespace, value),
            "issuing_jurisdiction" if !value.as_text().is_some_and(has_subdivision_form) => {
                self.find(namespace, identifier, Rule::JurisdictionForm);
            }
            "un_distinguishing_sign" => match value.as_text() {
                None => self.find(namespace, identifier, Rule::ValueType { expected: "a text" }),
                Some(sign) if !is_listed_sign(sign) => self.find(namespace, identifier, Rule::SignUnlisted),
                Some(_) => {}
            },
            "portrait" | "signature_usual_mark" => self.image(namespace, identifier, value),
            "driving_privileges" => self.privileges(namespace, value),
            "sex" | "height" | "weight" | "age_in_years" | "age_birth_year" if is_mdl && !is_uint(value) => {
                self.find(
                    namespace,
                    identifier,
                    Rule::ValueType {
                        expected: "a whole number",
                    },
                );
            }
            _ => {}
        }
    }

    fn text(&mut self, namespace: &str, identifier: &str, value: &Value, charset: Charset) {
        let Some(text) = value.as_text() else {
            return self.find(namespace, identifier, Rule::ValueType { expected: "a text" });
        };
        if text.chars().count() > MOST_CHARACTERS {
            self.find(namespace, identifier, Rule::TextTooLong);
        }
        if charset == Charset::Latin1 && !charset.holds(text) {
            self.find(namespace, identifier, Rule::TextNotLatin1);
        }
        if NEVER_EMPTY.contains(&identifier) && text.trim().is_empty() {
            self.find(namespace, identifier, Rule::TextEmpty);
        }
    }

    fn date(&mut self, namespace: &str, identifier: &str, value: &Value, tag: u64) {
        let tagged = matches!(value, Value::Tag(found, _) if *found == tag);
        if !tagged || date_of(value).is_none() {
            let expected = if tag == TAG_TDATE {
                "a tdate, tag 0 over YYYY-MM-DDThh:mm:ssZ"
            } else {
                "a full-date, tag 1004 over YYYY-MM-DD"
            };
            self.find(namespace, identifier, Rule::DateForm { expected });
        }
    }

    fn country(&mut self, namespace: &str, field: &str, value: &Value) {
        match value.as_text() {
            Some(code) if is_listed_country(code) => {}
            Some(code) if has_country_form(code) => self.find(namespace, field, Rule::CountryUnlisted),
            _ => self.find(namespace, field, Rule::CountryForm),
        }
    }

    /// One country in the mDL, a list of them in the PID.
    fn nationality(&mut self, namespace: &str, value: &Value) {
        match value {
            Value::Array(_) if namespace == MDL_NAMESPACE => {
                self.find(
                    namespace,
                    "nationality",
                    Rule::ValueType {
                        expected: "one country code",
                    },
                );
            }
            Value::Array(codes) if codes.is_empty() => {
                self.find(namespace, "nationality", Rule::NothingStated)
            }
            Value::Array(codes) => {
                for (at, code) in codes.iter().enumerate() {
                    self.country(namespace, &format!("nationality[{at}]"), code);
                }
            }
            _ if namespace == PID => {
                self.find(
                    namespace,
                    "nationality",
                    Rule::ValueType {
                        expected: "a list of country codes",
                    },
                );
            }
            code => self.country(namespace, "nationality", code),
        }
    }

    fn place_of_birth(&mut self, namespace: &str, value: &Value) {
        let known = ["country", "region", "locality"];
        let Some(members) = value.as_map() else {
            if namespace == PID {
                let expected = "a map of country, region and locality";
                self.find(namespace, "place_of_birth", Rule::ValueType { expected });
            }
            return;
        };
        if !members
            .iter()
            .any(|(name, _)| name.as_text().is_some_and(|name| known.contains(&name)))
        {
            self.find(namespace, "place_of_birth", Rule::NothingStated);
        }
        if let Some(country) = member(members, "country") {
            self.country(namespace, "place_of_birth/country", country);
        }
    }

    fn image(&mut self, namespace: &str, identifier: &str, value: &Value) {
        let Some(bytes) = value.as_bytes() else {
            let expected = "a byte string with the image file";
            return self.find(namespace, identifier, Rule::ValueType { expected });
        };
        if bytes.is_empty() && namespace == PID {
            return self.find(namespace, identifier, Rule::ImageEmpty); // a person who opted out
        }
        match self.decoded.inspect(bytes).map(|photo| photo.kind) {
            Err(error) => self.find(namespace, identifier, Rule::Image(error)),
            Ok(ImageKind::Jpeg2000) if namespace == PID => self.find(namespace, identifier, Rule::ImageKind),
            Ok(_) => {}
        }
        if identifier == "portrait" && bytes.len() > PORTRAIT_ADVICE {
            self.find(namespace, identifier, Rule::PortraitLarge);
        }
    }

    fn privileges(&mut self, namespace: &str, value: &Value) {
        let name = "driving_privileges";
        let wrong = |what| Rule::PrivilegeForm { what };
        let Some(privileges) = value.as_array() else {
            return self.find(namespace, name, wrong("it must be an array of maps"));
        };
        for (at, privilege) in privileges.iter().enumerate() {
            let field = format!("{name}[{at}]");
            let Some(members) = privilege.as_map() else {
                self.find(namespace, &field, wrong("it must be a map"));
                continue;
            };
            let category = member(members, "vehicle_category_code").and_then(Value::as_text);
            if category.is_none_or(str::is_empty) {
                self.find(
                    namespace,
                    &field,
                    wrong("it needs a vehicle_category_code, which is a text"),
                );
            }
            let mut dates = [None, None];
            for (date, name) in dates.iter_mut().zip(["issue_date", "expiry_date"]) {
                if let Some(value) = member(members, name) {
                    self.date(namespace, &format!("{field}/{name}"), value, TAG_FULL_DATE);
                    if name == "issue_date" {
                        self.in_life(namespace, &format!("{field}/{name}"), value);
                    }
                    *date = date_of(value);
                }
            }
            if let [Some(issue), Some(expiry)] = dates
                && issue > expiry
            {
                self.find(namespace, &format!("{field}/expiry_date"), Rule::PrivilegeDates);
            }
            if let Some(codes) = member(members, "codes") {
                self.privilege_codes(namespace, &format!("{field}/codes"), codes);
            }
        }
    }

    /// What happened to a person did so after the birth, and not tomorrow.
    fn in_life(&mut self, namespace: &str, field: &str, value: &Value) {
        let birth = self.filled.element(namespace, "birth_date").and_then(date_of);
        match (date_of(value), birth) {
            (Some(date), Some(birth)) if date < birth => self.find(namespace, field, Rule::IssueBeforeBirth),
            (Some(date), _) if date > self.today => self.find(namespace, field, Rule::IssueDateFuture),
            _ => {}
        }
    }

    fn privilege_codes(&mut self, namespace: &str, field: &str, codes: &Value) {
        let wrong = |what| Rule::PrivilegeForm { what };
        let Some(codes) = codes.as_array().filter(|codes| !codes.is_empty()) else {
            return self.find(
                namespace,
                field,
                wrong("it must be an array with at least one code, or be left out"),
            );
        };
        for (at, code) in codes.iter().enumerate() {
            let text = |name| {
                code.as_map()
                    .and_then(|members| member(members, name))
                    .map(Value::is_text)
            };
            if text("code") != Some(true) || text("sign") == Some(false) || text("value") == Some(false) {
                let what = "it must be a map with a code, and perhaps a sign and a value, all of them texts";
                self.find(namespace, &format!("{field}[{at}]"), wrong(what));
            }
        }
    }
}

fn member<'v>(members: &'v [(Value, Value)], name: &str) -> Option<&'v Value> {
    members
        .iter()
        .find(|(key, _)| key.as_text() == Some(name))
        .map(|(_, value)| value)
}

fn is_uint(value: &Value) -> bool {
    value.as_integer().is_some_and(|number| i128::from(number) >= 0)
}

fn is_mdl_identifier(identifier: &str) -> bool {
    LATIN_1.contains(&identifier)
        || OTHERS.contains(&identifier)
        || over_age(identifier).is_some()
        || identifier
            .strip_prefix("biometric_template_")
            .is_some_and(|xx| !xx.is_empty() && xx.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
}
