-- Whose turn a call is: first come, first served, but what nobody waits for (`background`) counts as having
-- come later. An older release leaves both at their defaults.
alter table vendor_call add column background boolean not null default false;

alter table vendor_call add column turn_at timestamptz not null default now();

update vendor_call set turn_at = created_at where state = 'due';

create index vendor_call_in_turn on vendor_call (operation, turn_at) where state = 'due';

-- How many calls were made in each five minutes, for the quota of a day.
create table call_tally (
    since timestamptz primary key,
    calls integer not null
);

grant select, insert, update, delete on call_tally to ias_service;

-- What calls of one class met lately: while they meet nothing but faults, none is made but a trial.
create table circuit (
    kind text primary key,
    state text not null check (state in ('closed', 'open', 'half_open')),
    failures integer not null default 0,
    last_failed uuid,
    pause interval not null,
    wait_until timestamptz not null
);

grant select, insert, update, delete on circuit to ias_service;

insert into schema_level (level, serves_code_from) values (13, 8);
