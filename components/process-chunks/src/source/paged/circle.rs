//! Notices when pages lead back to earlier ones.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::Read;
use super::settings::Pages;
use crate::source::Failure;

impl Read<'_> {
    pub(super) fn mark_of_next(&self, next: &str) -> Result<Option<String>, Failure> {
        mark(self.page.mark.as_ref(), self.index() + 1, next).ok_or_else(|| {
            Failure::failed(format!(
                "the pages of the source go round in circles: page {} leads back to an earlier one",
                self.index()
            ))
        })
    }

    pub(super) fn mark_of_records(&self) -> Result<Option<String>, Failure> {
        let known = self.page.ids_mark.as_ref();
        mark(known, self.index(), self.records.ids()).ok_or_else(|| {
            let why = match &self.settings.pages {
                Pages::Offset { param } | Pages::Numbered { param, .. } | Pages::Cursor { param, .. } => {
                    format!("; does the source know the parameter {param}?")
                }
                Pages::Found | Pages::Linked(_) => String::new(),
            };
            Failure::failed(format!(
                "the pages of the source go round in circles: page {} has the records of an earlier one{why}",
                self.index()
            ))
        })
    }
}

/// What to remember to notice circles of any length (R. P. Brent, "An improved Monte Carlo factorization algorithm", 1980): what
/// page 1, 2, 4, 8, … was, until the next of these. Within a circle a page comes that is the same. None where this one is.
fn mark(known: Option<&String>, index: u32, what: &str) -> Option<Option<String>> {
    let hash = Sha256::digest(what.as_bytes());
    let this = BASE64_URL_SAFE_NO_PAD.encode(&hash[..12]);
    if known == Some(&this) {
        return None;
    }
    Some(if index.is_power_of_two() {
        Some(this)
    } else {
        known.cloned()
    })
}
