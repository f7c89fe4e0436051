//! Hands invoices to a bank, each once, as fast as the bank allows.

use baton::{Context, Item, Outcome, job};
use serde_json::json;

#[derive(serde::Deserialize)]
struct Invoice {
    number: String,
    cents: i64,
}

/// Hands one invoice to the bank. May run again after a crash: the bank knows an invoice by its number.
#[job("invoice-export")]
async fn export(invoice: Item<Invoice>, cx: &Context) -> Outcome {
    let bank = cx.var("bank_url").await?;
    let answer = cx
        .put(format!("{bank}/invoices/{}", invoice.number))
        .json(&json!({ "cents": invoice.cents }))
        .await?; // no answer, or 5xx: retried with backoff
    match answer.status() {
        200 | 201 | 409 => Outcome::done(), // 409: the bank has it already
        429 => Outcome::retry_after(answer.retry_after()),
        status => Outcome::failed(format!("the bank answered {status}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use baton::test::{Reply, Server, server, var};

    use super::*;

    /// A bank that always answers this.
    fn bank(reply: impl Into<Reply>) -> Server {
        let reply = reply.into();
        server(move |_| reply.clone())
    }

    fn export_to(bank: &Server) -> Outcome {
        let invoice = json!({ "number": "R-17", "cents": 4200 });
        var("bank_url", bank.url()).run(export, invoice)
    }

    #[test]
    fn the_bank_gets_the_invoice_under_its_number() {
        let bank = bank(201);
        assert_eq!(export_to(&bank), Outcome::done());
        let requests = bank.requests();
        assert_eq!(requests[0].uri(), "/invoices/R-17");
        assert_eq!(&requests[0].body()[..], br#"{"cents":4200}"#);
    }

    #[test]
    fn an_invoice_that_the_bank_has_is_done() {
        assert_eq!(export_to(&bank(409)), Outcome::done());
    }

    #[test]
    fn a_busy_bank_is_left_alone_as_long_as_it_asks() {
        let bank = bank(Reply::from(429).header("retry-after", "7"));
        let wait = Outcome::retry_after(Duration::from_secs(7));
        assert_eq!(export_to(&bank), wait);
    }

    #[test]
    fn a_broken_bank_is_asked_again() {
        let bank = bank(500);
        let expected = format!("PUT {}/invoices/R-17: the server answered 500", bank.url());
        assert_eq!(export_to(&bank), Outcome::retry(expected));
    }

    #[test]
    fn an_invoice_that_the_bank_refuses_has_failed() {
        let expected = Outcome::failed("the bank answered 422");
        assert_eq!(export_to(&bank(422)), expected);
    }
}
