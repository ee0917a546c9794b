"""When something is over, and which clock says so.

Every decision about state is made by the database's clock (``Unit.now``), never by a process's own:
replicas whose clocks differ agree. What it is compared with:

- **The database's own times** (a verification's, a challenge's and a query's end, when a row was made,
  when a call was made): one clock, no skew.
- **The ingress's time of a person's return**: a session's age counts from it. It is taken as now where
  it lies in the future, so a clock that is ahead gains nothing, and one that is behind ends the session
  early.
- **Metriport's ``expiresAt`` of a hosted page**: their clock and the ingress's, which must answer without
  a database and therefore uses its own clock for links, cookies and pages. A page is not shown when fewer
  than ``SAFETY_MARGIN`` are left; one that is shown too late is refused by Metriport itself, and what an
  expired link asks for is refused by the consumers.
- **The end of a session at Metriport**: unknown. Not used within ``SAFETY_MARGIN`` of our own limits,
  because the call still has to travel: too early, never too late.

What a person or the vendor does in time may reach us a little later; a pending step is therefore ended
``GRACE`` after its time. That only delays the event: nothing is used longer.
"""

from datetime import timedelta
from typing import Final

SAFETY_MARGIN: Final = timedelta(seconds=30)
"""How long before its limit something is treated as over when it is about to be used."""

GRACE: Final = timedelta(seconds=60)
"""How long after its time a pending step waits for what is under way in Kafka."""

EARLY_CONFIRMATION_WAIT: Final = timedelta(seconds=60)
"""How long a code that nobody came back with is waited for; then it is refused."""
