"""Who may read and write which topic, as the contract says it; written down apart from the table."""

WEBHOOKS = "metriport.webhooks.v1"
CALLBACKS = "ias.callbacks.v1"
COMMANDS = "ias.commands.v1"
EVENTS = "ias.events.v1"
LINKS = "ias.links.v1"
REQUESTS = "ias.record-requests.v1"
LETTERS = "ias.dead-letters.v1"

TOPICS = (WEBHOOKS, CALLBACKS, COMMANDS, EVENTS, LINKS, REQUESTS, LETTERS)

READERS = {
    WEBHOOKS: {"consumers", "health-data"},
    CALLBACKS: {"consumers"},
    COMMANDS: {"consumers"},
    EVENTS: {"application", "observer", "audit", "consumers"},  # the on-call tools run as these
    LINKS: {"application"},
    REQUESTS: {"application", "observer"},
    LETTERS: {"operator", "consumers"},
}

WRITERS = {
    WEBHOOKS: {"ingress", "consumers"},  # the consumers bring what was spooled
    CALLBACKS: {"ingress", "consumers"},
    COMMANDS: {"application"},
    EVENTS: {"consumers"},
    LINKS: {"consumers"},
    REQUESTS: {"consumers"},
    LETTERS: {"ingress", "consumers"},
}

INSPECTORS = {"topics", "consumers"}
"""Who sees how the topics are set: what creates them, and the doctor."""

CLIENTS = (
    "ingress",
    "consumers",
    "topics",
    "audit",
    "lag",
    "application",
    "observer",
    "health-data",
    "operator",
)
