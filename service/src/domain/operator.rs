//! The rules of operators' sign-in (E3): what a password has to be, how long somebody waits who was wrong too often, which
//! code of an authenticator is good.

use mdoc_core::time::Timestamp;
use totp_rs::{Builder, Secret, Totp};
use zxcvbn::{Score, zxcvbn};

use super::Refusal;

/// How often somebody may be wrong before the account is closed for a while.
pub const TRIES: i64 = 5;
/// How long that is the first time, in seconds; twice as long after each further time.
const FIRST_PAUSE: i64 = 60;
/// How long it is at most, in seconds.
const LONGEST_PAUSE: i64 = 3600;
/// The fewest and the most characters of a password (NIST SP 800-63B-4, 3.1.1.2, asks for 8 beside a second factor).
const PASSWORD: core::ops::RangeInclusive<usize> = 10..=128;
/// How many recovery codes an account has.
pub const RECOVERY_CODES: usize = 10;
/// How long a code of an authenticator is the one, in seconds (RFC 6238, 5.2).
const STEP: u64 = 30;

/// How somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By a password and a code of an authenticator.
    Totp,
    /// By a password and a passkey.
    Passkey,
    /// By a password and a recovery code.
    Recovery,
    /// By a certificate that the connection was made with.
    Certificate,
    /// By a provider of OpenID Connect.
    OpenId,
}

impl Method {
    const ALL: [Self; 5] = [
        Self::Totp,
        Self::Passkey,
        Self::Recovery,
        Self::Certificate,
        Self::OpenId,
    ];

    /// Its name, in the trail and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Totp => "password+totp",
            Self::Passkey => "password+passkey",
            Self::Recovery => "password+recovery-code",
            Self::Certificate => "certificate",
            Self::OpenId => "openid",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether a password of this service was part of it.
    #[must_use]
    pub const fn has_password(self) -> bool {
        matches!(self, Self::Totp | Self::Passkey | Self::Recovery)
    }
}

/// How long an account is closed, in seconds, after somebody was wrong so often in a row; nothing if it stays open.
#[must_use]
pub fn pause(failures: i64) -> Option<i64> {
    let times = u64::try_from(failures.checked_sub(TRIES)?).ok()?;
    let times = u32::try_from(times).unwrap_or(u32::MAX);
    let pause = 2i64
        .checked_pow(times)
        .and_then(|factor| FIRST_PAUSE.checked_mul(factor));
    Some(pause.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE))
}

/// Whether a password can be one: long enough, and not what somebody guesses who knows whose it is.
///
/// # Errors
/// [`Refusal::Field`] for `password`; nothing of the password is in it.
pub fn check_password(password: &str, known: &[&str]) -> Result<(), Refusal> {
    let length = password.chars().count();
    if !PASSWORD.contains(&length) {
        return Err(Refusal::field("password", "it has from 10 to 128 characters"));
    }
    if password.chars().any(char::is_control) {
        return Err(Refusal::field("password", "it has a control character"));
    }
    if zxcvbn(password, known).score() < Score::Three {
        let rule = "it is one that is guessed soon; several words that have nothing to do with each other are better";
        return Err(Refusal::field("password", rule));
    }
    Ok(())
}

/// What an authenticator app and the service both know (RFC 6238): 160 bits, of which both make the same six digits for
/// half a minute.
pub struct Authenticator(Totp);

impl Authenticator {
    /// Of a secret, with the names that the app shows. None if it is none of ours.
    #[must_use]
    pub fn new(secret: &[u8], (issuer, account): (&str, &str)) -> Option<Self> {
        let plain = |name: &str| name.replace(':', " ");
        let secret: [u8; 20] = secret.try_into().ok()?;
        Builder::new()
            .with_secret(Secret::new_stack(secret))
            .with_issuer(Some(plain(issuer)))
            .with_account_name(plain(account))
            .with_step_duration(STEP)
            .with_skew(1)
            .build()
            .ok()
            .map(Self)
    }

    /// What an app reads as a QR code: `otpauth://totp/…`.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        self.0.to_url().ok()
    }

    /// The secret as it is typed into an app, in groups of four letters and digits.
    #[must_use]
    pub fn typed(&self) -> String {
        let text = self.0.secret().to_base32();
        let mut groups = String::with_capacity(text.len() + text.len() / 4);
        for (at, letter) in text.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                groups.push(' ');
            }
            groups.push(letter);
        }
        groups
    }

    /// The number of the half-minute whose code it is: the present one or one beside it, and later than the last one whose
    /// code was used, since each is good once (RFC 6238, 5.2).
    #[must_use]
    pub fn step(&self, code: &str, now: Timestamp, last: i64) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let time = u64::try_from(now.unix()).ok()?;
        let step = i64::try_from(self.0.check(&code, time)?).ok()?;
        (step > last).then_some(step)
    }

    /// The code of an instant, for tests and demonstrations.
    #[must_use]
    pub fn code(&self, now: Timestamp) -> String {
        let time = u64::try_from(now.unix()).unwrap_or_default();
        self.0.generate(time).to_string()
    }
}

impl core::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Authenticator")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_wrong_too_often_waits_and_waits_longer() {
        let pauses: Vec<_> = (0..14).map(pause).collect();
        assert_eq!(pauses[..5], [None; 5]);
        assert_eq!(pauses[5..8], [Some(60), Some(120), Some(240)]);
        assert_eq!(pauses[12..], [Some(3600); 2]);
        assert_eq!(pause(i64::MAX), Some(3600));
    }

    #[test]
    fn a_password_is_long_and_not_what_one_guesses() {
        let known = ["ada.lovelace", "Ada", "Lovelace"];
        for bad in [
            "",
            "kT9$x",
            "password123",
            "ada.lovelace",
            "ada.lovelace1",
            "aaaaaaaaaaaa",
            "1234567890123",
            "qwertyuiop12",
            "kT9$x\u{7}mmQ2!vb",
            &"x9".repeat(65),
        ] {
            let refused = check_password(bad, &known).unwrap_err();
            assert_eq!(refused.code(), "field.invalid", "{bad}");
            assert!(bad.is_empty() || !refused.to_string().contains(bad));
        }
        for good in ["kettle moss 7 orbit", "kT9$xmmQ2!vbZ", "über-Zaun grünt leise"] {
            check_password(good, &known).unwrap();
        }
    }

    /// The secret and the codes of RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_standard_and_each_is_good_once() {
        let one = Authenticator::new(b"12345678901234567890", ("Example: authority", "ada")).unwrap();
        for (at, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let now = Timestamp::from_unix(at);
            assert_eq!(one.code(now), code);
            assert_eq!(one.step(code, now, 0), Some(at / 30));
            assert_eq!(
                one.step(&format!(" {} {}", &code[..3], &code[3..]), now, 0),
                Some(at / 30)
            );
            assert_eq!(one.step(code, now, at / 30), None);
            assert_eq!(one.step(code, Timestamp::from_unix(at + 30), 0), Some(at / 30));
            assert_eq!(one.step(code, Timestamp::from_unix(at + 61), 0), None);
            assert_eq!(one.step(&code[..5], now, 0), None);
        }
        let address = one.address().unwrap();
        assert!(
            address.starts_with("otpauth://totp/Example%20%20authority:ada?"),
            "{address}"
        );
        assert_eq!(one.typed(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert!(Authenticator::new(b"short", ("x", "y")).is_none());
    }
}
