//! Calling from a native program, by `tokio-postgres`; components have `baton` for that.

use bytes::BytesMut;
use serde::de::DeserializeOwned;
use tokio_postgres::types::{FromSql, IsNull, Json, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Error};

use super::{Call, Param};

/// Calls one function; the server infers the types of the parameters, as it does for Spin.
pub async fn call<C: Call>(client: &Client, call: C) -> Result<C::Output, Error> {
    let params = call.params();
    let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|it| it as _).collect();
    let row = client.query_one(C::SQL, &params).await?;
    row.try_get::<_, Answer<C::Output>>(0).map(|it| it.0)
}

/// An answer in JSON, of whichever type.
struct Answer<T>(T);

impl<'a, T: DeserializeOwned> FromSql<'a> for Answer<T> {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match *ty {
            Type::TEXT => Ok(Self(serde_json::from_slice(raw)?)),
            _ => Json::from_sql(ty, raw).map(|it| Self(it.0)),
        }
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TEXT || <Json<T> as FromSql>::accepts(ty)
    }
}

impl ToSql for Param {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Text(it) => it.to_sql_checked(ty, out),
            Self::NullText => Ok(IsNull::Yes),
            Self::Uuid(it) => it.to_sql_checked(ty, out),
            Self::Int(it) => it.to_sql_checked(ty, out),
            Self::Bool(it) => it.to_sql_checked(ty, out),
            Self::Jsonb(it) => it.to_sql_checked(ty, out),
        }
    }

    /// The value inside knows better, and says so when it is written.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
