"""What the Dockerfile promises, as far as its text shows it."""

import re
import tomllib

from tests.deploy.image_steps import environment
from tests.deploy.manifests import ROOT, Manifests

TEXT = (ROOT / "deploy" / "Dockerfile").read_text()
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
    if line
]


def _all(instruction: str) -> list[str]:
    return [rest for word, rest in INSTRUCTIONS if word == instruction]


def test_every_stage_stands_on_a_base_that_is_pinned_by_digest() -> None:
    bases = _all("FROM")
    assert len(bases) == 2
    assert all(re.match(r"\S+@\$\{PYTHON_DIGEST\}( AS \w+)?$", base) for base in bases)
    (digest,) = (arg for arg in _all("ARG") if arg.startswith("PYTHON_DIGEST="))
    assert re.fullmatch(r"PYTHON_DIGEST=sha256:[0-9a-f]{64}", digest)
    assert "latest" not in TEXT


def test_everything_from_elsewhere_is_checked_against_a_hash_and_is_a_wheel() -> None:
    installs = [
        step
        for run in _all("RUN")
        for step in run.split("&&")
        if re.search(r"\bpip\b.* (install|wheel|download) ", step)
    ]
    assert len(installs) == 5
    for step in installs:
        from_elsewhere = "--require-hashes" in step and "--only-binary :all:" in step
        the_project_alone = "--no-deps" in step and (
            "--no-index" in step or "--no-build-isolation" in step
        )
        assert from_elsewhere or the_project_alone, step


def test_the_build_backend_is_the_one_that_development_has_locked() -> None:
    locked = (ROOT / "requirements-dev.txt").read_text()
    build = (ROOT / "deploy" / "requirements-build.txt").read_text()
    pins = re.findall(r"^(\S+==\S+) \\\n((?:\s+--hash=\S+(?: \\)?\n)+)", build, flags=re.MULTILINE)
    assert [name.split("==")[0] for name, _ in pins] == ["setuptools"]
    for name, hashes in pins:
        assert f"\n{name} \\\n{hashes}" in locked


def test_the_process_runs_as_a_number_that_is_not_root_and_that_the_pods_ask_for(
    manifests: Manifests,
) -> None:
    (user,) = _all("USER")
    number, group = map(int, user.split(":"))
    assert number > 0
    for workload in manifests.workloads.values():
        context = workload.pod["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"]) == (number, group)


def test_the_image_starts_the_projects_own_entry_point_without_a_shell() -> None:
    (entry,) = _all("ENTRYPOINT")
    (script,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert entry == f'["{script}"]'
    assert not _all("CMD")


def test_the_final_stage_installs_nothing_and_writes_no_bytecode() -> None:
    final = TEXT[TEXT.rindex("\nFROM ") :]
    assert "\nRUN " not in final
    assert "PYTHONDONTWRITEBYTECODE=1" in final


def test_the_final_stage_keeps_glibc_from_raising_its_thresholds() -> None:
    """They are glibc's own first ones, DEFAULT_MMAP_THRESHOLD of mallopt(3); musl would not know them."""
    given = environment(TEXT)
    thresholds = {name: value for name, value in given.items() if name.startswith("MALLOC_")}
    assert thresholds == {
        "MALLOC_MMAP_THRESHOLD_": str(128 * 1024),
        "MALLOC_TRIM_THRESHOLD_": str(128 * 1024),
    }
    (tag,) = {arg for arg in _all("ARG") if arg.startswith("PYTHON_TAG=")}
    assert "slim" in tag
    assert "alpine" not in tag


def test_the_builder_sees_what_it_copies_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for rest in _all("COPY")
        if not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert let_in == copied
