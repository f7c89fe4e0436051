//! Which way code may point: crates downwards only, and no circle of modules inside a crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::support::home;

/// From the bottom up: a crate depends on crates of the rows above its own only.
const LAYERS: [&[&str]; 7] = [
    &[
        "baton-cluster",
        "baton-email-address",
        "baton-host",
        "baton-loopback-resolver",
        "baton-loopback-sms",
        "baton-macros",
        "baton-outbound",
        "baton-schema",
        "baton-terminal",
        "probe",
    ],
    &["baton"],
    &["baton-dispatch", "baton-driver", "baton-sheet"],
    &["baton-sender", "baton-stack"],
    // Nothing of the engine knows a job.
    &[
        "auto-sync-jobs",
        "follow-up-reminders",
        "message-callbacks",
        "process-chunks",
        "scheduler",
        "validate-contacts",
    ],
    &["baton-bench", "baton-cli"],
    &["baton-tests"],
];
/// What is compiled for components alone.
const GUEST: [&str; 1] = ["spin-sdk"];
/// What is for measurements and tests alone.
const LOOPBACK: [&str; 2] = ["baton-loopback-resolver", "baton-loopback-sms"];

#[test]
fn crates_depend_on_lower_layers_only() -> anyhow::Result<()> {
    let metadata = metadata()?;
    let mut wrong = Vec::new();
    for package in list(&metadata, "packages")? {
        let name = text(package, "name")?;
        let Some(own) = layer(name) else {
            wrong.push(format!("{name} stands in no layer"));
            continue;
        };
        for dependency in list(package, "dependencies")? {
            let on = text(dependency, "name")?;
            let is_ours = dependency["path"].is_string();
            if is_ours && layer(on).is_none_or(|it| it >= own) {
                wrong.push(format!("{name} depends on {on}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}

#[test]
fn native_programs_link_no_guest_and_the_command_line_no_loopback_server() -> anyhow::Result<()> {
    let check = |package: &str, refused: &[&str]| {
        let tree = tree(package)?;
        ensure!(tree.contains(package), "no tree of {package}");
        let found: Vec<_> = refused.iter().filter(|it| tree.contains(**it)).collect();
        assert_eq!(found, Vec::<&&str>::new(), "{package}");
        anyhow::Ok(())
    };
    check("baton-cli", &[&GUEST[..], &LOOPBACK].concat())?;
    check("baton-bench", &GUEST)?;
    check("baton-tests", &GUEST)
}

#[test]
fn no_modules_use_each_other_in_a_circle() -> anyhow::Result<()> {
    let mut circles = Vec::new();
    for package in list(&metadata()?, "packages")? {
        let manifest = Path::new(text(package, "manifest_path")?);
        let source = manifest.with_file_name("src");
        if text(package, "name")? != "baton-tests" {
            circles.extend(circles_in(&uses_below(&source)?));
        }
    }
    assert_eq!(circles, Vec::<BTreeSet<String>>::new());
    Ok(())
}

#[test]
fn a_circle_of_modules_is_found() {
    let check = |modules: &[(&str, &str)], expected: &[&[&str]]| {
        let uses = uses(
            &modules
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect(),
        );
        let set = |names: &&[&str]| names.iter().map(|it| (*it).to_owned()).collect();
        let expected: Vec<BTreeSet<String>> = expected.iter().map(set).collect();
        assert_eq!(circles_in(&uses), expected, "{modules:?}");
    };
    check(&[("a", "use crate::b::B;"), ("b", "")], &[]);
    check(
        &[("a", "use crate::b::B;"), ("b", "crate::a::f()")],
        &[&["a", "b"]],
    );
    check(
        &[
            ("a", "use crate::{b::{self, B}, c};"),
            ("b", "use super::c::C;"),
            ("c", "fn f() -> crate::a::A"),
        ],
        &[&["a", "b", "c"]],
    );
    // A module and those inside it are one.
    check(
        &[("a", "use crate::a::b::B;"), ("a::b", "use super::A;")],
        &[],
    );
    check(&[("a", "use crate::b::B;"), ("b", "// crate::a")], &[]);
    check(
        &[
            ("a", "use crate::b::B;"),
            ("b", "#[cfg(test)]\nmod tests { use crate::a::A; }"),
        ],
        &[],
    );
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|it| it.contains(&name))
}

fn metadata() -> anyhow::Result<Value> {
    let said = cargo(&["metadata", "--locked", "--no-deps", "--format-version", "1"])?;
    Ok(serde_json::from_str(&said)?)
}

/// The packages that a native program is linked from.
fn tree(package: &str) -> anyhow::Result<BTreeSet<String>> {
    let said = cargo(&[
        "tree",
        "--locked",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--package",
        package,
    ])?;
    let names = said.lines().filter_map(|it| it.split_whitespace().next());
    Ok(names.map(str::to_owned).collect())
}

fn cargo(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(home())
        .args(arguments)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo {arguments:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

fn list<'a>(value: &'a Value, field: &str) -> anyhow::Result<&'a Vec<Value>> {
    value[field]
        .as_array()
        .with_context(|| format!("no {field}"))
}

fn text<'a>(value: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    value[field].as_str().with_context(|| format!("no {field}"))
}

/// Modules by their paths, with those that each uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

fn uses_below(source: &Path) -> anyhow::Result<Uses> {
    let mut modules = BTreeMap::new();
    let mut folders = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path: PathBuf = entry?.path();
            let name = path.strip_prefix(source)?.with_extension("");
            let name = name.to_string_lossy().replace('/', "::");
            if path.is_dir() {
                folders.push(path);
            } else if !matches!(&*name, "lib" | "main") {
                modules.insert(name, std::fs::read_to_string(&path)?);
            }
        }
    }
    Ok(uses(&modules))
}

/// What each module uses of its crate, tests left out. A module, those inside it and those around it count as one.
fn uses(modules: &BTreeMap<String, String>) -> Uses {
    let is_test = |it: &str| it.split("::").any(|part| part == "tests");
    let real = modules.iter().filter(|(name, _)| !is_test(name));
    real.map(|(name, text)| {
        let code = text.split("#[cfg(test)]\nmod tests {").next();
        let lines = code.unwrap_or_default().lines();
        let code: String = lines
            .map(|it| it.split("//").next().unwrap_or_default())
            .collect::<Vec<_>>()
            .join(" ");
        let parent = name.rsplit_once("::").map_or("", |(parent, _)| parent);
        let mut paths = Vec::new();
        for rest in code.split("crate::").skip(1) {
            expand("", &mut rest.chars(), &mut paths);
        }
        for rest in code.split("use super::").skip(1) {
            expand(parent, &mut rest.chars(), &mut paths);
        }
        let used = paths.iter().filter_map(|path| {
            let module = nearest(path, modules)?;
            let is_one = within(module, name) || within(name, module);
            (!is_one && !is_test(module)).then(|| module.to_owned())
        });
        (name.clone(), used.collect())
    })
    .collect()
}

/// Reads a path, and what its braces hold, up to its end.
fn expand(before: &str, text: &mut std::str::Chars<'_>, paths: &mut Vec<String>) {
    let mut path = before.to_owned();
    let mut name = String::new();
    loop {
        let next = text.as_str().chars().next();
        match next {
            Some(c) if c.is_alphanumeric() || c == '_' => name.push(c),
            Some(':') if text.as_str().starts_with("::") => {
                text.next();
                path = joined(&path, &std::mem::take(&mut name));
            }
            Some('{') if name.is_empty() => {
                text.next();
                while !matches!(text.as_str().trim_start().chars().next(), Some('}') | None) {
                    *text = text.as_str().trim_start().chars();
                    expand(&path, text, paths);
                    // What follows the path up to the next one, such as ` as other`.
                    let end = text
                        .as_str()
                        .find([',', '}'])
                        .unwrap_or(text.as_str().len());
                    *text = text.as_str()[end..].trim_start_matches(',').chars();
                }
                let end = text.as_str().find('}').map_or(0, |it| it + 1);
                *text = text.as_str()[end..].chars();
                return;
            }
            _ => break,
        }
        text.next();
    }
    paths.push(joined(&path, &name));
}

fn joined(path: &str, name: &str) -> String {
    match (path, name) {
        ("", name) => name.to_owned(),
        (path, "" | "self") => path.to_owned(),
        (path, name) => format!("{path}::{name}"),
    }
}

/// The module that a path leads into.
fn nearest<'a>(path: &str, modules: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let found = modules.keys().filter(|it| within(path, it));
    found.max_by_key(|it| it.len()).map(String::as_str)
}

/// Whether a path is a module or leads into it.
fn within(path: &str, module: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|it| it.is_empty() || it.starts_with("::"))
}

/// Groups of modules each of which leads to all others of its group.
fn circles_in(uses: &Uses) -> Vec<BTreeSet<String>> {
    let reached = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = uses.get(from).into_iter().flatten().collect();
        while let Some(module) = next.pop() {
            if seen.insert(module.clone()) {
                next.extend(uses.get(module).into_iter().flatten());
            }
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> =
        uses.keys().map(|it| (it, reached(it))).collect();
    let mut circles: Vec<BTreeSet<String>> = Vec::new();
    for (module, far) in &reach {
        let back = |it: &&String| reach.get(*it).is_some_and(|far| far.contains(*module));
        let circle: BTreeSet<String> = far.iter().filter(back).cloned().collect();
        if circle.len() > 1 && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}
