//! Rows that the checks work on, each with a mark by which it is found again.

use loopback_sms::Message;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::database::MARK;
use crate::pages::Pages;
use crate::scene::Scene;

/// What numbers of the checks begin with; two digits follow.
pub(crate) const FICTION: &str = "+120155501";

impl Scene {
    /// Adds `n` contacts that are due before all others, and one with an address that is none; their common prefix.
    pub(crate) async fn add_contacts(&self, n: i32) -> anyhow::Result<String> {
        let prefix = format!("{MARK}-{}-", self.next());
        let sql = "insert into public.contacts (email, created_at)
                   select $1 || g || case when g > 0 then '@baton.test' else ' is no address' end, now() - interval '10 years'
                   from generate_series(0, $2::int) g";
        self.db.client.execute(sql, &[&prefix, &n]).await?;
        Ok(prefix)
    }

    /// Verdicts on contacts with a prefix, and how many have each.
    pub(crate) async fn verdicts(&self, prefix: &str) -> anyhow::Result<String> {
        let sql = "select coalesce(string_agg(n || ' ' || verdict, ', ' order by verdict), '') from (
                     select coalesce(email_validation_status || ' ' || email_validation_reason, 'not validated') as verdict, count(*) as n
                     from public.contacts where starts_with(email, $1) group by 1) v";
        self.db.text(sql, &[&prefix]).await
    }

    /// Adds an assignment that is due for a reminder before all others; its key.
    pub(crate) async fn add_assignment(
        &self,
        phone: Option<&str>,
        email: Option<&str>,
    ) -> anyhow::Result<String> {
        let sql = "insert into public.assignments (contact_name, peer_mentor_name, peer_mentor_phone, peer_mentor_email, created_at)
                   values ($1, 'Mentor', $2, $3, now() - interval '10 years') returning id::text";
        self.db.text(sql, &[&MARK, &phone, &email]).await
    }

    /// Starts an auto-sync with a crew of one member, whose reminder is due; its key.
    pub(crate) async fn add_auto_sync(&self, phone: &str) -> anyhow::Result<Uuid> {
        let sql = "with crew as (
                     insert into public.crews (name) values ($1) returning id
                   ), member as (
                     insert into public.crew_members (crew_id, user_id, name, phone) select id, gen_random_uuid(), 'Member', $2 from crew
                   )
                   insert into public.auto_syncs (organizer_id, crew_id, event_name, started_at)
                   select gen_random_uuid(), crew.id, $1, now() - s.auto_sync_reminder_after - interval '1 minute' from crew, baton.settings s
                   returning id";
        let row = self.db.client.query_one(sql, &[&MARK, &phone]).await?;
        Ok(row.get(0))
    }

    /// Adds a source and starts its first sync; its name and the sync job.
    async fn start_sync(
        &self,
        kind: &str,
        url: &str,
        credentials: (Option<&str>, Option<&str>),
        settings: Value,
    ) -> anyhow::Result<(String, Uuid)> {
        let name = format!("{MARK}-{}", self.next());
        let (user, secret) = credentials;
        let sql = "select baton_api.save_source($1, $2, $3, $4, $5, $6, $7)";
        self.db
            .client
            .execute(sql, &[&name, &kind, &url, &user, &secret, &settings, &MARK])
            .await?;
        let sql = "select (baton_api.start_sync($1, true, $2)->>'sync_job_id')::uuid";
        let row = self.db.client.query_one(sql, &[&name, &MARK]).await?;
        Ok((name, row.get(0)))
    }

    /// Starts a sync of `n` chunks that ask nobody; the sync job.
    pub(crate) async fn add_chunks(&self, n: usize) -> anyhow::Result<Uuid> {
        let (_, sync_job) = self.start_sync("noop", "", (None, None), json!({})).await?;
        let work = Value::Array(vec![json!({ "do": "noop" }); n - 1]);
        let sql = "select baton_api.enqueue_chunks($1, $2)";
        self.db.client.execute(sql, &[&sync_job, &work]).await?;
        Ok(sync_job)
    }

    /// Starts a sync of the stand-in for a source; its name and the sync job.
    pub(crate) async fn sync_pages(&self) -> anyhow::Result<(String, Uuid)> {
        let url = format!("{}/records", self.source_url);
        self.start_sync("json", &url, (None, None), Pages::settings())
            .await
    }

    /// Starts a sync of a JMAP server.
    pub(crate) async fn sync_jmap(&self, url: &str) -> anyhow::Result<(String, Uuid)> {
        let credentials = (self.jmap_user.as_deref(), self.secrets.sync.as_deref());
        self.start_sync("jmap", url, credentials, json!({})).await
    }

    /// How a sync stands: its status, its chunks by status, and what went wrong.
    pub(crate) async fn sync_state(&self, sync_job: Uuid) -> anyhow::Result<String> {
        let sql = "select concat_ws(' ', j.status, (
                     select '(' || string_agg(c.n || ' ' || c.status, ', ' order by c.status) || ')' from (
                       select q.status, count(*) as n from baton_board.chunk_processing_queue q where q.parent_sync_job_id = j.id group by 1) c),
                     j.error_message, (select min(q.error_message) from baton_board.chunk_processing_queue q where q.parent_sync_job_id = j.id))
                   from baton.sync_jobs j where j.id = $1";
        self.db.text(sql, &[&sync_job]).await
    }

    /// How the messages about a subject stand: status and reason of each.
    pub(crate) async fn messages_about(&self, subject: &str) -> anyhow::Result<Vec<String>> {
        let sql = "select concat_ws(' ', status, reason, detail) from baton.messages where subject_id = $1 order by id";
        self.db.list(sql, &[&subject]).await
    }

    /// Text messages that the stand-in got for a number.
    pub(crate) fn texts_to(&self, number: &str) -> Vec<Message> {
        let mut messages = self.stand_ins.sms.messages();
        messages.retain(|it| it.to == number);
        messages
    }

    /// A number that no phone has: 555-0100 to 555-0199 are kept for fiction.
    pub(crate) fn number(&self) -> String {
        format!("{FICTION}{:02}", self.next() % 100)
    }

    /// An address that no mailbox has (RFC 2606).
    pub(crate) fn address(&self) -> String {
        format!("{MARK}-{}@example.com", self.next())
    }
}
