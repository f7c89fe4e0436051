//! Rebuilds the crate when the template changes: embedding a folder does not tell cargo.

fn main() {
    println!("cargo::rerun-if-changed=../../templates");
}
