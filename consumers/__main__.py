"""``python -m consumers ROLE`` is ``metriport-ias ROLE``."""

from consumers.main import main

main()
