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

/// Writers close behind a notification send none, so a call that came before them is followed by another one.
#[tokio::test]
async fn a_notified_path_is_called_once_more_after_a_second() {
    let (wake, mut called) = delivering();
    let start = Instant::now();
    wake.send(Hint::Notified("/a".to_owned()))
        .expect("wakes are delivered");
    assert_eq!(called.recv().await.as_deref(), Some("/a"));
    assert_eq!(called.recv().await.as_deref(), Some("/a"));
    assert!(start.elapsed() >= LOOKS[1]);
    wake.send(Hint::Again("/b".to_owned()))
        .expect("wakes are delivered");
    let next = called.recv().await;
    assert_eq!(
        next.as_deref(),
        Some("/b"),
        "the second call is followed by none"
    );
}

#[tokio::test]
async fn a_path_that_is_notified_in_close_succession_is_called_soon_after_and_after_a_second() {
    let (wake, mut called) = delivering();
    for _ in 0..2 {
        wake.send(Hint::Notified("/a".to_owned()))
            .expect("wakes are delivered");
        assert_eq!(called.recv().await.as_deref(), Some("/a"));
    }
    let last = Instant::now();
    assert_eq!(called.recv().await.as_deref(), Some("/a"));
    assert!(last.elapsed() < LOOKS[1]);
    assert_eq!(called.recv().await.as_deref(), Some("/a"));
    assert!(last.elapsed() + CLOSE >= LOOKS[1]);
}

#[tokio::test]
async fn a_path_that_was_notified_since_needs_no_look_for_those_before() {
    let (wake, mut called) = delivering();
    let before = Instant::now();
    wake.send(Hint::Notified("/a".to_owned()))
        .expect("wakes are delivered");
    assert_eq!(called.recv().await.as_deref(), Some("/a"));
    for hint in [
        Hint::Behind("/a".to_owned(), before),
        Hint::Again("/b".to_owned()),
    ] {
        wake.send(hint).expect("wakes are delivered");
    }
    assert_eq!(called.recv().await.as_deref(), Some("/b"));
}

/// A deliverer whose calls find nothing more, and the paths that it calls.
fn delivering() -> (mpsc::UnboundedSender<Hint>, mpsc::UnboundedReceiver<String>) {
    let (wake, hints) = mpsc::unbounded_channel();
    let (call, called) = mpsc::unbounded_channel();
    let post = move |path: String, _| {
        call.send(path).expect("the test listens");
        async { Ok((200, Bytes::from(r#"{"status":"ran","again":false}"#))) }
    };
    tokio::spawn(deliver(wake.clone(), hints, post));
    (wake, called)
}
