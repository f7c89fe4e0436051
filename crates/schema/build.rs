//! Rebuilds the crate when a migration changes: embedding a folder does not tell cargo.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
