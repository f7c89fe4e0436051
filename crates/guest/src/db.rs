use contract::{Call, Param, codes};
use spin_sdk::pg::{Connection, DbValue, Error as SdkError, ParameterValue, PgError, QueryError};

use crate::{Config, Error};

/// The database, for calls of `baton_api` and nothing else.
pub struct Db(Connection);

impl Db {
    /// Takes a connection from the host's pool.
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        Connection::open(config.database.as_str())
            .await
            .map(Self)
            .map_err(classify)
    }

    /// Calls one function, which is one transaction: when this returns, nothing is left open.
    pub async fn call<C: Call>(&self, call: C) -> Result<C::Output, Error> {
        let params: Vec<ParameterValue> = call.params().into_iter().map(parameter).collect();
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
    let DbValue::Jsonb(bytes) = value else {
        return Err(Error::Bug(format!(
            "{} returned {value:?} instead of jsonb",
            C::SQL
        )));
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
            Error::Unavailable(format!("connecting to the database: {text}"))
        }
        PgError::QueryFailed(QueryError::DbError(it)) => match it.code.as_str() {
            codes::NO_SUCH_THING => Error::NoSuchThing(it.message),
            codes::BAD_ARGUMENT => Error::BadRequest(it.message),
            codes::UNACCEPTABLE => Error::Unacceptable(it.message),
            // Serialisation and deadlock (40), resources (53), operator intervention (57), connection (08), lock time-out.
            code if ["40", "53", "57", "08"].contains(&&code[..2]) || code == "55P03" => {
                Error::Unavailable(it.as_text)
            }
            _ => Error::Bug(it.as_text),
        },
        PgError::QueryFailed(QueryError::Text(text)) => Error::Unavailable(text),
        PgError::BadParameter(text) | PgError::ValueConversionFailed(text) => Error::Bug(text),
        PgError::Other(text) => Error::Unavailable(text),
    }
}
