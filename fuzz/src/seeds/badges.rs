//! Of badges, as an issuer sends them to wallets. Those that are drawn are longer than what is fuzzed: these have all that
//! may be in one.

use mdoc_openid::vci::Draft;
use mdoc_openid::vci::credential::{Badge, BadgeSide, CredentialResponse, Issued};

use crate::badges::{PNG, image, svg};

/// A JPEG up to the header of its frame, with a note, a table and a fill byte before that.
const JPEG: &[u8] =
    b"\xff\xd8\xff\xe1\0\x06\xff\xc0\0\0\xff\xdb\0\x03\0\xff\xff\xc2\0\x11\x08\0\x03\x01\0\x03";

pub(crate) fn badge_received() -> Vec<Vec<u8>> {
    let drawn = format!(
        "<title>Ada (url(x) &amp; \\75rl)</title>\n<path role=\"img\" aria-label=\"barcode: https://a/?b=(c)\" \
         fill=\"#000000\" stroke=\"#00ff00\" stroke-width=\"0.2\" d=\"M0 -1.25L85.6 0Q1 2 3 4C1 2 3 4 5 6Z\"/>\n\
         <clipPath id=\"clip1\"><path d=\"M0 0Z\"/></clipPath>\n<image clip-path=\"url(#clip1)\" x=\"0\" y=\"-1.5\" \
         width=\"10\" height=\"10\" preserveAspectRatio=\"none\" aria-label=\"photo\"/>\n{}{}",
        image("jpeg", JPEG),
        image("png", PNG)
    );
    let drawn = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", svg(&drawn));
    let side = |svg: &str| BadgeSide {
        svg: svg.to_owned(),
        png: PNG.to_vec(),
    };
    let issued = Issued {
        documents: vec![vec![0xa0]],
        notification_id: None,
        badge: Some(Badge {
            front: side(&svg("<title>a</title>")),
            back: Some(side(&svg("<path d=\"M0 0Z\"/>"))),
        }),
    };
    let (_, answer) = CredentialResponse::Issued(issued).encode(Draft::Final);
    let mut all = Vec::new();
    let mut add = |kind: u8, content: &[u8]| all.push([&[kind][..], content].concat());
    add(0, drawn.as_bytes());
    add(4, &answer);
    add(1, PNG);
    add(2, PNG);
    add(3, JPEG);
    for inside in [
        "<script>alert(1)</script>",
        "<path onclick=\"alert(1)\" style='fill: red' class=\"a\"/>",
        "<image xlink:href=\"https://a/b.png\" href=\"data:image/svg+xml;base64,AA==\"/>",
        "<a href=\"#x\"/><use xlink:href=\"#x\"/><foreignObject/>",
        "<path fill=\"&#x55;rl(https://a/b#c)\" stroke=\"\\75rl(a)\"/>",
        "<path filter=\"var(--a)\" xml:base=\"https://a/\"/>",
        "<!-- a --><![CDATA[b]]><?xml-stylesheet href=\"https://a/b.css\"?>",
        "<b:path xmlns:b=\"http://www.w3.org/2000/svg\" b:d=\"M0\"/><path xmlns=\"c\" a:xmlns=\"d\"/>",
    ] {
        add(0, svg(inside).as_bytes());
    }
    let entity = "<!DOCTYPE svg [<!ENTITY a \"b\">]><svg xmlns=\"http://www.w3.org/2000/svg\">&a;</svg>";
    add(0, entity.as_bytes());
    all
}
