use std::collections::BTreeMap;

use http::uri::PathAndQuery;

/// Calls of one path that a notification may ask for at most.
const MOST_CALLS: usize = 64;
/// Paths with calls under way at most; whoever may notify could otherwise name any number.
const MOST_PATHS: usize = 64;

/// The calls under way, by path: decides, for each notification and each end of a call, which call to start.
#[derive(Default)]
pub(crate) struct Calls(BTreeMap<String, Path>);

/// A path with calls under way.
struct Path {
    under_way: usize,
    /// Whether one more was asked for while there were enough.
    again: bool,
}

impl Calls {
    /// The call to start for a notification, if any: its path and trigger.
    pub(crate) fn notified(&mut self, payload: &str) -> Option<(String, &'static str)> {
        let Some((path, at_least)) = parse(payload) else {
            tracing::warn!("a wake without a path was ignored");
            return None;
        };
        let paths = self.0.len();
        match self.0.get_mut(path) {
            Some(it) if it.under_way >= at_least => {
                it.again = true;
                return None;
            }
            Some(it) => it.under_way += 1,
            None if paths == MOST_PATHS => {
                tracing::warn!(
                    "a wake was ignored, because those of {MOST_PATHS} paths are under way"
                );
                return None;
            }
            None => {
                let first = Path {
                    under_way: 1,
                    again: false,
                };
                self.0.insert(path.to_owned(), first);
            }
        }
        Some((path.to_owned(), "wake"))
    }

    /// The call to start in place of one that has ended, if any.
    pub(crate) fn ended(
        &mut self,
        path: String,
        asks_for_next: bool,
    ) -> Option<(String, &'static str)> {
        let it = self.0.get_mut(&path)?;
        if asks_for_next {
            return Some((path, "next"));
        }
        if std::mem::take(&mut it.again) {
            return Some((path, "wake"));
        }
        it.under_way -= 1;
        if it.under_way == 0 {
            self.0.remove(&path);
        }
        None
    }
}

/// `PATH` or `PATH NUMBER`.
fn parse(payload: &str) -> Option<(&str, usize)> {
    let (path, at_least) = payload.split_once(' ').unwrap_or((payload, "1"));
    let at_least: usize = at_least.parse().ok()?;
    let parsed: PathAndQuery = path.parse().ok()?;
    // Equal only without query and fragment.
    let is_path = path.starts_with('/') && parsed.path() == path;
    is_path.then_some((path, at_least.clamp(1, MOST_CALLS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to `/a`, and the trigger of the call that it starts.
    enum Step {
        Notified(&'static str, Option<&'static str>),
        Ended {
            again: bool,
            starts: Option<&'static str>,
        },
    }
    use Step::{Ended, Notified};

    /// Plays the steps; afterwards so many calls of `/a` are under way.
    fn check(steps: &[Step], under_way: usize) {
        let mut calls = Calls::default();
        for (at, step) in steps.iter().enumerate() {
            let (started, expected) = match step {
                Notified(payload, starts) => (calls.notified(payload), starts),
                Ended { again, starts } => (calls.ended("/a".to_owned(), *again), starts),
            };
            let expected = expected.map(|it| ("/a".to_owned(), it));
            assert_eq!(started, expected, "step {at}");
        }
        assert_eq!(calls.0.get("/a").map_or(0, |it| it.under_way), under_way);
    }

    const DONE: Step = Ended {
        again: false,
        starts: None,
    };

    #[test]
    fn a_notification_starts_a_call_which_ends() {
        check(&[Notified("/a", Some("wake"))], 1);
        check(&[Notified("/a", Some("wake")), DONE], 0);
    }

    #[test]
    fn notifications_during_a_call_make_one_more() {
        let one_more = Ended {
            again: false,
            starts: Some("wake"),
        };
        check(
            &[
                Notified("/a", Some("wake")),
                Notified("/a", None),
                Notified("/a", None),
                one_more,
                DONE,
            ],
            0,
        );
    }

    #[test]
    fn an_answer_that_asks_for_it_is_followed_by_the_next_call_without_a_notification() {
        let next = || Ended {
            again: true,
            starts: Some("next"),
        };
        check(&[Notified("/a", Some("wake")), next(), next(), DONE], 0);
    }

    #[test]
    fn a_notification_outlasts_a_chain_of_calls() {
        check(
            &[
                Notified("/a", Some("wake")),
                Notified("/a", None),
                Ended {
                    again: true,
                    starts: Some("next"),
                },
                Ended {
                    again: false,
                    starts: Some("wake"),
                },
                DONE,
            ],
            0,
        );
    }

    #[test]
    fn each_notification_adds_a_call_until_there_are_as_many_as_it_wants() {
        check(
            &[
                Notified("/a 2", Some("wake")),
                Notified("/a 2", Some("wake")),
                Notified("/a 2", None),
                Notified("/a", None),
                Notified("/a 3", Some("wake")),
                Ended {
                    again: false,
                    starts: Some("wake"),
                },
                DONE,
                Ended {
                    again: true,
                    starts: Some("next"),
                },
            ],
            2,
        );
    }

    #[test]
    fn paths_do_not_hinder_each_other() {
        let mut calls = Calls::default();
        assert!(calls.notified("/a").is_some());
        assert!(calls.notified("/b").is_some());
        assert_eq!(calls.ended("/b".to_owned(), false), None);
        assert!(calls.notified("/a").is_none());
    }

    #[test]
    fn there_is_an_end_to_the_paths_and_calls_that_notifications_can_ask_for() {
        let mut calls = Calls::default();
        for at in 0..MOST_PATHS {
            assert!(calls.notified(&format!("/{at}")).is_some());
        }
        assert!(calls.notified("/a").is_none());
        assert_eq!(calls.ended("/0".to_owned(), false), None);
        for _ in 0..MOST_CALLS {
            assert!(calls.notified("/a 1000").is_some());
        }
        assert!(calls.notified("/a 1000").is_none());
    }

    #[test]
    fn a_payload_is_a_path_and_perhaps_a_number() {
        let check = |payload, expected| assert_eq!(parse(payload), expected, "{payload}");
        check("/a/b-c", Some(("/a/b-c", 1)));
        check("/a 4", Some(("/a", 4)));
        check("/a 0", Some(("/a", 1)));
        check("/a 65", Some(("/a", 64)));
        check("", None);
        check("a", None);
        check("/a 4 4", None);
        check("/a -1", None);
        check("/a x", None);
        check("/a ", None);
        check("/a?b", None);
        check("/a#b", None);
        check("/a\n", None);
        check("http://b/a", None);
        check("*", None);
    }
}
