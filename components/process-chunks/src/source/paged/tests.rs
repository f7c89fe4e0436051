mod walks;

use serde_json::json;

use super::*;
use crate::source::Remedy;

const SOURCE: &str = "https://shop.example/api/orders?state=open&page=x";

fn settings(settings: Value) -> Settings {
    Settings::parse(&settings).unwrap()
}

fn read(settings: &Settings, page: &Page, body: Value) -> Result<Synced, Failure> {
    let url = page_url(SOURCE, settings, page)?;
    let body = body.to_string();
    let answer = Answer {
        status: 200,
        body: body.as_bytes(),
        ..Answer::default()
    };
    read_page(&url, settings, page, &answer)
}

fn message(result: Result<Synced, Failure>) -> String {
    let failure = result.unwrap_err();
    assert_eq!(failure.remedy, Remedy::GiveUp);
    failure.message
}

/// Without what notices circles.
fn unmarked(chunks: Vec<Work>) -> Vec<Work> {
    let pages = chunks.into_iter().map(|it| match it {
        Work::Page(page) => Work::Page(Page {
            mark: None,
            ids_mark: None,
            seen: None,
            empty: None,
            ..page
        }),
        other => other,
    });
    pages.collect()
}

#[test]
fn good_settings_are_read() {
    for good in [
        json!({}),
        json!({ "records": "/items", "id": "/key", "max_parallel": 8 }),
        json!({ "records": "", "next": "/links/next" }),
        json!({ "page_param": "page", "pages": "/total_pages" }),
        json!({ "page_param": "p", "pages": "/meta/pages", "first_page": 0, "next": null }),
        json!({ "page_param": "p", "pages": "header:X-WP-TotalPages" }),
        json!({ "page_param": "p", "first_page": 0 }),
        json!({ "cursor": "/meta/next_cursor", "cursor_param": "cursor" }),
        json!({ "cursor": "header:X-Next-Cursor", "cursor_param": "cursor" }),
        json!({ "cursor": "last-id", "cursor_param": "starting_after", "limit_param": "limit", "page_size": 100 }),
        json!({ "offset_param": "offset", "ignore_total": true }),
    ] {
        Settings::parse(&good).unwrap();
    }
}

#[test]
fn bad_settings_are_named() {
    for (bad, field) in [
        (json!([]), "settings"),
        (json!({ "recrods": "/items" }), "recrods"),
        (json!({ "records": "items" }), "records"),
        (json!({ "id": 7 }), "id"),
        (json!({ "next": "next" }), "next"),
        (
            json!({ "next": "/next", "page_param": "page", "pages": "/n" }),
            "next",
        ),
        (json!({ "next": "/next", "first_page": 1 }), "page_param"),
        (json!({ "next": "/next", "offset_param": "offset" }), "next"),
        (
            json!({ "cursor": "/c", "cursor_param": "c", "page_param": "page" }),
            "cursor",
        ),
        (json!({ "cursor": "/c" }), "cursor_param"),
        (json!({ "cursor_param": "c" }), "cursor"),
        (json!({ "cursor": "last", "cursor_param": "c" }), "cursor"),
        (
            json!({ "cursor": "header:", "cursor_param": "c" }),
            "cursor",
        ),
        (json!({ "offset_param": "" }), "offset_param"),
        (json!({ "limit_param": "limit" }), "page_size"),
        (json!({ "page_size": 100 }), "limit_param"),
        (
            json!({ "limit_param": "limit", "page_size": 0 }),
            "page_size",
        ),
        (json!({ "ignore_total": "yes" }), "ignore_total"),
        (json!({ "page_param": "", "pages": "/n" }), "page_param"),
        (json!({ "pages": "/n" }), "page_param"),
        (json!({ "first_page": 1 }), "page_param"),
        (
            json!({ "page_param": "page", "pages": "/n", "first_page": -1 }),
            "first_page",
        ),
    ] {
        let error = Settings::parse(&bad).unwrap_err();
        assert_eq!(error.field(), field, "{bad}");
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn records_become_items_with_the_whole_record() {
    let one = settings(json!({ "records": "/data/orders", "id": "/meta/no" }));
    let synced = read(
        &one,
        &Page::default(),
        json!({ "data": { "orders": [
            { "meta": { "no": 17 }, "total": 4.5 },
            { "meta": { "no": "A-18" } },
            { "meta": { "no": 17 }, "total": 5 },
        ] } }),
    )
    .unwrap();
    assert_eq!(
        synced.items,
        [
            json!({ "id": "17", "payload": { "meta": { "no": 17 }, "total": 5 } }),
            json!({ "id": "A-18", "payload": { "meta": { "no": "A-18" } } }),
        ]
    );
    assert!(synced.chunks.is_empty());
    let bare = settings(json!({}));
    let synced = read(&bare, &Page::default(), json!([{ "id": "a" }])).unwrap();
    assert_eq!(synced.items.len(), 1);
}

#[test]
fn ids_and_records_keep_every_digit() {
    let bare = settings(json!({ "records": "/items" }));
    let body = r#"{"items":[{"id":18446744073709551617,"price":1.10,"n":[{"a":12345678901234567.89}]},{"id":18446744073709551618},{"id":1.0},{"id":1e3}]}"#;
    let answer = Answer {
        status: 200,
        body: body.as_bytes(),
        ..Answer::default()
    };
    let url = page_url(SOURCE, &bare, &Page::default()).unwrap();
    let synced = read_page(&url, &bare, &Page::default(), &answer).unwrap();
    let ids: Vec<&Value> = synced.items.iter().map(|it| &it["id"]).collect();
    assert_eq!(
        ids,
        [
            "1.0",
            "18446744073709551617",
            "18446744073709551618",
            "1e+3"
        ]
    );
    let work = Value::from(synced.items).to_string();
    assert!(
        work.contains(r#""n":[{"a":12345678901234567.89}],"price":1.10"#),
        "{work}"
    );
}

#[test]
fn a_record_without_an_id_is_named_and_so_is_the_pointer() {
    let one = settings(json!({ "id": "/key" }));
    for (record, expected) in [
        (json!({ "id": 1 }), "no id"),
        (json!({ "key": null }), "the id null"),
        (json!({ "key": "" }), "an empty id"),
        (json!({ "key": {} }), "neither a text nor a number"),
        (json!({ "key": "x".repeat(1001) }), "too long"),
        (json!(5), "no id"),
        (
            json!({ "key": "0" }),
            "is a text in one record and a number in another",
        ),
    ] {
        let page = json!([{ "key": 0 }, record]);
        let message = message(read(&one, &Page::default(), page));
        assert!(message.contains(expected), "{message}");
        let is_named =
            message.starts_with("record 2 of the page has ") && message.ends_with("at \"/key\"");
        assert!(is_named || message.contains("\"0\""), "{message}");
    }
}

#[test]
fn an_answer_without_records_says_what_it_has() {
    let nested = settings(json!({ "records": "/items" }));
    for (body, expected) in [
        (json!({}), "no array of records at \"/items\""),
        (json!({ "items": {} }), "\"/items\""),
        (json!([]), "\"/items\""),
        (
            json!({ "data": { "list": [], "n": 1 }, "rows": [] }),
            "one at /data/list, /rows: use --records",
        ),
        (
            json!({ "ok": false, "error": "invalid_auth" }),
            "answers with an error: invalid_auth",
        ),
        (json!({ "success": false, "items": [] }), "did not succeed"),
        (
            json!({ "status": "error", "message": "busy", "items": [] }),
            "answers with an error: busy",
        ),
        (
            json!({ "title": "Orders", "status": 1, "rows": [] }),
            "one at /rows: use --records",
        ),
        (
            json!({ "errors": [{ "message": "no such field" }] }),
            "answers with an error: no such field",
        ),
    ] {
        let message = message(read(&nested, &Page::default(), body));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_source_that_has_moved_names_its_new_address() {
    let one = settings(json!({}));
    let url = page_url(SOURCE, &one, &Page::default()).unwrap();
    for (status, location, expected) in [
        (301, "/v2/orders", "https://shop.example/v2/orders"),
        (
            308,
            "https://new.example/orders?api_key=abc",
            "https://new.example/orders?api_key=***",
        ),
        (
            302,
            "http://shop.example/orders",
            "leads from https to http",
        ),
        (304, "", "has moved (304)"),
    ] {
        let answer = Answer {
            status,
            headers: vec![("location", location)],
            ..Answer::default()
        };
        let message = message(read_page(&url, &one, &Page::default(), &answer));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_secret_is_not_repeated_from_an_answer() {
    let one = settings(json!({ "records": "/items" }));
    let url = page_url(SOURCE, &one, &Page::default()).unwrap();
    for status in [200, 400, 401, 500] {
        let answer = Answer {
            status,
            body: br#"{"error": "the token open-sesame is wrong"}"#,
            secret: Some("open-sesame"),
            ..Answer::default()
        };
        let failure = read_page(&url, &one, &Page::default(), &answer).unwrap_err();
        assert!(
            failure.message.ends_with("the token *** is wrong"),
            "{failure:?}"
        );
    }
}

#[test]
fn a_link_leads_to_the_next_page_of_the_same_origin() {
    let linked = settings(json!({ "records": "/items", "next": "/next" }));
    let next = |link: Value| {
        read(
            &linked,
            &Page::default(),
            json!({ "items": [], "next": link }),
        )
    };
    for link in [
        "https://shop.example/api/orders?after=9",
        "orders?after=9",
        "/api/orders?after=9",
        "?after=9#top",
        "https://shop.example:443/api/orders?after=9",
    ] {
        let synced = next(json!(link)).unwrap();
        let expected = Work::Page(Page {
            number: Some(2),
            url: Some("https://shop.example/api/orders?after=9".to_owned()),
            ..Page::default()
        });
        assert_eq!(unmarked(synced.chunks), [expected], "{link}");
    }
    for end in [
        json!(null),
        json!(""),
        json!(false),
        json!(0),
        json!({}),
        json!([]),
    ] {
        assert!(next(end).unwrap().chunks.is_empty());
    }
    let last = read(&linked, &Page::default(), json!({ "items": [] })).unwrap();
    assert!(last.chunks.is_empty());
    for bad in [
        json!("https://evil.example/api/orders?after=9"),
        json!("https://shop.example:8443/api/orders?after=9"),
        json!("http://shop.example/api/orders?after=9"),
        json!("//evil.example/"),
        json!("https://ann:pw@shop.example/"),
        json!(7),
        json!("dXNlcjpVMEc5V0ZYTlo="),
        json!(["?after=9"]),
        json!(SOURCE),
    ] {
        message(next(bad));
    }
}

#[test]
fn a_stored_link_is_held_against_the_source_again() {
    let linked = settings(json!({ "next": "/next" }));
    let page = |url: &str, number: u32| Page {
        number: Some(number),
        url: Some(url.to_owned()),
        ..Page::default()
    };
    let there = page("https://shop.example/api/orders?after=9", 2);
    assert_eq!(
        page_url(SOURCE, &linked, &there).unwrap().as_str(),
        "https://shop.example/api/orders?after=9"
    );
    assert!(page_url(SOURCE, &linked, &page("https://old.example/", 2)).is_err());
    // A chain of links that never ends is cut.
    let endless = settings(json!({ "records": "/items", "next": "/next" }));
    let last = page("https://shop.example/api/orders?after=9", MOST_PAGES);
    message(read(
        &endless,
        &last,
        json!({ "items": [], "next": "?after=10" }),
    ));
}

#[test]
fn the_first_page_enqueues_all_others() {
    let check = |first: u32, body: Value, expected: Vec<u32>| {
        let numbered = settings(
            json!({ "records": "/items", "page_param": "page", "pages": "/pages", "first_page": first }),
        );
        let url = page_url(SOURCE, &numbered, &Page::default()).unwrap();
        assert_eq!(
            url.as_str(),
            format!("https://shop.example/api/orders?state=open&page={first}")
        );
        let synced = read(&numbered, &Page::default(), body).unwrap();
        let numbers: Vec<u32> = synced
            .chunks
            .iter()
            .map(|it| match it {
                Work::Page(Page {
                    number: Some(number),
                    ..
                }) => *number,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(numbers, expected);
    };
    check(1, json!({ "items": [], "pages": 4 }), vec![2, 3, 4]);
    check(0, json!({ "items": [], "pages": 3 }), vec![1, 2]);
    check(1, json!({ "items": [], "pages": 1 }), vec![]);
    check(1, json!({ "items": [], "pages": 0 }), vec![]);
    check(1, json!({ "items": [], "pages": "3" }), vec![2, 3]);
}

#[test]
fn many_pages_are_enqueued_by_slices() {
    let numbered =
        settings(json!({ "records": "/items", "page_param": "page", "pages": "/pages" }));
    let body = |pages: u32| json!({ "items": [], "pages": pages });
    for pages in [9_999, 10_000, 10_001, 10_002, 25_000] {
        let mut seen = vec![1];
        let mut open = vec![Page::default()];
        while let Some(page) = open.pop() {
            let chunks = read(&numbered, &page, body(pages)).unwrap().chunks;

            assert!(chunks.len() <= MOST_CHUNKS as usize);
            for chunk in chunks {
                let Work::Page(page) = chunk else {
                    panic!("{chunk:?}")
                };
                seen.extend(page.number);
                if page.enqueue_from.is_some() {
                    open.push(page);
                }
            }
        }
        assert_eq!(seen, Vec::from_iter(1..=pages), "{pages}");
    }
    let plain = Page {
        number: Some(5),
        ..Page::default()
    };
    assert!(read(&numbered, &plain, body(9)).unwrap().chunks.is_empty());
    for bad in [
        json!({ "items": [] }),
        json!({ "items": [], "pages": "many" }),
        json!({ "items": [], "pages": -4 }),
        json!({ "items": [], "pages": 1_000_001 }),
    ] {
        message(read(&numbered, &Page::default(), bad));
    }
}
