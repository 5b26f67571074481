"""Which tests `nox -s quick` takes for a changed file; oracle: the mapping that tools/changed.py promises."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def changed() -> ModuleType:
    spec = importlib.util.spec_from_file_location("segue_tools_changed", ROOT / "tools" / "changed.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("path", "tests"),
    [
        ("segue/heads/psp.py", ["tests/heads"]),
        ("segue/api.py", ["tests/test_api.py"]),
        ("tests/heads/test_psp.py", ["tests/heads/test_psp.py"]),
        ("tests/losses/__init__.py", ["tests/losses"]),
        ("docs/design.md", []),
        ("pyproject.toml", []),
        ("noxfile.py", []),
    ],
)
def test_tests_of_a_file(changed: ModuleType, path: str, tests: list[str]) -> None:
    assert list(changed.tests_of(path)) == tests


def test_of_a_large_room_the_tests_that_name_the_module(changed: ModuleType) -> None:
    found = list(changed.tests_of("segue/training/schedules.py"))
    assert found[0] == "tests/training/test_schedules.py" and "tests/training/test_processes.py" not in found
    assert all(test.startswith("tests/training/test_") for test in found)
    assert "tests/cli/test_pack.py" in list(changed.tests_of("segue/cli/__init__.py"))


def test_models_that_hold_a_changed_component(changed: ModuleType) -> None:
    assert changed.models_with(["segue/heads/psa.py", "docs/x.md"]) == ["psanet_r50"]
    assert 1 < len(changed.models_with(["segue/heads/fcn.py"])) <= changed.MOST  # most models have one
    assert changed.models_with(["segue/config/tree.py"]) == []


def test_selection(changed: ModuleType) -> None:
    """The house and the contract always; a folder once, not its files as well; nothing that does not exist."""
    chosen = changed.selection(
        ["segue/heads/psp.py", "tests/heads/test_psp.py", "segue/nowhere.py", "tests/conftest.py"]
    )
    assert chosen[0] == "tests/test_house.py" and chosen[-1] == "tests/heads"
    assert sum("tests/heads" in test for test in chosen) == 1 and not any("nowhere" in test for test in chosen)
    contract = [test for test in chosen if test.startswith("tests/test_contract.py::")]
    assert len(contract) == len(chosen) - 2 and any("[pspnet_r18]" in test for test in contract)
    assert changed.selection([]) == chosen[:-1]


def test_the_rooms_it_calls_large_exist(changed: ModuleType) -> None:
    assert all((ROOT / "tests" / room).is_dir() for room in (*changed.LARGE_ROOMS, *changed.COMPONENTS))
    assert all((ROOT / "tests" / "goldens" / f"{name}.json.gz").is_file() for name in changed.SAMPLE)
