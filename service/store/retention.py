"""Rows whose time is over: removed or moved in batches, by any number of replicas at once.

Batches skip what another replica holds, so that each row is dealt with once and nobody waits.
"""

from datetime import datetime, timedelta

from service.store.unit import Unit

FORGET_MESSAGES = """
delete from inbox where ctid = any(array(
    select ctid from inbox where received_at < $1
    order by received_at limit $2 for update skip locked))
"""
FORGET_BODIES = """
delete from large_body where ctid = any(array(
    select ctid from large_body where created_at < $1
    order by created_at limit $2 for update skip locked))
"""
FORGET_PAGES = """
delete from hosted_page where ctid = any(array(
    select ctid from hosted_page where opened_at < $1
    order by opened_at limit $2 for update skip locked))
"""
MOVE_CALLS = """
with moved as (
    delete from vendor_call where ctid = any(array(
        select ctid from vendor_call where state = 'done' and created_at < $1
        order by created_at limit $2 for update skip locked))
    returning call_id, operation, ref_id, attempts, called_at, outcome, traceparent, created_at)
insert into vendor_call_history
    (call_id, operation, ref_id, attempts, called_at, outcome, traceparent, created_at)
select * from moved
"""


async def forget_messages(unit: Unit, age: timedelta, limit: int) -> int:
    """Inbox rows older than ``age``; how many went."""
    return await _affected(unit, FORGET_MESSAGES, age, limit)


async def forget_bodies(unit: Unit, age: timedelta, limit: int) -> int:
    """Large bodies older than ``age``; how many went."""
    return await _affected(unit, FORGET_BODIES, age, limit)


async def forget_pages(unit: Unit, age: timedelta, limit: int) -> int:
    """Hosted pages that were opened longer ago than ``age``; how many went."""
    return await _affected(unit, FORGET_PAGES, age, limit)


async def move_calls(unit: Unit, age: timedelta, limit: int) -> int:
    """Calls that are over and older than ``age`` go to the history; how many."""
    return await _affected(unit, MOVE_CALLS, age, limit)


async def _affected(unit: Unit, statement: str, age: timedelta, limit: int) -> int:
    before: datetime = unit.now - age
    tag = await unit.conn.execute(statement, before, limit)
    return int(tag.rpartition(" ")[2])
