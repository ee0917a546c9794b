-- Webhooks and callbacks that Kafka did not take in time wait here, sealed to the consumers' key: the
-- ingress can insert and can neither read nor open. Bodies above what a Kafka record should hold are
-- kept in large_body and named by a CloudEvents dataref.

create table spool (
    position bigint generated always as identity primary key,
    record_id uuid not null,
    sealed bytea not null,
    stuck boolean not null default false,
    created_at timestamptz not null default now()
);

create index spool_waiting on spool (position) where not stuck;

create table large_body (
    body_id uuid primary key,
    sealed bytea not null,
    created_at timestamptz not null default now()
);

insert into schema_level (level, serves_code_from) values (2, 1);

grant select, insert, update, delete on spool, large_body to ias_service;

grant insert on spool, large_body to ias_ingress;
