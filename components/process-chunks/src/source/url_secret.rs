//! Keys and tokens that people and servers write into URLs: which parameters hold them, and how they are shown.

use url::Url;

/// What the names of such parameters contain.
const SECRET: [&str; 11] = [
    "key",
    "token",
    "secret",
    "passw",
    "pwd",
    "auth",
    "signature",
    "credential",
    "jwt",
    "session",
    "sig",
];

/// The names of the parameters of a URL that hold a secret, by their names. Places in a listing are none.
pub fn secrets_in(url: &Url) -> Vec<String> {
    url.query_pairs()
        .filter(|(name, value)| is_secret(name) && !value.is_empty())
        .map(|(name, _)| name.into_owned())
        .collect()
}

/// Whether the name of a parameter or header field is that of a secret.
pub fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    let is_place = ["page", "next", "continuation", "sync", "sort", "order"]
        .iter()
        .any(|it| name.starts_with(it));
    !is_place
        && SECRET.iter().any(|it| match *it {
            "sig" => name == "sig",
            it => name.contains(it),
        })
}

/// A URL, or a text with one in it, as it may be shown: `***` in place of user, password and secret parameters.
pub fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after
            .find(|it: char| matches!(it, '/' | '?' | '#' | '"' | '<') || it.is_whitespace())
            .unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(at) => {
                shown.push_str("***");
                &after[at..]
            }
            None => after,
        };
    }
    shown.push_str(rest);
    let mut text = shown;
    let mut from = 0;
    while let Some(at) = text[from..].find(['?', '&']).map(|it| it + from + 1) {
        from = at;
        let end = |it: char| matches!(it, '&' | '#' | '"' | '\\' | '<' | '>') || it.is_whitespace();
        let end = text[at..].find(end).map_or(text.len(), |it| it + at);
        if let Some((name, _)) = text[at..end].split_once('=')
            && is_secret(name)
        {
            let value = at + name.len() + 1;
            text.replace_range(value..end, "***");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_nothing_else() {
        let check = |text: &str, expected: &str| assert_eq!(masked(text), expected);
        check(
            "https://a.example/x?api_key=abc&page=2",
            "https://a.example/x?api_key=***&page=2",
        );
        check(
            "https://a.example/x?page=2&access_token=a%20b#top",
            "https://a.example/x?page=2&access_token=***#top",
        );
        check(
            "/x?X-Amz-Signature=1f&sig=2&apikey=3",
            "/x?X-Amz-Signature=***&sig=***&apikey=***",
        );
        check("https://ann:pw@a.example/x", "https://***@a.example/x");
        check(
            "{\"url\":\"https://a.example/?token=abc\",\"number\":2}",
            "{\"url\":\"https://a.example/?token=***\",\"number\":2}",
        );
        check(
            "https://a.example/?page_token=abc&sort_key=x&design=y",
            "https://a.example/?page_token=abc&sort_key=x&design=y",
        );
        check("https://a.example/x?key=", "https://a.example/x?key=***");
        check("what? nothing & more", "what? nothing & more");
    }

    #[test]
    fn secret_parameters_are_named() {
        let check = |url: &str, expected: &[&str]| {
            assert_eq!(secrets_in(&Url::parse(url).unwrap()), expected);
        };
        check(
            "https://a.example/?api_key=1&page=2&Token=3",
            &["api_key", "Token"],
        );
        check("https://a.example/?api_key=&next_token=3", &[]);
    }
}
