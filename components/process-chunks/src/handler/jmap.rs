use std::collections::VecDeque;

use baton::Fetched;
use serde_json::Value;

use super::ask::{Silence, answer, get, post};
use crate::calls::{Source, SyncJob};
use crate::source::answer::source_url;
use crate::source::jmap::{
    Planned, Session, Settings, Start, changes_request, fetch_request, fewer_changes, halves,
    is_listed, plan_request, read_changes, read_fetched, read_planned, resync, start_over,
};
use crate::source::{Failure, Synced};

/// How many redirects lead to a session at most.
const MOST_REDIRECTS: usize = 5;

/// Lists a page of messages.
pub(crate) async fn plan(
    job: &SyncJob,
    anchors: &[String],
    position: Option<u64>,
) -> Result<Synced, Failure> {
    let mut server = Server::of(job).await?;
    let with_state = anchors.is_empty() && !is_listed(&job.plan);
    let mut starts: VecDeque<Start> = anchors.iter().map(|it| Start::After(it)).collect();
    if starts.is_empty() {
        starts.push_back(Start::First);
    }
    while let Some(start) = starts.pop_front() {
        let fetched = server
            .ask(|session| plan_request(session, start, with_state))
            .await?;
        let answer = answer(&job.source, &fetched);
        match read_planned(
            &server.session,
            &server.settings,
            start,
            with_state,
            &answer,
        )? {
            Planned::Page(synced) => return Ok(server.leave(synced)),
            Planned::AnchorGone => {}
            Planned::NoAnchors => {
                starts = position
                    .map(|it| Start::At(it, anchors))
                    .into_iter()
                    .collect();
            }
        }
    }
    Ok(server.leave(start_over()))
}

/// Gets messages.
pub(crate) async fn fetch(job: &SyncJob, ids: &[String]) -> Result<Synced, Failure> {
    let mut server = Server::of(job).await?;
    let synced = match server.ask(|session| fetch_request(session, ids)).await {
        Ok(fetched) => read_fetched(ids, &answer(&job.source, &fetched))?,
        Err(Silence::TooLong) => halves(ids)?,
        Err(silence) => return Err(silence.into()),
    };
    Ok(server.leave(synced))
}

/// Gets what changed, fewer changes at once when they would be too much to read.
pub(crate) async fn changes(job: &SyncJob, since: &str) -> Result<Synced, Failure> {
    let mut server = Server::of(job).await?;
    let mut most = server.session.most_changes();
    let fetched = loop {
        match server
            .ask(|session| changes_request(session, since, most))
            .await
        {
            Ok(fetched) => break fetched,
            Err(Silence::TooLong) => match fewer_changes(most) {
                Some(fewer) => most = fewer,
                // It tells all of them, whatever it is asked for.
                None => return Ok(server.leave(resync())),
            },
            Err(silence) => return Err(silence.into()),
        }
    };
    let answer = answer(&job.source, &fetched);
    let synced = read_changes(&server.session, &server.settings, since, &answer)?;
    Ok(server.leave(synced))
}

/// A JMAP server, and what is known of it.
struct Server<'a> {
    source: &'a Source,
    settings: Settings,
    session: Session,
    /// Whether this chunk asked for the session.
    is_fresh: bool,
}

impl<'a> Server<'a> {
    /// With the session that the sync job remembers, or a new one.
    async fn of(job: &'a SyncJob) -> Result<Self, Failure> {
        let source = &job.source;
        let settings = Settings::parse(&source.settings)?;
        let remembered = Session::of_plan(&job.plan);
        let is_fresh = remembered.is_none();
        let session = match remembered {
            Some(session) => session,
            None => get_session(source, &settings).await?,
        };
        Ok(Self {
            source,
            settings,
            session,
            is_fresh,
        })
    }

    /// Asks, and once more with a new session when the one that was remembered is out of date.
    async fn ask(&mut self, request: impl Fn(&Session) -> Value) -> Result<Fetched, Silence> {
        let fetched = self.post(&request).await?;
        if self.is_fresh || !Session::is_outdated(&answer(self.source, &fetched)) {
            return Ok(fetched);
        }
        self.session = get_session(self.source, &self.settings)
            .await
            .map_err(Silence::Failure)?;
        self.is_fresh = true;
        self.post(&request).await
    }

    async fn post(&self, request: impl Fn(&Session) -> Value) -> Result<Fetched, Silence> {
        post(self.source, &self.session.api_url, &request(&self.session)).await
    }

    /// A session that is new is left to later chunks.
    fn leave(self, mut synced: Synced) -> Synced {
        if self.is_fresh {
            self.session.remember(&mut synced.plan);
        }
        synced
    }
}

async fn get_session(source: &Source, settings: &Settings) -> Result<Session, Failure> {
    let mut url = source_url(&source.url)?;
    for _ in 0..=MOST_REDIRECTS {
        let fetched = get(source, url.as_str()).await?;
        let answer = answer(source, &fetched);
        match answer.redirect(&url)? {
            Some(next) => url = next,
            None => return Session::read(&url, settings, &answer),
        }
    }
    Err(Failure::failed(format!(
        "the session is behind more than {MOST_REDIRECTS} redirects"
    )))
}
