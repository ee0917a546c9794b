-- A ConfirmReturn whose return is not handled yet: commands and callbacks are on different topics, and one may be
-- ahead of the other. It is acted on with the return, or refused when none comes.
create table early_confirmation (
    command_id uuid not null,
    subject_id text not null,
    code_hash bytea not null,
    received_at timestamptz not null,
    primary key (command_id, subject_id),
    unique (subject_id, code_hash),
    foreign key (subject_id, command_id) references command on delete cascade
);

create index early_confirmation_age on early_confirmation (received_at, command_id);

grant select, insert, update, delete on early_confirmation to ias_service;

insert into schema_level (level, serves_code_from) values (18, 8);
