-- When an accepted call last carried the session: the idle limit counts from it (NIST SP 800-63B-4).
alter table aal2_session add column last_used_at timestamptz;

-- A query waits while another one with HIE runs for the patient.
alter table network_query drop constraint network_query_state_check;

alter table network_query add constraint network_query_state_check
    check (state in ('waiting', 'due', 'dispatching', 'started', 'unknown', 'refused', 'completed',
        'partial', 'failed'));

-- Digests of the vendor's session ids that an unbound identity names, so that it is looked at once
-- more when the call that made such a session is answered. settled: it was, and stayed unbound.
alter table unbound_identity add column vendor_digests bytea[] not null default '{}';

alter table unbound_identity add column settled boolean not null default false;

create index unbound_identity_open on unbound_identity (received_at) where not settled;

-- The sweeper reads each kind of thing by its age, oldest first, and only those that can still end.
create index identity_verification_pending on identity_verification (expires_at, verification_id)
    where state = 'pending';

create index aal2_challenge_pending on aal2_challenge (expires_at, challenge_id)
    where state = 'pending';

create index aal2_session_received on aal2_session (returned_at, session_id)
    where state = 'received';

create index aal2_session_age on aal2_session (returned_at, session_id)
    where state in ('confirmed', 'proven');

create index aal2_session_idle on aal2_session (coalesce(last_used_at, returned_at), session_id)
    where state in ('confirmed', 'proven');

create index network_query_deadline on network_query (deadline, query_id)
    where state in ('waiting', 'due', 'started');

create index network_query_held_slot on network_query (deadline, query_id)
    where state = 'unknown' and hie_slot;

create index consolidated_query_open on consolidated_query (created_at, request_id)
    where state in ('due', 'dispatching', 'started');

create index registration_due on registration (created_at, registration_id)
    where state = 'due';

create index hosted_page_waiting on hosted_page (opened_at, open_id)
    where state = 'waiting';

create index parked_webhook_age on parked_webhook (received_at);

-- A type of message that is stopped on a topic, because too many of its messages went wrong at once.
-- Its records are kept here, sealed to the consumers' key and in order, until they can be handled.
create table stopped_type (
    topic text not null,
    message_type text not null,
    reason text not null,
    stopped_at timestamptz not null default now(),
    primary key (topic, message_type)
);

create table held_record (
    position bigint generated always as identity primary key,
    topic text not null,
    message_type text not null,
    record_digest bytea not null unique,
    sealed bytea not null,
    held_at timestamptz not null default now(),
    foreign key (topic, message_type) references stopped_type
);

create index held_record_type on held_record (topic, message_type, position);

grant select, insert, update, delete on stopped_type, held_record to ias_service;

-- A request at the vendor that may be a query of ours whose outcome is unknown: to be confirmed.
create table supposed_request (
    vendor_request_id text not null,
    query_id uuid not null references network_query on delete cascade,
    supposed_at timestamptz not null default now(),
    primary key (vendor_request_id, query_id)
);

create index supposed_request_query on supposed_request (query_id);

create index supposed_request_age on supposed_request (supposed_at);

insert into schema_level (level, serves_code_from) values (6, 6);

grant select, insert, delete on supposed_request to ias_service;
