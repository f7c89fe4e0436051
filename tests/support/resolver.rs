//! BIND behind dnsdist: a real resolver that speaks DNS over HTTPS (RFC 8484, HTTP/1.1 and HTTP/2, without TLS),
//! and asks nobody.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::daemon::{Daemon, StateDir, free_ports, program};

/// A query for the MX records of `mx.test` with id 0 (RFC 1035, section 4.1).
const PROBE: &[u8] = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x02mx\x04test\0\0\x0f\0\x01";

/// The zone `test`:
///
/// | name | answer |
/// | --- | --- |
/// | `mx` | two MX records, and an address |
/// | `nullmx` | MX `0 .` (RFC 7505), and an address |
/// | `a-only`, `aaaa-only` | an address (implicit MX) |
/// | `nomail` | exists, without MX or address |
/// | `alias` | CNAME to `mx` |
/// | `deadmx` | MX to a name that does not exist |
/// | `localmx`, `ipmx`, `private` | what can be no mail host |
/// | `manymx` | 40 MX records, about 2 kB |
/// | `d0001` … `d0999` | one MX record each |
/// | `*.many` | one MX record |
/// | `servfail` | SERVFAIL |
/// | any other | NXDOMAIN |
///
/// Names outside `test` get SERVFAIL.
const ZONE: &str = r#"$ORIGIN test.
$TTL 60
@          SOA   ns.test. hostmaster.test. 1 3600 600 86400 5
           NS    ns.test.
ns         A     127.0.0.1
mx         MX    10 mail1.test.
           MX    20 mail2.test.
           A     192.0.2.10
mail1      A     192.0.2.1
mail2      A     192.0.2.2
           AAAA  2001:db8::2
nullmx     MX    0 .
           A     192.0.2.11
a-only     A     192.0.2.12
aaaa-only  AAAA  2001:db8::12
nomail     TXT   "no address and no mail exchanger"
alias      CNAME mx.test.
deadmx     MX    10 missing.test.
localmx    MX    10 localhost.
ipmx       MX    10 203.0.113.25.
private    A     10.0.0.5
*.many     MX    10 mail1.test.
"#;

/// A running resolver; dropping it ends both servers.
pub(crate) struct Resolver {
    doh_port: u16,
    // Dropped in this order: servers first, then their state.
    _dnsdist: Daemon,
    _named: Daemon,
    _state: StateDir,
}

impl Resolver {
    /// Starts both servers on free ports and waits for a true answer through both.
    pub(crate) async fn start() -> anyhow::Result<Resolver> {
        let state = StateDir::new(&["bind", "named"])?;
        let [dns_port, doh_port, plain_port] = free_ports()?;

        state.write("test.zone", &zone())?;
        let conf = state.write("named.conf", &named_conf(state.path(), dns_port))?;
        let named = Daemon::start(
            "named",
            &unconfined(&program("named")?, &state)?,
            &["-g", "-n", "1", "-c", utf8(&conf)?],
            &state,
        )?;

        let conf = state.write(
            "dnsdist.conf",
            &dnsdist_conf(dns_port, doh_port, plain_port),
        )?;
        let mut dnsdist = Daemon::start(
            "dnsdist",
            &program("dnsdist")?,
            &["--supervised", "--disable-syslog", "-C", utf8(&conf)?],
            &state,
        )?;
        dnsdist.until_ready(async || probe(doh_port).await).await?;
        Ok(Resolver {
            doh_port,
            _dnsdist: dnsdist,
            _named: named,
            _state: state,
        })
    }

    /// `http://127.0.0.1:<port>`, without the path, which is `/dns-query`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.doh_port)
    }
}

fn zone() -> String {
    let mut zone = ZONE.to_owned();
    // Writing to a string cannot fail.
    for i in 1..=40 {
        let _ = writeln!(
            zone,
            "manymx MX {i} a-rather-long-mail-exchanger-name-{i}.test."
        );
    }
    for i in 1..1000 {
        let _ = writeln!(zone, "d{i:04} MX 10 mail1.test.");
    }
    zone
}

fn named_conf(state: &Path, port: u16) -> String {
    let state = state.display();
    format!(
        r#"options {{
  directory "{state}";
  pid-file "{state}/named.pid";
  session-keyfile "{state}/session.key";
  managed-keys-directory "{state}";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  // A resolver as clients see it, which finds nobody to ask.
  recursion yes;
  allow-recursion {{ 127.0.0.1; }};
  forward only;
  forwarders {{ 127.0.0.1 port 1; }};
  resolver-query-timeout 1000;
  dnssec-validation no;
  notify no;
  check-integrity no;
  max-cache-size 16M;
}};
controls {{ }};
zone "test" {{ type primary; file "test.zone"; }};
// A zone whose file is missing: BIND answers SERVFAIL for it.
zone "servfail.test" {{ type primary; file "missing.zone"; }};
"#
    )
}

fn dnsdist_conf(dns_port: u16, doh_port: u16, plain_port: u16) -> String {
    format!(
        r#"setSecurityPollSuffix("") -- No version check over the network.
setACL("127.0.0.0/8")
setLocal("127.0.0.1:{plain_port}") -- It insists on a plain listener.
-- The default health check asks for a root server, which BIND here refuses.
newServer({{address="127.0.0.1:{dns_port}", checkName="mx.test.", checkInterval=1}})
setServFailWhenNoServer(true)
addDOHLocal("127.0.0.1:{doh_port}", nil, nil, "/dns-query")
"#
    )
}

/// Ubuntu's AppArmor profile keeps /usr/sbin/named out of our state folder; it goes by the program's path, so a copy is free.
fn unconfined(named: &Path, state: &StateDir) -> anyhow::Result<PathBuf> {
    let enabled = std::fs::read_to_string("/sys/module/apparmor/parameters/enabled");
    if enabled.is_ok_and(|it| it.starts_with('Y')) {
        let copy = state.path().join("named");
        std::fs::copy(named, &copy).context("copying named")?;
        return Ok(copy);
    }
    Ok(named.to_owned())
}

/// Asks for `mx.test` over HTTP/1.1 and wants its two records.
async fn probe(port: u16) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let head = format!(
        "POST /dns-query HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\
         content-type: application/dns-message\r\ncontent-length: {}\r\n\r\n",
        PROBE.len()
    );
    stream.write_all(&[head.as_bytes(), PROBE].concat()).await?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await?;
    let end = response.windows(4).position(|it| it == b"\r\n\r\n");
    let message = &response[end.context("an incomplete answer")? + 4..];
    // Flags: an answer without error; counts: one question, two records.
    let code = message.get(3).map(|it| it & 0x0f);
    ensure!(code == Some(0), "response code {code:?}");
    ensure!(
        message.get(4..8) == Some(&[0, 1, 0, 2]),
        "other records than the zone's"
    );
    Ok(())
}

fn utf8(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is not UTF-8")
}
