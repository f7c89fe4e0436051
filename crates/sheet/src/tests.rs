use std::io::Write as _;

use super::*;

fn sheet(text: impl AsRef<[u8]>, format: &Format) -> Result<Sheet> {
    let mut file = tempfile::tempfile().expect("a temporary file can be made");
    file.write_all(text.as_ref())
        .expect("a temporary file is writable");
    Sheet::read("a.csv".to_owned(), file, format)
}

fn plain(text: impl AsRef<[u8]>) -> Sheet {
    sheet(text, &Format::default()).expect("it can be read")
}

fn read(sheet: &Sheet) -> (Vec<Option<String>>, Counts) {
    let mut rows = sheet.rows().expect("it can be read");
    let mut addresses = Vec::new();
    while rows.advance().expect("it can be read") {
        addresses.push(main_address(sheet, rows.record()));
    }
    (addresses, rows.counts())
}

fn main_address(sheet: &Sheet, record: &ByteRecord) -> Option<String> {
    let mut addresses = sheet.addresses_in(record);
    addresses.next().flatten().map(|it| it.text)
}

fn results(sheet: &Sheet) -> String {
    let widest = read(sheet).1.widest;
    let mut rows = sheet.rows().expect("it can be read");
    let mut results = Results::start(sheet, widest, false, Vec::new()).expect("memory is writable");
    while rows.advance().expect("it can be read") {
        let verdicts: Vec<Verdict> = sheet
            .addresses_in(rows.record())
            .map(|it| match it {
                Some(address) => Verdict {
                    status: "ok".to_owned(),
                    reason: "why".to_owned(),
                    normalized: address.text,
                    checked_at: "now".to_owned(),
                    ..Verdict::default()
                },
                None => Verdict::no_address(),
            })
            .collect();
        results
            .write(rows.record(), &verdicts)
            .expect("memory is writable");
    }
    String::from_utf8(results.finish().expect("memory is writable")).expect("it was UTF-8")
}

#[test]
fn every_way_to_write_the_same_rows_reads_the_same() {
    let expected = vec![
        Some("ann@example.com".to_owned()),
        None,
        Some("bob@example.com".to_owned()),
    ];
    for text in [
        "name,email\nAnn,ann@example.com\nNobody,\nBob,bob@example.com\n",
        "name,email\r\nAnn,ann@example.com\r\nNobody,\r\nBob,bob@example.com",
        "\u{feff}name;E-Mail\nAnn;ann@example.com\nNobody;\nBob;bob@example.com\n",
        "sep=;\r\nname;E-Mail\r\nAnn;ann@example.com\r\nNobody;\r\nBob;bob@example.com\r\n",
        "name\tMail\nAnn\tann@example.com\nNobody\t \nBob\t bob@example.com \n",
        "\"name\",\"email\"\n\"Ann\",\"ann@example.com\"\n\"No\n\"\"body\"\"\",\nBob,bob@EXAMPLE.com\n",
        "email\nann@example.com\n,\nbob@example.com\n",
        "name,email\rAnn,ann@example.com\rNobody,\rBob,bob@example.com\r",
    ] {
        assert_eq!(read(&plain(text)).0, expected, "{text:?}");
    }
}

#[test]
fn blank_lines_are_counted_and_are_no_rows() {
    let check = |text: &str, expected: (u64, u64)| {
        let counts = read(&plain(text)).1;
        assert_eq!((counts.rows, counts.blank_lines), expected, "{text:?}");
    };
    check("email\na@b.org\n", (1, 0));
    check("email\na@b.org", (1, 0));
    check("\n\nemail\n\na@b.org\n\n\n", (1, 5));
    check("email\r\n\r\na@b.org\r\n   \r\n", (1, 2));
    check("email,note\na@b.org,\"two\nlines\"\n\nc@d.org,x\n", (2, 1));
    check("email\n", (0, 0));
}

#[test]
fn rows_of_uneven_length_are_kept_and_columns_stay_in_line() {
    let sheet = plain("email,name\na@b.org\nc@d.org,C,extra\ne@f.org,E\n");
    let counts = read(&sheet).1;
    assert_eq!((counts.rows, counts.uneven_rows, counts.widest), (3, 2, 3));
    assert_eq!(
        results(&sheet),
        "email,name,,email_status,email_reason,email_suggestion,email_normalized,checked_at,email_detail\n\
         a@b.org,,,ok,why,,a@b.org,now,\n\
         c@d.org,C,extra,ok,why,,c@d.org,now,\n\
         e@f.org,E,,ok,why,,e@f.org,now,\n"
    );
}

#[test]
fn what_is_written_looks_like_what_was_read() {
    assert_eq!(
        results(&plain(
            "\u{feff}Name;Mail\r\n\"Doe; Jane\";a@b.org\r\n\r\nX;\r\n"
        )),
        "\u{feff}Name;Mail;email_status;email_reason;email_suggestion;email_normalized;checked_at;email_detail\r\n\
         \"Doe; Jane\";a@b.org;ok;why;;a@b.org;now;\r\n\
         X;;;no_address;;;;\r\n"
    );
}

#[test]
fn results_can_be_validated_again() {
    let once = results(&plain("email,note\na@b.org,x\n"));
    assert_eq!(results(&plain(&once)), once);
}

#[test]
fn a_file_in_another_encoding_is_written_in_utf_8() {
    let sheet = plain(b"name,email\nJ\xf6rg,joerg@b.org\nAna,j\xf6rg@b.org\n");
    let written = results(&sheet);
    assert!(
        written.starts_with("\u{feff}name,"),
        "spreadsheets know UTF-8 by its mark: {written}"
    );
    assert!(written.contains("J\u{f6}rg,joerg@b.org,ok"), "{written}");
    assert!(written.contains("j\u{f6}rg@b.org,ok"), "{written}");
    assert!(
        sheet.notes()[0].contains("windows-1252"),
        "{:?}",
        sheet.notes()
    );
}

#[test]
fn every_column_of_addresses_gets_verdicts() {
    let sheet = plain("E-mail 1 - Value,E-mail 2 - Value\na@b.org,\n,c@d.org\n");
    assert_eq!(
        results(&sheet),
        "E-mail 1 - Value,E-mail 2 - Value,\
         email_status,email_reason,email_suggestion,email_normalized,checked_at,email_detail,\
         email_2_status,email_2_reason,email_2_suggestion,email_2_normalized,email_2_checked_at,email_2_detail\n\
         a@b.org,,ok,why,,a@b.org,now,,,no_address,,,,\n\
         ,c@d.org,,no_address,,,,,ok,why,,c@d.org,now,\n"
    );
}

#[test]
fn added_values_are_no_formulas_unless_asked_for() {
    let sheet = plain("email\n=1+1@b.org\n");
    assert!(results(&sheet).contains("=1+1@b.org,ok,why,,'=1+1@b.org,"));
    let mut raw = Results::start(&sheet, 1, true, Vec::new()).expect("memory is writable");
    let verdict = Verdict {
        normalized: "=1+1@b.org".to_owned(),
        ..Verdict::default()
    };
    let record = ByteRecord::from(vec!["x"]);
    raw.write(&record, &[verdict]).expect("memory is writable");
    let written = raw.finish().expect("memory is writable");
    assert!(written.ends_with(b"x,,,,=1+1@b.org,,\n"));
}

#[test]
fn a_file_without_a_header_gets_none() {
    let format = Format {
        no_header: true,
        ..Format::default()
    };
    let sheet = sheet("Ann,a@b.org\nBob,c@d.org\n", &format).expect("it can be read");
    assert_eq!(
        results(&sheet),
        "Ann,a@b.org,ok,why,,a@b.org,now,\nBob,c@d.org,ok,why,,c@d.org,now,\n"
    );
}

#[test]
fn a_quote_that_is_never_closed_is_an_error_with_its_line() {
    let fails = |text: &str| {
        let sheet = match sheet(text, &Format::default()) {
            Ok(sheet) => sheet,
            Err(error) => return Some(error.to_string()),
        };
        let mut rows = sheet.rows().expect("it can be read");
        loop {
            match rows.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(error.to_string()),
            }
        }
    };
    let error =
        fails("email,note\na@b.org,x\nc@d.org,\"oops\ne@f.org,y\n").expect("the quote is open");
    assert!(
        error.contains("a.csv") && error.contains("line 3"),
        "{error}"
    );
    assert!(
        fails(&format!(
            "email,note\na@b.org,\"{}",
            "x,y\n".repeat(3 << 20)
        ))
        .is_some()
    );
    assert_eq!(fails("email,note\na@b.org,\"two\nlines\"\n"), None);
    assert_eq!(fails("email,note\na@b.org,\"two\nlines\""), None);
}

#[test]
fn what_cannot_be_validated_is_refused_with_the_reason() {
    let check = |text: &[u8], expected: &str| {
        let error = sheet(text, &Format::default())
            .expect_err("it is refused")
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(b"", "empty");
    check(b"\n\n", "empty");
    check(b"name,phone\n", "no column");
    check(b"ann@example.com\n", "not a header");
}
