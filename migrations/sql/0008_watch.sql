-- Since when the status of a running query is asked for at the vendor; null: nobody asks yet. The
-- questions themselves are calls like any other, in vendor_call.
alter table network_query add column watched_at timestamptz;

alter table consolidated_query add column watched_at timestamptz;

-- What runs and is not watched yet is looked for every few seconds.
create index network_query_unwatched on network_query (query_id)
    where state = 'started' and watched_at is null;

create index consolidated_query_unwatched on consolidated_query (request_id)
    where state = 'started' and watched_at is null;

insert into schema_level (level, serves_code_from) values (8, 8);
