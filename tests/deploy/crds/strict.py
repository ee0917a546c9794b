"""A schema file for one resource: ``python -m tests.deploy.crds.strict CRD.yaml VERSION``.

Without a version the file is a JSON Schema already, as models print it.

An API server drops fields that it does not know without a word, so a misspelt one does nothing. Here
they are an error. What only explains (descriptions) or only the server can judge is left out.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml

KEPT: Final = frozenset(
    [
        "type",
        "enum",
        "const",
        "required",
        "format",
        "pattern",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "$ref",
    ]
)
PRESERVED: Final = "x-kubernetes-preserve-unknown-fields"
EITHER: Final = "x-kubernetes-int-or-string"


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema, in which an unknown field is an error."""
    if schema.get(EITHER):
        return {"type": ["integer", "string"]}
    made = {key: value for key, value in schema.items() if key in KEPT}
    if "anyOf" in schema:
        made["anyOf"] = [strict(one) for one in schema["anyOf"]]
    if "$defs" in schema:
        made["$defs"] = {name: strict(one) for name, one in schema["$defs"].items()}
    if "items" in schema:
        made["items"] = strict(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        made["additionalProperties"] = strict(schema["additionalProperties"])
    if "properties" in schema:
        made["properties"] = {name: strict(one) for name, one in schema["properties"].items()}
        if not schema.get(PRESERVED):
            made["additionalProperties"] = False
    return made


def resource(definition: dict[str, Any], version: str) -> dict[str, Any]:
    """The schema of one version of a CustomResourceDefinition."""
    spec = definition["spec"]
    (found,) = (one for one in spec["versions"] if one["name"] == version)
    api = f"{spec['group']}/{version}"
    return named(found["schema"]["openAPIV3Schema"], api, spec["names"]["kind"])


def named(schema: dict[str, Any], api: str, kind: str) -> dict[str, Any]:
    """The strict schema of what somebody applies: without what its controller writes."""
    made = strict(schema)
    made["properties"].pop("status", None)
    made["properties"] |= {
        "apiVersion": {"const": api},
        "kind": {"const": kind},
        "metadata": {"type": "object", "required": ["name"]},
    }
    made["required"] = sorted({"apiVersion", "kind", "metadata", *made.get("required", [])})
    return made


def main(path: str, *version: str) -> None:
    """Print the schema."""
    read = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if version:
        made = resource(read, *version)
    else:
        constants = read["properties"]
        made = named(read, constants["apiVersion"]["const"], constants["kind"]["const"])
    print(json.dumps(made, indent=1, sort_keys=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
