use serde_json::json;

use super::*;
use crate::format::Catalogue;

fn mdl() -> Format {
    Catalogue::shipped().format("iso-18013-5-mdl").unwrap().clone()
}

fn rows(text: &[u8], layout: Layout) -> Vec<Row> {
    let rows = Rows::new(text, layout, &mdl(), &["device_key", "no"]).unwrap();
    rows.map(Result::unwrap).collect()
}

fn table(text: &str) -> Vec<Row> {
    rows(text.as_bytes(), Layout::Csv(b','))
}

fn header(text: &str) -> Vec<String> {
    match Rows::new(text.as_bytes(), Layout::Csv(b','), &mdl(), &["device_key"]).err() {
        Some(RowsError::Header(faults)) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_format_tells_the_types_of_cells_and_their_looks_do_not() {
    let text = "\u{feff}no,document_number,height,family_name,driving_privileges\r\n\
                7,00123,0176,true,\"[{\"\"vehicle_category_code\"\": \"\"B\"\"}]\"\r\n\
                8,12,1m76,\"de \"\"Vries\"\",\r\nJr\",\r\n";
    let found = table(text);
    assert_eq!(
        found[0].data,
        Some(
            json!({"no": "7", "document_number": "00123", "height": 176, "family_name": "true",
            "driving_privileges": [{"vehicle_category_code": "B"}]})
        )
    );
    assert_eq!(
        found[1].data,
        Some(
            json!({"no": "8", "document_number": "12", "height": "1m76", "family_name": "de \"Vries\",\r\nJr"})
        ),
        "an empty cell is absent, and what is no number stays for the format to refuse"
    );
    assert_eq!((found[0].line, found[1].line), (2, 3));
    assert_eq!(count(text.as_bytes(), Layout::Csv(b',')).unwrap(), 2);
}

#[test]
fn members_and_lists_and_ages_have_columns() {
    let pid = Catalogue::shipped().format("eu-pid").unwrap().clone();
    let text = "place_of_birth/country;nationality\nNL;\"NL;BE\"\nDE;\"[\"\"DE\"\"]\"\n";
    let rows = Rows::new(text.as_bytes(), Layout::Csv(b';'), &pid, &[]).unwrap();
    let data: Vec<_> = rows.map(|row| row.unwrap().data.unwrap()).collect();
    assert_eq!(
        data[0],
        json!({"place_of_birth": {"country": "NL"}, "nationality": ["NL", "BE"]})
    );
    assert_eq!(data[1]["nationality"], json!(["DE"]));
    let ages = table("age_over_18,age_over_21\nTRUE,no\n");
    assert_eq!(
        ages[0].data,
        Some(json!({"age_over_18": true, "age_over_21": "no"}))
    );
}

#[test]
fn a_list_of_more_values_than_any_person_has_is_a_fault_of_its_cell() {
    let pid = Catalogue::shipped().format("eu-pid").unwrap().clone();
    let list = |values: usize| format!("NL{}", ";NL".repeat(values - 1));
    let most = MOST_VALUES;
    let text = format!(
        "nationality\n{}\n{}\n{}\nNL\n\"[0{}]\"\n",
        list(most),
        list(most + 1),
        ";".repeat(1 << 20),
        ",0".repeat(most)
    );
    let rows = Rows::new(text.as_bytes(), Layout::Csv(b','), &pid, &[]).unwrap();
    let found: Vec<Row> = rows.map(Result::unwrap).collect();
    let values = |row: &Row| row.data.as_ref().unwrap()["nationality"].as_array().map(Vec::len);
    assert_eq!((values(&found[0]), values(&found[3])), (Some(most), Some(1)));
    for row in [&found[1], &found[2], &found[4]] {
        assert_eq!(values(row), None);
        let fault = &row.faults[0];
        assert_eq!(
            (row.faults.len(), fault.code(), fault.field()),
            (1, "data.too-many-values", "nationality")
        );
        assert_eq!(fault.to_string(), "it has more than 20000 values");
    }
}

#[test]
fn a_line_of_more_values_than_any_person_has_is_not_said_to_be_no_json() {
    let text = format!("{{\"a\": [0{}]}}\n", ",0".repeat(MOST_VALUES));
    let found = rows(text.as_bytes(), Layout::JsonLines);
    let fault = &found[0].faults[0];
    assert_eq!((fault.code(), fault.field()), ("data.too-many-values", ""));
    assert_eq!(fault.to_string(), "it has more than 20000 values");
}

#[test]
fn places_in_cells_and_lines_are_counted_in_characters() {
    let told = |cell: &str| {
        let found = table(&format!(
            "driving_privileges\n\"{}\"\n",
            cell.replace('"', "\"\"")
        ));
        let faults: Vec<String> = found[0].faults.iter().map(ToString::to_string).collect();
        faults.join("; ")
    };
    for (cell, words) in [
        (
            "[{\"\u{e9}\": x",
            "the cell must hold JSON and does not: character 8",
        ),
        (
            "[\n{\"\u{e9}\": x",
            "the cell must hold JSON and does not: character 9",
        ),
        (
            "[{\"\u{e9}\": 1, \"\u{e9}\": 2}]",
            "a field is there twice: \u{e9}: character 13",
        ),
    ] {
        assert_eq!(told(cell), words);
    }
    let found = rows("{\"\u{e9}\": x}\n".as_bytes(), Layout::JsonLines);
    assert!(matches!(found[0].faults[0], RowFault::Syntax { column: 7, .. }));
}

#[test]
fn all_faults_of_a_header_are_told_with_what_was_meant() {
    assert_eq!(
        header("famly_name,given_name,,given_name,shoe_size\n"),
        [
            "line 1: the format has no field `famly_name`, did you mean family_name?",
            "line 1: column 3 has no name",
            "line 1: column `given_name` is there twice, or a part of another one",
            "line 1: the format has no field `shoe_size`",
        ]
    );
    assert_eq!(
        header("family_name;given_name\na;b\n"),
        ["line 1: there is one column alone; the cells are probably separated by `;`"]
    );
}

#[test]
fn a_row_with_faults_does_not_stop_the_others() {
    let text = b"family_name,driving_privileges\na\nb,[],c\nd,[{\n\xff,[]\ne,[]\n";
    let found = rows(text, Layout::Csv(b','));
    let codes: Vec<Vec<&str>> = found
        .iter()
        .map(|row| row.faults.iter().map(RowFault::code).collect())
        .collect();
    let expected: [&[&str]; 5] = [
        &["data.cells"],
        &["data.cells"],
        &["data.cell-json"],
        &["data.not-utf8"],
        &[],
    ];
    assert_eq!(codes, expected);
    assert_eq!(
        found.iter().map(|row| row.line).collect::<Vec<_>>(),
        [2, 3, 4, 5, 6]
    );
    assert_eq!(
        found[2].data,
        Some(json!({"family_name": "d"})),
        "the other cells are there"
    );
}

#[test]
fn rows_of_empty_cells_are_blank_lines() {
    let text = b",,\nfamily_name,given_name\n,\na,b\n\n , \nc,d\n,\n";
    let found = rows(text, Layout::Csv(b','));
    let lines: Vec<u64> = found.iter().map(|row| row.line).collect();
    assert_eq!(lines, [4, 7]);
    assert!(found.iter().all(|row| row.faults.is_empty()));
    assert_eq!(count(text.as_slice(), Layout::Csv(b',')).unwrap(), 2);
}

#[test]
fn lines_of_json_stand_alone() {
    let text = b"\xef\xbb\xbf{\"a\": 1}\n\n{\"a\": 1, \"a\": \"secret\"}\r\n[1]\n{\"a\": sec}\n{\"a\": \"\xff\"}\n{\"b\": 2}";
    let found = rows(text, Layout::JsonLines);
    let seen: Vec<_> = found
        .iter()
        .map(|row| (row.line, row.faults.first().map(RowFault::code)))
        .collect();
    assert_eq!(
        seen,
        [
            (1, None),
            (3, Some("data.twice")),
            (4, Some("data.not-an-object")),
            (5, Some("data.syntax")),
            (6, Some("data.not-utf8")),
            (7, None),
        ]
    );
    assert_eq!(count(&text[..], Layout::JsonLines).unwrap(), 6);
    assert!(
        found
            .iter()
            .flat_map(|row| &row.faults)
            .all(|fault| !fault.to_string().contains("sec"))
    );
}

#[test]
fn a_number_of_too_many_digits_is_named_with_its_place() {
    let text = format!("{{\"a\": 1}}\n{{\"a\": {}}}\n", "9".repeat(2_000));
    let found = rows(text.as_bytes(), Layout::JsonLines);
    assert!(found[0].faults.is_empty());
    let fault = &found[1].faults[0];
    assert_eq!(fault.code(), "data.syntax");
    let words = fault.to_string();
    assert!(
        words.contains("column 1007") && words.contains("more than 1000 digits"),
        "{words}"
    );
}

#[test]
fn what_is_too_long_is_refused_before_it_fills_the_memory() {
    let mut text = b"{\"a\": \"".to_vec();
    text.resize(LONGEST_ROW + 100, b'x');
    text.extend_from_slice(b"\"}\n{\"b\": 1}\n");
    let found = rows(&text, Layout::JsonLines);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].faults[0].code(), found[1].line), ("data.too-long", 2));

    let open = Read::chain(&b"family_name\nx\n\"never closed\n"[..], io::repeat(b'x'));
    let mut rows = Rows::new(open, Layout::Csv(b','), &mdl(), &[]).unwrap();
    assert!(rows.next().unwrap().is_ok());
    match rows.next() {
        Some(Err(RowsError::TooLong { line: 3 })) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_of_something_else_is_not_read_to_its_end() {
    let read = |malformed: usize| {
        let text = format!("{{\"a\": 1}}\n{}{{\"b\": 1}}\n", "nonsense\n".repeat(malformed));
        let rows = Rows::new(text.as_bytes(), Layout::JsonLines, &mdl(), &[]).unwrap();
        rows.collect::<Result<Vec<_>, _>>().map(|rows| rows.len())
    };
    let most = usize::try_from(MOST_MALFORMED).unwrap();
    assert_eq!(read(most).unwrap(), most + 2);
    let error = read(most + 1).unwrap_err();
    assert!(matches!(error, RowsError::NotRecords { line: 2 }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "from line 2 on, 1000 lines and more are not one JSON object each"
    );
}

#[test]
fn the_layout_is_told_by_the_content() {
    let of = |text: &[u8]| Layout::of(text, b',').map_err(|error| error.to_string());
    assert_eq!(of(b"\xef\xbb\xbf {\"a\": 1}\n"), Ok(Layout::JsonLines));
    assert_eq!(of(b"family_name,given_name\n"), Ok(Layout::Csv(b',')));
    assert!(of(b"{\n \"a\": 1}").unwrap_err().contains("not one object"));
    assert!(of(b"[{}]").unwrap_err().contains("not one object"));
    assert!(of(b"\xff\xfea\0").unwrap_err().contains("UTF-16"));
    assert!(of(b" \n").unwrap_err().contains("nothing"));
}

#[test]
fn more_columns_than_any_format_has_are_refused_and_more_cells_are_counted() {
    assert_eq!(
        header(&"x,".repeat(1_000)),
        ["line 1: there are 1001 columns, and 1000 are read at most"]
    );
    let wide = "x,".repeat(1_499) + "x";
    let found = table(&format!("family_name,no\n{wide}\na,1\n"));
    let cells = RowFault::Cells {
        found: 1_500,
        expected: 2,
    };
    assert_eq!((found[0].data.as_ref(), &found[0].faults), (None, &vec![cells]));
    assert_eq!((found[1].line, found[1].faults.len()), (3, 0));
}
