use super::*;

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

fn resolve(text: &str, given: &[(&str, &str)]) -> Result<Application, String> {
    let given = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    parse(text)?.resolve(&given)
}

#[track_caller]
fn refused(text: &str, variables: &[(&str, &str)], expected: &str) {
    let err = resolve(text, variables).expect_err("the manifest must be refused");
    assert!(err.contains(expected), "{err}");
}

#[test]
fn variables_fill_the_templates_of_a_component() {
    let application = resolve(MANIFEST, &[("key", "s3cret"), ("host", "db")]).expect("valid");
    let component = &application.components[0];
    assert_eq!(component.variables["token"], "<s3cret>");
    assert!(component.allowed_hosts.allows("postgres", "db", Some(5432)));
    assert!(
        !component
            .allowed_hosts
            .allows("postgres", "127.0.0.1", Some(5432))
    );
    assert_eq!(
        application.routes,
        [("/...".to_owned(), "first".to_owned())]
    );
}

#[test]
fn a_required_variable_without_a_value_is_named() {
    refused(MANIFEST, &[], "the required variable key has no value");
}

#[test]
fn a_value_for_an_undeclared_variable_is_named() {
    refused(
        MANIFEST,
        &[("key", ""), ("kye", "")],
        "variable kye was given but is not declared",
    );
}

#[test]
fn an_undefined_variable_in_a_template_is_named() {
    let text = MANIFEST.replace("{{key}}", "{{ missing }}");
    refused(
        &text,
        &[("key", "")],
        "[component.first] variable token: the variable missing is undefined",
    );
}

#[test]
fn an_unclosed_template_is_refused() {
    let text = MANIFEST.replace("{{key}}", "{{ key");
    refused(&text, &[("key", "")], "without `}}`");
}

#[test]
fn an_unsupported_key_is_named() {
    let text = MANIFEST.replace(
        "[component.first.variables]",
        "files = []\n[component.first.variables]",
    );
    refused(&text, &[("key", "")], "files");
    let text = MANIFEST.replace("[[trigger.http]]", "[[trigger.redis]]");
    refused(&text, &[("key", "")], "redis");
}

#[test]
fn a_route_to_an_undefined_component_is_named() {
    let text = MANIFEST.replace("component = \"first\"", "component = \"second\"");
    refused(&text, &[("key", "")], "second");
}

#[test]
fn a_malformed_allowed_host_is_named() {
    refused(
        MANIFEST,
        &[("key", ""), ("extra", "example.com")],
        "example.com",
    );
}
