//! Passwords as they are kept: Argon2id (RFC 9106), a few at a time, so that whoever guesses does not take the memory that
//! wallets need.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use mdoc_core::crypto::CryptoRng;
use mdoc_openid::Secret;
use tokio::sync::Semaphore;

/// How many are worked on at once.
const AT_ONCE: usize = 2;
/// How many wait for that at most; further ones are told to come again.
const WAITING: usize = 32;

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
    room: Arc<Semaphore>,
    inside: Arc<AtomicUsize>,
    /// What a password is compared with where there is no account, so that it takes the same time.
    nobody: String,
}

/// Too many wait already, or it cannot be done here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl Passwords {
    /// For that cost; none if there is no such thing.
    #[must_use]
    pub fn new(cost: Cost, rng: &mut dyn CryptoRng) -> Option<Self> {
        let params = Params::new(cost.memory, cost.passes, 1, None).ok()?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = kept(&argon, "nobody", &salt(rng)?)?;
        Some(Self {
            argon,
            room: Arc::new(Semaphore::new(AT_ONCE)),
            inside: Arc::default(),
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
        self.work(work).await?.ok_or(Busy)
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
        Ok(self.work(same).await?.is_some() && there)
    }

    /// Somewhere else than where requests are answered.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let _inside = Inside::enter(&self.inside)?;
        let _room = self.room.acquire().await.map_err(|_| Busy)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| Busy)
    }
}

impl core::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Passwords")
    }
}

/// One of those that wait or are worked on.
struct Inside(Arc<AtomicUsize>);

impl Inside {
    fn enter(count: &Arc<AtomicUsize>) -> Result<Self, Busy> {
        let inside = Self(Arc::clone(count));
        if count.fetch_add(1, Ordering::Relaxed) < AT_ONCE + WAITING {
            Ok(inside)
        } else {
            Err(Busy)
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_told_so_at_once() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let passwords = Passwords::new(CHEAP, &mut rng).unwrap();
        let all: Vec<_> = (0..AT_ONCE + WAITING)
            .map(|_| Inside::enter(&passwords.inside).unwrap())
            .collect();
        assert_eq!(passwords.is(Secret::from("x"), None).await, Err(Busy));
        drop(all);
        assert_eq!(passwords.is(Secret::from("x"), None).await, Ok(false));
    }
}
