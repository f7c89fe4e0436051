create view baton_board.contact_verdicts as
select coalesce(c.email_validation_status, 'not validated') as status, c.email_validation_reason as reason, count(*) as contacts
from public.contacts c
where c.email is not null
group by 1, 2;
comment on view baton_board.contact_verdicts is 'How many contacts have which verdict, and why.';
