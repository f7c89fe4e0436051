use baton::{Answer, Config, Db, Error};

use crate::calls::CorrectLastContactDate;
use crate::correction::Correction;

/// Corrects when an assignment was last followed up, on the record.
pub(crate) async fn correct(
    config: Config,
    assignment_id: String,
    correction: Correction,
) -> Result<Answer, Error> {
    correction.check().map_err(Error::Unacceptable)?;
    let db = Db::connect(&config).await?;
    let corrected = db
        .call(CorrectLastContactDate {
            assignment_id,
            last_contact_date: correction.last_contact_date,
            who: correction.who,
            why: correction.why,
        })
        .await?;
    Ok(Answer::ok(corrected))
}
