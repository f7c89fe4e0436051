use super::*;

/// What this host cannot do and Spin can.
macro_rules! unsupported {
    ($what:literal) => {
        Err(concat!(
            "the built-in host does not support ",
            $what,
            "; Spin does; "
        ))
    };
}

mod components;
mod keys;
mod ours;
mod triggers;

/// A manifest that Spin takes; every test changes one thing of it.
const MANIFEST: &str = r#"
spin_manifest_version = 2
[application]
name = "demo"
[variables]
key = { required = true, secret = true }
host = { default = "127.0.0.1" }
extra = { default = "" }
[[trigger.http]]
route = "/..."
component = "first"
[component.first]
source = "first.wasm"
allowed_outbound_hosts = ["postgres://{{ host }}:5432", "{{ extra }}"]
[component.first.variables]
token = "<{{key}}>"
[component.first.build]
command = "make"
"#;

/// What is replaced, by what, and the refusal.
type Row<'a> = (&'a str, &'a str, Result<(), &'a str>);

#[track_caller]
fn check(table: &[Row<'_>]) {
    for (before, after, expected) in table {
        assert!(
            MANIFEST.contains(before),
            "{before:?} is not in the manifest"
        );
        let text = MANIFEST.replacen(before, after, 1);
        match (parse(&text), expected) {
            (Ok(_), Ok(())) => {}
            (Err(err), Err(reason)) => {
                assert!(err.contains(reason), "{after}: {err}");
                assert!(!err.contains('\n'), "one line: {err}");
            }
            (Ok(_), Err(_)) => panic!("{after}: it must be refused"),
            (Err(err), Ok(())) => panic!("{after}: {err}"),
        }
    }
}

fn resolve(text: &str, given: &[(&str, &str)]) -> Result<Application, String> {
    let given = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    parse(text)?.resolve(&given)
}

#[track_caller]
fn refused(variables: &[(&str, &str)], expected: &str) {
    let err = resolve(MANIFEST, variables).expect_err("the manifest must be refused");
    assert!(err.contains(expected), "{err}");
}

#[test]
fn variables_fill_the_templates_of_a_component() {
    let application = resolve(MANIFEST, &[("key", "s3cret"), ("host", "db")]).expect("valid");
    let component = &application.components[0];
    assert_eq!(component.variables["token"], "<s3cret>");
    let allows = |address| component.allowed_hosts.allows(address, "postgres");
    assert!(allows("db:5432"));
    assert!(!allows("127.0.0.1:5432"));
    let found = application.routes.find("/").expect("the route");
    assert_eq!(
        (found.component.as_str(), found.raw_route.as_str()),
        ("first", "/...")
    );
}

#[test]
fn a_required_variable_without_a_value_is_named() {
    refused(&[], "the required variable key has no value");
}

#[test]
fn a_value_for_an_undeclared_variable_is_named() {
    refused(
        &[("key", ""), ("kye", "")],
        "variable kye was given but is not declared",
    );
}

#[test]
fn a_given_value_that_makes_a_bad_allowed_host_is_named() {
    refused(
        &[("key", ""), ("extra", "example.com")],
        "[component.first] allowed_outbound_hosts: `example.com`: it has no scheme",
    );
}

#[test]
fn a_component_may_call_those_of_its_application_alone() {
    let text = MANIFEST.replace("{{ extra }}", "http://*.spin.internal");
    let application = resolve(&text, &[("key", "")]).expect("valid");
    let hosts = &application.components[0].allowed_hosts;
    assert!(hosts.allows("http://first.spin.internal", "http"));
    assert!(!hosts.allows("http://second.spin.internal", "http"));
}

/// Rules: spinframework/spin crates/outbound-networking-config/src/allowed_hosts.rs,
/// `PartialAllowedHostConfig` and `AllowedHostsConfig::validate`, as crates/loader/src/local.rs calls it.
#[test]
fn allowed_hosts_are_checked_with_the_defaults() {
    let table: &[(&str, &str, Result<(), &str>)] = &[
        ("{{ extra }}", "", Ok(())),
        ("http://{{ extra }}", "", Ok(())),
        ("https://{{ extra }}", "", Ok(())),
        ("postgres://{{ extra }}", "", Err("`postgres://`")),
        ("http://{{ extra }}/", "", Err("`http:///`")),
        ("{{ extra }}", " ", Err("``: it has no scheme")),
        ("{{ extra }}", "https://example.com", Ok(())),
        ("{{ extra }}", "*://[::1]:*", Ok(())),
        ("http://{{ extra }}", "zoinks!!", Ok(())),
        (
            "http://{{ extra }}",
            "a b",
            Err("`http://a b`: it holds several patterns"),
        ),
        (
            "{{ extra }}",
            "https://a.com https://b.com",
            Err(
                "allowed_outbound_hosts with the defaults of [variables]: `https://a.com https://b.com`: it holds several patterns; write one pattern per entry, and add an entry to allowed_outbound_hosts",
            ),
        ),
        ("", "", Err("allowed_outbound_hosts: ``: it has no scheme")),
        ("https://", "", Err("`https://`")),
        // A required variable has no value before the start.
        ("{{ key }}", "", Ok(())),
        ("{{ key }}{{ extra }}", "nonsense", Ok(())),
        // Spin takes this, and then denies every request of the component.
        (
            "{{ missing }}",
            "",
            Err("uses `missing`, which is not a variable"),
        ),
        ("{{ extra", "", Err("without `}}`")),
    ];
    for (pattern, default, expected) in table {
        let text = MANIFEST
            .replace(
                "extra = { default = \"\" }",
                &format!("extra = {{ default = {default:?} }}"),
            )
            .replace("\"{{ extra }}\"]", &format!("{pattern:?}]"));
        match (parse(&text), expected) {
            (Ok(_), Ok(())) => {}
            (Err(err), Err(reason)) => {
                assert!(err.contains(reason), "{pattern:?}: {err}");
                assert!(
                    err.starts_with("[component.first] allowed_outbound_hosts"),
                    "{err}"
                );
            }
            (result, _) => panic!("{pattern:?} {default:?}: {result:?}"),
        }
    }
}

/// As with Spin, which checks the manifest before it knows other values.
#[test]
fn a_bad_default_is_refused_even_if_another_value_is_given() {
    let text = MANIFEST.replace("\"127.0.0.1\"", "\"a/b\"");
    let err = resolve(&text, &[("key", ""), ("host", "db")]).expect_err("the default is bad");
    assert!(
        err.contains("`postgres://a/b:5432`: it has a path"),
        "{err}"
    );
}
