use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::Result;
use terminal::advice;

/// The file in the state folder that says which components are compiled.
const COMPILED: &str = "compiled";

/// The folder of the application: where `spin.toml` lies, and `.baton/` with the state of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The folder given, else the nearest one with a `spin.toml` at or above `here`, else at or above `program`.
    pub fn find(given: Option<&Path>, here: &Path, program: &Path) -> Result<Self> {
        let found = match given {
            Some(given) => Some(given).filter(|it| it.join("spin.toml").is_file()),
            None => nearest(here).or_else(|| nearest(program)),
        };
        let Some(root) = found else {
            let (message, help) = match given {
                Some(given) => (
                    format!("there is no spin.toml in {}", given.display()),
                    "set BATON_HOME to the folder of the application",
                ),
                None => (
                    format!("there is no spin.toml in {} or above", here.display()),
                    "change to the folder of the application, or set BATON_HOME to it",
                ),
            };
            return Err(advice::error(message, help));
        };
        let root = root.canonicalize().map_err(advice::with(
            format!("opening {}", root.display()),
            "check the permissions of the folder",
        ))?;
        Ok(Self { root })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn manifest(&self) -> PathBuf {
        self.root.join("spin.toml")
    }

    /// What the manifest holds.
    pub fn read_manifest(&self) -> Result<toml::Table> {
        let manifest = self.manifest();
        let text = std::fs::read_to_string(&manifest).map_err(advice::with(
            format!("reading {}", manifest.display()),
            "check the file's permissions",
        ))?;
        toml::from_str(&text).map_err(advice::with(
            format!("reading {}", manifest.display()),
            "correct the manifest there",
        ))
    }

    /// The compiled components that the manifest names, by component.
    pub fn components(&self) -> Result<Vec<(String, PathBuf)>> {
        let manifest = self.read_manifest()?;
        let components = manifest
            .get("component")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten();
        let sources = components.filter_map(|(name, it)| {
            Some((name.clone(), self.root.join(it.get("source")?.as_str()?)))
        });
        Ok(sources.collect())
    }

    /// Fails when a component is not built.
    pub fn check_components(&self) -> Result<()> {
        match self
            .components()?
            .into_iter()
            .find(|(_, source)| !source.is_file())
        {
            None => Ok(()),
            Some((name, source)) => Err(advice::error(
                format!(
                    "component {name} is not built: there is no {}",
                    source.display()
                ),
                "build it with scripts/build-components",
            )),
        }
    }

    /// The folder of the private PostgreSQL cluster.
    pub fn cluster(&self) -> PathBuf {
        self.root.join(".baton/postgres")
    }

    /// Whether that cluster was made.
    pub fn has_cluster(&self) -> bool {
        self.cluster().exists()
    }

    /// Variables of the application that Spin reads beside the environment.
    pub fn dotenv(&self) -> PathBuf {
        self.root.join(".env")
    }

    /// Where components log.
    pub fn logs(&self) -> PathBuf {
        self.root.join(".baton/logs")
    }

    /// Where compiled components are kept.
    pub fn cache(&self) -> PathBuf {
        self.root.join(".baton/cache")
    }

    /// Whether the components differ from those that were compiled last, or nothing is compiled.
    pub fn is_to_compile(&self) -> Result<bool> {
        let compiled = std::fs::read_dir(self.cache()).is_ok_and(|mut it| it.next().is_some());
        // A mark that cannot be read says nothing.
        let mark = std::fs::read_to_string(self.state().join(COMPILED)).unwrap_or_default();
        Ok(!compiled || mark != self.mark_of_components()?)
    }

    /// Notes that the components are compiled.
    pub fn note_compiled(&self) -> Result<()> {
        let file = self.state_file(COMPILED)?;
        std::fs::write(&file, self.mark_of_components()?).map_err(advice::with(
            format!("writing {}", file.display()),
            "check the permissions of the folder, and that there is space left",
        ))
    }

    /// Changes whenever a component is built anew, or another release compiles it.
    fn mark_of_components(&self) -> Result<String> {
        let mut mark = format!("{}\n", env!("CARGO_PKG_VERSION"));
        for (name, source) in self.components()? {
            let file = source.metadata().map_err(advice::with(
                format!("reading {}", source.display()),
                "build the components with scripts/build-components",
            ))?;
            let at = file.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
            mark.push_str(&format!("{name} {} {at}\n", file.len()));
        }
        Ok(mark)
    }

    /// The state folder, which may be absent.
    pub fn state(&self) -> PathBuf {
        self.root.join(".baton")
    }

    /// A file in the state folder, which is made when absent.
    pub fn state_file(&self, name: &str) -> Result<PathBuf> {
        let state = self.root.join(".baton");
        let what = || {
            advice::with(
                format!("making {}", state.display()),
                "check the permissions of the folder",
            )
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&state)
            .map_err(what())?;
        // PostgreSQL refuses root, so root's cluster runs as another user, who has to get through this folder.
        let mode = if rustix::process::geteuid().is_root() {
            0o711
        } else {
            0o700
        };
        std::fs::set_permissions(&state, Permissions::from_mode(mode)).map_err(what())?;
        Ok(state.join(name))
    }
}

fn nearest(start: &Path) -> Option<&Path> {
    start.ancestors().find(|it| it.join("spin.toml").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(dir: &Path, manifest: &str) -> PathBuf {
        std::fs::create_dir_all(dir).expect("a temporary folder is writable");
        std::fs::write(dir.join("spin.toml"), manifest).expect("a temporary folder is writable");
        dir.canonicalize().expect("it was just made")
    }

    #[test]
    fn the_nearest_application_above_wins_over_the_one_of_the_program() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let outer = application(&temp.path().join("a"), "");
        let inner = application(&temp.path().join("a/b"), "");
        let deep = inner.join("c/d");
        std::fs::create_dir_all(&deep).expect("a temporary folder is writable");
        let program = outer.join("target/debug/baton");
        let find = |given: Option<&Path>, here: &Path| {
            Home::find(given, here, &program).map(|it| it.root).ok()
        };
        assert_eq!(find(None, &deep), Some(inner.clone()));
        assert_eq!(find(None, temp.path()), Some(outer.clone()));
        assert_eq!(find(Some(&outer), &deep), Some(outer));
        assert_eq!(find(Some(&deep), &deep), None);
    }

    #[test]
    fn a_component_that_is_not_built_is_named() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let root = application(temp.path(), "[component.one]\nsource = \"one.wasm\"\n");
        let home = Home { root: root.clone() };
        let error = home
            .check_components()
            .expect_err("it is not built")
            .to_string();
        assert!(
            error.contains("component one is not built") && error.contains("one.wasm"),
            "{error}"
        );
        std::fs::write(root.join("one.wasm"), "").expect("a temporary folder is writable");
        assert!(home.check_components().is_ok());
    }

    #[test]
    fn components_are_compiled_once_and_after_each_build() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let root = application(temp.path(), "[component.one]\nsource = \"one.wasm\"\n");
        let home = Home { root: root.clone() };
        let write = |file: PathBuf, text: &str| {
            std::fs::write(file, text).expect("a temporary folder is writable");
        };
        let is_to_compile = || home.is_to_compile().expect("the component is there");
        write(root.join("one.wasm"), "a");
        assert!(is_to_compile());
        home.note_compiled().expect("the state folder is writable");
        assert!(is_to_compile(), "the cache was removed");
        std::fs::create_dir(home.cache()).expect("a temporary folder is writable");
        write(home.cache().join("one"), "compiled");
        assert!(!is_to_compile());
        write(root.join("one.wasm"), "ab");
        assert!(is_to_compile());
    }

    #[test]
    fn the_state_folder_is_closed_to_others() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let home = Home {
            root: application(temp.path(), ""),
        };
        let file = home
            .state_file("service-key")
            .expect("the state folder can be made");
        let state = file.parent().expect("it lies in the state folder");
        let mode = std::fs::metadata(state)
            .expect("it exists")
            .permissions()
            .mode()
            & 0o777;
        assert!(mode == 0o700 || mode == 0o711, "{mode:o}");
    }
}
