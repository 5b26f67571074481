"""Hostile configs: each is refused (or harmlessly read) in about a second and little memory."""

# the texts of configs, one per line

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from segue.config import Config
from segue.config.language.budget import MAX_STEPS
from segue.errors import ConfigError

STEPS = "takes more than 300000 steps"
DOUBLE = "    a=[a,a]\n"

HOSTILE = {
    "long text": ("a = 'a' * 10**9", "a string of 1000000000 characters"),
    "power": ("a = 10**10**10", "the limit is 4096"),
    "long list": ("a = [0] * 10**9", STEPS),
    "list on the right": ("a = 10**9 * [0]", STEPS),
    "endless comprehension": ("a = [0 for _ in range(10**12)]", STEPS),
    "nested comprehension": ("a = [0 for i in range(10**5) for j in range(10**5)]", STEPS),
    "dict comprehension": ("a = {i: i for i in range(10**9)}", STEPS),
    "f-string width": ('a = f"{1:1000000000}"', "a format width of 1000000000"),
    "f-string computed width": ('w = 10**9\na = f"{1:{w}}"', "a format width"),
    "percent width": ("a = '%1000000000d' % 1", "a format width"),
    "percent star": ("a = '%*d' % (10**9, 1)", "a format width"),
    "percent precision": ("a = '%.999999999f' % 1", "a format width"),
    "format width": ("a = '{:>999999999}'.format(1)", "a format width"),
    "format computed width": ("a = '{:{}}'.format(1, 10**9)", "a format width"),
    "shift": ("a = 1 << 10**9", "the limit is 4096"),
    "growing integer": ("a = 2\nfor i in range(99):\n    a *= a", "the limit is 4096"),
    "growing text": ("a = 'x'\nfor i in range(99):\n    a += a", "a string of"),
    "growing list": ("a = [1]\nfor i in range(99):\n    a += a", STEPS),
    "growing by extend": ("a = [1]\nfor i in range(99):\n    a.extend(a)", STEPS),
    "growing while read": ("a = [1]\nfor x in a:\n    a.append(x)", STEPS),
    "unary chain": ("a = " + "-" * 100_000 + "1", "nested too deeply"),
    "deep list": ("a = " + "[" * 150 + "]" * 150, "nested more than 100 levels"),
    "deep dict": ("a = " + "dict(a=" * 150 + "1" + ")" * 150, "nested more than 100 levels"),
    "brackets": ("a = " + "[" * 100_000, "not valid Python"),
    "conditional chain": ("a = " + "1 if 1 else " * 5000 + "1", "deep"),
    "elif chain": ("if 0: pass\n" + "elif 0: pass\n" * 20_000, "deep"),
    "billion laughs": ("a = ['x'] * 10\n" + "a = [a] * 10\n" * 20, STEPS),
    "dicts of dicts": ("a = dict(x=1)\n" + "a = dict(p=a, q=a)\n" * 60, STEPS),
    "compare": ("a, b = [1], [1]\n" + "a = [a, a]\nb = [b, b]\n" * 60 + "c = a == b", STEPS),
    "print": ("a = [1]\n" + "a = [a, a]\n" * 60 + "c = f'{a}'", STEPS),
    "search": ("a = [1]\n" + "a = [a, a]\n" * 60 + "c = [a].index([a])", STEPS),
    "maximum": ("a = [1]\n" + "a = [a, a]\n" * 60 + "c = max([a, a])", STEPS),
    "deepcopy": ("import copy\na = [1]\n" + "a = [a, a]\n" * 60 + "c = copy.deepcopy(a)", STEPS),
    "join": ("a = 'x' * 900000\nb = ''.join([a] * 400)", "a string of 360000000 characters"),
    "percent dict": ("a = dict(a='x' * 900000)\nb = '%(a)s' * 100000 % a", "a string of"),
    "format repeat": ("a = ('{0}' * 100000).format('x' * 900000)", "a string of"),
    "replace": ("a = 'x' * 900000\nb = a.replace('x', 'y' * 900000)", "a string of 810000900000 characters"),
    "zfill": ("a = '1'.zfill(10**9)", "a width of 1000000000"),
    "deep key": ("t = (1,)\nfor i in range(9999):\n    t = (t,)\na = {t: 1}", "nested more than 100 levels"),
    "equal hashes": ("a = {i * (2**61 - 1): 0 for i in range(100000)}", "the integer key has more than 63 bits"),
    "contains itself": ("a = []\na.append(a)", "nested more than 100 levels"),
    "dict contains itself": ("a = dict()\na['a'] = a", "nested more than 100 levels"),
    "sum": ("a = sum(range(10**15))", STEPS),
    "sorted": ("a = sorted(range(10**15))", STEPS),
    "unpacked": ("a = [*range(10**15)]", STEPS),
    "assigned": ("a, *b = range(10**15)", STEPS),
    "zip": ("a = list(zip(range(10**15), range(10**15)))", STEPS),
    "slices": ("a = [0] * 99999\nb = [a[:] for i in range(99999)]", STEPS),
    "round": ("a = round(5, -10**9)", "round() to -1000000000 digits"),
    "factorial": ("import math\na = math.factorial(10**7)", "math.factorial is not part of"),
    "digits": ("a = int('9' * 100000)", "too long for a number"),
    "hexadecimal": ("a = 0x" + "f" * 400_000, "the limit is 4096"),
    "length": ("a = len(range(10**400))", "too large"),
    "float": ("a = 10.0 ** 10000", "Numerical result out of range"),
    "NUL": ("a = 1\n\0", "<string>:2: the text holds a NUL byte"),
    "long file": ("#" * 600_001, "a config has at most 600000"),
    "braces": ('a = f"' + "{1}" * 100_000 + '"', "more than 20000 braces"),
    "templates": ("a = '" + "{{$a:" * 90_000 + "'", "more than 1000 templates"),
}


@pytest.fixture(scope="module")
def longest() -> float:
    """Processor seconds for an honest config that takes nearly all steps, on this machine as busy as it is."""
    start = time.process_time()
    Config.fromstring("a = [" + "0," * (MAX_STEPS * 2 // 5) + "]", ".py")
    return time.process_time() - start


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_python(name: str, longest: float) -> None:
    """The work is of the order of a long config's; the counted steps hold it to that.

    What C does is in no step: there a lack of bounds shows as a processor time of another order.
    """
    text, message = HOSTILE[name]
    start = time.process_time()
    with pytest.raises(ConfigError) as caught:
        Config.fromstring(text, ".py")
    assert message in str(caught.value)
    assert time.process_time() - start < 20 * longest


def test_long_sums_are_read_or_refused() -> None:
    assert Config.fromstring("a = " + "1 + " * 300 + "1", ".py").a == 301
    try:  # some Pythons cannot parse it
        assert Config.fromstring("a = " + "1+" * 20_000 + "1", ".py").a == 20_001
    except ConfigError as error:
        assert "nested too deeply" in str(error)


def test_range_itself_is_small() -> None:
    assert Config.fromstring("a = 1.5 in range(10**15)\nb = len(range(10**9))", ".py").to_dict() == {
        "a": False,
        "b": 10**9,
    }


YAML = {
    "laughs": (
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{c}: &{c} [*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p}]\n"
            for p, c in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        STEPS,
    ),
    "merge laughs": (
        "a: &a {x: 1}\n"
        + "".join(
            f"{c}: &{c} {{<<: [*{p}, *{p}], p: *{p}, q: *{p}}}\n"
            for p, c in zip("abcdefghijklmnopqrstuvw", "bcdefghijklmnopqrstuvwx", strict=True)
        ),
        STEPS,
    ),
    "circle": ("a: &a [*a]", "nested more than 100 levels"),
    "deep": ("a: " + "[" * 5000 + "]" * 5000, "nested more than 100 levels"),
    "object": ("a: !!python/object/apply:os.system ['true']", "values of the YAML type"),
    "name": ("a: !!python/name:os.system", "!!python/name:os.system are not supported"),
    "date": ("a: 2020-01-01", "!!timestamp are not supported; put it in quotes to make it text"),
    "set": ("a: !!set {x, y}", "!!set are not supported"),
    "list": ("[1, 2]", "a config is a mapping of names to values"),
    "broken": ("a: [1", "this is not valid YAML"),
    "list key": ("[1]: 2", "a key must be text or a number"),
}


@pytest.mark.parametrize("name", YAML)
def test_hostile_yaml(name: str) -> None:
    text, message = YAML[name]
    with pytest.raises(ConfigError) as caught:
        Config.fromstring(text, ".yaml")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "this JSON cannot be read"),
        ('{"a": ' + "[" * 500 + "]" * 500 + "}", "nested more than 100 levels"),
        ('{"a": ' + "9" * 5000 + "}", "this JSON cannot be read"),
        ("{}}", "this is not valid JSON"),
        ("[1]", "a config is a mapping of names to values, not a list"),
    ],
)
def test_hostile_json(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.fromstring(text, ".json")
    assert message in str(caught.value)


def test_files_that_are_no_configs(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"a = '\xe9'\n")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "note.txt").write_text("a = 1")
    (tmp_path / "big.py").write_text("#" * 3_000_000)
    os.mkfifo(tmp_path / "pipe.py")
    for name, message in {
        "latin.py": "the file is not UTF-8 text: byte 5 is 0xe9",
        "folder.py": "this is not a file",
        "pipe.py": "this is not a file",
        "note.txt": "a config's name ends in .py, .yaml, .yml, .json",
        "big.py": "3000000",
        "none.py": "the file cannot be read: No such file or directory",
    }.items():
        with pytest.raises(ConfigError) as caught:
            Config.fromfile(tmp_path / name)
        assert message in str(caught.value) and name in str(caught.value)


def test_chains_of_bases(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("_base_ = 'b.py'\n")
    (tmp_path / "b.py").write_text("_base_ = 'a.py'\n")
    with pytest.raises(ConfigError, match=r"the bases form a circle: .*a\.py -> .*b\.py -> .*a\.py"):
        Config.fromfile(tmp_path / "a.py")
    for i in range(80):
        (tmp_path / f"c{i}.py").write_text(f"_base_ = 'c{i + 1}.py'\n")
        (tmp_path / f"d{i}.py").write_text(f"_base_ = ['d{i + 1}.py', 'd{i + 1}.py']\n")
    with pytest.raises(ConfigError, match="longer than 64 files"):
        Config.fromfile(tmp_path / "c0.py")
    (tmp_path / "d30.py").write_text("")
    with pytest.raises(ConfigError, match=STEPS):
        Config.fromfile(tmp_path / "d0.py")
