"""Digests of source. Oracle: texts that differ as written here; the file itself holds no source."""

from __future__ import annotations

import ast

from segue.reference.released import LENGTH, digest, digests, released

TEXT = '''
"""A file."""
import torch

LIMIT = 3


@register
class A(Base):
    """A class."""

    def f(self, x):
        """A method."""
        return x + LIMIT
'''


def test_layout_and_docstrings_do_not_count() -> None:
    """Nor do comments on lines of their own, imports, and the end of lines; every token counts."""
    other = TEXT.replace('        """A method."""\n', "        # another\n\n").replace("x + LIMIT", "x  +  LIMIT")
    other = other.replace("    def", "  def").replace('    """A class', '  """A class').replace("\n", "\r\n")
    other = other.replace("import torch", "import torch.nn").replace("A class.", "Another.")
    assert len(digests(TEXT)) == 3 and len(digests(TEXT) & digests(other)) == 2  # all but the file's
    for change in (("LIMIT = 3", "LIMIT = 4"), ("return x", "return -x"), ("@register\n", ""), ("(Base)", "")):
        assert len(digests(TEXT) & digests(TEXT.replace(*change))) < 2, change


def test_a_class_of_one_line_keeps_its_name() -> None:
    assert digests("class A: 'text'\n").isdisjoint(digests("class B: 'text'\n"))


def test_what_is_recorded() -> None:
    """Short digests only, of many files; some are of lines that every toolbox has, which shows that they are found."""
    assert len(released()) > 5000 and all(len(line) == LENGTH for line in released())
    assert digest(ast.unparse(ast.parse("ROOT = 1")).splitlines()) not in released()
    assert digests("DATASETS = Registry('dataset')\nPIPELINES = Registry('pipeline')\n") & released()
