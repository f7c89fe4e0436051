//! Whether a listing that ended is whole.

use super::settings::Pages;
use super::{Read, same_origin};
use crate::source::Failure;
use crate::source::url_secret::masked;

impl Read<'_> {
    /// Fails when the answer says that there is more than was fetched: a listing that is not whole must not pass for one.
    pub(super) fn ends_rightly(&self) -> Result<(), Failure> {
        let is_one_of_many = matches!(&self.settings.pages, Pages::Numbered { count: Some(_), .. });
        // Only the last of numbered pages has nothing after it, and none of them knows how many records the others have.
        if is_one_of_many && self.page.number.is_some() && self.page.enqueue_from.is_none() {
            return Ok(());
        }
        let is_known = !is_one_of_many || self.page.number.is_none();
        let says = |(at, value): &(String, String), option: String| {
            let value = self.answer.words(&masked(value));
            Failure::failed(format!(
                "there is more than was fetched: the answer has {at} = {value}; {option}"
            ))
        };
        let options = self.signs.options.as_deref();
        if let Some(sign) = &self.signs.more {
            let cursor = self.signs.cursor.as_ref();
            let cursor = cursor.map(|(at, _)| format!("--cursor {at} --cursor-param NAME"));
            let options = cursor.as_deref().or(options);
            let options = options.unwrap_or("--next, --cursor, --page-param or --offset-param");
            return Err(says(
                sign,
                format!("use {options} to name the way to the next page"),
            ));
        }
        // Where pages are counted, an empty one is the end, wherever it points to.
        let ends =
            self.signs.ends || self.records.count() == 0 && self.index() > 1 && self.is_counted();
        let leads_on = |link: &str| same_origin(self.url, link).is_ok_and(|it| it != *self.url);
        let link = self.signs.link.as_ref().filter(|(_, link)| leads_on(link));
        if let Some(sign) = link.filter(|_| !ends) {
            let option = "without an option for pages, such links are followed";
            return Err(says(sign, option.to_owned()));
        }
        let is_followed = matches!(self.settings.pages, Pages::Cursor { .. });
        if let Some(sign) = self.signs.cursor.as_ref().filter(|_| !ends && !is_followed) {
            return Err(says(
                sign,
                format!("use --cursor {} --cursor-param NAME", sign.0),
            ));
        }
        if self.settings.ignore_total || !is_known {
            return Ok(());
        }
        let too_few = |at: &str, said: u64, have: String, option: &str| {
            Failure::failed(format!(
                "there is more than was fetched: the answer has {at} = {said}, and {have} came; use {option}, \
                 or --ignore-total if {at} counts something else"
            ))
        };
        if let Some((at, said)) = &self.signs.pages
            && *said > self.index().into()
        {
            let option = format!("--page-param NAME --pages {at}");
            return Err(too_few(
                at,
                *said,
                count(self.index().into(), "page"),
                &option,
            ));
        }
        match &self.signs.total {
            Some((at, said)) if *said > self.seen => Err(too_few(
                at,
                *said,
                count(self.seen, "record"),
                options.unwrap_or("--offset-param or --page-param"),
            )),
            _ => Ok(()),
        }
    }

    fn is_counted(&self) -> bool {
        matches!(
            self.settings.pages,
            Pages::Offset { .. } | Pages::Numbered { .. }
        )
    }
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
