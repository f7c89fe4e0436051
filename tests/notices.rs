//! NOTICE names what is shipped and asks to be named, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::support::home;

#[test]
fn the_notice_names_every_crate_that_asks_for_it() -> anyhow::Result<()> {
    let notice = std::fs::read_to_string(home().join("NOTICE"))?;
    let mut expected = BTreeMap::new();
    for (name, license) in shipped()? {
        if let Some(license) = asks_to_be_named(&license) {
            expected.insert(name, license.to_owned());
        }
    }
    assert_eq!(named(&notice), expected);
    Ok(())
}

#[test]
fn a_licence_asks_to_be_named_unless_apache_or_nothing_will_do() {
    let check = |license, expected| assert_eq!(asks_to_be_named(license), expected, "{license}");
    check("Apache-2.0", None);
    check("MIT OR Apache-2.0", None);
    check("MIT/Apache-2.0", None);
    check("Apache-2.0 WITH LLVM-exception", None);
    check("Unlicense OR MIT", None);
    check("MIT", Some("MIT"));
    check("MPL-2.0", Some("MPL-2.0"));
    check("Apache-2.0 AND ISC", Some("ISC"));
    check("(MIT OR Apache-2.0) AND Unicode-3.0", Some("Unicode-3.0"));
}

/// The part of a licence that asks for a notice. We use what we may under the licence of Baton itself.
fn asks_to_be_named(license: &str) -> Option<&str> {
    let free = |alternatives: &str| {
        let alternatives = alternatives.trim_matches(['(', ')']);
        let mut alternatives = alternatives.split(" OR ").flat_map(|it| it.split('/'));
        alternatives.any(|it| it.trim().starts_with("Apache-2.0") || it.trim() == "Unlicense")
    };
    license.split(" AND ").find(|it| !free(it))
}

/// The crates in NOTICE with the licence under whose heading each stands.
fn named(notice: &str) -> BTreeMap<String, String> {
    let mut crates = BTreeMap::new();
    for section in notice.split(&format!("\n{}\n", "-".repeat(72))).skip(1) {
        let license = section.lines().next().unwrap_or_default();
        for line in section.lines().filter_map(|it| it.strip_prefix("  ")) {
            if let Some(name) = line.split_whitespace().next() {
                crates.insert(name.to_owned(), license.to_owned());
            }
        }
    }
    crates
}

/// The crates of others, with their licences, in `baton` and in the components that the manifest names.
fn shipped() -> anyhow::Result<BTreeSet<(String, String)>> {
    let manifest = std::fs::read_to_string(home().join("spin.toml"))?;
    let components = manifest.split(" -p ").skip(1);
    let components = components.filter_map(|it| it.split(['"', ' ']).next());
    let components: BTreeSet<&str> = components.collect();
    ensure!(
        components.len() > 4,
        "the manifest names components: {components:?}"
    );
    let mut shipped = linked("x86_64-unknown-linux-gnu", &["baton-cli"].into())?;
    shipped.extend(linked("wasm32-wasip2", &components)?);
    Ok(shipped)
}

/// The crates of others, with their licences, that these packages of ours are linked from on a platform.
fn linked(platform: &str, roots: &BTreeSet<&str>) -> anyhow::Result<BTreeSet<(String, String)>> {
    let metadata = Command::new(env!("CARGO"))
        .current_dir(home())
        .args(["metadata", "--locked", "--format-version", "1"])
        .args(["--filter-platform", platform])
        .output()?;
    let said = String::from_utf8_lossy(&metadata.stderr);
    ensure!(metadata.status.success(), "{said}");
    let metadata: Value = serde_json::from_slice(&metadata.stdout)?;
    let by_id = |list: &Value| -> anyhow::Result<BTreeMap<String, Value>> {
        let list = list.as_array().context("cargo lists them")?;
        let keyed = list.iter().map(|it| (text(&it["id"]), it.clone()));
        Ok(keyed.collect())
    };
    let packages = by_id(&metadata["packages"])?;
    let nodes = by_id(&metadata["resolve"]["nodes"])?;
    let mut todo: Vec<String> = packages
        .iter()
        .filter(|(_, it)| it["source"].is_null() && roots.contains(text(&it["name"]).as_str()))
        .map(|(id, _)| id.clone())
        .collect();
    let mut seen = BTreeSet::new();
    let mut linked = BTreeSet::new();
    while let Some(id) = todo.pop() {
        let package = &packages[&id];
        // What runs while compiling is not part of the result.
        if package["targets"].to_string().contains("\"proc-macro\"") || !seen.insert(id.clone()) {
            continue;
        }
        if !package["source"].is_null() {
            linked.insert((text(&package["name"]), text(&package["license"])));
        }
        for dependency in nodes[&id]["deps"].as_array().into_iter().flatten() {
            let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
            if kinds.any(|it| it["kind"].is_null()) {
                todo.push(text(&dependency["pkg"]));
            }
        }
    }
    Ok(linked)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
