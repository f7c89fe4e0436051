use std::collections::BTreeMap;

use anyhow::Result;
use tokio_postgres::Client;

/// What Linux counts the time of processes in, for programs; the kernel's own clock may be another.
const TICKS_PER_SECOND: f64 = 100.0;

/// How long the processes of the server have computed so far, by their ids. Empty where they are on another machine.
pub(super) async fn server_seconds(client: &Client) -> Result<BTreeMap<u32, f64>> {
    let rows = client
        .query("select pid from pg_stat_activity", &[])
        .await?;
    let pids = rows
        .iter()
        .filter_map(|it| u32::try_from(it.get::<_, i32>(0)).ok());
    let seconds = pids.filter_map(|pid| Some((pid, cpu_seconds(pid, Some("postgres"))?)));
    Ok(seconds.collect())
}

/// How long they have computed between the two looks; one that came later began at zero. None where nothing is known.
pub(super) fn spent(before: &BTreeMap<u32, f64>, after: &BTreeMap<u32, f64>) -> Option<f64> {
    let seconds = |(pid, after): (&u32, &f64)| after - before.get(pid).copied().unwrap_or(0.0);
    (!after.is_empty()).then(|| after.iter().map(seconds).sum())
}

/// How long a process has computed so far, if it is one of this name. None where there is no procfs.
pub(super) fn cpu_seconds(pid: u32, name: Option<&str>) -> Option<f64> {
    // A process that has ended meanwhile has nothing to tell.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse(&stat, name)
}

/// `PID (NAME) STATE …`; what is in user and system mode are the fields 14 and 15.
fn parse(stat: &str, name: Option<&str>) -> Option<f64> {
    let (front, rest) = stat.rsplit_once(") ")?;
    let (_, found) = front.split_once('(')?;
    if name.is_some_and(|it| it != found) {
        return None;
    }
    let mut fields = rest.split(' ').skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_is_read_behind_its_name() {
        let check = |stat, name, expected| assert_eq!(parse(stat, name), expected);
        let stat = "7 (a ) (b) S 1 7 7 0 -1 0 0 0 0 0 150 50 0 0 20 0";
        check(stat, None, Some(2.0));
        check(stat, Some("a ) (b"), Some(2.0));
        check(stat, Some("postgres"), None);
        check("7 (cut", None, None);
        check("", None, None);
    }

    #[test]
    fn a_process_that_came_later_counts_from_zero() {
        let before = BTreeMap::from([(1, 2.0), (2, 5.0)]);
        let after = BTreeMap::from([(1, 3.0), (3, 0.5)]);
        assert_eq!(spent(&before, &after), Some(1.5));
        assert_eq!(spent(&before, &BTreeMap::new()), None);
    }
}
