//! The negative corpus: every reason code has a file with one fault, and every file is judged as it says.

mod certificates;
mod chains;
mod documents;
mod status;

use std::collections::BTreeSet;

use integration::corpus::{Case, Kind, Line, folder};
use integration::forgery::Forgery;
use integration::world::World;
use mdoc_core::verify::{Code, Policy};
use mdoc_core::x509::Certificate;
use mdoc_core::x509::profile::Rule;

/// What most documents of the corpus release.
const RELEASED: &[&str] = &[
    "family_name",
    "birth_date",
    "issuing_country",
    "issuing_jurisdiction",
    "portrait",
    "age_over_18",
];

/// A document type that is not the licence's.
const OTHER_TYPE: &str = "org.iso.23220.photoid.1";

/// Makes the cases, all in one world.
struct Maker {
    world: World,
    cases: Vec<Case>,
}

impl Maker {
    /// A good response: a licence of which some elements are released, with a device signature.
    fn response(&self) -> Vec<u8> {
        self.world
            .present(&self.world.issue().sign())
            .only(RELEASED)
            .response()
    }

    /// A good response with something changed.
    fn forged(&self, change: impl FnOnce(&mut Forgery<'_>)) -> Vec<u8> {
        let mut forgery = Forgery::of(&self.world, &self.response());
        change(&mut forgery);
        forgery.encode()
    }

    /// One more case, for the code; what to expect of it is in lines of step, outcome and code.
    fn add(&mut self, code: &str, what: &str, document: Vec<u8>, expect: &[&str]) -> &mut Case {
        self.cases.push(Case {
            code: code.to_owned(),
            what: what.to_owned(),
            kind: Kind::DeviceResponse,
            document,
            anchors: self.world.iaca.to_pem(),
            anchor_doc_types: None,
            now: self.world.now,
            policy: Policy::STANDARD.name.to_owned(),
            transcript: Some(self.world.transcript.raw().to_vec()),
            reader_key: None,
            request: None,
            crl: None,
            status_list: None,
            issuer_says: None,
            accepted: !expect.iter().any(|line| line.contains(" failed ")),
            expect: expect.iter().map(|line| parse(line)).collect(),
        });
        self.cases.last_mut().unwrap()
    }

    /// The same, of a good response with something changed.
    fn forge(
        &mut self,
        code: &str,
        what: &str,
        change: impl FnOnce(&mut Forgery<'_>),
        expect: &[&str],
    ) -> &mut Case {
        let document = self.forged(change);
        self.add(code, what, document, expect)
    }
}

impl Maker {
    /// The same, of a good response with another signer's certificate beside the signature.
    fn signer(&mut self, code: &str, what: &str, ds: &Certificate, expect: &[&str]) -> &mut Case {
        self.forge(code, what, |f| f.certificates(&[ds]), expect)
    }
}

fn parse(line: &str) -> Line {
    let mut words = line.split(' ').map(str::to_owned);
    let mut word = || words.next().unwrap();
    Line {
        step: word(),
        outcome: word(),
        code: word(),
    }
}

fn made() -> Vec<Case> {
    let mut maker = Maker {
        world: World::new(18),
        cases: Vec::new(),
    };
    documents::make(&mut maker);
    certificates::make(&mut maker);
    status::make(&mut maker);
    maker.cases
}

#[test]
fn reasons_are_made_the_same_every_time() {
    let update = std::env::var_os("UPDATE_CORPUS").is_some();
    for case in made() {
        let path = folder().join(format!("{}.toml", case.code));
        let text = case.write();
        if update {
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "{} differs: run the command in its head", case.code);
    }
}

#[test]
fn every_reason_is_found_in_its_file_and_nothing_else_is() {
    let mut wrong = Vec::new();
    let cases = Case::all();
    for (name, case) in &cases {
        assert_eq!(*name, case.code);
        assert!(
            case.expect.iter().any(|line| line.code == *name),
            "{name} is not about it"
        );
        let verdict = case.judge(Policy::from_name(&case.policy).unwrap());
        if (verdict.accepted, &verdict.lines) != (case.accepted, &sorted(&case.expect)) {
            wrong.push(format!("{name} ({}): {verdict:#?}", case.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() > 100, "only {} files", cases.len());
}

fn sorted(lines: &[Line]) -> Vec<Line> {
    let mut lines = lines.to_vec();
    lines.sort();
    lines
}

#[test]
fn what_warns_rejects_under_the_strict_policy_for_the_same_reasons() {
    for (name, case) in Case::all() {
        let verdict = case.judge(Policy::STRICT);
        assert!(!verdict.accepted, "{name}");
        let mut failed = case.expect.clone();
        for line in &mut failed {
            "failed".clone_into(&mut line.outcome);
        }
        assert_eq!(verdict.lines, sorted(&failed), "{name}");
    }
}

#[test]
fn every_code_has_a_file_and_every_file_a_code() {
    let codes: BTreeSet<String> = Code::ALL
        .iter()
        .map(|code| code.id())
        .chain(
            Rule::ALL
                .iter()
                .filter(|rule| !rule.is_of_linter_alone())
                .map(|rule| rule.id()),
        )
        .map(str::to_owned)
        .collect();
    let files: BTreeSet<String> = Case::all().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        codes.difference(&files).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "without a file"
    );
    assert_eq!(
        files.difference(&codes).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "without a code"
    );
}

#[test]
fn the_documents_that_were_spoiled_had_no_fault() {
    let maker = Maker {
        world: World::new(18),
        cases: Vec::new(),
    };
    let untouched = maker.forged(|_| ());
    assert_eq!(
        untouched,
        maker.response(),
        "taking apart and putting together changes nothing"
    );
    let signed_again = maker.forged(|f| {
        f.digest_again();
        f.sign_device_again();
    });
    let list = chains::revocation_list(&maker.world, &[]);
    let mut maker = maker;
    for document in [untouched, signed_again] {
        let case = maker.add("none", "no fault", document, &[]);
        let verdict = case.judge(Policy::STANDARD);
        assert_eq!(verdict.lines, []);
        assert!(verdict.accepted);
        // For the strict policy only the evidence is missing that the signer was not revoked.
        assert_eq!(case.judge(Policy::STRICT).lines, []);
        assert!(!case.judge(Policy::STRICT).accepted);
        case.crl = Some(list.clone());
        assert!(case.judge(Policy::STRICT).accepted);
    }
}
