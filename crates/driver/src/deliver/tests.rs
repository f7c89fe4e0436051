use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::*;

#[test]
fn only_a_sound_answer_that_says_so_asks_for_another_call() {
    let check = |answer: Result<(u16, &'static str), &str>, again, pause: Option<u64>| {
        let text = format!("{answer:?}");
        let answer = answer
            .map(|(status, body)| (status, Bytes::from(body)))
            .map_err(str::to_owned);
        let next = NextCall::of(&answer);
        let pause = pause.map(Duration::from_millis);
        assert_eq!((next.again, next.pause()), (again, pause), "{text}");
    };
    check(Ok((200, r#"{"status":"ran","again":true}"#)), true, None);
    check(Ok((200, r#"{"status":"ran","again":false}"#)), false, None);
    check(
        Ok((200, r#"{"status":"ran","again":false,"again_in":1.5}"#)),
        false,
        Some(1_500),
    );
    check(
        Ok((200, r#"{"status":"ran","again":false,"again_in":null}"#)),
        false,
        None,
    );
    check(
        Ok((200, r#"{"status":"ran","again":false,"again_in":61}"#)),
        false,
        None,
    );
    check(
        Ok((200, r#"{"status":"ran","again":false,"again_in":-1}"#)),
        false,
        None,
    );
    check(
        Ok((200, r#"{"status":"ran","again":true,"again_in":1}"#)),
        true,
        None,
    );
    check(Ok((200, r#"{"status":"ran","again":"true"}"#)), false, None);
    check(Ok((200, r#"{"status":"ran"}"#)), false, None);
    check(Ok((409, r#"{"status":"ran","again":true}"#)), false, None);
    check(Ok((500, r#"{"status":"ran","again":true}"#)), false, None);
    check(Ok((503, "")), false, Some(5_000));
    check(Ok((200, "")), false, None);
    check(Ok((200, "true")), false, None);
    check(Err("timeout"), false, None);
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
                2 => Ok((200, Bytes::from(r#"{"status":"ran","again":true}"#))),
                _ => Ok((200, Bytes::new())),
            }
        }
    };
    tokio::spawn(deliver(wake.clone(), payloads, post));
    for expected in [
        (0, "wake"),
        (1, "wake"),
        (2, "wake"),
        (3, "next"),
        (4, "wake"),
    ] {
        if expected.1 == "wake" {
            wake.send(Hint::Again("/a".to_owned()))
                .expect("wakes are delivered");
        }
        let (nth, path, trigger) = called.recv().await.expect("the call is made");
        assert_eq!((nth, trigger), expected);
        assert_eq!(path, "/a");
    }
}

/// Writers within a second of a notification send none, so a call that came before them is followed by another one.
#[tokio::test]
async fn a_notified_path_is_called_once_more_after_a_second() {
    let (wake, hints) = mpsc::unbounded_channel();
    let (call, mut called) = mpsc::unbounded_channel();
    let post = move |path: String, trigger| {
        call.send((path, trigger)).expect("the test listens");
        async { Ok((200, Bytes::from(r#"{"status":"ran","again":false}"#))) }
    };
    tokio::spawn(deliver(wake.clone(), hints, post));
    let start = Instant::now();
    wake.send(Hint::Notified("/a".to_owned()))
        .expect("wakes are delivered");
    let expected = ("/a".to_owned(), "wake");
    assert_eq!(called.recv().await.as_ref(), Some(&expected));
    assert_eq!(called.recv().await.as_ref(), Some(&expected));
    assert!(start.elapsed() >= WRITERS_SHARE);
    wake.send(Hint::Again("/b".to_owned()))
        .expect("wakes are delivered");
    let next = called.recv().await.expect("a call is made");
    assert_eq!(next.0, "/b", "the second call is followed by none");
}
