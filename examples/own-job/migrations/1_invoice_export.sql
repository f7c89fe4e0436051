-- The application's own table, and the job that hands its rows to the bank. Safe to run again.
create table if not exists public.invoices (
  number text primary key,
  cents bigint not null,
  created_at timestamptz not null default now()
);

select baton.create_job('invoice-export', batch_size => 20, max_parallel => 4, rate_per_minute => 300, max_attempts => 5);

-- An invoice and its item commit together: none is exported that was rolled back, none is forgotten that was committed.
create or replace function public.export_invoice() returns trigger
language plpgsql
security definer set search_path = ''
as $$
begin
  perform baton.enqueue('invoice-export', jsonb_build_object('number', new.number, 'cents', new.cents), key => new.number);
  return new;
end
$$;

create or replace trigger export_invoice after insert on public.invoices
for each row execute function public.export_invoice();
