use std::time::Duration;

use baton_loopback_sms::{AUTH_TOKEN, Fault, NUMBER};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::sms::{ANN, BOB, PATH, credentials, form, send, start};
use super::wire::ask;

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn what_hangs_waits_until_its_client_goes() {
    for (fault, kept) in [(Fault::AcceptThenHang, 1), (Fault::Hang, 0)] {
        let sms = start().await;
        sms.misbehave(None, fault);
        let client = tokio::spawn({
            let url = sms.url();
            let line = format!("POST {PATH}.json");
            let headers =
                credentials(AUTH_TOKEN) + "content-type: application/x-www-form-urlencoded\r\n";
            let body = form(&[("To", ANN), ("From", NUMBER), ("Body", "x")]);
            async move { ask(&url, &line, &headers, &body).await }
        });
        timeout(PATIENCE, sms.until_waiting(1))
            .await
            .expect("it arrives");
        sms.release();
        sms.heal();
        assert_eq!((sms.sent_to(ANN), sms.waiting()), (kept, 1));
        client.abort();
        let gone = async {
            while sms.waiting() > 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, gone).await.expect("it notices");
    }
}

#[tokio::test]
async fn requests_wait_until_they_are_released() {
    let sms = start().await;
    sms.hold();
    let (answers, ()) = tokio::join!(
        async { tokio::join!(send(&sms, ANN), send(&sms, BOB)) },
        async {
            timeout(PATIENCE, sms.until_waiting(2))
                .await
                .expect("both arrive");
            assert_eq!(sms.messages().len(), 2);
            sms.release();
        }
    );
    assert_eq!(answers.0.expect("it answers").status, 201);
    assert_eq!(answers.1.expect("it answers").status, 201);
    assert_eq!((sms.waiting(), sms.most_at_once()), (0, 2));
}

#[tokio::test]
async fn a_thousand_messages_go_through_one_connection_without_delay() {
    let sms = start().await;
    let url = sms.url();
    let stream = TcpStream::connect(url.trim_start_matches("http://")).await;
    let mut stream = BufReader::new(stream.expect("it listens"));
    let body = form(&[("To", ANN), ("From", NUMBER), ("Body", "x")]);
    let request = format!(
        "POST {PATH}.json HTTP/1.1\r\nhost: localhost\r\n{}\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        credentials(AUTH_TOKEN),
        body.len()
    );
    let all = async {
        for _ in 0..1_000 {
            stream.write_all(request.as_bytes()).await?;
            let (mut line, mut length) = (String::new(), 0);
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).await?;
                if let Some(it) = line.strip_prefix("content-length: ") {
                    length = it.trim().parse().unwrap_or(0);
                }
            }
            stream.read_exact(&mut vec![0; length]).await?;
        }
        std::io::Result::Ok(())
    };
    // With 40 ms for each it would take 40 s.
    let done = timeout(PATIENCE, all).await.expect("it is fast");
    done.expect("the connection lasts");
    assert_eq!(sms.sent_to(ANN), 1_000);
}

#[tokio::test]
async fn its_end_is_the_end_of_its_socket_and_of_all_connections() {
    let sms = start().await;
    let url = sms.url();
    sms.misbehave(Some(BOB), Fault::Hang);
    let idle = TcpStream::connect(url.trim_start_matches("http://")).await;
    let mut idle = idle.expect("it listens");
    sms.hold();
    let headers = credentials(AUTH_TOKEN) + "content-type: application/x-www-form-urlencoded\r\n";
    let line = format!("POST {PATH}.json");
    let [held, silent] = [ANN, BOB].map(|to| {
        let body = form(&[("To", to), ("From", NUMBER), ("Body", "x")]);
        let (url, line, headers) = (url.clone(), line.clone(), headers.clone());
        tokio::spawn(async move { ask(&url, &line, &headers, &body).await.is_some() })
    });
    let all = async {
        sms.until_waiting(2).await;
        drop(sms);
        let answered = (held.await, silent.await);
        assert!(matches!(answered, (Ok(false), Ok(false))), "{answered:?}");
        idle.read_to_end(&mut Vec::new()).await.expect("it ends");
        while TcpStream::connect(url.trim_start_matches("http://"))
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, all).await.expect("everything ends");
}
