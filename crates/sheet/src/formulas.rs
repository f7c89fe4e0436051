use std::borrow::Cow;

/// Puts `'` before fields that a spreadsheet would take for a formula, in CSV with `,` and `"` that comes in pieces.
#[derive(Debug, Default)]
pub struct Formulas(State);

#[derive(Debug, Default, Clone, Copy)]
enum State {
    /// At the start of a field.
    #[default]
    Start,
    /// After the quote that opens a field.
    Opened,
    Plain,
    Quoted,
}

impl Formulas {
    /// The next piece of the file.
    pub fn neutralise<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, [u8]> {
        let mut out = Vec::new();
        let mut copied = 0;
        for (at, byte) in piece.iter().enumerate() {
            let starts = matches!(self.0, State::Start | State::Opened);
            if starts && starts_formula(*byte) {
                out.extend_from_slice(&piece[copied..at]);
                out.push(b'\'');
                copied = at;
            }
            self.0 = match (self.0, byte) {
                (State::Start, b'"') => State::Opened,
                // A doubled quote closes and opens; what follows it is no start.
                (State::Opened | State::Quoted, b'"') => State::Plain,
                (State::Plain, b'"') => State::Quoted,
                (State::Start | State::Plain, b',' | b'\n') => State::Start,
                (State::Start | State::Plain, _) => State::Plain,
                (State::Opened | State::Quoted, _) => State::Quoted,
            };
        }
        if copied == 0 && out.is_empty() {
            return Cow::Borrowed(piece);
        }
        out.extend_from_slice(&piece[copied..]);
        Cow::Owned(out)
    }
}

/// One field that a spreadsheet takes for no formula.
pub(super) fn neutral(field: &[u8]) -> Cow<'_, [u8]> {
    match field {
        [first, ..] if starts_formula(*first) => Cow::from([b"'", field].concat()),
        _ => Cow::from(field),
    }
}

fn starts_formula(byte: u8) -> bool {
    matches!(byte, b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_neutralised_and_other_fields_stay() {
        let check = |csv: &str, expected: &str| {
            // In one piece, and byte by byte.
            let whole = Formulas::default().neutralise(csv.as_bytes()).into_owned();
            assert_eq!(String::from_utf8_lossy(&whole), expected, "{csv:?}");
            let mut formulas = Formulas::default();
            let pieces = csv.as_bytes().chunks(1);
            let parts: Vec<u8> = pieces
                .flat_map(|it| formulas.neutralise(it).into_owned())
                .collect();
            assert_eq!(String::from_utf8_lossy(&parts), expected, "{csv:?}");
        };
        check("id,email\n1,a@b\n", "id,email\n1,a@b\n");
        check("=1,+1,-1,@1,\t1\n", "'=1,'+1,'-1,'@1,'\t1\n");
        check(
            "1,\"=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\n",
            "1,\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\n",
        );
        check("\"\r=1\",2\n", "\"'\r=1\",2\n");
        check("\"a\n=b,=c\",\"\"\"=d\"\n", "\"a\n=b,=c\",\"\"\"=d\"\n");
        check("a=b,\"\",,x\n=e", "a=b,\"\",,x\n'=e");
    }
}
