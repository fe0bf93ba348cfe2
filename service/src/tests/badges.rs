//! The badge layouts of a profile (B6, E4): which sets are refused, and what is drawn of them.

use std::sync::Arc;

use mdoc_issuer::badge::Layouts;

use super::scratch::Scratch;
use super::world::{World, everywhere, refusal};
use crate::domain::profile::Settings;

/// The service has the shipped layouts and these: name, attributes, parts.
pub(super) fn own(world: &mut World, name: &str, layouts: &[(&str, &str, &str)]) -> Scratch {
    let folder = Scratch::new(&format!("layouts-{name}"));
    for (name, attributes, parts) in layouts {
        let xml = format!(
            "<badge-layout xmlns=\"{}\" name=\"{name}\" version=\"1\" display-name=\"Own\" width=\"60\" height=\"40\" \
             {attributes}>\n{parts}\n</badge-layout>",
            mdoc_issuer::badge::XML_NAMESPACE
        );
        std::fs::write(folder.join(format!("{name}.xml")), xml).unwrap();
    }
    let layouts = Layouts::shipped().with_folder(&folder).unwrap();
    assert_eq!(layouts.problems(), []);
    world.terms.layouts = Arc::new(layouts);
    folder
}

fn settings(format: &str, layouts: &[&str]) -> Settings {
    Settings {
        display_name: "Card".to_owned(),
        format: format.to_owned(),
        badge_layouts: layouts.iter().map(|name| (*name).to_owned()).collect(),
        ..Settings::default()
    }
}

#[test]
fn a_profile_names_layouts_that_make_one_badge_of_its_documents() {
    everywhere(async |mut world| {
        const WARRANT: &str = "side=\"front\" default=\"true\" format=\"warrant-card\"";
        let text = "<text x=\"1\" y=\"1\" width=\"50\" size=\"8\">{agency}</text>";
        let photo = "<text x=\"1\" y=\"1\" width=\"50\" size=\"8\">{photo_of_car}</text>";
        let _own = own(
            &mut world,
            "rules",
            &[
                ("second-front", WARRANT, text),
                ("plain-front", "side=\"front\" format=\"warrant-card\"", text),
                ("typing-error", WARRANT, photo),
                (
                    "second-back",
                    "side=\"back\" back-of=\"warrant-card-front\" format=\"warrant-card\"",
                    text,
                ),
                ("any-format", "side=\"front\" default=\"true\"", text),
            ],
        );
        let (front, back) = ("warrant-card-front", "warrant-card-back");
        for good in [
            &[][..],
            &[front],
            &[back, front],
            &[front, back, "plain-front"],
            &["any-format"],
        ] {
            let set = world.set_profile("card", settings("warrant-card", good)).await;
            assert!(set.is_ok(), "{good:?}: {set:?}");
        }
        for (bad, words) in [
            (&["nowhere"][..], "there is no layout \"nowhere\""),
            (&["../warrant-card-front"], "there is no layout"),
            (&["access-badge-front"], "format access-badge"),
            (&["plain-front"], "none of the layouts is a default front"),
            (&[front, "second-front"], "more than one default front"),
            (
                &[front, back, "second-back"],
                "more than one back for warrant-card-front",
            ),
            (&[back, "second-front"], "is not among the layouts"),
            (&[front, front], "two layouts have the name warrant-card-front"),
            (
                &["typing-error"],
                "typing-error shows in line 2 the element photo_of_car",
            ),
        ] {
            let refused = world.set_profile("card", settings("warrant-card", bad)).await;
            let refused = refusal(refused.unwrap_err());
            assert_eq!(refused.code(), "LayoutSelectionInvalid", "{bad:?}");
            let said = refused.to_string();
            assert!(
                said.starts_with("badge_layouts: ") && said.contains(words),
                "{said}"
            );
        }
        let other = world
            .set_profile("card", settings("qualification", &["any-format"]))
            .await;
        let said = refusal(other.unwrap_err()).to_string();
        assert!(said.contains("element agency, which no document"), "{said}");
        let none = world.set_profile("card", settings("nowhere", &[])).await;
        assert_eq!(
            refusal(none.unwrap_err()).to_string(),
            "format: there is no such document format"
        );
    });
}
