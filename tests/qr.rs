//! The QR code that the holder shows, read by the verifier, from the first form to the last.

use mdoc_core::crypto::Curve;
use mdoc_core::engagement::BleOptions;
use mdoc_core::session::DeviceSession;
use mdoc_holder::qr::{Ground, QrCode, Screen};
use mdoc_verifier::scan;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

fn engagement() -> Vec<u8> {
    let options = BleOptions {
        peripheral_server_uuid: Some([0x11; 16]),
        central_client_uuid: Some([0x22; 16]),
        ..BleOptions::default()
    };
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let session = DeviceSession::engage(Curve::P256, &options, &mut rng);
    session.engagement().to_vec()
}

/// A picture with so many pixels a module, from whether they are dark.
fn picture(rows: &[Vec<bool>], pixels: usize) -> Vec<u8> {
    let side = rows.len() * pixels;
    let wide = rows[0].len() * pixels;
    let mut data = Vec::new();
    for y in 0..side {
        data.extend((0..wide).map(|x| if rows[y / pixels][x / pixels] { 0 } else { 255 }));
    }
    let size = |side: usize| u32::try_from(side).unwrap();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size(wide), size(side));
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&data).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn a_png_of_every_size_is_read() {
    let engagement = engagement();
    let code = QrCode::of_engagement(&engagement).unwrap();
    for pixels in [1, 2, 3, 5, 8, 17, 40] {
        let scanned = scan::engagement_in_picture(&code.to_png(pixels).unwrap());
        assert_eq!(scanned.unwrap().bytes(), engagement, "{pixels}");
    }
}

#[test]
fn a_terminal_is_read_as_it_shows_the_code() {
    let engagement = engagement();
    let code = QrCode::of_engagement(&engagement).unwrap();
    // What the cells of a terminal show, printed where the letters' colour is.
    for (screen, ground) in [
        (Screen::Colours, Ground::Light),
        (Screen::Blocks(Ground::Light), Ground::Light),
        (Screen::Blocks(Ground::Dark), Ground::Dark),
    ] {
        let text = code.to_text(screen);
        let text = text.replace("\x1b[38;5;16;48;5;231m", "").replace("\x1b[0m", "");
        let mut rows = Vec::new();
        for line in text.lines() {
            for half in ['▀', '▄'] {
                let printed = line.chars().map(|cell| cell == '█' || cell == half);
                rows.push(
                    printed
                        .map(|printed| printed == (ground == Ground::Light))
                        .collect(),
                );
            }
        }
        let scanned = scan::engagement_in_picture(&picture(&rows, 6)).unwrap();
        assert_eq!(scanned.bytes(), engagement, "{screen:?}");
    }
    let ascii = code.to_text(Screen::Ascii(Ground::Light));
    let rows: Vec<Vec<bool>> = ascii
        .lines()
        .map(|line| line.chars().step_by(2).map(|c| c == '#').collect())
        .collect();
    let scanned = scan::engagement_in_picture(&picture(&rows, 6)).unwrap();
    assert_eq!(scanned.bytes(), engagement);
}

#[test]
fn the_largest_code_is_read() {
    let text = "x".repeat(QrCode::LONGEST);
    let code = QrCode::new(&text).unwrap();
    assert_eq!(scan::texts(&code.to_png(4).unwrap()).unwrap(), [text]);
}
