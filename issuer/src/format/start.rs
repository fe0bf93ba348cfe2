//! The file that a format of one's own starts with.

use super::{Format, FormatErrors};

/// A format file with one element of each usual kind, and comments that say what to change.
///
/// # Errors
/// [`FormatErrors`] if a name or docType is not one that a format can have; the places are those in the text that is
/// not returned then.
pub fn start(name: &str, doctype: &str, display_name: &str) -> Result<String, FormatErrors> {
    let xml = TEMPLATE
        .replace("{name}", &escaped(name))
        .replace("{doctype}", &escaped(doctype))
        .replace("{display-name}", &escaped(display_name));
    Format::read(xml.as_bytes()).map(|_| xml)
}

/// The text as the value of an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // A brace would be taken for a place to fill.
            '{' => escaped.push_str("&#123;"),
            c => escaped.push(c),
        }
    }
    escaped
}

const TEMPLATE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- A document format. Change what is here, then: mdoc-issuer format check FILE
     document-formats/README.md explains every attribute, type and derivation. -->
<document-format xmlns="urn:mdoc-issuer:document-format:1" name="{name}" version="1.0"
    doctype="{doctype}" display-name="{display-name}">
  <description>
    What the document is for, in a sentence or two.
  </description>

  <!-- The values that an element may have. With open="true", others give a warning instead of an error. -->
  <code-table name="kind">
    <code value="basic" label="basic"/>
    <code value="extended" label="extended"/>
  </code-table>

  <!-- Elements are in the document in this order. Without a source, the user data have them under their identifier.
       Use the identifiers of ISO/IEC 18013-5 where they fit: readers know them. -->
  <namespace name="{doctype}">
    <element identifier="family_name" type="tstr" min-length="1" max-length="150" required="true"
        display-name="Family name"/>
    <element identifier="given_name" type="tstr" min-length="1" max-length="150" required="true"
        display-name="Given names"/>

    <!-- An image file, given to `mdoc-issuer issue` with its option for the portrait or in the data as base64. -->
    <element identifier="portrait" type="bstr" images="jpeg jpeg2000" max-bytes="262144" display-name="Portrait"/>

    <!-- A code, a text with a pattern, a number with limits, a list, an object. -->
    <element identifier="kind" type="tstr" codes="kind" required="true" display-name="Kind"/>
    <element identifier="document_number" type="tstr" pattern="[0-9A-Z-]{4,20}" required="true"
        display-name="Number"/>
    <element identifier="points" type="uint" min="0" max="1000" display-name="Points"/>
    <element identifier="places" type="array" min-items="1" max-items="20" display-name="Places">
      <item type="tstr" min-length="1" max-length="64"/>
    </element>
    <element identifier="contact" type="map" min-members="1" display-name="Contact">
      <member name="email" type="tstr" pattern="[^@\s]+@[^@\s]+"/>
      <member name="phone" type="tstr" pattern="\+[0-9]{4,18}"/>
    </element>

    <!-- Follows from birth_date in the data, which does not get into the document unless it is an element, too. -->
    <element identifier="age_over_18" type="bool" derive="age-over" age="18" display-name="Over 18"/>

    <!-- Known of the issuer and the day; overridable="true" lets the data say otherwise. -->
    <element identifier="issuing_authority" type="tstr" min-length="1" max-length="150" derive="issuing-authority"
        overridable="true" required="true" display-name="Issuing authority"/>
    <element identifier="issuing_country" type="tstr" codes="country" derive="issuing-country" required="true"
        display-name="Issuing country"/>
    <element identifier="issue_date" type="full-date" derive="issue-date" overridable="true" required="true"
        display-name="Date of issue"/>
    <element identifier="expiry_date" type="full-date" derive="expiry" lifetime="2 years" overridable="true"
        required="true" display-name="Date of expiry"/>
  </namespace>
</document-format>
"#;

#[cfg(test)]
mod tests {
    use mdoc_core::time::FullDate;

    use super::*;
    use crate::format::sample::sample;

    #[test]
    fn the_start_is_a_format_in_order_for_which_sample_data_can_be_made() {
        let xml = start("staff", "com.example.staff.1", "Staff & \"friends\" <{name}>").unwrap();
        let format = Format::read(xml.as_bytes()).unwrap();
        assert_eq!(
            (format.name.as_str(), format.doctype.as_str()),
            ("staff", "com.example.staff.1")
        );
        assert_eq!(format.display_name, "Staff & \"friends\" <{name}>");
        assert_eq!(format.namespaces[0].name, "com.example.staff.1");
        sample(&format, "NL", FullDate::parse("2026-06-01").unwrap()).unwrap();
    }

    #[test]
    fn names_that_no_format_can_have_are_refused() {
        for (name, doctype) in [("Staff", "a.1"), ("staff", "a b"), ("", "a.1"), ("staff", "")] {
            assert!(start(name, doctype, "Staff").is_err(), "{name} {doctype}");
        }
    }
}
