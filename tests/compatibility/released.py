"""Reading what was released, and writing down what is being released."""

import json
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.generate.catalogue import MESSAGES
from schemas.generate.jsonschema import json_schemas
from schemas.topics import TOPICS, Topic
from service.store.compatibility import CODE_LEVEL
from tests.compatibility.messages import Way, breaks
from tests.store.test_plans import statements

HERE: Final = Path(__file__).parent / "releases"
NOTES: Final = HERE / "notes.json"
EXPLAINS: Final = frozenset(("$schema", "title", "description", "examples", "default"))
_VERSION: Final = Path(__file__).parents[2] / "pyproject.toml"


class Message(NamedTuple):
    """One message as a release knew it."""

    ce_type: str
    topic: str
    schema: dict[str, Any]

    @property
    def way(self) -> Way:
        """Commands come from others."""
        return Way.TO_US if self.topic == Topic.COMMANDS else Way.FROM_US


class Release(NamedTuple):
    """What one release said and ran.

    ``level``: of its code, as a migrated database has it. ``keys``: what each topic's records are keyed by.
    """

    level: int
    messages: dict[str, Message]
    keys: dict[str, str]
    statements: dict[str, str]


def today() -> Release:
    """What this code says and runs."""
    written = json_schemas()
    return Release(
        CODE_LEVEL,
        {
            one.name: Message(one.ce_type, one.topic.value, _bare(written[one.name]))
            for one in MESSAGES
        },
        {topic.value: spec.key for topic, spec in TOPICS.items()},
        statements(),
    )


def _bare(schema: Any) -> Any:
    """Without what only explains; a field may be called so, too."""
    if isinstance(schema, list):
        return [_bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    fields = ("properties", "$defs")
    return {
        name: {key: _bare(one) for key, one in value.items()} if name in fields else _bare(value)
        for name, value in schema.items()
        if name not in EXPLAINS
    }


def versions() -> list[str]:
    """Every release, the oldest first."""
    found = [path.name for path in HERE.iterdir() if path.is_dir()]
    return sorted(found, key=lambda name: [int(part) for part in name.split(".")])


def load(version: str) -> Release:
    """A release as it was."""
    folder = HERE / version
    read = {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    messages = {name: Message(**one) for name, one in read["messages"].items()}
    release = read["release"]
    return Release(release["level"], messages, release["keys"], read["statements"])


def freeze() -> Path:
    """Write today's down as the release that ``pyproject.toml`` names."""
    version = tomllib.loads(_VERSION.read_text("utf-8"))["project"]["version"]
    release, folder = today(), HERE.joinpath(str(version))
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "messages": {name: one._asdict() for name, one in release.messages.items()},
        "release": {"level": release.level, "keys": release.keys},
        "statements": release.statements,
    }
    for name, content in contents.items():
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def notes() -> dict[str, str]:
    """Breaks that are meant, and what readers were told of each."""
    found: dict[str, str] = json.loads(NOTES.read_text("utf-8"))
    return found


def problems(then: Release, now: Release) -> list[str]:
    """A line for everything that breaks who goes by the contract of then."""
    lines = [
        f"{topic}: is keyed by another thing, or gone" for topic in _other(then.keys, now.keys)
    ]
    for name, old in sorted(then.messages.items()):
        new = now.messages.get(name)
        if new is None:
            lines.append(f"{name}: is gone")
            continue
        if (old.ce_type, old.topic) != (new.ce_type, new.topic):
            lines.append(f"{name}: has another type or topic")
        lines += [f"{name}{line}" for line in breaks(old.way, old.schema, new.schema)]
    return lines


def _other(then: dict[str, str], now: dict[str, str]) -> list[str]:
    return sorted(topic for topic, key in then.items() if now.get(topic) != key)
