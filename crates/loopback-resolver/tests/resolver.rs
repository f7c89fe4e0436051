//! Asks over a plain socket, so that what is tested is what is on the wire.

use std::time::Duration;

use baton_loopback_resolver::LoopbackResolver;
use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn start() -> LoopbackResolver {
    LoopbackResolver::start().await.expect("a port is free")
}

/// Sends one question and returns the HTTP status and the body.
async fn post(url: String, name: String, record_type: RecordType) -> (u16, Vec<u8>) {
    let mut query = Message::new(7, hickory_proto::op::MessageType::Query, OpCode::Query);
    let name = Name::from_ascii(name).expect("the test gives a name");
    query.add_query(Query::query(name, record_type));
    let body = query.to_vec().expect("a query is small");
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let head = format!(
        "POST /dns-query HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/dns-message\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    stream.write_all(&body).await.expect("it reads");
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.expect("it answers");
    let end = response
        .windows(4)
        .position(|it| it == b"\r\n\r\n")
        .expect("the head has an end");
    let head = String::from_utf8_lossy(&response[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    (
        status.expect("it has a status"),
        response[end + 4..].to_vec(),
    )
}

async fn ask(resolver: &LoopbackResolver, name: &str, record_type: RecordType) -> Message {
    let (status, body) = post(resolver.url(), name.to_owned(), record_type).await;
    assert_eq!(status, 200);
    Message::from_vec(&body).expect("the body is a DNS message")
}

#[tokio::test]
async fn the_beginning_of_a_name_decides_its_answer() {
    let resolver = start().await;
    let found = ask(&resolver, "Example.test.", RecordType::MX).await;
    let exchange = found.answers.first().map(|it| (it.ttl, it.data.clone()));
    let Some((300, RData::MX(mx))) = exchange else {
        panic!("expected one MX record, got {exchange:?}");
    };
    assert_eq!(
        (mx.preference, mx.exchange.to_ascii().to_lowercase()),
        (10, "mail.example.test.".to_owned())
    );

    let null = ask(&resolver, "null1.test.", RecordType::MX).await;
    let data = null.answers.first().map(|it| it.data.to_string());
    assert_eq!(data.as_deref(), Some("0 ."));

    let absent = ask(&resolver, "nx1.test.", RecordType::MX).await;
    assert_eq!(absent.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(absent.authorities.len(), 1);

    let broken = ask(&resolver, "servfail.test.", RecordType::MX).await;
    assert_eq!(broken.metadata.response_code, ResponseCode::ServFail);

    for record_type in [RecordType::MX, RecordType::A, RecordType::AAAA] {
        let nothing = ask(&resolver, "noa.test.", record_type).await;
        assert_eq!(nothing.metadata.response_code, ResponseCode::NoError);
        assert!(nothing.answers.is_empty());
    }
    assert_eq!(resolver.asked("example.test"), 1);
    assert_eq!(resolver.asked("noa.test"), 3);
    assert_eq!(resolver.asked_in_all(), 7);
}

#[tokio::test]
async fn requests_wait_until_they_are_released() {
    let resolver = start().await;
    resolver.hold();
    let one = tokio::spawn(post(resolver.url(), "a.test.".to_owned(), RecordType::MX));
    let two = tokio::spawn(post(resolver.url(), "b.test.".to_owned(), RecordType::MX));
    tokio::time::timeout(Duration::from_secs(10), resolver.until_waiting(2))
        .await
        .expect("both arrive");
    assert!(!one.is_finished() && !two.is_finished());
    resolver.release();
    assert_eq!(one.await.expect("it was answered").0, 200);
    assert_eq!(two.await.expect("it was answered").0, 200);
    assert_eq!(resolver.waiting(), 0);
}

#[tokio::test]
async fn it_fails_on_demand_and_recovers() {
    let resolver = start().await;
    resolver.fail_with(Some(503));
    let (status, body) = post(resolver.url(), "a.test.".to_owned(), RecordType::MX).await;
    assert_eq!((status, body.len()), (503, 0));
    resolver.fail_with(None);
    assert_eq!(
        ask(&resolver, "a.test.", RecordType::MX)
            .await
            .answers
            .len(),
        1
    );
    assert_eq!(resolver.asked("a.test"), 2);
}

#[tokio::test]
async fn its_end_is_the_end_of_its_socket_and_of_all_connections() {
    let resolver = start().await;
    let address = resolver.url().trim_start_matches("http://").to_owned();
    let mut idle = TcpStream::connect(&address).await.expect("it listens");
    idle.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .expect("it reads");
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.expect("it answers");
    assert_eq!(&answer, b"HTTP/1.1 404");
    resolver.hold();
    let held = tokio::spawn(post(resolver.url(), "a.test.".to_owned(), RecordType::MX));
    tokio::time::timeout(Duration::from_secs(10), async {
        resolver.until_waiting(1).await;
        drop(resolver);
        idle.read_to_end(&mut Vec::new()).await.expect("it ends");
        assert!(held.await.is_err(), "there is no answer");
        while TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("everything ends");
}
