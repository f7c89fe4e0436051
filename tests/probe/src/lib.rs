//! A component for tests of the host: sends the SQL of the request as it is, and shows what comes back.
//! No component that is deployed may do any of this.

use bytes::Bytes;
use serde::Deserialize;
use spin_sdk::http::body::IncomingBodyExt as _;
use spin_sdk::http::{FullBody, Request, Response};
use spin_sdk::pg::{Connection, DbValue, Error, ParameterValue};

#[derive(Deserialize)]
struct Asked {
    database: String,
    statements: Vec<String>,
    /// A text parameter of the last statement.
    parameter: Option<String>,
}

/// Sends the statements over one connection and answers with the first value of the last one, or its error.
#[spin_sdk::http_service]
async fn handle(request: Request) -> Response<FullBody<Bytes>> {
    let body = request.into_body().bytes().await.unwrap_or_default();
    let text = match serde_json::from_slice(&body) {
        Ok(asked) => run(asked).await.unwrap_or_else(|it| format!("{it:?}")),
        Err(it) => it.to_string(),
    };
    Response::new(FullBody::new(Bytes::from(
        serde_json::json!(text).to_string(),
    )))
}

async fn run(asked: Asked) -> Result<String, Error> {
    let connection = Connection::open(asked.database).await?;
    let mut shown = String::new();
    let last = asked.statements.len();
    for (index, statement) in asked.statements.into_iter().enumerate() {
        let parameter = asked.parameter.clone().filter(|_| index + 1 == last);
        let parameters: Vec<ParameterValue> =
            parameter.into_iter().map(ParameterValue::Str).collect();
        let mut rows = connection.query(statement, parameters).await?;
        while let Some(row) = rows.next().await {
            shown = show(&row[0]);
        }
        rows.result().await?;
    }
    Ok(shown)
}

fn show(value: &DbValue) -> String {
    match value {
        DbValue::Unsupported(_) => "unsupported".to_owned(),
        other => format!("{other:?}"),
    }
}
