use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding as _};

use super::*;

fn png(width: u32, height: u32) -> Vec<u8> {
    let header = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    [
        &header[..],
        &width.to_be_bytes(),
        &height.to_be_bytes(),
        b"\x08\x02",
    ]
    .concat()
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let frame = b"\xff\xd8\xff\xe0\0\x02\xff\xc0\0\x11\x08";
    [&frame[..], &height.to_be_bytes(), &width.to_be_bytes(), b"\x03"].concat()
}

fn badge(inside: &str) -> Badge {
    let svg = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"{SVG}\" xmlns:xlink=\"{XLINK}\" version=\"1.1\" \
         width=\"85.6mm\" height=\"54mm\" viewBox=\"0 0 85.6 54\">\n{inside}</svg>\n"
    );
    Badge {
        front: BadgeSide {
            svg,
            png: png(1011, 638),
        },
        back: None,
    }
}

fn image(kind: &str, file: &[u8]) -> String {
    let data = Base64::encode_string(file);
    format!("<image xlink:href=\"data:image/{kind};base64,{data}\"/>")
}

/// As `mdoc-issuer` writes it, with all that it can write.
#[test]
fn a_picture_is_kept() {
    let data = Base64::encode_string(&jpeg(480, 640));
    let picture = format!(
        "<title>Ada (url(x) &amp; \\75rl)</title>\n\
         <path role=\"img\" aria-label=\"barcode: https://id.example.org/?a=(b)\" fill=\"#000000\" stroke=\"#00ff00\" \
         stroke-width=\"0.2\" d=\"M0 -1.25L85.6 0Q1 2 3 4C1 2 3 4 5 6Z\"/>\n\
         <clipPath id=\"clip1\"><path d=\"M0 0Z\"/></clipPath>\n<image clip-path=\"url(#clip1)\" x=\"0\" y=\"-1.5\" \
         width=\"10\" height=\"10\" preserveAspectRatio=\"none\" aria-label=\"photo\" \
         xlink:href=\"data:image/jpeg;base64,{data}\"/>\n{}",
        image("png", &png(8, 8))
    );
    assert_eq!(check(&badge(&picture)), Ok(()));
}

#[test]
fn what_does_something_is_not_kept() {
    for active in [
        "<script>alert(1)</script>",
        "<path onclick=\"alert(1)\"/>",
        "<path style=\"fill: red\"/>",
        "<path class=\"a\"/>",
        "<image xlink:href=\"https://id.example.org/seen.png\"/>",
        "<image xlink:href=\" data:image/png;base64,AA==\"/>",
        "<image xlink:href=\"data:image/svg+xml;base64,AA==\"/>",
        "<image xlink:href=\"data:image/png,AA\"/>",
        "<image xlink:href=\"#clip1\"/>",
        "<image href=\"https://id.example.org/seen.png\"/>",
        "<path xlink:href=\"https://id.example.org/a\"/>",
        "<a href=\"#x\"/>",
        "<use xlink:href=\"#x\"/>",
        "<g xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        "<svg/>",
        "<clipPath><clipPath/></clipPath>",
        "<foreignObject/>",
        "<!-- a remark -->",
        "<?xml-stylesheet href=\"https://id.example.org/a.css\"?>",
    ] {
        assert_eq!(check(&badge(active)), Err(BadgeFault::Active), "{active}");
    }
    assert_eq!(check(&badge("<path>")), Err(BadgeFault::Svg));
    let mut other = badge("");
    for (svg, fault) in [
        ("<html/>", BadgeFault::Svg),
        ("<svg/>", BadgeFault::Svg),
        ("", BadgeFault::Svg),
        ("<!DOCTYPE svg [<!ENTITY a \"b\">]><svg/>", BadgeFault::Active),
    ] {
        other.front.svg = svg.to_owned();
        assert_eq!(check(&other), Err(fault), "{svg}");
    }
}

#[test]
fn an_address_is_found_however_it_is_written() {
    for attribute in [
        "fill=\"url(https://id.example.org/a#b)\"",
        "fill=\"URL(https://id.example.org/a)\"",
        "fill=\"Url(#clip1)\"",
        "fill=\"\\75rl(https://id.example.org/a)\"",
        "fill=\"&#x55;rl(https://id.example.org/a)\"",
        "fill=\"u/**/rl(https://id.example.org/a)\"",
        "stroke=\"var(--a)\"",
        "mask=\"image-set('https://id.example.org/a' 1x)\"",
        "cursor=\"image-set('https://id.example.org/a' 1x)\"",
        "cursor=\"wait\"",
        "filter=\"src('https://id.example.org/a')\"",
        "xml:base=\"https://id.example.org/\"",
        "xlink:fill=\"red\"",
        "clip-path=\"url(#clip1) url(https://id.example.org/a)\"",
    ] {
        for element in ["path", "image"] {
            let active = format!("<{element} {attribute}/>");
            assert_eq!(check(&badge(&active)), Err(BadgeFault::Active), "{active}");
        }
    }
    for clip in [
        "url(https://id.example.org/a#b)",
        "URL(#a)",
        "url( #a)",
        "none",
        "",
    ] {
        let active = format!("<image clip-path=\"{clip}\"/>");
        assert_eq!(check(&badge(&active)), Err(BadgeFault::Active), "{active}");
    }
}

#[test]
fn four_megabytes_of_attributes_take_no_time() {
    const SIZE: usize = 4 << 20;
    let filled = |one: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        for at in 0.. {
            text.push_str(&one(at));
            if text.len() >= SIZE {
                break;
            }
        }
        text
    };
    let many = filled(&|at| format!(" a{at}=''"));
    let namespaces = filled(&|at| format!(" xmlns:a{at}='u{at}'"));
    let nested = filled(&|at| format!("<g xmlns:a{at}='u{at}'>"));
    let hidden = filled(&|at| format!(" a{at}='>\"'"));
    for inside in [
        format!("<path{many}/>"),
        format!("<path{namespaces}/>"),
        nested,
        format!("<path{hidden}/>"),
        "<g>".repeat(SIZE / 3),
        "<path ".repeat(SIZE / 6),
        "&#65;".repeat(SIZE / 5),
        "<".repeat(SIZE),
        "'".repeat(SIZE),
    ] {
        let begun = Instant::now();
        let checked = check(&badge(&inside));
        let (took, begin) = (begun.elapsed(), inside.get(..20));
        assert!(took < Duration::from_secs(60), "{begin:?}: {took:?}");
        let harmless = inside.starts_with(['&', '\'']);
        assert_eq!(checked.is_ok(), harmless, "{begin:?}");
    }
}

#[test]
fn pictures_are_no_larger_than_is_shown() {
    let both = |kind: &str, file: &[u8]| check(&badge(&image(kind, file)));
    assert_eq!(both("png", &png(8192, 4882)), Ok(()));
    assert_eq!(both("jpeg", &jpeg(8192, 4882)), Ok(()));
    assert_eq!(both("png", &png(65_000, 65_000)), Err(BadgeFault::Large));
    assert_eq!(both("jpeg", &jpeg(65_000, 65_000)), Err(BadgeFault::Large));
    assert_eq!(both("jpeg", &jpeg(8, 0)), Err(BadgeFault::Large));
    for (kind, file) in [
        ("png", jpeg(8, 8)),
        ("jpeg", png(8, 8)),
        ("png", b"<svg/>".to_vec()),
    ] {
        assert_eq!(both(kind, &file), Err(BadgeFault::Picture), "{kind}");
    }
    let text = "<image xlink:href=\"data:image/png;base64,?\"/>";
    assert_eq!(check(&badge(text)), Err(BadgeFault::Picture));
    let five = image("png", &png(3000, 3000)).repeat(5);
    assert_eq!(check(&badge(&five)), Err(BadgeFault::Large), "together");
    let mut side = badge("");
    side.front.png = png(40_000, 1);
    assert_eq!(check(&side), Err(BadgeFault::Large));
    side.front.png = b"\x89PNG\r\n\x1a\nrest".to_vec();
    assert_eq!(check(&side), Err(BadgeFault::Png));
}

#[test]
fn each_side_is_looked_at_in_both_forms() {
    let mut both = badge("");
    both.back = Some(BadgeSide {
        svg: both.front.svg.clone(),
        png: b"GIF89a".to_vec(),
    });
    assert_eq!(check(&both), Err(BadgeFault::Png));
}
