//! The header field `traceparent` (W3C Trace Context, version 00).

use uuid::Uuid;

/// What requests of an item carry: they go on with the caller's trace, and begin one of the attempt without it.
pub(crate) fn parent(caller: Option<&str>, attempt: Uuid, item: Uuid) -> String {
    let trace = caller
        .and_then(trace_id)
        .map_or_else(|| attempt.simple().to_string(), str::to_owned);
    let item = item.simple().to_string();
    format!("00-{trace}-{}-01", &item[16..])
}

/// The trace of a `traceparent` that is well formed; later versions may add fields.
fn trace_id(text: &str) -> Option<&str> {
    let mut fields = text.trim().split('-');
    let (version, trace) = (fields.next()?, fields.next()?);
    let parent = fields.next()?;
    let is_hex = |it: &str, length: usize| {
        it.len() == length
            && it
                .bytes()
                .all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
    };
    let is_nothing = |it: &str| it.bytes().all(|it| it == b'0');
    let is_known = is_hex(version, 2) && version != "ff";
    (is_known && is_hex(trace, 32) && is_hex(parent, 16) && !is_nothing(trace)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_continue_the_callers_trace_or_begin_one() {
        let attempt = Uuid::from_u128(0xa);
        let item = Uuid::from_u128(0x1_0000_0000_0000_00b2);
        let check = |caller: Option<&str>, trace: &str| {
            let expected = format!("00-{trace}-00000000000000b2-01");
            assert_eq!(parent(caller, attempt, item), expected, "{caller:?}");
        };
        let own = "0000000000000000000000000000000a";
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        check(None, own);
        check(
            Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            trace,
        );
        check(
            Some("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"),
            trace,
        );
        check(
            Some("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            own,
        );
        check(
            Some("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
            own,
        );
        check(
            Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
            own,
        );
        check(Some("00-4bf92f3577b34da6a3ce929d0e0e4736"), own);
        check(Some(""), own);
    }
}
