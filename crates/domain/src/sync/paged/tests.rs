use serde_json::json;

use super::*;
use crate::sync::Remedy;

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

#[test]
fn good_settings_are_read() {
    for good in [
        json!({}),
        json!({ "records": "/items", "id": "/key", "max_parallel": 8 }),
        json!({ "records": "", "next": "/links/next" }),
        json!({ "page_param": "page", "pages": "/total_pages" }),
        json!({ "page_param": "p", "pages": "/meta/pages", "first_page": 0, "next": null }),
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
        (json!({ "next": "/next", "first_page": 1 }), "next"),
        (json!({ "page_param": "page" }), "pages"),
        (json!({ "page_param": "", "pages": "/n" }), "page_param"),
        (json!({ "pages": "/n" }), "page_param"),
        (json!({ "first_page": 1 }), "first_page"),
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
fn a_record_without_an_id_names_the_pointer() {
    let one = settings(json!({ "id": "/key" }));
    for record in [
        json!({ "id": 1 }),
        json!({ "key": null }),
        json!({ "key": "" }),
        json!({ "key": {} }),
        json!({ "key": "x".repeat(1001) }),
        json!(5),
    ] {
        let message = message(read(&one, &Page::default(), json!([record])));
        assert!(message.contains("\"/key\""), "{message}");
    }
    let nested = settings(json!({ "records": "/items" }));
    for body in [json!({}), json!({ "items": {} }), json!([])] {
        let message = message(read(&nested, &Page::default(), body));
        assert!(message.contains("\"/items\""), "{message}");
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
            enqueue_from: None,
        });
        assert_eq!(synced.chunks, [expected], "{link}");
    }
    for end in [json!(null), json!("")] {
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
        enqueue_from: None,
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
                    enqueue_from: None,
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
        json!({ "items": [], "pages": "4" }),
        json!({ "items": [], "pages": -4 }),
        json!({ "items": [], "pages": 1_000_001 }),
    ] {
        message(read(&numbered, &Page::default(), bad));
    }
}
