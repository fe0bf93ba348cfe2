//! The packages that go into the programs.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// The programs that are released.
pub const PROGRAMS: [&str; 4] = ["mdoc-holder", "mdoc-issuer", "mdoc-service", "mdoc-verifier"];

/// For which machines parts are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Platform {
    /// The one that this runs on.
    Host,
    /// One by its target triple.
    Target(String),
    /// All that there are: what is listed does not depend on where it is listed.
    All,
}

/// A package with its version.
pub type Id = (String, String);

/// A package that goes into a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, as an SPDX expression; empty if it has none.
    pub licence: String,
    /// Where its source is kept.
    pub repository: Option<String>,
    /// SHA-256 of the package as it was downloaded, in hexadecimal digits; none for packages of this repository.
    pub checksum: Option<String>,
    /// The folder of its source.
    pub folder: PathBuf,
    /// What it needs of the other parts.
    pub needs: BTreeSet<Id>,
}

impl Part {
    /// Whether it is made here.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.checksum.is_none()
    }
}

/// All parts, by name and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The parts.
    pub parts: BTreeMap<Id, Part>,
    /// The lock file, which decides what they are.
    pub lock: String,
}

/// Why the parts cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartsError {
    /// Cargo does not run, or fails; its words.
    Cargo(String),
    /// What cargo printed, or the lock file, is not what it should be; where it stopped.
    Unreadable(String),
    /// A package is linked that is not described.
    Unknown(Id),
}

impl fmt::Display for PartsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cargo(words) => write!(f, "cargo does not tell the dependencies: {words}"),
            Self::Unreadable(what) => write!(f, "the dependencies cannot be read: {what}"),
            Self::Unknown((name, version)) => write!(f, "nothing is known of {name} {version}"),
        }
    }
}

impl core::error::Error for PartsError {}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `build` or `dev`; none is an ordinary one.
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl Parts {
    /// Lists the parts of the programs of the workspace in a folder.
    ///
    /// # Errors
    /// [`PartsError`] if cargo does not run, or the lock file is not up to date.
    pub fn of(root: &Path, platform: &Platform) -> Result<Self, PartsError> {
        let linked = linked(root, platform)?;
        let metadata = cargo(root, &["metadata", "--format-version", "1", "--locked"])?;
        let metadata: Metadata = serde_json::from_str(&metadata).map_err(|error| unreadable(&error))?;
        let lock = std::fs::read_to_string(root.join("Cargo.lock")).map_err(|error| unreadable(&error))?;
        let locked: Lock = toml::from_str(&lock).map_err(|error| unreadable(&error))?;
        let checksums: BTreeMap<Id, Option<String>> = locked
            .package
            .into_iter()
            .map(|locked| ((locked.name, locked.version), locked.checksum))
            .collect();
        let ids: BTreeMap<&str, Id> = metadata
            .packages
            .iter()
            .map(|package| {
                (
                    package.id.as_str(),
                    (package.name.clone(), package.version.clone()),
                )
            })
            .collect();
        let mut needs: BTreeMap<&str, BTreeSet<Id>> = BTreeMap::new();
        for node in &metadata.resolve.nodes {
            let ordinary =
                |dependency: &&Dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
            let all = node.deps.iter().filter(ordinary);
            let of_linked = all.filter_map(|dependency| ids.get(dependency.pkg.as_str()));
            let of_linked = of_linked.filter(|id| linked.contains(*id)).cloned();
            needs.insert(node.id.as_str(), of_linked.collect());
        }
        let mut parts = BTreeMap::new();
        for package in &metadata.packages {
            let id = (package.name.clone(), package.version.clone());
            if !linked.contains(&id) {
                continue;
            }
            let part = Part {
                name: package.name.clone(),
                version: package.version.clone(),
                // Before there were expressions, a slash was written for OR.
                licence: package
                    .license
                    .as_deref()
                    .unwrap_or_default()
                    .replace('/', " OR "),
                repository: package.repository.clone(),
                checksum: checksums.get(&id).cloned().flatten(),
                folder: package.manifest_path.parent().unwrap_or(root).to_path_buf(),
                needs: needs.remove(package.id.as_str()).unwrap_or_default(),
            };
            parts.insert(id, part);
        }
        match linked.into_iter().find(|id| !parts.contains_key(id)) {
            Some(id) => Err(PartsError::Unknown(id)),
            None => Ok(Self { parts, lock }),
        }
    }

    /// The version of the programs.
    #[must_use]
    pub fn version(&self) -> &str {
        let ours = self
            .parts
            .values()
            .find(|part| PROGRAMS.contains(&part.name.as_str()));
        ours.map_or("", |part| part.version.as_str())
    }
}

/// What is linked into the programs, with the features that they are built with.
fn linked(root: &Path, platform: &Platform) -> Result<BTreeSet<Id>, PartsError> {
    let mut arguments = vec![
        "tree",
        "--locked",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
    ];
    arguments.extend(["--format", "{p}"]);
    match platform {
        Platform::Host => {}
        Platform::Target(triple) => arguments.extend(["--target", triple]),
        Platform::All => arguments.extend(["--target", "all"]),
    }
    for program in PROGRAMS {
        arguments.extend(["--package", program]);
    }
    let tree = cargo(root, &arguments)?;
    tree.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let mut words = line.split(' ');
            let (name, version) = (
                words.next(),
                words.next().and_then(|version| version.strip_prefix('v')),
            );
            name.zip(version)
                .map(|(name, version)| (name.to_owned(), version.to_owned()))
                .ok_or_else(|| PartsError::Unreadable(line.to_owned()))
        })
        .collect()
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<String, PartsError> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).current_dir(root).args(arguments).output();
    let output = output.map_err(|error| PartsError::Cargo(error.to_string()))?;
    if !output.status.success() {
        return Err(PartsError::Cargo(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ));
    }
    String::from_utf8(output.stdout).map_err(|error| unreadable(&error))
}

fn unreadable(error: &dyn fmt::Display) -> PartsError {
    PartsError::Unreadable(error.to_string())
}
