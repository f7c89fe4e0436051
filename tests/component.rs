//! Does the real `.wasm` do it? One module per component; a test compares the two lists.

mod auto_sync_jobs;
mod connections;
mod doors;
mod faults;
mod follow_up_reminders;
mod host;
mod message_callbacks;
mod own_job;
mod process_chunks;
mod scheduler;
mod validate_contacts;

/// A component without a test of its own name does not pass.
#[test]
fn every_component_has_a_module_of_its_name() {
    let manifest = std::fs::read_to_string(crate::support::home().join("spin.toml"))
        .expect("spin.toml is readable");
    let sources: Vec<&str> = manifest
        .lines()
        .filter_map(|it| it.strip_prefix("source = \""))
        .collect();
    assert_eq!(sources.len(), 6);
    for source in sources {
        let name = source
            .rsplit('/')
            .next()
            .and_then(|it| it.strip_suffix(".wasm\""))
            .expect("a source is a .wasm file");
        let module = crate::support::home().join(format!("tests/component/{name}.rs"));
        assert!(module.exists(), "{} is missing", module.display());
    }
}
