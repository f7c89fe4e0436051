use super::ask::{answer, get};
use crate::calls::SyncJob;
use crate::source::paged::{Page, Settings, page_url, read_page};
use crate::source::{Failure, Synced};

/// Gets a page of a JSON source.
pub(crate) async fn page(job: &SyncJob, page: &Page) -> Result<Synced, Failure> {
    let settings = Settings::parse(&job.source.settings)?;
    let url = page_url(&job.source.url, &settings, page)?;
    let fetched = get(&job.source, url.as_str()).await?;
    read_page(&url, &settings, page, &answer(&job.source, &fetched))
}
