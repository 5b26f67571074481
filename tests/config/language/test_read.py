"""The .py language: what it can say (values as Python itself computes them) and what it refuses."""

# ruff: noqa: E501  # the texts of configs, one per line

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest

from segue.config import Config
from segue.errors import ConfigError


def values(text: str) -> dict:
    return Config.fromstring(text, ".py").to_dict()


# Oracle: CPython's own result of the same text, executed here, in the test, on text we wrote.
PROGRAMS = [
    "a = dict(x=1, **{'y.z': 2}, w=dict(v=[1, (2, 3)]))\nb = dict(dict(p=1), q=2)\nc = dict([('k', 1)])",
    "n = 19\nw = [1.0] * n + [0.1]\ni = 160000\nm = i // 10\nr = 1 / 4.\ns = -n ** 2 % 7",
    "d = [2, 2, 18, 2]\nk = {f's.{i}.b.{j}': i * j for i, n in enumerate(d) for j in range(n) if j % 2}",
    "k = {'a': 1}\nk.update({'b': 2})\nk.update(c=3)\nk.setdefault('d', 4)\np = k.pop('a')\ng = k.get('zz', 5)",
    "a = b = [1, 2]\na.append(3)\na += [4]\nb.extend((5,))\na.insert(0, 0)\nc, *d = a\nx, (y, z) = 1, (2, 3)",
    "a = [3, 1, 2]\na.sort(reverse=True)\nb = sorted(a)\nc = list(reversed(b))\nd = a.index(3)\ndel a[0]\ne = a[-1:]",
    "out = []\nfor i in range(10):\n    if i == 2:\n        continue\n    elif i > 5:\n        break\n    out.append(i)\nelse:\n    out = 0",
    "a = 1 if 2 > 1 >= 1 else 0\nb = not a and 1 or 3\nc = 2 in [1, 2] and 'x' not in 'abc'\nd = None is None",
    "s = 'a-{}-{b:>4}'.format(1, b='q')\nt = '%s_%03d' % ('x', 7)\nu = '%(k)s' % {'k': 1}\nv = f'{1.5:.2f}{\"a\"!r:>6}{{}}'",
    "s = ' A,b '.strip().lower().split(',')\nt = '/'.join(s)\nu = t.replace('a', 'z').upper()\nv = t.startswith('a')",
    "a = sum([1, 2.5])\nb = sum([[1], [2]], [])\nc = min(3, 1), max([1, 5])\nd = abs(-2)\ne = round(1.2345, 2)\nf = round(2.5)",
    "a = int('12') + int(3.9) + len('abc')\nb = float('1e-3'), str(1.0), bool([]), tuple([1]), list((1, 2)), list('ab')",
    "a = {1, 2} | {3}\nb = 1 << 4 | 3 & 2 ^ 1\nc = ~5\nd = {'a': 1} | {'b': 2}\ne = [*range(3), *(4, 5)]\nf = {**d, 'c': 3}",
    "a = any([0, 1]), all(x for x in (1, 0))\nb = list(zip('ab', [1, 2]))\nc = dict(zip('ab', [1, 2]))\nd = list(map(str, [1]))",
    "x = 5\nx += 1\nx *= 2\nx -= 1\nd = {'n': 1}\nd['n'] += 4\nd['m'] = d['n']\nl = [1, 2, 3]\nl[1:2] = [8, 9]\nl[0] = 7",
    "a: int = 3\nb = 'two ' 'parts'\nc = r'\\d'\nd = True\ne = 1_000\nf = 0x10\ng = 1e-3\nh = ()\ni = {}\nj = set()",
    "a = [i for i in range(3)]\nb = [[j for j in range(i)] for i in a]\nc = {i % 2 for i in a}\nd = list(i for i in a)",
    "import copy\na = dict(x=[1])\nb = copy.deepcopy(a)\nb['x'].append(2)\nc = a.copy()\nc['x'].append(3)",
    "import os.path as osp\nimport os\na = osp.join('data', 'x', '..', 'b.txt')\nb = os.path.basename(a)\nc = osp.splitext(b)[1]",
    "import math\nfrom math import sqrt, pi\na = math.ceil(2.1) + sqrt(16) + math.prod([2, 3])\nb = pi",
    "a = '%d%%' % 5\nb = 'x' * 3\nc = 3 * (1, 2)\nd = 'abc'[::-1]\ne = (1, 2, 3)[1:]\nf = range(3)[1]",
]


@pytest.mark.parametrize("text", PROGRAMS)
def test_agrees_with_python(text: str, tmp_path) -> None:
    """Oracle: the same text run by Python itself."""
    script = tmp_path / "program.py"
    script.write_text(
        text + "\nprint(repr({k: v for k, v in globals().copy().items() if not k.startswith('__')"
        " and type(v).__name__ not in ('module', 'builtin_function_or_method')}))"
    )
    printed = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout
    assert repr(values(text)) + "\n" == printed


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("import numpy\n_base_ = []", 1, "importing numpy is not part of the config language"),
        ("a = 1\ndef f():\n    pass", 2, "def is not part of"),
        ("class A: pass", 1, "class is not part of"),
        ("a = lambda: 1", 1, "lambda is not part of"),
        ("while True:\n    pass", 1, "while is not part of"),
        ("with open('x') as f:\n    pass", 1, "with (other than `with read_base():`) is not part of"),
        ("try:\n    a = 1\nexcept Exception:\n    pass", 1, "try is not part of"),
        ("a = ().__class__.__bases__", 1, "the attribute __class__ is not part of"),
        ("a = __import__('os')", 1, "the name __import__ is not part of"),
        ("a = 1\nb = eval('1')", 2, "eval is not part of"),
        ("a = open('/etc/passwd')", 1, "open is not part of"),
        ("import os\na = os.system('true')", 2, "os.system is not part of"),
        ("from os import system", 1, "importing os.system is not part of"),
        ("a = '{0.__class__}'.format(1)", 1, "reads an attribute"),
        ("a = 'x'.encode()", 1, "the method encode() of a value of type str is not part of"),
        ("a = b'x'", 1, "the bytes literal b'x' is not part of"),
        ("a = 1j", 1, "the complex literal 1j is not part of"),
        ("a = (b := 1)", 1, "the assignment expression := is not part of"),
        ("a = [1]\na.b = 2", 2, "only a base's dicts have attributes"),
        ("global a", 1, "global is not part of"),
        ("a = len", 1, ""),
        ("a = dict(f=len)", 1, "a function as a value"),
        ("__all__ = []", 1, "assigning to __all__ here is not part of"),
        ("assert True", 1, "assert is not part of"),
    ],
)
def test_refused(text: str, line: int, message: str) -> None:
    if not message:  # a function alone is dropped, as imported functions are
        assert values(text) == {}
        return
    with pytest.raises(ConfigError) as caught:
        values(text)
    assert message in str(caught.value)
    assert caught.value.problems[0].where == f"<string>:{line}"
    if "is not part of" in message:
        assert "pass --trust-config (trust=True)" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crop_size = 1\na = crop_sise", "the name 'crop_sise' is not defined in this file; did you mean 'crop_size'?"),
        ("a = 1 +", "this is not valid Python"),
        ("a = 1 / 0", "<string>:1: division by zero"),
        ("a = 1 + 'x'", "unsupported operand"),
        ("a = [1][3]", "list index out of range"),
        ("a = dict(channels=1)\nb = a['chanels']", "there is no key 'chanels'; did you mean 'channels'?"),
        ("a = dict(b=1)\nc = a.b", "a dict has no attribute 'b'; write ['b']"),
        ("a, b = 1, 2, 3", "3 values cannot be assigned to 2 names"),
        ("a, *b, c = [1]", "1 values are too few for 3 names"),
        ("a = len(1, 2)", "the function does not take these arguments"),
        ("a = {[]: 1}", "a value of type list cannot be a key"),
        ("a = dict(**[1])", "** needs a dict, not a value of type list"),
        ("a = int('x')", "invalid literal for int()"),
        ("a = (-8) ** 0.5", "a complex number"),
        ("a = '%d' % 'x'", "%d format"),
        ("break", "break' outside loop"),
        ("text = 1", "text: the name is reserved (filename, text, pretty_text, env_variables)"),
        ("_base_ = ('a.py',)", "_base_ must be a path or a list of paths"),
        ("_base_ = 3", "_base_ must be a path or a list of paths"),
        ("p = 'a.py'\n_base_ = p", "the name 'p' is not defined"),
        ("_base_ = []\nif True:\n    _base_ = []", "assigning to _base_ here"),
    ],
)
def test_mistakes_name_the_line(text: str, message: str) -> None:
    if text == "break":  # Python's parser accepts it; the interpreter does not
        message = "break or continue outside a loop"
    with pytest.raises(ConfigError) as caught:
        values(text)
    assert message in str(caught.value)
    assert "<string>:" in caught.value.problems[0].where


def test_names_that_stay_and_go() -> None:
    """Oracle: the facts about mmengine: comprehension variables do not leak, loop variables do, modules are dropped."""
    found = values("import math\n_u = 1\na = [x for x in range(2)]\nfor i in a:\n    pass\n__doc = 2\n'bare text'")
    assert found == {"_u": 1, "a": [0, 1], "i": 1}


def test_float_constants_survive() -> None:
    found = values("a = float('inf')\nb = float('nan')")
    assert found["a"] == math.inf and math.isnan(found["b"])


def test_environment_is_recorded(monkeypatch) -> None:
    monkeypatch.setenv("SEGUE_ROOT", "/data")
    monkeypatch.delenv("SEGUE_NONE", raising=False)
    text = "import os\na = os.environ.get('SEGUE_ROOT', 'x')\nb = os.getenv('SEGUE_NONE', 'y')\nc = os.environ['SEGUE_ROOT']"
    cfg = Config.fromstring(text, ".py")
    assert cfg.to_dict() == {"a": "/data", "b": "y", "c": "/data"}
    assert cfg.env_variables == {"SEGUE_ROOT": "/data"}


def test_same_dict_twice_is_two_dicts() -> None:
    cfg = Config.fromstring("a = dict(x=1)\nb = a", ".py")
    cfg.b.x = 2
    assert cfg.a.x == 1


def test_imports_nothing_heavy() -> None:
    code = (
        "import sys; from segue.config import Config; Config.fromstring('a=1', '.py');"
        "print([m for m in ('torch', 'lightning', 'numpy', 'cv2') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=os.getcwd())
    assert found.stdout == "[]\n"
