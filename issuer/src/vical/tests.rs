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

#[test]
fn a_listing_has_a_largest_size() {
    let of = |bytes: usize| Listing::parse(&format!("{}# end", "\n".repeat(bytes - 5)));
    assert_eq!(of(LARGEST_LISTING), Ok(Listing { entries: Vec::new() }));
    let error = of(LARGEST_LISTING + 1).unwrap_err();
    assert_eq!(error, ListingError::TooLarge);
    assert_eq!(error.to_string(), "it is larger than 128 KiB");
}
