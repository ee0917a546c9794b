-- Which cluster answers, and on which timeline it writes: a promoted standby and a restored archive have another
-- timeline, a logical copy and an upgraded cluster another identifier. Without a timeline while it only follows.
create function this_cluster(out system_identifier bigint, out timeline integer)
language sql as $$
    select c.system_identifier, case when not pg_is_in_recovery()
        then ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer end
    from pg_control_system() c
$$;

-- One row: the cluster from which calls go out. `beat` grows with every intent of a call, and every few seconds
-- while calls may go out, so that whoever has seen a later one knows that commits are gone. `since`: from when
-- these beats count; an operator's resume begins anew.
create table known_cluster (
    only_row boolean primary key default true check (only_row),
    system_identifier bigint not null,
    timeline integer not null,
    since timestamptz not null default clock_timestamp(),
    beat bigint not null default 0,
    beat_at timestamptz not null default clock_timestamp()
);

insert into known_cluster (system_identifier, timeline)
select system_identifier, timeline from this_cluster();

grant select, insert, update on known_cluster to ias_service;

-- Why no call goes out. Only a refused key ends by itself: the others have an infinite `probe_at`, so that an
-- older release does not ask either. `loss_proven`: it is sure that the changed database lacks commits.
alter table dispatch_stop add column why text not null default 'key_refused'
    check (why in ('key_refused', 'database_changed', 'paused'));

alter table dispatch_stop add column loss_proven boolean not null default false;

insert into schema_level (level, serves_code_from) values (17, 8);
