use crate::output;

/// A number of things: `1 chunk`, `1,200 chunks`.
pub(super) fn counted(n: u64, what: &str) -> String {
    format!(
        "{} {what}{}",
        output::count(n),
        if n == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_is_no_plural() {
        let check = |n, expected| assert_eq!(super::counted(n, "chunk"), expected);
        check(0, "0 chunks");
        check(1, "1 chunk");
        check(1200, "1,200 chunks");
    }
}
