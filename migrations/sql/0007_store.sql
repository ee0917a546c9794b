-- A kept record is sealed to its own row (`bound`); what an older release keeps is sealed to its topic
-- only. `about` is a digest of topic and subject, or topic and patient, so that an erasure finds it;
-- null when it may be about several.
alter table held_record add column bound boolean not null default false;

alter table held_record add column about bytea;

create index held_record_about on held_record (about);

-- The patients that a parked webhook names: whether its end concerns us, and what an erasure takes. An
-- older release leaves it null.
alter table parked_webhook add column patient_ids text[];

create index parked_webhook_patients on parked_webhook using gin (patient_ids);

-- An erasure deletes what waits of its subject, which is much while the broker is away.
create index outbox_subject on outbox (subject_id);

-- As in 0005, but parked webhooks are found by their indexes, and by patient too: those that name only
-- patients to whom nobody but the erased subject is linked.
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

insert into schema_level (level, serves_code_from) values (7, 7);
