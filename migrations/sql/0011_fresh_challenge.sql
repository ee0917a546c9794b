-- Where a challenge sends the person back to, so that a fresh one can be asked for when Metriport refuses
-- its session. Null: asked for by an older release, or by nobody who can be sent back.
alter table aal2_challenge add column return_url text;

-- How many sessions Metriport has refused for the query: after the second it ends.
alter table network_query add column refused_sessions smallint not null default 0;

-- Whether the person is being asked already.
create index aal2_challenge_of_identity on aal2_challenge (identity_id) where state = 'pending';

insert into schema_level (level, serves_code_from) values (11, 8);
