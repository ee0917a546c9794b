-- Each ingress says every few seconds whether it can take webhooks; good_since is null while it cannot.
create table ingress_heartbeat (
    ingress_id uuid primary key,
    good_since timestamptz,
    seen_at timestamptz not null
);

-- What the delivery healer knows, and whose turn it is: one row, for one leader at a time.
create table delivery_healer (
    only_row boolean primary key default true check (only_row),
    turn bigint not null default 0,
    lease_until timestamptz,
    next_at timestamptz not null default now(),
    looked_at timestamptz,
    resent_at timestamptz,
    expecting integer,
    residue integer,
    fruitless integer not null default 0,
    unknown integer not null default 0,
    processing integer not null default 0,
    processing_since timestamptz,
    stopped_at integer,
    problem text
);

insert into delivery_healer default values;

-- The ingress writes to no table but its spool, so it beats through this. The clock is the database's;
-- a silence of 15 s starts the good time anew. (Semicolons stand in front, for the file is split where
-- a line ends with one.)
create function ingress_beat(ingress uuid, good boolean) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    delete from ingress_heartbeat where seen_at < clock_timestamp() - interval '1 hour'
    ; insert into ingress_heartbeat as h (ingress_id, good_since, seen_at)
        values (ingress, case when good then clock_timestamp() end, clock_timestamp())
        on conflict (ingress_id) do update set seen_at = excluded.seen_at,
            good_since = case
                when good and h.seen_at > excluded.seen_at - interval '15 seconds'
                    then coalesce(h.good_since, excluded.good_since)
                else excluded.good_since end
    ; end
$$;

revoke all on function ingress_beat(uuid, boolean) from public;

grant execute on function ingress_beat(uuid, boolean) to ias_ingress, ias_service;

grant select, insert, update, delete on ingress_heartbeat to ias_service;

grant select, insert, update on delivery_healer to ias_service;

insert into schema_level (level, serves_code_from) values (10, 8);
