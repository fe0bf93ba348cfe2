use std::path::PathBuf;

use super::*;

fn corpus() -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The kept inputs of a target.
fn kept(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = corpus().join(target.name);
    let entries = std::fs::read_dir(&folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let files = paths.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()));
    files.collect()
}

/// Runs a target; says which input it was if something does not hold.
fn run(target: &Target, what: &str, input: &[u8]) {
    let result = std::panic::catch_unwind(|| (target.run)(input));
    if let Err(why) = result {
        eprintln!("{}: {what} ({} bytes)", target.name, input.len());
        std::panic::resume_unwind(why);
    }
}

/// Targets of which nothing is kept yet, or nothing that is small enough: they have what they begin with.
const NOTHING_KEPT: &[&str] = &["batch_csv"];

#[test]
fn every_target_takes_its_kept_inputs() {
    for target in TARGETS {
        let inputs = kept(target);
        assert!(
            !inputs.is_empty() || NOTHING_KEPT.contains(&target.name),
            "{}: its kept inputs are not found",
            target.name
        );
        assert!(
            !inputs.is_empty() || !(target.seeds)().is_empty(),
            "{}: there is no input at all",
            target.name
        );
        for (what, input) in inputs {
            run(target, &what, &input);
        }
    }
    for name in NOTHING_KEPT {
        let target = find(name).unwrap_or_else(|| panic!("{name} is no target"));
        assert!(kept(&target).is_empty(), "{name}: there is something now");
    }
}

#[test]
fn every_target_takes_the_inputs_it_begins_with() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} begins with nothing", target.name);
        let usable = seeds.iter().filter(|seed| seed.len() <= target.max_len).count();
        assert!(
            usable > 0,
            "{}: every input is longer than {}",
            target.name,
            target.max_len
        );
        for (number, input) in seeds.iter().enumerate() {
            run(target, &format!("seed {number}"), input);
        }
    }
}

#[test]
fn every_target_takes_damaged_inputs() {
    for target in TARGETS {
        let small = (target.seeds)()
            .into_iter()
            .filter(|seed| seed.len() <= target.max_len);
        for (number, input) in small.enumerate().take(4) {
            for cut in [0, 1, input.len() / 2, input.len().saturating_sub(1)] {
                run(
                    target,
                    &format!("seed {number} cut to {cut}"),
                    &input[..cut.min(input.len())],
                );
            }
            for bit in (0..input.len() * 8).step_by((input.len() * 8 / 16).max(1)) {
                let mut damaged = input.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                run(target, &format!("seed {number} without bit {bit}"), &damaged);
            }
        }
    }
}

#[test]
fn pictures_to_begin_with_are_codes_that_are_read() {
    let target = find("scan_picture").unwrap();
    let usable = (target.seeds)()
        .into_iter()
        .filter(|seed| seed.len() <= target.max_len && !pictures::many_pixels(seed, scans::MOST_PIXELS));
    let read = usable.filter(|seed| mdoc_verifier::scan::engagement_in_picture(seed).is_ok());
    assert_eq!(
        read.count(),
        4,
        "one and two pixels a module, inverted, and compressed"
    );
}

#[test]
fn the_corpus_is_small_and_has_no_folder_without_a_target() {
    let mut total = 0;
    for entry in std::fs::read_dir(corpus()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(find(name).is_some(), "{name} is no target");
        for file in std::fs::read_dir(&path).unwrap() {
            total += file.unwrap().metadata().unwrap().len();
        }
    }
    assert!(total < 1 << 20, "{total} bytes");
}

#[test]
fn a_constant_finds_its_target_and_no_other() {
    const FOUND: Option<Target> = find("mso");
    assert_eq!(FOUND.unwrap().name, "mso");
    assert!(find("ms").is_none() && find("mso2").is_none() && find("").is_none());
}

/// What no edit reaches, with the reason.
const NOT_REACHED: &[(&str, &str)] = &[
    (
        "decode.trailing-bytes",
        "what follows the message is no part of it",
    ),
    ("status.expired", "no issuer is asked itself"),
];

#[test]
fn edits_that_are_signed_again_reach_the_checks_behind_the_signatures() {
    use mdoc_core::verify::Code;
    for target in [
        find("resigned_issued").unwrap(),
        find("resigned_response").unwrap(),
    ] {
        let kept = kept(&target).into_iter().map(|(_, input)| input);
        for input in (target.seeds)().into_iter().chain(kept) {
            (target.run)(&input);
        }
    }
    let counts = resigned::counts();
    assert!(counts["accepted"] > 100);
    let missing: Vec<_> = Code::ALL
        .iter()
        .map(|code| code.id())
        .filter(|code| !counts.contains_key(code))
        .collect();
    let expected: Vec<_> = NOT_REACHED.iter().map(|(code, _)| *code).collect();
    assert_eq!(missing, expected);
}

#[test]
fn an_element_may_be_a_simple_value_without_a_meaning() {
    // The oracle once read documents with a reader that has no value for those, and took an accepted one for a fault.
    resigned::resigned_issued(&[0, 0x1b, 0, 0x86, 0x86, 0x86, 0x86, 0x86, 0x86, 0, 0]);
}

#[test]
fn statements_to_begin_with_hold_as_they_are_and_signed_again() {
    for (number, seed) in (find("signed_jwt").unwrap().seeds)().iter().enumerate() {
        assert!(oauth::holds(seed), "seed {number}");
    }
    assert!(!oauth::holds(&[0x80]));
}
