use std::path::PathBuf;

use anyhow::Result;
use terminal::{advice, output};

use crate::key::Key;

/// A key in a file, which may change while the host runs.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) key: Key,
    pub(super) file: PathBuf,
    /// The values that the host accepts.
    live: Vec<String>,
    /// What is wrong with the file, once a person was told.
    trouble: Option<String>,
}

impl Kept {
    pub(super) fn new(key: Key, file: PathBuf, live: Vec<String>) -> Self {
        Self {
            key,
            file,
            live,
            trouble: None,
        }
    }

    /// The live values when others are in the file by now. Those of an unusable file are no change.
    pub(super) fn changed(&mut self) -> Option<&[String]> {
        let values = match self.read() {
            Ok(values) => values,
            Err(error) => {
                let trouble = advice::chain(&error);
                if self.trouble.as_ref() != Some(&trouble) {
                    output::note(&format!("The {} stays: {trouble}.", self.key.name()));
                    self.trouble = Some(trouble);
                }
                return None;
            }
        };
        self.trouble = None;
        if values == self.live {
            return None;
        }
        self.live = values;
        Some(&self.live)
    }

    fn read(&self) -> Result<Vec<String>> {
        let values = self.key.live_in(&self.file)?;
        anyhow::ensure!(!values.is_empty(), "{} holds none", self.file.display());
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef";
    const TWO: &str = "fedcba9876543210";

    #[test]
    fn only_another_sound_file_is_a_change() {
        let temp = tempfile::tempdir().expect("a temporary folder can be made");
        let file = temp.path().join("service-key");
        let mut kept = Kept::new(Key::Service, file.clone(), vec![ONE.to_owned()]);
        let mut check = |text: &str, expected: Option<&[&str]>| {
            std::fs::write(&file, text).expect("a temporary folder is writable");
            let changed = kept.changed().map(<[String]>::to_vec);
            let expected = expected.map(|it| it.iter().map(|it| (*it).to_owned()).collect());
            assert_eq!(changed, expected, "{text:?}");
        };
        check(&format!("{ONE}\n"), None);
        check(&format!("{TWO}\n{ONE}\n"), Some(&[TWO, ONE]));
        check(&format!("{TWO} {ONE}"), None);
        check("\n", None);
        check(&format!("{TWO} {TWO} {ONE}"), None);
        check(TWO, Some(&[TWO]));
        std::fs::remove_file(&file).expect("it is there");
        assert_eq!(kept.changed(), None);
    }
}
