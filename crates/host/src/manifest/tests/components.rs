//! Keys of a component, as in spinframework/spin crates/manifest/src/schema/v2.rs and common.rs.

use super::*;

#[test]
fn a_component_has_known_keys() {
    const SOURCE: &str = "source = \"first.wasm\"";
    let add = |text: &str| format!("{SOURCE}\n{text}");
    let rows: &[(&str, Result<(), &str>)] = &[
        ("description = \"any\"", Ok(())),
        ("description = 1", Err("line 14: invalid type")),
        ("targets = [\"spin-up:3.3\"]", Ok(())),
        ("targets = \"spin-up:3.3\"", Err("line 14: invalid type")),
        (
            "[component.first.tool.any]\nkey = 1\n[component.second]\nsource = \"b\"",
            Ok(()),
        ),
        (
            "envs = {}",
            Err("line 14: unknown field `envs`, expected one of `source`"),
        ),
        ("environment = {}", Ok(())),
        ("environment = { A = 1 }", Err("line 14: invalid type")),
        ("environment = { A = \"1\" }", unsupported!("environment")),
        ("files = []", Ok(())),
        ("files = [1]", Err("line 14: files are a pattern, or ")),
        (
            "files = [{ source = \"a\" }]",
            Err("line 14: files are a pattern, or "),
        ),
        (
            "files = [\"a/*\", { source = \"a\", destination = \"/\" }]",
            unsupported!("files"),
        ),
        ("exclude_files = [\"a/*\"]", Ok(())),
        ("exclude_files = \"a/*\"", Err("line 14: invalid type")),
        ("allowed_http_hosts = []", Ok(())),
        (
            "allowed_http_hosts = [\"example.com\"]",
            unsupported!("allowed_http_hosts"),
        ),
        ("key_value_stores = []", Ok(())),
        (
            "key_value_stores = [\"default\"]",
            unsupported!("key_value_stores"),
        ),
        (
            "key_value_stores = [\"default\", \"a-b_c\"]",
            Err("[component.first] key_value_stores: `a-b_c`: "),
        ),
        ("sqlite_databases = []", Ok(())),
        (
            "sqlite_databases = [\"my_data\"]",
            unsupported!("sqlite_databases"),
        ),
        (
            "sqlite_databases = [\"1\"]",
            Err("[component.first] sqlite_databases: `1`: "),
        ),
        ("ai_models = []", Ok(())),
        ("ai_models = \"a\"", Err("line 14: invalid type")),
        ("ai_models = [\"llama2-chat\"]", unsupported!("ai_models")),
        ("ai_models = [\"any name\"]", unsupported!("ai_models")),
        (
            "dependencies = {}\ndependencies_inherit_configuration = true",
            Ok(()),
        ),
        (
            "dependencies_inherit_configuration = \"yes\"",
            Err("line 14: invalid type"),
        ),
        (
            "dependencies = { \"a:b\" = \">=0.1.0\" }",
            unsupported!("dependencies"),
        ),
        ("profile = {}", Ok(())),
        (
            "profile.debug = { source = \"d.wasm\", environment = { A = \"1\" }, build = { command = [\"make\"] } }",
            Ok(()),
        ),
        (
            "profile.debug = { files = [] }",
            Err("line 14: unknown field `files`"),
        ),
        (
            "profile.debug.build = { command = \"make\", workdir = \"a\" }",
            Err("unknown field `workdir`"),
        ),
        (
            "profile.debug.dependencies = { \"a:b\" = \"1\" }",
            unsupported!("dependencies"),
        ),
    ];
    let texts: Vec<String> = rows.iter().map(|(text, _)| add(text)).collect();
    let rows = rows.iter().zip(&texts);
    let table: Vec<Row<'_>> = rows
        .map(|((_, result), text)| (SOURCE, text.as_str(), *result))
        .collect();
    check(&table);
}

#[test]
fn a_component_has_a_source_a_build_and_names() {
    const SOURCE: &str = "source = \"first.wasm\"";
    const BUILD: &str = "command = \"make\"";
    const TOKEN: &str = "token = \"<{{key}}>\"";
    const TABLE: &str = "[component.first]";
    check(&[
        (SOURCE, "", Err("missing field `source`")),
        (SOURCE, "source = 1", Err("line 13: a source is a path, ")),
        (
            SOURCE,
            "source = { url = \"https://a\" }",
            Err("line 13: a source is a path, "),
        ),
        (
            SOURCE,
            "source = { url = \"https://a\", digest = \"sha256:0\" }",
            unsupported!("a source that is not a path"),
        ),
        (
            SOURCE,
            "source = { package = \"a:b\", version = \"1.0.0\" }",
            unsupported!("a source that is not a path"),
        ),
        (
            BUILD,
            "command = [\"a\", \"b\"]\nworkdir = \"a\"\nwatch = [\"a/*.rs\"]",
            Ok(()),
        ),
        (BUILD, "", Err("missing field `command`")),
        (
            BUILD,
            "command = 1",
            Err("a command is a string or a list of strings"),
        ),
        (BUILD, "command = \"a\"\nwatch = \"a\"", Err("invalid type")),
        (
            BUILD,
            "command = \"a\"\nenvironment = {}",
            Err("unknown field `environment`"),
        ),
        (
            TOKEN,
            "token = \"{{ missing }}\"",
            Err("[component.first.variables] token: `{{ missing }}` uses `missing`"),
        ),
        (
            TOKEN,
            "token = \"{{ token }}\"",
            Err("uses `token`, which is not a variable of the application"),
        ),
        (
            TOKEN,
            "token = \"{{ key\"",
            Err("[component.first.variables] token: `{{ key` has a `{{` without `}}`"),
        ),
        (TOKEN, "token = 1", Err("line 16: invalid type")),
        (
            TOKEN,
            "token_1 = \"\"",
            Err("[component.first.variables] `token_1`: the word `1` does not begin"),
        ),
        (
            TOKEN,
            "token-a = \"\"",
            Err("[component.first.variables] `token-a`: `-` is neither"),
        ),
        (
            TOKEN,
            "TOKEN = \"\"",
            Err("[component.first.variables] `TOKEN`: "),
        ),
        (
            TABLE,
            "[component.bad_id]\nsource = \"b\"\n[component.first]",
            Err("[component.bad_id] `bad_id`: `_` is neither"),
        ),
        (
            TABLE,
            "[component.a-1]\nsource = \"b\"\n[component.first]",
            Err("[component.a-1] `a-1`: the word `1` does not begin"),
        ),
        (
            TABLE,
            "[component.my-API]\nsource = \"b\"\n[component.first]",
            Ok(()),
        ),
        (
            TABLE,
            "[components.first]",
            Err("unknown field `components`"),
        ),
    ]);
}
