//! The template `templates/baton-job`, filled in without Spin.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use include_dir::{Dir, include_dir};
use serde_json::json;
use stack::context::Context;
use terminal::advice;
use toml_edit::DocumentMut;

static TEMPLATE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../templates/baton-job");

const JOB: &str = "Examples:
  baton new job invoice-export
  baton new job invoice-export --dir jobs/invoice-export --baton-path ../../../baton/crates/baton";

/// What `new` understands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Write the files of a job of your own, and its stanza in spin.toml.
    #[command(after_help = JOB)]
    Job(Args),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The name of the job and of its component: words of lower-case letters and digits, with hyphens between.
    #[arg(value_parser = job_name)]
    name: String,
    /// Where its files go, from the folder of spin.toml [its name].
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Where the crate `baton` is, from the job's folder.
    #[arg(long, value_name = "FOLDER", default_value = "../crates/baton")]
    baton_path: String,
}

/// Variables that the stanza reads, for a manifest that has none of Baton's.
const VARIABLES: [(&str, &str); 6] = [
    ("service_key", "{ required = true, secret = true }"),
    ("pg_host", "{ default = \"127.0.0.1\" }"),
    ("pg_port", "{ default = \"5432\" }"),
    ("pg_database", "{ default = \"baton\" }"),
    ("pg_sslmode", "{ default = \"prefer\" }"),
    ("pg_role", "{ default = \"baton_baton\" }"),
];

/// Writes the files of a job.
pub(crate) fn run(command: Command, context: &Context) -> Result<()> {
    let Command::Job(args) = command;
    let manifest = context.home()?.manifest();
    let root = manifest.parent().unwrap_or(Path::new("."));
    let dir = args.dir.unwrap_or_else(|| PathBuf::from(&args.name));
    let folder = root.join(&dir);
    let about = || format!("making job {}", args.name);
    if folder.exists() {
        let error = anyhow!("{} is there already", folder.display());
        return Err(advice::with(
            about(),
            "give another name, or another folder by --dir",
        )(error));
    }
    let words = Words {
        name: &args.name,
        output: &dir.display().to_string(),
        baton: &args.baton_path,
    };
    let text = std::fs::read_to_string(&manifest).map_err(advice::with(
        format!("reading {}", manifest.display()),
        "check the file's permissions",
    ))?;
    let text = with_stanza(&text, &words).map_err(advice::with(
        format!("adding the job to {}", manifest.display()),
        "give another name, or correct the file there",
    ))?;

    let mut files = Vec::new();
    for (path, content) in content(&words) {
        let path = folder.join(path);
        let written = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, content));
        written.map_err(advice::with(
            format!("writing {}", path.display()),
            "check the folder's permissions",
        ))?;
        files.push(path.display().to_string());
    }
    std::fs::write(&manifest, text).map_err(advice::with(
        format!("writing {}", manifest.display()),
        "check the file's permissions",
    ))?;
    let name = &args.name;
    let made = json!({ "job": name, "files": files, "manifest": manifest });
    context.output.result(&made, || {
        let files: String = files.iter().map(|it| format!("  {it}\n")).collect();
        let dir = dir.display();
        format!(
            "Job {name} is written, with its stanza in {}:\n{files}\
             Next:\n  cd {dir} && cargo test\n  spin build\n  psql \"$DATABASE_URL\" -f {dir}/migrations/1_create_job.sql\n  \
             baton roles set-passwords\n  baton enqueue {name} '{{\"name\": \"first\"}}'",
            manifest.display()
        )
    })
}

fn job_name(text: &str) -> Result<String, String> {
    let is_word = |word: &str| {
        word.starts_with(|it: char| it.is_ascii_lowercase())
            && word
                .chars()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
    };
    if text.len() > 63 || !text.split('-').all(is_word) {
        return Err("write words of lower-case letters and digits, each beginning with a letter, with hyphens between".to_owned());
    }
    Ok(text.to_owned())
}

/// What the template's places are filled with.
struct Words<'a> {
    name: &'a str,
    output: &'a str,
    baton: &'a str,
}

impl Words<'_> {
    /// Fills in a text of the template: what Spin's templates (Liquid) do with the few places that this one has.
    fn fill(&self, text: &str) -> String {
        let snake = self.name.replace('-', "_");
        let mut filled = String::new();
        for (at, part) in text.split("{% raw %}").enumerate() {
            let (raw, rest) = match at {
                0 => ("", part),
                _ => part.split_once("{% endraw %}").unwrap_or((part, "")),
            };
            filled.push_str(raw);
            filled.push_str(
                &rest
                    .replace("{{ project-name | kebab_case }}", self.name)
                    .replace("{{ project-name | snake_case }}", &snake)
                    .replace("{{ output-path }}", self.output)
                    .replace("{{ baton-path }}", self.baton),
            );
        }
        filled
    }
}

/// The files of the job, by their paths in its folder.
fn content(words: &Words<'_>) -> Vec<(PathBuf, String)> {
    fn collect(dir: &'static Dir<'_>, words: &Words<'_>, files: &mut Vec<(PathBuf, String)>) {
        for file in dir.files() {
            let path = file.path().strip_prefix("content").unwrap_or(file.path());
            let text = file.contents_utf8().unwrap_or_default();
            files.push(match path.extension().is_some_and(|it| it == "tmpl") {
                true => (path.with_extension(""), words.fill(text)),
                false => (path.to_owned(), text.to_owned()),
            });
        }
        for dir in dir.dirs() {
            collect(dir, words, files);
        }
    }
    let mut files = Vec::new();
    if let Some(dir) = TEMPLATE.get_dir("content") {
        collect(dir, words, &mut files);
    }
    files
}

fn snippet(name: &str, words: &Words<'_>) -> String {
    let file = TEMPLATE.get_file(format!("metadata/snippets/{name}"));
    words.fill(file.and_then(|it| it.contents_utf8()).unwrap_or_default())
}

/// The manifest with the job's component, its route, and the variables that they need.
fn with_stanza(manifest: &str, words: &Words<'_>) -> Result<String> {
    let mut document: DocumentMut = manifest.parse()?;
    let name = words.name;
    if document
        .get("component")
        .is_some_and(|it| it.get(name).is_some())
    {
        return Err(anyhow!("it has a component {name} already"));
    }
    let own = snippet("variables.txt", words);
    let own = own.trim().split_once(" = ");
    let variables = document["variables"].or_insert(toml_edit::table());
    for (variable, value) in VARIABLES.into_iter().chain(own) {
        if variables.get(variable).is_none() {
            variables[variable] = toml_edit::value(value.parse::<toml_edit::Value>()?);
        }
    }
    let stanza = snippet("component.txt", words);
    Ok(format!(
        "{}\n\n{}\n",
        document.to_string().trim_end(),
        stanza.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words<'_> = Words {
        name: "thumb-nails",
        output: "jobs/thumb-nails",
        baton: "../baton",
    };

    #[test]
    fn every_place_of_the_template_is_filled() {
        let files = content(&WORDS);
        let mut names: Vec<_> = files
            .iter()
            .map(|(path, _)| path.display().to_string())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                ".gitignore",
                "Cargo.toml",
                "migrations/1_create_job.sql",
                "src/lib.rs"
            ]
        );
        for (path, text) in files {
            assert!(!text.contains("{{ project-name"), "{}", path.display());
            assert!(!text.contains("{%"), "{}", path.display());
        }
    }

    #[test]
    fn the_stanza_is_added_once_and_the_rest_stays() {
        let before =
            "spin_manifest_version = 2\n\n[variables]\n# Kept.\npg_host = { default = \"db\" }\n";
        let after = with_stanza(before, &WORDS).expect("it fits");
        let read: toml_edit::DocumentMut = after.parse().expect("it is TOML");
        assert!(
            after.contains("# Kept.\npg_host = { default = \"db\" }"),
            "{after}"
        );
        let component = &read["component"]["thumb-nails"];
        assert_eq!(
            component["build"]["workdir"].as_str(),
            Some("jobs/thumb-nails")
        );
        let database = component["variables"]["database"]
            .as_str()
            .unwrap_or_default();
        assert!(
            database.contains("password='{{ pg_password_thumb_nails }}'"),
            "{database}"
        );
        assert!(
            read["variables"]["pg_password_thumb_nails"].is_value(),
            "{after}"
        );
        assert!(read["variables"]["service_key"].is_value(), "{after}");
        assert!(with_stanza(&after, &WORDS).is_err());
    }

    #[test]
    fn names_are_those_that_a_component_can_have() {
        for (name, fits) in [
            ("invoice-export", true),
            ("a1", true),
            ("Invoice", false),
            ("invoice--export", false),
            ("a-1", false),
            ("", false),
            ("../x", false),
        ] {
            assert_eq!(job_name(name).is_ok(), fits, "{name}");
        }
    }
}
