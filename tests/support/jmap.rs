//! A private Cyrus server on 127.0.0.1 that speaks JMAP, with one user and generated messages.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use outbound::authorization;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::app::post_with;
use super::daemon::{Daemon, StateDir, free_ports, program};

/// The one user, whose name is the id of the account, too.
pub(crate) const USER: &str = "alice";
/// The user's password.
pub(crate) const PASSWORD: &str = "wonderland & beyond";

/// Where Debian's packages put the programs.
const PROGRAMS: &str = "/usr/lib/cyrus/bin";

/// Cyrus insists on knowing by name who it runs as, and on a password file that is this user's.
/// A session of its own, because the master sends signals to its whole process group.
const START: &str = r#"
    umask 077 && mkdir "$1" && cd "$1" &&
    mkdir -p conf/db conf/proc conf/lock conf/socket conf/log conf/user conf/quota spool sieve &&
    echo "cyrus_user: $(id -un)" | cat - "$2" >imapd.conf &&
    printf %s "$4" | "$5" -p -c -f conf/sasldb2 -u localhost "$3" &&
    exec setsid "$6" -C imapd.conf -M "$7" -p "$1/master.pid""#;

/// A running server; dropping it ends it.
pub(crate) struct Jmap {
    port: u16,
    inbox: String,
    // Dropped in this order: the server first, then its state.
    _cyrus: Daemon,
    _config: StateDir,
    _state: TempDir,
}

impl Jmap {
    /// Starts a server whose inbox has the messages 1 to `messages`; the odd ones are read.
    pub(crate) async fn start(messages: usize) -> anyhow::Result<Jmap> {
        let [port, imap_port] = free_ports()?;
        let config = StateDir::new(&["nobody"])?;
        let state = state_dir()?;
        let folder = state.path().join("cyrus");
        let imapd_conf = config.write("imapd.conf", &imapd_conf(&folder))?;
        let cyrus_conf = cyrus_conf(&folder, port, imap_port)?;
        let cyrus_conf = config.write("cyrus.conf", &cyrus_conf)?;
        let [saslpasswd, master] = [program("saslpasswd2")?, cyrus("master")?];
        let paths = [&folder, &imapd_conf, &saslpasswd, &master, &cyrus_conf];
        let [folder, imapd_conf, saslpasswd, master, cyrus_conf] = text(paths)?;
        let args = ["-c", START, "sh", folder, imapd_conf, USER, PASSWORD];
        let args = [&args[..], &[saslpasswd, master, cyrus_conf]].concat();
        let mut cyrus = Daemon::start("cyrus", Path::new("/bin/sh"), &args, &config)?;
        // The first login makes the mailboxes.
        cyrus.until_ready(async || log_in(imap_port).await).await?;
        let mut jmap = Jmap {
            port,
            inbox: String::new(),
            _cyrus: cyrus,
            _config: config,
            _state: state,
        };
        let filter = json!({ "filter": { "role": "inbox" } });
        let found = jmap.call("Mailbox/query", filter).await?;
        let inbox = found["ids"][0].as_str();
        jmap.inbox = inbox.context("there is no inbox")?.to_owned();
        jmap.add(1..=messages).await?;
        Ok(jmap)
    }

    /// The URL of the session.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/jmap/", self.port)
    }

    /// Adds messages with these numbers; the answer is their ids.
    pub(crate) async fn add(
        &self,
        numbers: impl IntoIterator<Item = usize>,
    ) -> anyhow::Result<Vec<String>> {
        let create: Map<String, Value> = numbers
            .into_iter()
            .map(|it| (format!("c{it}"), self.message(it)))
            .collect();
        let n = create.len();
        let set = self.call("Email/set", json!({ "create": create })).await?;
        let created = set["created"].as_object().into_iter().flatten();
        let ids: Vec<String> = created
            .filter_map(|(_, it)| Some(it["id"].as_str()?.to_owned()))
            .collect();
        ensure!(ids.len() == n, "{} of {n} were added: {set}", ids.len());
        Ok(ids)
    }

    /// Sets a keyword on a message.
    pub(crate) async fn flag(&self, id: &str, keyword: &str) -> anyhow::Result<()> {
        let update = json!({ id: { format!("keywords/{keyword}"): true } });
        let set = self.call("Email/set", json!({ "update": update })).await?;
        ensure!(set["updated"].get(id).is_some(), "not updated: {set}");
        Ok(())
    }

    /// Destroys messages.
    pub(crate) async fn destroy(&self, ids: &[&str]) -> anyhow::Result<()> {
        let set = self.call("Email/set", json!({ "destroy": ids })).await?;
        ensure!(set["destroyed"] == json!(ids), "not destroyed: {set}");
        Ok(())
    }

    fn message(&self, number: usize) -> Value {
        let seconds = number * 60;
        let at = format!(
            "2024-01-01T{:02}:{:02}:00Z",
            seconds / 3600 % 24,
            seconds / 60 % 60
        );
        let keywords = match number % 2 {
            0 => json!({}),
            _ => json!({ "$seen": true }),
        };
        let body = json!({ "value": format!("The body of message {number}.\n") });
        json!({
            "mailboxIds": { &self.inbox: true },
            "keywords": keywords,
            "receivedAt": at,
            "sentAt": at,
            "messageId": [format!("m{number}@example.org")],
            "from": [{ "name": format!("Sender {}", number % 7), "email": format!("sender{}@example.org", number % 7) }],
            "to": [{ "name": null, "email": "alice@example.org" }],
            "subject": format!("Message {number}"),
            "bodyValues": { "text": body },
            "textBody": [{ "partId": "text", "type": "text/plain" }],
        })
    }

    async fn call(&self, method: &str, mut arguments: Value) -> anyhow::Result<Value> {
        arguments["accountId"] = USER.into();
        let body = json!({
            "using": ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"],
            "methodCalls": [[method, arguments, "0"]],
        });
        let credentials = authorization(Some(USER), Some(PASSWORD)).context("no credentials")?;
        let headers = [
            ("authorization", credentials.as_str()),
            ("content-type", "application/json"),
        ];
        let (status, mut answer) = post_with(&self.url(), &headers, &body.to_string()).await?;
        let mut response = answer["methodResponses"][0].take();
        ensure!(response[0] == method, "{method}: {status} {response}");
        Ok(response[1].take())
    }
}

/// On a file system in memory where there is one, because mail servers wait for the disk.
/// Whatever user the server runs as makes its folder in it.
fn state_dir() -> anyhow::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let dir = tempfile::Builder::new()
        .prefix("baton-test-")
        .permissions(Permissions::from_mode(0o1777))
        .tempdir_in(root)?;
    // The mask of this process does not count.
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o1777))?;
    Ok(dir)
}

fn cyrus(name: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(PROGRAMS).join(name);
    ensure!(
        path.is_file(),
        "Cyrus ({}) is not installed; `scripts/setup --tests` installs it",
        path.display()
    );
    Ok(path)
}

fn text<const N: usize>(paths: [&PathBuf; N]) -> anyhow::Result<[&str; N]> {
    let mut texts = [""; N];
    for (text, path) in texts.iter_mut().zip(paths) {
        *text = path.to_str().context("a path that is not UTF-8")?;
    }
    Ok(texts)
}

fn imapd_conf(folder: &Path) -> String {
    let folder = folder.display();
    let mut conf = String::new();
    for line in [
        format!("configdirectory: {folder}/conf"),
        format!("partition-default: {folder}/spool"),
        format!("sievedir: {folder}/sieve"),
        format!("sasl_sasldb_path: {folder}/conf/sasldb2"),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(conf, "{line}");
    }
    // Destroyed messages are remembered only in the delayed mode, and changes tell of them.
    conf + "defaultpartition: default\n\
        servername: localhost\n\
        unixhierarchysep: yes\n\
        altnamespace: yes\n\
        virtdomains: off\n\
        allowplaintext: yes\n\
        sasl_pwcheck_method: auxprop\n\
        sasl_auxprop_plugin: sasldb\n\
        sasl_mech_list: PLAIN\n\
        autocreate_quota: 0\n\
        httpmodules: jmap\n\
        conversations: yes\n\
        conversations_db: twoskip\n\
        expunge_mode: delayed\n\
        delete_mode: delayed\n\
        skiplist_unsafe: yes\n"
}

/// The services end with the master, however that ends.
fn cyrus_conf(folder: &Path, port: u16, imap_port: u16) -> anyhow::Result<String> {
    let conf = format!("-C {}/imapd.conf", folder.display());
    let service = |program: &str| {
        let (setpriv, path) = (super::daemon::program("setpriv")?, cyrus(program)?);
        let (setpriv, path) = (setpriv.display(), path.display());
        anyhow::Ok(format!("{setpriv} --pdeathsig KILL {path} {conf}"))
    };
    let (imapd, httpd) = (service("imapd")?, service("httpd")?);
    let recover = cyrus("ctl_cyrusdb")?.display().to_string();
    Ok(format!(
        "START {{\n\
           recover cmd=\"{recover} {conf} -r\"\n\
         }}\n\
         SERVICES {{\n\
           imap cmd=\"{imapd}\" listen=\"127.0.0.1:{imap_port}\" prefork=0 proto=\"tcp4\"\n\
           http cmd=\"{httpd}\" listen=\"127.0.0.1:{port}\" prefork=1 proto=\"tcp4\"\n\
         }}\n"
    ))
}

/// Logs in by IMAP.
async fn log_in(imap_port: u16) -> anyhow::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", imap_port)).await?);
    let command = format!("1 LOGIN {USER} \"{PASSWORD}\"\r\n2 LOGOUT\r\n");
    stream.write_all(command.as_bytes()).await?;
    let mut line = String::new();
    while !line.starts_with("1 ") {
        line.clear();
        ensure!(stream.read_line(&mut line).await? > 0, "no answer to LOGIN");
    }
    ensure!(line.starts_with("1 OK"), "{}", line.trim());
    Ok(())
}
