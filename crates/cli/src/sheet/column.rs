use anyhow::Result;
use csv::ByteRecord;

use super::Format;
use crate::advice;

/// Names of a column with addresses, by letters and digits alone; the first that is there wins.
const NAMES: &[&str] = &[
    "email",
    "emailaddress",
    "mail",
    "mailaddress",
    "emailaddr",
    "emails",
    "emailadresse",
    "adresseemail",
    "primaryemail",
    "contactemail",
    "useremail",
    "customeremail",
    "workemail",
    "emailid",
    "correoelectronico",
    "courriel",
];

/// Finds the column with the addresses, from 0.
pub(super) fn find(file: &str, first: &ByteRecord, format: &Format) -> Result<usize> {
    if let Some(wanted) = &format.column {
        return named(file, first, wanted, format.no_header);
    }
    if format.no_header {
        return first
            .iter()
            .position(|it| it.contains(&b'@'))
            .ok_or_else(|| {
                advice::error(
                    format!("{file}: no field of line 1 looks like an address"),
                    "say which column it is, such as --column 3",
                )
            });
    }
    let plain: Vec<String> = first.iter().map(letters_and_digits).collect();
    let exact = NAMES
        .iter()
        .find_map(|name| plain.iter().position(|it| it == name));
    if let Some(column) = exact {
        return Ok(column);
    }
    let similar: Vec<usize> = (0..plain.len())
        .filter(|at| plain[*at].contains("email") || plain[*at].ends_with("mail"))
        .collect();
    match similar[..] {
        [column] => Ok(column),
        [] if first.iter().any(|it| it.contains(&b'@')) => Err(advice::error(
            format!("{file}: line 1 is not a header, because it holds an address"),
            "add --no-header, or put a header above the rows",
        )),
        [] => Err(advice::error(
            format!(
                "{file}: no column of the header is named like e-mail; there are: {}",
                list(first)
            ),
            "say which it is with --column NAME",
        )),
        _ => Err(advice::error(
            format!(
                "{file}: several columns could hold the addresses; there are: {}",
                list(first)
            ),
            "say which it is with --column NAME",
        )),
    }
}

fn named(file: &str, first: &ByteRecord, wanted: &str, no_header: bool) -> Result<usize> {
    let same = |it: &[u8]| {
        String::from_utf8_lossy(it).trim().to_lowercase() == wanted.trim().to_lowercase()
    };
    if !no_header && let Some(column) = first.iter().position(same) {
        return Ok(column);
    }
    match wanted.trim().parse::<usize>() {
        Ok(number) if (1..=first.len()).contains(&number) => Ok(number - 1),
        Ok(_) | Err(_) if no_header => Err(advice::error(
            format!(
                "{file}: there is no column {wanted}; line 1 has {} fields",
                first.len()
            ),
            "give the number of the column, from 1",
        )),
        Ok(_) | Err(_) => Err(advice::error(
            format!(
                "{file}: there is no column {wanted:?}; there are: {}",
                list(first)
            ),
            "give one of these names, or the number of the column, from 1",
        )),
    }
}

fn letters_and_digits(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .chars()
        .filter(|it| it.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn list(header: &ByteRecord) -> String {
    let names: Vec<String> = header
        .iter()
        .take(50)
        .map(|it| format!("{:?}", String::from_utf8_lossy(it).trim()))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_is_found_by_the_names_that_people_give_it() {
        let check = |header: &[&str], expected: Option<usize>| {
            let found = find(
                "a.csv",
                &ByteRecord::from(header.to_vec()),
                &Format::default(),
            );
            assert_eq!(found.ok(), expected, "{header:?}");
        };
        check(&["name", "email"], Some(1));
        check(&["E-Mail", "name"], Some(0));
        check(&["Name", "Email Address"], Some(1));
        check(&["id", "email_address", "mail"], Some(1));
        check(&[" EMAIL "], Some(0));
        check(&["Mail", "email_status"], Some(0));
        check(&["Customer's e-mail (private)"], Some(0));
        check(&["Hotmail", "private email", "other e-mail"], None);
        check(&["name", "phone"], None);
        check(&["Ann", "ann@example.com"], None);
    }

    #[test]
    fn a_column_can_be_named_or_numbered() {
        let check = |wanted: &str, no_header, expected: Option<usize>| {
            let format = Format {
                column: Some(wanted.to_owned()),
                no_header,
                ..Format::default()
            };
            let found = find(
                "a.csv",
                &ByteRecord::from(vec!["Kontakt", "7", "x@y.org"]),
                &format,
            );
            assert_eq!(found.ok(), expected, "{wanted}");
        };
        check("kontakt", false, Some(0));
        check("1", false, Some(0));
        check("7", false, Some(1));
        check("7", true, None);
        check("3", true, Some(2));
        check("0", false, None);
        check("phone", false, None);
    }

    #[test]
    fn without_a_header_the_first_field_with_an_at_sign_is_it() {
        let format = Format {
            no_header: true,
            ..Format::default()
        };
        let found = find(
            "a.csv",
            &ByteRecord::from(vec!["Ann", "ann@example.com"]),
            &format,
        );
        assert_eq!(found.ok(), Some(1));
    }
}
