//! Whole listings of servers that page in the ways of the field.

use serde_json::{Value, json};

use super::super::*;

const SOURCE: &str = "https://api.example/v1/things";

/// What a server answers to a query: header fields and a body.
type Reply = (Vec<(&'static str, String)>, Value);

fn bare(body: Value) -> Reply {
    (Vec::new(), body)
}

/// The records `from..to`.
fn records(from: u64, to: u64) -> Vec<Value> {
    (from..to).map(|it| json!({ "id": it })).collect()
}

/// A number in the query, or the default.
fn ask(query: &Value, name: &str, default: u64) -> u64 {
    query[name]
        .as_str()
        .map_or(default, |it| it.parse().unwrap_or(default))
}

/// Gets every page: how many different records there were and how many requests, or why it failed.
fn walk(settings: Value, server: impl Fn(&Value) -> Reply) -> Result<(usize, u32), String> {
    let settings = Settings::parse(&settings).unwrap();
    let mut open = vec![Page::default()];
    let (mut seen, mut requests) = (std::collections::BTreeSet::new(), 0);
    while let Some(page) = open.pop() {
        requests += 1;
        assert!(requests < 5000, "it goes on for ever");
        let url = page_url(SOURCE, &settings, &page).unwrap();
        let query: Value = url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
            .collect();
        let (headers, body) = server(&query);
        let body = body.to_string();
        let answer = Answer {
            status: 200,
            headers: headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect(),
            body: body.as_bytes(),
            ..Answer::default()
        };
        let synced = read_page(&url, &settings, &page, &answer).map_err(|it| it.message)?;
        seen.extend(synced.items.iter().map(|it| it["id"].to_string()));
        open.extend(synced.chunks.into_iter().map(|it| match it {
            Work::Page(page) => page,
            other => panic!("{other:?}"),
        }));
    }
    Ok((seen.len(), requests))
}

/// Pages of 10, 30 records in all, under `name`, with the fields that `more` adds.
fn numbered(more: impl Fn(u64) -> Value) -> impl Fn(&Value) -> Reply {
    move |query| {
        let page = ask(query, "page", 1);
        let n = if page <= 3 { 10 } else { 0 };
        let mut body = json!({ "items": records(page * 10, page * 10 + n) });
        body.as_object_mut()
            .unwrap()
            .extend(more(page).as_object().unwrap().clone());
        bare(body)
    }
}

/// Records 1 to 30 after an id, under `data`.
fn after(name: &'static str, more: impl Fn(u64) -> Value) -> impl Fn(&Value) -> Reply {
    move |query| {
        let from = ask(query, name, 0);
        let to = (from + 10).min(30);
        let mut body = json!({ "data": records(from + 1, to + 1) });
        body.as_object_mut()
            .unwrap()
            .extend(more(to).as_object().unwrap().clone());
        bare(body)
    }
}

#[test]
fn links_are_followed_where_no_way_is_set() {
    let next = |page: u64| (page < 3).then(|| format!("{SOURCE}?page={}", page + 1));
    let check = |more: &dyn Fn(u64) -> Value| {
        let walked = walk(json!({ "records": "/items" }), numbered(more));
        assert_eq!(walked, Ok((30, 3)), "{}", more(1));
    };
    check(&|page| json!({ "next": next(page), "count": 30 })); // Django REST framework
    check(&|page| json!({ "@odata.nextLink": next(page), "@odata.count": 30 }));
    check(&|page| json!({ "odata.nextLink": next(page) }));
    check(&|page| json!({ "links": { "next": next(page).unwrap_or_default() } })); // JSON:API
    check(&|page| json!({ "links": { "next": next(page).map(|it| json!({ "href": it })) } }));
    check(
        &|page| json!({ "_links": { "self": { "href": SOURCE }, "next": { "href": next(page) } } }),
    ); // HAL
    check(
        &|page| json!({ "link": [{ "relation": "self", "url": SOURCE }, { "relation": (if page < 3 { "next" } else { "last" }), "url": next(page) }] }),
    ); // FHIR
    check(
        &|page| json!({ "paging": { "next": next(page).map(|it| json!({ "after": page, "link": it })) } }),
    ); // HubSpot
    check(
        &|page| json!({ "paging": { "cursors": { "before": "a", "after": "b" }, "next": next(page) } }),
    ); // Facebook
    check(&|page| json!({ "nextRecordsUrl": next(page), "done": page == 3, "totalSize": 30 })); // Salesforce
    check(
        &|page| json!({ "next_page_url": next(page), "last_page": 3, "total": 30, "current_page": page }),
    ); // Laravel
    check(&|page| json!({ "meta": { "next": (page < 3).then(|| format!("?page={}", page + 1)) } }));
    // A link on each page, and the end elsewhere.
    let linked = |to: u64| json!({ "meta": { "has_more": to < 30 }, "links": { "next": format!("{SOURCE}?after={to}") } });
    assert_eq!(
        walk(json!({ "records": "/data" }), after("after", linked)),
        Ok((30, 4))
    );
    let in_header = walk(json!({}), |query| {
        let page = ask(query, "page", 1);
        let link = format!(
            "<{SOURCE}?page={}>; rel=\"prev\", <?page={}>; rel=\"next\"",
            page.max(2) - 1,
            page + 1
        );
        let link = if page < 3 {
            link
        } else {
            format!("<{SOURCE}?page=2>; rel=prev")
        };
        (
            vec![("Link", link)],
            json!(records(page * 10, page * 10 + 10)),
        )
    });
    assert_eq!(in_header, Ok((30, 3)));
}

#[test]
fn cursors_are_put_into_a_parameter() {
    let check = |cursor: &str, param: &'static str, more: &dyn Fn(u64) -> Value| {
        let settings = json!({ "records": "/data", "cursor": cursor, "cursor_param": param });
        assert_eq!(walk(settings, after(param, more)), Ok((30, 3)), "{cursor}");
    };
    let next = |to: u64| (to < 30).then(|| to.to_string());
    check(
        "/response_metadata/next_cursor",
        "cursor",
        &|to| json!({ "response_metadata": { "next_cursor": next(to).unwrap_or_default() } }),
    ); // Slack
    check(
        "/next_cursor",
        "start_cursor",
        &|to| json!({ "next_cursor": next(to), "has_more": to < 30 }),
    ); // Notion
    check("/paging/next/after", "after", &|to| match next(to) {
        Some(next) => {
            json!({ "paging": { "next": { "after": next, "link": "https://api.example/x?after=1" } } })
        }
        None => json!({}),
    }); // HubSpot
    check(
        "last-id",
        "starting_after",
        &|to| json!({ "has_more": to < 30 }),
    ); // Stripe
    check(
        "/meta/after_cursor",
        "page[after]",
        &|to| json!({ "meta": { "has_more": to < 30, "after_cursor": to.to_string() }, "links": { "next": format!("{SOURCE}?page[after]={to}") } }),
    ); // Zendesk
    check(
        "/pageInfo/endCursor",
        "after",
        &|to| json!({ "pageInfo": { "hasNextPage": to < 30, "endCursor": to.to_string() } }),
    ); // Relay
    check(
        "/next",
        "page",
        &|to| json!({ "next": if to < 30 { to } else { 0 } }),
    );
    check("/offset", "offset", &|to| json!({ "offset": next(to) })); // Airtable
    check(
        "/cursor",
        "cursor",
        &|to| json!({ "cursor": to.to_string(), "has_more": to < 30 }),
    ); // Dropbox
    let stays = json!({ "records": "/data", "cursor": "/cursor", "cursor_param": "cursor" });
    assert_eq!(
        walk(
            stays,
            after("cursor", |to| json!({ "cursor": to.to_string() }))
        ),
        Ok((30, 4))
    );
    let no_flag = json!({ "records": "/data", "cursor": "last-id", "cursor_param": "since" });
    assert_eq!(walk(no_flag, after("since", |_| json!({}))), Ok((30, 4)));
    let header = json!({ "cursor": "header:X-Next-Page-Token", "cursor_param": "page" });
    let walked = walk(header, |query| {
        let page = ask(query, "page", 1);
        let next = if page < 3 {
            vec![("x-next-page-token", (page + 1).to_string())]
        } else {
            vec![]
        };
        (next, json!(records(page * 10, page * 10 + 10)))
    });
    assert_eq!(walked, Ok((30, 3)));
}

#[test]
fn numbers_are_counted_up_to_the_end() {
    let offset = |more: &'static dyn Fn(u64, u64) -> Value, size: u64| {
        move |query: &Value| {
            let from = ask(query, "startAt", 0);
            let to = (from + ask(query, "maxResults", size).min(10)).min(25);
            let mut body = json!({ "values": records(from, to.max(from)) });
            body.as_object_mut()
                .unwrap()
                .extend(more(from, to).as_object().unwrap().clone());
            bare(body)
        }
    };
    let settings = json!({ "records": "/values", "offset_param": "startAt" });
    let jira: &dyn Fn(u64, u64) -> Value =
        &|from, to| json!({ "startAt": from, "maxResults": 10, "total": 25, "isLast": to == 25 });
    assert_eq!(walk(settings.clone(), offset(jira, 10)), Ok((25, 3)));
    let silent: &dyn Fn(u64, u64) -> Value = &|_, _| json!({});
    assert_eq!(walk(settings.clone(), offset(silent, 10)), Ok((25, 4)));
    // A server that gives less than it is asked for ends no sooner.
    let mut sized = settings;
    sized["limit_param"] = "maxResults".into();
    sized["page_size"] = 100.into();
    assert_eq!(walk(sized.clone(), offset(silent, 10)), Ok((25, 4)));
    sized["page_size"] = 5.into();
    assert_eq!(walk(sized, offset(jira, 10)), Ok((25, 5)));

    let pages = json!({ "records": "/items", "page_param": "page" });
    assert_eq!(walk(pages.clone(), numbered(|_| json!({}))), Ok((30, 4)));
    assert_eq!(
        walk(
            pages.clone(),
            numbered(
                |page| json!({ "last": page == 3, "totalPages": 3, "totalElements": 30, "number": page })
            )
        ),
        Ok((30, 3))
    );
    assert_eq!(
        walk(
            pages.clone(),
            numbered(|page| json!({ "has_next": page < 3 }))
        ),
        Ok((30, 3))
    );
    let counted = json!({ "records": "/items", "page_param": "page", "pages": "/total_pages" });
    assert_eq!(
        walk(
            counted,
            numbered(
                |page| json!({ "total_pages": "3", "total": 30, "next": (page < 3).then(|| format!("?page={}", page + 1)) })
            )
        ),
        Ok((30, 3))
    );
    let wordpress = json!({ "page_param": "page", "pages": "header:X-WP-TotalPages" });
    let walked = walk(wordpress, |query| {
        let page = ask(query, "page", 1);
        let headers = vec![
            ("x-wp-total", "30".to_owned()),
            ("x-wp-totalpages", "3".to_owned()),
        ];
        (headers, json!(records(page * 10, page * 10 + 10)))
    });
    assert_eq!(walked, Ok((30, 3)));
}

#[test]
fn pages_that_come_meanwhile_are_fetched() {
    let settings = json!({ "records": "/items", "page_param": "page", "pages": "/pages" });
    let grows = numbered(|page| json!({ "pages": if page == 1 { 2 } else { 3 } }));
    assert_eq!(walk(settings, grows), Ok((30, 3)));
}

#[test]
fn what_shows_more_than_was_fetched_fails_and_names_it() {
    let check = |settings: Value, more: Value, expected: &str| {
        let mut settings = settings;
        settings["records"] = "/items".into();
        let message = walk(settings, numbered(|_| more.clone())).unwrap_err();
        assert!(message.contains(expected), "{more}: {message}");
        assert!(
            message.contains("--") || message.contains("links are followed"),
            "{message}"
        );
    };
    let found = json!({});
    for (more, expected) in [
        (json!({ "has_more": true }), "/has_more = true"),
        (json!({ "hasMore": "true" }), "/hasMore = true"),
        (
            json!({ "meta": { "has_next": true } }),
            "/meta/has_next = true",
        ),
        (
            json!({ "pageInfo": { "hasNextPage": true, "endCursor": "abc" } }),
            "/pageInfo/hasNextPage = true",
        ),
        (
            json!({ "info": { "more_records": true } }),
            "/info/more_records",
        ),
        (
            json!({ "isLast": false, "startAt": 0 }),
            "use --offset-param startAt",
        ),
        (json!({ "total": 30, "skip": 0 }), "use --offset-param skip"),
        (
            json!({ "has_more": true, "next_cursor": "abc" }),
            "use --cursor /next_cursor",
        ),
        (
            json!({ "pageInfo": { "hasNextPage": true, "endCursor": "abc" } }),
            "use --cursor /pageInfo/endCursor",
        ),
        (json!({ "incomplete_results": true }), "/incomplete_results"),
        (json!({ "done": false }), "/done = false"),
        (json!({ "last": false }), "/last = false"),
        (json!({ "isLast": false }), "/isLast = false"),
        (json!({ "total": 30 }), "/total = 30, and 10 records came"),
        (json!({ "count": 30 }), "/count = 30"),
        (json!({ "total_count": "30" }), "/total_count = 30"),
        (json!({ "totalResults": 30 }), "/totalResults = 30"),
        (
            json!({ "hits": { "total": { "value": 30, "relation": "eq" } } }),
            "/hits/total = 30",
        ),
        (
            json!({ "meta": { "pagination": { "total": 30 } } }),
            "/meta/pagination/total = 30",
        ),
        (
            json!({ "total_pages": 3 }),
            "/total_pages = 3, and 1 page came",
        ),
        (
            json!({ "page": { "size": 10, "totalElements": 30, "totalPages": 3, "number": 0 } }),
            "/page/totalPages = 3",
        ),
        (
            json!({ "next_cursor": "abc" }),
            "--cursor /next_cursor --cursor-param",
        ),
        (json!({ "nextPageToken": "abc" }), "/nextPageToken = abc"),
        (json!({ "next": 2 }), "--cursor /next --cursor-param"),
        (
            json!({ "paging": { "next": { "after": "abc" } } }),
            "--cursor /paging/next/after",
        ),
        (json!({ "offset": "itr1/rec2" }), "/offset = itr1/rec2"),
        (
            json!({ "LastEvaluatedKey": { "id": "7" } }),
            "/LastEvaluatedKey/id = 7",
        ),
        (
            json!({ "continue": { "blcontinue": "a|b" } }),
            "/continue/blcontinue",
        ),
    ] {
        check(found.clone(), more, expected);
    }
    let next = json!({ "next": "?page=2" });
    check(
        json!({ "cursor": "/cursor", "cursor_param": "c" }),
        next.clone(),
        "/next = ?page=2",
    );
    check(json!({ "next": "/link" }), next.clone(), "/next = ?page=2");
    check(
        json!({ "page_param": "page", "pages": "/pages" }),
        json!({ "pages": 1, "next": "?page=2" }),
        "/next = ?page=2",
    );
    check(
        json!({ "page_param": "page", "pages": "/pages" }),
        json!({ "pages": 2, "total": 30 }),
        "correct --pages",
    );
    check(
        json!({ "next": "/link" }),
        json!({ "total": 30 }),
        "/total = 30",
    );
    check(
        json!({ "page_param": "page" }),
        json!({ "has_more": true }),
        "/has_more = true",
    );
    check(
        json!({ "page_param": "page" }),
        json!({ "total": 40 }),
        "/total = 40, and 30 records came",
    );
    for (name, value) in [
        ("X-Total-Count", "30"),
        ("Content-Range", "items 0-9/30"),
        ("X-WP-TotalPages", "3"),
        ("NextPageToken", "2"),
        ("X-Next-Page", "2"),
        ("x-ms-continuation", "abc"),
        ("X-Has-More", "true"),
    ] {
        let message = walk(json!({}), |_| {
            (vec![(name, value.to_owned())], json!(records(0, 10)))
        })
        .unwrap_err();
        assert!(
            message.contains(&name.to_ascii_lowercase()) || message.contains(name),
            "{message}"
        );
    }
}

#[test]
fn what_shows_no_more_completes() {
    for more in [
        json!({ "total": 10, "count": 10, "has_more": false, "next": null, "next_cursor": "", "total_pages": 1 }),
        json!({ "next": false, "last": true, "isLast": true, "done": true, "total_pages": "1" }),
        json!({ "has_more": false, "cursor": "abc", "next_cursor": "abc" }),
        json!({ "limit": 10, "offset": 0, "per_page": 100, "page": 1, "size": 100 }),
        json!({ "offset": "0", "total": 9.5, "summary": { "total": 1999 } }),
        json!({ "hits": { "total": { "value": 10, "relation": "eq" } } }),
        json!({ "links": { "self": SOURCE, "next": SOURCE, "last": SOURCE } }),
        json!({ "others": [{ "has_more": true, "total": 99 }] }),
    ] {
        let mut settings = json!({ "records": "/items" });
        if more["links"].is_object() {
            settings["next"] = "/none".into();
        }
        let walked = walk(settings, |_| {
            let mut body =
                json!({ "items": [{ "id": 1, "lines": { "has_more": true, "total": 99 } }] });
            body["items"].as_array_mut().unwrap().extend(records(2, 11));
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            bare(body)
        });
        assert_eq!(walked, Ok((10, 1)), "{more}");
    }
    let other = json!({ "records": "/items", "ignore_total": true });
    assert_eq!(
        walk(
            other,
            numbered(|_| json!({ "total": 30, "total_pages": 3 }))
        ),
        Ok((10, 1))
    );
}

#[test]
fn circles_of_any_length_end() {
    let circle = |begin: u64, length: u64| {
        move |query: &Value| {
            let page = ask(query, "page", 1);
            let next = if page < begin + length {
                page + 1
            } else {
                begin + 1
            };
            bare(
                json!({ "items": records(page * 10, page * 10 + 10), "next": format!("?page={next}") }),
            )
        }
    };
    for (begin, length) in [(0, 2), (0, 3), (1, 2), (5, 7), (100, 64), (0, 500)] {
        for settings in [
            json!({ "records": "/items" }),
            json!({ "records": "/items", "next": "/next" }),
        ] {
            let message = walk(settings, circle(begin, length)).unwrap_err();
            assert!(message.contains("round in circles"), "{message}");
        }
    }
    // New addresses with the records of old ones.
    let message = walk(json!({ "records": "/items" }), |query| {
        let t = ask(query, "t", 0);
        bare(json!({ "items": records(t % 3, t % 3 + 1), "next": format!("?t={}", t + 1) }))
    });
    assert!(
        message
            .unwrap_err()
            .contains("the records of an earlier one")
    );
    let message = walk(json!({ "records": "/items" }), |query| {
        bare(json!({ "items": [], "next": format!("?t={}", ask(query, "t", 0) + 1) }))
    });
    assert!(message.unwrap_err().contains("1000 pages"));
    let ignored = |_: &Value| bare(json!({ "items": records(0, 10) }));
    for settings in [
        json!({ "records": "/items", "page_param": "page" }),
        json!({ "records": "/items", "offset_param": "skip" }),
        json!({ "records": "/items", "cursor": "last-id", "cursor_param": "since" }),
    ] {
        let message = walk(settings, ignored).unwrap_err();
        assert!(message.contains("round in circles"), "{message}");
    }
    // A parameter of another name is ignored, too.
    let misnamed =
        json!({ "records": "/data", "cursor": "/next_cursor", "cursor_param": "crusor" });
    let message = walk(
        misnamed,
        after("cursor", |to| json!({ "next_cursor": to.to_string() })),
    )
    .unwrap_err();
    assert!(
        message.contains("does the source know the parameter crusor?"),
        "{message}"
    );
}

#[test]
fn a_last_page_that_names_itself_is_the_end() {
    let zendesk = |query: &Value| {
        let from = ask(query, "start_time", 0);
        let to = (from + 10).min(22);
        let next = (from + 10).min(20);
        bare(
            json!({ "items": records(from, to), "count": to - from, "next_page": format!("{SOURCE}?start_time={next}") }),
        )
    };
    assert_eq!(
        walk(
            json!({ "records": "/items", "next": "/next_page" }),
            zendesk
        ),
        Ok((22, 3))
    );
    assert_eq!(walk(json!({ "records": "/items" }), zendesk), Ok((22, 3)));
    let first = |_: &Value| bare(json!({ "items": records(0, 10), "next": SOURCE }));
    assert!(
        walk(json!({ "records": "/items" }), first)
            .unwrap_err()
            .contains("names itself")
    );
}
