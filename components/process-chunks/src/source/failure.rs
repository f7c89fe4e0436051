/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 300;

/// Why a chunk brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub remedy: Remedy,
    /// What to tell people: one line of at most 300 characters, and never a credential.
    pub message: String,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Ask again later; it may work then.
    Retry,
    /// Leave the source alone for so long, in seconds, 1..=3600, and ask again.
    Wait(u32),
    /// Nothing: the same question gets the same answer.
    GiveUp,
    /// Correct the credentials; until then nothing will work.
    Credentials,
}

impl Failure {
    /// It may work later.
    pub fn retry(message: impl AsRef<str>) -> Self {
        Self::new(Remedy::Retry, message.as_ref())
    }

    /// The source asks for patience.
    pub fn wait(seconds: u32, message: impl AsRef<str>) -> Self {
        Self::new(Remedy::Wait(seconds), message.as_ref())
    }

    /// It would fail again.
    pub fn failed(message: impl AsRef<str>) -> Self {
        Self::new(Remedy::GiveUp, message.as_ref())
    }

    /// The source refuses the credentials.
    pub fn refused(message: impl AsRef<str>) -> Self {
        Self::new(Remedy::Credentials, message.as_ref())
    }

    /// The answer is longer than [`super::LONGEST_ANSWER`].
    pub fn too_long() -> Self {
        Self::failed(format!(
            "the answer is longer than {} MiB; ask for smaller pages, by the address or by --page-size",
            super::LONGEST_ANSWER >> 20
        ))
    }

    fn new(remedy: Remedy, message: &str) -> Self {
        Self {
            remedy,
            message: message
                .chars()
                .filter(|it| !it.is_control())
                .take(LONGEST_MESSAGE)
                .collect(),
        }
    }
}
