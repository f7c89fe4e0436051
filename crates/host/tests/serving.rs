//! The host with tiny components written as text: what it refuses to load, and how it fares with guests that misbehave.

use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_host::{Config, Error, Running};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers nothing by itself: `{body}` is what the handler does.
const HANDLER: &str = r#"
(component
  (import "wasi:http/types@0.2.0" (instance $types
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $outparam))
  (core module $module
    (memory 1)
    (func (export "handle") (param i32 i32) {body}))
  (core instance $instance (instantiate $module))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $instance "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))
"#;

const TRAP: &str = "unreachable";
const BUSY: &str = "(loop (br 0))";
const GREEDY: &str = "(drop (memory.grow (i32.const 100)))";

/// Writes an application of one component `guest` with the given source into a folder of the test's own.
fn application(test: &str, component: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&folder).expect("the target folder is writable");
    let component = wat::parse_str(component).expect("the guest is well-formed");
    std::fs::write(folder.join("guest.wasm"), component).expect("the target folder is writable");
    let manifest = r#"
spin_manifest_version = 2
[application]
name = "test"
[[trigger.http]]
route = "/guest/..."
component = "guest"
[component.guest]
source = "guest.wasm"
"#;
    let path = folder.join("spin.toml");
    std::fs::write(&path, manifest).expect("the target folder is writable");
    path
}

fn config(test: &str, component: &str) -> Config {
    let listen = "127.0.0.1:0".parse().expect("an address");
    Config::new(application(test, component), listen)
}

async fn start(test: &str, body: &str) -> Running {
    let mut config = config(test, &HANDLER.replace("{body}", body));
    config.request_deadline = Duration::from_millis(500);
    config.memory_limit = 1 << 20;
    baton_host::start(config)
        .await
        .expect("the application is valid")
}

/// Sends a request and returns the status.
async fn post(host: &Running, path: &str, body: &[u8]) -> u16 {
    let exchange = async {
        let mut stream = TcpStream::connect(host.local_addr()).await?;
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        // A request that is refused by its size is not read to its end.
        _ = stream.write_all(body).await;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&status[9..]).into_owned())
    };
    let status = tokio::time::timeout(Duration::from_secs(20), exchange).await;
    let status = status.expect("an answer in time").expect("an answer");
    status.parse().expect("a status")
}

#[tokio::test]
async fn an_import_that_the_host_lacks_is_named_at_start() {
    let component = r#"
(component
  (import "spin:redis/redis@3.0.0" (instance (export "ping" (func)))))
"#;
    let config = config("an_import_that_the_host_lacks_is_named_at_start", component);
    match baton_host::start(config).await {
        Err(Error::Component { component, message }) => {
            assert_eq!(component, "guest");
            assert!(message.contains("spin:redis/redis@3.0.0"), "{message}");
        }
        Err(err) => panic!("another error: {err}"),
        Ok(_) => panic!("the import was accepted"),
    }
}

#[tokio::test]
async fn a_component_without_a_handler_is_refused() {
    let config = config("a_component_without_a_handler_is_refused", "(component)");
    let err = baton_host::start(config).await.err().expect("a refusal");
    assert!(err.to_string().contains("wasi:http/handler"), "{err}");
}

#[tokio::test]
async fn a_missing_component_is_named() {
    let mut config = config("a_missing_component_is_named", "(component)");
    let manifest = std::fs::read_to_string(&config.manifest).expect("just written");
    config.manifest.set_file_name("other.toml");
    std::fs::write(
        &config.manifest,
        manifest.replace("guest.wasm", "absent.wasm"),
    )
    .expect("the target folder is writable");
    let err = baton_host::start(config).await.err().expect("a refusal");
    assert!(err.to_string().contains("absent.wasm"), "{err}");
}

#[tokio::test]
async fn a_trap_costs_the_request_and_the_instance_only() {
    let host = start("a_trap_costs_the_request_and_the_instance_only", TRAP).await;
    assert_eq!(post(&host, "/guest/a", b"").await, 500);
    assert_eq!(post(&host, "/guest/b", b"").await, 500);
    let stats = host.stats();
    assert_eq!((stats.requests, stats.instances, stats.traps), (2, 2, 2));
    assert_eq!(stats.deadlines, 0);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_computes_without_end_is_cut_off() {
    let host = start("a_guest_that_computes_without_end_is_cut_off", BUSY).await;
    let requests = (0..4).map(|_| post(&host, "/guest/", b""));
    let statuses = futures::future::join_all(requests).await;
    assert_eq!(statuses, [504; 4]);
    let stats = host.stats();
    assert_eq!((stats.deadlines, stats.traps), (4, 0));
    host.stop().await;
}

#[tokio::test]
async fn a_guest_that_wants_too_much_memory_traps() {
    let host = start("a_guest_that_wants_too_much_memory_traps", GREEDY).await;
    assert_eq!(post(&host, "/guest/", b"").await, 500);
    assert_eq!(host.stats().traps, 1);
    host.stop().await;
}

#[tokio::test]
async fn a_path_without_a_route_and_a_body_too_large_reach_no_component() {
    let test = "a_path_without_a_route_and_a_body_too_large_reach_no_component";
    let host = start(test, TRAP).await;
    assert_eq!(post(&host, "/elsewhere", b"").await, 404);
    assert_eq!(post(&host, "/guest/", &vec![0; (64 << 10) + 1]).await, 413);
    assert_eq!(post(&host, "/guest/", &vec![0; 1 << 20]).await, 413);
    assert_eq!(host.stats().requests, 0);
    assert_eq!(post(&host, "/guest/", &vec![0; 64 << 10]).await, 500);
    assert_eq!(host.stats().requests, 1, "the largest body allowed");
    host.stop().await;
}

/// Connects so many times and sends nothing.
async fn connect_idle(host: &Running, n: usize) -> Vec<TcpStream> {
    let connections = (0..n).map(|_| TcpStream::connect(host.local_addr()));
    let connections = futures::future::try_join_all(connections).await;
    connections.expect("the listener takes them")
}

#[tokio::test]
async fn idle_connections_stop_no_request() {
    let host = start("idle_connections_stop_no_request", TRAP).await;
    let idle = connect_idle(&host, 300).await;
    assert_eq!(post(&host, "/guest/", b"").await, 500);
    drop(idle);
    host.stop().await;
}

#[tokio::test]
async fn clients_beyond_the_limit_wait_and_calls_in_process_do_not() {
    let test = "clients_beyond_the_limit_wait_and_calls_in_process_do_not";
    let mut config = config(test, &HANDLER.replace("{body}", TRAP));
    config.max_clients = 2;
    let host = baton_host::start(config)
        .await
        .expect("the application is valid");
    let idle = connect_idle(&host, 2).await;
    let mut third = Box::pin(post(&host, "/guest/", b""));
    let caller = host.caller();
    tokio::select! {
        status = &mut third => panic!("answered with {status} beyond the limit"),
        called = caller.post("/guest/tick", "key", "{}".to_owned()) => {
            assert_eq!(called.map(|(status, _)| status), Ok(500));
        }
    }
    drop(idle);
    assert_eq!(third.await, 500);
    host.stop().await;
}

#[tokio::test]
async fn a_client_that_sends_no_request_is_disconnected() {
    let host = start("a_client_that_sends_no_request_is_disconnected", TRAP).await;
    let mut idle = connect_idle(&host, 1).await;
    let mut byte = [0; 1];
    let closed = idle[0].read(&mut byte);
    let closed = tokio::time::timeout(Duration::from_secs(15), closed).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    host.stop().await;
}

#[tokio::test]
async fn a_stopped_host_accepts_nothing() {
    let host = start("a_stopped_host_accepts_nothing", TRAP).await;
    let address = host.local_addr();
    host.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_running_host_takes_variables_that_its_manifest_declares_and_no_others() {
    let mut config = config(
        "a_running_host_takes_variables_that_its_manifest_declares_and_no_others",
        &HANDLER.replace("{body}", TRAP),
    );
    let manifest = std::fs::read_to_string(&config.manifest).expect("just written");
    let declared = format!("{manifest}[variables]\nkey = {{ required = true }}\n");
    std::fs::write(&config.manifest, declared).expect("the target folder is writable");
    config.variables.insert("key".to_owned(), "one".to_owned());
    let host = baton_host::start(config)
        .await
        .expect("the application is valid");
    assert!(host.set_variable("key", "two").is_ok());
    let err = host.set_variable("kye", "two").expect_err("a refusal");
    assert!(err.to_string().contains("kye"), "{err}");
    host.stop().await;
}
