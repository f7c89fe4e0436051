//! `{{ name }}` in component variables and allowed hosts. Nothing escapes `{{`; a lone `}}` is text.

use std::collections::BTreeMap;

/// A text with places for values of the application's variables.
#[derive(Debug, PartialEq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Variable(String),
}

impl Template {
    /// Reads a template; every name in it must be `declared`.
    pub(super) fn parse(text: &str, declared: impl Fn(&str) -> bool) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else {
                return Err(format!("`{text}` has a `{{{{` without `}}}}`; close it"));
            };
            let name = name.trim();
            if !declared(name) {
                return Err(format!(
                    "`{text}` uses `{name}`, which is not a variable of the application; declare it in [variables]"
                ));
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Variable(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// True if the text uses no variable.
    pub(super) fn is_literal(&self) -> bool {
        self.0.iter().all(|it| matches!(it, Part::Text(_)))
    }

    /// The text with all values; none if a variable has no value.
    pub(super) fn fill(&self, values: &BTreeMap<String, String>) -> Option<String> {
        let texts = self.0.iter().map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Variable(name) => values.get(name).map(String::as_str),
        });
        texts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules: spinframework/spin crates/expressions/src/template.rs,
    /// and `validate_template` in crates/expressions/src/lib.rs.
    #[test]
    fn templates_are_filled_as_by_spin() {
        let values = BTreeMap::from([
            ("a".to_owned(), "1".to_owned()),
            ("pg_host".to_owned(), "{{ a }}".to_owned()),
        ]);
        let table: &[(&str, Result<&str, &str>)] = &[
            ("", Ok("")),
            ("text", Ok("text")),
            ("{{a}}", Ok("1")),
            ("{{ a }}", Ok("1")),
            ("{{\n\ta\u{a0}}}", Ok("1")),
            ("<{{ a }}-{{ a }}>", Ok("<1-1>")),
            ("{{ a }}{{ a }}", Ok("11")),
            // A value is not read as a template.
            ("{{ pg_host }}", Ok("{{ a }}")),
            // Nothing escapes.
            ("\\{{ a }}", Ok("\\1")),
            ("{{ a }}}", Ok("1}")),
            ("}} { a }", Ok("}} { a }")),
            ("{ { a } }", Ok("{ { a } }")),
            ("{{{ a }}", Err("uses `{ a`")),
            ("{{ {{ a }} }}", Err("uses `{{ a`")),
            ("{{ }}", Err("uses ``")),
            ("{{}}", Err("uses ``")),
            ("{{ a b }}", Err("uses `a b`")),
            ("{{ A }}", Err("uses `A`")),
            ("{{ missing }}", Err("declare it in [variables]")),
            ("{{ a", Err("without `}}`")),
            ("{{ a }} {{ b", Err("without `}}`")),
            ("{{ a }", Err("without `}}`")),
        ];
        for (text, expected) in table {
            let template = Template::parse(text, |name| values.contains_key(name));
            match (template, expected) {
                (Ok(template), Ok(filled)) => {
                    assert_eq!(template.fill(&values).as_deref(), Some(*filled), "{text:?}");
                }
                (Err(err), Err(reason)) => assert!(err.contains(reason), "{text:?}: {err}"),
                (result, _) => panic!("{text:?}: {result:?}"),
            }
        }
    }

    #[test]
    fn a_template_without_all_values_is_not_filled() {
        let template = Template::parse("{{ a }}:{{ b }}", |_| true).expect("a valid template");
        let values = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
        assert_eq!(template.fill(&values), None);
        assert!(!template.is_literal());
    }
}
