//! How much a decoder takes before it gives up.

/// Bounds on input, checked before anything is stored.
///
/// One default serves every structure; a caller with larger documents raises what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest message in bytes. Default 16 MiB: a response with several portraits has some 150 KiB.
    pub message: usize,
    /// Deepest nesting of arrays, maps and tags. Default 64; the standard's structures need 10.
    pub depth: usize,
    /// Most CBOR items in one message, nested ones included. Default 200,000.
    pub items: usize,
    /// Most certificates in an x5chain. Default 16.
    pub certificates: usize,
    /// Most documents in a response and most document requests in a request. Default 64.
    pub documents: usize,
}

impl Limits {
    /// The defaults named at each field.
    pub const DEFAULT: Self = Self {
        message: 16 << 20,
        depth: 64,
        items: 200_000,
        certificates: 16,
        documents: 64,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
