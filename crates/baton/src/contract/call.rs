use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

/// One call of one function of `baton_api`, which is one transaction.
pub trait Call {
    /// The statement; its parameters are those of [`Call::params`], in order.
    const SQL: &'static str;
    /// What the one value of the one row decodes to: `jsonb`, or JSON as text.
    type Output: DeserializeOwned;
    /// The arguments, in the order of the statement's parameters.
    fn params(self) -> Vec<Param>;
}

/// A statement, with what a test holds against the real schema.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The function of `baton_api`.
    pub function: &'static str,
    /// The statement that calls it.
    pub sql: &'static str,
    /// The types of the arguments.
    pub types: &'static [&'static str],
}

/// Declares calls: for each, the function, the struct of its arguments with their SQL types, and what it returns.
/// `ALL` lists their lines.
///
/// ```
/// # use serde_json::Value;
/// baton::calls! {
///     /// Pauses a job after the batch under way.
///     #[derive(Debug)]
///     pause_job => PauseJob {
///         /// The job.
///         job: String as text,
///         /// Why.
///         reason: Option<String> as text,
///     } -> Value;
/// }
/// # fn main() {
/// assert_eq!(ALL[0].sql, "select baton_api.pause_job($1, $2)");
/// assert_eq!(ALL[0].types, ["text", "text"]);
/// # }
/// ```
#[macro_export]
macro_rules! calls {
    (@places) => { "" };
    (@places $a:ident) => { "$1" };
    (@places $a:ident $b:ident) => { "$1, $2" };
    (@places $a:ident $b:ident $c:ident) => { "$1, $2, $3" };
    (@places $a:ident $b:ident $c:ident $d:ident) => { "$1, $2, $3, $4" };
    (@places $a:ident $b:ident $c:ident $d:ident $e:ident) => { "$1, $2, $3, $4, $5" };
    (@places $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident) => { "$1, $2, $3, $4, $5, $6" };
    (@places $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident) => {
        "$1, $2, $3, $4, $5, $6, $7"
    };
    ($(
        $(#[$about:meta])*
        $function:ident => $name:ident {
            $( $(#[$about_field:meta])* $field:ident: $type:ty as $sql_type:ident, )*
        } -> $output:ty;
    )*) => {
        $(
            $(#[$about])*
            pub struct $name {
                $( $(#[$about_field])* pub $field: $type, )*
            }

            impl $crate::contract::Call for $name {
                const SQL: &'static str = concat!(
                    "select baton_api.",
                    stringify!($function),
                    "(",
                    $crate::calls!(@places $($sql_type)*),
                    ")",
                );
                type Output = $output;

                fn params(self) -> Vec<$crate::contract::Param> {
                    vec![$( $crate::contract::Param::$sql_type(self.$field) ),*]
                }
            }
        )*

        /// These calls, as SQL.
        pub const ALL: &[$crate::contract::Line] = &[$(
            $crate::contract::Line {
                function: stringify!($function),
                sql: <$name as $crate::contract::Call>::SQL,
                types: &[$( stringify!($sql_type) ),*],
            }
        ),*];
    };
}

/// An argument, in one of the types that cross every border (a Spin component cannot pass others).
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    /// `text`
    Text(String),
    /// Null, of whatever type.
    NullText,
    /// `uuid`
    Uuid(Uuid),
    /// `int`
    Int(i32),
    /// `boolean`
    Bool(bool),
    /// `jsonb`
    Jsonb(Value),
}

/// Each is named like the type of SQL that it makes.
impl Param {
    /// A text, or null.
    pub fn text(value: impl Text) -> Self {
        value.into_text().map_or(Self::NullText, Self::Text)
    }

    /// An id, or null.
    pub fn uuid(value: impl Into<Option<Uuid>>) -> Self {
        value.into().map_or(Self::NullText, Self::Uuid)
    }

    /// An integer of four bytes.
    pub fn int4(value: i32) -> Self {
        Self::Int(value)
    }

    /// A truth value.
    pub fn bool(value: bool) -> Self {
        Self::Bool(value)
    }

    /// Anything that is written as JSON. What is absent is `{}`: no function takes JSON's null.
    pub fn jsonb(value: impl Serialize) -> Self {
        let value = serde_json::to_value(value)
            .expect("our own structs have string keys and finite numbers");
        Self::Jsonb(match value {
            Value::Null => Value::Object(Map::new()),
            value => value,
        })
    }
}

/// What is passed as `text`.
pub trait Text {
    /// The text, if there is one.
    fn into_text(self) -> Option<String>;
}

impl Text for String {
    fn into_text(self) -> Option<String> {
        Some(self)
    }
}

impl Text for Option<String> {
    fn into_text(self) -> Option<String> {
        self
    }
}

impl Text for &'static str {
    fn into_text(self) -> Option<String> {
        Some(self.to_owned())
    }
}
