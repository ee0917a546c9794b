-- Why something ended without success, and which link was issued, for the record request that looks.
-- Null: ended by an older release. ended_at is our clock's; finished_at is what Metriport says.
alter table registration add column reason text;

alter table network_query add column reason text;

alter table network_query_source add column ended_at timestamptz;

alter table consolidated_query add column reason text;

alter table consolidated_query add column link_id uuid;

alter table consolidated_query add column link_expires_at timestamptz;

-- What a record request may refer to: things of its own subject and patient, by composite keys.
alter table aal2_challenge add constraint aal2_challenge_of_pair
    unique (challenge_id, subject_id, patient_id);

alter table network_query add constraint network_query_of_pair
    unique (query_id, subject_id, patient_id);

alter table consolidated_query add constraint consolidated_query_of_pair
    unique (request_id, subject_id, patient_id);

-- One RequestRecords. fresh_since: a source that ended before it is asked again. seen_sequence: how far
-- the subject's events went when the request was looked at last; wake_at: when it is looked at anyway.
create table record_request (
    request_id uuid primary key,
    subject_id text not null,
    command_id uuid not null,
    patient_id text,
    sources text[] not null check (cardinality(sources) > 0),
    return_url text not null,
    deadline timestamptz not null,
    fresh_since timestamptz not null,
    resources text[],
    date_from date,
    date_to date,
    consent_id text,
    consent_notice_version text,
    step text not null check (step in ('registration', 'identity_verification', 'aal2_challenge',
        'network_query', 'consolidated_query', 'finished')),
    waiting_for text,
    early_sources text[] not null default '{}',
    verification_id uuid,
    challenge_id uuid,
    query_id uuid,
    record_id uuid,
    result text check (result in ('ready', 'partial', 'failed', 'cancelled', 'expired')),
    reason text,
    seen_sequence bigint not null default 0,
    wake_at timestamptz not null,
    failures smallint not null default 0,
    created_at timestamptz not null,
    foreign key (subject_id, command_id) references command,
    foreign key (verification_id, subject_id, patient_id)
        references identity_verification (verification_id, subject_id, patient_id),
    foreign key (challenge_id, subject_id, patient_id)
        references aal2_challenge (challenge_id, subject_id, patient_id),
    foreign key (query_id, subject_id, patient_id)
        references network_query (query_id, subject_id, patient_id),
    foreign key (record_id, subject_id, patient_id)
        references consolidated_query (request_id, subject_id, patient_id),
    unique (subject_id, command_id),
    check (patient_id is not null
        or coalesce(verification_id, challenge_id, query_id, record_id) is null),
    check ((step = 'finished') = (result is not null))
);

-- Requests that have not ended: few, and looked through every second.
create index record_request_open on record_request (subject_id, created_at) where result is null;

-- An erasure deletes by subject, and every deleted row is looked for where requests refer to it.
create index record_request_verification on record_request (verification_id);

create index record_request_challenge on record_request (challenge_id);

create index record_request_query on record_request (query_id);

create index record_request_record on record_request (record_id);

-- As in 0007, and record requests too, before what they refer to.
-- (Semicolons stand in front, for the file is split where a line ends with one.)
create or replace function erase_subject(erased text, receipt uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    mine text[] := array(select l.patient_id from patient_link l where l.subject_id = erased
        and not exists (select from patient_link o
            where o.patient_id = l.patient_id and o.subject_id <> erased))
; begin
    if exists (select from subject where subject_id = erased and legal_hold) then
        raise exception 'legal hold' using errcode = 'insufficient_privilege'
        ; end if
    ; if (select count(*) from erased_mark m join erasure e using (subject_digest)
            where e.erasure_id = receipt and m.kind = 'patient')
        < (select count(*) from patient_link where subject_id = erased) then
        raise exception 'links without marks' using errcode = 'insufficient_privilege'
        ; end if
    ; delete from parked_webhook where vendor_request_id = any(array(
        select vendor_request_id from network_query
            where subject_id = erased and vendor_request_id is not null
        union select c.vendor_request_id from consolidated_query c
            where c.subject_id = erased and c.vendor_request_id is not null
              and not exists (select from consolidated_query o
                where o.vendor_request_id = c.vendor_request_id and o.subject_id <> erased)))
    ; delete from parked_webhook where patient_ids && mine and patient_ids <@ mine
    ; delete from unbound_identity where patient_id = any(mine)
    ; delete from outbox where subject_id = erased
    ; delete from compacted_key where subject_id = erased
    ; delete from vendor_call where subject_id = erased
    ; delete from hosted_page where subject_id = erased
    ; delete from record_request where subject_id = erased
    ; delete from network_query_source s using network_query q
        where q.query_id = s.query_id and q.subject_id = erased
    ; delete from network_query where subject_id = erased
    ; delete from consolidated_query where subject_id = erased
    ; delete from aal2_session where subject_id = erased
    ; delete from aal2_challenge where subject_id = erased
    ; delete from identity where subject_id = erased
    ; delete from identity_verification where subject_id = erased
    ; delete from registration where subject_id = erased
    ; delete from patient_link where subject_id = erased
    ; delete from command where subject_id = erased
    ; delete from subject where subject_id = erased
    ; end
$$;

grant select, insert, update, delete on record_request to ias_service;

insert into schema_level (level, serves_code_from) values (16, 8);
