use super::*;

fn parsed(text: &str) -> Address {
    Address::parse_with(text, |_| None).expect(text)
}

#[test]
fn every_parameter_survives_being_written_out() {
    for (text, kept) in [
        (
            "postgres://ann@db/shop?connect_timeout=7",
            "connect_timeout='7'",
        ),
        (
            "postgres://ann@db/shop?tcp_user_timeout=9",
            "tcp_user_timeout='9'",
        ),
        ("postgres://ann@db/shop?keepalives=0", "keepalives='0'"),
        (
            "postgres://ann@db/shop?keepalives_idle=11",
            "keepalives_idle='11'",
        ),
        (
            "postgres://ann@db/shop?keepalives_interval=4",
            "keepalives_interval='4'",
        ),
        (
            "postgres://ann@db/shop?keepalives_retries=5",
            "keepalives_retries='5'",
        ),
        (
            "postgres://ann@db/shop?target_session_attrs=read-write",
            "target_session_attrs='read-write'",
        ),
        (
            "postgres://ann@db/shop?channel_binding=require",
            "channel_binding='require'",
        ),
        (
            "postgres://ann@a,b/shop?load_balance_hosts=random",
            "load_balance_hosts='random'",
        ),
        (
            "postgres://ann@db/shop?sslmode=require&sslnegotiation=direct",
            "sslnegotiation='direct'",
        ),
        (
            "postgres://ann@db/shop?options=-c%20work_mem%3D8MB",
            "options='-c work_mem=8MB'",
        ),
        (
            "postgres://ann@db/shop?application_name=mine",
            "application_name='mine'",
        ),
        ("postgres://ann@a:1,b:2/shop", "host='a,b' port='1,2'"),
        ("host=db hostaddr=10.0.0.1 user=ann", "hostaddr='10.0.0.1'"),
        ("host=/run/postgresql user=ann", "host='/run/postgresql'"),
        (
            "postgres://ann:p%27a%5Css@db:6432/shop",
            r"password='p\'a\\ss'",
        ),
    ] {
        let address = parsed(text);
        assert!(address.secret_string().contains(kept), "{text}: {kept}");
        let again = parsed(address.secret_string());
        assert_eq!(again.secret_string(), address.secret_string(), "{text}");
    }
}

#[test]
fn a_parameter_that_is_not_supported_is_an_error() {
    for text in [
        "postgres://ann@db/shop?sslcert=me.pem",
        "postgres://ann@db/shop?sslmode=verify_full",
        "postgres://ann@db/shop?service=prod",
        "host=db user=ann krbsrvname=x",
        "postgres://ann@db/shop?sslrootcert=/no/such/file",
        "dbname=shop",
        "host='db",
        "host",
    ] {
        assert!(Address::parse_with(text, |_| None).is_err(), "{text}");
    }
}

#[test]
fn tls_follows_libpqs_modes_and_never_falls_back() {
    let check = |text: &str, expected: &str| {
        assert_eq!(parsed(text).tls().sslmode(), expected, "{text}");
    };
    check("postgres://ann@db/shop", "require");
    check("postgres://ann@127.0.0.1/shop", "disable");
    check("postgres://ann@[::1]/shop", "disable");
    check(
        "host=/run/postgresql user=ann sslmode=verify-full",
        "disable",
    );
    check("postgres://ann@db/shop?sslmode=disable", "disable");
    check("postgres://ann@db/shop?sslmode=verify-full", "require");
    check("host=localhost sslmode='verify-ca' user=ann", "require");
    check("postgres://ann@localhost,db/shop", "require");
    check(
        "postgres://ann@127.0.0.1/shop?sslmode=require&sslrootcert=system",
        "require",
    );
}

#[test]
fn the_environment_speaks_where_the_text_is_silent() {
    let check = |text: &str, expected: &str| {
        let address = Address::parse_with(text, |name| {
            (name == "PGSSLMODE").then(|| "disable".to_owned())
        });
        assert_eq!(address.expect(text).tls().sslmode(), expected, "{text}");
    };
    check("postgres://ann@db/shop", "disable");
    check("postgres://ann@db/shop?sslmode=require", "require");
}

#[test]
fn an_address_is_shown_without_its_password() {
    let address = parsed("postgres://ann:geheim@db.example.com:6432/shop");
    assert_eq!(
        format!("{address} {address:?}"),
        "shop on db.example.com:6432 Address(shop on db.example.com:6432)"
    );
    let worker = address
        .with_user("baton_shop_scheduler", "other")
        .with_database("scratch");
    assert_eq!(worker.to_string(), "scratch on db.example.com:6432");
    let secret = worker.secret_string();
    assert!(secret.contains("user='baton_shop_scheduler' password='other'"));
}

#[test]
fn components_are_told_what_they_need() {
    let address = parsed("postgres://ann@db.example.com/shop?sslmode=require");
    assert_eq!(address.host().ok().as_deref(), Some("db.example.com"));
    assert_eq!((address.port(), address.database()), (5432, "shop"));
    let ipv6 = parsed("postgres://ann@[fd00::7]:6432/shop");
    assert_eq!(ipv6.host().ok().as_deref(), Some("[fd00::7]"));
    assert!(parsed("host=/var/run/postgresql user=ann").host().is_err());
    assert!(parsed("postgres://ann@a,b/shop").host().is_err());
}
