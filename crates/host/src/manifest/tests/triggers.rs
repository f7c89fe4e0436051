//! Keys of a trigger, as in spinframework/spin crates/manifest/src/schema/v2.rs.

use super::*;

/// Also crates/http/src/config.rs, `HttpTriggerConfig`, and crates/routes/src/lib.rs, `HttpTriggerRouteConfig`.
#[test]
fn triggers_are_those_of_http() {
    const ROUTE: &str = "route = \"/...\"";
    const COMPONENT: &str = "component = \"first\"";
    const HEAD: &str = "[[trigger.http]]";
    const ALL: &str = "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"first\"\n";
    check(&[
        (ROUTE, "route = { private = true }", Ok(())),
        (
            ROUTE,
            "route = { private = false }",
            Err("number 1: route { private = false }: "),
        ),
        (
            ROUTE,
            "route = { private = true, path = \"\" }",
            Err("number 1: a route is a path such as "),
        ),
        (
            ROUTE,
            "route = 1",
            Err("number 1: a route is a path such as "),
        ),
        (
            ROUTE,
            "route = \"/:\"",
            Err("[[trigger.http]] route `/:`: a parameter has no name"),
        ),
        (
            ROUTE,
            "",
            Err("[[trigger.http]] number 1: missing field `route`"),
        ),
        (ROUTE, "route = \"/\"\nid = \"any\"", Ok(())),
        (
            ROUTE,
            "route = \"/\"\nid = 1",
            Err("number 1: invalid type"),
        ),
        (
            ROUTE,
            "route = \"/\"\nmethod = \"GET\"",
            Err("number 1: unknown field `method`"),
        ),
        (
            ROUTE,
            "route = \"/\"\nexecutor = { type = \"http\" }",
            Ok(()),
        ),
        (
            ROUTE,
            "route = \"/\"\nexecutor = { type = \"spin\" }",
            Ok(()),
        ),
        (
            ROUTE,
            "route = \"/\"\nexecutor = { type = \"wagi\" }",
            unsupported!("the executor `wagi`"),
        ),
        (
            ROUTE,
            "route = \"/\"\nexecutor = { type = \"wagi\", arg = \"\" }",
            Err("unknown field `arg`"),
        ),
        (
            ROUTE,
            "route = \"/\"\nexecutor = { type = \"cgi\" }",
            Err("unknown variant `cgi`"),
        ),
        (
            ROUTE,
            "route = \"/\"\nexecutor = \"http\"",
            Err("number 1: "),
        ),
        (
            ROUTE,
            "route = \"/\"\ncomponents = {}\ndependencies = {}",
            Ok(()),
        ),
        (
            ROUTE,
            "route = \"/\"\ncomponents = { a = \"first\" }",
            unsupported!("`components` of a trigger"),
        ),
        (
            ROUTE,
            "route = \"/\"\ndependencies = { middleware = [] }",
            unsupported!("`dependencies` of a trigger"),
        ),
        (
            ROUTE,
            "route = \"/\"\nstatic_response = { body = \"\" }",
            Err("number 1: it has a component and a static_response; remove one"),
        ),
        (
            COMPONENT,
            "static_response = { status_code = 404 }",
            unsupported!("static_response"),
        ),
        (
            COMPONENT,
            "static_response = { status_code = \"404\" }",
            Err("number 1: invalid type"),
        ),
        (COMPONENT, "", Err("number 1: it has no component; add ")),
        (
            COMPONENT,
            "component = \"second\"",
            Err("component `second` is not defined; add [component.second]"),
        ),
        (
            COMPONENT,
            "component = \"1-2-3\"",
            Err("number 1: component `1-2-3`: the word `1` does not begin"),
        ),
        (
            COMPONENT,
            "component = \"my_first\"",
            Err("number 1: component `my_first`: `_` is neither"),
        ),
        (
            COMPONENT,
            "component = 1",
            Err("number 1: component 1 is not a name"),
        ),
        (
            COMPONENT,
            "component = { source = \"first.wasm\" }",
            unsupported!("a component written in its trigger"),
        ),
        (
            HEAD,
            "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"first\"\n[[trigger.http]]",
            Err(
                "[[trigger.http]] route `/...` is the route of component first already; remove one",
            ),
        ),
        (HEAD, "[[trigger.redis]]", unsupported!("[[trigger.redis]]")),
        (
            HEAD,
            "[trigger.http]",
            Err("invalid type: map, expected a sequence"),
        ),
        (HEAD, "[trigger]\nredis = []\n[[trigger.http]]", Ok(())),
        (
            ALL,
            "[trigger]\n",
            Err("there is no trigger; add [[trigger.http]]"),
        ),
        (ALL, "[trigger]\nhttp = []\n", Err("there is no trigger")),
        (ALL, "", Err("missing field `trigger`")),
    ]);
}
