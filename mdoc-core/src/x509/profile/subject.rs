//! The rules on names, key identifiers and contacts.

use base16ct::lower::encode_string;
use core::ops::Deref;
use std::borrow::Cow;

use super::table::{AlternativeName, Place, RevocationRules};
use super::{ABSENT, Check, Rule};
use crate::x509::extension::Points;
use crate::x509::general_name::NameView;
use crate::x509::{Attribute, Certificate, GeneralName, der, name, oid};

/// Alternative names in words: the kind of each, and what it says.
fn words<'a>(names: impl Iterator<Item = &'a GeneralName>) -> String {
    let names: Vec<String> = names.map(GeneralName::to_string).collect();
    names.join(", ")
}

/// A key identifier as written in a certificate, or as computed of its key.
enum KeyIdentifier<'a> {
    Written(&'a [u8]),
    Computed([u8; 20]),
}

impl Deref for KeyIdentifier<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Written(id) => id,
            Self::Computed(id) => id,
        }
    }
}

impl<'a> Check<'a> {
    pub(super) fn names(&mut self) {
        let subject = self.certificate.subject();
        if subject.text(oid::COMMON_NAME).is_none_or(|name| name.is_empty()) {
            self.add(Rule::CommonName, ABSENT, "a common name");
        }
        if let Some(allowed) = self.profile.attributes {
            for attribute in subject.attributes() {
                if !allowed.contains(&attribute.oid) {
                    let found = format!("{}={}", name::short(attribute.oid), attribute.text());
                    let allowed: Vec<_> = allowed.iter().map(|oid| name::short(*oid)).collect();
                    self.add(
                        Rule::SubjectAttribute,
                        found,
                        format!("only {}", allowed.join(", ")),
                    );
                }
            }
        }
        let place = self.profile.place;
        if place != Place::Free {
            self.country(place);
        }
        if place == Place::CountryAndState {
            self.state();
        }
        if let Some(rule) = self.profile.organization
            && subject.text(oid::ORGANIZATION).is_none_or(|name| name.is_empty())
        {
            self.add(rule, ABSENT, "an organisation");
        }
    }

    fn country(&mut self, place: Place) {
        let subject = self.certificate.subject();
        let of_issuer = self
            .issuer
            .filter(|_| place != Place::Own)
            .map(|issuer| issuer.subject().text(oid::COUNTRY));
        match (subject.text(oid::COUNTRY), of_issuer) {
            (None, _) => self.add(Rule::Country, ABSENT, "a country"),
            (Some(country), Some(above)) if above.as_ref() != Some(&country) => {
                self.add(Rule::Country, country, above.unwrap_or(Cow::Borrowed(ABSENT)));
            }
            _ => {}
        }
        let countries = || {
            subject
                .attributes()
                .filter(|attribute| attribute.oid == oid::COUNTRY)
        };
        let well_formed = |country: Attribute<'_>| {
            country.tag == der::PRINTABLE_STRING
                && country.value.len() == 2
                && country.value.iter().all(u8::is_ascii_uppercase)
        };
        if countries().count() > 1 || !countries().all(well_formed) {
            let found: Vec<_> = countries().map(|country| country.text()).collect();
            self.add(
                Rule::CountryForm,
                found.join(" and "),
                "two upper-case letters in a PrintableString",
            );
        }
    }

    fn state(&mut self) {
        let subject = self.certificate.subject();
        let state = subject.text(oid::STATE_OR_PROVINCE);
        if let Some(issuer) = self.issuer {
            match (&state, issuer.subject().text(oid::STATE_OR_PROVINCE)) {
                (Some(state), Some(above)) if *state != above => {
                    self.add(Rule::State, state.as_ref(), above);
                }
                (Some(state), None) => {
                    self.add(Rule::StatePresence, state.as_ref(), "none, as in its issuer");
                }
                (None, Some(above)) => self.add(Rule::StatePresence, ABSENT, above),
                _ => {}
            }
        }
        let Some(state) = state else { return };
        let country = subject.text(oid::COUNTRY).unwrap_or_default();
        let code = state
            .strip_prefix(country.as_ref())
            .and_then(|rest| rest.strip_prefix('-'));
        let proper = |code: &str| {
            (1..=3).contains(&code.len())
                && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        if !code.is_some_and(proper) {
            let expected = format!("a code of ISO 3166-2, {country}-…");
            self.add(Rule::StateForm, state, expected);
        }
    }

    pub(super) fn identifiers(&mut self) {
        let computed = self.certificate.computed_key_identifier();
        match self.certificate.subject_key_identifier() {
            None => self.add(Rule::SubjectKeyIdentifier, ABSENT, encode_string(&computed)),
            Some(Ok(id)) if id != computed => {
                self.add(
                    Rule::SubjectKeyIdentifier,
                    encode_string(id),
                    encode_string(&computed),
                );
            }
            _ => {} // malformed is a finding of its own
        }
        let present = self.certificate.authority_key_identifier();
        if self.profile.root && self.issuer.is_none() {
            if self.profile.ca.as_ref().is_some_and(|ca| ca.path_len.is_some()) && present.is_some() {
                self.add(Rule::IacaAki, "present", "absent from a self-signed certificate");
            }
            return;
        }
        let expected = self.issuer.map(Self::key_identifier_of);
        let id = match present {
            None => None,
            Some(Ok(present)) => present.key_identifier,
            Some(Err(_)) => return,
        };
        let text = || match &expected {
            Some(id) => encode_string(id),
            None => "the key of its issuer".to_owned(),
        };
        match id {
            None => {
                let text = text();
                self.add(Rule::AuthorityKeyIdentifier, ABSENT, text);
            }
            Some(id) if expected.as_ref().is_some_and(|expected| **expected != *id) => {
                let (found, text) = (encode_string(id), text());
                self.add(Rule::AuthorityKeyIdentifier, found, text);
            }
            Some(_) => {}
        }
    }

    /// The key identifier that certificates below refer to: the one written, else the computed one.
    fn key_identifier_of(certificate: &'a Certificate) -> KeyIdentifier<'a> {
        match certificate.subject_key_identifier() {
            Some(Ok(id)) => KeyIdentifier::Written(id),
            _ => KeyIdentifier::Computed(certificate.computed_key_identifier()),
        }
    }

    pub(super) fn contacts(&mut self) {
        if self.profile.issuer_alt_name {
            let expected = "an e-mail address or a URI";
            let mut reached = false;
            let read = self.certificate.names(oid::ISSUER_ALT_NAME, |name| {
                reached |= matches!(name, NameView::Email(_) | NameView::Uri(_));
            });
            match read {
                None => self.add(Rule::IssuerAltName, ABSENT, expected),
                Some(Ok(())) if !reached => {
                    let names = self.certificate.issuer_alt_name();
                    let names = names.and_then(Result::ok).unwrap_or_default();
                    self.add(Rule::IssuerAltName, words(names.iter()), expected);
                }
                _ => {}
            }
        }
    }

    pub(super) fn revocation(&mut self) {
        let expected = "URIs, without reasons or CRL issuer";
        let mut uris = 0;
        let extension = self.certificate.extension(oid::CRL_DISTRIBUTION_POINTS);
        let points = extension.map(|extension| Points::read(&extension, |_| uris += 1));
        match (points, self.profile.revocation) {
            (None, RevocationRules::List) => self.add(Rule::CrlDistributionPoints, ABSENT, expected),
            (None, RevocationRules::ListOrNoCheck(rule))
                if self.certificate.extension(oid::OCSP_NO_CHECK).is_none() =>
            {
                self.add(rule, ABSENT, "the address of a revocation list, or ocsp-nocheck");
            }
            (Some(Ok(points)), _) if points.other_than_uri || points.restricted || uris == 0 => {
                let points = self.certificate.crl_distribution_points();
                let found = points.and_then(Result::ok).unwrap_or_default().to_string();
                self.add(Rule::CrlDistributionPoints, found, expected);
            }
            _ => {}
        }
    }

    pub(super) fn alternative_names(&mut self) {
        if self.profile.alternative == AlternativeName::Free {
            return;
        }
        let names = match self.certificate.subject_alt_name() {
            Some(Ok(names)) => names,
            None => Vec::new(),
            Some(Err(_)) => return, // malformed is a finding of its own
        };
        let found = || {
            if names.is_empty() {
                ABSENT.to_owned()
            } else {
                words(names.iter())
            }
        };
        match self.profile.alternative {
            AlternativeName::Free => {}
            AlternativeName::Host(rule) => {
                let is_host = |name: &GeneralName| matches!(name, GeneralName::Dns(_) | GeneralName::Ip(_));
                if !names.iter().any(is_host) {
                    self.add(rule, found(), "the name of a host, or its IP address");
                }
            }
            AlternativeName::NewSubject(rule) => {
                let subject = self.certificate.subject_der();
                let changes = self.issuer.map_or_else(
                    || self.certificate.issuer_der() != subject,
                    |issuer| issuer.subject_der() != subject,
                );
                let told =
                    |name: &GeneralName| matches!(name, GeneralName::Directory(name) if name == subject);
                if changes && !names.iter().any(told) {
                    let expected = format!("the directory name {}", self.certificate.subject());
                    self.add(rule, found(), expected);
                }
            }
        }
    }
}
