-- What comes and goes is kept by day, so that space is given back by dropping a table and not by
-- vacuum. A row that fits no other partition goes to the default one: an insert never fails for want
-- of a partition. Order is by position and does not know about partitions.
--
-- Waiting rows are copied within this transaction. Old code works on: it inserts without position
-- and created_at, and reads and removes by position alone. It waits while the rows are copied.
-- Identity columns are not allowed on partitioned tables (before Postgres 17): sequences instead, which go
-- on where the old ones stopped, so that what is written now is after what waits.

alter table outbox rename to outbox_before;

alter index outbox_pkey rename to outbox_before_pkey;

alter index outbox_shard_position rename to outbox_before_shard_position;

create sequence outbox_numbers;

select setval('outbox_numbers', nextval(pg_get_serial_sequence('outbox_before', 'position')));

create table outbox (
    position bigint not null default nextval('outbox_numbers'),
    event_id uuid not null,
    topic text not null,
    key text not null,
    shard smallint not null,
    type text not null,
    subject_id text,
    body bytea not null,
    occurred_at timestamptz not null,
    traceparent text,
    created_at timestamptz not null default now(),
    primary key (position, created_at)
) partition by range (created_at);

create index outbox_shard_position on outbox (shard, position);

create table outbox_default partition of outbox default;

alter table spool rename to spool_before;

alter index spool_pkey rename to spool_before_pkey;

alter index spool_waiting rename to spool_before_waiting;

create sequence spool_numbers;

select setval('spool_numbers', nextval(pg_get_serial_sequence('spool_before', 'position')));

create table spool (
    position bigint not null default nextval('spool_numbers'),
    record_id uuid not null,
    sealed bytea not null,
    stuck boolean not null default false,
    created_at timestamptz not null default now(),
    primary key (position, created_at)
) partition by range (created_at);

create index spool_waiting on spool (position) where not stuck;

create index spool_stuck on spool (position) where stuck;

create table spool_default partition of spool default;

-- History is the calls to the vendor that are over: they are looked at by people only, and the table
-- that the gateway claims from stays small. The rest is not history: events that were told are in
-- Kafka and leave no row; a command's final event is state, since a repeat of the command is answered
-- with it; queries, identities and sessions are what entitlement is decided on.
-- No subject is named, so an erasure has nothing to find here: ref_id leads to a person only through
-- rows that erasure removes. By month of the move, for a call is moved long after it was made.
create table vendor_call_history (
    call_id uuid not null,
    operation text not null,
    ref_id uuid not null,
    attempts integer not null,
    called_at timestamptz,
    outcome text,
    traceparent text,
    created_at timestamptz not null,
    moved_at timestamptz not null default now(),
    primary key (call_id, moved_at)
) partition by range (moved_at);

create index vendor_call_history_ref on vendor_call_history (ref_id);

create table vendor_call_history_default partition of vendor_call_history default;

-- Which tables are cut how. The service may ask for partitions and not change this. must_be_empty: only
-- what holds nothing unsent is dropped. least_age: nothing younger is dropped, whatever is asked for.
create table partition_plan (
    parent text primary key,
    step text not null check (step in ('day', 'month')),
    ahead integer not null check (ahead between 1 and 31),
    must_be_empty boolean not null,
    least_age interval not null
);

insert into partition_plan (parent, step, ahead, must_be_empty, least_age) values
    ('outbox', 'day', 7, true, '1 day'),
    ('spool', 'day', 7, true, '1 day'),
    ('vendor_call_history', 'month', 3, false, '31 days');

-- Makes the partitions of now and of what is ahead (UTC); how many are still missing. The service cannot
-- create tables, so this runs with the owner's rights and does nothing else. A partition is made apart
-- and attached, which lets reading and writing go on; attaching waits half a second at most, since
-- everybody else waits behind it, and is tried again at the next call.
-- (Semicolons stand in front, for the file is split where a line ends with one.)
create function provide_partitions() returns integer
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '500ms' as $$
declare
    plan partition_plan
    ; first timestamp
    ; name text
    ; missing integer := 0
    ; begin
    for plan in select * from partition_plan order by parent loop
        for n in 0 .. plan.ahead loop
            first := date_trunc(plan.step, now() at time zone 'UTC') + n * ('1 ' || plan.step)::interval
            ; name := plan.parent || to_char(first, '_YYYY_MM_DD')
            ; continue when to_regclass(name) is not null
            ; begin
                execute format('create table %I (like %I including all)', name, plan.parent)
                ; execute format('alter table %I attach partition %I for values from (%L) to (%L)',
                    plan.parent, name, first at time zone 'UTC',
                    (first + ('1 ' || plan.step)::interval) at time zone 'UTC')
            ; exception when check_violation or lock_not_available then
                missing := missing + 1
            ; end
        ; end loop
    ; end loop
    ; return missing
    ; end
$$;

-- Drops one table's partitions that ended longer ago than asked for; how many. It looks before it locks,
-- so that a row that stays in an old partition costs nobody anything.
create function drop_partitions(of_table text, keep interval) returns integer
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '500ms' as $$
declare
    plan partition_plan
    ; name text
    ; held boolean := false
    ; dropped integer := 0
    ; begin
    select * into strict plan from partition_plan where parent = of_table
    ; for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = to_regclass(of_table) and c.relname ~ '_\d{4}_\d\d_\d\d$'
          and to_date(right(c.relname, 10), 'YYYY_MM_DD') + ('1 ' || plan.step)::interval
            < (now() at time zone 'UTC') - greatest(keep, plan.least_age)
        order by c.relname limit 100 loop
        begin
            if plan.must_be_empty then
                execute format('select exists (select from %I)', name) into held
                ; continue when held
                ; execute format('lock table only %I in access exclusive mode', of_table)
                ; execute format('lock table %I in access exclusive mode', name)
                ; execute format('select exists (select from %I)', name) into held
                ; continue when held
            ; end if
            ; execute format('drop table %I', name)
            ; dropped := dropped + 1
        ; exception when lock_not_available then
            return dropped
        ; end
    ; end loop
    ; return dropped
    ; end
$$;

revoke all on function provide_partitions(), drop_partitions(text, interval) from public;

select provide_partitions();

insert into outbox (position, event_id, topic, key, shard, type, subject_id, body, occurred_at,
    traceparent, created_at)
select position, event_id, topic, key, shard, type, subject_id, body, occurred_at, traceparent, created_at
from outbox_before order by position;

insert into spool (position, record_id, sealed, stuck, created_at)
select position, record_id, sealed, stuck, created_at from spool_before order by position;

drop table outbox_before;

drop table spool_before;

-- Old rows of these go by batches, oldest first. The inbox is not cut by time: a message id is unique
-- over all of it.
create index inbox_received on inbox (received_at);

create index large_body_created on large_body (created_at);

create index hosted_page_opened on hosted_page (opened_at);

create index vendor_call_done on vendor_call (created_at) where state = 'done';

insert into schema_level (level, serves_code_from) values (3, 1);

grant select, insert, update, delete on outbox, spool to ias_service;

grant select, insert on vendor_call_history to ias_service;

grant usage on sequence outbox_numbers, spool_numbers to ias_service;

grant insert on spool to ias_ingress;

grant usage on sequence spool_numbers to ias_ingress;

grant execute on function provide_partitions(), drop_partitions(text, interval) to ias_service;
