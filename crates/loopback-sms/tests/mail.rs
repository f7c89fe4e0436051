use axum::http::StatusCode;
use baton_loopback_sms::{LoopbackMail, MAIL_KEY, MailFault};
use serde_json::json;

use super::wire::ask;

#[tokio::test]
async fn an_e_mail_is_kept_once_under_its_key() {
    let mail = LoopbackMail::start().await.expect("a port is free");
    let post = async |key: &str, bearer: &str, subject: &str| {
        let headers = format!("authorization: Bearer {bearer}\r\nidempotency-key: {key}\r\n");
        let body = json!({ "from": "a@b.example", "to": ["c@d.example"], "subject": subject });
        ask(&mail.url(), "POST /emails", &headers, &body.to_string()).await
    };
    let status = async |key: &str, bearer: &str, subject: &str| {
        post(key, bearer, subject).await.map(|it| it.status)
    };
    assert_eq!(status("1", "another", "x").await, Some(403));
    mail.misbehave(Some(MailFault::Error(
        StatusCode::TOO_MANY_REQUESTS,
        "rate_limit_exceeded",
    )));
    assert_eq!(status("1", MAIL_KEY, "x").await, Some(429));
    assert_eq!(mail.emails().len(), 0);

    mail.misbehave(Some(MailFault::AcceptThenBreak));
    assert_eq!(status("1", MAIL_KEY, "x").await, None);
    mail.misbehave(None);
    let answer = post("1", MAIL_KEY, "x").await.expect("it answers");
    let [email] = &mail.emails()[..] else {
        panic!("expected one e-mail");
    };
    assert_eq!((answer.status, &answer.body["id"]), (200, &json!(email.id)));
    assert_eq!(
        (email.key.as_deref(), &email.payload["subject"]),
        (Some("1"), &json!("x"))
    );

    let other = post("1", MAIL_KEY, "y").await.expect("it answers");
    let name = &other.body["name"];
    assert_eq!(
        (other.status, name),
        (409, &json!("invalid_idempotent_request"))
    );
    assert_eq!(status("2", MAIL_KEY, "y").await, Some(200));
    assert_eq!(mail.emails().len(), 2);
}
