"""deploy/README.md says what the manifests and the table of rights say."""

import re

from service.settings.roles import Role
from tests.access.expected import CLIENTS, READERS, TOPICS, WRITERS
from tests.deploy.manifests import OVERLAYS, ROOT, Manifests
from tests.deploy.test_schemas import OLDEST

TEXT = (ROOT / "deploy" / "README.md").read_text()
WORDS = dict(
    zip(
        TOPICS,
        (
            "webhooks",
            "callbacks",
            "commands",
            "events",
            "links",
            "record requests",
            "dead letters",
        ),
        strict=True,
    )
)


def rows(heading: str) -> dict[str, list[str]]:
    """The table whose head begins so: its other cells by the first word of each row."""
    after = TEXT[TEXT.index(f"| {heading}") :]
    lines = after.split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return {first.split()[0].strip("`"): rest for first, *rest in cells}


def test_the_grace_periods_are_those_of_the_pods(production: Manifests) -> None:
    told = {Role(name): cells[-1] for name, cells in rows("role | before SIGTERM").items()}
    assert told == {
        role: f"{one.pod['terminationGracePeriodSeconds']} s"
        for role, one in production.long_running.items()
    }


def test_the_rights_are_those_of_the_table() -> None:
    told = rows("login `metriport-ias-…`")
    assert set(told) == set(CLIENTS)
    for client, (reads, writes) in told.items():
        for topic, word in WORDS.items():
            assert bool(re.search(rf"\b{word}\b", reads)) is (client in READERS[topic])
            assert bool(re.search(rf"\b{word}\b", writes)) is (client in WRITERS[topic])


def test_every_overlay_and_component_is_told_of() -> None:
    assert set(rows("overlay | is for")) == set(OVERLAYS)
    for component in (ROOT / "deploy" / "kustomize" / "components").iterdir():
        assert f"`{component.name}`" in TEXT
    assert f"Kubernetes {OLDEST} or newer" in TEXT


def test_a_command_makes_every_secret_that_a_pod_mounts() -> None:
    mounted = {name for name in rows("Secret | keys") if name.startswith("metriport-ias-")}
    assert len(mounted) > 10
    made = set(re.findall(r"create secret generic (metriport-ias-[\w-]+)", TEXT))
    made |= {
        f"metriport-ias-{name}" for name in re.findall(r"^    secret ([\w-]+) ", TEXT, re.MULTILINE)
    }
    for names, prefix in re.findall(
        r'for \w+ in ([\w ]+); do\n +kubectl create secret generic "([\w-]+)\$', TEXT
    ):
        made |= {prefix + name for name in names.split()}
    assert made >= mounted
