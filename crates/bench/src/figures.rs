use serde::Serialize;
use terminal::output::count;

/// How long something took, mostly and nearly always.
#[derive(Debug, Serialize)]
pub(super) struct Quantiles {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// What a number of equal items cost, all of them done one way.
#[derive(Debug, Serialize)]
pub(super) struct Cost {
    pub(super) seconds: f64,
    pub(super) per_second: f64,
    pub(super) wal_bytes_each: f64,
    /// Transactions, reads included.
    pub(super) commits_each: f64,
    /// Of the host with its components; none where the system does not tell.
    pub(super) host_cpu_microseconds_each: Option<f64>,
    /// Of all processes of PostgreSQL; none where the system does not tell, or it is another one.
    pub(super) server_cpu_microseconds_each: Option<f64>,
}

impl Quantiles {
    pub(super) fn of(mut milliseconds: Vec<f64>) -> Self {
        milliseconds.sort_by(f64::total_cmp);
        Self {
            p50_ms: quantile(&milliseconds, 0.5),
            p99_ms: quantile(&milliseconds, 0.99),
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        format!("{:.2} ms, {:.2} ms", self.p50_ms, self.p99_ms)
    }
}

impl Cost {
    /// For people: speed, WAL, commits, and the time of both processors.
    pub(super) fn cells(&self) -> [String; 5] {
        let micros =
            |it: Option<f64>| it.map_or_else(|| "unknown".to_owned(), |it| format!("{it:.0} µs"));
        [
            per_second(self.per_second),
            format!("{:.0} bytes", self.wal_bytes_each),
            format!("{:.3}", self.commits_each),
            micros(self.host_cpu_microseconds_each),
            micros(self.server_cpu_microseconds_each),
        ]
    }
}

/// For people.
pub(super) fn per_second(rate: f64) -> String {
    format!("{} /s", count(rate.round() as u64))
}

/// Of the figures of each kind, the one in the middle by its speed; in the order in which the kinds came first.
pub(super) fn medians<T, K: PartialEq>(
    figures: Vec<T>,
    kind: impl Fn(&T) -> K,
    speed: impl Fn(&T) -> f64,
) -> Vec<T> {
    let mut kinds: Vec<(K, Vec<T>)> = Vec::new();
    for figure in figures {
        let key = kind(&figure);
        match kinds.iter_mut().find(|(it, _)| *it == key) {
            Some((_, same)) => same.push(figure),
            None => kinds.push((key, vec![figure])),
        }
    }
    let middle = |(_, mut same): (K, Vec<T>)| {
        same.sort_by(|a, b| speed(a).total_cmp(&speed(b)));
        same.swap_remove(same.len() / 2)
    };
    kinds.into_iter().map(middle).collect()
}

/// The value below which this share of sorted values lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_value_below_which_its_share_lies() {
        let check = |sorted: &[f64], share, expected: f64| {
            assert!(quantile(sorted, share).total_cmp(&expected).is_eq())
        };
        let hundred: Vec<f64> = (0..100).map(f64::from).collect();
        check(&hundred, 0.5, 50.0);
        check(&hundred, 0.99, 99.0);
        check(&[7.0], 0.99, 7.0);
        check(&[], 0.5, f64::NAN);
    }

    #[test]
    fn the_median_of_each_kind_is_shown_in_the_order_of_the_first() {
        let figures = vec![('b', 3.0), ('a', 1.0), ('b', 1.0), ('b', 2.0), ('a', 5.0)];
        let medians = medians(figures, |it| it.0, |it| it.1);
        assert_eq!(medians, [('b', 2.0), ('a', 5.0)]);
    }

    #[test]
    fn quantiles_are_of_what_took_how_long_in_any_order() {
        let took = Quantiles::of(vec![3.0, 1.0, 2.0]);
        assert_eq!(took.text(), "2.00 ms, 3.00 ms");
    }

    #[test]
    fn what_the_system_does_not_tell_is_unknown() {
        let cost = Cost {
            seconds: 2.0,
            per_second: 1_234.5,
            wal_bytes_each: 99.6,
            commits_each: 0.0625,
            host_cpu_microseconds_each: Some(12.3),
            server_cpu_microseconds_each: None,
        };
        let expected = ["1,235 /s", "100 bytes", "0.062", "12 µs", "unknown"];
        assert_eq!(cost.cells(), expected);
    }
}
