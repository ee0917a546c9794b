-- At most one row: since when no call goes out, because Metriport does not accept our key, and when it is
-- asked next whether it does. Every replica heeds it.
create table dispatch_stop (
    only_row boolean primary key default true check (only_row),
    stopped_at timestamptz not null,
    probe_at timestamptz not null
);

grant select, insert, update, delete on dispatch_stop to ias_service;

insert into schema_level (level, serves_code_from) values (9, 8);
