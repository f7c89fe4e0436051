//! What Baton promises, tested on a real PostgreSQL and the real components.
//! `schema`: do the tables and functions keep our rules? `sql`: does each function keep its promise? `race`: and when two
//! do it at once? `component`: does the real `.wasm` do it? `e2e`: does the whole thing turn, by its command line?
//! `notices`: does NOTICE name whom it must? `layers`: does code point downwards only?

mod component;
mod e2e;
mod layers;
mod notices;
mod race;
mod schema_rules;
mod sql;
mod support;
