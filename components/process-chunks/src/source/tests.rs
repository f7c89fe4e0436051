use serde_json::json;

use super::answer::{Answer, source_url};
use super::item::{distinct, item};
use super::paged::Page;
use super::*;

#[test]
fn work_reads_as_it_is_written() {
    let page = |page| Work::Page(page);
    let numbered = Page {
        number: Some(7),
        ..Page::default()
    };
    let linked = Page {
        number: Some(2),
        url: Some("https://shop.example/items?after=9".to_owned()),
        ..Page::default()
    };
    for (work, expected) in [
        (json!({ "do": "noop" }), Work::Noop {}),
        (
            json!({ "do": "plan" }),
            Work::Plan {
                anchors: vec![],
                position: None,
            },
        ),
        (
            json!({ "do": "plan", "anchors": ["M2", "M1"], "position": 40 }),
            Work::Plan {
                anchors: vec!["M2".to_owned(), "M1".to_owned()],
                position: Some(40),
            },
        ),
        (
            json!({ "do": "fetch", "ids": ["M1"] }),
            Work::Fetch {
                ids: vec!["M1".to_owned()],
            },
        ),
        (
            json!({ "do": "changes", "since": "273" }),
            Work::Changes {
                since: "273".to_owned(),
            },
        ),
        (json!({ "do": "prune" }), Work::Prune {}),
        (json!({ "do": "page" }), page(Page::default())),
        (json!({ "do": "page", "number": 7 }), page(numbered)),
        (
            json!({ "do": "page", "number": 2, "url": "https://shop.example/items?after=9" }),
            page(linked),
        ),
    ] {
        assert_eq!(Work::read(&work), Ok(expected.clone()), "{work}");
        assert_eq!(Value::from(expected), work);
    }
}

#[test]
fn other_work_is_refused_in_words() {
    for work in [
        json!({ "do": "dance" }),
        json!({ "do": "noop", "extra": 1 }),
        json!({ "do": "prune", "extra": 1 }),
        json!({ "do": "fetch" }),
        json!({ "do": "page", "nmber": 7 }),
        json!({}),
        json!(null),
        json!("noop"),
    ] {
        let failure = Work::read(&work).unwrap_err();
        assert_eq!(failure.remedy, Remedy::GiveUp, "{work}");
        assert!(
            failure.message.starts_with("the work is not understood: "),
            "{failure:?}"
        );
    }
}

#[test]
fn statuses_are_told_apart_by_what_to_do() {
    let date = "Sun, 22 Nov 2026 08:24:09 GMT";
    let check = |status: u16, retry_after: Option<&str>, expected: Remedy| {
        let answer = Answer {
            status,
            headers: [("date", date)]
                .into_iter()
                .chain(retry_after.map(|it| ("retry-after", it)))
                .collect(),
            ..Answer::default()
        };
        assert_eq!(answer.json().unwrap_err().remedy, expected, "{status}");
    };
    check(401, None, Remedy::Credentials);
    check(403, None, Remedy::Credentials);
    check(429, None, Remedy::Wait(30));
    check(429, Some("7"), Remedy::Wait(7));
    check(429, Some("0"), Remedy::Wait(1));
    check(429, Some("86400"), Remedy::Wait(3600));
    check(429, Some("soon"), Remedy::Wait(30));
    check(429, Some("Sun, 22 Nov 2026 08:25:09 GMT"), Remedy::Wait(60));
    check(503, Some("120"), Remedy::Wait(120));
    check(503, None, Remedy::Retry);
    check(408, None, Remedy::Retry);
    check(500, None, Remedy::Retry);
    check(502, Some("120"), Remedy::Retry);
    check(302, None, Remedy::GiveUp);
    check(400, None, Remedy::GiveUp);
    check(404, None, Remedy::GiveUp);
    check(600, None, Remedy::GiveUp);
    check(200, None, Remedy::GiveUp); // An empty body is no JSON.
}

#[test]
fn a_message_is_one_short_line() {
    let failure = Failure::failed(format!("two\nlines\0{}", "x".repeat(500)));
    assert_eq!(failure.message.chars().count(), 300);
    assert!(failure.message.starts_with("twolinesxx"));
}

#[test]
fn a_redirect_is_followed_but_not_to_plain_http() {
    let check = |status: u16, from: &str, location: &str, expected: Result<Option<&str>, ()>| {
        let answer = Answer {
            status,
            headers: vec![("location", location)],
            ..Answer::default()
        };
        let to = answer.redirect(&source_url(from).unwrap());
        let to = to.map(|it| it.map(String::from)).map_err(|_| ());
        assert_eq!(to, expected.map(|it| it.map(str::to_owned)), "{location}");
    };
    let known = "https://mail.example/.well-known/jmap";
    check(301, known, "/jmap", Ok(Some("https://mail.example/jmap")));
    check(
        307,
        known,
        "https://api.mail.example/jmap/session#top",
        Ok(Some("https://api.mail.example/jmap/session")),
    );
    check(302, known, "http://mail.example/jmap", Err(()));
    check(302, known, "ftp://mail.example/jmap", Err(()));
    check(302, known, "https://ann:secret@mail.example/jmap", Err(()));
    check(
        302,
        "http://127.0.0.1:18480/",
        "http://127.0.0.1:18480/jmap",
        Ok(Some("http://127.0.0.1:18480/jmap")),
    );
    check(304, known, "/jmap", Ok(None));
    check(200, known, "/jmap", Ok(None));
}

#[test]
fn the_url_of_a_source_is_checked() {
    for (url, good) in [
        ("https://mail.example/.well-known/jmap", true),
        ("http://127.0.0.1:18480/jmap/", true),
        ("ftp://mail.example/", false),
        ("mail.example", false),
        ("https://ann:s3cret@mail.example/", false),
        ("", false),
    ] {
        match source_url(url) {
            Ok(_) => assert!(good, "{url}"),
            Err(failure) => assert!(!good && !failure.message.contains("s3cret"), "{url}"),
        }
    }
}

#[test]
fn items_hold_no_nul_and_each_id_once() {
    let fields = Map::from_iter([(
        "payload".to_owned(),
        json!({ "na\0me": ["a\0b", { "deep\0": "\0" }] }),
    )]);
    let clean = item("1", fields);
    assert_eq!(
        clean,
        json!({ "id": "1", "payload": { "name": ["ab", { "deep": "" }] } })
    );
    let items = vec![
        ("b".to_owned(), json!(1)),
        ("a".to_owned(), json!(2)),
        ("b".to_owned(), json!(3)),
    ];
    assert_eq!(distinct(items), [json!(2), json!(3)]);
}
