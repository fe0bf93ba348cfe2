//! What is done with a result.

use core::time::Duration;

use integration::forgery::Forgery;
use integration::world::World;
use mdoc_core::cbor::Item;
use mdoc_core::device_response::DeviceResponse;
use mdoc_core::limits::Limits;
use mdoc_core::verify::{Detail, Form, Outcome, Policy, verify};

use super::{findings, forged};

#[test]
fn trap_34_clocks_may_be_apart_as_far_as_the_policy_says() {
    let world = World::new(34);
    let issued = world.issue().sign();
    let response = world.present(&issued).response();
    let (from, until) = (
        world.now.date().midnight(),
        world.now.date().plus_days(30).midnight(),
    );
    let seconds = Duration::from_secs;
    let judged = |now, skew| {
        let mut inputs = world.inputs();
        inputs.now = now;
        inputs.policy = Policy::STANDARD.with_clock_skew(seconds(skew));
        let report = verify(&response, Form::DeviceResponse, &inputs);
        assert_eq!(report.accepted(), findings(&report).is_empty());
        findings(&report).first().copied().unwrap_or_default()
    };
    for (now, skew, expected) in [
        (from, 0, ""),
        (until, 0, ""),
        (from.minus(seconds(1)), 0, "mso.not-yet-valid"),
        (until.plus(seconds(1)), 0, "mso.expired"),
        (from.minus(seconds(60)), 60, ""),
        (until.plus(seconds(60)), 60, ""),
        (from.minus(seconds(61)), 60, "mso.not-yet-valid"),
        (until.plus(seconds(61)), 60, "mso.expired"),
    ] {
        assert_eq!(judged(now, skew), expected, "{now} with {skew} s");
    }
    // The reason has the values that decided.
    let mut inputs = world.inputs();
    inputs.now = from.minus(seconds(1));
    let report = verify(&response, Form::DeviceResponse, &inputs);
    let step = report.documents()[0].failures().next().unwrap();
    let Outcome::Failed(reason) = &step.outcome else {
        panic!("{step:?}")
    };
    let (limit, at) = (from, inputs.now);
    assert_eq!(*reason.detail(), Detail::Time { limit, at });
}

#[test]
fn trap_40_each_form_is_taken_for_what_it_is() {
    let world = World::new(40);
    let issued = world.issue().sign();
    let response = world.present(&issued).response();
    let document = world.present(&issued).document();
    let forms = [
        (Form::IssuerSigned, &issued),
        (Form::Document, &document),
        (Form::DeviceResponse, &response),
    ];
    for (form, bytes) in forms {
        for (other, _) in forms {
            let report = verify(bytes, other, &world.inputs());
            assert_eq!(report.accepted(), form == other, "{form:?} as {other:?}");
            let expected = match other {
                _ if form == other => "",
                Form::DeviceResponse => "version.missing",
                _ => "structure.missing",
            };
            assert_eq!(findings(&report).first().copied().unwrap_or_default(), expected);
        }
    }
    let response = DeviceResponse::from_item(
        Item::parse(&response, &Limits::DEFAULT).unwrap(),
        &Limits::DEFAULT,
    );
    assert_eq!(response.unwrap().documents[0].raw(), document);
}

#[test]
fn trap_52_there_is_no_data_but_from_an_accepted_report() {
    let world = World::new(52);
    let good = forged(&world, |_| ());
    let report = verify(&good, Form::DeviceResponse, &world.inputs());
    let accepted = report.documents()[0].accept().unwrap();
    assert_eq!(accepted.elements().len(), 15);
    let bad = forged(&world, |f| {
        f.item("family_name", |item| item.set("elementValue", "Nováková"));
        f.sign_device_by(&world.stranger_key);
    });
    let report = verify(&bad, Form::DeviceResponse, &world.inputs());
    let rejected = report.documents()[0].accept().unwrap_err();
    assert_eq!(
        rejected.to_string(),
        "the document is rejected: digest.mismatch, device-auth.signature"
    );
    assert_eq!(findings(&report), ["digest.mismatch", "device-auth.signature"]);
    // One bad document spoils the response, and only itself.
    let mut both = Forgery::of(&world, &good);
    let spoiled = Forgery::of(&world, &bad).document().clone();
    both.whole.get("documents").array().push(spoiled);
    let both = both.encode();
    let report = verify(&both, Form::DeviceResponse, &world.inputs());
    assert!(!report.accepted());
    let each: Vec<_> = report.documents().iter().map(|one| one.accepted()).collect();
    assert_eq!(each, [true, false]);
}

#[test]
fn trap_54_private_keys_do_not_show() {
    let world = World::new(54);
    let secret = world.e_reader_key.dangerous_bytes();
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{}, {}", secret[0], secret[1]);
    for shown in [
        format!("{:?}", world.e_reader_key),
        format!("{:?}", world.device_key),
    ] {
        assert!(!shown.contains(&hex[..8]) && !shown.contains(&list), "{shown}");
    }
}

#[test]
fn questions_for_one_type_of_document_are_taken_together() {
    let world = World::new(53);
    let licence = world.issue().sign();
    let questions = [world.ask(&["family_name"]), world.ask(&["age_over_18"])];
    let mut inputs = world.inputs();
    inputs.request = Some(&questions);
    for (released, expected) in [
        (vec!["family_name", "age_over_18"], vec![]),
        (vec!["age_over_18"], vec![]),
        (vec!["age_over_18", "portrait"], vec!["requested.element"]),
    ] {
        let response = world.present(&licence).only(&released).response();
        let report = verify(&response, Form::DeviceResponse, &inputs);
        assert_eq!(findings(&report), expected, "{released:?}");
    }
}
