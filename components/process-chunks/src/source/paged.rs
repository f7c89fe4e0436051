//! Collections that an HTTP server hands out in pages of JSON, each with credentials in its request.
//!
//! [`read_page`] is one decision: what was asked and the answer make records and the next pages, the end, or a failure.
//! A listing is whole when it ended and nothing in its last answer says that there is more.

mod circle;
mod end;
mod link;
mod records;
mod settings;
mod signs;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::answer::{Answer, onwards, source_url};
use super::url_secret::masked;
use super::{Failure, Synced, Work};
use records::Records;
pub use settings::Settings;
use settings::{Cursor, Pages, Place};
use signs::{Signs, is_link, number, target};

/// How many chunks one chunk enqueues at most; the last of them enqueues the rest.
const MOST_CHUNKS: u32 = 10_000;
/// How many pages a source has at most; one that claims more is broken.
const MOST_PAGES: u32 = 1_000_000;
/// How many pages without a record follow each other at most.
const MOST_EMPTY: u32 = 1_000;

/// Which page a chunk gets; the first one without any field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Its number; where pages have none, counted from 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Where it is, when the page before told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The cursor that the page before told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many records the pages before had, where they are got one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// The address or cursor of a page before, in short, to notice a circle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// The ids of a page before, in short, for the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids_mark: Option<String>,
    /// How many pages without a record are directly before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<u32>,
    /// The first of the pages that this chunk enqueues, up to the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enqueue_from: Option<u32>,
}

/// Where a page is. A link is followed on the source's own origin alone, because it gets the credentials.
pub fn page_url(source: &str, settings: &Settings, page: &Page) -> Result<Url, Failure> {
    let mut url = source_url(source)?;
    if let Some(link) = &page.url {
        return same_origin(&url, link);
    }
    if let Some((param, size)) = &settings.size {
        set(&mut url, param, &size.to_string());
    }
    match &settings.pages {
        Pages::Found | Pages::Linked(_) => {}
        Pages::Cursor { param, .. } => {
            if let Some(cursor) = &page.cursor {
                set(&mut url, param, cursor);
            }
        }
        Pages::Offset { param } => set(&mut url, param, &page.seen.unwrap_or(0).to_string()),
        Pages::Numbered { param, first, .. } => {
            set(&mut url, param, &page.number.unwrap_or(*first).to_string());
        }
    }
    Ok(url)
}

fn set(url: &mut Url, param: &str, value: &str) {
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != param)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .append_pair(param, value);
}

/// What a page brought, and which pages it leads to.
pub fn read_page(
    url: &Url,
    settings: &Settings,
    page: &Page,
    answer: &Answer,
) -> Result<Synced, Failure> {
    if let Some(to) = answer.redirect(url)? {
        return Err(Failure::failed(format!(
            "the source has moved ({}); add it with its new address, {}",
            answer.status,
            answer.words(&masked(to.as_str()))
        )));
    }
    let body = answer
        .json()
        .map_err(|it| misled(it, settings, page, answer))?;
    let (records, rest) = Records::take(settings, answer, body)?;
    let read = Read {
        url,
        settings,
        page,
        answer,
        signs: signs::read(answer, &rest, &settings.records),
        body: &rest,
        records: &records,
        seen: page.seen.unwrap_or(0) + records.count() as u64,
    };
    let chunks = read.next()?;
    if chunks.is_empty() {
        read.ends_rightly()?;
    }
    Ok(Synced {
        items: records.into_items(),
        chunks: chunks.into_iter().map(Work::Page).collect(),
        ..Synced::default()
    })
}

/// A link that leads nowhere may be a cursor.
fn misled(failure: Failure, settings: &Settings, page: &Page, answer: &Answer) -> Failure {
    match (&settings.pages, &page.url, answer.status) {
        (Pages::Linked(place), Some(link), 400 | 404) => Failure::failed(format!(
            "the next page, {}, is not there ({}); if {place} holds a cursor, use --cursor {place} --cursor-param NAME",
            answer.words(&masked(link)),
            answer.status
        )),
        _ => failure,
    }
}

/// A page that has been read.
struct Read<'a> {
    url: &'a Url,
    settings: &'a Settings,
    page: &'a Page,
    answer: &'a Answer<'a>,
    signs: Signs,
    /// Without the records.
    body: &'a Value,
    records: &'a Records,
    /// The records of this page and of those before, as far as they are counted.
    seen: u64,
}

impl Read<'_> {
    /// The next pages; none at the end.
    fn next(&self) -> Result<Vec<Page>, Failure> {
        match &self.settings.pages {
            Pages::Found => match &self.signs.link {
                Some((_, link)) => self.follow(link),
                None => Ok(Vec::new()),
            },
            Pages::Linked(place) => match self.link(place)? {
                Some(link) => self.follow(&link),
                None => Ok(Vec::new()),
            },
            Pages::Cursor { from, .. } => self.with_cursor(from),
            Pages::Offset { .. } => self.counted(self.index() + 1),
            Pages::Numbered {
                count: None, first, ..
            } => self.counted(self.page.number.unwrap_or(*first).saturating_add(1)),
            Pages::Numbered {
                count: Some(place),
                first,
                ..
            } => self.other_pages(place, *first),
        }
    }

    /// Which page this is, from 1.
    fn index(&self) -> u32 {
        match (&self.settings.pages, self.page.number) {
            (_, None) => 1,
            (Pages::Numbered { first, .. }, Some(number)) => number.saturating_sub(*first) + 1,
            (_, Some(number)) => number,
        }
    }

    /// The link at a place, as it is written.
    fn link(&self, place: &Place) -> Result<Option<String>, Failure> {
        let value = match place {
            Place::Header(name) if name.eq_ignore_ascii_case("link") => {
                link::next_of(self.answer.all("link"))
                    .map(Value::from)
                    .unwrap_or_default()
            }
            place => place.read(self.answer, self.body),
        };
        let link = match &value {
            value if is_none(value) => return Ok(None),
            Value::String(link) => Some(link.as_str()),
            object => target(object),
        };
        match link {
            Some(link) if is_link(link) || link.contains('/') => Ok(Some(link.to_owned())),
            _ => Err(Failure::failed(format!(
                "what is at {place} is no URL of a next page; if it is a cursor or a number, use --cursor {place} --cursor-param NAME"
            ))),
        }
    }

    fn follow(&self, link: &str) -> Result<Vec<Page>, Failure> {
        // Some servers write a link into each page, and say in another place that there is no more.
        if self.signs.ends && self.records.count() == 0 {
            return Ok(Vec::new());
        }
        let next = same_origin(self.url, link)?;
        if next == *self.url {
            return self.itself();
        }
        let mark = self.mark_of_next(next.as_str())?;
        self.sequel(Page {
            url: Some(next.into()),
            mark,
            ..Page::default()
        })
    }

    fn with_cursor(&self, from: &Cursor) -> Result<Vec<Page>, Failure> {
        if self.signs.ends {
            return Ok(Vec::new());
        }
        let cursor = match from {
            Cursor::LastId => self.records.last_id().map(str::to_owned),
            Cursor::At(place) => match place.read(self.answer, self.body) {
                value if is_none(&value) => None,
                Value::String(it) => Some(it),
                Value::Number(it) => Some(it.to_string()),
                _ => {
                    return Err(Failure::failed(format!(
                        "what is at {place} is no cursor, but neither a text nor a number"
                    )));
                }
            },
        };
        let Some(cursor) = cursor else {
            return Ok(Vec::new());
        };
        if self.page.cursor.as_ref() == Some(&cursor) && *from != Cursor::LastId {
            return self.itself();
        }
        let mark = self.mark_of_next(&cursor)?;
        self.sequel(Page {
            cursor: Some(cursor),
            mark,
            ..Page::default()
        })
    }

    /// The last page of some servers names itself; a first page that does so says nothing of the others.
    fn itself(&self) -> Result<Vec<Page>, Failure> {
        match self.index() {
            1 => Err(Failure::failed(
                "the first page names itself as the next one, so it is not known whether there are others",
            )),
            _ => {
                // Unless it is the page before, because the source does not know the parameter.
                if self.records.count() > 0 {
                    self.mark_of_records()?;
                }
                Ok(Vec::new())
            }
        }
    }

    /// The next page where numbers are counted up, until a page is empty or the source says that it was the last.
    fn counted(&self, number: u32) -> Result<Vec<Page>, Failure> {
        let all = |said: &Option<(String, u64)>, have: u64| {
            !self.settings.ignore_total && said.as_ref().is_some_and(|(_, said)| *said <= have)
        };
        let is_last = self.records.count() == 0
            || self.signs.ends
            || all(&self.signs.total, self.seen)
            || all(&self.signs.pages, self.index().into());
        if is_last {
            return Ok(Vec::new());
        }
        self.sequel(Page {
            number: Some(number),
            ..Page::default()
        })
    }

    fn sequel(&self, next: Page) -> Result<Vec<Page>, Failure> {
        if self.index() >= MOST_PAGES {
            return Err(Failure::failed(format!(
                "the source has more than {MOST_PAGES} pages"
            )));
        }
        let (empty, ids_mark) = match self.records.count() {
            0 => (self.page.empty.unwrap_or(0) + 1, self.page.ids_mark.clone()),
            _ => (0, self.mark_of_records()?),
        };
        if empty > MOST_EMPTY {
            return Err(Failure::failed(format!(
                "{MOST_EMPTY} pages of the source in a row have no record, and each leads to another"
            )));
        }
        Ok(vec![Page {
            number: next.number.or(Some(self.index() + 1)),
            seen: Some(self.seen),
            ids_mark,
            empty: Some(empty).filter(|it| *it > 0),
            ..next
        }])
    }

    /// The first page enqueues all others, so that they can be had side by side. The last of them looks whether there are more by
    /// then.
    fn other_pages(&self, place: &Place, first: u32) -> Result<Vec<Page>, Failure> {
        let from = match (self.page.number, self.page.enqueue_from) {
            (None, _) => first + 1,
            (Some(_), Some(from)) => from,
            (Some(_), None) => return Ok(Vec::new()),
        };
        let said = place.read(self.answer, self.body);
        let count = match number(&said) {
            Some(count) => count,
            None if self.page.number.is_some() => return Ok(Vec::new()),
            None => {
                return Err(Failure::failed(format!(
                    "the answer has no number of pages at {place}"
                )));
            }
        };
        let end = u32::try_from(count)
            .ok()
            .filter(|it| *it <= MOST_PAGES)
            .map(|it| first + it)
            .ok_or_else(|| Failure::failed(format!("{count} pages are more than {MOST_PAGES}")))?;
        let fit = count.saturating_mul(self.records.count() as u64);
        if let Some((at, total)) = &self.signs.total
            && self.page.number.is_none()
            && !self.settings.ignore_total
            && (1..*total).contains(&fit)
        {
            return Err(Failure::failed(format!(
                "the answer has {at} = {total}, and {count} pages of {} do not hold that many; \
                 correct --pages, or use --ignore-total if {at} counts something else",
                self.records.count()
            )));
        }
        let end_of_slice = end.min(from.saturating_add(MOST_CHUNKS));
        Ok((from..end_of_slice)
            .map(|number| Page {
                number: Some(number),
                enqueue_from: Some(end_of_slice).filter(|it| number + 1 == *it),
                ..Page::default()
            })
            .collect())
    }
}

/// How the place of a next page says that there is none.
fn is_none(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(it) => it.trim().is_empty(),
        Value::Number(_) => number(value) == Some(0),
        Value::Object(fields) => fields.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Bool(true) => false,
    }
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
