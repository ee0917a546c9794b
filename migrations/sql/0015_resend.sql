-- A query of unknown outcome may be sent once more (UNKNOWN_POLICY=resend). `unknown_at`: since when its outcome
-- is unknown; `resend_decided_at`: when a second call was decided, or that there is no time for one; `first_called_at`: when
-- the first was made, if there is a second.
-- `also_vendor_request_id`: Metriport may have accepted both.
alter table network_query drop constraint network_query_state_check;

alter table network_query add constraint network_query_state_check
    check (state in ('waiting', 'due', 'dispatching', 'started', 'unknown', 'resending', 'refused',
        'completed', 'partial', 'failed'));

alter table network_query add column unknown_at timestamptz;

alter table network_query add column resend_decided_at timestamptz;

alter table network_query add column first_called_at timestamptz;

alter table network_query add column also_vendor_request_id text;

create unique index network_query_also on network_query (also_vendor_request_id)
    where also_vendor_request_id is not null;

create index network_query_unproven on network_query (unknown_at, query_id)
    where state = 'unknown' and resend_decided_at is null;

create index network_query_resending on network_query (deadline, query_id)
    where state = 'resending';

insert into schema_level (level, serves_code_from) values (15, 8);
