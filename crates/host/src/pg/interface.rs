//! `spin:postgres@4.2.0` for components.

use std::sync::Arc;

use tokio_postgres::config::Host as Target;
use wasmtime::component::{
    Access, Accessor, FutureReader, HasData, Resource, ResourceTable, StreamReader,
};

use super::statement::Outcome;
use super::values::{self, Parameter};
use super::{Connection, ConnectionBuilder, Trust};
use crate::bindings::postgres::{self, Column, Error, ParameterValue, Row, RowSet};
use crate::context::Context;
use crate::faults::Passage;

/// The part of a guest's store that the Spin interfaces work on.
pub(crate) struct Capabilities<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) context: &'a Arc<Context>,
}

/// The name under which the linker knows [`Capabilities`].
pub(crate) struct Imports;

impl HasData for Imports {
    type Data<'a> = Capabilities<'a>;
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;

async fn open(context: &Context, address: String, ca_root: Option<String>) -> Answer<Connection> {
    if let Err(refusal) = check_address(context, &address) {
        return Ok(Err(Error::ConnectionFailed(refusal)));
    }
    let passage = context.enter().await?;
    if passage == Passage::Fail {
        return Ok(Err(Error::ConnectionFailed(
            "connection refused (injected)".to_owned(),
        )));
    }
    let connection = context.pools.get(address, ca_root).await;
    passage.leave()?;
    Ok(connection.map_err(Error::ConnectionFailed))
}

fn check_address(context: &Context, address: &str) -> Result<(), String> {
    let config = match address.parse::<tokio_postgres::Config>() {
        Ok(config) => config,
        Err(err) => return Err(err.to_string()),
    };
    let (ports, addresses) = (config.get_ports(), config.get_hostaddrs());
    for (index, host) in config.get_hosts().iter().enumerate() {
        let Target::Tcp(host) = host else {
            return Err("Unix sockets are not supported on WebAssembly".to_owned());
        };
        // Any other address would lead somewhere else than the checked host says.
        if let Some(address) = addresses.get(index)
            && *host != format!("[{address}]")
        {
            return Err("hostaddr is supported for an IPv6 literal alone".to_owned());
        }
        let only_port = ports.first().filter(|_| ports.len() == 1);
        let port = ports.get(index).or(only_port);
        let port = port.map(|it| format!(":{it}")).unwrap_or_default();
        // Without brackets around it, no IPv6 address is permitted, as with Spin.
        let address = format!("{host}{port}");
        if !context.allowed_hosts.allows(&address, "postgres") {
            return Err(format!("address postgres://{address} is not permitted"));
        }
    }
    Ok(())
}

async fn query(
    context: &Context,
    connection: &Connection,
    sql: &str,
    parameters: Vec<ParameterValue>,
) -> Answer<Outcome> {
    let parameters = match values::parameters(parameters) {
        Ok(parameters) => parameters,
        Err(text) => return Ok(Err(Error::BadParameter(text))),
    };
    context.pools.used_by(&connection.0, sql);
    let statement = connection.query(context.prepared_statements, sql, &parameters);
    run(context, connection.0.run(statement)).await
}

async fn execute(
    context: &Context,
    connection: &Connection,
    sql: &str,
    parameters: Vec<ParameterValue>,
) -> Answer<u64> {
    let parameters: Vec<Parameter> = match values::parameters(parameters) {
        Ok(parameters) => parameters,
        // Spin tells these two apart, so a component may too.
        Err(text) => return Ok(Err(Error::ValueConversionFailed(text))),
    };
    context.pools.used_by(&connection.0, sql);
    let statement = connection.execute(context.prepared_statements, sql, &parameters);
    run(context, connection.0.run(statement)).await
}

async fn run<T>(context: &Context, work: impl Future<Output = Result<T, Error>>) -> Answer<T> {
    let passage = context.enter().await?;
    if passage == Passage::Fail {
        return Ok(Err(super::errors::query_failed_text(
            "connection closed (injected)",
        )));
    }
    let result = work.await;
    passage.leave()?;
    Ok(result)
}

impl Capabilities<'_> {
    fn connection(&self, handle: &Resource<Connection>) -> wasmtime::Result<Connection> {
        Ok(Connection(self.table.get(handle)?.0.clone()))
    }

    fn push(&mut self, opened: Result<Connection, Error>) -> Answer<Resource<Connection>> {
        match opened {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(err) => Ok(Err(err)),
        }
    }

    fn builder(
        &self,
        handle: &Resource<ConnectionBuilder>,
    ) -> wasmtime::Result<(String, Option<String>)> {
        let builder = self.table.get(handle)?;
        Ok((builder.address.clone(), builder.ca_root.clone()))
    }
}

impl postgres::Host for Capabilities<'_> {}

impl postgres::HostConnectionBuilder for Capabilities<'_> {
    async fn new(&mut self, address: String) -> wasmtime::Result<Resource<ConnectionBuilder>> {
        let ca_root = None;
        Ok(self.table.push(ConnectionBuilder { address, ca_root })?)
    }

    async fn set_ca_root(&mut self, this: Resource<ConnectionBuilder>, pem: String) -> Answer<()> {
        if let Err(err) = Trust::system().with(&pem) {
            return Ok(Err(Error::Other(format!(
                "invalid root certificate: {err}"
            ))));
        }
        self.table.get_mut(&this)?.ca_root = Some(pem);
        Ok(Ok(()))
    }

    async fn build(&mut self, this: Resource<ConnectionBuilder>) -> Answer<Resource<Connection>> {
        let (address, ca_root) = self.builder(&this)?;
        let opened = open(self.context, address, ca_root).await?;
        self.push(opened)
    }

    async fn drop(&mut self, this: Resource<ConnectionBuilder>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl<T: 'static> postgres::HostConnectionBuilderWithStore<T> for Imports {
    async fn build_async(
        store: &Accessor<T, Self>,
        this: Resource<ConnectionBuilder>,
    ) -> Answer<Resource<Connection>> {
        let (context, builder) =
            store.with(|mut it| (it.get().context.clone(), it.get().builder(&this)));
        let (address, ca_root) = builder?;
        let opened = open(&context, address, ca_root).await?;
        store.with(|mut it| it.get().push(opened))
    }
}

impl postgres::HostConnection for Capabilities<'_> {
    async fn open(&mut self, address: String) -> Answer<Resource<Connection>> {
        let opened = open(self.context, address, None).await?;
        self.push(opened)
    }

    async fn query(
        &mut self,
        this: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<RowSet> {
        let connection = self.connection(&this)?;
        let outcome = match query(self.context, &connection, &statement, parameters).await? {
            Ok(outcome) => outcome,
            Err(err) => return Ok(Err(err)),
        };
        Ok(outcome.end.map(|()| RowSet {
            columns: outcome.columns,
            rows: outcome.rows,
        }))
    }

    async fn execute(
        &mut self,
        this: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<u64> {
        let connection = self.connection(&this)?;
        execute(self.context, &connection, &statement, parameters).await
    }

    async fn drop(&mut self, this: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

/// What `query-async` answers: columns, rows and how it ended.
type Rows = (
    Vec<Column>,
    StreamReader<Row>,
    FutureReader<Result<(), Error>>,
);

impl<T: 'static> postgres::HostConnectionWithStore<T> for Imports {
    async fn open_async(
        store: &Accessor<T, Self>,
        address: String,
    ) -> Answer<Resource<Connection>> {
        let context = store.with(|mut it| it.get().context.clone());
        let opened = open(&context, address, None).await?;
        store.with(|mut it| it.get().push(opened))
    }

    async fn query_async(
        store: &Accessor<T, Self>,
        this: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<Rows> {
        let (context, connection) = store.with(|it| borrow(it, &this))?;
        let outcome = match query(&context, &connection, &statement, parameters).await? {
            Ok(outcome) => outcome,
            Err(err) => return Ok(Err(err)),
        };
        store.with(|mut it| {
            let rows = StreamReader::new(&mut it, outcome.rows)?;
            let end = async move { wasmtime::error::Ok(outcome.end) };
            let end = FutureReader::new(&mut it, end)?;
            Ok(Ok((outcome.columns, rows, end)))
        })
    }

    async fn execute_async(
        store: &Accessor<T, Self>,
        this: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<u64> {
        let (context, connection) = store.with(|it| borrow(it, &this))?;
        execute(&context, &connection, &statement, parameters).await
    }
}

fn borrow<T: 'static>(
    mut store: Access<'_, T, Imports>,
    handle: &Resource<Connection>,
) -> wasmtime::Result<(Arc<Context>, Connection)> {
    let view = store.get();
    Ok((view.context.clone(), view.connection(handle)?))
}
