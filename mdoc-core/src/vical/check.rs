//! The named steps of checking a list.

use core::fmt;

use crate::steps::checks;

checks! {
    /// One step of checking a list. The list of steps only grows, and ids are stable.
    Decode = "vical-decode", "RFC 8949, 5.3; ISO/IEC 18013-5:2021, Annex C",
        "The list is one well-formed CBOR item within the limits, and no map has a key twice.";
    Structure = "vical-structure", "ISO/IEC 18013-5:2021, Annex C; RFC 9052, 4.2",
        "Required members are there and have the right types.";
    Version = "vical-version", "ISO/IEC 18013-5:2021, Annex C",
        "The major version is 1.";
    Encoding = "vical-encoding", "ISO/IEC 18013-5:2021, 8.1 and Annex C",
        "Lengths are the shortest and definite, the signature is untagged, the certificates are in the unprotected header.";
    X5chain = "vical-x5chain", "ISO/IEC 18013-5:2021, Annex C; RFC 9360, 2",
        "The signature comes with certificates that decode.";
    SignerChain = "vical-signer-chain", "ISO/IEC 18013-5:2021, Annex C; RFC 5280, 6.1",
        "The signer's certificate leads to the provider's root that was configured.";
    SignerValidity = "vical-signer-validity", "RFC 5280, 6.1.3",
        "The signer's certificate is valid now.";
    RootValidity = "vical-root-validity", "RFC 5280, 6.1.3",
        "The provider's root is valid now.";
    SignerProfile = "vical-signer-profile", "ISO/IEC 18013-5:2021, Annex B",
        "The signer's certificate is one for signing such lists, and for nothing else.";
    SignerRevocation = "vical-signer-revocation", "RFC 5280, 6.3",
        "The signer's certificate is not revoked.";
    Algorithm = "vical-alg", "ISO/IEC 18013-5:2021, Annex C; RFC 9053, 2",
        "The signature's algorithm is in the protected header, allowed, and goes with the key's curve.";
    Signature = "vical-signature", "ISO/IEC 18013-5:2021, Annex C; RFC 9052, 4.4",
        "The signer signed the list.";
    Date = "vical-date", "ISO/IEC 18013-5:2021, Annex C",
        "The list was not made in the future.";
    NotAfter = "vical-not-after", "ISO/IEC 18013-5, second edition, Annex C",
        "The list may still be used.";
    NextUpdate = "vical-next-update", "ISO/IEC 18013-5:2021, Annex C",
        "The list is not due for replacement.";
    Rollback = "vical-rollback", "advice: a list that was replaced may name authorities that are not trusted any more",
        "The list is not older than one of the same provider that was accepted before.";
    EntriesReadable = "vical-entries", "ISO/IEC 18013-5:2021, Annex C",
        "Every entry has a certificate that decodes and names the documents it is trusted for.";
    EntriesAgree = "vical-entries-agree", "ISO/IEC 18013-5:2021, Annex C",
        "What the list says of each certificate is what the certificate says.";
    EntriesOnce = "vical-entries-once", "ISO/IEC 18013-5:2021, Annex C",
        "No certificate is listed twice.";
    EntriesValid = "vical-entries-valid", "RFC 5280, 6.1.3",
        "Every certificate of the list is valid now.";
    EntriesProfile = "vical-entries-profile", "ISO/IEC 18013-5:2021, Annex B",
        "Every certificate of the list keeps the profile of an issuing authority.";
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
