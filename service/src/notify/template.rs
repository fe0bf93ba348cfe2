//! What messages say: templates in the language of Jinja, shipped or an administrator's own. What is put into HTML is escaped.

use core::fmt;
use std::path::{Path, PathBuf};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::domain::notice::{Channel, Notice};
use crate::usecase::outbox::Letter;

/// What a template may do before it is broken off.
const FUEL: u64 = 50_000;
/// The most bytes of a message, and of a template.
const LARGEST: usize = 256 * 1024;
/// The most characters of a subject.
const LONGEST_SUBJECT: usize = 200;

/// The templates that are shipped, by their names.
pub const SHIPPED: [(&str, &str); 12] = [
    (
        "address.mail.subject.txt",
        include_str!("../../templates/address.mail.subject.txt"),
    ),
    (
        "address.mail.txt",
        include_str!("../../templates/address.mail.txt"),
    ),
    (
        "address.mail.html",
        include_str!("../../templates/address.mail.html"),
    ),
    ("address.sms.txt", include_str!("../../templates/address.sms.txt")),
    (
        "code.mail.subject.txt",
        include_str!("../../templates/code.mail.subject.txt"),
    ),
    ("code.mail.txt", include_str!("../../templates/code.mail.txt")),
    ("code.mail.html", include_str!("../../templates/code.mail.html")),
    ("code.sms.txt", include_str!("../../templates/code.sms.txt")),
    (
        "update.mail.subject.txt",
        include_str!("../../templates/update.mail.subject.txt"),
    ),
    ("update.mail.txt", include_str!("../../templates/update.mail.txt")),
    (
        "update.mail.html",
        include_str!("../../templates/update.mail.html"),
    ),
    ("update.sms.txt", include_str!("../../templates/update.sms.txt")),
];

/// A message as it goes out. It may be as good as a document.
#[derive(Clone, PartialEq, Eq)]
pub struct Filled {
    /// The subject, of mail.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// The same as HTML, of mail.
    pub html: Option<String>,
}

impl fmt::Debug for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filled").finish_non_exhaustive()
    }
}

/// What is wrong with a template. What was put into it is not repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// The folder, or a file of it, cannot be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// In the words of the system.
        why: String,
    },
    /// A file has a name that no message has.
    Name(PathBuf),
    /// It is no template.
    Malformed {
        /// Its name.
        name: String,
        /// In which line, if that is known.
        line: Option<usize>,
        /// What is wrong.
        why: String,
    },
    /// It cannot be filled: it names what there is not, or does too much.
    Unfillable {
        /// Its name.
        name: String,
        /// In which line, if that is known.
        line: Option<usize>,
        /// What is wrong.
        why: String,
    },
    /// What comes of it is too large.
    TooLarge(String),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |line: &Option<usize>| line.map(|line| format!(", line {line}")).unwrap_or_default();
        match self {
            Self::Unreadable { path, why } => write!(f, "{} cannot be read: {why}", path.display()),
            Self::Name(path) => write!(
                f,
                "{} is no template of a message: they have names as address.mail.txt",
                path.display()
            ),
            Self::Malformed { name, line, why } => {
                write!(f, "{name}{} is no template: {why}", place(line))
            }
            Self::Unfillable { name, line, why } => {
                write!(f, "{name}{} cannot be filled: {why}", place(line))
            }
            Self::TooLarge(name) => write!(f, "what comes of {name} is too large for a message"),
        }
    }
}

impl core::error::Error for TemplateError {}

/// Templates, each compiled and tried.
pub struct Templates {
    environment: Environment<'static>,
    issuer: String,
}

impl Templates {
    /// The shipped ones; `issuer` is what people call who sends them.
    ///
    /// # Errors
    /// [`TemplateError`] if one is wrong.
    pub fn shipped(issuer: &str) -> Result<Self, TemplateError> {
        Self::of(
            issuer,
            SHIPPED.map(|(name, source)| (name.to_owned(), source.to_owned())),
        )
    }

    /// Those of a folder, and the shipped ones of which it has none.
    ///
    /// # Errors
    /// [`TemplateError`]: a file of another name, one that is no template, or one that cannot be filled.
    pub fn with_folder(issuer: &str, folder: &Path) -> Result<Self, TemplateError> {
        let unreadable = |path: &Path, why: &std::io::Error| TemplateError::Unreadable {
            path: path.to_owned(),
            why: why.to_string(),
        };
        let mut sources = SHIPPED.map(|(name, source)| (name.to_owned(), source.to_owned()));
        let entries = std::fs::read_dir(folder).map_err(|why| unreadable(folder, &why))?;
        for entry in entries {
            let path = entry.map_err(|why| unreadable(folder, &why))?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if name.starts_with('.') {
                continue;
            }
            let place = sources.iter_mut().find(|(known, _)| known == name);
            let Some((_, source)) = place else {
                return Err(TemplateError::Name(path));
            };
            *source = std::fs::read_to_string(&path).map_err(|why| unreadable(&path, &why))?;
        }
        Self::of(issuer, sources)
    }

    fn of(issuer: &str, sources: [(String, String); SHIPPED.len()]) -> Result<Self, TemplateError> {
        let mut environment = environment();
        for (name, source) in sources {
            if source.len() > LARGEST {
                return Err(TemplateError::TooLarge(name));
            }
            environment
                .add_template_owned(name.clone(), source)
                .map_err(|why| TemplateError::Malformed {
                    line: why.line(),
                    why: why.to_string(),
                    name,
                })?;
        }
        let templates = Self {
            environment,
            issuer: issuer.to_owned(),
        };
        for notice in Notice::ALL {
            for channel in Channel::ALL {
                templates.fill(notice, channel, &Letter::sample())?;
            }
        }
        Ok(templates)
    }

    /// Fills the templates of a message.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn fill(&self, notice: Notice, channel: Channel, letter: &Letter) -> Result<Filled, TemplateError> {
        let stem = format!("{notice}.{channel}");
        let text = self.render(&format!("{stem}.txt"), letter)?;
        let (subject, html) = match channel {
            Channel::Sms => (None, None),
            Channel::Mail => (
                Some(line(&self.render(&format!("{stem}.subject.txt"), letter)?)),
                Some(self.render(&format!("{stem}.html"), letter)?),
            ),
        };
        Ok(Filled { subject, text, html })
    }

    fn render(&self, name: &str, letter: &Letter) -> Result<String, TemplateError> {
        let filling = Value::from_pairs([
            ("issuer", self.issuer.as_str()),
            ("to", &letter.to),
            ("given_name", &letter.given_name),
            ("family_name", &letter.family_name),
            ("document", &letter.document),
            ("address", &letter.address),
            ("invitation", &letter.invitation),
            ("code", &letter.code),
            ("expires", &letter.expires),
        ]);
        let rendered = self
            .environment
            .get_template(name)
            .and_then(|template| template.render(filling))
            .map_err(|why| TemplateError::Unfillable {
                name: name.to_owned(),
                line: why.line(),
                // Its details may repeat what was put in.
                why: why.kind().to_string(),
            })?;
        if rendered.len() > LARGEST {
            return Err(TemplateError::TooLarge(name.to_owned()));
        }
        Ok(rendered)
    }
}

/// Templates that escape by their names, know nothing that they were not given, and end.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(32);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") {
            AutoEscape::Html
        } else if name.ends_with(".json") {
            AutoEscape::Json
        } else if name.ends_with(".url") {
            AutoEscape::Custom(URL.into())
        } else {
            AutoEscape::None
        }
    });
    environment.set_formatter(|out, state, value| {
        if matches!(state.auto_escape(), AutoEscape::Custom(how) if how == URL) {
            let text = value.to_string();
            let encoded = form_urlencoded::byte_serialize(text.as_bytes());
            // A plus is a space in forms alone.
            let mut encoded = encoded.map(|part| if part == "+" { "%20" } else { part });
            return encoded
                .try_for_each(|part| out.write_str(part))
                .map_err(Into::into);
        }
        minijinja::escape_formatter(out, state, value)
    });
    environment
}

/// What is put into addresses and forms is encoded for them.
const URL: &str = "url";

/// A subject is one line.
fn line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").chars().take(LONGEST_SUBJECT).collect()
}

impl Letter {
    /// One with which templates are tried and shown.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            to: "ada@example.org".to_owned(),
            given_name: "Ada".to_owned(),
            family_name: "Lovelace".to_owned(),
            document: "Driving licence".to_owned(),
            address: "https://id.example.org/offer/EXAMPLE".to_owned(),
            invitation: "ABCD-EFGH-JKMN-PQRS".to_owned(),
            code: "12345678".to_owned(),
            expires: "2027-01-31".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::scratch::Scratch;

    fn hostile() -> Letter {
        Letter {
            given_name: "<script>alert(1)</script>{{ code }}".to_owned(),
            family_name: "\"><img src=x>\r\nBcc: eve@example.org".to_owned(),
            document: "A\r\nB".to_owned(),
            ..Letter::sample()
        }
    }

    #[test]
    fn what_is_put_in_is_text_and_no_template() {
        let templates = Templates::shipped("Office & Sons").unwrap();
        let filled = templates
            .fill(Notice::Address, Channel::Mail, &hostile())
            .unwrap();
        let html = filled.html.unwrap();
        assert!(!html.contains("<script>") && !html.contains("<img"), "{html}");
        assert!(
            html.contains("&lt;script&gt;") && html.contains("Office &amp; Sons"),
            "{html}"
        );
        assert!(
            html.contains("{{ code }}") && !html.contains(&Letter::sample().code),
            "{html}"
        );
        assert_eq!(filled.subject.unwrap(), "A B: ready for your wallet");
    }

    #[test]
    fn address_and_code_are_in_their_own_messages() {
        let templates = Templates::shipped("Office").unwrap();
        let sample = Letter::sample();
        for channel in Channel::ALL {
            let address = templates.fill(Notice::Address, channel, &sample).unwrap();
            assert!(address.text.contains(&sample.address) && !address.text.contains(&sample.code));
            let code = templates.fill(Notice::Code, channel, &sample).unwrap();
            assert!(code.text.contains(&sample.code) && !code.text.contains(&sample.address));
            for html in [address.html, code.html].into_iter().flatten() {
                assert_ne!(
                    html.contains("offer&#x2f;"),
                    html.contains(&sample.code),
                    "{html}"
                );
            }
        }
    }

    #[test]
    fn templates_of_ones_own_are_tried_before_they_are_used() {
        let folder = Scratch::new("templates");
        let with = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            let made = Templates::with_folder("Office", &folder);
            std::fs::remove_file(path).unwrap();
            made
        };
        let own = with("code.sms.txt", "Kod: {{ code }}").unwrap();
        let filled = own.fill(Notice::Code, Channel::Sms, &Letter::sample()).unwrap();
        assert_eq!(filled.text, "Kod: 12345678");
        for (name, text, expected) in [
            ("code.sms.text", "x", "is no template of a message"),
            ("code.sms.txt", "{{ code", "code.sms.txt, line 1 is no template"),
            (
                "code.sms.txt",
                "\n{{ cod }}",
                "code.sms.txt, line 2 cannot be filled",
            ),
            (
                "code.sms.txt",
                "{% for i in range(1000000) %}x{% endfor %}",
                "cannot be filled",
            ),
            ("code.sms.txt", "{% include '/etc/passwd' %}", "unknown statement"),
        ] {
            let why = with(name, text).err().unwrap().to_string();
            assert!(why.contains(expected), "{why}");
        }
    }
}
