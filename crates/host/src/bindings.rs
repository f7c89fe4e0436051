//! Bindings of the Spin interfaces under `wit/`.

wasmtime::component::bindgen!({
    path: "wit",
    world: "baton:host/capabilities",
    imports: { default: async | trappable },
    with: {
        "spin:postgres/postgres.connection": crate::pg::Connection,
        "spin:postgres/postgres.connection-builder": crate::pg::ConnectionBuilder,
    },
    require_store_data_send: true,
});

pub(crate) use self::spin::postgres::postgres;
pub(crate) use self::spin::variables::variables;
