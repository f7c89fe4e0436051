//! What operators call, about any job and about the deployment.

use serde_json::{Map, Value};

crate::calls! {
    /// Pauses a job after the batch under way. For operators.
    #[derive(Debug)]
    pause_job => PauseJob {
        /// The job.
        job: String as text,
        /// Who pauses it.
        who: String as text,
        /// Why.
        reason: Option<String> as text,
    } -> Value;

    /// Lets a paused job run again. For operators.
    #[derive(Debug)]
    resume_job => ResumeJob {
        /// The job.
        job: String as text,
        /// Who resumes it.
        who: String as text,
    } -> Value;

    /// Changes settings of a job from its next claim on. For operators.
    #[derive(Debug)]
    configure_job => ConfigureJob {
        /// The job.
        job: String as text,
        /// Settings by the names of their columns in `baton.jobs`.
        changes: Map<String, Value> as jsonb,
        /// Who changes them.
        who: String as text,
    } -> Value;

    /// Lets items that are set aside be tried again. For operators.
    #[derive(Debug)]
    retry_set_aside => RetrySetAside {
        /// The job.
        job: String as text,
        /// One item; none for all of the job.
        item_id: Option<String> as text,
        /// Who does so.
        who: String as text,
    } -> Value;

    /// Gives items up that are set aside. For operators.
    #[derive(Debug)]
    drop_set_aside => DropSetAside {
        /// The job.
        job: String as text,
        /// One item; none for all of the job.
        item_id: Option<String> as text,
        /// Who does so.
        who: String as text,
    } -> Value;

    /// Sets when a job starts a cycle by itself. For operators.
    #[derive(Debug)]
    set_schedule => SetSchedule {
        /// The job.
        job: String as text,
        /// Five cron fields, UTC; none for never.
        cron: Option<String> as text,
        /// Who changes it.
        who: String as text,
    } -> Value;

    /// Changes settings of the whole deployment. For operators.
    #[derive(Debug)]
    configure_settings => ConfigureSettings {
        /// Settings by the names of their columns in `baton.settings`.
        changes: Map<String, Value> as jsonb,
        /// Who changes them.
        who: String as text,
    } -> Value;

    /// Sets how the database wakes jobs. For operators.
    set_wake => SetWake {
        /// `listen`, `pg_net` or `none`.
        mode: String as text,
        /// Where pg_net posts to, without a path.
        url: Option<String> as text,
        /// The secret that signs what pg_net posts, as `whsec_` and base64; none keeps the one that is stored.
        secret: Option<String> as text,
        /// Who sets it.
        who: String as text,
    } -> Value;
}
