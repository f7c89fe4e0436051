//! What messages say: templates with `{{ name }}`, `{% if name %}` and `{% for it in names %}`, without filters.

use std::collections::BTreeMap;

use minijinja::{Environment, ErrorKind, Output, State, UndefinedBehavior, escape_formatter};
use serde_json::Value;

/// How many instructions a template may take.
const FUEL: u64 = 10_000;

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is wrong, or does not fit the fields.
    #[error("{0}")]
    Wrong(String),
    /// It names what there is not.
    #[error("the template names {unknown}; there are {known}")]
    UnknownName {
        /// What it names.
        unknown: String,
        /// What there is.
        known: String,
    },
    /// It says nothing.
    #[error("the text is empty")]
    Empty,
}

/// The text of a template with these fields, trimmed. A field that is null is empty; one that is absent is an error.
///
/// # Errors
/// When the template is wrong, names what there is not, or says nothing.
pub fn render(template: &str, fields: &Value) -> Result<String, TemplateError> {
    let text = environment()
        .render_str(template, values(fields))
        .map_err(|it| wrong(&it))?;
    match text.trim() {
        "" => Err(TemplateError::Empty),
        text => Ok(text.to_owned()),
    }
}

/// Whether a template can be read and names nothing but `names`.
///
/// # Errors
/// When it cannot, or does, or is empty.
pub fn check_template(template: &str, names: &[&str]) -> Result<(), TemplateError> {
    if template.trim().is_empty() {
        return Err(TemplateError::Empty);
    }
    let environment = environment();
    let parsed = environment
        .template_from_str(template)
        .map_err(|it| wrong(&it))?;
    let mut unknown: Vec<String> = parsed
        .undeclared_variables(false)
        .into_iter()
        .filter(|it| !names.contains(&it.as_str()))
        .collect();
    unknown.sort();
    if !unknown.is_empty() {
        return Err(TemplateError::UnknownName {
            unknown: unknown.join(", "),
            known: names.join(", "),
        });
    }
    // Filters and tests are looked up when they are reached; what else fails here may be due to the sample.
    let sample: Value = names.iter().map(|it| (*it, Value::from(*it))).collect();
    match parsed.render(values(&sample)) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::UnknownFilter | ErrorKind::UnknownTest
            ) =>
        {
            Err(wrong(&error))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(blank_null);
    environment
}

/// The same fields as values of a template, because a number of any length does not serialize as a number.
fn values(fields: &Value) -> minijinja::Value {
    match fields {
        Value::Null => ().into(),
        Value::Bool(it) => (*it).into(),
        Value::Number(it) => match (it.as_i64(), it.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(number)) => number.into(),
            (None, None) => it.as_str().into(),
        },
        Value::String(it) => it.as_str().into(),
        Value::Array(it) => it.iter().map(values).collect(),
        Value::Object(it) => {
            let fields = it.iter().map(|(name, it)| (name.clone(), values(it)));
            minijinja::Value::from_object(BTreeMap::from_iter(fields))
        }
    }
}

fn blank_null(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &minijinja::Value,
) -> Result<(), minijinja::Error> {
    if value.is_none() {
        return Ok(());
    }
    escape_formatter(out, state, value)
}

fn wrong(error: &minijinja::Error) -> TemplateError {
    let what = error.detail().map_or_else(
        || error.kind().to_string(),
        |it| format!("{}: {it}", error.kind()),
    );
    TemplateError::Wrong(match error.line() {
        Some(line) => format!("line {line} of the template: {what}"),
        None => format!("the template: {what}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_is_filled_in() {
        let fields = json!({"name": "Ann", "nobody": null, "days": 7, "html": "<b> & {{ name }}", "crew": ["Bo", "Cy"]});
        let check = |template: &str, expected: &str| {
            assert_eq!(
                render(template, &fields).as_deref(),
                Ok(expected),
                "{template}"
            );
        };
        check("Hi {{ name }}!", "Hi Ann!");
        check("  {{ name }}\n", "Ann");
        check("{{ days }} days", "7 days");
        check("Hi{{ nobody }}!", "Hi!");
        check(
            "Hi{% if nobody %} {{ nobody }}{% else %} there{% endif %}",
            "Hi there",
        );
        check("{{ html }}", "<b> & {{ name }}");
        check("{% for it in crew %}{{ it }} {% endfor %}", "Bo Cy");
        check("{% if days > 6 %}late{% endif %}", "late");
        check("Grüße, {{ name }} 🙂", "Grüße, Ann 🙂");
    }

    #[test]
    fn a_template_that_does_not_fit_is_an_error() {
        let check = |template: &str, expected: &str| {
            let error = render(template, &json!({"name": "Ann", "blank": " \n"})).unwrap_err();
            assert!(error.to_string().contains(expected), "{template}: {error}");
        };
        check("{{ nmae }}", "undefined");
        check("{% if nmae %}x{% endif %}", "undefined");
        check("{{ name.first }}", "undefined");
        check("{{ name", "line 1");
        check("a\n{% if %}", "line 2");
        check("{{ name|shout }}", "shout");
        check("{% include 'x' %}", "line 1");
        check("", "empty");
        check("{{ blank }}", "empty");
        check(
            "{% for a in name %}{% for b in 'xxxxxxxxxx' %}{% for c in 'xxxxxxxxxx' %}{% for d in 'xxxxxxxxxx' %}{% for e in 'xxxxxxxxxx' %}.{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
            "fuel",
        );
        assert!(render("{{ name }}", &Value::Null).is_err());
        assert!(render("{{ name }}", &json!(["name"])).is_err());
    }

    #[test]
    fn a_template_is_checked_before_there_are_fields() {
        let check = |template: &str, expected: Result<(), &str>| {
            let checked = check_template(template, &["name", "days"]).map_err(|it| it.to_string());
            match expected {
                Ok(()) => assert_eq!(checked, Ok(()), "{template}"),
                Err(words) => assert!(
                    checked.as_ref().is_err_and(|it| it.contains(words)),
                    "{template}: {checked:?}"
                ),
            }
        };
        check("Hi {{ name }}, {{ days }} days", Ok(()));
        check("Hi", Ok(()));
        check("{% if days > 3 %}{{ name }}{% endif %}", Ok(()));
        check("{{ days + 1 }}", Ok(()));
        check("{% for it in name %}{{ it }}{% endfor %}", Ok(()));
        check(
            "{{ zoo }} {{ age }}",
            Err("names age, zoo; there are name, days"),
        );
        check("{% if false %}{{ age }}{% endif %}", Err("names age"));
        check("{{ name|shout }}", Err("shout"));
        check("{% if name is shout %}{% endif %}", Err("shout"));
        check("{{ name", Err("line 1"));
        check(" \n", Err("empty"));
    }
}
