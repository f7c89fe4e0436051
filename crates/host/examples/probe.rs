use std::time::{Duration, Instant};
#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::INFO).init();
    let t = Instant::now();
    let mut c = host::Config::new("/tmp/hostprobe/run/spin.toml", "127.0.0.1:3999".parse().unwrap());
    c.cache_dir = Some("/tmp/hostprobe/run/cache".into());
    c.request_deadline = Duration::from_secs(3);
    if std::env::var("UNPREPARED").is_ok() { c.prepared_statements = false; }
    if let Ok(f) = std::env::var("FAULT") {
        let (n, k) = f.split_once(':').unwrap();
        let kind = match k { "trap" => host::FaultKind::Trap, "error" => host::FaultKind::Error, "hang" => host::FaultKind::Hang, _ => host::FaultKind::AfterTrap };
        c.faults = Some(host::FaultPlan { component: "probe".into(), nth_call: n.parse().unwrap(), kind });
    }
    if std::env::var("LOG").is_ok() { c.log_dir = Some("/tmp/hostprobe/run/logs".into()); }
    if std::env::var("TICK").is_ok() {
        c.tick = Some(host::Tick { path: "/tick".into(), every: Duration::from_secs(2), bearer: "k".into() });
        c.wakes = Some(host::Wakes { database_url: "postgres://postgres@127.0.0.1:54990/postgres".into(), channel: "wake".into(), bearer: "k".into() });
    }
    let r = match host::start(c).await { Ok(r) => r, Err(e) => { println!("ERROR {e}"); return } };
    println!("started in {:?} at {}", t.elapsed(), r.local_addr());
    tokio::signal::ctrl_c().await.unwrap();
    println!("{:?}", r.stats());
    let t = Instant::now();
    r.stop().await;
    println!("stopped in {:?}", t.elapsed());
}
