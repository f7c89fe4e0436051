//! Which component answers a path: exact routes before wildcards, longer wildcards before shorter ones.

/// The routes of an application.
#[derive(Debug)]
pub(crate) struct Routes(Vec<Route>);

#[derive(Debug)]
struct Route {
    /// As the manifest writes it.
    raw: String,
    /// Without a trailing slash, and without the wildcard.
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
    /// Takes pairs of route and component; refuses duplicates and patterns that Spin knows and this host does not.
    pub(crate) fn new(pairs: &[(String, String)]) -> Result<Self, String> {
        let mut routes: Vec<Route> = Vec::new();
        for (raw, component) in pairs {
            let wildcard_prefix = raw.strip_suffix("/...");
            let path = wildcard_prefix.unwrap_or(raw);
            let prefix = path.strip_suffix('/').unwrap_or(path).to_owned();
            if !raw.starts_with('/') || prefix.contains([':', '*']) || prefix.contains("...") {
                return Err(format!("the route {raw} is not `/path` or `/path/...`"));
            }
            let wildcard = wildcard_prefix.is_some();
            if routes
                .iter()
                .any(|it| it.prefix == prefix && it.wildcard == wildcard)
            {
                return Err(format!("the route {raw} is defined twice"));
            }
            routes.push(Route {
                raw: raw.clone(),
                prefix,
                wildcard,
                component: component.clone(),
            });
        }
        routes.sort_by_key(|it| (it.wildcard, std::cmp::Reverse(it.prefix.len())));
        Ok(Self(routes))
    }

    /// Finds the most specific route for `path` (which starts with a slash).
    pub(crate) fn find(&self, path: &str) -> Option<Match> {
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        self.0.iter().find_map(|it| {
            let rest = trimmed.strip_prefix(&it.prefix)?;
            let fits = rest.is_empty() || (it.wildcard && rest.starts_with('/'));
            fits.then(|| Match {
                component: it.component.clone(),
                raw_route: it.raw.clone(),
                path_info: if it.wildcard {
                    path[it.prefix.len()..].to_owned()
                } else {
                    String::new()
                },
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(pairs: &[(&str, &str)]) -> Result<Routes, String> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(route, component)| ((*route).to_owned(), (*component).to_owned()))
            .collect();
        Routes::new(&pairs)
    }

    #[test]
    fn the_most_specific_route_wins() {
        let routes = routes(&[
            ("/...", "root"),
            ("/a/...", "wild"),
            ("/a/b", "exact"),
            ("/a/b/c/...", "deep"),
        ])
        .expect("valid routes");
        let check = |path: &str, component: &str, path_info: &str| {
            let found = routes.find(path).expect(path);
            assert_eq!(
                (found.component.as_str(), found.path_info.as_str()),
                (component, path_info),
                "{path}"
            );
        };
        check("/", "root", "/");
        check("/x/y", "root", "/x/y");
        check("/a", "wild", "");
        check("/a/", "wild", "/");
        check("/a/x", "wild", "/x");
        check("/ab", "root", "/ab");
        check("/a/b", "exact", "");
        check("/a/b/", "exact", "");
        check("/a/b/c/d/", "deep", "/d/");
    }

    #[test]
    fn a_path_without_a_route_is_not_found() {
        let routes = routes(&[("/a", "exact")]).expect("valid routes");
        assert_eq!(routes.find("/a/b"), None);
        assert_eq!(routes.find("/"), None);
    }

    #[test]
    fn a_route_that_is_not_understood_is_refused() {
        for pairs in [
            &[("a", "x")][..],
            &[("/:id", "x")],
            &[("/a", "x"), ("/a/", "y")],
        ] {
            assert!(routes(pairs).is_err(), "{pairs:?}");
        }
    }
}
