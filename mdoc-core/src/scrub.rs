//! What computations with secrets leave on the stack, and how it is overwritten.
//!
//! A secret in a `Zeroizing` buffer on the heap is wiped when the buffer is dropped. Computing with it copies it to
//! the stack: scalars are moved between functions, an HMAC begins with its key, a compiler spills registers.
//! Nothing wipes these copies, and a stack is not cleared when a function returns. [`scrubbed`] does it.

use core::hint::black_box;

/// How much of the stack is overwritten, in bytes: more than any operation of the backends was seen to use.
const DEPTH: usize = 32 * 1024;

/// Does some work with secrets, then overwrites the part of the stack that it has used.
///
/// What the work returns must not be a secret by value, as it is moved past what is overwritten: return a
/// secret on the heap, such as `Zeroizing<Vec<u8>>`. Nor may it have room for one where the work holds a secret by value: the
/// bytes of an `enum` that its variant does not use are written too, with whatever was in a register. Everything in this crate that takes a private key does its
/// work within this; programs that hold keys of sessions by value do well to run as a whole in it.
///
/// ```
/// use mdoc_core::crypto::{Backend, RustCrypto};
/// use mdoc_core::scrub::scrubbed;
///
/// # let (shared, salt, iv, message) = ([1; 32], [2; 32], [3; 12], b"message");
/// let sealed = scrubbed(|| {
///     let key = RustCrypto.hkdf_sha256(&shared, &salt, b"SKDevice");
///     RustCrypto.seal(&key, &iv, message)
/// });
/// assert_eq!(sealed.len(), message.len() + 16);
/// ```
#[inline(never)]
pub fn scrubbed<T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    overwrite();
    result
}

/// A frame of its own below that of [`scrubbed`], where [`overwrite`] has its own afterwards.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    // The optimiser has to believe that somebody looks at the zeros.
    black_box(&mut [0_u8; DEPTH]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_is_done_once_and_its_result_comes_back() {
        let mut count = 0;
        let result = scrubbed(|| {
            count += 1;
            vec![1, 2, 3]
        });
        assert_eq!((result, count), (vec![1, 2, 3], 1));
    }
}
