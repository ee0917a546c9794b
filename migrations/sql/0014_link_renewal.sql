-- How many links of the same command came dead before this query: after the third the query ends. An older
-- release leaves it 0 and ends the query at the first.
alter table consolidated_query add column renewals smallint not null default 0;

insert into schema_level (level, serves_code_from) values (14, 8);
