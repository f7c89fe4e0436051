//! Which component answers a path: exact routes before wildcards, longer wildcards before shorter ones.

use std::collections::BTreeSet;

/// The routes of an application.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    /// The most specific first.
    routes: Vec<Route>,
    /// Those that have a trigger, private ones included.
    components: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Route {
    /// As the manifest writes it.
    raw: String,
    /// `/a/b` for `/a/b`, `/a/b/` and `/a/b/...`; empty for the root.
    prefix: String,
    wildcard: bool,
    component: String,
}

/// What a path led to, with what Spin tells the component about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Match {
    pub(crate) component: String,
    /// The route as the manifest writes it.
    pub(crate) raw_route: String,
    /// The part of the path that the wildcard stands for; empty for an exact route.
    pub(crate) path_info: String,
}

impl Match {
    /// The match of an in-process call by a component's name.
    pub(crate) fn chained(component: &str, path: &str) -> Self {
        Self {
            component: component.to_owned(),
            raw_route: "/...".to_owned(),
            path_info: path.to_owned(),
        }
    }

    /// The route without its wildcard.
    pub(crate) fn route_or_prefix(&self) -> &str {
        self.raw_route
            .strip_suffix("/...")
            .unwrap_or(&self.raw_route)
    }
}

impl Routes {
    /// Takes the triggers as pairs of route and component; a private one has no route.
    /// The error names the route and the remedy.
    pub(crate) fn new(triggers: &[(Option<String>, String)]) -> Result<Self, String> {
        let mut routes: Vec<Route> = Vec::new();
        for (raw, component) in triggers {
            let Some(raw) = raw else { continue };
            let route = Route::parse(raw, component)
                .map_err(|err| format!("[[trigger.http]] route `{raw}`: {err}"))?;
            // Spin takes the last of them, and logs that the others are never used.
            let is_same = |it: &&Route| it.prefix == route.prefix && it.wildcard == route.wildcard;
            if let Some(first) = routes.iter().find(is_same) {
                return Err(format!(
                    "[[trigger.http]] route `{raw}` is the route of component {} already; remove one of the two triggers",
                    first.component
                ));
            }
            routes.push(route);
        }
        routes.sort_by_key(|it| (it.wildcard, std::cmp::Reverse(it.prefix.len())));
        let components = triggers.iter().map(|(_, component)| component.clone());
        Ok(Self {
            routes,
            components: components.collect(),
        })
    }

    /// True if other components may call this one: it has a trigger, be it a private one.
    pub(crate) fn has_trigger(&self, component: &str) -> bool {
        self.components.contains(component)
    }

    /// Finds the most specific route for `path`; slashes at its ends do not count.
    pub(crate) fn find(&self, path: &str) -> Option<Match> {
        let segments = path.trim_matches('/');
        let trimmed = match segments {
            "" => String::new(),
            _ => format!("/{segments}"),
        };
        self.routes.iter().find_map(|it| {
            let rest = trimmed.strip_prefix(&it.prefix)?;
            let fits = rest.is_empty() || (it.wildcard && rest.starts_with('/'));
            let slash = if path.ends_with('/') { "/" } else { "" };
            fits.then(|| Match {
                component: it.component.clone(),
                raw_route: it.raw.clone(),
                path_info: match it.wildcard {
                    true => format!("{rest}{slash}"),
                    false => String::new(),
                },
            })
        })
    }
}

impl Route {
    fn parse(raw: &str, component: &str) -> Result<Self, String> {
        let path = raw.strip_suffix('/').unwrap_or(raw);
        let before_wildcard = match path {
            "..." | "*" => Some(""),
            _ => path.strip_suffix("/...").or(path.strip_suffix("/*")),
        };
        let segments = before_wildcard.unwrap_or(path).split('/');
        let mut prefix = String::new();
        for segment in segments.filter(|it| !it.is_empty()) {
            check_segment(segment)?;
            prefix.push('/');
            prefix.push_str(segment);
        }
        Ok(Self {
            raw: raw.to_owned(),
            prefix,
            wildcard: before_wildcard.is_some(),
            component: component.to_owned(),
        })
    }
}

/// Spin looks for parameters and wildcards after dots, too.
fn check_segment(segment: &str) -> Result<(), String> {
    let unsupported = |what: &str| {
        Err(format!(
            "the built-in host does not support {what}; Spin does; write the path, with `/...` at its end for all below it"
        ))
    };
    if segment.starts_with('.') {
        return unsupported("a segment that begins with a dot");
    }
    for part in segment.split('.') {
        match (part.chars().next(), part.len()) {
            (Some(':'), 1) => return Err("a parameter has no name; remove it".to_owned()),
            (Some(':'), _) => return unsupported("parameters such as `:name`"),
            (Some('*'), 1) => return unsupported("a `*` before the end"),
            (Some('*'), _) => {
                return Err(format!(
                    "the wildcard `{part}` has a name; write `/...` at the end"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(pairs: &[(&str, &str)]) -> Result<Routes, String> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(route, component)| (Some((*route).to_owned()), (*component).to_owned()))
            .collect();
        Routes::new(&pairs)
    }

    /// Rules: spinframework/spin crates/routes/src/lib.rs, and `RouteSpec` of jbr/routefinder, which it uses.
    #[test]
    fn routes_are_read_as_by_spin() {
        /// The path before a wildcard, whether there is one; or the refusal.
        type Read<'a> = Result<(&'a str, bool), &'a str>;
        const PARAMETER: Read<'_> =
            Err("the built-in host does not support parameters such as `:name`; Spin does");
        const STAR: Read<'_> =
            Err("the built-in host does not support a `*` before the end; Spin does");
        const DOT: Read<'_> =
            Err("the built-in host does not support a segment that begins with a dot; Spin does");
        const NAMED_STAR: Read<'_> = Err("has a name; write `/...` at the end");
        const NAMELESS: Read<'_> = Err("a parameter has no name");
        let table: &[(&str, Read<'_>)] = &[
            ("/", Ok(("", false))),
            ("", Ok(("", false))),
            ("/...", Ok(("", true))),
            ("...", Ok(("", true))),
            ("/*", Ok(("", true))),
            ("*", Ok(("", true))),
            ("/a", Ok(("/a", false))),
            ("a", Ok(("/a", false))),
            ("/a/", Ok(("/a", false))),
            ("/a//b//", Ok(("/a/b", false))),
            ("/a/...", Ok(("/a", true))),
            ("/a/.../", Ok(("/a", true))),
            ("/a/*", Ok(("/a", true))),
            ("/a...", Ok(("/a...", false))),
            ("/a.b", Ok(("/a.b", false))),
            ("/a*b", Ok(("/a*b", false))),
            ("/a:b", Ok(("/a:b", false))),
            ("/a?b", Ok(("/a?b", false))),
            ("/:", NAMELESS),
            ("/a.:", NAMELESS),
            ("/*all", NAMED_STAR),
            ("/a/**", NAMED_STAR),
            ("/:id", PARAMETER),
            ("/a/:id/...", PARAMETER),
            ("/a.:ext", PARAMETER),
            ("/*/b", STAR),
            ("/a.*", STAR),
            ("/*/...", STAR),
            ("/.well-known/a", DOT),
            ("/a/.b", DOT),
            ("/a/.../b", DOT),
        ];
        for (raw, expected) in table {
            let found = routes(&[(raw, "x")]);
            let found = found.as_ref().map(|it| {
                let route = &it.routes[0];
                (route.prefix.as_str(), route.wildcard)
            });
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, *expected, "{raw:?}"),
                (Err(err), Err(reason)) => {
                    assert!(err.contains(reason), "{raw:?}: {err}");
                    assert!(err.contains(&format!("route `{raw}`")), "{err}");
                }
                (found, _) => panic!("{raw:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn two_triggers_with_one_route_are_refused() {
        for (one, other) in [
            ("/a", "/a"),
            ("/a", "/a/"),
            ("/a", "a"),
            ("/", ""),
            ("/a/...", "/a/*"),
        ] {
            let err = routes(&[(one, "x"), (other, "y")]).expect_err(other);
            assert!(err.contains(&format!("route `{other}`")), "{err}");
            assert!(err.contains("component x already"), "{err}");
        }
        assert!(routes(&[("/a", "x"), ("/a/...", "y")]).is_ok());
    }

    /// Rules: spinframework/spin crates/routes/src/lib.rs, `Router::route` and `trailing_wildcard`.
    #[test]
    fn the_most_specific_route_wins() {
        let routes = routes(&[
            ("/...", "root"),
            ("/a/...", "wild"),
            ("/a/b", "exact"),
            ("/a/b/c/...", "deep"),
        ])
        .expect("valid routes");
        for (path, component, path_info) in [
            ("/", "root", "/"),
            ("/x/y", "root", "/x/y"),
            ("//x", "root", "/x"),
            ("/a", "wild", ""),
            ("/a/", "wild", "/"),
            ("/a/x", "wild", "/x"),
            ("/a//x", "wild", "//x"),
            ("/a/x//", "wild", "/x/"),
            ("/ab", "root", "/ab"),
            ("/a/b", "exact", ""),
            ("/a/b/", "exact", ""),
            ("//a/b//", "exact", ""),
            ("/a//b", "wild", "//b"),
            ("/a/b/c/d/", "deep", "/d/"),
        ] {
            let found = routes.find(path).expect(path);
            assert_eq!(
                (found.component.as_str(), found.path_info.as_str()),
                (component, path_info),
                "{path}"
            );
        }
    }

    #[test]
    fn a_path_without_a_route_is_not_found() {
        let routes = routes(&[("/a", "exact")]).expect("valid routes");
        assert_eq!(routes.find("/a/b"), None);
        assert_eq!(routes.find("/"), None);
    }

    /// Rule: spinframework/spin crates/routes/src/lib.rs, `HttpTriggerRouteConfig::Private`.
    #[test]
    fn a_private_trigger_has_no_route_but_can_be_called() {
        let triggers = [
            (Some("/".to_owned()), "public".to_owned()),
            (None, "private".to_owned()),
        ];
        let routes = Routes::new(&triggers).expect("valid routes");
        assert_eq!(routes.find("/private"), None);
        assert!(routes.has_trigger("public") && routes.has_trigger("private"));
        assert!(!routes.has_trigger("without-trigger"));
    }
}
