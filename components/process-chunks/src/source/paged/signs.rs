//! What an answer says of more than itself: a next page, a cursor, how many records and pages there are.

use serde_json::{Map, Value};

use super::link;
use crate::source::answer::Answer;

/// Objects in which answers speak of their paging, by [`plain`] names.
const ENVELOPES: [&str; 25] = [
    "meta",
    "metadata",
    "pagination",
    "paginationinfo",
    "paging",
    "pager",
    "page",
    "pages",
    "pageinfo",
    "pageinformation",
    "info",
    "links",
    "responsemetadata",
    "cursor",
    "cursors",
    "pageable",
    "hits",
    "result",
    "results",
    "response",
    "data",
    "query",
    "listinfo",
    "navigation",
    "feed",
];
/// How deep such objects lie in each other at most.
const DEEPEST: u32 = 4;
const NEXT: [&str; 24] = [
    "next",
    "nextpage",
    "nexturl",
    "nexturi",
    "nextlink",
    "nexthref",
    "nextpageurl",
    "nextpageuri",
    "nextpagelink",
    "nextrecordsurl",
    "odatanextlink",
    "nextcursor",
    "nextpagecursor",
    "nextpagetoken",
    "nexttoken",
    "nextoffset",
    "nextmarker",
    "nextstart",
    "nextkey",
    "nextcontinuationtoken",
    "continuationtoken",
    "paginationtoken",
    "lastevaluatedkey",
    "continue",
];
const MORE: [&str; 14] = [
    "hasmore",
    "hasnext",
    "hasnextpage",
    "hasmorepages",
    "hasmoreresults",
    "hasmoreitems",
    "hasmoredata",
    "hasmorerecords",
    "more",
    "moreresults",
    "moreavailable",
    "morerecords",
    "istruncated",
    "ismore",
];
/// True says that there is more, and false says nothing.
const INCOMPLETE: [&str; 2] = ["incompleteresults", "truncated"];
const LAST: [&str; 6] = [
    "last",
    "islast",
    "islastpage",
    "lastpage",
    "endofstream",
    "endofresults",
];
/// False says that there is more, and true says nothing.
const DONE: [&str; 2] = ["done", "finished"];
const TOTAL: [&str; 19] = [
    "total",
    "totalcount",
    "totalresults",
    "totalitems",
    "totalrecords",
    "totalelements",
    "totalhits",
    "totalentries",
    "totalsize",
    "totalobjects",
    "totalrows",
    "count",
    "recordcount",
    "resultcount",
    "numfound",
    "recordsfiltered",
    "odatacount",
    "opensearchtotalresults",
    "itemcount",
];
const PAGES: [&str; 8] = [
    "totalpages",
    "pages",
    "pagecount",
    "numpages",
    "pagescount",
    "lastpage",
    "totalpagecount",
    "numberofpages",
];
const TOTAL_HEADERS: [&str; 4] = ["x-total-count", "x-total", "x-wp-total", "total-count"];
const PAGES_HEADERS: [&str; 3] = [
    "x-wp-totalpages",
    "x-total-pages",
    "x-pagination-page-count",
];

/// What an answer says, each with the place where it says so.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Signs {
    /// The URL of the next page, as it is written.
    pub(super) link: Option<(String, String)>,
    /// Something else that names the next page.
    pub(super) cursor: Option<(String, String)>,
    /// There is more, in so many words.
    pub(super) more: Option<(String, String)>,
    /// There is no more, in so many words.
    pub(super) ends: bool,
    /// How many records there are in all.
    pub(super) total: Option<(String, u64)>,
    /// How many pages there are in all.
    pub(super) pages: Option<(String, u64)>,
    /// Options that fit a source whose answers have such fields.
    pub(super) options: Option<String>,
}

/// Reads the signs of an answer from whose body the records at `records` have been taken.
pub(super) fn read(answer: &Answer, body: &Value, records: &str) -> Signs {
    let mut signs = Signs::default();
    if let Some(link) = link::next_of(answer.all("link")) {
        signs.link = Some(("header:Link".to_owned(), link.to_owned()));
    }
    for name in TOTAL_HEADERS {
        let said = answer.header(name).and_then(|it| it.parse().ok());
        most(&mut signs.total, said, || format!("header:{name}"));
    }
    let range = answer
        .header("content-range")
        .and_then(|it| it.rsplit('/').next()?.parse().ok());
    most(&mut signs.total, range, || {
        "header:Content-Range".to_owned()
    });
    for name in PAGES_HEADERS {
        let said = answer.header(name).and_then(|it| it.parse().ok());
        most(&mut signs.pages, said, || format!("header:{name}"));
    }
    for (name, value) in &answer.headers {
        let plain = plain(name);
        let name_alone = plain.trim_start_matches("xms").trim_start_matches('x');
        if NEXT.contains(&name_alone) || name_alone == "continuation" {
            signs.next(&Value::from(*value), format!("header:{name}"));
        } else if MORE.contains(&name_alone) && flag(&Value::from(*value)) == Some(true) {
            signs.more(format!("header:{name}"), &Value::from(*value));
        }
    }
    // Around the records, however deep they are.
    let mut around = body;
    let mut path = String::new();
    let names: Vec<&str> = records.split('/').skip(1).collect();
    for name in std::iter::once(None).chain(names.into_iter().map(Some)) {
        if let Some(name) = name {
            let key = name.replace("~1", "/").replace("~0", "~");
            let Some(inner) = around.get(&key) else { break };
            around = inner;
            path = format!("{path}/{name}");
        }
        if let Value::Object(fields) = around {
            signs.object(fields, &path, "", DEEPEST);
        }
    }
    signs
}

impl Signs {
    fn object(&mut self, fields: &Map<String, Value>, path: &str, parent: &str, depth: u32) {
        for (field, value) in fields {
            let at = || format!("{path}/{}", field.replace('~', "~0").replace('/', "~1"));
            let name = plain(field);
            let name = name.as_str();
            if NEXT.contains(&name) {
                self.next(value, at());
            } else if is_cursor(name, parent, value) {
                self.cursor.get_or_insert_with(|| (at(), text(value)));
            }
            if self.options.is_none() {
                self.options = options(field, name, value, &at);
            }
            let flag = match value {
                // Elsewhere a number counts something.
                Value::Number(_) if !MORE.contains(&name) => None,
                other => flag(other),
            };
            match flag {
                Some(true) if MORE.contains(&name) || INCOMPLETE.contains(&name) => {
                    self.more(at(), value)
                }
                Some(false) if LAST.contains(&name) || DONE.contains(&name) => {
                    self.more(at(), value)
                }
                Some(false) if MORE.contains(&name) => self.ends = true,
                Some(true) if LAST.contains(&name) => self.ends = true,
                _ => {}
            }
            if TOTAL.contains(&name) {
                let said = number(value).or_else(|| number(value.get("value")?));
                most(&mut self.total, said, at);
            }
            if PAGES.contains(&name) {
                most(&mut self.pages, number(value), at);
            }
            match value {
                Value::Object(inner) if depth > 0 && ENVELOPES.contains(&name) => {
                    self.object(inner, &at(), name, depth - 1);
                }
                Value::Array(links) if matches!(name, "link" | "links") => {
                    self.relations(links, &at())
                }
                _ => {}
            }
        }
    }

    /// A field that is named for the next page.
    fn next(&mut self, value: &Value, at: String) {
        match value {
            Value::String(it) if it.trim().is_empty() => {}
            Value::String(it) if is_link(it) => {
                _ = self.link.get_or_insert_with(|| (at, it.clone()))
            }
            Value::String(it) => _ = self.cursor.get_or_insert_with(|| (at, it.clone())),
            Value::Number(_) if number(value) == Some(0) => {}
            Value::Number(it) => _ = self.cursor.get_or_insert_with(|| (at, it.to_string())),
            Value::Bool(true) => self.more(at, value),
            Value::Object(fields) => {
                if let Some(link) = target(value).filter(|it| is_link(it)) {
                    self.link.get_or_insert_with(|| (at, link.to_owned()));
                } else if let Some((name, value)) = fields
                    .iter()
                    .find(|(_, it)| it.is_string() || it.is_number())
                {
                    self.cursor
                        .get_or_insert_with(|| (format!("{at}/{name}"), text(value)));
                }
            }
            Value::Null | Value::Bool(false) | Value::Array(_) => {}
        }
    }

    /// Links in an array, each with its relation, as FHIR has them.
    fn relations(&mut self, links: &[Value], at: &str) {
        let next = links.iter().enumerate().find_map(|(n, link)| {
            let relation = link.get("relation").or_else(|| link.get("rel"))?;
            let target = target(link)?;
            (relation == "next").then(|| (format!("{at}/{n}"), target.to_owned()))
        });
        if self.link.is_none() {
            self.link = next;
        }
    }

    fn more(&mut self, at: String, value: &Value) {
        self.more.get_or_insert_with(|| (at, text(value)));
    }
}

/// The URL in an object that describes a link.
pub(super) fn target(link: &Value) -> Option<&str> {
    let names = ["href", "url", "uri", "link"];
    names.into_iter().find_map(|it| link.get(it)?.as_str())
}

/// Whether a text is written like a URL, and not like a cursor.
pub(super) fn is_link(text: &str) -> bool {
    let text = text.trim();
    ["http://", "https://", "/", "?", "./", "../"]
        .iter()
        .any(|it| {
            text.get(..it.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(it))
        })
        || text.contains('?')
        || text.ends_with(".json")
}

/// A whole number, also one that is written as text.
pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(it) => it.as_u64(),
        Value::String(it) => it.trim().parse().ok(),
        _ => None,
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(it) => Some(*it),
        Value::String(it) if it.eq_ignore_ascii_case("true") => Some(true),
        Value::String(it) if it.eq_ignore_ascii_case("false") => Some(false),
        Value::Number(_) => match number(value) {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// A cursor whose name does not speak of a next page. A number in `offset` says where this page begins.
fn is_cursor(name: &str, parent: &str, value: &Value) -> bool {
    let is_text =
        matches!(value, Value::String(it) if !it.trim().is_empty() && number(value).is_none());
    match name {
        "offset" | "cursor" => is_text,
        "after" => is_text && parent != "cursors",
        _ => false,
    }
}

/// The options for a field that repeats a parameter of the request, or that is to become one.
fn options(field: &str, name: &str, value: &Value, at: &dyn Fn() -> String) -> Option<String> {
    match (name, value) {
        ("offset" | "skip" | "startat" | "startindex", Value::Number(_)) => {
            Some(format!("--offset-param {field}"))
        }
        ("endcursor" | "aftercursor", Value::String(_)) => {
            Some(format!("--cursor {} --cursor-param NAME", at()))
        }
        _ => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(it) => it.clone(),
        other => other.to_string(),
    }
}

fn most(known: &mut Option<(String, u64)>, said: Option<u64>, at: impl FnOnce() -> String) {
    if let Some(said) = said
        && known.as_ref().is_none_or(|(_, known)| said > *known)
    {
        *known = Some((at(), said));
    }
}

/// `@odata.nextLink`, `next_link` and `nextLink` are one name.
fn plain(name: &str) -> String {
    let name = name.chars().filter(char::is_ascii_alphanumeric);
    name.map(|it| it.to_ascii_lowercase()).collect()
}
