-- Who is meant by an entry must be gone with the subject. So no entry holds a subject id: subject_ref
-- is a digest of it, keyed by the subject's own data key, and the id itself is in the box, encrypted
-- under that key. A plain digest would not do: subject ids are the application's and may be guessed.
-- Destroying the data key makes both unreadable at once, in backups too, and changes no byte that the
-- chain was computed over. What stays is that the same unknown person did these things.
-- object_id is a random id of ours (identity, session, link): it leads to a person only through rows
-- that erasure removes. box without subject_ref is plain JSON about keys, never about a person.

create table audit_entry (
    entry_id uuid not null,
    recorded_at timestamptz not null default now(),
    kind text not null,
    subject_ref bytea,
    object_id uuid,
    box bytea not null,
    primary key (entry_id, recorded_at)
) partition by range (recorded_at);

create index audit_entry_time on audit_entry (recorded_at, entry_id);

create index audit_entry_subject on audit_entry (subject_ref, recorded_at)
    where subject_ref is not null;

-- Entries that the sealer has not numbered yet. A queue and not a cursor, because a transaction with
-- an older time may commit later. Rows leave it in the transaction that chains their entry.
create table audit_unchained (
    position bigint generated always as identity primary key,
    entry_id uuid not null,
    recorded_at timestamptz not null default now()
);

-- sealed_at never goes back, so a month of this table is one run of numbers without a gap. There is
-- no reference to audit_entry: months of either are dropped when their retention is over.
create table audit_chain (
    number bigint not null check (number > 0),
    entry_id uuid not null,
    recorded_at timestamptz not null,
    entry_digest bytea not null,
    previous bytea not null,
    hash bytea not null,
    sealed_at timestamptz not null,
    primary key (number, sealed_at)
) partition by range (sealed_at);

create index audit_chain_entry on audit_chain (entry_id);

-- Signed and told to operators, so that a database whose tail was cut off contradicts what was told.
create table audit_head (
    number bigint not null,
    hash bytea not null,
    sealed_at timestamptz not null,
    key_id text not null,
    signature bytea not null,
    published_at timestamptz not null default now(),
    primary key (number, published_at)
) partition by range (published_at);

-- One for each month that is over: with it, verification starts after a month that was dropped.
create table audit_checkpoint (
    month date primary key,
    first_number bigint not null,
    last_number bigint not null check (last_number >= first_number),
    previous bytea not null,
    hash bytea not null,
    key_id text not null,
    signature bytea not null,
    closed_at timestamptz not null default now()
);

-- An audit that cannot be written stops the work it is about, so there is always a place for a row.
create table audit_entry_default partition of audit_entry default;

create table audit_chain_default partition of audit_chain default;

create table audit_head_default partition of audit_head default;

-- Grants keep the service from changing a row. This keeps the owner from doing it by mistake: to
-- change a row one has to disable a trigger first, and then the chain tells.
create function audit_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'audit rows are never changed' using errcode = 'insufficient_privilege'
    ; end
$$;

create trigger append_only before update or delete on audit_entry
    for each row execute function audit_refuse();

create trigger append_only before update or delete on audit_chain
    for each row execute function audit_refuse();

create trigger append_only before update or delete on audit_head
    for each row execute function audit_refuse();

create trigger append_only before update or delete on audit_checkpoint
    for each row execute function audit_refuse();

create trigger append_only_truncate before truncate on audit_entry
    for each statement execute function audit_refuse();

create trigger append_only_truncate before truncate on audit_chain
    for each statement execute function audit_refuse();

create trigger append_only_truncate before truncate on audit_head
    for each statement execute function audit_refuse();

create trigger append_only_truncate before truncate on audit_checkpoint
    for each statement execute function audit_refuse();

create trigger append_only_truncate before truncate on audit_entry_default
    for each statement execute function audit_refuse();

create trigger append_only_truncate before truncate on audit_chain_default
    for each statement execute function audit_refuse();

create trigger append_only_truncate before truncate on audit_head_default
    for each statement execute function audit_refuse();

-- The partitions of one month (UTC). The service cannot create tables, so this runs with the owner's
-- rights and does nothing else. Where the default partition holds rows of that month already, or is
-- busy for two seconds, the month stays as it is: false.
-- (Semicolons stand in front, for the file is split where a line ends with one.)
create function audit_provide(month date) returns boolean
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
declare
    first timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC'
    ; after timestamptz
        := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC'
    ; parent text
    ; name text
    ; begin
    foreach parent in array array['audit_entry', 'audit_chain', 'audit_head'] loop
        name := parent || to_char(month, '_YYYY_MM')
        ; continue when to_regclass(name) is not null
        ; execute format('create table %I (like %I including all)', name, parent)
        ; execute format('create trigger append_only_truncate before truncate on %I'
            ' for each statement execute function audit_refuse()', name)
        ; execute format('grant select, insert on %I to ias_service', name)
        ; execute format('alter table %I attach partition %I for values from (%L) to (%L)',
            parent, name, first, after)
    ; end loop
    ; return true
    ; exception when check_violation or lock_not_available then return false
    ; end
$$;

revoke all on function audit_provide(date) from public;

select audit_provide((now() at time zone 'UTC' + n * interval '1 month')::date)
from generate_series(0, 3) n;

insert into schema_level (level, serves_code_from) values (4, 1);

grant execute on function audit_provide(date) to ias_service;

grant select, insert on audit_entry, audit_entry_default, audit_chain, audit_chain_default,
    audit_head, audit_head_default, audit_checkpoint to ias_service;

grant select, insert, delete on audit_unchained to ias_service;
