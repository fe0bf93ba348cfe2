//! Names and extensions, written.

use super::BuildError;
use crate::crypto::PublicKey;
use crate::x509::oid::{self, Oid};
use crate::x509::{Certificate, GeneralName, KeyUsage, der, key_identifier};

pub(in crate::x509) fn slices(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

pub(super) fn relative_name(oid: Oid<'_>, tag: u8, value: &[u8]) -> Vec<u8> {
    let kind = der::tlv(der::OBJECT_IDENTIFIER, &[oid.content()]);
    let pair = der::tlv(der::SEQUENCE, &[&kind, &der::tlv(tag, &[value])]);
    der::tlv(der::SET, &[&pair])
}

pub(in crate::x509) fn text(
    oid: Oid<'_>,
    field: &'static str,
    most: usize,
    value: &str,
) -> Result<Vec<u8>, BuildError> {
    let found = value.chars().count();
    if found == 0 || found > most {
        return Err(BuildError::Text { field, most, found });
    }
    Ok(relative_name(oid, der::UTF8_STRING, value.as_bytes()))
}

pub(in crate::x509) fn organization(name: &mut Vec<Vec<u8>>, value: Option<&str>) -> Result<(), BuildError> {
    if let Some(value) = value {
        name.push(text(oid::ORGANIZATION, "organization", 64, value)?);
    }
    Ok(())
}

pub(in crate::x509) fn country(value: &str) -> Result<Vec<u8>, BuildError> {
    if value.len() != 2 || !value.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(BuildError::Country(value.to_owned()));
    }
    Ok(relative_name(
        oid::COUNTRY,
        der::PRINTABLE_STRING,
        value.as_bytes(),
    ))
}

pub(in crate::x509) fn state_of(country: &str, value: &str) -> Result<Vec<u8>, BuildError> {
    let code = value
        .strip_prefix(country)
        .and_then(|rest| rest.strip_prefix('-'))
        .filter(|code| (1..=3).contains(&code.len()))
        .filter(|code| code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    if code.is_none() {
        return Err(BuildError::State(value.to_owned()));
    }
    text(oid::STATE_OR_PROVINCE, "state", 128, value)
}

pub(super) fn free_name(
    country_code: Option<&str>,
    organization_name: Option<&str>,
    common_name: &str,
) -> Result<Vec<u8>, BuildError> {
    let mut name = Vec::new();
    if let Some(code) = country_code {
        name.push(country(code)?);
    }
    organization(&mut name, organization_name)?;
    name.push(text(oid::COMMON_NAME, "common name", 64, common_name)?);
    Ok(der::tlv(der::SEQUENCE, &slices(&name)))
}

/// A whole `Extension`.
pub(in crate::x509) fn extension(oid: Oid<'_>, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[der::BOOLEAN, 1, 0xFF] } else { &[] };
    let kind = der::tlv(der::OBJECT_IDENTIFIER, &[oid.content()]);
    let value = der::tlv(der::OCTET_STRING, &[value]);
    der::tlv(der::SEQUENCE, &[&kind, flag, &value])
}

pub(in crate::x509) fn ca_constraints() -> Vec<u8> {
    let value = der::tlv(der::SEQUENCE, &[&[der::BOOLEAN, 1, 0xFF], &der::unsigned(&[0])]);
    extension(oid::BASIC_CONSTRAINTS, true, &value)
}

pub(in crate::x509) fn usage(usage: KeyUsage) -> Vec<u8> {
    extension(oid::KEY_USAGE, true, &usage.to_der())
}

pub(in crate::x509) fn purposes_of(purposes: &[Oid<'_>]) -> Vec<u8> {
    let list: Vec<_> = purposes
        .iter()
        .map(|oid| der::tlv(der::OBJECT_IDENTIFIER, &[oid.content()]))
        .collect();
    extension(
        oid::EXTENDED_KEY_USAGE,
        true,
        &der::tlv(der::SEQUENCE, &slices(&list)),
    )
}

pub(super) fn subject_key(key: &PublicKey) -> Vec<u8> {
    let id = key_identifier(key.as_bytes());
    extension(
        oid::SUBJECT_KEY_IDENTIFIER,
        false,
        &der::tlv(der::OCTET_STRING, &[&id]),
    )
}

/// authorityKeyIdentifier with the key identifier that the issuer has, or should have.
pub(super) fn authority_key(issuer: &Certificate) -> Vec<u8> {
    let computed = issuer.computed_key_identifier();
    let id = match issuer.subject_key_identifier() {
        Some(Ok(id)) => id,
        _ => &computed,
    };
    let value = der::tlv(der::SEQUENCE, &[&der::tlv(der::context(0), &[id])]);
    extension(oid::AUTHORITY_KEY_IDENTIFIER, false, &value)
}

fn is_uri(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic()) && text.split_once(':').is_some_and(|(s, _)| !s.is_empty())
}

pub(super) fn contacts(names: &[GeneralName]) -> Result<Vec<u8>, BuildError> {
    for name in names {
        match name {
            GeneralName::Email(mail) if mail.contains('@') && mail.bytes().all(|b| b.is_ascii_graphic()) => {}
            GeneralName::Uri(uri) if is_uri(uri) => {}
            GeneralName::Email(text) | GeneralName::Uri(text) | GeneralName::Dns(text) => {
                return Err(BuildError::Contact(text.clone()));
            }
            _ => return Err(BuildError::Contact(String::new())),
        }
    }
    if names.is_empty() {
        return Err(BuildError::Contact(String::new()));
    }
    let list: Vec<_> = names.iter().map(GeneralName::to_der).collect();
    Ok(extension(
        oid::ISSUER_ALT_NAME,
        false,
        &der::tlv(der::SEQUENCE, &slices(&list)),
    ))
}

pub(super) fn crl_uri(uri: &str) -> Result<Vec<u8>, BuildError> {
    if !is_uri(uri) {
        return Err(BuildError::CrlUri(uri.to_owned()));
    }
    let name = GeneralName::Uri(uri.to_owned()).to_der();
    let full_name = der::tlv(der::constructed(0), &[&der::tlv(der::constructed(0), &[&name])]);
    let point = der::tlv(der::SEQUENCE, &[&full_name]);
    Ok(extension(
        oid::CRL_DISTRIBUTION_POINTS,
        false,
        &der::tlv(der::SEQUENCE, &[&point]),
    ))
}

/// authorityInfoAccess with the address of an OCSP responder.
pub(super) fn ocsp_uri(uri: &str) -> Result<Vec<u8>, BuildError> {
    if !is_uri(uri) {
        return Err(BuildError::OcspUri(uri.to_owned()));
    }
    let method = der::tlv(der::OBJECT_IDENTIFIER, &[oid::AD_OCSP.content()]);
    let place = GeneralName::Uri(uri.to_owned()).to_der();
    let access = der::tlv(der::SEQUENCE, &[&method, &place]);
    Ok(extension(
        oid::AUTHORITY_INFO_ACCESS,
        false,
        &der::tlv(der::SEQUENCE, &[&access]),
    ))
}

/// id-pkix-ocsp-nocheck: the value is NULL (RFC 6960, 4.2.2.2.1).
pub(super) fn no_check() -> Vec<u8> {
    extension(oid::OCSP_NO_CHECK, false, &[5, 0])
}

pub(in crate::x509) fn alternative_names(names: &[GeneralName]) -> Vec<u8> {
    let list: Vec<_> = names.iter().map(GeneralName::to_der).collect();
    extension(
        oid::SUBJECT_ALT_NAME,
        false,
        &der::tlv(der::SEQUENCE, &slices(&list)),
    )
}
