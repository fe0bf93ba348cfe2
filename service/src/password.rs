//! Passwords as they are kept: Argon2id (RFC 9106), a few at a time, so that whoever guesses does not take the memory that
//! wallets need.

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use mdoc_core::crypto::CryptoRng;
use mdoc_openid::Secret;

use crate::domain::Refusal;
use crate::domain::operator::check_password;
use crate::room::Room;

pub use crate::room::Busy;

/// How many are worked on at once.
const AT_ONCE: usize = 2;

/// What a password costs whoever guesses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    /// The second of the settings that OWASP recommends: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self {
            memory: 19 * 1024,
            passes: 2,
        }
    }
}

/// Makes and compares passwords as they are kept.
pub struct Passwords {
    argon: Argon2<'static>,
    room: Room,
    /// What a password is compared with where there is no account, so that it takes the same time.
    nobody: String,
}

impl Passwords {
    /// For that cost; none if there is no such thing.
    #[must_use]
    pub fn new(cost: Cost, rng: &mut dyn CryptoRng) -> Option<Self> {
        let params = Params::new(cost.memory, cost.passes, 1, None).ok()?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = kept(&argon, "nobody", &salt(rng)?)?;
        Some(Self {
            argon,
            room: Room::new(AT_ONCE),
            nobody,
        })
    }

    /// A password as it is kept: `$argon2id$v=19$…`.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn keep(&self, password: Secret, rng: &mut (dyn CryptoRng + Send)) -> Result<String, Busy> {
        let salt = salt(rng).ok_or(Busy)?;
        let argon = self.argon.clone();
        let work = move || kept(&argon, password.expose(), &salt);
        self.room.work(work).await?.ok_or(Busy)
    }

    /// Whether it is that password. Where none is kept it is not, which takes as long.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn is(&self, password: Secret, kept: Option<&str>) -> Result<bool, Busy> {
        let there = kept.is_some();
        let kept = kept.unwrap_or(&self.nobody).to_owned();
        let argon = self.argon.clone();
        let same = move || {
            let kept = PasswordHash::new(&kept).ok()?;
            // Its own settings are in what is kept.
            argon.verify_password(password.expose().as_bytes(), &kept).ok()
        };
        Ok(self.room.work(same).await?.is_some() && there)
    }

    /// Whether a password that was chosen can be one; `known` is what anybody would guess.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn judge(&self, password: Secret, known: Vec<String>) -> Result<Result<(), Refusal>, Busy> {
        let judged = move || {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            check_password(password.expose(), &known)
        };
        self.room.work(judged).await
    }

    /// Whether a password is kept at another cost than new ones are.
    #[must_use]
    pub fn is_outdated(&self, kept: &str) -> bool {
        let kept = PasswordHash::new(kept).ok();
        let cost = kept.and_then(|kept| Params::try_from(&kept).ok());
        cost.is_none_or(|cost| {
            let own = self.argon.params();
            (cost.m_cost(), cost.t_cost(), cost.p_cost()) != (own.m_cost(), own.t_cost(), own.p_cost())
        })
    }
}

impl core::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Passwords")
    }
}

fn salt(rng: &mut dyn CryptoRng) -> Option<SaltString> {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    SaltString::encode_b64(&bytes).ok()
}

fn kept(argon: &Argon2<'_>, password: &str, salt: &SaltString) -> Option<String> {
    let made = argon.hash_password(password.as_bytes(), salt).ok()?;
    Some(made.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    const CHEAP: Cost = Cost {
        memory: 32,
        passes: 1,
    };

    #[tokio::test]
    async fn a_password_is_known_again_and_kept_with_a_salt_of_its_own() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let passwords = Passwords::new(CHEAP, &mut rng).unwrap();
        let one = passwords
            .keep(Secret::from("kettle moss"), &mut rng)
            .await
            .unwrap();
        let two = passwords
            .keep(Secret::from("kettle moss"), &mut rng)
            .await
            .unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=32,t=1,p=1$"), "{one}");
        assert_ne!(one, two);
        for kept in [&one, &two] {
            assert_eq!(
                passwords.is(Secret::from("kettle moss"), Some(kept)).await,
                Ok(true)
            );
            assert_eq!(
                passwords.is(Secret::from("kettle mos"), Some(kept)).await,
                Ok(false)
            );
        }
        assert_eq!(passwords.is(Secret::from("nobody"), None).await, Ok(false));
        assert_eq!(
            passwords.is(Secret::from("x"), Some("$argon2id$")).await,
            Ok(false)
        );
        let dear = Passwords::new(
            Cost {
                memory: 64,
                passes: 2,
            },
            &mut rng,
        )
        .unwrap();
        assert_eq!(dear.is(Secret::from("kettle moss"), Some(&one)).await, Ok(true));
        assert!(dear.is_outdated(&one) && !passwords.is_outdated(&one) && passwords.is_outdated("x"));
    }
}
