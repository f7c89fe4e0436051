//! Keys of the application and its variables, as in spinframework/spin crates/manifest/src/schema/v2.rs and common.rs.
//! Each row changes one thing of the manifest that all tests begin with.

use super::*;

/// Also crates/manifest/src/lib.rs, `ManifestVersion::detect`.
#[test]
fn the_version_is_2() {
    const VERSION: &str = "spin_manifest_version = 2";
    check(&[
        (VERSION, VERSION, Ok(())),
        (
            VERSION,
            "spin_manifest_version = 1",
            Err("is 1; set it to 2"),
        ),
        (
            VERSION,
            "spin_manifest_version = 3",
            Err("is 3; set it to 2"),
        ),
        (
            VERSION,
            "spin_manifest_version = 2.0",
            Err("is 2.0; set it to 2"),
        ),
        (
            VERSION,
            "spin_manifest_version = \"2\"",
            Err("is \"2\"; set it to 2"),
        ),
        (
            VERSION,
            "spin_manifest_version = \"1\"",
            unsupported!("spin_manifest_version \"1\""),
        ),
        (
            VERSION,
            "spin_version = \"1\"",
            unsupported!("spin_manifest_version \"1\""),
        ),
        (
            VERSION,
            "spin_version = 2",
            Err("unknown field `spin_version`"),
        ),
        (
            VERSION,
            "",
            Err("spin_manifest_version is missing; set it to 2"),
        ),
    ]);
}

/// Spin reads TOML 1.0: Cargo.toml there has version 0.8 of the crate `toml`.
#[test]
fn the_text_is_toml_1_0() {
    const HOST: &str = "host = { default = \"127.0.0.1\" }";
    check(&[
        (HOST, "host.default = \"a\"", Ok(())),
        (HOST, "host = { default = \"\", }", Err("line 7: ")),
        (HOST, "host = { default =\n\"\" }", Err("line 7: ")),
        (HOST, "host = { default = \"\\e\" }", Err("line 7: ")),
        (
            HOST,
            "host = { default = \"\" }\nhost = { default = \"\" }",
            Err("duplicate key `host`"),
        ),
        (HOST, "host = ", Err("line 7: ")),
    ]);
}

#[test]
fn the_application_has_known_keys() {
    const NAME: &str = "name = \"demo\"";
    check(&[
        (NAME, "name = \"\"", Ok(())),
        (NAME, "name = \"Any Name_1\"", Ok(())),
        (
            NAME,
            "name = 1",
            Err("line 4: invalid type: integer `1`, expected a string"),
        ),
        (NAME, "", Err("missing field `name`")),
        (NAME, "name = \"demo\"\nversion = \"1.0.0\"", Ok(())),
        (NAME, "name = \"demo\"\nversion = \"any\"", Ok(())),
        (
            NAME,
            "name = \"demo\"\nversion = 1",
            Err("line 5: invalid type"),
        ),
        (NAME, "name = \"demo\"\ndescription = \"\"", Ok(())),
        (
            NAME,
            "name = \"demo\"\nauthors = [\"a\", \"b@example.com\"]",
            Ok(()),
        ),
        (
            NAME,
            "name = \"demo\"\nauthors = \"a\"",
            Err("line 5: invalid type"),
        ),
        (
            NAME,
            "name = \"demo\"\ntargets = [\"spin-up:3.3\", { url = \"https://a\" }, { path = \"a.toml\" }]",
            Ok(()),
        ),
        (
            NAME,
            "name = \"demo\"\ntargets = [{ uri = \"\" }]",
            Err("a target is a name, "),
        ),
        (
            NAME,
            "name = \"demo\"\ntargets = [{ url = \"\", path = \"\" }]",
            Err("a target is a name, "),
        ),
        (
            NAME,
            "name = \"demo\"\n[application.tool.any]\nkey = 1",
            Ok(()),
        ),
        (
            NAME,
            "name = \"demo\"\ntool = \"any\"",
            Err("line 5: invalid type"),
        ),
        (
            NAME,
            "name = \"demo\"\nlicense = \"any\"",
            Err("line 5: unknown field `license`"),
        ),
        (
            NAME,
            "name = \"demo\"\n[tool]",
            Err("line 5: unknown field `tool`"),
        ),
        (
            NAME,
            "name = \"demo\"\n[application.trigger.redis]\naddress = 1",
            Ok(()),
        ),
        (
            NAME,
            "name = \"demo\"\n[application.triggers.redis]",
            Err("unknown field `triggers`"),
        ),
    ]);
}

/// Also crates/trigger-http/src/lib.rs, `validate_app`.
#[test]
fn the_http_trigger_has_no_base() {
    const NAME: &str = "name = \"demo\"";
    let settings = |text: &str| format!("{NAME}\n[application.trigger.http]\n{text}");
    check(&[
        (NAME, &settings(""), Ok(())),
        (NAME, &settings("base = \"/\""), Ok(())),
        (
            NAME,
            &settings("base = \"/api\""),
            Err("[application.trigger.http] base `/api`: "),
        ),
        (
            NAME,
            &settings("base = 1"),
            Err("[application.trigger.http] invalid type"),
        ),
        (
            NAME,
            &settings("path = \"\""),
            Err("[application.trigger.http] unknown field `path`"),
        ),
    ]);
}

/// Also crates/loader/src/local.rs, `locked_variable`.
#[test]
fn a_variable_is_required_or_has_a_default() {
    const HOST: &str = "host = { default = \"127.0.0.1\" }";
    check(&[
        (HOST, "host = { required = true }", Ok(())),
        (
            HOST,
            "host = { required = true, secret = true, description = \"any\" }",
            Ok(()),
        ),
        (HOST, "host = { required = false, default = \"a\" }", Ok(())),
        (
            HOST,
            "host = { required = true, default = \"\" }",
            Err("[variables] `host` is required and has a default; remove one"),
        ),
        (
            HOST,
            "host = {}",
            Err("[variables] `host` has no default and is not required; add "),
        ),
        (
            HOST,
            "host = { required = false }",
            Err("[variables] `host` has no default and is not required"),
        ),
        (
            HOST,
            "host = { secret = true }",
            Err("[variables] `host` has no default and is not required"),
        ),
        (
            HOST,
            "host = { default = 5432 }",
            Err("line 7: invalid type: integer `5432`, expected a string"),
        ),
        (
            HOST,
            "host = { default = true }",
            Err("line 7: invalid type"),
        ),
        (
            HOST,
            "host = { default = [\"a\"] }",
            Err("line 7: invalid type"),
        ),
        (
            HOST,
            "host = { required = \"true\" }",
            Err("line 7: invalid type"),
        ),
        (
            HOST,
            "host = { default = \"\", secret = 1 }",
            Err("line 7: invalid type"),
        ),
        (
            HOST,
            "host = { default = \"\", type = \"\" }",
            Err("line 7: unknown field `type`"),
        ),
        (HOST, "host = \"127.0.0.1\"", Err("line 7: invalid type")),
        (
            "host = {",
            "host_1 = {",
            Err("[variables] `host_1`: the word `1` does not begin with a letter; rename it"),
        ),
        ("host = {", "Host = {", Err("[variables] `Host`: ")),
        ("host = {", "HOST = {", Err("[variables] `HOST`: ")),
        (
            "host = {",
            "\"bad+name\" = {",
            Err("[variables] `bad+name`: "),
        ),
    ]);
}
