//! Trust anchors from files and folders: certificates, and lists of issuing authorities.

mod list;
mod store;

use std::fs;
use std::path::{Path, PathBuf};

use mdoc_core::crypto::fastest;
use mdoc_core::x509::Certificate;
use mdoc_core::x509::path::{TrustAnchor, merged};

use crate::failure::Failure;
use crate::input::{Form, Input};
use crate::keys::{certificates_in, sentence};
use crate::recognise::Structure;

pub use self::list::{CheckedList, ListTrust, check_list, rejected};
pub use self::store::ListStore;

/// The most files that are looked at in a folder of trust anchors.
const MOST_FILES: usize = 10_000;
/// The most signatures that are verified for telling anchors from what they have issued, beside one for each certificate.
const MOST_MORE: usize = 5_000;

/// Certificates to start from, and what was odd about the files that they came from.
#[derive(Debug, Clone, Default)]
pub struct TrustAnchors {
    /// The certificates, in the order of the files' names, none twice.
    pub certificates: Vec<Certificate>,
    /// Sentences about files of a folder that hold no certificate, or a broken one.
    pub warnings: Vec<String>,
}

/// Reads trust anchors from files and folders.
///
/// Of a folder, and of the folders right in it, all `*.pem`, `*.der`, `*.crt` and `*.cer` are taken, except
/// that `*.key.pem` are private keys by the names we give and are not opened, and that a certificate of a
/// signer or reader is no anchor beside the root that issued it: that root is to be asked about it.
///
/// # Errors
/// [`Failure`] if a path cannot be read, a file named by itself holds no certificate, there is none at all, or so
/// many bear one name that it would take long to tell the anchors from what they have issued.
pub fn trust_anchors<P: AsRef<Path>>(paths: &[P]) -> Result<TrustAnchors, Failure> {
    let mut anchors = TrustAnchors::default();
    let mut named = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        if !path.is_dir() {
            let found = anchors.readable(&Input::read(path)?)?;
            named.extend(found.iter().map(Certificate::fingerprint));
            anchors.add(found);
            continue;
        }
        let mut files = Vec::new();
        candidates(path, true, is_certificate_name, &mut files)?;
        let before = anchors.certificates.len() + anchors.warnings.len();
        for file in &files {
            match Input::read(file).and_then(|input| anchors.readable_or_none(&input)) {
                Ok(found) if found.is_empty() => anchors.warnings.push(format!(
                    "{} holds no certificate and is passed over",
                    file.display()
                )),
                Ok(found) => anchors.add(found),
                Err(failure) => anchors.warnings.push(failure.message),
            }
        }
        if anchors.certificates.len() + anchors.warnings.len() == before && files.is_empty() {
            anchors.warnings.push(format!(
                "{} has no *.pem, *.der, *.crt or *.cer file",
                path.display()
            ));
        }
    }
    let most = anchors.certificates.len() + MOST_MORE;
    anchors.leave_out_leaves(&named, most)?;
    if anchors.certificates.is_empty() {
        let why = anchors
            .warnings
            .first()
            .map_or(String::new(), |warning| format!(": {warning}"));
        return Err(Failure::new(format!("no trust anchor was found{why}")).hint(
            "give a certificate in PEM or DER, or a folder of them, such as that of `mdoc-issuer pki iaca`",
        ));
    }
    Ok(anchors)
}

impl TrustAnchors {
    /// The anchors of a file; of a bundle those that can be read, with a warning about the others.
    fn readable(&mut self, input: &Input) -> Result<Vec<Certificate>, Failure> {
        let found = self.readable_or_none(input)?;
        if found.is_empty() {
            Err(input.not("a certificate"))
        } else {
            Ok(found)
        }
    }

    fn readable_or_none(&mut self, input: &Input) -> Result<Vec<Certificate>, Failure> {
        if input.form != Form::Pem {
            return certificates_in(input);
        }
        let (found, broken) = Certificate::readable_from_pem(&String::from_utf8_lossy(&input.bytes));
        if found.is_empty() {
            return certificates_in(input);
        }
        for error in broken {
            let text = sentence(&error);
            self.warnings.push(format!(
                "a certificate in {} is broken and passed over: {text}",
                input.name
            ));
        }
        Ok(found)
    }

    fn add(&mut self, found: Vec<Certificate>) {
        for certificate in found {
            if !self.certificates.contains(&certificate) {
                self.certificates.push(certificate);
            }
        }
    }

    /// Leaves out end-entity certificates that another one here issued, but for those that were `named`.
    ///
    /// # Errors
    /// [`Failure`] if more than `most` signatures were to be verified: what is left to look at may not stay, since it
    /// would be trusted without its root.
    fn leave_out_leaves(&mut self, named: &[[u8; 32]], most: usize) -> Result<(), Failure> {
        let all = core::mem::take(&mut self.certificates);
        // CAs are asked first, since most are theirs. What another one has issued would be trusted if it stayed.
        let (authorities, others): (Vec<&Certificate>, Vec<&Certificate>) =
            all.iter().partition(|certificate| is_ca(certificate));
        let mut verified = 0_usize;
        for certificate in &all {
            let stays = is_ca(certificate) || named.contains(&certificate.fingerprint());
            let mut namesakes = authorities
                .iter()
                .chain(&others)
                .filter(|root| **root != certificate && root.subject_der() == certificate.issuer_der());
            let issued = !stays
                && namesakes.any(|root| {
                    verified += 1;
                    verified <= most
                        && root
                            .public_key()
                            .is_ok_and(|key| certificate.verify_signed_by(&key, fastest()).is_ok())
                });
            if verified > most {
                return Err(Failure::new(format!(
                    "telling the trust anchors from what they have issued takes more than {most} verifications of \
                     signatures"
                ))
                .hint("give a folder with nothing but trust anchors"));
            }
            if !issued {
                self.certificates.push(certificate.clone());
            }
        }
        Ok(())
    }
}

fn is_ca(certificate: &Certificate) -> bool {
    matches!(certificate.basic_constraints(), Some(Ok(constraints)) if constraints.ca)
}

/// Whom to trust, for which documents, and what was odd about the files that they came from.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    /// The anchors: certificates given as such for all documents, those of lists for the documents of their entries.
    pub anchors: Vec<TrustAnchor>,
    /// Sentences for the user.
    pub warnings: Vec<String>,
}

/// Reads trust anchors as [`trust_anchors`] does, and from lists of issuing authorities (VICAL) besides: files that
/// are one, and of folders all `*.vical`, and those `*.cbor` that are one.
///
/// A list is all or nothing: one that is not accepted fails everything. Of several lists of one provider only the
/// newest may be given.
///
/// # Errors
/// [`Failure`] as of [`trust_anchors`], and for a list that is not accepted or whose provider has no root.
pub fn anchors_with_lists<P: AsRef<Path>>(paths: &[P], trust: &ListTrust<'_>) -> Result<Anchors, Failure> {
    let (mut lists, mut others): (Vec<Input>, Vec<PathBuf>) = Default::default();
    let mut found = Anchors::default();
    for path in paths.iter().map(AsRef::as_ref) {
        if path.is_dir() {
            let mut files = Vec::new();
            candidates(path, true, is_list_name, &mut files)?;
            let before = lists.len();
            for file in files {
                let named_so = has_ending(&file, &[".vical"]);
                match Input::read(&file) {
                    Ok(input) if is_list(&input) => lists.push(input),
                    Ok(input) if named_so => return Err(input.not(Structure::Vical.words())),
                    Err(failure) if named_so => return Err(failure),
                    Ok(_) => {}
                    Err(failure) => found.warnings.push(failure.message),
                }
            }
            // A folder of nothing but lists has no certificates, and need not.
            let mut certificates = Vec::new();
            candidates(path, true, is_certificate_name, &mut certificates)?;
            if lists.len() == before || !certificates.is_empty() {
                others.push(path.to_owned());
            }
            continue;
        }
        let input = Input::read(path)?;
        if is_list(&input) {
            lists.push(input);
        } else {
            others.push(path.to_owned());
        }
    }
    if lists.is_empty() && !trust.roots.is_empty() {
        let text =
            "the root of a list's provider was given, and no list of issuing authorities (VICAL) to trust";
        found.warnings.push(text.to_owned());
    }
    let mut providers: Vec<(String, String)> = Vec::new();
    for input in &lists {
        let checked = check_list(input, trust)?;
        let accepted = checked.report.accept().map_err(|no| rejected(&input.name, &no))?;
        let provider = &accepted.vical().provider;
        if let Some((_, other)) = providers.iter().find(|(known, _)| known == provider) {
            return Err(Failure::new(format!(
                "{other} and {} are lists of one provider, `{provider}`, and may contradict each other",
                input.name
            ))
            .hint("give the newest one; `mdoc-verifier vical diff OLD NEW` shows what changed"));
        }
        providers.push((provider.clone(), input.name.clone()));
        found.warnings.extend(checked.warnings());
        found.anchors.extend(accepted.anchors());
    }
    if lists.is_empty() || !others.is_empty() {
        let files = trust_anchors(&others)?;
        found.warnings.extend(files.warnings);
        found
            .anchors
            .extend(files.certificates.into_iter().map(TrustAnchor::new));
    }
    found.anchors = merged(found.anchors);
    if found.anchors.is_empty() {
        return Err(
            Failure::new("no trust anchor was found: the list has no entry that can be used")
                .hint("`mdoc-verifier vical list FILE` shows what is in it"),
        );
    }
    Ok(found)
}

fn is_list(input: &Input) -> bool {
    input.form == Form::Cbor && input.kind() == Structure::Vical.words()
}

fn candidates(
    folder: &Path,
    enter: bool,
    wanted: fn(&Path) -> bool,
    files: &mut Vec<PathBuf>,
) -> Result<(), Failure> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = listed.map_err(|error| {
        Failure::new(format!(
            "the folder {} cannot be listed: {error}",
            folder.display()
        ))
        .hint(format!("see who may with `ls -ld {}`", folder.display()))
    })?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if enter {
                candidates(&path, false, wanted, files)?;
            }
        } else if wanted(&path) {
            if files.len() == MOST_FILES {
                return Err(Failure::new(format!(
                    "{} has more than {MOST_FILES} certificate files",
                    folder.display()
                ))
                .hint("give a folder with nothing but trust anchors"));
            }
            files.push(path);
        }
    }
    Ok(())
}

fn is_certificate_name(path: &Path) -> bool {
    has_ending(path, &[".pem", ".der", ".crt", ".cer"]) && !has_ending(path, &[".key.pem"])
}

fn is_list_name(path: &Path) -> bool {
    has_ending(path, &[".vical", ".cbor"])
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default();
    let name = name.to_string_lossy().to_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests;
