use anyhow::Result;
use baton::database;
use percent_encoding::percent_decode_str;

/// A connection string without the options of libpq that the driver does not know.
pub(super) struct Options {
    /// What the driver reads.
    pub(super) rest: String,
    pub(super) sslmode: Option<String>,
    pub(super) sslrootcert: Option<String>,
}

impl Options {
    /// Takes them out of a URL or of `key=value` pairs.
    pub(super) fn split(text: &str) -> Result<Self> {
        let mut options = Self {
            rest: String::new(),
            sslmode: None,
            sslrootcert: None,
        };
        match text.starts_with("postgres://") || text.starts_with("postgresql://") {
            true => options.split_url(text)?,
            false => options.split_pairs(text)?,
        }
        Ok(options)
    }

    fn split_url(&mut self, text: &str) -> Result<()> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|it| !it.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8()?;
            if !self.take(key, &value) {
                kept.push(pair);
            }
        }
        self.rest = match kept.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", kept.join("&")),
        };
        Ok(())
    }

    /// Pairs by libpq's rules: a value with blanks is quoted, and a backslash escapes.
    fn split_pairs(&mut self, text: &str) -> Result<()> {
        for (key, value) in database::pairs(text).map_err(anyhow::Error::msg)? {
            if !self.take(&key, &value) {
                self.rest
                    .push_str(&format!("{key}={} ", database::quoted(&value)));
            }
        }
        Ok(())
    }

    fn take(&mut self, key: &str, value: &str) -> bool {
        let place = match key {
            "sslmode" => &mut self.sslmode,
            "sslrootcert" => &mut self.sslrootcert,
            _ => return false,
        };
        *place = Some(value.to_owned());
        true
    }
}
