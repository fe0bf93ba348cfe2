//! Codes that people type: the authentication code of a collection (the wallets' `tx_code`), the invitation code.

use core::fmt;

use mdoc_core::crypto::CryptoRng;
use zeroize::Zeroizing;

/// Without the letters and digits that are taken for each other: I, L, O, U, 0, 1.
const LETTERS: &[u8] = b"ABCDEFGHJKMNPQRSTVWXYZ";
const SMALL: &[u8] = b"abcdefghjkmnpqrstvwxyz";
const DIGITS: &[u8] = b"0123456789";
const SIGNS: &[u8] = b"!#%*+-=?@";
/// The digits of Crockford's base 32.
const INVITATION: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters in an invitation code, 5 bits each.
pub const INVITATION_LENGTH: usize = 16;

/// What an authentication code is made of: `xx-yy`, its shortest and longest length, and the classes of its characters:
/// `N` digits, `A` letters (of which nobody asks whether they are large), or for the complex form `U` large letters,
/// `L` small ones, `S` signs. Of each class there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeForm {
    shortest: u8,
    longest: u8,
    classes: Vec<Class>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Digits,
    Letters,
    Large,
    Small,
    Signs,
}

/// A text that describes no code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadForm;

impl fmt::Display for BadForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a form of codes is `xx-yy` and classes: shortest and longest length (04 to 32), then N digits, A letters, \
             AN both, or several of U, L, S, N",
        )
    }
}

impl core::error::Error for BadForm {}

impl Class {
    const fn characters(self) -> &'static [u8] {
        match self {
            Self::Digits => DIGITS,
            Self::Letters | Self::Large => LETTERS,
            Self::Small => SMALL,
            Self::Signs => SIGNS,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Digits => 'N',
            Self::Letters => 'A',
            Self::Large => 'U',
            Self::Small => 'L',
            Self::Signs => 'S',
        }
    }
}

impl Default for CodeForm {
    /// `04-08N`.
    fn default() -> Self {
        Self {
            shortest: 4,
            longest: 8,
            classes: vec![Class::Digits],
        }
    }
}

impl CodeForm {
    /// `12-12ULSN`.
    #[must_use]
    pub fn complex() -> Self {
        Self {
            shortest: 12,
            longest: 12,
            classes: vec![Class::Large, Class::Small, Class::Signs, Class::Digits],
        }
    }

    /// Reads `04-08N` and the like.
    ///
    /// # Errors
    /// [`BadForm`] if it is none, the lengths are the wrong way round, or a class is named twice or beside one that contains it.
    pub fn parse(text: &str) -> Result<Self, BadForm> {
        let number = |from: usize| -> Option<u8> {
            let digits = text.get(from..from + 2)?;
            let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
            all_digits.then(|| digits.parse().ok()).flatten()
        };
        let (Some(shortest), Some(longest), Some("-")) = (number(0), number(3), text.get(2..3)) else {
            return Err(BadForm);
        };
        let mut classes = Vec::new();
        for letter in text.get(5..).unwrap_or_default().chars() {
            let class = match letter {
                'N' => Class::Digits,
                'A' => Class::Letters,
                'U' => Class::Large,
                'L' => Class::Small,
                'S' => Class::Signs,
                _ => return Err(BadForm),
            };
            let same = |other: &Class| {
                *other == class
                    || (*other == Class::Letters) != (class == Class::Letters) && class != Class::Digits
            };
            if classes.iter().filter(|other| **other != Class::Digits).any(same) || classes.contains(&class) {
                return Err(BadForm);
            }
            classes.push(class);
        }
        if classes.is_empty() || !(4..=32).contains(&shortest) || !(shortest..=32).contains(&longest) {
            return Err(BadForm);
        }
        Ok(Self {
            shortest,
            longest,
            classes,
        })
    }

    /// Whether there is nothing but digits in it: what a wallet shows a keypad for.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.classes == [Class::Digits]
    }

    /// How many characters a new code has.
    #[must_use]
    pub const fn length(&self) -> usize {
        // The conversion is const, unlike `from`.
        #[allow(clippy::as_conversions, reason = "a byte fits")]
        {
            self.longest as usize
        }
    }

    /// A new code: of the longest length, every character random, every class in it.
    #[must_use]
    pub fn generate(&self, rng: &mut dyn CryptoRng) -> Zeroizing<String> {
        let alphabet: Vec<u8> = self
            .classes
            .iter()
            .flat_map(|class| class.characters())
            .copied()
            .collect();
        loop {
            let code: String = (0..self.longest)
                .map(|_| char::from(pick(&alphabet, rng)))
                .collect();
            let code = Zeroizing::new(code);
            let has = |class: &Class| code.bytes().any(|byte| class.characters().contains(&byte));
            if self.classes.iter().all(has) {
                return code;
            }
        }
    }

    /// What somebody typed, as it is compared: without blanks, and large letters where nobody asks for their size.
    #[must_use]
    pub fn normalised(&self, typed: &str) -> Zeroizing<String> {
        let typed = Zeroizing::new(without_blanks(typed));
        if self
            .classes
            .iter()
            .all(|class| matches!(class, Class::Digits | Class::Letters))
        {
            Zeroizing::new(typed.to_ascii_uppercase())
        } else {
            typed
        }
    }
}

impl fmt::Display for CodeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.shortest, self.longest)?;
        self.classes
            .iter()
            .try_for_each(|class| write!(f, "{}", class.letter()))
    }
}

/// A new invitation code: 80 bits, in four groups of four, `7K3M-9QXA-…`.
#[must_use]
pub fn invitation(rng: &mut dyn CryptoRng) -> Zeroizing<String> {
    let mut code = Zeroizing::new(String::with_capacity(INVITATION_LENGTH + 3));
    for at in 0..INVITATION_LENGTH {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(pick(INVITATION, rng)));
    }
    code
}

/// An invitation code as somebody typed it: without blanks and hyphens, in large letters, and with what looks alike read
/// as Crockford says (O is 0, I and L are 1). None if it cannot be one.
#[must_use]
pub fn invitation_normalised(typed: &str) -> Option<Zeroizing<String>> {
    let mut code = Zeroizing::new(String::with_capacity(INVITATION_LENGTH));
    for character in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        let character = match character.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let known = INVITATION.iter().any(|digit| char::from(*digit) == character);
        if !known || code.len() == INVITATION_LENGTH {
            return None;
        }
        code.push(character);
    }
    (code.len() == INVITATION_LENGTH).then_some(code)
}

fn without_blanks(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Any of them with the same likelihood.
fn pick(alphabet: &[u8], rng: &mut dyn CryptoRng) -> u8 {
    let count = u32::try_from(alphabet.len()).unwrap_or(u32::MAX).max(1);
    let fair = u32::MAX - u32::MAX % count;
    loop {
        let number = rng.next_u32();
        if number < fair {
            let place = usize::try_from(number % count).unwrap_or_default();
            return alphabet.get(place).copied().unwrap_or(b'0');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn forms_are_read_and_written() {
        for text in ["04-08N", "06-06A", "04-32AN", "12-12ULSN", "08-10UN"] {
            assert_eq!(CodeForm::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(CodeForm::default(), CodeForm::parse("04-08N").unwrap());
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for text in [
            "", "04-08", "4-8N", "08-04N", "03-08N", "04-33N", "04_08N", "04-08X", "04-08NN", "04-08AU",
            "04-08UA", "+4-08N", "04-08N ", "é4-08N",
        ] {
            assert_eq!(CodeForm::parse(text), Err(BadForm), "{text}");
        }
    }

    #[test]
    fn codes_have_the_longest_length_and_every_class() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for text in ["04-08N", "06-06A", "04-12AN", "12-12ULSN"] {
            let form = CodeForm::parse(text).unwrap();
            for _ in 0..200 {
                let code = form.generate(&mut rng);
                assert_eq!(code.len(), form.length());
                for class in &form.classes {
                    assert!(
                        code.bytes().any(|byte| class.characters().contains(&byte)),
                        "{text}"
                    );
                }
                assert_eq!(*form.normalised(&code), *code);
            }
        }
    }

    #[test]
    fn blanks_are_ignored_and_size_matters_in_the_complex_form_alone() {
        let simple = CodeForm::parse("04-08AN").unwrap();
        assert_eq!(*simple.normalised(" ab 12\u{a0}Cd "), "AB12CD");
        let complex = CodeForm::parse("04-08UL").unwrap();
        assert_eq!(*complex.normalised("aB cD"), "aBcD");
    }

    #[test]
    fn an_invitation_survives_how_people_type() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        for _ in 0..100 {
            let code = invitation(&mut rng);
            assert_eq!(code.len(), 19);
            let plain = code.replace('-', "");
            assert_eq!(*invitation_normalised(&code).unwrap(), plain);
            let typed = code
                .to_lowercase()
                .replace('0', "o")
                .replace('1', "l")
                .replace('-', " ");
            assert_eq!(*invitation_normalised(&typed).unwrap(), plain);
        }
        for bad in [
            "",
            "7K3M-9QXA-0000-000",
            "7K3M-9QXA-0000-00000",
            "7K3M-9QXA-0000-000U",
        ] {
            assert_eq!(invitation_normalised(bad), None, "{bad}");
        }
    }
}
