use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::*;

#[test]
fn only_a_sound_answer_that_says_so_asks_for_the_next_call() {
    let check = |answer: Result<(u16, &'static str), &str>, expected| {
        let text = format!("{answer:?}");
        let answer = answer
            .map(|(status, body)| (status, Bytes::from(body)))
            .map_err(str::to_owned);
        assert_eq!(asks_for_next(&answer), expected, "{text}");
    };
    check(Ok((200, r#"{"status":"ran","again":true}"#)), true);
    check(Ok((200, r#"{"status":"ran","again":false}"#)), false);
    check(Ok((200, r#"{"again":"true"}"#)), false);
    check(Ok((200, r#"{"status":"ran"}"#)), false);
    check(Ok((409, r#"{"again":true}"#)), false);
    check(Ok((500, r#"{"again":true}"#)), false);
    check(Ok((200, "")), false);
    check(Ok((200, "true")), false);
    check(Err("timeout"), false);
}

#[tokio::test]
async fn a_call_that_panics_or_fails_does_not_block_its_path() {
    let (wake, payloads) = mpsc::unbounded_channel();
    let (call, mut called) = mpsc::unbounded_channel();
    let count = Arc::new(AtomicUsize::new(0));
    let post = move |path: String, trigger| {
        let (call, count) = (call.clone(), count.clone());
        async move {
            let nth = count.fetch_add(1, Ordering::SeqCst);
            call.send((nth, path, trigger)).expect("the test listens");
            match nth {
                0 => panic!("on purpose"),
                1 => Err("on purpose".to_owned()),
                2 => Ok((200, Bytes::from(r#"{"again":true}"#))),
                _ => Ok((200, Bytes::new())),
            }
        }
    };
    tokio::spawn(deliver(payloads, post));
    for expected in [
        (0, "wake"),
        (1, "wake"),
        (2, "wake"),
        (3, "next"),
        (4, "wake"),
    ] {
        if expected.1 == "wake" {
            wake.send("/a".to_owned()).expect("wakes are delivered");
        }
        let (nth, path, trigger) = called.recv().await.expect("the call is made");
        assert_eq!((nth, trigger), expected);
        assert_eq!(path, "/a");
    }
}
