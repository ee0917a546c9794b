-- Binding is by composite keys: session -> identity -> (subject, patient). A row that mixes two
-- people cannot be written, whatever the code does.

create table schema_level (
    level integer primary key,
    serves_code_from integer not null,
    applied_at timestamptz not null default now()
);

insert into schema_level (level, serves_code_from) values (1, 1);

-- A subject is the application's user. data_key is wrapped by ENCRYPTION_KEYS; destroying it erases
-- every secret of the subject. next_sequence numbers the subject's events without gaps.
create table subject (
    subject_id text primary key,
    data_key bytea not null,
    next_sequence bigint not null default 1,
    created_at timestamptz not null default now()
);

create table command (
    subject_id text not null references subject,
    command_id uuid not null,
    command_type text not null,
    content_digest bytea not null,
    metadata_box bytea,
    received_at timestamptz not null default now(),
    final_event_id uuid,
    final_type text,
    final_box bytea,
    final_time timestamptz,
    primary key (subject_id, command_id)
);

-- The purpose of a link never changes (I9). Rows stay for ever: a proofed identity without any id of
-- ours binds only if exactly one subject was ever linked to its patient.
create table patient_link (
    subject_id text not null references subject,
    patient_id text not null,
    purpose text not null check (purpose in ('ias', 'treatment')),
    matched_existing boolean not null,
    linked_at timestamptz not null default now(),
    primary key (subject_id, patient_id),
    unique (subject_id, patient_id, purpose)
);

create index patient_link_patient on patient_link (patient_id);

create table registration (
    registration_id uuid primary key,
    subject_id text not null,
    command_id uuid not null,
    purpose text not null check (purpose in ('ias', 'treatment')),
    patient_id text,
    external_id text,
    facility_id text,
    demographics_box bytea,
    state text not null check (state in ('due', 'registered', 'failed')),
    created_at timestamptz not null default now(),
    foreign key (subject_id, command_id) references command,
    check (state <> 'due' or (patient_id is null) <> (demographics_box is null))
);

create table identity_verification (
    verification_id uuid primary key,
    subject_id text not null,
    patient_id text not null,
    purpose text not null default 'ias' check (purpose = 'ias'),
    command_id uuid not null,
    state text not null
        check (state in ('pending', 'verified', 'expired', 'failed', 'revoked', 'superseded')),
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    foreign key (subject_id, patient_id, purpose)
        references patient_link (subject_id, patient_id, purpose),
    foreign key (subject_id, command_id) references command,
    unique (verification_id, subject_id, patient_id)
);

create index identity_verification_pair on identity_verification (patient_id, subject_id);

create table identity (
    identity_id uuid primary key,
    verification_id uuid not null,
    subject_id text not null,
    patient_id text not null,
    proofed_digest bytea not null unique,
    proofed_box bytea not null,
    state text not null check (state in ('active', 'superseded', 'revoked', 'stopped')),
    verified_at timestamptz not null,
    foreign key (verification_id, subject_id, patient_id)
        references identity_verification (verification_id, subject_id, patient_id),
    unique (identity_id, subject_id, patient_id)
);

create unique index identity_one_active on identity (subject_id, patient_id)
    where state = 'active';

create table unbound_identity (
    message_digest bytea primary key,
    message_id text not null,
    patient_id text,
    reason text not null,
    sealed bytea not null,
    received_at timestamptz not null default now()
);

create table aal2_challenge (
    challenge_id uuid primary key,
    identity_id uuid not null,
    subject_id text not null,
    patient_id text not null,
    command_id uuid not null,
    state text not null check (state in ('pending', 'returned', 'expired', 'failed')),
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    foreign key (identity_id, subject_id, patient_id)
        references identity (identity_id, subject_id, patient_id),
    foreign key (subject_id, command_id) references command,
    unique (challenge_id, identity_id, subject_id, patient_id)
);

create table aal2_session (
    session_id uuid primary key,
    challenge_id uuid not null,
    identity_id uuid not null,
    subject_id text not null,
    patient_id text not null,
    session_digest bytea not null unique,
    session_box bytea not null,
    code_hash bytea not null unique,
    state text not null check (state in ('received', 'confirmed', 'proven', 'expired', 'refused')),
    returned_at timestamptz not null,
    uses integer not null default 0,
    foreign key (challenge_id, identity_id, subject_id, patient_id)
        references aal2_challenge (challenge_id, identity_id, subject_id, patient_id),
    unique (session_id, identity_id, subject_id, patient_id)
);

create index aal2_session_identity on aal2_session (identity_id, returned_at desc);

-- One click on a hosted step: one fresh page of the vendor. The ingress may read these rows; the URL
-- is sealed with LINK_KEYS.
create table hosted_page (
    open_id uuid primary key,
    link_id uuid not null,
    kind text not null check (kind in ('identity_verification', 'aal2_challenge')),
    subject_id text not null references subject,
    state text not null check (state in ('waiting', 'ready', 'refused')),
    reason text,
    vendor_digest bytea unique,
    url_token text,
    expires_at timestamptz,
    opened_at timestamptz not null
);

create index hosted_page_link on hosted_page (link_id, opened_at);

create table network_query (
    query_id uuid primary key,
    subject_id text not null,
    patient_id text not null,
    purpose text not null check (purpose in ('ias', 'treatment')),
    identity_id uuid,
    session_id uuid,
    command_id uuid not null,
    state text not null check (state in ('due', 'dispatching', 'started', 'unknown', 'refused',
        'completed', 'partial', 'failed')),
    hie_slot boolean not null default false,
    consent_id text,
    consent_notice_version text,
    vendor_request_id text unique,
    deadline timestamptz not null,
    created_at timestamptz not null default now(),
    foreign key (subject_id, patient_id, purpose)
        references patient_link (subject_id, patient_id, purpose),
    foreign key (session_id, identity_id, subject_id, patient_id)
        references aal2_session (session_id, identity_id, subject_id, patient_id),
    foreign key (subject_id, command_id) references command,
    check ((purpose = 'ias') = (session_id is not null)),
    check ((session_id is null) = (identity_id is null))
);

-- The vendor skips the HIE part of a second query while one runs for the patient: one at a time.
create unique index network_query_one_hie on network_query (patient_id) where hie_slot;

create index network_query_pair on network_query (subject_id, patient_id);

create table network_query_source (
    query_id uuid not null references network_query,
    source text not null check (source in ('hie', 'pharmacy', 'lab')),
    status text not null check (status in ('processing', 'completed', 'failed')),
    finished_at timestamptz,
    told_early boolean not null default false,
    reason text,
    primary key (query_id, source)
);

-- Two subjects of one patient can get one request id back, so the key is (request id, subject).
create table consolidated_query (
    request_id uuid primary key,
    subject_id text not null,
    patient_id text not null,
    purpose text not null default 'ias' check (purpose = 'ias'),
    command_id uuid not null,
    conversion_type text not null check (conversion_type in ('json', 'pdf', 'html')),
    resources text[],
    date_from date,
    date_to date,
    state text not null check (state in ('due', 'dispatching', 'started', 'ready', 'failed')),
    vendor_request_id text,
    created_at timestamptz not null default now(),
    foreign key (subject_id, patient_id, purpose)
        references patient_link (subject_id, patient_id, purpose),
    foreign key (subject_id, command_id) references command
);

create index consolidated_query_vendor on consolidated_query (vendor_request_id, subject_id);

-- Calls to the vendor wait here. dispatching without an answer by lease_until is an unknown outcome.
create table vendor_call (
    call_id uuid primary key,
    operation text not null,
    subject_id text not null references subject,
    ref_id uuid not null,
    state text not null check (state in ('due', 'dispatching', 'done', 'unknown')),
    due_at timestamptz not null default now(),
    attempts integer not null default 0,
    lease_until timestamptz,
    called_at timestamptz,
    outcome text,
    traceparent text,
    created_at timestamptz not null default now(),
    unique (operation, ref_id)
);

create index vendor_call_due on vendor_call (operation, due_at) where state = 'due';

create index vendor_call_leased on vendor_call (lease_until) where state = 'dispatching';

-- The vendor environment that this database belongs to: sandbox and production never mix.
create table vendor_environment (
    only_row boolean primary key default true check (only_row),
    api_url text not null
);

create table pacing_slot (
    operation text not null,
    slot integer not null,
    usable_at timestamptz not null,
    primary key (operation, slot)
);

create table inbox (
    source text not null,
    message_digest bytea not null,
    received_at timestamptz not null default now(),
    primary key (source, message_digest)
);

create table parked_webhook (
    message_digest bytea primary key,
    message_id text not null,
    webhook_type text not null,
    vendor_request_id text not null,
    sealed bytea not null,
    received_at timestamptz not null default now()
);

create index parked_webhook_request on parked_webhook (vendor_request_id);

-- Rows wait encrypted under their subject's data key and are removed once the broker has them.
create table outbox (
    position bigint generated always as identity primary key,
    event_id uuid not null,
    topic text not null,
    key text not null,
    shard smallint not null,
    type text not null,
    subject_id text,
    body bytea not null,
    occurred_at timestamptz not null,
    traceparent text,
    created_at timestamptz not null default now()
);

create index outbox_shard_position on outbox (shard, position);

create table outbox_shard (
    shard smallint primary key
);

insert into outbox_shard select generate_series(0, 63);

grant select, insert, update, delete on all tables in schema public to ias_service;

revoke update, delete on patient_link from ias_service;

grant select on hosted_page, schema_level to ias_ingress;
