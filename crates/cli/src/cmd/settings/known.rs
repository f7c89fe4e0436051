use anyhow::Result;
use dispatch::{Size, check_template, render};
use serde_json::{Map, Value};
use terminal::{advice, output};

/// A column of `baton.settings`.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    kind: Kind,
    /// One sentence for people.
    pub(super) meaning: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A length of time.
    Interval,
    /// A whole number.
    Count,
    /// Words of one line.
    Text,
    /// A text that may be absent.
    Optional,
    /// A template that may name these fields.
    Template(&'static [&'static str]),
}
use Kind::{Count, Interval, Optional, Template, Text};

const FOLLOW_UP: &[&str] = &["name", "contact_name", "days", "assignment_id"];
const AUTO_SYNC: &[&str] = &["name", "event_name", "crew_name", "organizer_name"];

/// All of them, in the order in which they are shown.
pub(super) const KNOWN: &[Setting] = &[
    setting(
        "auto_sync_reminder_after",
        Interval,
        "So long after its start, an auto-sync reminds those who have not answered.",
    ),
    setting(
        "auto_sync_pause_after",
        Interval,
        "So long after its start, an auto-sync pauses unless enough have answered.",
    ),
    setting(
        "auto_sync_jobs_kept_for",
        Interval,
        "So long, finished jobs stay in job_queue.",
    ),
    setting(
        "follow_up_after",
        Interval,
        "So long after its last contact, an assignment gets its first reminder.",
    ),
    setting(
        "follow_up_every",
        Interval,
        "In so long, an assignment gets one reminder at most.",
    ),
    setting(
        "quiet_from",
        Text,
        "From this time of day to quiet_until, where the recipient is, nothing is sent.",
    ),
    setting(
        "quiet_until",
        Text,
        "From this time of day on, where the recipient is, messages may go out.",
    ),
    setting(
        "daily_cap",
        Count,
        "So many messages go to one address in 24 hours at most.",
    ),
    setting(
        "allowed_regions",
        Optional,
        "The countries that get text messages, such as CH,DE,AT; none to allow all.",
    ),
    setting(
        "most_segments",
        Count,
        "A text message of more segments is not sent, because each segment is paid for.",
    ),
    setting(
        "hourly_ceiling",
        Optional,
        "Text messages in an hour, to all recipients together, after which sending is paused; none for any number.",
    ),
    setting(
        "default_region",
        Optional,
        "The country of phone numbers that name none, such as CH; none to refuse these.",
    ),
    setting(
        "default_zone",
        Text,
        "The time zone of recipients about whom nothing is known, such as Europe/Zurich.",
    ),
    setting(
        "follow_up_subject",
        Template(FOLLOW_UP),
        "The subject of reminders by e-mail; it may name what follow_up_text may.",
    ),
    setting(
        "follow_up_text",
        Template(FOLLOW_UP),
        "The text of reminders; it may name {{ name }}, {{ contact_name }}, {{ days }} and {{ assignment_id }}.",
    ),
    setting(
        "auto_sync_subject",
        Template(AUTO_SYNC),
        "The subject of auto-syncs' messages by e-mail; it may name what auto_sync_text may.",
    ),
    setting(
        "auto_sync_text",
        Template(AUTO_SYNC),
        "The text of auto-syncs' messages; it may name {{ name }}, {{ event_name }}, {{ crew_name }} and {{ organizer_name }}.",
    ),
    setting(
        "revalidate_after",
        Interval,
        "So long after its last check, a contact is validated again.",
    ),
    setting("runs_kept_for", Interval, "How long the run log is kept."),
    setting(
        "messages_kept_for",
        Interval,
        "How long messages that ended are kept, 7 days at least.",
    ),
    setting(
        "personal_data_kept_for",
        Interval,
        "How long recipient and text of messages that ended are kept, 2 days at least.",
    ),
    setting(
        "after_failover",
        Text,
        "After a failover or restore of the database: hold messages for an operator (hold), or continue.",
    ),
];

const fn setting(name: &'static str, kind: Kind, meaning: &'static str) -> Setting {
    Setting {
        name,
        kind,
        meaning,
    }
}

impl Setting {
    /// A value as PostgreSQL writes it, for people.
    pub(super) fn plain(&self, value: &Value) -> Value {
        match (self.kind, value) {
            (Interval, Value::String(text)) => Value::from(text.trim_start_matches("@ ")),
            (Interval | Count | Text | Optional | Template(_), value) => value.clone(),
        }
    }

    fn read(&self, text: String) -> Result<Value> {
        match self.kind {
            Interval | Text => Ok(Value::from(text)),
            // What is no number is refused by its column.
            Count => Ok(text
                .parse::<i64>()
                .map_or_else(|_| Value::from(text), Value::from)),
            Optional if text == "none" => Ok(Value::Null),
            Optional => Ok(Value::from(text)),
            Template(fields) => {
                check_template(&text, fields).map_err(advice::with(
                    format!("reading {}", self.name),
                    "`baton settings` shows what it may name; write {{ name }} where the field comes",
                ))?;
                if self.name.ends_with("_text") {
                    check_size(self.name, &text, fields)?;
                }
                Ok(Value::from(text))
            }
        }
    }
}

/// Refuses a text that no provider takes, and warns of one that is paid for more than once, with fields as they often are.
fn check_size(name: &str, template: &str, fields: &[&str]) -> Result<()> {
    let usual: Map<String, Value> = fields
        .iter()
        .map(|it| ((*it).to_owned(), Value::from("Alexandra")))
        .collect();
    // What cannot be made of these fields may be made of others.
    let Ok(text) = render(template, &Value::Object(usual)) else {
        return Ok(());
    };
    let size = Size::of(&text);
    if size.is_too_long() {
        return Err(advice::error(
            format!(
                "{name} makes a text message of {size}, and providers take 1,600 characters at most"
            ),
            "shorten it",
        ));
    }
    if size.segments > 1 {
        output::note(&format!(
            "note: {name} makes a text message of {size}; each segment is paid for, and messages of more than most_segments are not sent"
        ));
    }
    Ok(())
}

/// Reads settings as people write them.
pub(super) fn read(changes: Vec<(String, String)>) -> Result<Map<String, Value>> {
    let mut read = Map::new();
    for (name, text) in changes {
        let Some(setting) = KNOWN.iter().find(|it| it.name == name) else {
            return Err(advice::error(
                format!("{name} is not a setting"),
                "`baton settings` lists them; `baton set JOB` has those of a job",
            ));
        };
        read.insert(name, setting.read(text)?);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_read_as_their_columns_want_them() {
        let check = |name: &str, text: &str, expected: Option<Value>| {
            let read = read(vec![(name.to_owned(), text.to_owned())]).ok();
            let value = read.map(|mut it| it.remove(name).expect("it was read"));
            assert_eq!(value, expected, "{name}={text}");
        };
        check("daily_cap", "5", Some(json!(5)));
        check("daily_cap", "many", Some(json!("many")));
        check("follow_up_after", "10 days", Some(json!("10 days")));
        check("quiet_from", "20:30", Some(json!("20:30")));
        check("default_region", "CH", Some(json!("CH")));
        check("default_region", "none", Some(Value::Null));
        check("default_zone", "none", Some(json!("none")));
        check(
            "follow_up_text",
            "Hi {{ name }}",
            Some(json!("Hi {{ name }}")),
        );
        check("follow_up_text", "Hi {{ event_name }}", None);
        check(
            "auto_sync_text",
            "Hi {{ event_name }}",
            Some(json!("Hi {{ event_name }}")),
        );
        check("auto_sync_text", "Hi {{ name", None);
        let long = "a".repeat(1_600);
        check("follow_up_text", &long, Some(json!(long)));
        check("follow_up_text", &format!("{long}{{{{ name }}}}"), None);
        check(
            "follow_up_subject",
            &format!("{long}a"),
            Some(json!(format!("{long}a"))),
        );
        check("auto_sync_subject", "", None);
        check("wake_secret", "x", None);
        check("nonsense", "1", None);
    }

    #[test]
    fn lengths_of_time_are_told_without_a_mark() {
        let plain = |name: &str, text: &str| {
            let setting = KNOWN.iter().find(|it| it.name == name);
            setting.expect("it is known").plain(&json!(text))
        };
        assert_eq!(plain("follow_up_after", "@ 7 days"), json!("7 days"));
        assert_eq!(plain("follow_up_text", "@ 7 days"), json!("@ 7 days"));
    }
}
