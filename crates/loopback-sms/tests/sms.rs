use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use baton_loopback_sms::{ACCOUNT, AUTH_TOKEN, Asked, Fault, LoopbackSms, NUMBER};
use form_urlencoded::Serializer;
use serde_json::{Value, json};

use super::wire::{Answer, ask};

pub(crate) const PATH: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages";
pub(crate) const ANN: &str = "+4915112345678";
pub(crate) const BOB: &str = "+12025550143";

pub(crate) async fn start() -> LoopbackSms {
    LoopbackSms::start().await.expect("a port is free")
}

pub(crate) fn credentials(password: &str) -> String {
    let encoded = STANDARD.encode(format!("{ACCOUNT}:{password}"));
    format!("authorization: Basic {encoded}\r\n")
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Posts a form as a client with the right key.
async fn post(sms: &LoopbackSms, fields: &[(&str, &str)]) -> Option<Answer> {
    let headers = credentials(AUTH_TOKEN) + "content-type: application/x-www-form-urlencoded\r\n";
    ask(
        &sms.url(),
        &format!("POST {PATH}.json"),
        &headers,
        &form(fields),
    )
    .await
}

pub(crate) async fn send(sms: &LoopbackSms, to: &str) -> Option<Answer> {
    post(
        sms,
        &[("To", to), ("From", NUMBER), ("Body", "Hello & welcome ☂")],
    )
    .await
}

async fn get(sms: &LoopbackSms, rest: &str) -> Answer {
    let line = format!("GET {PATH}{rest}");
    let answer = ask(&sms.url(), &line, &credentials(AUTH_TOKEN), "").await;
    answer.expect("it answers")
}

fn sids(list: &Value) -> Vec<&str> {
    let messages = list["messages"].as_array().expect("a list has messages");
    messages
        .iter()
        .filter_map(|it| it["sid"].as_str())
        .collect()
}

#[tokio::test]
async fn a_message_is_kept_and_answered_with_the_documented_fields() {
    let sms = start().await;
    sms.set_clock(Some(1_438_287_151));
    let callback = "https://baton.example/messages/sms/status?message=1";
    let fields = [
        ("To", ANN),
        ("From", NUMBER),
        ("Body", "Hello & welcome ☂"),
        ("StatusCallback", callback),
    ];
    let answer = post(&sms, &fields).await.expect("it answers");
    let sid = "SM00000000000000000000000000000001";
    let expected = json!({
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": "Hello & welcome ☂",
        "date_created": "Thu, 30 Jul 2015 20:12:31 +0000",
        "date_sent": null,
        "date_updated": "Thu, 30 Jul 2015 20:12:31 +0000",
        "direction": "outbound-api",
        "error_code": null,
        "error_message": null,
        "from": NUMBER,
        "messaging_service_sid": null,
        "num_media": "0",
        "num_segments": "1",
        "price": null,
        "price_unit": "USD",
        "sid": sid,
        "status": "queued",
        "subresource_uris": { "media": format!("{PATH}/{sid}/Media.json") },
        "to": ANN,
        "uri": format!("{PATH}/{sid}.json"),
    });
    assert_eq!((answer.status, &answer.body), (201, &expected));
    assert!(answer.head.contains("content-type: application/json"));
    assert_eq!(get(&sms, &format!("/{sid}.json")).await.body, expected);

    let [message] = &sms.messages()[..] else {
        panic!("expected one message");
    };
    assert_eq!((&*message.sid, &*message.to), (sid, ANN));
    assert_eq!(message.body, "Hello & welcome ☂");
    assert_eq!(message.status_callback.as_deref(), Some(callback));
    assert_eq!(message.created, 1_438_287_151);

    let fields = [("To", BOB), ("MessagingServiceSid", "MG1"), ("Body", "x")];
    let answer = post(&sms, &fields).await.expect("it answers").body;
    assert_eq!(answer["status"], "accepted");
    assert_eq!(answer["from"], Value::Null);
    assert_eq!((sms.sent_to(ANN), sms.sent_to(BOB)), (1, 1));
    assert_eq!(sms.asked(), Asked { posts: 2, lists: 0 });
}

#[tokio::test]
async fn what_is_wrong_is_told_by_its_code_and_kept_nowhere() {
    let sms = start().await;
    let long = "x".repeat(1_601);
    for (to, from, body, code) in [
        ("", NUMBER, "x", 21604),
        (ANN, "", "x", 21603),
        (ANN, NUMBER, "", 21602),
        (ANN, NUMBER, &*long, 21617),
        ("015112345678", NUMBER, "x", 21211),
        ("+0151123456", NUMBER, "x", 21211),
        ("+49 151 123456", NUMBER, "x", 21211),
        ("+123456", NUMBER, "x", 21211),
        ("+1234567890123456", NUMBER, "x", 21211),
    ] {
        let fields = [("To", to), ("From", from), ("Body", body)];
        let answer = post(&sms, &fields).await.expect("it answers");
        let error = (answer.status, &answer.body["code"], &answer.body["status"]);
        assert_eq!(error, (400, &json!(code), &json!(400)), "{fields:?}");
    }
    // A form by another name is no form.
    let line = format!("POST {PATH}.json");
    let body = form(&[("To", ANN), ("From", NUMBER), ("Body", "x")]);
    let answer = ask(&sms.url(), &line, &credentials(AUTH_TOKEN), &body).await;
    assert_eq!(answer.expect("it answers").body["code"], 21604);

    for headers in [
        String::new(),
        credentials("another"),
        "authorization: Basic !\r\n".into(),
    ] {
        let answer = ask(&sms.url(), &line, &headers, &body)
            .await
            .expect("it answers");
        assert_eq!((answer.status, &answer.body["code"]), (401, &json!(20003)));
    }
    for (line, status) in [
        ("GET /2010-04-01/Accounts/AC2/Messages.json".to_owned(), 404),
        (format!("GET {PATH}"), 404),
        (format!("GET {PATH}/SM1.json"), 404),
        (
            format!("GET {PATH}/SM00000000000000000000000000000000.json"),
            404,
        ),
        (format!("DELETE {PATH}/SM1.json"), 405),
        (format!("PUT {PATH}.json"), 405),
    ] {
        let answer = ask(&sms.url(), &line, &credentials(AUTH_TOKEN), "").await;
        assert_eq!(answer.expect("it answers").status, status, "{line}");
    }
    assert!(sms.messages().is_empty());
}

#[tokio::test]
async fn a_list_has_the_newest_first_by_the_day_of_sending_and_by_pages() {
    let sms = start().await;
    let day = 86_400;
    for (at, to) in [(0, ANN), (0, BOB), (1, ANN), (2, ANN)] {
        sms.set_clock(Some(1_438_214_400 + at * day));
        let sent = send(&sms, to).await.expect("it answers").body;
        let sid = sent["sid"].as_str().expect("it has a sid");
        if at < 2 {
            sms.call_back(sid, "sent", None);
        }
    }
    let [one, three, four] = [1, 3, 4].map(|it| format!("SM{it:032x}"));
    let to = "To=%2B4915112345678";
    for (query, expected) in [
        (to.to_owned(), vec![&four, &three, &one]),
        (format!("{to}&DateSent%3E=2015-07-30"), vec![&three, &one]),
        (format!("{to}&DateSent%3E=2015-07-31"), vec![&three]),
        (format!("{to}&DateSent=2015-07-31"), vec![&three]),
        (format!("{to}&DateSent%3E=2015-08-02"), vec![]),
        (format!("{to}&PageSize=1&Page=1"), vec![&three]),
        (format!("{to}&PageSize=9&Page=7"), vec![]),
        ("To=%2B1".to_owned(), vec![]),
    ] {
        let list = get(&sms, &format!(".json?{query}")).await.body;
        assert_eq!(sids(&list), expected, "{query}");
    }
    assert_eq!(sids(&get(&sms, ".json").await.body).len(), 4);

    let list = get(&sms, &format!(".json?{to}")).await.body;
    assert_eq!(
        (&list["page_size"], &list["next_page_uri"]),
        (&json!(50), &Value::Null)
    );
    let list = get(&sms, &format!(".json?{to}&PageSize=2")).await.body;
    let next = list["next_page_uri"].as_str().expect("there is more");
    let list = get(&sms, next.strip_prefix(PATH).expect("it begins so"))
        .await
        .body;
    assert_eq!(
        (sids(&list), &list["next_page_uri"]),
        (vec![&*one], &Value::Null)
    );

    let wrong = get(&sms, ".json?DateSent=%3E%3D2015-07-31").await;
    assert_eq!((wrong.status, &wrong.body["code"]), (400, &json!(20001)));
    assert_eq!(
        sms.asked(),
        Asked {
            posts: 4,
            lists: 13
        }
    );
}

#[tokio::test]
async fn each_fault_keeps_or_loses_the_message_and_answers_or_does_not() {
    let throttled = Fault::Throttled { retry_after: 7 };
    let status = 400;
    for (fault, kept, status, head) in [
        (
            Fault::Error {
                status,
                code: 21610,
            },
            0,
            Some(400),
            "",
        ),
        (throttled, 0, Some(429), "retry-after: 7"),
        (
            Fault::Unavailable {
                retry_after: Some(9),
            },
            0,
            Some(503),
            "retry-after: 9",
        ),
        (Fault::Unavailable { retry_after: None }, 0, Some(503), ""),
        (Fault::AcceptThen500, 1, Some(500), ""),
        (Fault::AcceptThenBreak, 1, None, ""),
        (Fault::Break, 0, None, ""),
    ] {
        let sms = start().await;
        sms.misbehave(Some(ANN), fault);
        let answer = send(&sms, ANN).await;
        assert_eq!(answer.as_ref().map(|it| it.status), status, "{fault:?}");
        let got = answer.map(|it| it.head).unwrap_or_default();
        assert!(got.contains(head), "{fault:?}: {got}");
        assert_eq!(got.contains("retry-after"), !head.is_empty());
        assert_eq!(sms.sent_to(ANN), kept, "{fault:?}");
        let other = send(&sms, BOB).await.expect("it answers");
        assert_eq!(other.status, 201, "{fault:?}");
        // Only what was kept can be asked for meanwhile.
        let line = format!("GET {PATH}.json?To=%2B4915112345678");
        let list = ask(&sms.url(), &line, &credentials(AUTH_TOKEN), "").await;
        assert_eq!(
            list.is_some_and(|it| it.status == 200),
            kept == 1,
            "{fault:?}"
        );
        sms.heal();
        assert_eq!(send(&sms, ANN).await.expect("it answers").status, 201);
    }
}

#[tokio::test]
async fn a_report_goes_where_the_sender_wants_it() {
    let sms = start().await;
    let callback = "https://baton.example/messages/sms/status?message=1";
    let fields = [
        ("To", ANN),
        ("From", NUMBER),
        ("Body", "x"),
        ("StatusCallback", callback),
    ];
    post(&sms, &fields).await.expect("it answers");
    send(&sms, BOB).await.expect("it answers");
    let [ann, bob] = &sms.messages()[..] else {
        panic!("expected two messages");
    };

    let report = sms.call_back(&ann.sid, "undelivered", Some(30003));
    let report = report.expect("there is where to");
    assert_eq!(report.url, callback);
    assert_eq!(report.path(), "/messages/sms/status?message=1");
    let form: Vec<(String, String)> = form_urlencoded::parse(report.body.as_bytes())
        .into_owned()
        .collect();
    for (name, value) in [
        ("MessageSid", &*ann.sid),
        ("SmsSid", &ann.sid),
        ("MessageStatus", "undelivered"),
        ("To", ANN),
        ("From", NUMBER),
        ("AccountSid", ACCOUNT),
        ("ErrorCode", "30003"),
    ] {
        assert!(
            form.iter().any(|it| it.0 == name && it.1 == value),
            "{name}: {form:?}"
        );
    }
    let now = get(&sms, &format!("/{}.json", ann.sid)).await.body;
    assert_eq!(
        (&now["status"], &now["error_code"]),
        (&json!("undelivered"), &json!(30003))
    );
    assert!(now["date_sent"].is_string());

    assert_eq!(sms.call_back(&bob.sid, "delivered", None), None);
    assert_eq!(sms.messages()[1].status, "delivered");
    assert_eq!(sms.call_back("SM9", "delivered", None), None);

    let [first, second] = ["STOP", "START"]
        .map(|it| sms.reply("https://baton.example/messages/sms/inbound", ANN, it));
    assert_eq!(first.path(), "/messages/sms/inbound");
    assert!(first.body.contains("From=%2B4915112345678&") && first.body.contains("&Body=STOP&"));
    assert_ne!(first.signature, second.signature);
    assert_eq!(
        first.headers()[1],
        ("x-twilio-signature", &*first.signature)
    );
}
