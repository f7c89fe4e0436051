//! E-mail addresses as text: their grammar (RFC 5321, RFC 6531), and how to read one out of a field as people fill it.
//!
//! It knows no list and asks no server; whether mail arrives at an address is not decided here.
//! The one entry point is [`read`].

mod address;
mod cell;
mod flaw;
mod text;

pub use address::{Address, Domain, ascii_domain, is_under};
pub use cell::{Reading, read};
pub use flaw::{Flaw, Refusal};

/// The address in normal form that stands in a text which says more, such as `Ann <ann@firma.de>`. None if the text is
/// a bare address, or if no single address is certain.
pub fn framed_address(text: &str) -> Option<String> {
    let reading = read(text).ok()?;
    reading.is_decorated.then(|| reading.address.normalized())
}

/// Whether a text holds at least one address, perhaps with a name, and nothing that reads like a sentence.
pub fn holds_address(text: &str) -> bool {
    match read(text) {
        Ok(_) => true,
        Err(refusal) => refusal.flaw == Flaw::SeveralAddresses,
    }
}

/// The address in a text, as it is written from here on, by its syntax alone.
///
/// # Errors
/// When the text holds no single address; the error says where it breaks.
pub fn normalize(raw: &str) -> Result<String, Refusal> {
    read(raw).map(|it| it.address.normalized())
}
