use proptest::prelude::*;

use super::*;
use crate::crypto::Curve;
use crate::error::Stage;

/// Facts, appendix A.1: both BLE modes.
const A1: &str = "a30063312e30018201d818584ba401022001215820a4716ca7439c75fdb35863c1a2a58935374d6ce82306f827705a2d71b6cc\
f1f0225820028e80abaaae7e289cbbc8055b79a48bffad6c075975cd44044f648fd193a0120281830201a400f501f50a500f0e0d0c0b0a4009880706\
05040302010b5000112233445540669788aabbccddeeff";
const A1_URI: &str = "mdoc:owBjMS4wAYIB2BhYS6QBAiABIVggpHFsp0Ocdf2zWGPBoqWJNTdNbOgjBvgncFotcbbM8fAiWCACjoCrqq5-KJy7yAVb\
eaSL_61sB1l1zUQET2SP0ZOgEgKBgwIBpAD1AfUKUA8ODQwLCkAJiAcGBQQDAgELUAARIjNEVUBml4iqu8zd7v8";
/// ISO/IEC 18013-5:2021, D.3.1.
const D31: &str = "a30063312e30018201d818584ba4010220012158205a88d182bce5f42efa59943f33359d2e8a968ff289d93e5fa444b6243431\
67fe225820b16e8cf858ddc7690407ba61d4c338237a8cfcf3de6aa672fc60a557aa32fc670281830201a300f401f50b5045efef742b2c4837a9a3b0\
e1d05a6917";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

fn changed(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(A1.matches(from).count(), 1, "{from}");
    hex(&A1.replace(from, to))
}

#[test]
fn the_known_answer_decodes_encodes_and_has_its_uri() {
    let bytes = hex(A1);
    let engagement = DeviceEngagement::decode(&bytes, &Limits::DEFAULT).unwrap();
    assert_eq!((engagement.version.as_ref(), engagement.cipher_suite), ("1.0", 1));
    let key = engagement.e_device_key.clone().unwrap();
    assert_eq!(key.curve(), Curve::P256);
    assert_eq!(key.coordinates().0[..4], [0xa4, 0x71, 0x6c, 0xa7]);
    let ble = engagement.ble().unwrap();
    assert_eq!(ble.peripheral_server_uuid.unwrap()[..2], [0x0f, 0x0e]);
    assert_eq!(ble.central_client_uuid.unwrap()[..2], [0x00, 0x11]);
    assert_eq!(encode_ble(&key, ble), bytes);
    assert_eq!(to_uri(&bytes), A1_URI);
    assert_eq!(EngagementUri::parse(A1_URI).unwrap().bytes, bytes);
}

#[test]
fn annex_d_decodes_and_encodes_to_the_same_bytes() {
    let bytes = hex(D31);
    let engagement = DeviceEngagement::decode(&bytes, &Limits::DEFAULT).unwrap();
    let ble = engagement.ble().unwrap();
    assert_eq!(ble.peripheral_server_uuid, None);
    assert_eq!(ble.central_client_uuid.unwrap()[..2], [0x45, 0xef]);
    assert_eq!(encode_ble(&engagement.e_device_key.clone().unwrap(), ble), bytes);
    assert_eq!(engagement.raw(), bytes);
    assert_eq!(engagement.e_device_key_bytes.raw().len(), 4 + 75);
}

#[test]
fn trap_13_keys_unknown_today_are_kept_and_ignored() {
    // Apple Wallet over NFC: no methods, `5: []`, `6: {3: true, 4: true}`; and two keys of the future.
    let key = &A1[A1.find("d818").unwrap()..A1.find("0281").unwrap()];
    let bytes = hex(&format!(
        "a60063312e31018201{key}058006a203f504f51863a16161f62700"
    ));
    let engagement = DeviceEngagement::decode(&bytes, &Limits::DEFAULT).unwrap();
    assert_eq!(engagement.version, "1.1");
    assert!(engagement.retrieval_methods.is_empty());
    let capabilities = engagement.capabilities.as_ref().unwrap();
    assert!(capabilities.reader_auth_all && capabilities.extended_request);
    assert!(!capabilities.handover_session_establishment && !capabilities.mac_keys_support);
    assert_eq!(
        engagement.unknown_keys().map(Item::integer).collect::<Vec<_>>(),
        [Some(99), Some(-8)]
    );
    assert_eq!(engagement.raw(), bytes, "the transcript needs them as they came");
}

#[test]
fn trap_63_a_uuid_is_sixteen_bytes_and_the_scheme_has_no_slashes() {
    let short = changed(
        "0a500f0e0d0c0b0a40098807060504030201",
        "0a4f0e0d0c0b0a40098807060504030201",
    );
    let engagement = DeviceEngagement::decode(&short, &Limits::DEFAULT).unwrap();
    let [error] = engagement.passed_over.as_slice() else {
        panic!()
    };
    assert_eq!(error.fault(), &Fault::Expected("a UUID, a byte string of 16"));
    assert_eq!(
        error.path(),
        "2 (retrieval methods).BLE.10 (peripheral server UUID)"
    );
    let ble = engagement.ble().unwrap();
    assert_eq!(
        (ble.peripheral_server_uuid, ble.central_client_uuid.is_some()),
        (None, true)
    );

    assert!(A1_URI.starts_with("mdoc:o"));
    assert!(!EngagementUri::parse(A1_URI).unwrap().with_slashes);
    let slashes = A1_URI.replace("mdoc:", "MDOC://");
    let taken = EngagementUri::parse(&slashes).unwrap();
    assert!(taken.with_slashes);
    assert_eq!(taken.bytes, hex(A1));
}

#[test]
fn uris_as_scanners_and_people_give_them() {
    let (start, end) = A1_URI.split_at(70);
    for text in [
        format!(" {start}\r\n{end}\n"),
        format!("{A1_URI}=="),
        A1_URI.replace("mdoc", "MdOc"),
    ] {
        assert_eq!(EngagementUri::parse(&text).unwrap().bytes, hex(A1), "{text}");
    }
    for (text, fault) in [
        ("", BadUri::Scheme),
        ("owBjMS4w", BadUri::Scheme),
        ("https://example.com", BadUri::Scheme),
        ("mdoc:", BadUri::Empty),
        ("mdoc://==", BadUri::Empty),
        ("mdoc:ow+j", BadUri::NotBase64Url),
        ("mdoc:owB=jMS4w", BadUri::NotBase64Url),
    ] {
        assert_eq!(EngagementUri::parse(text), Err(fault), "{text}");
    }
}

#[test]
fn a_mode_offered_without_its_uuid_is_passed_over_and_one_not_offered_needs_none() {
    let without = changed("0a500f0e0d0c0b0a40098807060504030201", "0a00");
    let missing = changed("a400f501f50a500f0e0d0c0b0a40098807060504030201", "a300f501f5");
    for (bytes, fault) in [
        (without, Fault::Expected("a UUID, a byte string of 16")),
        (missing, Fault::Missing("10 (peripheral server UUID)")),
    ] {
        let engagement = DeviceEngagement::decode(&bytes, &Limits::DEFAULT).unwrap();
        assert_eq!(engagement.passed_over[0].fault(), &fault);
        let ble = engagement.ble().unwrap();
        assert_eq!(ble.peripheral_server_uuid, None);
        assert!(ble.central_client_uuid.is_some());
    }
    let not_offered = changed("a400f501f50a500f0e0d0c0b0a40098807060504030201", "a300f401f5");
    let engagement = DeviceEngagement::decode(&not_offered, &Limits::DEFAULT).unwrap();
    assert_eq!(engagement.ble().unwrap().peripheral_server_uuid, None);
    assert_eq!(engagement.passed_over, []);
    // If no mode is left, neither is Bluetooth.
    let neither = changed("a400f501f50a500f0e0d0c0b0a40098807060504030201", "a300f501f4");
    let engagement = DeviceEngagement::decode(&neither, &Limits::DEFAULT).unwrap();
    assert_eq!(engagement.ble(), None);
    assert_eq!(
        engagement.retrieval_methods,
        [RetrievalMethod::Other { kind: 2, version: 1 }]
    );
    assert_eq!(engagement.passed_over.len(), 1);
}

fn with_methods(methods: &str) -> Vec<u8> {
    hex(&format!("{}02{methods}", &A1[..A1.find("0281").unwrap()]))
}

#[test]
fn a_method_whose_options_do_not_decode_does_not_spoil_the_others() {
    let ble = &A1[A1.find("830201a4").unwrap()..];
    for (method, kind, fault) in [
        ("830101a0", 1, "the largest command length of NFC"),
        ("830101f6", 1, "the largest command length of NFC"),
        ("830101a1001903e8", 1, "the largest response length of NFC"),
        ("820101", 1, "options"),
        ("820301", 3, "options"),
    ] {
        let bytes = with_methods(&format!("82{method}{ble}"));
        let engagement = DeviceEngagement::decode(&bytes, &Limits::DEFAULT).unwrap();
        assert_eq!(engagement.ble().unwrap().central_client_uuid.unwrap()[0], 0);
        assert_eq!(
            engagement.retrieval_methods[0],
            RetrievalMethod::Other { kind, version: 1 }
        );
        let [error] = engagement.passed_over.as_slice() else {
            panic!("{method}")
        };
        assert_eq!(error.fault(), &Fault::Missing(fault));
        assert_eq!(error.path().split('.').next(), Some("2 (retrieval methods)"));
        assert_eq!(engagement.raw(), bytes);
    }
    // What is no method is no engagement.
    for method in ["a0", "8101", "83f60100", "8301f600", "00"] {
        let bytes = with_methods(&format!("82{method}{ble}"));
        assert!(
            DeviceEngagement::decode(&bytes, &Limits::DEFAULT).is_err(),
            "{method}"
        );
    }
}

#[test]
fn other_methods_stand_beside_bluetooth() {
    let methods = "84830101a2001903e801191000830301a0830201a200f401f4831863" // NFC, Wi-Fi Aware, BLE, unknown
        .to_owned()
        + "01f6";
    let bytes = hex(&format!("{}02{methods}", &A1[..A1.find("0281").unwrap()]));
    let engagement = DeviceEngagement::decode(&bytes, &Limits::DEFAULT).unwrap();
    let [nfc, wifi, ble, other] = engagement.retrieval_methods.as_slice() else {
        panic!()
    };
    assert_eq!(
        nfc,
        &RetrievalMethod::Nfc {
            max_command: 1000,
            max_response: 4096
        }
    );
    assert!(matches!(wifi, RetrievalMethod::WifiAware(_)));
    assert_eq!(ble, &RetrievalMethod::Ble(BleOptions::default()));
    assert_eq!(other, &RetrievalMethod::Other { kind: 99, version: 1 });
}

#[test]
fn address_and_channel_come_back() {
    let bytes = hex(A1);
    let key = DeviceEngagement::decode(&bytes, &Limits::DEFAULT)
        .unwrap()
        .e_device_key
        .unwrap();
    let options = BleOptions {
        peripheral_server_uuid: Some([7; 16]),
        central_client_uuid: None,
        peripheral_address: Some([1, 2, 3, 4, 5, 6]),
        peripheral_psm: Some(192),
    };
    let bytes = encode_ble(&key, &options);
    let engagement = DeviceEngagement::decode(&bytes, &Limits::DEFAULT).unwrap();
    assert_eq!(engagement.ble(), Some(&options));
}

#[test]
fn an_unusable_key_and_an_unknown_suite_are_told_apart_from_bad_bytes() {
    let x448 = changed("0102200121", "0101200521"); // kty OKP, crv X448
    let engagement = DeviceEngagement::decode(&x448, &Limits::DEFAULT).unwrap();
    assert_eq!(
        engagement.e_device_key,
        Err(KeyFault::Unsupported {
            key_type: 1,
            curve: 5
        })
    );
    let suite = changed("018201d8", "018202d8");
    assert_eq!(
        DeviceEngagement::decode(&suite, &Limits::DEFAULT)
            .unwrap()
            .cipher_suite,
        2
    );
    let version = changed("63312e30", "63322e30");
    let error = DeviceEngagement::decode(&version, &Limits::DEFAULT).unwrap_err();
    assert_eq!(error.stage(), Stage::Version);
}

proptest! {
    #[test]
    fn damaged_engagements_decode_or_err(at in 0usize..134, byte: u8) {
        let mut bytes = hex(A1);
        bytes[at] = byte;
        if let Ok(engagement) = DeviceEngagement::decode(&bytes, &Limits::DEFAULT) {
            prop_assert_eq!(engagement.raw(), &bytes);
            let _ = engagement.unknown_keys().count();
        }
    }

    #[test]
    fn any_text_parses_or_errs(text in ".{0,64}") {
        let _ = EngagementUri::parse(&text);
    }

    #[test]
    fn uris_come_back(bytes in proptest::collection::vec(any::<u8>(), 1..64)) {
        prop_assert_eq!(EngagementUri::parse(&to_uri(&bytes)).unwrap().bytes, bytes);
    }
}
