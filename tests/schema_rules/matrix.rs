//! `scripts/test --matrix` and the tests know the same variants.

use crate::support::home;
use crate::support::variant::NAMES;

#[test]
fn the_matrix_runs_every_variant() -> anyhow::Result<()> {
    let script = std::fs::read_to_string(home().join("scripts/test"))?;
    let list = script
        .split("\nvariants=(")
        .nth(1)
        .and_then(|it| it.split(')').next())
        .unwrap_or_default();
    let listed: Vec<&str> = list.split_whitespace().collect();
    assert_eq!(listed, NAMES);
    Ok(())
}
