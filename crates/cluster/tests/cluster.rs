//! Starts real servers; a machine without PostgreSQL fails here with the command that installs it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use baton_cluster::{Cluster, Options};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// A folder that the server's user reaches, also when root runs the tests.
fn folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("baton-cluster-")
        .tempdir_in("/tmp")
        .expect("/tmp is writable");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755))
        .expect("the folder is ours");
    folder
}

async fn start(folder: &TempDir) -> Cluster {
    start_with(folder, &[]).await
}

async fn start_with(folder: &TempDir, settings: &[(&str, &str)]) -> Cluster {
    let settings = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let options = Options {
        settings,
        ..Options::default()
    };
    Cluster::start(&folder.path().join("postgres"), options)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn connect(cluster: &Cluster) -> Client {
    let (client, connection) = tokio_postgres::connect(&cluster.owner_url("postgres"), NoTls)
        .await
        .expect("the server answers");
    tokio::spawn(connection);
    client
}

async fn ask(cluster: &Cluster, query: &str) -> String {
    let row = connect(cluster).await.query_one(query, &[]).await;
    row.expect("the query runs").get(0)
}

async fn stop(cluster: Cluster) {
    cluster
        .stop()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_cluster_starts_is_joined_and_stops() {
    let folder = folder();
    let first = start_with(&folder, &[("application_name", "it's \\ here")]).await;
    assert!(!first.joined());
    assert_eq!(ask(&first, "show data_checksums").await, "on");
    assert_eq!(ask(&first, "show server_encoding").await, "UTF8");
    assert_eq!(ask(&first, "show listen_addresses").await, "127.0.0.1");
    assert_eq!(
        ask(
            &first,
            "select reset_val from pg_settings where name = 'application_name'"
        )
        .await,
        "it's \\ here"
    );

    let second = start(&folder).await;
    assert!(second.joined());
    assert_eq!(second.port(), first.port());
    drop(second);
    assert_eq!(ask(&first, "select 'still there'").await, "still there");

    let url = first.owner_url("postgres");
    stop(start(&folder).await).await;
    assert!(tokio_postgres::connect(&url, NoTls).await.is_err());
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let folder = folder();
    let cluster = start(&folder).await;
    let url = format!(
        "postgres://postgres:guess@127.0.0.1:{}/postgres",
        cluster.port()
    );
    let refused = tokio_postgres::connect(&url, NoTls).await;
    let code = refused.err().and_then(|error| error.code().cloned());
    assert_eq!(
        code,
        Some(tokio_postgres::error::SqlState::INVALID_PASSWORD)
    );
    let mode = std::fs::metadata(folder.path().join("postgres/password"))
        .expect("the password is kept")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    stop(cluster).await;
}

#[tokio::test]
async fn data_and_port_survive_a_crash() {
    let folder = folder();
    let mut cluster = start(&folder).await;
    let port = cluster.port();
    connect(&cluster)
        .await
        .batch_execute("create table kept as select 'kept' as word")
        .await
        .expect("the owner may create");
    cluster.kill_immediate().await.expect("it was running");
    cluster
        .restart()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ask(&cluster, "select word from kept").await, "kept");
    assert_eq!(cluster.port(), port);
    stop(cluster).await;
}

#[tokio::test]
async fn a_lock_file_that_names_a_stranger_is_no_running_server() {
    let folder = folder();
    let mut cluster = start(&folder).await;
    let lock_file = folder.path().join("postgres/data/postmaster.pid");
    let text = std::fs::read_to_string(&lock_file).expect("it is running");
    cluster.kill_immediate().await.expect("it was running");
    let (_pid, rest) = text.split_once('\n').expect("it has lines");
    // This very process is alive, and no server.
    std::fs::write(&lock_file, format!("{}\n{rest}", std::process::id())).expect("it is writable");
    cluster
        .restart()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    stop(cluster).await;
}

#[tokio::test]
async fn another_port_is_chosen_when_the_old_one_is_taken() {
    let folder = folder();
    let cluster = start(&folder).await;
    let port = cluster.port();
    stop(cluster).await;
    let _thief = std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let cluster = start(&folder).await;
    assert_ne!(cluster.port(), port);
    stop(cluster).await;
}

#[tokio::test]
async fn of_two_starts_at_once_one_makes_the_cluster_and_one_joins_it() {
    let folder = folder();
    let (one, other) = tokio::join!(start(&folder), start(&folder));
    assert!(one.joined() != other.joined());
    assert_eq!(one.port(), other.port());
    stop(one).await;
    stop(other).await;
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let folder = folder();
    let options = Options {
        settings: vec![("max_connections".to_owned(), "many".to_owned())],
        ..Options::default()
    };
    let Err(error) = Cluster::start(&folder.path().join("postgres"), options).await else {
        panic!("started with a setting that makes no sense");
    };
    assert!(error.to_string().contains("max_connections"), "{error}");
}
