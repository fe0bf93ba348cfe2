//! What is signed once and sent often: signed anew when it says something else, or half of its time is over.

use core::fmt;

use bytes::Bytes;
use mdoc_core::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

/// The newest of what was signed, kept in memory.
#[derive(Default)]
pub struct Signed {
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    /// The digest of what it says.
    says: [u8; 32],
    at: Timestamp,
    signed: Bytes,
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSigned(String);

impl fmt::Display for NotSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it was not signed: {}", self.0)
    }
}

impl core::error::Error for NotSigned {}

impl Signed {
    /// What was signed of that, good for half of its lifetime (in seconds) at least. Of many who ask at once, one has it
    /// signed, on a thread that may wait: the key may be elsewhere.
    ///
    /// # Errors
    /// [`NotSigned`]; what was kept before is kept on.
    pub async fn get<E: fmt::Display>(
        &self,
        says: &[u8],
        (now, lifetime): (Timestamp, i64),
        sign: impl FnOnce() -> Result<String, E> + Send + 'static,
    ) -> Result<Bytes, NotSigned> {
        let says: [u8; 32] = Sha256::digest(says).into();
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref()
            && kept.says == says
            && (0..=lifetime / 2).contains(&(now.unix() - kept.at.unix()))
        {
            return Ok(kept.signed.clone());
        }
        let made = tokio::task::spawn_blocking(|| sign().map_err(|why| NotSigned(why.to_string())));
        let made = made.await.unwrap_or_else(|why| Err(NotSigned(why.to_string())))?;
        let signed = Bytes::from(made);
        *kept = Some(Kept {
            says,
            at: now,
            signed: signed.clone(),
        });
        Ok(signed)
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn it_is_signed_anew_when_it_changes_or_grows_old_and_not_before() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (signed, count) = (Signed::default(), Arc::new(AtomicUsize::new(0)));
            let here = thread::current().id();
            let ask = async |says: &str, seconds: i64| {
                let (count, text) = (Arc::clone(&count), says.to_owned());
                let at = (Timestamp::from_unix(1_000_000 + seconds), 100);
                let sign = move || {
                    assert_ne!(thread::current().id(), here, "everybody waits for a signature");
                    let number = count.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, NotSigned>(format!("{text} {number}"))
                };
                signed.get(says.as_bytes(), at, sign).await.unwrap()
            };
            assert_eq!(ask("a", 0).await, "a 0");
            assert_eq!(ask("a", 50).await, "a 0");
            assert_eq!(ask("a", 51).await, "a 1");
            assert_eq!(ask("b", 51).await, "b 2");
            // A clock that went back.
            assert_eq!(ask("b", 40).await, "b 3");
            let failed = signed
                .get(b"c", (Timestamp::from_unix(1_000_040), 100), || {
                    Err("the token is away")
                })
                .await;
            assert_eq!(
                failed.unwrap_err().to_string(),
                "it was not signed: the token is away"
            );
            assert_eq!(ask("b", 40).await, "b 3");
        });
    }
}
