use anyhow::Result;
use csv::ByteRecord;
use terminal::advice;

use super::Format;
use super::names::{Kind, kind};

/// How many columns an error names.
const COLUMNS_NAMED: usize = 50;

/// A column that addresses are taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// From 0.
    pub(super) at: usize,
    /// Its name, or its number from 1 in a file without a header.
    pub name: String,
    /// Why it was taken.
    pub found: Found,
}

/// Why a column was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It was asked for, or its name says what it holds.
    ByName,
    /// Its name does not say what it holds, but most of its fields are addresses.
    ByContent,
}

/// What the first rows hold in one column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// Fields that are not empty.
    pub(super) filled: u32,
    /// Fields that hold an address.
    pub(super) addresses: u32,
}

impl Content {
    /// Takes one field into account.
    pub(super) fn add(&mut self, field: &[u8]) {
        if field.trim_ascii().is_empty() {
            return;
        }
        self.filled += 1;
        let holds = std::str::from_utf8(field).is_ok_and(email_address::holds_address);
        self.addresses += u32::from(holds);
    }

    fn is_mostly_addresses(self) -> bool {
        self.addresses > 0 && self.addresses * 2 >= self.filled
    }
}

/// Whether a line is a header: it names a column of addresses, and holds none.
pub(super) fn is_header(fields: &ByteRecord) -> bool {
    fields.iter().any(|it| kind(it) <= Kind::Like) && !fields.iter().any(|it| it.contains(&b'@'))
}

/// Finds the columns with the addresses, the one that most likely is the main one first.
/// `content` says what the first rows hold, column by column.
pub(super) fn find(
    file: &str,
    first: &ByteRecord,
    content: &[Content],
    format: &Format,
) -> Result<Vec<Column>> {
    if !format.columns.is_empty() {
        let columns = format.columns.iter();
        return columns
            .map(|it| named(file, first, it, format.no_header))
            .collect();
    }
    let holds = |at: &usize| content.get(*at).copied().unwrap_or_default();
    let mostly: Vec<usize> = (0..content.len())
        .filter(|at| holds(at).is_mostly_addresses())
        .collect();
    if format.no_header {
        let any = (0..content.len()).max_by_key(|at| (holds(at).addresses, usize::MAX - at));
        let found = match any.filter(|at| mostly.is_empty() && holds(at).addresses > 0) {
            Some(at) => vec![at],
            None => mostly,
        };
        if found.is_empty() {
            return Err(advice::error(
                format!("{file}: no field of the first rows looks like an address"),
                "say which column it is, such as --column 3",
            ));
        }
        let columns = found.into_iter().map(|at| Column {
            at,
            name: (at + 1).to_string(),
            found: Found::ByContent,
        });
        return Ok(columns.collect());
    }

    let kinds: Vec<Kind> = first.iter().map(kind).collect();
    let column = |at: usize, found| Column {
        at,
        name: name(first, at),
        found,
    };
    let mut by_name: Vec<usize> = (0..kinds.len())
        .filter(|at| kinds[*at] <= Kind::Like && holds(at).addresses > 0)
        .collect();
    // The sort is stable, so columns of one kind stay in the order of the file.
    by_name.sort_by_key(|at| kinds[*at]);
    if !by_name.is_empty() {
        let columns = by_name.into_iter().map(|at| column(at, Found::ByName));
        return Ok(columns.collect());
    }
    let of_others = |at: &usize| kinds.get(*at) == Some(&Kind::OfOthers);
    let (others, by_content): (Vec<usize>, Vec<usize>) = mostly.into_iter().partition(of_others);
    let by_content = if by_content.is_empty() {
        others
    } else {
        by_content
    };
    if first.iter().any(|it| it.contains(&b'@')) && !kinds.iter().any(|it| *it <= Kind::Like) {
        return Err(advice::error(
            format!("{file}: line 1 is not a header, because it holds an address"),
            "add --no-header, or put a header above the rows",
        ));
    }
    if !by_content.is_empty() {
        let columns = by_content
            .into_iter()
            .map(|at| column(at, Found::ByContent));
        return Ok(columns.collect());
    }
    // Nothing looks like an address, so only a name that leaves no doubt is taken.
    let least = kinds.iter().min().filter(|it| **it <= Kind::Like);
    let similar: Vec<usize> = (0..kinds.len())
        .filter(|at| Some(&kinds[*at]) == least)
        .collect();
    match similar[..] {
        [at, ..] if kinds[at] < Kind::Like => Ok(vec![column(at, Found::ByName)]),
        [at] if holds(&at).filled == 0 => Ok(vec![column(at, Found::ByName)]),
        [] => Err(advice::error(
            format!(
                "{file}: no column is named like e-mail, and none holds mostly addresses; there are: {}",
                list(first, content)
            ),
            "say which it is with --column NAME; --skip-lines N if the header stands further down",
        )),
        _ => Err(advice::error(
            format!(
                "{file}: the columns that are named like e-mail hold no addresses; there are: {}",
                list(first, content)
            ),
            "say which it is with --column NAME",
        )),
    }
}

fn named(file: &str, first: &ByteRecord, wanted: &str, no_header: bool) -> Result<Column> {
    let same = |it: &[u8]| {
        String::from_utf8_lossy(it).trim().to_lowercase() == wanted.trim().to_lowercase()
    };
    let found = |at: usize| Column {
        at,
        name: if no_header {
            (at + 1).to_string()
        } else {
            name(first, at)
        },
        found: Found::ByName,
    };
    if !no_header && let Some(at) = first.iter().position(same) {
        return Ok(found(at));
    }
    match wanted.trim().parse::<usize>() {
        Ok(number) if (1..=first.len()).contains(&number) => Ok(found(number - 1)),
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
                list(first, &[])
            ),
            "give one of these names, or the number of the column, from 1",
        )),
    }
}

fn name(header: &ByteRecord, at: usize) -> String {
    let name = String::from_utf8_lossy(header.get(at).unwrap_or_default());
    match name.trim() {
        "" => (at + 1).to_string(),
        name => name.to_owned(),
    }
}

/// The columns by name, with the number of addresses in the first rows.
fn list(header: &ByteRecord, content: &[Content]) -> String {
    let names = (0..header.len()).take(COLUMNS_NAMED).map(|at| {
        let addresses = content.get(at).map_or(0, |it| it.addresses);
        match addresses {
            0 => format!("{:?}", name(header, at)),
            n => format!("{:?} (with {n} addresses)", name(header, at)),
        }
    });
    names.collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[&[&str]], format: &Format) -> Option<Vec<usize>> {
        let first = ByteRecord::from(lines[0].to_vec());
        let rows = if format.no_header { lines } else { &lines[1..] };
        let mut content = vec![Content::default(); first.len()];
        for row in rows {
            for (at, field) in row.iter().enumerate() {
                content[at].add(field.as_bytes());
            }
        }
        let columns = find("a.csv", &first, &content, format).ok()?;
        Some(columns.iter().map(|it| it.at).collect())
    }

    fn check(lines: &[&[&str]], expected: Option<&[usize]>) {
        let found = found(lines, &Format::default());
        assert_eq!(found.as_deref(), expected, "{lines:?}");
    }

    #[test]
    fn the_column_is_found_by_the_names_that_people_give_it() {
        for name in [
            "email",
            "E-Mail",
            " EMAIL ",
            "Email Address",
            "email_address",
            "Customer's e-mail (private)",
            "E-mail 1 - Value",
            "E-mail Address",
            "Primary Email",
            "Email ID",
            "E-Mail-Adresse",
            "Correo electr\u{f3}nico",
            "Correo",
            "M\u{e9}l",
            "Adresse \u{e9}lectronique",
            "E-postadress",
            "S\u{e4}hk\u{f6}postiosoite",
            "Indirizzo di posta elettronica",
            "Endere\u{e7}o de e-mail",
            "\u{42d}\u{43b}\u{435}\u{43a}\u{442}\u{440}\u{43e}\u{43d}\u{43d}\u{430}\u{44f} \u{43f}\u{43e}\u{447}\u{442}\u{430}",
            "\u{30e1}\u{30fc}\u{30eb}\u{30a2}\u{30c9}\u{30ec}\u{30b9}",
            "\u{96fb}\u{5b50}\u{90f5}\u{4ef6}",
            "\u{c774}\u{ba54}\u{c77c}",
        ] {
            check(&[&["x", name], &["1", "ann@firma.de"]], Some(&[1]));
            // Its name alone is enough, where nothing else can be it.
            check(&[&["x", name]], Some(&[1]));
        }
    }

    #[test]
    fn columns_about_addresses_are_not_taken_for_them() {
        for name in [
            "E-mail 1 - Type",
            "E-mail 1 - Label",
            "Email Opt In",
            "email_status",
            "Email verified at",
            "Accepts Email Marketing",
            "Email Sent",
            "Mailing Street",
        ] {
            check(
                &[&[name, "E-mail 1 - Value"], &["yes", "ann@firma.de"]],
                Some(&[1]),
            );
            check(&[&["Name", name], &["Ann", "yes"]], None);
        }
    }

    #[test]
    fn the_column_is_found_by_its_content() {
        check(
            &[&["Name", "Email Opt In"], &["ann@firma.de", "yes"]],
            Some(&[0]),
        );
        check(
            &[&["Name", "Kontakt"], &["Ann", "ann@firma.de"], &["Bo", ""]],
            Some(&[1]),
        );
        check(
            &[
                &["Name", "E-mail Display Name"],
                &["Bo", "Lund, Bo (bo@firma.de)"],
            ],
            Some(&[1]),
        );
        check(
            &[
                &["Name", "Note"],
                &["Ann", "ann@firma.de"],
                &["Bo", "none"],
                &["Eve", "none"],
            ],
            None,
        );
        // A name without a doubt is taken although its fields are none, one that only resembles it is not.
        check(&[&["name", "email"], &["Ann", "none"]], Some(&[1]));
        check(&[&["name", "Kunden-E-Mail"], &["Ann", "none"]], None);
    }

    #[test]
    fn all_columns_of_addresses_are_taken_but_not_those_of_others() {
        check(
            &[
                &[
                    "E-mail 1 - Label",
                    "E-mail 1 - Value",
                    "E-mail 2 - Label",
                    "E-mail 2 - Value",
                ],
                &["Work", "ann@firma.de", "", ""],
                &["", "", "Home", "bo@firma.de"],
            ],
            Some(&[1, 3]),
        );
        check(
            &[
                &["Owner Email", "Private e-mail", "Email", "Email 2"],
                &["boss@firma.de", "ann@home.de", "ann@firma.de", ""],
            ],
            Some(&[2, 1]),
        );
        check(
            &[&["Id", "Owner Email"], &["1", "boss@firma.de"]],
            Some(&[1]),
        );
    }

    #[test]
    fn without_a_header_the_content_decides() {
        let format = Format {
            no_header: true,
            ..Format::default()
        };
        let lines: &[&[&str]] = &[&["Ann", "none", "x"], &["Bo", "bo@firma.de", "y"]];
        assert_eq!(found(lines, &format), Some(vec![1]));
        assert_eq!(found(&[&["Ann", "none"]], &format), None);
        check(&[&["Ann", "ann@firma.de"], &["Bo", "bo@firma.de"]], None);
    }

    #[test]
    fn columns_can_be_named_or_numbered() {
        let check = |wanted: &[&str], no_header, expected: Option<&[usize]>| {
            let format = Format {
                columns: wanted.iter().map(|it| (*it).to_owned()).collect(),
                no_header,
                ..Format::default()
            };
            let found = found(&[&["Kontakt", "7", "x@y.org"]], &format);
            assert_eq!(found.as_deref(), expected, "{wanted:?}");
        };
        check(&["kontakt"], false, Some(&[0]));
        check(&["1"], false, Some(&[0]));
        check(&["7"], false, Some(&[1]));
        check(&["7"], true, None);
        check(&["3"], true, Some(&[2]));
        check(&["3", "1"], true, Some(&[2, 0]));
        check(&["0"], false, None);
        check(&["phone"], false, None);
    }
}
