//! What the documents state about the code is so.

use std::path::Path;

use crate::support::home;

#[test]
fn the_readme_lists_every_reason() {
    let readme = read("README.md");
    for reason in domain::email::Reason::ALL {
        let code = format!("`{}`", reason.as_str());
        assert!(readme.contains(&code), "{code} is missing");
    }
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    let architecture = read("ARCHITECTURE.md");
    let section = architecture
        .split("## Invariants")
        .nth(1)
        .and_then(|it| it.split("\n## ").next())
        .expect("ARCHITECTURE.md has a section of invariants");
    let mut sources = String::new();
    collect(&home().join("tests"), &mut sources);
    let names = section.split('`').skip(1).step_by(2);
    let tests: Vec<&str> = names
        .filter(|it| it.matches('_').count() > 3 && !it.contains('…'))
        .collect();
    assert!(tests.len() > 20);
    for test in tests {
        assert!(
            sources.contains(&format!("fn {test}(")),
            "{test} does not exist"
        );
    }
}

#[test]
fn the_rules_for_sql_list_every_code() {
    let rules = read("migrations/README.md");
    for code in [
        contract::codes::NO_SUCH_THING,
        contract::codes::ILLEGAL_TRANSITION,
        contract::codes::BAD_ARGUMENT,
    ] {
        assert!(rules.contains(&format!("`{code}`")), "{code} is missing");
    }
}

fn read(name: &str) -> String {
    std::fs::read_to_string(home().join(name)).expect("the document is there")
}

fn collect(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("the folder of tests is there") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            collect(&path, text);
        } else if path.extension().is_some_and(|it| it == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("a source is readable"));
        }
    }
}
