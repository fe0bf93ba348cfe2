//! How much a decoder takes before it gives up.

/// Longest name of a document type, a namespace or an element, in bytes. Those of the standard have some forty. Names are
/// repeated in reports, beside each of thousands of elements; what is repeated has to be short.
pub const LONGEST_NAME: usize = 1024;

/// Bounds on input, checked before anything is stored.
///
/// One default serves every structure; a caller with larger documents raises what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest message in bytes. Default 4 MiB: a response with several portraits has some 150 KiB.
    pub message: usize,
    /// Deepest nesting of arrays, maps and tags. Default 64; the standard's structures need 10.
    pub depth: usize,
    /// Most CBOR items in one message, nested ones included; the content of a byte string is a message of its own.
    /// Default 20,000: room for 9,900 elements, or as many digests; a licence with all its elements has some 200.
    pub items: usize,
    /// Most certificates in an x5chain. Default 16.
    pub certificates: usize,
    /// Most documents in a response and most document requests in a request. Default 64.
    pub documents: usize,
    /// Most work on signatures and key agreements that one message may ask for, in verifications on P-256; other curves count
    /// for several. A document that begins within it is inspected whole, the next one is not inspected at all; a reader's
    /// signature that begins within it is checked, the next one is not. Default 600:
    /// 64 documents with a chain of two, device authentication and a status list each, in P-256, count for some 320.
    pub signatures: u32,
}

impl Limits {
    /// The defaults named at each field.
    pub const DEFAULT: Self = Self {
        message: 4 << 20,
        depth: 64,
        items: 20_000,
        certificates: 16,
        documents: 64,
        signatures: 600,
    };

    /// Of lists of authorities: as [`Limits::DEFAULT`], with room for [`crate::vical::MOST_ENTRIES`] entries.
    pub const VICAL: Self = Self {
        message: 16 << 20,
        items: 200_000,
        ..Self::DEFAULT
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::Item;
    use crate::error::Fault;

    #[test]
    fn lists_of_authorities_may_have_more_items_than_documents() {
        let zeros = |count: u16| {
            let mut out = vec![0x99];
            out.extend_from_slice(&count.to_be_bytes());
            out.resize(3 + usize::from(count), 0);
            out
        };
        assert!(Item::parse(&zeros(19_999), &Limits::DEFAULT).is_ok());
        let error = Item::parse(&zeros(20_000), &Limits::DEFAULT).unwrap_err();
        assert_eq!(error.fault(), &Fault::Limit("the number of items"));
        assert!(Item::parse(&zeros(60_000), &Limits::VICAL).is_ok());
    }
}
