//! What every pair of claim and settle promises, for a job of each kind.

use crate::support::settling::items::{Queue, Rows};
use crate::support::settling::messages::{AutoSyncMessages, Reminders};
use crate::support::settling::{Chunks, Contacts, keeps_its_promises};

keeps_its_promises!(contacts: Contacts);
keeps_its_promises!(chunks: Chunks);
keeps_its_promises!(reminders: Reminders);
keeps_its_promises!(auto_sync_messages: AutoSyncMessages);
keeps_its_promises!(items: Queue);
keeps_its_promises!(rows: Rows);
