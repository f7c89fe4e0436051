//! The header field `Link` (RFC 8288).

/// The target of the first link whose relation is `next`, as it is written.
pub(super) fn next_of<'a>(fields: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    fields
        .flat_map(links)
        .find(|it| it.is_next)
        .map(|it| it.target)
}

struct Link<'a> {
    target: &'a str,
    is_next: bool,
}

/// The links of one field. What comes after a mistake is left out.
fn links(field: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let mut rest = field;
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let Some((target, after)) = rest.strip_prefix('<').and_then(|it| it.split_once('>')) else {
            return links;
        };
        let (mut rel, mut is_about_another) = (None, false);
        rest = after.trim_start();
        while let Some(parameter) = rest.strip_prefix(';') {
            let (name, value, after) = parameter_of(parameter);
            if name.eq_ignore_ascii_case("rel") {
                // Of several, the first counts (section 3.3).
                rel.get_or_insert(value);
            }
            is_about_another |= name.eq_ignore_ascii_case("anchor");
            rest = after.trim_start();
        }
        let is_next = rel
            .unwrap_or_default()
            .split_ascii_whitespace()
            .any(|it| it.eq_ignore_ascii_case("next"));
        links.push(Link {
            target: target.trim(),
            is_next: is_next && !is_about_another,
        });
    }
}

/// The name and value of the parameter in front, and what follows it.
fn parameter_of(text: &str) -> (&str, &str, &str) {
    let name_end = text.find(['=', ';', ',']).unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    let Some(value) = rest.strip_prefix('=') else {
        return (name.trim(), "", rest);
    };
    let value = value.trim_start();
    let (value, rest) = match value.strip_prefix('"') {
        Some(quoted) => {
            let mut escaped = false;
            let end = quoted.find(|it| {
                let ends = it == '"' && !escaped;
                escaped = it == '\\' && !escaped;
                ends
            });
            let end = end.unwrap_or(quoted.len());
            (&quoted[..end], quoted.get(end + 1..).unwrap_or_default())
        }
        None => value.split_at(value.find([';', ',']).unwrap_or(value.len())),
    };
    (name.trim(), value.trim(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_however_it_is_written() {
        let check = |fields: &[&str], expected: Option<&str>| {
            assert_eq!(next_of(fields.iter().copied()), expected, "{fields:?}");
        };
        check(&["</b>; rel=\"next\""], Some("/b"));
        check(&["</b>;rel=next"], Some("/b"));
        check(
            &["<https://a.example/?p=1,2;3>; rel=next"],
            Some("https://a.example/?p=1,2;3"),
        );
        check(
            &["</a>; rel=\"prev\", </b>; rel=\"next\", </c>; rel=\"last\""],
            Some("/b"),
        );
        check(&["</a>; rel=prev", "</b>; rel=next"], Some("/b"));
        check(
            &["</b>; title=\"a, b; rel=prev\"; rel=\"next\"; type=x"],
            Some("/b"),
        );
        check(
            &["</b>; title=\"a \\\"; rel=\\\"prev\"; REL=NEXT"],
            Some("/b"),
        );
        check(&["</b>; rel=\"last next\""], Some("/b"));
        check(&["</b> ; rel = \"next\" , </c>"], Some("/b"));
        check(
            &["<?page=2>; results=\"true\"; rel=\"next\""],
            Some("?page=2"),
        );
        check(&["</a>; rel=prev; rel=next"], None);
        check(&["</a>; rel=\"nextish\""], None);
        check(&["</a>; rel=next; anchor=\"/other\""], None);
        check(&["</a>"], None);
        check(&["", "next", "</a", "</a>; rel=\"next"], Some("/a"));
        check(&[], None);
    }
}
