use spin_sdk::http::Method;

/// Why a request was not served; each variant is one thing that the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Present the service key, or sign the request.
    #[error(
        "present the service key as `Authorization: Bearer …`, or a signature by Standard Webhooks"
    )]
    Unauthorized,
    /// Sign the request as its provider does; the text says how it signs.
    #[error("{0}")]
    WrongSignature(&'static str),
    /// Use this method.
    #[error("use {0}")]
    MethodNotAllowed(Method),
    /// Ask for something that exists.
    #[error(
        "there is nothing here; served are POST /tick, POST /jobs/…, POST /functions/v1/process-auto-sync-jobs, \
         PATCH /admin/assignments/{{id}}/last-contact-date, POST /messages/sms/… GET /healthz and GET /readyz"
    )]
    NotFound,
    /// Name something that exists.
    #[error("{0}")]
    NoSuchThing(String),
    /// Send less.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// Correct the request; the text names the field.
    #[error("{0}")]
    BadRequest(String),
    /// Correct a value; the text names the field.
    #[error("{0}")]
    Unacceptable(String),
    /// Try again later; the text is for the log.
    #[error("{0}")]
    Unavailable(String),
    /// Have the operator change the deployment; the text is for the log.
    #[error("{0}")]
    Misconfigured(String),
    /// Nothing the caller can do; the text is for the log.
    #[error("{0}")]
    Bug(String),
}

impl Error {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthorized | Self::WrongSignature(_) => 401,
            Self::MethodNotAllowed(_) => 405,
            Self::NotFound | Self::NoSuchThing(_) => 404,
            Self::TooLarge(_) => 413,
            Self::BadRequest(_) => 400,
            Self::Unacceptable(_) => 422,
            Self::Unavailable(_) => 503,
            Self::Misconfigured(_) | Self::Bug(_) => 500,
        }
    }

    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized | Self::WrongSignature(_) => "unauthorized",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::NoSuchThing(_) => "no_such_thing",
            Self::TooLarge(_) => "too_large",
            Self::BadRequest(_) => "bad_request",
            Self::Unacceptable(_) => "unacceptable",
            Self::Unavailable(_) => "unavailable",
            Self::Misconfigured(_) => "misconfigured",
            Self::Bug(_) => "internal",
        }
    }

    /// What the caller is told; what we know beyond it goes to the log alone.
    pub fn message(&self) -> String {
        match self {
            Self::Unavailable(_) => {
                "the database cannot be reached or is busy; try again later".to_owned()
            }
            Self::Misconfigured(_) => {
                "this deployment is not set up correctly; the component's log says \
                 what to change, and `baton doctor` checks it"
                    .to_owned()
            }
            Self::Bug(_) => "an internal error; the component's log says which".to_owned(),
            Self::Unauthorized
            | Self::WrongSignature(_)
            | Self::MethodNotAllowed(_)
            | Self::NotFound
            | Self::NoSuchThing(_)
            | Self::TooLarge(_)
            | Self::BadRequest(_)
            | Self::Unacceptable(_) => self.to_string(),
        }
    }
}
