//! What is wrong with an entry, and what it costs.

use super::*;
use crate::vical::compare::compare;

#[test]
fn trap_35_one_unreadable_entry_does_not_lose_the_list() {
    let world = World::new(1);
    let report = world.check(&world.edited_entry(|entry| {
        let der = member(entry, "certificate").as_bytes_mut().unwrap();
        der[1] = 0xff;
    }));
    assert!(report.accepted());
    assert_eq!(warnings(&report), [Code::EntryUnreadable.id()]);
    let anchors = report.accept().unwrap().anchors();
    assert_eq!(anchors.len(), 1);
    assert_eq!(anchors[0].certificate, world.authorities[1]);
    // No map at all, and no certificate at all.
    let edits: [Edit<'_>; 2] = [
        &|list| member(list, "certificateInfos").as_array_mut().unwrap()[0] = Value::from(1),
        &|list| {
            let infos = member(list, "certificateInfos").as_array_mut().unwrap();
            let entry = infos[0].as_map_mut().unwrap();
            entry.retain(|(key, _)| key.as_text() != Some("certificate"));
        },
    ];
    for edit in edits {
        let report = world.check(&world.edited(edit));
        assert!(report.accepted());
        assert_eq!(warnings(&report), [Code::EntryUnreadable.id()]);
    }
}

#[test]
fn trap_a_boolean_that_is_not_der_costs_nothing() {
    // Roots in the lists of Austroads and RDW have cA TRUE as 01 01 01.
    let world = World::new(1);
    let report = world.check(&world.edited_entry(|entry| {
        let der = member(entry, "certificate").as_bytes_mut().unwrap();
        let mark = [0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00];
        let place = der.windows(mark.len()).position(|window| window == mark).unwrap();
        der[place + 4] = 0x01;
    }));
    assert!(report.accepted());
    assert_eq!(warnings(&report), ["cert.boolean-form"]);
    assert_eq!(report.accept().unwrap().anchors().len(), 2);
}

#[test]
fn trap_74_the_certificate_decides_and_not_what_the_list_says_of_it() {
    let world = World::new(1);
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let identifier = world.authorities[0].computed_key_identifier();
    let wrapped = [&[0x04, 0x16, 0x04, 0x14], identifier.as_slice()].concat();
    let cases: [(&[&str], Edit<'_>); 12] = [
        (&["vical.entry.ski"], &|entry| {
            *member(entry, "ski") = bytes(&[1; 20])
        }),
        (&["vical.entry.ski-wrapped"], &|entry| {
            *member(entry, "ski") = bytes(&wrapped);
        }),
        (&["vical.entry.serial-number"], &|entry| {
            *member(entry, "serialNumber") = Value::from(5);
        }),
        (&["vical.entry.name"], &|entry| {
            *member(entry, "issuer") = bytes(b"\x30\x00")
        }),
        (&["vical.entry.validity"], &|entry| {
            *member(entry, "notAfter") = Value::Tag(0, Box::new(Value::from("2030-01-01T00:00:00Z")));
        }),
        (&["vical.entry.country"], &|entry| {
            *member(entry, "issuingCountry") = Value::from("XX");
        }),
        (&["vical.entry.member"], &|entry| {
            *member(entry, "ski") = Value::from(1)
        }),
        (&["vical.entry.member"], &|entry| {
            entry.retain(|(key, _)| key.as_text() != Some("serialNumber"));
        }),
        (&["vical.entry.doctype", "vical.entry.member"], &|entry| {
            *member(entry, "docType") = Value::Array(Vec::new());
        }),
        (&["vical.entry.doctype", "vical.entry.member"], &|entry| {
            entry.retain(|(key, _)| key.as_text() != Some("docType"));
        }),
        // As AAMVA writes them, and what nobody knows.
        (&[], &|entry| {
            let profile = Value::Array(vec![Value::from("https://aamva.example")]);
            entry.push((Value::from("CertificateProfile"), profile));
            entry.push((Value::from("Extensions"), Value::Map(Vec::new())));
            entry.push((Value::from(5), Value::Null));
        }),
        (&[], &|entry| {
            let serial = member(entry, "serialNumber");
            let Value::Tag(2, inner) = serial else {
                panic!("{serial:?}")
            };
            let padded = [&[0, 0], inner.as_bytes().unwrap().as_slice()].concat();
            *serial = Value::Tag(2, Box::new(Value::Bytes(padded)));
        }),
    ];
    for (expected, edit) in cases {
        let report = world.check(&world.edited_entry(edit));
        assert!(report.accepted(), "{expected:?}");
        assert_eq!(warnings(&report), expected);
        let anchors = report.accept().unwrap().anchors();
        // Without docType an entry is trusted for nothing, never for everything.
        let lost = usize::from(expected.contains(&"vical.entry.doctype"));
        assert_eq!(anchors.len(), 2 - lost, "{expected:?}");
        assert!(anchors.iter().all(|anchor| anchor.doc_types.is_some()));
    }
}

#[test]
fn a_small_serial_number_may_be_an_integer() {
    let world = World::new(1);
    let list = world.edited_entry(|entry| *member(entry, "serialNumber") = Value::from(0x0102));
    let decoded = SignedVical::decode(&list, &Limits::DEFAULT).unwrap();
    assert_eq!(
        decoded.vical().entries[0].serial_number.as_deref(),
        Some(&[1, 2][..])
    );
}

#[test]
fn a_certificate_that_is_listed_twice_is_trusted_for_the_documents_of_both() {
    let world = World::new(1);
    let mut draft = world.draft();
    let twice = Entry::new(world.authorities[0].clone(), vec![PID.to_owned()]);
    draft.entries.push(twice);
    let report = world.check(&world.sign(&draft));
    assert_eq!(warnings(&report), [Code::EntryDuplicate.id()]);
    let anchors = report.accept().unwrap().anchors();
    assert_eq!(anchors.len(), 2);
    assert!(anchors[0].permits(PID) && anchors[0].permits(MDL_DOC_TYPE));
    assert!(!anchors[1].permits(MDL_DOC_TYPE));
}

#[test]
fn lists_are_compared_by_what_they_trust() {
    let (world, other) = (World::new(1), World::new(9));
    let decode = |draft: &Draft| {
        let list = world.sign(draft);
        SignedVical::decode(&list, &Limits::DEFAULT)
            .unwrap()
            .vical()
            .clone()
    };
    let old = decode(&world.draft());
    let mut draft = world.draft();
    draft.issue_id = Some(8);
    draft.entries.reverse();
    assert!(
        compare(&old, &decode(&draft)).is_empty(),
        "the order says nothing"
    );
    // The other world has roots of the same names with other keys.
    let renewed = Entry::new(other.authorities[0].clone(), vec![MDL_DOC_TYPE.to_owned()]);
    let mut draft = world.draft();
    draft.entries[0] = renewed;
    draft.entries[1].doc_types = vec![MDL_DOC_TYPE.to_owned()];
    draft.entries[1].issuing_authority = Some("Two".to_owned());
    let new = decode(&draft);
    let changes = compare(&old, &new);
    assert_eq!(changes.added.len() + changes.removed.len(), 0);
    assert_eq!(changes.renewed.len(), 1);
    assert!(changes.renewed[0].new_key());
    assert_eq!(changes.renewed[0].new, [&other.authorities[0]]);
    assert_eq!(changes.doc_types[0].added, [MDL_DOC_TYPE]);
    assert_eq!(changes.doc_types[0].removed, [PID]);
    assert_eq!(
        changes.stated,
        [(&world.authorities[1], vec!["issuingAuthority"])]
    );
    let mut draft = world.draft();
    drop(draft.entries.pop());
    let fewer = decode(&draft);
    assert_eq!(compare(&old, &fewer).removed, [&world.authorities[1]]);
    assert_eq!(compare(&fewer, &old).added, [&world.authorities[1]]);
}
