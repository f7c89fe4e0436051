use serde_json::Value;

use super::MOST_PAGES;
use crate::source::BadSetting;
use crate::source::answer::Answer;
use crate::source::header::{self, HEADERS, SECRET_HEADER};
use crate::source::settings::Fields;

/// How the answers of a source are built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// JSON pointer to the array of records.
    pub(super) records: String,
    /// JSON pointer to the id inside a record.
    pub(super) id: String,
    pub(super) pages: Pages,
    /// The query parameter for the size of a page, and that size.
    pub(super) size: Option<(String, u32)>,
    /// Whether what the source says of how many records and pages there are is no measure of what was fetched.
    pub(super) ignore_total: bool,
}

/// How one page leads to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pages {
    /// By a link in the header field `Link` or where answers usually have one, if there is one.
    Found,
    /// Each names the URL of the next there.
    Linked(Place),
    /// Each names a value for a query parameter.
    Cursor { from: Cursor, param: String },
    /// A query parameter takes the number of the records before.
    Offset { param: String },
    /// They have numbers.
    Numbered {
        /// The query parameter that takes the number.
        param: String,
        /// Where the number of pages is; without it an empty page is the end.
        count: Option<Place>,
        /// The number of the first page.
        first: u32,
    },
}

/// Where a value is in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// At this JSON pointer in the body.
    Body(String),
    /// In this header field.
    Header(String),
}

/// Where a cursor is in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cursor {
    At(Place),
    /// It is the id of the last record.
    LastId,
}

const NAMES: [&str; 14] = [
    "records",
    "id",
    "next",
    "cursor",
    "cursor_param",
    "offset_param",
    "page_param",
    "pages",
    "first_page",
    "limit_param",
    "page_size",
    "ignore_total",
    HEADERS,
    SECRET_HEADER,
];

impl Settings {
    /// Reads `records`, `id`, one way from page to page, and how large a page is. The ways are `next`, `cursor` with
    /// `cursor_param`, `offset_param`, and `page_param`, perhaps with `pages` and `first_page`.
    pub fn parse(settings: &Value) -> Result<Self, BadSetting> {
        let fields = Fields::read(settings, &NAMES)?;
        header::check(&fields)?;
        let size = match (
            parameter(&fields, "limit_param")?,
            fields.number("page_size", 1, MOST_PAGES)?,
        ) {
            (None, None) => None,
            (Some(param), Some(size)) => Some((param, size)),
            (Some(_), None) => {
                return Err(BadSetting::new("page_size", "missing beside limit_param"));
            }
            (None, Some(_)) => {
                return Err(BadSetting::new(
                    "limit_param",
                    "missing beside page_size; it names the query parameter",
                ));
            }
        };
        Ok(Self {
            records: fields.pointer("records")?.unwrap_or_default(),
            id: fields.pointer("id")?.unwrap_or_else(|| "/id".to_owned()),
            pages: pages(&fields)?,
            size,
            ignore_total: fields.flag("ignore_total")?,
        })
    }
}

fn pages(fields: &Fields) -> Result<Pages, BadSetting> {
    let next = place(fields, "next")?;
    let cursor = match fields.text("cursor")?.as_deref() {
        Some("last-id") => Some(Cursor::LastId),
        _ => place(fields, "cursor")?.map(Cursor::At),
    };
    let cursor_param = parameter(fields, "cursor_param")?;
    let offset_param = parameter(fields, "offset_param")?;
    let page_param = parameter(fields, "page_param")?;
    let count = place(fields, "pages")?;
    let first = fields.number("first_page", 0, MOST_PAGES)?;
    let ways = [
        ("next", next.is_some()),
        ("cursor", cursor.is_some()),
        ("offset_param", offset_param.is_some()),
        ("page_param", page_param.is_some()),
    ];
    let given: Vec<&str> = ways.iter().filter(|it| it.1).map(|it| it.0).collect();
    if let [one, another, ..] = given[..] {
        return Err(BadSetting::new(
            one,
            format!("not together with {another}; a source has one way from page to page"),
        ));
    }
    for (name, is_given, needs, is_there) in [
        ("pages", count.is_some(), "page_param", page_param.is_some()),
        (
            "first_page",
            first.is_some(),
            "page_param",
            page_param.is_some(),
        ),
        (
            "cursor_param",
            cursor_param.is_some(),
            "cursor",
            cursor.is_some(),
        ),
        (
            "cursor",
            cursor.is_some(),
            "cursor_param",
            cursor_param.is_some(),
        ),
    ] {
        if is_given && !is_there {
            return Err(BadSetting::new(needs, format!("missing beside {name}")));
        }
    }
    Ok(match (next, cursor, offset_param, page_param) {
        (Some(place), ..) => Pages::Linked(place),
        (_, Some(from), ..) => Pages::Cursor {
            from,
            param: cursor_param.unwrap_or_default(),
        },
        (_, _, Some(param), _) => Pages::Offset { param },
        (.., Some(param)) => Pages::Numbered {
            param,
            count,
            first: first.unwrap_or(1),
        },
        (None, None, None, None) => Pages::Found,
    })
}

/// The name of a query parameter.
fn parameter(fields: &Fields, name: &str) -> Result<Option<String>, BadSetting> {
    match fields.text(name)? {
        Some(it) if it.is_empty() => Err(BadSetting::new(name, "empty")),
        it => Ok(it),
    }
}

/// A JSON pointer, or `header:` and the name of a header field.
fn place(fields: &Fields, name: &str) -> Result<Option<Place>, BadSetting> {
    let text = fields.text(name)?;
    match text.as_deref().and_then(|it| it.strip_prefix("header:")) {
        Some("") => Err(BadSetting::new(
            name,
            "the name of the header field is missing",
        )),
        Some(header) => Ok(Some(Place::Header(header.to_owned()))),
        None => Ok(fields.pointer(name)?.map(Place::Body)),
    }
}

impl Place {
    /// What is there; null where there is nothing.
    pub(super) fn read(&self, answer: &Answer, body: &Value) -> Value {
        match self {
            Self::Body(pointer) => body.pointer(pointer).cloned().unwrap_or_default(),
            Self::Header(name) => answer.header(name).map(Value::from).unwrap_or_default(),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Body(pointer) => f.write_str(pointer),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}
