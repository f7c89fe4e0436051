create view baton_board.failed_items as
select f.job, f.item_id, i.key, baton_api.mask_secrets(i.data::text)::jsonb as data, i.attempts, f.failed_at, i.worker, i.error
from baton.failed_items f join baton.items i on i.id = f.item_id;
comment on view baton_board.failed_items is 'Items that failed for good, until an operator retries or drops them.';
