//! Object identifiers as they stand in certificates, and those that matter here.

use core::fmt;

use crate::crypto::Curve;

/// An object identifier: the content octets of its DER form. Shows itself in dotted form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid<'a>(&'a [u8]);

impl<'a> Oid<'a> {
    /// Takes content octets; `None` if they are not whole arcs in the shortest form.
    #[must_use]
    pub fn from_content(content: &'a [u8]) -> Option<Self> {
        let ends = content.last().is_some_and(|last| last & 0x80 == 0);
        let mut first = true; // of an arc
        for octet in content {
            if first && *octet == 0x80 {
                return None;
            }
            first = octet & 0x80 == 0;
        }
        ends.then_some(Self(content))
    }

    /// The same for octets that were checked before.
    pub(super) const fn read_before(content: &'a [u8]) -> Self {
        Self(content)
    }

    /// The content octets.
    #[must_use]
    pub const fn content(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Display for Oid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arc: u128 = 0;
        let mut first = true;
        for octet in self.0 {
            arc = arc.saturating_mul(128) | u128::from(octet & 0x7F);
            if octet & 0x80 == 0 {
                if first {
                    let root = (arc / 40).min(2);
                    write!(f, "{root}.{}", arc.saturating_sub(root * 40))?;
                    first = false;
                } else {
                    write!(f, ".{arc}")?;
                }
                arc = 0;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Oid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = [$($octet:expr),*];)*) => {$(
        $(#[$doc])*
        pub const $name: Oid<'static> = Oid(&[$($octet),*]);
    )*};
}

oids! {
    /// countryName, 2.5.4.6.
    COUNTRY = [0x55, 4, 6];
    /// stateOrProvinceName, 2.5.4.8.
    STATE_OR_PROVINCE = [0x55, 4, 8];
    /// localityName, 2.5.4.7.
    LOCALITY = [0x55, 4, 7];
    /// organizationName, 2.5.4.10.
    ORGANIZATION = [0x55, 4, 10];
    /// organizationalUnitName, 2.5.4.11.
    ORGANIZATIONAL_UNIT = [0x55, 4, 11];
    /// commonName, 2.5.4.3.
    COMMON_NAME = [0x55, 4, 3];
    /// serialNumber of a name, 2.5.4.5.
    SERIAL_NUMBER = [0x55, 4, 5];

    /// subjectKeyIdentifier, 2.5.29.14.
    SUBJECT_KEY_IDENTIFIER = [0x55, 0x1D, 14];
    /// keyUsage, 2.5.29.15.
    KEY_USAGE = [0x55, 0x1D, 15];
    /// subjectAltName, 2.5.29.17.
    SUBJECT_ALT_NAME = [0x55, 0x1D, 17];
    /// issuerAltName, 2.5.29.18.
    ISSUER_ALT_NAME = [0x55, 0x1D, 18];
    /// basicConstraints, 2.5.29.19.
    BASIC_CONSTRAINTS = [0x55, 0x1D, 19];
    /// cRLNumber, 2.5.29.20.
    CRL_NUMBER = [0x55, 0x1D, 20];
    /// nameConstraints, 2.5.29.30.
    NAME_CONSTRAINTS = [0x55, 0x1D, 30];
    /// cRLDistributionPoints, 2.5.29.31.
    CRL_DISTRIBUTION_POINTS = [0x55, 0x1D, 31];
    /// certificatePolicies, 2.5.29.32.
    CERTIFICATE_POLICIES = [0x55, 0x1D, 32];
    /// policyMappings, 2.5.29.33.
    POLICY_MAPPINGS = [0x55, 0x1D, 33];
    /// authorityKeyIdentifier, 2.5.29.35.
    AUTHORITY_KEY_IDENTIFIER = [0x55, 0x1D, 35];
    /// policyConstraints, 2.5.29.36.
    POLICY_CONSTRAINTS = [0x55, 0x1D, 36];
    /// extKeyUsage, 2.5.29.37.
    EXTENDED_KEY_USAGE = [0x55, 0x1D, 37];
    /// freshestCRL, 2.5.29.46.
    FRESHEST_CRL = [0x55, 0x1D, 46];
    /// inhibitAnyPolicy, 2.5.29.54.
    INHIBIT_ANY_POLICY = [0x55, 0x1D, 54];
    /// authorityInfoAccess, 1.3.6.1.5.5.7.1.1.
    AUTHORITY_INFO_ACCESS = [0x2B, 6, 1, 5, 5, 7, 1, 1];

    /// mdlDS, 1.0.18013.5.1.2: may sign mobile driving licences.
    MDL_DS = [0x28, 0x81, 0x8C, 0x5D, 5, 1, 2];
    /// mdlReaderAuth, 1.0.18013.5.1.6: may authenticate a reader.
    MDL_READER_AUTH = [0x28, 0x81, 0x8C, 0x5D, 5, 1, 6];
    /// mdlJWS, 1.0.18013.5.1.3: may sign the tokens of server retrieval (first edition).
    MDL_JWS = [0x28, 0x81, 0x8C, 0x5D, 5, 1, 3];
    /// mdlVICAL, 1.0.18013.5.1.8: may sign lists of issuing authorities.
    MDL_VICAL = [0x28, 0x81, 0x8C, 0x5D, 5, 1, 8];
    /// mdlTLSClientAuth, 1.0.18013.5.1.9: may authenticate the client of server retrieval (first edition).
    MDL_TLS_CLIENT_AUTH = [0x28, 0x81, 0x8C, 0x5D, 5, 1, 9];
    /// mdocDS, 1.0.23220.4.1.2: may sign mobile documents.
    MDOC_DS = [0x28, 0x81, 0xB5, 0x34, 4, 1, 2];
    /// mdocReaderAuth, 1.0.23220.4.1.6: may authenticate a reader.
    MDOC_READER_AUTH = [0x28, 0x81, 0xB5, 0x34, 4, 1, 6];
    /// mdocVICAL, 1.0.23220.4.1.8: may sign lists of issuing authorities.
    MDOC_VICAL = [0x28, 0x81, 0xB5, 0x34, 4, 1, 8];
    /// serverAuth, 1.3.6.1.5.5.7.3.1: may authenticate the server of a TLS connection.
    SERVER_AUTH = [0x2B, 6, 1, 5, 5, 7, 3, 1];
    /// clientAuth, 1.3.6.1.5.5.7.3.2: may authenticate the client of a TLS connection.
    CLIENT_AUTH = [0x2B, 6, 1, 5, 5, 7, 3, 2];
    /// OCSPSigning, 1.3.6.1.5.5.7.3.9: may answer for its issuer whether certificates were revoked.
    OCSP_SIGNING = [0x2B, 6, 1, 5, 5, 7, 3, 9];
    /// id-ad-ocsp, 1.3.6.1.5.5.7.48.1: where such answers are to be had.
    AD_OCSP = [0x2B, 6, 1, 5, 5, 7, 0x30, 1];
    /// id-pkix-ocsp-nocheck, 1.3.6.1.5.5.7.48.1.5: nobody need ask whether this responder was revoked.
    OCSP_NO_CHECK = [0x2B, 6, 1, 5, 5, 7, 0x30, 1, 5];

    /// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1: the kind of answer that responders give.
    OCSP_BASIC = [0x2B, 6, 1, 5, 5, 7, 0x30, 1, 1];
    /// id-pkix-ocsp-nonce, 1.3.6.1.5.5.7.48.1.2: ties an answer to its question.
    OCSP_NONCE = [0x2B, 6, 1, 5, 5, 7, 0x30, 1, 2];
    /// extensionRequest, 1.2.840.113549.1.9.14: the extensions that a certification request asks for.
    EXTENSION_REQUEST = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 14];
    /// id-sha1, 1.3.14.3.2.26.
    SHA1 = [0x2B, 0x0E, 3, 2, 0x1A];
    /// id-sha256, 2.16.840.1.101.3.4.2.1.
    SHA256 = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

    /// id-ecPublicKey, 1.2.840.10045.2.1.
    EC_PUBLIC_KEY = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];
    /// id-Ed25519, 1.3.101.112.
    ED25519 = [0x2B, 0x65, 0x70];
    /// id-X25519, 1.3.101.110.
    X25519 = [0x2B, 0x65, 0x6E];
    /// secp256r1, 1.2.840.10045.3.1.7.
    P256 = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
    /// secp384r1, 1.3.132.0.34.
    P384 = [0x2B, 0x81, 4, 0, 0x22];
    /// secp521r1, 1.3.132.0.35.
    P521 = [0x2B, 0x81, 4, 0, 0x23];
    /// brainpoolP256r1, 1.3.36.3.3.2.8.1.1.7.
    BRAINPOOL_P256R1 = [0x2B, 0x24, 3, 3, 2, 8, 1, 1, 7];
    /// brainpoolP384r1, 1.3.36.3.3.2.8.1.1.11.
    BRAINPOOL_P384R1 = [0x2B, 0x24, 3, 3, 2, 8, 1, 1, 11];
    /// ecdsa-with-SHA256, 1.2.840.10045.4.3.2.
    ECDSA_SHA256 = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
    /// ecdsa-with-SHA384, 1.2.840.10045.4.3.3.
    ECDSA_SHA384 = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3];
    /// ecdsa-with-SHA512, 1.2.840.10045.4.3.4.
    ECDSA_SHA512 = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 4];
}

/// The identifier of a curve with two coordinates, or of the algorithm of the others (RFC 8410, 3).
pub(crate) const fn of_curve(curve: Curve) -> Oid<'static> {
    match curve {
        Curve::P256 => P256,
        Curve::P384 => P384,
        Curve::P521 => P521,
        Curve::X25519 => X25519,
        Curve::Ed25519 => ED25519,
        Curve::BrainpoolP256r1 => BRAINPOOL_P256R1,
        Curve::BrainpoolP384r1 => BRAINPOOL_P384R1,
    }
}

/// The curve of that identifier, among those with two coordinates.
pub(crate) fn named_curve(oid: Oid<'_>) -> Option<Curve> {
    Curve::ALL
        .into_iter()
        .filter(|curve| !curve.is_octet_string())
        .find(|curve| of_curve(*curve) == oid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_forms() {
        for (oid, dotted) in [
            (KEY_USAGE, "2.5.29.15"),
            (AUTHORITY_INFO_ACCESS, "1.3.6.1.5.5.7.1.1"),
            (MDL_DS, "1.0.18013.5.1.2"),
            (MDL_READER_AUTH, "1.0.18013.5.1.6"),
            (MDOC_DS, "1.0.23220.4.1.2"),
            (MDL_VICAL, "1.0.18013.5.1.8"),
            (MDL_TLS_CLIENT_AUTH, "1.0.18013.5.1.9"),
            (MDOC_VICAL, "1.0.23220.4.1.8"),
            (EXTENSION_REQUEST, "1.2.840.113549.1.9.14"),
            (SHA1, "1.3.14.3.2.26"),
            (SHA256, "2.16.840.1.101.3.4.2.1"),
            (OCSP_SIGNING, "1.3.6.1.5.5.7.3.9"),
            (OCSP_NO_CHECK, "1.3.6.1.5.5.7.48.1.5"),
            (P256, "1.2.840.10045.3.1.7"),
            (P384, "1.3.132.0.34"),
            (BRAINPOOL_P384R1, "1.3.36.3.3.2.8.1.1.11"),
            (ECDSA_SHA384, "1.2.840.10045.4.3.3"),
            (X25519, "1.3.101.110"),
            (ED25519, "1.3.101.112"),
        ] {
            assert_eq!(oid.to_string(), dotted);
            assert_eq!(Oid::from_content(oid.content()), Some(oid));
        }
        for bad in [&[][..], &[0x80], &[0x2A, 0x80, 1], &[0x2A, 0x86]] {
            assert_eq!(Oid::from_content(bad), None);
        }
    }
}
