mod slip;

use strsim::damerau_levenshtein;

use super::lists;

/// Mail domains that many people type by hand, the most common first, with the slips allowed in the first label.
/// Names of four letters or less are absent: too many honest domains are one letter away from `aol.com` or `gmx.de`.
const POPULAR: [(&str, usize); 38] = [
    ("gmail.com", 1),
    ("yahoo.com", 1),
    ("hotmail.com", 2),
    ("outlook.com", 2),
    ("icloud.com", 1),
    ("googlemail.com", 2),
    ("protonmail.com", 2),
    ("comcast.net", 1),
    ("verizon.net", 1),
    ("sbcglobal.net", 2),
    ("bellsouth.net", 2),
    ("rocketmail.com", 2),
    ("rediffmail.com", 2),
    ("fastmail.com", 1),
    ("yandex.ru", 1),
    ("hotmail.co.uk", 1),
    ("yahoo.co.uk", 1),
    ("btinternet.com", 2),
    ("hotmail.fr", 1),
    ("yahoo.fr", 1),
    ("laposte.net", 1),
    ("t-online.de", 1),
    ("freenet.de", 1),
    ("seznam.cz", 1),
    ("rambler.ru", 1),
    ("interia.pl", 1),
    ("virgilio.it", 1),
    ("wanadoo.fr", 1),
    ("bigpond.com", 1),
    ("hotmail.de", 1),
    ("hotmail.es", 1),
    ("hotmail.it", 1),
    ("yahoo.de", 1),
    ("yahoo.es", 1),
    ("yahoo.it", 1),
    ("yahoo.com.br", 1),
    ("outlook.de", 1),
    ("outlook.fr", 1),
];

/// Top-level domains that do not exist, and the one that was meant.
const TOP_LEVEL: [(&str, &str); 22] = [
    ("con", "com"),
    ("cmo", "com"),
    ("ocm", "com"),
    ("comm", "com"),
    ("coom", "com"),
    ("ccom", "com"),
    ("cpm", "com"),
    ("xom", "com"),
    ("vom", "com"),
    ("cim", "com"),
    ("clm", "com"),
    ("comn", "com"),
    ("coml", "com"),
    ("nte", "net"),
    ("ner", "net"),
    ("nett", "net"),
    ("ent", "net"),
    ("nat", "net"),
    ("ogr", "org"),
    ("rog", "org"),
    ("orgg", "org"),
    ("orq", "org"),
];

/// The domain that was probably meant, if this one looks like a slip of the hand.
pub(super) fn meant(domain: &str) -> Option<String> {
    if lists::is_free(domain) {
        return None;
    }
    let (label, rest) = domain.split_once('.')?;
    let nearest = POPULAR
        .iter()
        .filter_map(|&(popular, slips)| Some((distance(label, rest, popular, slips)?, popular)))
        .min_by_key(|&(distance, _)| distance);
    if let Some((distance, popular)) = nearest {
        return (distance > 0).then(|| popular.to_owned());
    }
    let (above, top) = domain.rsplit_once('.')?;
    let (_, top) = TOP_LEVEL.iter().find(|(wrong, _)| *wrong == top)?;
    Some(format!("{above}.{top}"))
}

/// How far the popular domain is from this one, in slips, if they are so few that they explain it.
/// The first letter is what people get right, and honest names differ in.
fn distance(label: &str, rest: &str, popular: &str, slips: usize) -> Option<usize> {
    let (popular_label, popular_rest) = popular.split_once('.')?;
    let same_start = match (label.as_bytes(), popular_label.as_bytes()) {
        ([a, b, ..], [x, y, ..]) => a == x || (a == y && b == x),
        _ => false,
    };
    if !same_start {
        return None;
    }
    let in_rest = match popular_rest {
        // Two-letter country codes are one slip from each other, so only these may be wrong themselves.
        "com" | "net" if rest.len() < 5 => damerau_levenshtein(rest, popular_rest),
        _ if rest == popular_rest => 0,
        _ => return None,
    };
    let in_label = match in_rest {
        0 => slip::count(label, popular_label, slips)?,
        // No domain can have this end, so whatever is near is what was meant.
        1 if TOP_LEVEL.iter().any(|(wrong, _)| *wrong == rest) => {
            let edits = damerau_levenshtein(label, popular_label);
            (edits <= 1).then_some(edits)?
        }
        1 => slip::count(label, popular_label, 1)?,
        _ => return None,
    };
    Some(in_label + in_rest)
}
