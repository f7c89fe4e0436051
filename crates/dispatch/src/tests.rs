mod email;

use twilio::Account;

use super::*;

fn providers() -> [Provider; 3] {
    [
        Provider::Twilio(Account {
            url: "https://api.twilio.com".to_owned(),
            sid: "AC0123".to_owned(),
            token: "s3cret".to_owned(),
            from: "+15550001111".to_owned(),
            public_url: None,
        }),
        Provider::Resend(email::resend()),
        Provider::Webhook(email::endpoint()),
    ]
}

fn trouble(reason: &'static str, detail: &str) -> Trouble {
    Trouble {
        reason,
        detail: detail.to_owned(),
    }
}

/// An outcome in one word, with its reason and, of a retry, its wait.
pub(super) fn in_short(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Submitted { delivery, .. } => match delivery {
            Some(Delivery::Submitted) => "submitted on its way".to_owned(),
            Some(Delivery::Delivered) => "submitted delivered".to_owned(),
            Some(Delivery::Undelivered(it)) => format!("submitted undelivered {}", it.reason),
            Some(Delivery::Failed(it)) => format!("submitted failed {}", it.reason),
            None => "submitted".to_owned(),
        },
        Outcome::Failed(it) => format!("failed {}", it.reason),
        Outcome::Retry { trouble, wait } => format!("retry {} {wait:?}", trouble.reason),
        Outcome::Unknown { trouble, askable } => format!("unknown {} {askable}", trouble.reason),
        Outcome::Unsent => "unsent".to_owned(),
        Outcome::Absent => "absent".to_owned(),
        Outcome::Outbox => "outbox".to_owned(),
        Outcome::Refused(it) => format!("refused {}", it.reason),
    }
}

#[test]
fn no_answer_is_told_apart_by_whether_the_request_went_out() {
    for provider in providers() {
        let askable = provider.askable();
        assert_eq!(
            provider.unanswered(&Silence::NotSent("connection\nrefused".to_owned())),
            Outcome::Retry {
                trouble: trouble("provider_unreachable", "connectionrefused"),
                wait: None,
            }
        );
        let unknown = |outcome: Outcome, expected: &str| match outcome {
            Outcome::Unknown {
                trouble,
                askable: may_ask,
            } => assert_eq!((trouble.reason, may_ask), (expected, askable)),
            other => panic!("{other:?}"),
        };
        unknown(provider.unanswered(&Silence::TimedOut), "timeout");
        let broken = Silence::Broken("reset".to_owned());
        unknown(provider.unanswered(&broken), "provider_trouble");
        // Whatever becomes of the question, the message is as unknown as it was.
        unknown(provider.look_unanswered(&Silence::TimedOut), "timeout");
        unknown(provider.look_unanswered(&broken), "provider_trouble");
        unknown(
            provider.look_unanswered(&Silence::NotSent(String::new())),
            "provider_unreachable",
        );
        unknown(
            provider.look_unanswered(&Silence::Denied),
            "provider_refused",
        );
    }
}

#[test]
fn what_the_deployment_denies_says_where_to_look() {
    let [twilio, resend, webhook] = providers().map(|it| it.unanswered(&Silence::Denied));
    let refused = |detail| Outcome::Refused(trouble("provider_refused", detail));
    assert_eq!(
        twilio,
        refused("this deployment may not call twilio: look at sms_url")
    );
    assert_eq!(
        resend,
        refused("this deployment may not call resend: look at email_url")
    );
    assert_eq!(
        webhook,
        refused("this deployment may not call webhook: look at email_url")
    );
}

#[test]
fn a_form_is_read() {
    let check = |body: &[u8], expected: &[(&str, &str)]| {
        let read = form(body);
        let read: Vec<_> = read.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(read, expected);
    };
    check(b"", &[]);
    check(
        b"From=%2B1415&Body=Hi+Ann+%26+Bo&Empty=&Flag&a=1&a=2",
        &[
            ("From", "+1415"),
            ("Body", "Hi Ann & Bo"),
            ("Empty", ""),
            ("Flag", ""),
            ("a", "1"),
            ("a", "2"),
        ],
    );
    check(b"%zz=%ff&&=x", &[("%zz", "\u{fffd}"), ("", "x")]);
}

#[test]
fn an_email_address_is_normalised_or_refused() {
    let check = |text: &str, expected: Result<&str, &str>| {
        let read = email_address(text).map_err(|it| it.to_string());
        assert_eq!(read.as_deref().map_err(String::as_str), expected, "{text}");
    };
    check(" Ann@FIRMA.de ", Ok("Ann@firma.de"));
    check("ann@müller.de", Ok("ann@xn--mller-kva.de"));
    check("ann@example.com", Ok("ann@example.com"));
    check("info@mailinator.com", Ok("info@mailinator.com"));
    check("ann", Err("there is no @"));
    check("ann@", Err("nothing stands after the @"));
    check("Ann <ann@firma.de>", Ok("ann@firma.de"));
    assert!(email_address("").is_err_and(|it| !it.to_string().is_empty()));
    assert!(email_address(&"a@".repeat(100_000)).is_err());
    assert!(email_address("ann@firma.de\r\nBcc: bo@firma.de").is_err());
}
