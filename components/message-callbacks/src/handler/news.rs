use baton::{Answer, Callback, Config, Db, Error};
use dispatch::{Channel, form, phone, twilio};
use uuid::Uuid;

use super::sender::signed_form;
use crate::calls::{RecordDelivery, RecordOptOut};

/// What became of a message.
pub(crate) async fn status(config: Config, callback: Callback) -> Result<Answer, Error> {
    let told = signed_form(&callback).await?;
    let message_id = message_id(&callback.target).ok_or_else(|| {
        Error::BadRequest(
            "message: the query names no message; send the address as given".to_owned(),
        )
    })?;
    // A word that nobody knows yet says nothing that could be recorded.
    if let Some((provider_id, delivery)) = twilio::status_callback(&told) {
        let db = Db::connect(&config).await?;
        db.call(RecordDelivery {
            message_id,
            provider_id,
            delivery,
        })
        .await?;
    }
    Ok(Answer::empty())
}

/// What a recipient replied.
pub(crate) async fn inbound(config: Config, callback: Callback) -> Result<Answer, Error> {
    let told = signed_form(&callback).await?;
    // Other words are for people, and a sender without a number gets no messages.
    if let Some(twilio::Inbound {
        from,
        out: Some(out),
        sid,
    }) = twilio::inbound(&told)
        && let Ok(phone) = phone::read(&from, None)
    {
        let db = Db::connect(&config).await?;
        db.call(RecordOptOut {
            channel: Channel::Sms,
            address: phone.e164,
            out,
            provider_id: sid,
        })
        .await?;
    }
    Ok(Answer::empty())
}

fn message_id(target: &str) -> Option<Uuid> {
    let (_, query) = target.split_once('?')?;
    let fields = form(query.as_bytes());
    let (_, id) = fields.iter().find(|(name, _)| name == "message")?;
    id.parse().ok()
}
