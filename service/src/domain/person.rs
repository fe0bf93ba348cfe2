//! People: whom documents are issued to, and who operates the service (E1).

use serde_json::{Map, Value as Json};

use super::id::{GroupId, PersonId};
use super::refusal::Refusal;

/// The most that a text of a person may have, in bytes.
const LONGEST: usize = 256;
/// The most that all further attributes may have together, as JSON.
const LONGEST_ATTRIBUTES: usize = 32 * 1024;

/// What is known of a person, besides the photograph.
#[derive(Clone, PartialEq)]
pub struct Person {
    /// The registry's name for the person.
    pub id: PersonId,
    /// What may be changed.
    pub details: Details,
    /// Assigned when the person was added, unless it was given.
    pub employee_number: String,
    /// Counts the changes, so that nobody overwrites what somebody else changed meanwhile.
    pub version: i64,
}

/// What somebody enters of a person.
#[derive(Clone, PartialEq, Default)]
pub struct Details {
    /// The name that the person signs in with; unique, whatever the size of its letters.
    pub logon_name: String,
    /// Given names.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Address of electronic mail.
    pub email: Option<String>,
    /// Number of the mobile phone, in the international form `+441632960123`.
    pub mobile_phone: Option<String>,
    /// The group, if any.
    pub group: Option<GroupId>,
    /// What another system calls the person.
    pub external_id: Option<String>,
    /// Somebody looked at the data and found them right.
    pub user_data_approved: bool,
    /// Whatever documents need besides, by the names that their formats use.
    pub attributes: Map<String, Json>,
}

impl Details {
    /// Checks the form of every member.
    ///
    /// # Errors
    /// [`Refusal::Field`] that names the first member that breaks its rule, and the rule.
    pub fn check(&self) -> Result<(), Refusal> {
        let texts = [
            ("logon_name", Some(&self.logon_name)),
            ("given_name", Some(&self.given_name)),
            ("family_name", Some(&self.family_name)),
            ("external_id", self.external_id.as_ref()),
        ];
        for (field, text) in texts {
            let Some(text) = text else { continue };
            if text.trim().is_empty() {
                return Err(Refusal::field(field, "it is empty"));
            }
            plain(field, text)?;
        }
        if let Some(email) = &self.email {
            plain("email", email)?;
            let (name, host) = email.rsplit_once('@').unwrap_or_default();
            let odd = |c: char| c.is_whitespace() || c == '<' || c == '>' || c == ',' || c == ';';
            if name.is_empty() || host.is_empty() || host.starts_with('.') || email.contains(odd) {
                return Err(Refusal::field("email", "it is no address of the form name@host"));
            }
        }
        if let Some(number) = &self.mobile_phone {
            let digits = number.strip_prefix('+').unwrap_or_default();
            if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Refusal::field(
                    "mobile_phone",
                    "it is no international number: + and 7 to 15 digits",
                ));
            }
        }
        let attributes = serde_json::to_string(&self.attributes).unwrap_or_default();
        if attributes.len() > LONGEST_ATTRIBUTES {
            return Err(Refusal::field("attributes", "they have more than 32 KiB"));
        }
        Ok(())
    }

    /// What the logon name is found by.
    #[must_use]
    pub fn logon_key(&self) -> String {
        key(&self.logon_name)
    }

    /// What a search looks in: the names, the addresses and the number, in small letters.
    #[must_use]
    pub fn search_key(&self, employee_number: &str) -> String {
        let parts = [
            self.given_name.as_str(),
            &self.family_name,
            &self.logon_name,
            employee_number,
            self.email.as_deref().unwrap_or_default(),
            self.external_id.as_deref().unwrap_or_default(),
        ];
        key(&parts.join("\n"))
    }

    /// What document formats take their elements from: the attributes, and the members of the registry where no attribute
    /// has their name.
    #[must_use]
    pub fn user_data(&self, employee_number: &str) -> Map<String, Json> {
        let mut data = self.attributes.clone();
        let members = [
            ("given_name", Some(&self.given_name)),
            ("family_name", Some(&self.family_name)),
            ("logon_name", Some(&self.logon_name)),
            ("email", self.email.as_ref()),
            ("email_address", self.email.as_ref()),
            ("mobile_phone", self.mobile_phone.as_ref()),
            ("mobile_phone_number", self.mobile_phone.as_ref()),
        ];
        for (name, value) in members {
            if let (Some(value), false) = (value, data.contains_key(name)) {
                data.insert(name.to_owned(), Json::from(value.as_str()));
            }
        }
        if !data.contains_key("employee_number") {
            data.insert("employee_number".to_owned(), Json::from(employee_number));
        }
        data
    }
}

impl Person {
    /// Those of some names under which there is nothing, as profiles require it. What a format would take its elements from
    /// counts, and besides that the group and what another system calls the person.
    #[must_use]
    pub fn lacks(&self, names: &[String]) -> Vec<String> {
        if names.is_empty() {
            return Vec::new();
        }
        let data = self.details.user_data(&self.employee_number);
        let has = |name: &str| match data.get(name) {
            None | Some(Json::Null) => match name {
                "group" => self.details.group.is_some(),
                "external_id" => self.details.external_id.is_some(),
                _ => false,
            },
            Some(Json::String(text)) => !text.trim().is_empty(),
            Some(_) => true,
        };
        names.iter().filter(|name| !has(name)).cloned().collect()
    }
}

/// The form in which names are compared.
#[must_use]
pub fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

fn plain(field: &str, text: &str) -> Result<(), Refusal> {
    if text.len() > LONGEST {
        return Err(Refusal::field(field, "it has more than 256 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::field(field, "it has a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Details {
        Details {
            logon_name: "Ada".to_owned(),
            given_name: "Ada".to_owned(),
            family_name: "Lovelace".to_owned(),
            email: Some("ada@example.org".to_owned()),
            mobile_phone: Some("+441632960123".to_owned()),
            ..Details::default()
        }
    }

    fn refused(change: impl FnOnce(&mut Details)) -> String {
        let mut details = good();
        change(&mut details);
        match details.check() {
            Err(Refusal::Field { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_member_that_breaks_its_rule_is_named() {
        good().check().unwrap();
        assert_eq!(refused(|d| d.logon_name.clear()), "logon_name");
        assert_eq!(refused(|d| d.given_name = " ".to_owned()), "given_name");
        assert_eq!(refused(|d| d.family_name = "a\r\nb".to_owned()), "family_name");
        assert_eq!(refused(|d| d.family_name = "a".repeat(257)), "family_name");
        for bad in [
            "ada",
            "@x",
            "a@",
            "a b@x",
            "a@x,b@y",
            "<a@x>",
            "a@.x",
            "a@x\nBcc: b@y",
        ] {
            assert_eq!(refused(|d| d.email = Some(bad.to_owned())), "email", "{bad}");
        }
        for bad in [
            "01632960123",
            "+44 1632",
            "+123456",
            "+1234567890123456",
            "+44163296012x",
        ] {
            assert_eq!(
                refused(|d| d.mobile_phone = Some(bad.to_owned())),
                "mobile_phone",
                "{bad}"
            );
        }
        let long = Json::from("x".repeat(40_000));
        assert_eq!(
            refused(|d| drop(d.attributes.insert("x".to_owned(), long))),
            "attributes"
        );
    }

    #[test]
    fn an_attribute_wins_over_a_member_of_the_registry() {
        let mut details = good();
        details
            .attributes
            .insert("given_name".to_owned(), Json::from("Augusta Ada"));
        let data = details.user_data("17");
        assert_eq!(data["given_name"], "Augusta Ada");
        assert_eq!(data["family_name"], "Lovelace");
        assert_eq!(data["employee_number"], "17");
    }

    #[test]
    fn whatever_a_format_could_use_is_there() {
        let mut person = Person {
            id: PersonId::given("p").unwrap(),
            details: good(),
            employee_number: "17".to_owned(),
            version: 1,
        };
        let lacks = |person: &Person, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            person.lacks(&names)
        };
        // Every name under which formats find something of the registry is found here.
        let all: Vec<String> = person
            .details
            .user_data("17")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        for name in [
            "given_name",
            "family_name",
            "logon_name",
            "email",
            "email_address",
            "mobile_phone",
            "mobile_phone_number",
            "employee_number",
        ] {
            assert!(all.iter().any(|known| known == name), "{name}");
        }
        assert_eq!(person.lacks(&all), Vec::<String>::new());
        let others = ["group", "external_id", "birth_date"];
        assert_eq!(lacks(&person, &others), others);
        person.details.group = GroupId::given("g");
        person.details.external_id = Some("x".to_owned());
        for (value, there) in [
            (Json::Null, false),
            (Json::from(" "), false),
            (Json::from("1815-12-10"), true),
            (Json::from(0), true),
        ] {
            person
                .details
                .attributes
                .insert("birth_date".to_owned(), value.clone());
            assert_eq!(lacks(&person, &others).is_empty(), there, "{value}");
        }
        person.details.email = None;
        person.details.mobile_phone = None;
        let addresses = ["email", "email_address", "mobile_phone", "mobile_phone_number"];
        assert_eq!(lacks(&person, &addresses), addresses);
    }
}
