//! What this component alone calls.

use dispatch::{Channel, Delivery};
use serde_json::Value;
use uuid::Uuid;

baton::calls! {
    /// Records what a provider says of a message by a callback.
    #[derive(Debug)]
    record_delivery => RecordDelivery {
        /// The message.
        message_id: Uuid as uuid,
        /// The provider's id of it.
        provider_id: String as text,
        /// What the provider says.
        delivery: Delivery as jsonb,
    } -> Value;

    /// Records that a recipient wants no more messages, or wants them again.
    #[derive(Debug)]
    record_opt_out => RecordOptOut {
        /// By which way.
        channel: Channel as text,
        /// A number by E.164, or an e-mail address.
        address: String as text,
        /// True for no more messages, false for messages again.
        out: bool as bool,
        /// The provider's id of the reply that says so, which counts once.
        provider_id: Option<String> as text,
    } -> Value;

    /// Counts a callback whose signature was wrong.
    #[derive(Debug)]
    record_refused_callback => RecordRefusedCallback {
        /// Which: `status` or `inbound`.
        route: &'static str as text,
    } -> Value;
}
