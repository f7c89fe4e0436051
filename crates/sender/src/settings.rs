use baton::key;
use baton::webhook::secrets;
use baton::{Error, variable};
use dispatch::{Channel, Provider, resend, twilio, webhook};

/// By which providers messages go, from the Spin variables.
pub(crate) struct Settings {
    sms: Option<Provider>,
    email: Option<Provider>,
}

impl Settings {
    /// Reads them, once per request; the error names the variable.
    pub(crate) async fn load() -> Result<Self, Error> {
        Ok(Self {
            sms: sms().await?,
            email: email().await?,
        })
    }

    pub(crate) fn provider(&self, channel: Channel) -> Option<&Provider> {
        match channel {
            Channel::Sms => self.sms.as_ref(),
            Channel::Email => self.email.as_ref(),
        }
    }
}

async fn sms() -> Result<Option<Provider>, Error> {
    let (switch, public_url) = ("sms_provider", variable("public_url").await?);
    Ok(match variable(switch).await?.as_str() {
        "none" => None,
        "twilio" => Some(Provider::Twilio(twilio::Account {
            url: required(switch, "sms_url").await?,
            sid: required(switch, "sms_account").await?,
            token: first(&required(switch, "sms_key").await?),
            from: required(switch, "sms_from").await?,
            public_url: Some(public_url).filter(|it| !it.is_empty()),
        })),
        other => return Err(unknown(switch, other, "none or twilio")),
    })
}

async fn email() -> Result<Option<Provider>, Error> {
    let switch = "email_provider";
    Ok(match variable(switch).await?.as_str() {
        "none" => None,
        "resend" => Some(Provider::Resend(resend::Account {
            url: required(switch, "email_url").await?,
            key: required(switch, "email_key").await?,
            from: required(switch, "email_from").await?,
        })),
        "webhook" => {
            let (url, path) = (
                required(switch, "email_url").await?,
                variable("email_path").await?,
            );
            let secrets = secrets(&required(switch, "email_key").await?)
                .map_err(|it| Error::Bug(format!("variable email_key: {it}")))?;
            Some(Provider::Webhook(webhook::Endpoint {
                url: format!(
                    "{}/{}",
                    url.trim_end_matches('/'),
                    path.trim_start_matches('/')
                ),
                secrets,
            }))
        }
        other => return Err(unknown(switch, other, "none, resend or webhook")),
    })
}

/// Of several live keys the one to present.
fn first(keys: &str) -> String {
    key::live(keys).next().unwrap_or_default().to_owned()
}

async fn required(switch: &str, name: &str) -> Result<String, Error> {
    let value = variable(name).await?.trim().to_owned();
    if value.is_empty() {
        return Err(Error::Bug(format!(
            "variable {name} is empty; {switch} needs it"
        )));
    }
    Ok(value)
}

fn unknown(switch: &str, value: &str, known: &str) -> Error {
    Error::Bug(format!("variable {switch} is {value:?}; set it to {known}"))
}
