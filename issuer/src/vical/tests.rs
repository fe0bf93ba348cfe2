use super::*;

#[test]
fn a_listing_names_files_and_documents() {
    let listing = Listing::parse(
        "[[entry]]\ncertificate = \"nl.pem\"\ndocTypes = [\"a\", \"b\"]\nissuingAuthority = \"RDW\"\n",
    )
    .unwrap();
    assert_eq!(listing.entries[0].doc_types, ["a", "b"]);
    assert_eq!(listing.entries[0].issuing_authority.as_deref(), Some("RDW"));
    for wrong in [
        "[[entry]]\ncertificate = \"nl.pem\"\n",
        "[[entry]]\ncertificate = \"nl.pem\"\ndoctypes = [\"a\"]\n",
        "entries = 1",
    ] {
        assert!(Listing::parse(wrong).is_err(), "{wrong}");
    }
}
