//! Do the tables and functions keep our rules? Each rule is a query that must return nothing.

mod contract_lines;
mod documents;
mod matrix;
mod migrations;
mod moves;
mod moving_in;
mod privileges;
mod rules;
mod seam;
mod snapshot;
mod upgrade;
