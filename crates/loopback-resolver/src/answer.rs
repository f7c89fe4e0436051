//! What is answered to which question.

use std::net::Ipv4Addr;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, MX, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// The time to live of every record, in seconds; `CACHE_CONTROL` says the same.
const TTL: u32 = 300;
pub(crate) const CACHE_CONTROL: &str = "max-age=300";

/// A well-formed query with exactly one question.
pub(crate) struct Question {
    query: Message,
    name: Name,
    record_type: RecordType,
}

impl Question {
    pub(crate) fn parse(message: &[u8]) -> Option<Question> {
        let query = Message::from_vec(message).ok()?;
        let metadata = &query.metadata;
        if metadata.message_type != MessageType::Query || metadata.op_code != OpCode::Query {
            return None;
        }
        let [question] = query.queries.as_slice() else {
            return None;
        };
        let (name, record_type) = (question.name.clone(), question.query_type);
        Some(Question {
            query,
            name,
            record_type,
        })
    }

    /// In lower case and without the dot at the end.
    pub(crate) fn name(&self) -> String {
        let mut name = self.name.to_ascii();
        name.make_ascii_lowercase();
        if name.ends_with('.') {
            name.pop();
        }
        name
    }

    /// The answer on the wire, or nothing when a name is too long for it.
    pub(crate) fn answer(&self) -> Option<Vec<u8>> {
        let mut answer = Message::response(self.query.metadata.id, OpCode::Query);
        answer.metadata.recursion_desired = self.query.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        answer.queries.clone_from(&self.query.queries);

        let name = self.name();
        let begins = |with| name.starts_with(with);
        let mut records = Vec::new();
        if begins("nx") {
            answer.metadata.response_code = ResponseCode::NXDomain;
        } else if begins("servfail") {
            answer.metadata.response_code = ResponseCode::ServFail;
        } else if !begins("noa") {
            records.extend(self.record(begins("null"))?);
        }
        if records.is_empty() && answer.metadata.response_code != ResponseCode::ServFail {
            // RFC 2308: how long the absence may be remembered.
            answer.add_authority(self.start_of_authority());
        }
        answer.add_answers(records);
        answer.to_vec().ok()
    }

    /// The record of the type asked for, if there is one; outside `None` when its name would be too long.
    fn record(&self, null: bool) -> Option<Option<Record>> {
        let data = match self.record_type {
            RecordType::MX if null => RData::MX(MX::new(0, Name::root())),
            RecordType::MX => RData::MX(MX::new(10, self.name.prepend_label("mail").ok()?)),
            RecordType::A => RData::A(A(Ipv4Addr::new(192, 0, 2, 1))),
            _ => return Some(None),
        };
        Some(Some(Record::from_rdata(self.name.clone(), TTL, data)))
    }

    fn start_of_authority(&self) -> Record {
        let zone = self.name.base_name();
        let day = 86_400;
        let data = SOA::new(zone.clone(), zone.clone(), 1, day, day, day, TTL);
        Record::from_rdata(zone, TTL, RData::SOA(data))
    }
}
