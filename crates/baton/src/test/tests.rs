use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{NotDone, http};

#[derive(serde::Deserialize)]
struct Invoice {
    number: String,
}

async fn export(invoice: Item<Invoice>, cx: &Context) -> Outcome {
    let bank = cx.var("bank_url").await?;
    let answer = cx
        .put(format!("{bank}/invoices/{}?key=secret", invoice.number))
        .bearer("token")
        .json(&json!({ "try": invoice.attempt() }))
        .timeout(Duration::from_secs(5))
        .await?;
    match answer.status() {
        200 => match answer.json::<Value>()?["id"].as_i64() {
            Some(_) => Outcome::done(),
            None => Outcome::failed(answer.text()),
        },
        429 => Outcome::retry_after(answer.retry_after()),
        status => Outcome::failed(format!("the bank answered {status}")),
    }
}

#[test]
fn a_request_carries_its_item_its_trace_and_what_it_was_given() {
    let bank = server(|_| (200, json!({ "id": 1 })).into());
    let setup = var("bank_url", bank.url()).attempt(2);
    assert_eq!(
        setup.run(export, json!({ "number": "R-17" })),
        Outcome::done()
    );
    let requests = bank.requests();
    let [request] = &requests[..] else {
        panic!("{requests:?}");
    };
    assert_eq!(request.method(), "PUT");
    assert_eq!(request.uri(), "/invoices/R-17?key=secret");
    assert_eq!(&request.body()[..], br#"{"try":2}"#);
    for (name, expected) in [
        ("authorization", "Bearer token"),
        ("content-type", "application/json"),
        ("idempotency-key", "5eed0000-0000-4000-8000-000000000001"),
        (
            "traceparent",
            "00-5eed0000000040008000000000000001-8000000000000001-01",
        ),
        ("content-length", "9"),
    ] {
        assert_eq!(request.headers()[name], expected, "{name}");
    }
}

#[test]
fn statuses_become_what_the_job_and_the_standard_say() {
    let check = |reply: Reply, expected: Outcome| {
        let bank = server(move |_| reply.clone());
        let outcome = var("bank_url", bank.url()).run(export, json!({ "number": "R-17" }));
        let outcome = outcome.map_err(|it| match it {
            NotDone::Retry(why) => NotDone::Retry(why.replace(&bank.url(), "BANK")),
            NotDone::Wait { seconds, why } => NotDone::Wait {
                seconds,
                why: why.replace(&bank.url(), "BANK"),
            },
            failed => failed,
        });
        assert_eq!(outcome, expected);
    };
    let wait = |seconds, why: &str| {
        Err(NotDone::Wait {
            seconds,
            why: why.to_owned(),
        })
    };
    check((200, json!({ "id": 1 })).into(), Outcome::done());
    check((200, json!({})).into(), Outcome::failed("{}"));
    check(
        200.into(),
        Outcome::retry(
            "PUT BANK/invoices/R-17: the answer: EOF while parsing a value at line 1 column 0",
        ),
    );
    check(404.into(), Outcome::failed("the bank answered 404"));
    check(
        Reply::from(429).header("retry-after", "7"),
        wait(7, "the other side asked to wait"),
    );
    check(429.into(), wait(30, "the other side asked to wait"));
    check(
        500.into(),
        Outcome::retry("PUT BANK/invoices/R-17: the server answered 500"),
    );
    check(
        Reply::from(503).header("retry-after", "90"),
        wait(90, "PUT BANK/invoices/R-17: the server answered 503"),
    );
}

#[test]
fn what_cannot_be_sent_is_a_retry_that_names_it() {
    let check = |outcome: Outcome, expected: &str| match outcome {
        Err(NotDone::Retry(why)) => assert!(why.starts_with(expected), "{why}"),
        it => panic!("{it:?}"),
    };
    let invoice = || json!({ "number": "R 17" });
    check(run(export, invoice()), "variable bank_url: ");
    check(
        var("bank_url", "http://127.0.0.1:9").run(export, invoice()),
        "PUT http://127.0.0.1:9/invoices/R 17: invalid uri character",
    );
    check(
        var("bank_url", "http://127.0.0.1:9").run(export, json!({ "number": "17" })),
        "PUT http://127.0.0.1:9/invoices/17: client error (Connect)",
    );
    let with_header = async |_: Item<Value>, cx: &Context| {
        cx.get("http://127.0.0.1:9").header("x-a", "a\nb").await?;
        Outcome::done()
    };
    check(
        run(with_header, json!(null)),
        "GET http://127.0.0.1:9: the value of the header field x-a",
    );
}

#[test]
fn an_answer_that_does_not_come_in_time_is_a_retry() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("this machine has a free port");
    let url = format!("http://{}", silent.local_addr().expect("it listens"));
    let ask = async |url: Item<String>, cx: &Context| {
        let asked = cx.get(&*url).timeout(Duration::from_millis(1)).send().await;
        let in_vain = matches!(
            asked,
            Err(http::Error::NoAnswer {
                reason: http::FetchError::TimedOut,
                ..
            })
        );
        assert!(in_vain, "{asked:?}");
        asked?;
        Outcome::done()
    };
    let outcome = run(ask, json!(url));
    assert_eq!(outcome, Outcome::retry(format!("GET {url}: timeout")));
}

#[test]
fn data_that_a_job_cannot_read_fails_the_item() {
    let outcome = run(export, json!({ "number": 17 }));
    let expected = "data.number: invalid type: number, expected a string";
    assert_eq!(outcome, Outcome::failed(expected));
}
