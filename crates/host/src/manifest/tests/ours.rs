//! The manifests of this repository.

use super::*;

#[track_caller]
fn check(path: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    check_manifest(&root.join(path)).unwrap_or_else(|err| panic!("{err}"));
}

#[test]
fn the_application_follows_the_rules_of_spin() {
    check("spin.toml");
}

#[test]
fn the_probe_of_the_tests_follows_the_rules_of_spin() {
    check("tests/probe/spin.toml");
}

#[test]
fn the_example_of_a_job_follows_the_rules_of_spin() {
    check("examples/own-job/spin.toml");
}
