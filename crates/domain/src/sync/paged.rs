//! Collections that an HTTP server hands out in pages of JSON, each with credentials in its request.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::answer::{Answer, onwards, source_url};
use super::item::{distinct, is_id, item};
use super::settings::Fields;
use super::{BadSetting, Failure, Synced, Work};

/// How many chunks one chunk enqueues at most; the last of them enqueues the rest.
const MOST_CHUNKS: u32 = 10_000;
/// How many pages a source has at most; one that claims more is broken, or its pages go round in circles.
const MOST_PAGES: u32 = 1_000_000;

/// Which page a chunk gets; the first one without any field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Its number; beside a URL, counted from 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Where it is, when the page before told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The first of the pages that this chunk enqueues, up to the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enqueue_from: Option<u32>,
}

/// How the answers of a source are built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// JSON pointer to the array of records.
    records: String,
    /// JSON pointer to the id inside a record.
    id: String,
    pages: Pages,
}

/// How one page leads to others.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pages {
    /// There is one only.
    Single,
    /// Each names the next, at this JSON pointer.
    Linked(String),
    /// They have numbers.
    Numbered {
        /// The query parameter that takes the number.
        param: String,
        /// JSON pointer to the number of pages.
        count: String,
        /// The number of the first page.
        first: u32,
    },
}

impl Settings {
    /// Reads `records`, `id`, and either `next`, or `page_param` with `pages` and perhaps `first_page`, or neither.
    pub fn parse(settings: &Value) -> Result<Self, BadSetting> {
        let names = ["records", "id", "next", "page_param", "pages", "first_page"];
        let fields = Fields::read(settings, &names)?;
        let first = fields.number("first_page", 0, MOST_PAGES)?;
        let pages = match (
            fields.pointer("next")?,
            fields.text("page_param")?,
            fields.pointer("pages")?,
        ) {
            (None, None, None) if first.is_some() => {
                return Err(BadSetting::new("first_page", "page_param is missing"));
            }
            (None, None, None) => Pages::Single,
            (Some(pointer), None, None) if first.is_none() => Pages::Linked(pointer),
            (Some(_), _, _) => {
                return Err(BadSetting::new(
                    "next",
                    "not together with page_param, pages or first_page",
                ));
            }
            (None, Some(param), Some(_)) if param.is_empty() => {
                return Err(BadSetting::new("page_param", "empty"));
            }
            (None, Some(param), Some(count)) => Pages::Numbered {
                param,
                count,
                first: first.unwrap_or(1),
            },
            (None, Some(_), None) => {
                return Err(BadSetting::new(
                    "pages",
                    "missing beside page_param; it points to the number of pages",
                ));
            }
            (None, None, Some(_)) => {
                return Err(BadSetting::new(
                    "page_param",
                    "missing beside pages; it names the query parameter",
                ));
            }
        };
        Ok(Self {
            records: fields.pointer("records")?.unwrap_or_default(),
            id: fields.pointer("id")?.unwrap_or_else(|| "/id".to_owned()),
            pages,
        })
    }
}

/// Where a page is. A link is followed on the source's own origin alone, because it gets the credentials.
pub fn page_url(source: &str, settings: &Settings, page: &Page) -> Result<Url, Failure> {
    let mut url = source_url(source)?;
    match &settings.pages {
        Pages::Single => {}
        Pages::Linked(_) => {
            if let Some(link) = &page.url {
                url = same_origin(&url, link)?;
            }
        }
        Pages::Numbered { param, first, .. } => {
            let others: Vec<(String, String)> = url
                .query_pairs()
                .filter(|(name, _)| name != param)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
            url.query_pairs_mut()
                .clear()
                .extend_pairs(others)
                .append_pair(param, &page.number.unwrap_or(*first).to_string());
        }
    }
    Ok(url)
}

/// What a page brought, and which pages it leads to.
pub fn read_page(
    url: &Url,
    settings: &Settings,
    page: &Page,
    answer: &Answer,
) -> Result<Synced, Failure> {
    let mut body = answer.json()?;
    let chunks = match &settings.pages {
        Pages::Single => Vec::new(),
        Pages::Linked(pointer) => next_page(url, page, pointer, &body)?,
        Pages::Numbered { count, first, .. } => other_pages(page, count, *first, &body)?,
    };
    Ok(Synced {
        items: items(settings, &mut body)?,
        chunks,
        ..Synced::default()
    })
}

/// Takes the records out of the body, because there is no room for all of them twice.
fn items(settings: &Settings, body: &mut Value) -> Result<Vec<Value>, Failure> {
    let records = body
        .pointer_mut(&settings.records)
        .and_then(Value::as_array_mut)
        .map(std::mem::take)
        .ok_or_else(|| {
            Failure::failed(format!(
                "the answer has no array of records at {:?}",
                settings.records
            ))
        })?;
    let items: Result<Vec<_>, _> = records
        .into_iter()
        .map(|record| {
            let id = match record.pointer(&settings.id) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                    String::new()
                }
            };
            if !is_id(&id) {
                return Err(Failure::failed(format!(
                    "a record has no id at {:?}",
                    settings.id
                )));
            }
            let fields = Map::from_iter([("payload".to_owned(), record)]);
            Ok((id.clone(), item(&id, fields)))
        })
        .collect();
    Ok(distinct(items?))
}

fn next_page(url: &Url, page: &Page, pointer: &str, body: &Value) -> Result<Vec<Work>, Failure> {
    let link = match body.pointer(pointer) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(link)) if link.is_empty() => return Ok(Vec::new()),
        Some(Value::String(link)) => link,
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(Failure::failed(format!(
                "the next page at {pointer:?} is not a URL"
            )));
        }
    };
    let next = same_origin(url, link)?;
    let number = page.number.unwrap_or(1).saturating_add(1);
    if next == *url || number > MOST_PAGES {
        return Err(Failure::failed(
            "the pages of the source go round in circles",
        ));
    }
    Ok(vec![Work::Page(Page {
        number: Some(number),
        url: Some(next.into()),
        enqueue_from: None,
    })])
}

fn same_origin(url: &Url, link: &str) -> Result<Url, Failure> {
    let next = onwards(url, link, "the next page")?;
    if next.origin() != url.origin() {
        return Err(Failure::failed(
            "the next page is on another origin; credentials are not sent there",
        ));
    }
    Ok(next)
}

/// The first page enqueues all others, so that they can be had side by side.
fn other_pages(page: &Page, pointer: &str, first: u32, body: &Value) -> Result<Vec<Work>, Failure> {
    let from = match (page.number, page.enqueue_from) {
        (None, _) => first + 1,
        (Some(_), Some(from)) => from,
        (Some(_), None) => return Ok(Vec::new()),
    };
    let count = body
        .pointer(pointer)
        .and_then(Value::as_u64)
        .ok_or_else(|| {
            Failure::failed(format!("the answer has no number of pages at {pointer:?}"))
        })?;
    let end = u32::try_from(count)
        .ok()
        .filter(|it| *it <= MOST_PAGES)
        .map(|it| first + it)
        .ok_or_else(|| Failure::failed(format!("{count} pages are more than {MOST_PAGES}")))?;
    let slice = from..end.min(from.saturating_add(MOST_CHUNKS));
    let rest = Some(slice.end).filter(|it| !slice.is_empty() && *it < end);
    Ok(slice
        .clone()
        .map(|number| {
            let last = number + 1 == slice.end;
            Work::Page(Page {
                number: Some(number),
                url: None,
                enqueue_from: rest.filter(|_| last),
            })
        })
        .collect())
}
