-- Calls are made in the order in which they were wanted.
create index vendor_call_turn on vendor_call (operation, created_at) where state = 'due';

insert into schema_level (level, serves_code_from) values (12, 8);
