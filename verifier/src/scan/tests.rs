//! Pictures that are made here: how a code looks that somebody photographed.

#![expect(
    clippy::as_conversions,
    reason = "pixels are computed with floats, and what is lost in that is not seen"
)]

use proptest::prelude::*;
use qrcode::{Color, EcLevel};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng as _;

use super::*;

/// Annex D.3.1 of the standard.
const ENGAGEMENT: &str = concat!(
    "a30063312e30018201d818584ba4010220012158205a88d182bce5f42efa59943f33359d2e8a968ff289d93e5fa444b624343167fe",
    "225820b16e8cf858ddc7690407ba61d4c338237a8cfcf3de6aa672fc60a557aa32fc670281830201a300f401f50b5045efef742b2c",
    "4837a9a3b0e1d05a6917"
);

fn engagement() -> Vec<u8> {
    base16ct::lower::decode_vec(ENGAGEMENT).unwrap()
}

fn uri() -> String {
    mdoc_core::engagement::to_uri(&engagement())
}

/// A picture in the making: square, brightness 0 to 1.
struct Scene {
    side: usize,
    light: Vec<f32>,
    rng: ChaCha8Rng,
}

/// How a code lies in a scene.
#[derive(Clone, Copy)]
struct Pose {
    side: usize,
    module: f32,
    /// Radians.
    turn: f32,
    /// How much nearer the right and the lower edge are.
    tilt: (f32, f32),
    /// Brightness of dark and light modules and of what is around.
    light: (f32, f32, f32),
}

const POSE: Pose = Pose {
    side: 600,
    module: 6.0,
    turn: 0.0,
    tilt: (0.0, 0.0),
    light: (0.1, 0.9, 0.35),
};

impl Scene {
    fn of(text: &str, pose: Pose) -> Self {
        let code = qrcode::QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let (wide, colours) = (code.width(), code.to_colors());
        let all = (wide + 8) as f32;
        let (sine, cosine) = pose.turn.sin_cos();
        let centre = pose.side as f32 / 2.0;
        let at = |x: f32, y: f32| {
            let (x, y) = (x - centre, y - centre);
            let depth = 1.0 + pose.tilt.0 * x / centre + pose.tilt.1 * y / centre;
            let (x, y) = (x / depth, y / depth);
            let column = (x * cosine + y * sine) / pose.module + all / 2.0;
            let row = (y * cosine - x * sine) / pose.module + all / 2.0;
            if column < 0.0 || row < 0.0 || column >= all || row >= all {
                return pose.light.2;
            }
            let (column, row) = ((column as usize).wrapping_sub(4), (row as usize).wrapping_sub(4));
            let dark = column < wide && row < wide && colours[row * wide + column] == Color::Dark;
            if dark { pose.light.0 } else { pose.light.1 }
        };
        let sub = [1.0 / 6.0, 0.5, 5.0 / 6.0];
        let light = (0..pose.side * pose.side).map(|pixel| {
            let (x, y) = ((pixel % pose.side) as f32, (pixel / pose.side) as f32);
            let points = sub
                .iter()
                .flat_map(|dy| sub.iter().map(move |dx| (x + dx, y + dy)));
            points.map(|(x, y)| at(x, y)).sum::<f32>() / 9.0
        });
        Self {
            side: pose.side,
            light: light.collect(),
            rng: ChaCha8Rng::seed_from_u64(5),
        }
    }

    fn noise(mut self, amount: f32) -> Self {
        for light in &mut self.light {
            let bytes = self.rng.next_u32().to_le_bytes();
            let sum: f32 = bytes.iter().map(|b| f32::from(*b) / 255.0 - 0.5).sum();
            *light += amount * sum;
        }
        self
    }

    /// Means over squares of twice the radius and one, twice.
    fn blur(mut self, radius: usize) -> Self {
        for pass in 0..4 {
            let old = self.light.clone();
            let (near, far) = if pass % 2 == 0 {
                (1, self.side)
            } else {
                (self.side, 1)
            };
            for line in 0..self.side {
                for at in 0..self.side {
                    let range = at.saturating_sub(radius)..(at + radius + 1).min(self.side);
                    let count = range.len() as f32;
                    let sum: f32 = range.map(|other| old[line * far + other * near]).sum();
                    self.light[line * far + at * near] = sum / count;
                }
            }
        }
        self
    }

    /// Darker to the right, and the grid of a screen.
    fn screen(mut self, fall: f32, grid: f32) -> Self {
        for (pixel, light) in self.light.iter_mut().enumerate() {
            let (x, y) = ((pixel % self.side) as f32, (pixel / self.side) as f32);
            *light *= 1.0 - fall * x / self.side as f32;
            *light *= 1.0 + grid * (x * 1.9).sin() * (y * 0.31).sin();
        }
        self
    }

    fn inverted(mut self) -> Self {
        self.light.iter_mut().for_each(|light| *light = 1.0 - *light);
        self
    }

    fn beside(mut self, other: &Self) -> Self {
        let (side, rows) = (self.side, self.light.chunks(self.side));
        let mut joined: Vec<f32> = rows
            .zip(other.light.chunks(side))
            .flat_map(|(a, b)| [a, b].concat())
            .collect();
        joined.extend(vec![0.3; 2 * side * side]);
        self.light = joined;
        self.side = 2 * side;
        self
    }

    fn grey(&self) -> Vec<u8> {
        let bytes = self
            .light
            .iter()
            .map(|light| (light * 255.0).clamp(0.0, 255.0) as u8);
        bytes.collect()
    }

    fn png(&self) -> Vec<u8> {
        png_of(self.side, &self.grey(), png::ColorType::Grayscale)
    }

    fn jpeg(&self, quality: u8) -> Vec<u8> {
        let mut file = Vec::new();
        let side = u16::try_from(self.side).unwrap();
        let rgb: Vec<u8> = self.grey().into_iter().flat_map(|g| [g; 3]).collect();
        jpeg_encoder::Encoder::new(&mut file, quality)
            .encode(&rgb, side, side, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        file
    }
}

fn png_of(side: usize, data: &[u8], colour: png::ColorType) -> Vec<u8> {
    let mut file = Vec::new();
    let side = u32::try_from(side).unwrap();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(colour);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn photographs_of_a_code_are_read() {
    let turned = |turn| Pose { turn, ..POSE };
    let tilted = Pose {
        side: 860,
        turn: 0.4,
        tilt: (0.2, -0.15),
        ..POSE
    };
    let faint = Pose {
        light: (0.40, 0.53, 0.47),
        ..turned(2.0)
    };
    let large = Pose {
        side: 1900,
        module: 11.0,
        ..tilted
    };
    let small = Pose {
        side: 360,
        module: 3.2,
        ..turned(0.3)
    };
    let scene = |pose| Scene::of(&uri(), pose);
    for (name, scene) in [
        ("straight", scene(POSE)),
        ("turned", scene(turned(0.7))),
        ("upside down", scene(turned(3.0))),
        ("tilted", scene(tilted)),
        ("faint", scene(faint).noise(0.02)),
        ("noisy", scene(tilted).noise(0.3)),
        ("noisier", scene(turned(0.2)).noise(0.6)),
        ("blurred", scene(turned(1.1)).blur(2).noise(0.02)),
        ("a screen", scene(tilted).screen(0.6, 0.3).noise(0.1).blur(1)),
        ("light on dark", scene(turned(0.3)).inverted()),
        ("small", scene(small).blur(1)),
        ("large", scene(large).noise(0.2)),
    ] {
        let scanned = engagement_in_picture(&scene.jpeg(80)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(scanned.bytes(), engagement(), "{name}");
        assert!(!scanned.with_slashes());
    }
}

#[test]
fn pictures_of_every_kind_of_pixel_are_read() {
    let scene = Scene::of(&uri(), POSE);
    let grey = scene.grey();
    let rgb: Vec<u8> = grey.iter().flat_map(|g| [*g, *g, *g]).collect();
    let faint: Vec<u8> = grey.iter().flat_map(|g| [0, 255 - g]).collect();
    let clear: Vec<u8> = grey.iter().flat_map(|g| [0, 0, 0, 255 - g]).collect();
    for (colour, data) in [
        (png::ColorType::Grayscale, &grey),
        (png::ColorType::Rgb, &rgb),
        (png::ColorType::GrayscaleAlpha, &faint),
        (png::ColorType::Rgba, &clear),
    ] {
        let file = png_of(scene.side, data, colour);
        assert_eq!(texts(&file).unwrap(), [uri()], "{colour:?}");
    }
}

#[test]
fn what_is_no_engagement_is_named_and_not_repeated() {
    let secret = "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ";
    for (text, kind) in [
        (secret, Kind::OneTimePassword),
        ("https://shop.example/?id=7", Kind::WebAddress),
        (
            "HTTPS://WALLET.EXAMPLE/?credential_offer_uri=x",
            Kind::CredentialOffer,
        ),
        ("openid-credential-offer://?x", Kind::CredentialOffer),
        ("openid4vp://authorize?x", Kind::PresentationRequest),
        (
            "https://w.example/?client_id=x&request_uri=y",
            Kind::PresentationRequest,
        ),
        ("WIFI:T:WPA;S:net;P:pass;;", Kind::Network),
        ("BEGIN:VCARD\nN:Doe", Kind::Contact),
        ("tel:+4912345", Kind::Message),
        ("FIDO:/1234", Kind::Passkey),
        ("HC1:6BF", Kind::HealthCertificate),
        ("BCD\n002\n", Kind::Payment),
        ("4006381333931\r\n", Kind::Number),
        ("geo:52,13", Kind::OtherLink),
        ("note: buy milk", Kind::Text),
        ("hello", Kind::Text),
    ] {
        assert_eq!(Kind::of(text), kind, "{text}");
        assert_eq!(engagement_from_text(text), Err(ScanError::Text(kind)), "{text}");
    }
    let error = engagement_in_picture(&Scene::of(secret, POSE).png()).unwrap_err();
    assert_eq!(error, ScanError::SomethingElse(vec![Kind::OneTimePassword]));
    assert_eq!(
        error.to_string(),
        "the QR code in the picture is the secret of one-time passwords, not the code of a mobile document"
    );
}

#[test]
fn of_several_codes_the_only_engagement_is_taken() {
    let pose = Pose { module: 5.0, ..POSE };
    let ours = || Scene::of(&uri(), pose);
    let page = || Scene::of("https://shop.example/", pose);
    let mixed = engagement_in_picture(&page().beside(&ours()).png()).unwrap();
    assert_eq!(mixed.bytes(), engagement());

    let same = engagement_in_picture(&ours().beside(&ours()).png()).unwrap();
    assert_eq!(same.bytes(), engagement());

    let mut other = engagement();
    *other.last_mut().unwrap() ^= 1;
    let other = Scene::of(&mdoc_core::engagement::to_uri(&other), pose);
    let two = engagement_in_picture(&ours().beside(&other).png());
    assert_eq!(two, Err(ScanError::Several(2)));

    let none = engagement_in_picture(&page().beside(&Scene::of("tel:+1", pose)).png()).unwrap_err();
    assert_eq!(
        none.to_string(),
        "the QR codes in the picture are the address of a web page and a telephone number or a message, \
         not the code of a mobile document"
    );
}

#[test]
fn what_is_no_picture_with_a_code_is_told() {
    let empty = Scene {
        light: vec![0.5; 200 * 200],
        side: 200,
        rng: ChaCha8Rng::seed_from_u64(1),
    };
    let code = Scene::of(&uri(), POSE);
    let cut = |file: Vec<u8>| file[..file.len() / 2].to_vec();
    let mut bomb = code.png();
    // Width and height of the header, and its checksum.
    bomb[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    for (name, file, error) in [
        ("nothing", Vec::new(), ScanError::NoPicture),
        ("text", b"mdoc:".to_vec(), ScanError::NoPicture),
        ("grey", empty.png(), ScanError::NoCode),
        ("noise", empty.noise(1.0).png(), ScanError::NoCode),
        ("PNG cut", cut(code.png()), ScanError::Undecodable),
        ("large", vec![0; LARGEST_FILE + 1], ScanError::TooLarge),
    ] {
        assert_eq!(engagement_in_picture(&file), Err(error), "{name}");
    }
    // Of a JPEG that is cut half is there, and no whole code.
    assert!(engagement_in_picture(&cut(code.jpeg(80))).is_err());
    assert!(engagement_in_picture(&bomb).is_err());
    let large = png_header(16_384, 16_384);
    assert_eq!(engagement_in_picture(&large), Err(ScanError::TooLarge));
}

/// A PNG that says how large it is, and has next to nothing in it.
fn png_header(wide: u32, high: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, wide, high);
    encoder.set_depth(png::BitDepth::One);
    let writer = encoder.write_header().unwrap();
    drop(writer);
    file.extend_from_slice(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    file
}

/// Every triple of them might be a code.
#[test]
fn many_finder_patterns_take_no_longer_than_a_few() {
    let side = 1500;
    let ring = |x: usize, y: usize| matches!(x.min(y).min(6 - x).min(6 - y), 0 | 2 | 3);
    let pixels: Vec<u8> = (0..side * side)
        .map(|at| (at % side % 20 / 2, at / side % 20 / 2))
        .map(|(x, y)| if x < 7 && y < 7 && ring(x, y) { 0 } else { 255 })
        .collect();
    let file = png_of(side, &pixels, png::ColorType::Grayscale);
    let begun = std::time::Instant::now();
    assert_eq!(engagement_in_picture(&file), Err(ScanError::NoCode));
    // Without the bound it is minutes.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[test]
fn lines_of_people_and_of_scanners_are_read() {
    let plain = uri();
    let encoded = plain.strip_prefix("mdoc:").unwrap();
    let (half, rest) = encoded.split_at(60);
    for (text, slashes) in [
        (plain.clone(), false),
        (format!("{plain}\r\n"), false),
        (format!("\u{feff} {plain}=\t\n"), false),
        (format!("MDOC:{encoded}=="), false),
        (format!("]Q1{plain}\r"), false),
        (format!("\u{2}{plain}\u{3}"), false),
        (format!("\"{plain}\""), false),
        (format!("<{plain}>"), false),
        (format!("mdoc:{half}\r\n  {rest}"), false),
        (format!("Mdoc://{encoded}"), true),
    ] {
        let scanned = engagement_from_text(&text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(scanned.bytes(), engagement(), "{text:?}");
        assert_eq!(scanned.with_slashes(), slashes, "{text:?}");
        assert!(scanned.engagement(&Limits::DEFAULT).unwrap().ble().is_some());
    }
}

#[test]
fn lines_that_are_no_engagement_are_told_apart() {
    let plain = uri();
    for (text, error) in [
        (String::new(), ScanError::NoText),
        ("\r\n".into(), ScanError::NoText),
        ("mdoc:".into(), ScanError::Uri(BadUri::Empty)),
        ("mdoc:a+b/".into(), ScanError::Uri(BadUri::NotBase64Url)),
        (plain.replace(':', "Ö"), ScanError::KeyboardLayout),
        (
            "a".repeat(EngagementUri::LONGEST + 1),
            ScanError::Uri(BadUri::TooLong),
        ),
    ] {
        assert_eq!(engagement_from_text(&text), Err(error), "{text:?}");
    }
    let cut = mdoc_core::engagement::to_uri(&engagement()[..90]);
    let error = engagement_from_text(&cut).unwrap_err();
    assert!(matches!(error, ScanError::Engagement(_)), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_picture_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..3) {
        let start: &[u8] = match kind { 0 => b"\x89PNG\r\n\x1a\n", 1 => &[0xff, 0xd8, 0xff], _ => &[] };
        let _ = engagement_in_picture(&[start, &bytes].concat());
    }

    #[test]
    fn damaged_pictures_of_codes_are_read_or_refused(
        damage in proptest::collection::vec((any::<u16>(), any::<u16>(), 1_u16..60, any::<u8>()), 0..12),
        module in 1_u8..5,
    ) {
        let pose = Pose { side: 240, module: f32::from(module), ..POSE };
        let mut scene = Scene::of(&uri(), pose);
        for (x, y, size, light) in damage {
            let (x, y, size) = (usize::from(x) % 240, usize::from(y) % 240, usize::from(size));
            for row in y..(y + size).min(240) {
                for column in x..(x + size).min(240) {
                    scene.light[row * 240 + column] = f32::from(light) / 255.0;
                }
            }
        }
        if let Ok(scanned) = engagement_in_picture(&scene.png()) {
            prop_assert_eq!(scanned.bytes(), engagement());
        }
    }

    #[test]
    fn any_line_is_an_engagement_or_an_error(text in "(mdoc:)?[ -~\r\n]{0,80}", other in any::<String>()) {
        let _ = engagement_from_text(&text);
        let _ = engagement_from_text(&other);
    }
}
