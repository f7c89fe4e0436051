use crate::budget;
use crate::contract::{Call, Param, codes};
use crate::database::is_permanent;
use spin_sdk::pg::{
    Certificate, Connection, DbValue, Error as SdkError, OpenOptions, ParameterValue, PgError,
    QueryError,
};

use super::{Config, Error};
use crate::clock::within;

/// The database, for calls of `baton_api` and nothing else.
pub struct Db(Connection);

impl Db {
    /// Takes a connection from the host's pool.
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        let database = &config.database;
        let options = OpenOptions {
            ca_root: database.ca.clone().map(Certificate::Text),
        };
        let opening = Connection::open_with_options(&database.address, options);
        match within(budget::CONNECT, opening).await {
            Some(opened) => opened.map(Self).map_err(classify),
            None => Err(Error::Unavailable(format!(
                "the database did not accept a connection within {} s",
                budget::CONNECT.as_secs()
            ))),
        }
    }

    /// Makes one call on a connection that goes back to the pool at once.
    pub async fn once<C: Call>(config: &Config, call: C) -> Result<C::Output, Error> {
        Self::connect(config).await?.call(call).await
    }

    /// Calls one function, which is one transaction: when this returns, nothing is left open.
    pub async fn call<C: Call>(&self, call: C) -> Result<C::Output, Error> {
        let params: Vec<ParameterValue> = call.params().into_iter().map(parameter).collect();
        match within(budget::CALL, self.query::<C>(params)).await {
            Some(result) => result,
            None => Err(Error::Unavailable(format!(
                "the database did not answer within {} s: {}",
                budget::CALL.as_secs(),
                C::SQL
            ))),
        }
    }

    async fn query<C: Call>(&self, params: Vec<ParameterValue>) -> Result<C::Output, Error> {
        let mut rows = self.0.query(C::SQL, params).await.map_err(classify)?;
        let mut value = None;
        while let Some(row) = rows.next().await {
            value = Some(decode::<C>(&row[0]));
        }
        rows.result().await.map_err(classify)?;
        value.ok_or_else(|| Error::Bug(format!("{} returned no row", C::SQL)))?
    }
}

fn decode<C: Call>(value: &DbValue) -> Result<C::Output, Error> {
    let bytes = match value {
        DbValue::Jsonb(bytes) => bytes,
        DbValue::Str(text) => text.as_bytes(),
        other => {
            return Err(Error::Bug(format!(
                "{} returned {other:?} instead of JSON",
                C::SQL
            )));
        }
    };
    serde_json::from_slice(bytes).map_err(|it| Error::Bug(format!("{}: {it}", C::SQL)))
}

fn parameter(param: Param) -> ParameterValue {
    match param {
        Param::Text(it) => ParameterValue::Str(it),
        Param::NullText => ParameterValue::DbNull,
        Param::Uuid(it) => ParameterValue::Uuid(it.to_string()),
        Param::Int(it) => ParameterValue::Int32(it),
        Param::Bool(it) => ParameterValue::Boolean(it),
        Param::Jsonb(it) => ParameterValue::Jsonb(it.to_string().into_bytes()),
    }
}

fn classify(error: SdkError) -> Error {
    let error = match error {
        SdkError::PgError(error) => error,
        other => return Error::Bug(other.to_string()),
    };
    match error {
        PgError::ConnectionFailed(text) => {
            let text = format!("connecting to the database: {}", plain(&text));
            match is_permanent(&text) {
                true => Error::Misconfigured(text),
                false => Error::Unavailable(text),
            }
        }
        PgError::QueryFailed(QueryError::DbError(it)) => match it.code.as_str() {
            codes::NO_SUCH_THING => Error::NoSuchThing(it.message),
            codes::BAD_ARGUMENT => Error::BadRequest(it.message),
            codes::UNACCEPTABLE => Error::Unacceptable(it.message),
            // The role lacks a right, or the schema is not there: nothing that time mends.
            codes::WRONG_ISOLATION | "42501" | "3F000" | "42883" => {
                Error::Misconfigured(format!("{} ({})", it.message, it.code))
            }
            // Serialisation and deadlock (40), resources (53), operator intervention (57), connection (08), lock time-out.
            code if ["40", "53", "57", "08"].contains(&&code[..2]) || code == "55P03" => {
                Error::Unavailable(format!("{} ({})", it.message, it.code))
            }
            _ => Error::Bug(format!("{} ({})", it.message, it.code)),
        },
        PgError::QueryFailed(QueryError::Text(text)) => Error::Unavailable(plain(&text)),
        PgError::BadParameter(text) | PgError::ValueConversionFailed(text) => Error::Bug(text),
        // Spin reports a malformed entry of allowed_outbound_hosts and a malformed certificate so.
        PgError::Other(text) => Error::Misconfigured(plain(&text)),
    }
}

/// One line of what a host says, which may go on with a backtrace.
fn plain(text: &str) -> String {
    let said = text.split("Stack backtrace:").next().unwrap_or_default();
    let lines = said.lines().map(str::trim).filter(|it| !it.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}
