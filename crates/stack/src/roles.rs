//! The roles with which components log in to one database, and their passwords.

use std::collections::BTreeMap;

use anyhow::Result;
use baton::database;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::Sha256;
use terminal::advice;
use tokio_postgres::Client;

use crate::database::{Address, connect};
use crate::{home::Home, secret};

/// The file in the state folder from which passwords are derived.
const SECRET: &str = "roles-secret";
/// The role for people, which gets no password from Baton.
const VIEWER: &str = "viewer";
/// The variable with the common beginning of the roles' names.
pub const PREFIX_VARIABLE: &str = "pg_role";

/// A role of one component, or of people.
#[derive(Debug, Clone, Serialize)]
pub struct Role {
    pub component: String,
    #[serde(rename = "role")]
    pub name: String,
    /// ISO 8601; none when it cannot log in yet.
    pub password_set_at: Option<String>,
    pub password_set_by: Option<String>,
    /// How many sessions it has now.
    pub sessions: i64,
}

impl Role {
    /// The variable of the application with its password.
    pub fn variable(&self) -> String {
        format!("pg_password_{}", self.component.replace('-', "_"))
    }

    pub fn is_component(&self) -> bool {
        self.component != VIEWER
    }

    /// What is common to the names of the roles of its database, as a variable has it.
    pub fn prefix(&self) -> String {
        let end = format!("_{}", self.component.replace('-', "_"));
        database::escaped(self.name.strip_suffix(&end).unwrap_or(&self.name))
    }

    /// Its password in these variables.
    pub fn password(&self, variables: &BTreeMap<String, String>) -> String {
        let given = variables.get(&self.variable()).map_or("", String::as_str);
        let pair = database::pairs(&format!("password='{given}'"));
        // What is malformed opens nothing, here as in a component.
        let pair = pair.unwrap_or_default().into_iter().next();
        pair.map_or_else(String::new, |(_, password)| password)
    }
}

/// The roles of this database.
pub async fn read(client: &Client) -> Result<Vec<Role>> {
    let rows = client
        .query(
            "select r.component, r.role_name, to_char(r.password_set_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                    r.password_set_by, (select count(*) from pg_stat_activity a where a.usename = r.role_name)
             from baton.component_roles r order by r.component",
            &[],
        )
        .await
        .map_err(advice::with(
            "reading the roles of components",
            "bring the schema up to date with `baton migrate`",
        ))?;
    let roles = rows.iter().map(|row| Role {
        component: row.get(0),
        name: row.get(1),
        password_set_at: row.get(2),
        password_set_by: row.get(3),
        sessions: row.get(4),
    });
    Ok(roles.collect())
}

/// The variables of the application by which components log in.
/// Passwords that were given for these roles count. Otherwise they are derived from the secret of this folder, and set
/// where no role has a password yet; passwords that somebody set are never replaced.
pub async fn log_in(
    home: &Home,
    address: &Address,
    owner: &Client,
    given: &BTreeMap<String, String>,
    who: &str,
) -> Result<BTreeMap<String, String>> {
    let roles = read(owner).await?;
    if let Some(variables) = given_for(&roles, given) {
        return Ok(variables);
    }
    let secret = secret::kept_in(&home.state_file(SECRET)?, secret::random)?;
    let mut fresh = roles.iter().filter(|it| it.is_component());
    if fresh.all(|it| it.password_set_at.is_none()) {
        set_passwords(&roles, &secret, owner, who).await?;
    } else {
        check(&roles, &secret, address).await?;
    }
    Ok(variables(&roles, &secret))
}

/// Sets all passwords, also those that were set before, and returns the variables.
pub async fn replace(home: &Home, owner: &Client, who: &str) -> Result<BTreeMap<String, String>> {
    let roles = read(owner).await?;
    let file = home.state_file(SECRET)?;
    // A replaced password must not open the door again, so the old secret goes.
    let secret = secret::random()?;
    secret::replace(&file, &format!("{secret}\n"))?;
    set_passwords(&roles, &secret, owner, who).await?;
    Ok(variables(&roles, &secret))
}

/// What components would log in with, as far as this folder and its environment tell; changes nothing.
pub fn known(
    home: &Home,
    roles: &[Role],
    given: &BTreeMap<String, String>,
) -> Result<Option<BTreeMap<String, String>>> {
    if let Some(variables) = given_for(roles, given) {
        return Ok(Some(variables));
    }
    let text = match std::fs::read_to_string(home.state().join(SECRET)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(Some(variables(roles, text.trim())))
}

/// The passwords in `given`, when they are for these roles.
fn given_for(roles: &[Role], given: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let prefix = given.get(PREFIX_VARIABLE)?;
    let components = || roles.iter().filter(|it| it.is_component());
    let fits = components().all(|it| it.prefix() == *prefix && given.contains_key(&it.variable()));
    fits.then(|| {
        let passwords = components().map(|it| (it.variable(), given[&it.variable()].clone()));
        passwords
            .chain([(PREFIX_VARIABLE.to_owned(), prefix.clone())])
            .collect()
    })
}

fn variables(roles: &[Role], secret: &str) -> BTreeMap<String, String> {
    let components = roles.iter().filter(|it| it.is_component());
    components
        .flat_map(|it| {
            [
                (it.variable(), derived(secret, &it.name)),
                (PREFIX_VARIABLE.to_owned(), it.prefix()),
            ]
        })
        .collect()
}

/// The password of a role (HMAC, RFC 2104): each role has another one, and one secret tells them all.
fn derived(secret: &str, role: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(role.as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

async fn set_passwords(roles: &[Role], secret: &str, owner: &Client, who: &str) -> Result<()> {
    // All or none, and one process at a time.
    owner
        .batch_execute("begin; lock table baton.component_roles in exclusive mode")
        .await?;
    let setting = async {
        for role in roles.iter().filter(|it| it.is_component()) {
            schema::set_login(owner, &role.name, &derived(secret, &role.name))
                .await
                .map_err(advice::with(
                    format!("setting the password of role {}", role.name),
                    "let an administrator set the passwords of the roles that `baton roles` shows, and give them in \
                     SPIN_VARIABLE_PG_ROLE and SPIN_VARIABLE_PG_PASSWORD_…",
                ))?;
            owner
                .execute(
                    "update baton.component_roles set password_set_at = baton.clock(), password_set_by = $2 where role_name = $1",
                    &[&role.name, &who],
                )
                .await?;
        }
        anyhow::Ok(())
    };
    let set = setting.await;
    let end = if set.is_ok() { "commit" } else { "rollback" };
    owner.batch_execute(end).await?;
    set
}

async fn check(roles: &[Role], secret: &str, address: &Address) -> Result<()> {
    let Some(role) = roles.iter().find(|it| it.is_component()) else {
        return Ok(());
    };
    let login = address.with_user(&role.name, &derived(secret, &role.name));
    let Err(error) = connect(&login).await else {
        return Ok(());
    };
    let refused = error.downcast_ref::<tokio_postgres::Error>();
    if !refused.is_some_and(|it| it.code().is_some_and(|it| it.code().starts_with("28"))) {
        return Err(error);
    }
    let set = match (&role.password_set_by, &role.password_set_at) {
        (Some(by), Some(at)) => format!("{by} set them on {at}"),
        _ => "somebody set them".to_owned(),
    };
    Err(advice::error(
        format!("the passwords of this database's roles are not those of this folder: {set}"),
        "give them in SPIN_VARIABLE_PG_ROLE and SPIN_VARIABLE_PG_PASSWORD_… or in .env; `baton roles set-passwords --replace` sets \
         new ones, and ends every other host of this database at its next connection",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(component: &str, name: &str) -> Role {
        Role {
            component: component.to_owned(),
            name: name.to_owned(),
            password_set_at: None,
            password_set_by: None,
            sessions: 0,
        }
    }

    #[test]
    fn each_role_has_a_password_of_its_own() {
        let roles = [
            role("scheduler", "baton_shop_scheduler"),
            role("validate-contacts", "baton_shop_validate_contacts"),
            role("viewer", "baton_shop_viewer"),
        ];
        let variables = variables(&roles, "secret");
        assert_eq!(variables.len(), 3);
        assert_eq!(variables["pg_role"], "baton_shop");
        let [one, two] = ["scheduler", "validate_contacts"]
            .map(|it| variables[&format!("pg_password_{it}")].clone());
        assert_ne!(one, two);
        assert_eq!(one, derived("secret", "baton_shop_scheduler"));
        assert_ne!(one, derived("other", "baton_shop_scheduler"));
    }

    #[test]
    fn passwords_count_for_the_roles_that_they_are_for() {
        let roles = [role("scheduler", "baton_shop_scheduler")];
        let given = |prefix: &str| {
            BTreeMap::from([
                ("pg_role".to_owned(), prefix.to_owned()),
                ("pg_password_scheduler".to_owned(), "p".to_owned()),
            ])
        };
        assert_eq!(
            given_for(&roles, &given("baton_shop")),
            Some(given("baton_shop"))
        );
        assert_eq!(given_for(&roles, &given("baton_other")), None);
        assert_eq!(given_for(&roles, &BTreeMap::new()), None);
    }

    #[test]
    fn variables_are_escaped_as_the_manifest_quotes_them() {
        let role = role("scheduler", "baton_it's_scheduler");
        let given = BTreeMap::from([
            ("pg_role".to_owned(), r"baton_it\'s".to_owned()),
            ("pg_password_scheduler".to_owned(), r"a\'b\\c d".to_owned()),
        ]);
        assert!(given_for(std::slice::from_ref(&role), &given).is_some());
        assert_eq!(role.password(&given), r"a'b\c d");
    }
}
