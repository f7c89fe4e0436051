use anyhow::Result;
use process_chunks::source::sealed::{NONCE, SealError, seal};
use stack::secret;
use terminal::advice;

/// Encrypts the secret of a source.
pub(super) fn sealed(keys: &str, source: &str, text: &str) -> Result<String> {
    let random = secret::random_bytes()?;
    let (nonce, _) = random
        .split_first_chunk::<NONCE>()
        .expect("there are more bytes than a nonce has");
    seal(keys, source, text, *nonce).map_err(explain)
}

/// What to do about a key that does not fit.
pub(super) fn explain(error: SealError) -> anyhow::Error {
    advice::with(
        "reading the secret of a source",
        "give the keys of the deployment in SPIN_VARIABLE_SOURCE_KEY or in .env, or store the secret again with `baton sync add`",
    )(error)
}
