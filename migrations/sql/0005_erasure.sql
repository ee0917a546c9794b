-- A row without a body is a tombstone for a compacted topic.
alter table outbox alter column body drop not null;

-- Which keys of compacted topics hold something of a subject: each gets a tombstone at erasure.
create table compacted_key (
    topic text not null,
    key text not null,
    subject_id text not null references subject,
    primary key (topic, key)
);

create index compacted_key_subject on compacted_key (subject_id);

alter table subject add column legal_hold boolean not null default false;

-- The identity that a query was started with was revoked: the vendor's answers are still recorded (the
-- HIE slot depends on them), and nothing of them is told or entitles to anything.
alter table network_query add column withheld boolean not null default false;

-- What is left of an erased subject holds no id, only digests keyed by this key, which is wrapped by
-- ENCRYPTION_KEYS. A plain digest would not do: subject ids are the application's and may be guessed.
create table erasure_key (
    only_row boolean primary key default true check (only_row),
    wrapped bytea not null
);

-- One row an erasure; its id is that of the receipt. receipt_box opens with the erasure key and the
-- subject's id together, so it can be repeated to whoever names the subject and read by nobody else.
create table erasure (
    erasure_id uuid primary key,
    subject_digest bytea not null,
    next_sequence bigint not null,
    receipt_box bytea not null,
    erased_at timestamptz not null
);

create index erasure_subject on erasure (subject_digest, erased_at desc);

-- What may still arrive about an erased subject, so that it is recognised and dropped: its commands,
-- verifications, hosted pages and requests. And to which patients it was ever linked: an identity that
-- names no verification binds only if exactly one subject was ever linked to its patient.
create table erased_mark (
    kind text not null
        check (kind in ('command', 'patient', 'verification', 'hosted_page', 'vendor_request')),
    digest bytea not null,
    subject_digest bytea not null,
    erasure_id uuid not null references erasure,
    primary key (kind, digest, subject_digest)
);

-- An erasure deletes by subject, and every deleted row is looked for where others refer to it.
create index registration_subject on registration (subject_id, command_id);

create index identity_verification_subject on identity_verification (subject_id, command_id);

create index identity_subject on identity (subject_id, patient_id);

create index identity_verification_of on identity (verification_id);

create index aal2_challenge_subject on aal2_challenge (subject_id, command_id);

create index aal2_challenge_identity on aal2_challenge (identity_id);

create index aal2_session_challenge on aal2_session (challenge_id);

create index aal2_session_subject on aal2_session (subject_id);

create index network_query_subject on network_query (subject_id, command_id);

create index network_query_session on network_query (session_id);

create index consolidated_query_subject on consolidated_query (subject_id, command_id);

create index hosted_page_subject on hosted_page (subject_id);

create index vendor_call_subject on vendor_call (subject_id);

-- The service may not delete a subject, nor a link to a patient. This is the one way to do it: every
-- row of one subject at once, and only if no legal hold stands and its marks are there.
-- (Semicolons stand in front, for the file is split where a line ends with one.)
create function erase_subject(erased text, receipt uuid) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (select from subject where subject_id = erased and legal_hold) then
        raise exception 'legal hold' using errcode = 'insufficient_privilege'
        ; end if
    ; if (select count(*) from erased_mark m join erasure e using (subject_digest)
            where e.erasure_id = receipt and m.kind = 'patient')
        < (select count(*) from patient_link where subject_id = erased) then
        raise exception 'links without marks' using errcode = 'insufficient_privilege'
        ; end if
    ; delete from parked_webhook p
        where exists (select from network_query q
                where q.vendor_request_id = p.vendor_request_id and q.subject_id = erased)
           or exists (select from consolidated_query c
                where c.vendor_request_id = p.vendor_request_id and c.subject_id = erased)
    ; delete from unbound_identity u
        where exists (select from patient_link l
                where l.patient_id = u.patient_id and l.subject_id = erased)
          and not exists (select from patient_link l
                where l.patient_id = u.patient_id and l.subject_id <> erased)
    ; delete from outbox where subject_id = erased
    ; delete from compacted_key where subject_id = erased
    ; delete from vendor_call where subject_id = erased
    ; delete from hosted_page where subject_id = erased
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

revoke all on function erase_subject(text, uuid) from public;

revoke delete on subject from ias_service;

insert into schema_level (level, serves_code_from) values (5, 1);

grant execute on function erase_subject(text, uuid) to ias_service;

grant select, insert, delete on compacted_key to ias_service;

grant select, insert, update on erasure_key to ias_service;

grant select, insert on erasure, erased_mark to ias_service;
