use bytes::Bytes;

/// The status and body of an answer, or why there was none.
pub type Answer = Result<(u16, Bytes), String>;

/// Logs a failure.
pub(crate) fn log(path: &str, trigger: &str, answer: &Answer) {
    match answer {
        // A busy job answers 409, which is an answer like any other.
        Ok((200..300 | 409, _)) => {}
        Ok((status, _)) => tracing::warn!(path, status, "the {trigger} failed"),
        Err(err) => tracing::warn!(path, "the {trigger} failed: {err}"),
    }
}
