//! The named steps of the inspection procedure.

use core::fmt;

use crate::steps::checks;

checks! {
    /// One step of the inspection procedure. The list only grows, and ids are stable.
    Decode = "decode", "RFC 8949, 5.3; ISO/IEC 18013-5:2021, 8.1",
        "The message is one well-formed CBOR item within the limits.";
    DuplicateKeys = "dup-keys", "RFC 8949, 5.6; ISO/IEC 18013-5:2021, 8.1",
        "No map has a key twice.";
    Embedded = "tag24", "RFC 8949, 3.4.5.1; ISO/IEC 18013-5:2021, 8.1",
        "Every tag 24 byte string of the standard's structures holds exactly one item.";
    Structure = "structure", "ISO/IEC 18013-5:2021, 8.3.2.1.2.2 and 9.1.2.4",
        "Required members are there and have the right types.";
    Version = "version", "ISO/IEC 18013-5:2021, 8.1",
        "The major version of the response and of the MSO is 1.";
    Encoding = "encoding", "ISO/IEC 18013-5:2021, 8.1",
        "Lengths are the shortest and definite, COSE structures untagged, instants in UTC with whole seconds.";
    ResponseStatus = "response-status", "ISO/IEC 18013-5:2021, 8.3.2.1.2.3",
        "The response reports no error and has a document.";
    Requested = "requested", "ISO/IEC 18013-5:2021, 8.3.2.1.2.2",
        "Nothing was returned that was not asked for.";
    X5chain = "x5chain", "ISO/IEC 18013-5:2021, 9.1.2.4; RFC 9360, 2",
        "The issuer's signature comes with certificates that decode.";
    DsChain = "ds-chain", "ISO/IEC 18013-5:2021, 9.3.3; RFC 5280, 6.1",
        "The document signer's certificate was issued by a trusted IACA.";
    DsValidity = "ds-validity", "ISO/IEC 18013-5:2021, 9.3.3; RFC 5280, 6.1.3",
        "The document signer's certificate is valid now.";
    DsCriticalExtensions = "ds-critical-ext", "RFC 5280, 4.2 and 6.1.4",
        "Every critical extension of the document signer's certificate is understood.";
    DsKeyUsage = "ds-ku", "ISO/IEC 18013-5:2021, Annex B.1.4",
        "The document signer's certificate is for signatures, and not for certificates.";
    DsKeyUsageCritical = "ds-ku-critical", "ISO/IEC 18013-5:2021, Annex B.1.4",
        "The key usage of the document signer's certificate is critical.";
    DsExtendedKeyUsage = "ds-eku", "ISO/IEC 18013-5:2021, Annex B.1.4",
        "The certificate that signed a driving licence is for signing driving licences.";
    DsExtendedKeyUsageCritical = "ds-eku-critical", "ISO/IEC 18013-5:2021, Annex B.1.4",
        "The extended key usage of the document signer's certificate is critical.";
    DsProfile = "ds-profile", "ISO/IEC 18013-5:2021, Annex B.1.4",
        "The document signer's certificate keeps the other rules of its profile.";
    IacaValidity = "iaca-validity", "ISO/IEC 18013-5:2021, 9.3.3; RFC 5280, 6.1.3",
        "The IACA certificate is valid now.";
    IacaProfile = "iaca-profile", "ISO/IEC 18013-5:2021, Annex B.1.2",
        "The IACA certificate is one of a CA that may sign certificates.";
    CertificateCountry = "cert-country", "ISO/IEC 18013-5:2021, Annex B.1",
        "The country, and the state if both have one, of the document signer and the IACA are the same.";
    AnchorDocType = "anchor-doctype", "ISO/IEC 18013-5:2021, Annex C",
        "The trust anchor is trusted for this type of document.";
    DsRevocation = "ds-revocation", "ISO/IEC 18013-5:2021, 9.3.3; RFC 5280, 6.3",
        "The document signer's certificate is not revoked.";
    Algorithm = "alg", "ISO/IEC 18013-5:2021, 9.1.2.5; RFC 9053, 2",
        "The signature's algorithm is in the protected header, allowed, and goes with the key's curve.";
    IssuerSignature = "issuer-signature", "ISO/IEC 18013-5:2021, 9.3.1",
        "The issuer signed the MSO.";
    Thumbprint = "x5t", "RFC 9360, 2",
        "The thumbprint under the signature, if there is one, is the certificate's.";
    MsoDocType = "mso-doctype", "ISO/IEC 18013-5:2021, 9.3.1",
        "The MSO is for the document's type.";
    MsoSigned = "mso-signed", "ISO/IEC 18013-5:2021, 9.3.1",
        "The MSO was signed while the document signer's certificate was valid.";
    MsoValidity = "mso-validity", "ISO/IEC 18013-5:2021, 9.3.1",
        "The MSO is valid now.";
    MsoOutlivesDs = "mso-until-ds", "ISO/IEC 18013-5 second edition, 12.3.4",
        "The MSO does not outlive the document signer's certificate.";
    Digest = "digest", "ISO/IEC 18013-5:2021, 9.3.1",
        "The digest of every returned element, over the bytes received, is the one that was signed.";
    DigestId = "digest-id", "ISO/IEC 18013-5:2021, 9.1.2.4",
        "Every returned element has a digest in the MSO, of its own.";
    Salt = "salt", "ISO/IEC 18013-5:2021, 9.1.2.5",
        "Every returned element has a salt of at least 16 bytes.";
    DuplicateElement = "dup-element", "ISO/IEC 18013-5:2021, 8.3.2.1.2.2",
        "No element is returned twice, by the issuer and the device together.";
    Country = "country", "ISO/IEC 18013-5:2021, 9.3.1",
        "A driving licence names the country and jurisdiction of its signer's certificate.";
    Status = "status", "ISO/IEC 18013-5 second edition, 12.3.6",
        "The document was not revoked or suspended.";
    KeyAuthorization = "key-auth", "ISO/IEC 18013-5:2021, 9.1.2.4 and 9.1.3.3",
        "The issuer authorised the device to vouch for every element that it vouches for.";
    DeviceKey = "device-key", "ISO/IEC 18013-5:2021, 9.1.2.4 and 9.1.5.2",
        "The device key in the MSO is a usable public key.";
    DeviceAuthentication = "device-auth", "ISO/IEC 18013-5:2021, 9.1.3",
        "The device signed or MACed this response in this session.";
    MdlElements = "mdl-elements", "ISO/IEC 18013-5:2021, 7.2",
        "The returned elements of a driving licence have the types and values of the standard.";
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
