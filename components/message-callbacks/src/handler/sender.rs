use baton::key;
use baton::{Callback, Error, variable};
use dispatch::form;
use dispatch::twilio::{signature_is_valid, signed_urls};
use spin_sdk::http::Method;

/// What a request needs that claims to come from the provider.
const WRONG: Error = Error::WrongSignature(
    "the header X-Twilio-Signature is missing or wrong; Twilio signs the address that it calls (public_url, path and query) \
     followed by the form's fields, sorted by name, with the account's auth token: check the variables public_url and sms_key",
);
/// The header with the signature.
pub(crate) const SIGNATURE: &str = "x-twilio-signature";

/// The fields of a form that the provider signed.
pub(crate) async fn signed_form(callback: &Callback) -> Result<Vec<(String, String)>, Error> {
    let public_url = variable("public_url").await?;
    if variable("sms_provider").await? != "twilio" || public_url.is_empty() {
        return Err(Error::NotFound);
    }
    let keys = variable("sms_key").await?;
    let form = form(callback.body.as_ref().ok_or(WRONG)?);
    let signature = callback
        .headers
        .get(SIGNATURE)
        .and_then(|it| it.to_str().ok());
    let signature = signature.ok_or(WRONG)?;
    // All are tried, so that the time taken does not tell which one fits.
    let urls = signed_urls(&public_url, &callback.target);
    let n_valid = key::live(&keys)
        .flat_map(|key| urls.iter().map(move |url| (key, url)))
        .filter(|(key, url)| signature_is_valid(key, url, &form, signature))
        .count();
    if n_valid == 0 {
        return Err(WRONG);
    }
    if callback.method != Method::POST {
        return Err(Error::MethodNotAllowed(Method::POST));
    }
    Ok(form)
}
