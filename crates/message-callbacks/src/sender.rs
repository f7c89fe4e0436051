use domain::key;
use domain::message::form;
use domain::message::twilio::signature_is_valid;
use guest::{Callback, Error, variable};
use spin_sdk::http::Method;

/// What a request needs that claims to come from the provider.
const WRONG: Error = Error::WrongSignature(
    "the header X-Twilio-Signature is missing or wrong; Twilio signs public_url with path and query and the form's \
     fields by the auth token, the variable sms_key",
);
/// The header with the signature.
const SIGNATURE: &str = "x-twilio-signature";

/// The fields of a form that the provider signed.
pub(crate) async fn signed_form(callback: &Callback) -> Result<Vec<(String, String)>, Error> {
    let public_url = variable("public_url").await?;
    if variable("sms_provider").await? != "twilio" || public_url.is_empty() {
        return Err(Error::NotFound);
    }
    let keys = variable("sms_key").await?;
    let url = format!("{}{}", public_url.trim_end_matches('/'), callback.target);
    let form = form(&callback.body);
    let signature = callback
        .headers
        .get(SIGNATURE)
        .and_then(|it| it.to_str().ok());
    let signature = signature.ok_or(WRONG)?;
    // All are tried, so that the time taken does not tell which one fits.
    let n_valid = key::live(&keys)
        .filter(|key| signature_is_valid(key, &url, &form, signature))
        .count();
    if n_valid == 0 {
        return Err(WRONG);
    }
    if callback.method != Method::POST {
        return Err(Error::MethodNotAllowed(Method::POST));
    }
    Ok(form)
}
