# ruff: noqa: D102 - one method per opcode, named as pickletools names it
"""A pickle reader that cannot run anything.

The pickle format is a small stack language whose danger lies in a few opcodes that import a name and call it. This
interpreter knows the whole language (protocols 0 to 5), but a name goes through ``resolve`` and comes back as inert
data; "calling" it selects one of Segue's own constructors or makes a ``StandIn``. Every opcode pays from a ``Budget``.

The language is described in CPython's Lib/pickletools.py.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import torch

from segue.checkpoints.safe.arrays import array_from_state, array_type_from_state
from segue.checkpoints.safe.inert import ArrayInProgress, ArrayType, Name, StandIn
from segue.checkpoints.safe.limits import MAX_OPCODES, MAX_STACK, MAX_TUPLE_KEYS, Budget
from segue.checkpoints.safe.literals import Literals
from segue.checkpoints.safe.tree import check_tree
from segue.errors import CheckpointError

Resolve = Callable[[Budget, str, str], Any]
Persistent = Callable[[Any], Any]

SCALARS = (str, int, float, bool, type(None), bytes)


class Machine(Literals):
    """Reads pickles from ``file``, one per ``load``; ``left`` is the number of bytes that may be read."""

    def __init__(
        self, file: BinaryIO, left: int, budget: Budget, resolve: Resolve, persistent: Persistent | None = None
    ) -> None:
        super().__init__(file, left, budget)
        self.resolve = resolve
        self.persistent = persistent
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.names: dict[tuple[str, str], Any] = {}
        self.opcodes = {code: getattr(self, method) for code, method in OPCODES.items()}

    def load(self) -> Any:
        """Read one pickle and return its object: a finite tree of plain data, tensors, arrays and stand-ins."""
        self.stack, self.marks, self.memo = [], [], {}
        started = self.budget.opcodes
        try:
            self.run()
            if len(self.stack) != 1 or self.marks:
                raise self.budget.damaged("its object ends in the middle")
            result = self.stack.pop()
            self.memo.clear()
            check_tree(result, self.budget, self.budget.opcodes - started)
        except CheckpointError:
            raise
        except Exception as error:  # whatever hostile bytes provoke in a constructor is the file's fault
            raise self.budget.damaged(f"its pickle makes no sense ({type(error).__name__})") from error
        return result

    def run(self) -> None:
        """Interpret opcodes up to STOP."""
        budget, read, opcodes, stack = self.budget, self.file.read, self.opcodes, self.stack
        while True:
            code = read(1)
            self.left -= 1
            if code == b".":
                return
            method = opcodes.get(code)
            if method is None:
                raise budget.damaged("it ends too early" if not code else f"{code!r} is not a pickle opcode")
            budget.opcodes += 1
            if budget.opcodes > MAX_OPCODES or len(stack) > MAX_STACK:
                raise budget.refused("has more parts than any checkpoint needs")
            budget.charge(8)
            method()

    # The stack --------------------------------------------------------------------------------------------------------

    def pop_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        self.budget.charge(8 * len(items))
        return items

    def pop(self) -> Any:
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise self.budget.damaged("its pickle takes what it never put")
        return self.stack.pop()

    def mark(self) -> None:
        self.budget.charge(32)
        self.marks.append(len(self.stack))

    def do_pop(self) -> None:
        if self.marks and len(self.stack) == self.marks[-1]:
            self.marks.pop()
        else:
            self.stack.pop()

    def do_pop_mark(self) -> None:
        self.pop_mark()

    def dup(self) -> None:
        self.stack.append(self.stack[-1])

    # The memo ---------------------------------------------------------------------------------------------------------

    def get_at(self, index: int) -> None:
        if index not in self.memo:
            raise self.budget.damaged("its pickle recalls what it never stored")
        self.stack.append(self.memo[index])

    def put_at(self, index: int) -> None:
        self.budget.charge(128)
        value = self.stack[-1]
        self.memo[index] = value
        if isinstance(value, ArrayInProgress):
            value.slots.append(index)

    def get(self) -> None:
        self.get_at(int(self.line()))

    def binget(self) -> None:
        self.get_at(self.number("<B"))

    def long_binget(self) -> None:
        self.get_at(self.number("<I"))

    def put(self) -> None:
        self.put_at(int(self.line()))

    def binput(self) -> None:
        self.put_at(self.number("<B"))

    def long_binput(self) -> None:
        self.put_at(self.number("<I"))

    def memoize(self) -> None:
        self.put_at(len(self.memo))

    # Containers -------------------------------------------------------------------------------------------------------

    def empty_tuple(self) -> None:
        self.stack.append(())

    def tuple_of(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(items)), 80)

    def tuple1(self) -> None:
        self.tuple_of(1)

    def tuple2(self) -> None:
        self.tuple_of(2)

    def tuple3(self) -> None:
        self.tuple_of(3)

    def tuple_mark(self) -> None:
        self.push(tuple(self.pop_mark()))

    def empty_list(self) -> None:
        self.push([], 64)

    def list_mark(self) -> None:
        self.push(self.pop_mark())

    def empty_dict(self) -> None:
        self.push({}, 72)

    def dict_mark(self) -> None:
        items = self.pop_mark()
        value: dict[Any, Any] = {}
        self.set_items(value, items)
        self.push(value)

    def empty_set(self) -> None:
        self.push(set(), 220)

    def frozenset_mark(self) -> None:
        self.push(frozenset(self.key(item) for item in self.pop_mark()), 220)

    def append(self) -> None:
        item = self.pop()
        self.extend([item])

    def appends(self) -> None:
        items = self.pop_mark()
        self.extend(items)

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, StandIn):
            target = target.entries
        if type(target) is not list:
            raise self.budget.damaged("it appends to something that is not a list")
        self.budget.charge(9 * len(items))
        target.extend(items)

    def additems(self) -> None:
        items = [self.key(item) for item in self.pop_mark()]
        target = self.stack[-1]
        if isinstance(target, StandIn):
            target.entries.extend(items)
        elif type(target) is set:
            self.budget.charge(64 * len(items))
            target.update(items)
        else:
            raise self.budget.damaged("it adds to something that is not a set")

    def setitem(self) -> None:
        value, key = self.pop(), self.pop()
        self.set_items(self.stack[-1], [key, value])

    def setitems(self) -> None:
        items = self.pop_mark()
        self.set_items(self.stack[-1], items)

    def set_items(self, target: Any, items: list[Any]) -> None:
        if isinstance(target, StandIn):
            target = target.items
        if not isinstance(target, dict) or len(items) % 2:
            raise self.budget.damaged("it sets items of something that is not a dict")
        self.budget.charge((180 if isinstance(target, OrderedDict) else 64) * (len(items) // 2))
        for index in range(0, len(items), 2):
            target[self.key(items[index])] = items[index + 1]

    def key(self, value: Any) -> Any:
        """A dictionary key that hashes in constant time and cannot be made to collide at will."""
        if type(value) is tuple and len(value) <= 8:
            self.budget.tuple_keys += 1
            if self.budget.tuple_keys > MAX_TUPLE_KEYS:
                raise self.budget.refused("has more composite dictionary keys than any checkpoint needs")
            for part in value:
                if type(part) not in SCALARS:
                    raise self.budget.refused("has a dictionary key that is not plain data")
        elif type(value) is int:
            if value.bit_length() > 64:
                raise self.budget.refused("has a dictionary key that is absurdly large")
        elif type(value) not in SCALARS and not isinstance(value, (Name, StandIn, torch.dtype, np.generic)):
            raise self.budget.refused("has a dictionary key that is not plain data")
        return value

    # Names and objects ------------------------------------------------------------------------------------------------

    def find(self, module: Any, name: Any) -> Any:
        if type(module) is not str or type(name) is not str:
            raise self.budget.damaged("a class is named by something that is not text")
        if (module, name) not in self.names:
            self.names[module, name] = self.resolve(self.budget, module, name)
        return self.names[module, name]

    def global_lines(self) -> None:
        module, name = self.line().decode("utf-8"), self.line().decode("utf-8")
        self.push(self.find(module, name), 200)

    def stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        self.push(self.find(module, name), 200)

    def make(self, target: Any, args: Any, options: Any = None) -> Any:
        """What stands in for ``target(*args)``."""
        if type(target) is not Name or type(args) is not tuple:
            raise self.budget.damaged("it constructs something that is not a class")
        self.budget.charge(150)
        if target.build is not None:
            return target.build(self.budget, *args)
        self.budget.charge(150)
        return StandIn(target.module, target.name, args, options or None)

    def reduce(self) -> None:
        args, target = self.pop(), self.pop()
        self.stack.append(self.make(target, args))

    def newobj_ex(self) -> None:
        options, args, target = self.pop(), self.pop(), self.pop()
        self.stack.append(self.make(target, args, options))

    def inst(self) -> None:
        module, name = self.line().decode("utf-8"), self.line().decode("utf-8")
        target = self.find(module, name)
        self.stack.append(self.make(target, tuple(self.pop_mark())))

    def obj(self) -> None:
        target, *args = self.pop_mark()
        self.stack.append(self.make(target, tuple(args)))

    def build(self) -> None:
        state = self.pop()
        target = self.stack[-1]
        if isinstance(target, StandIn):
            target.state = state
        elif isinstance(target, ArrayType):
            array_type_from_state(self.budget, target, state)
        elif isinstance(target, ArrayInProgress):
            array = array_from_state(self.budget, state)
            self.stack[-1] = array
            for slot in target.slots:
                self.memo[slot] = array
        elif isinstance(target, OrderedDict):
            # A module's state dict carries the versions of its modules' layouts in this attribute.
            if type(state) is dict and isinstance(state.get("_metadata"), dict):
                target._metadata = state["_metadata"]  # type: ignore[attr-defined]
        elif not isinstance(target, (dict, torch.Tensor)):  # attributes of those two carry no weights: dropped
            raise self.budget.damaged("it sets attributes of something that has none")

    def extension(self) -> None:
        raise self.budget.refused("uses the pickle extension registry, which checkpoints never do")

    def buffer(self) -> None:
        raise self.budget.refused("keeps data outside the file (out-of-band buffers)")

    def persid(self) -> None:
        raise self.budget.damaged("a storage is named by a line of text")

    def binpersid(self) -> None:
        if self.persistent is None:
            raise self.budget.damaged("it names a storage where there can be none")
        self.push(self.persistent(self.pop()), 200)


OPCODES: dict[bytes, str] = {
    b"(": "mark", b"0": "do_pop", b"1": "do_pop_mark", b"2": "dup", b"F": "float_line", b"G": "binfloat",
    b"I": "int_line", b"J": "binint", b"K": "binint1", b"L": "long_line", b"M": "binint2", b"N": "none",
    b"P": "persid", b"Q": "binpersid", b"R": "reduce", b"S": "string_line", b"T": "binstring",
    b"U": "short_binstring", b"V": "unicode_line", b"X": "binunicode", b"a": "append", b"b": "build",
    b"c": "global_lines", b"d": "dict_mark", b"}": "empty_dict", b"e": "appends", b"g": "get", b"h": "binget",
    b"i": "inst", b"j": "long_binget", b"l": "list_mark", b"]": "empty_list", b"o": "obj", b"p": "put",
    b"q": "binput", b"r": "long_binput", b"s": "setitem", b"t": "tuple_mark", b")": "empty_tuple", b"u": "setitems",
    b"B": "binbytes", b"C": "short_binbytes", b"\x80": "proto", b"\x81": "reduce", b"\x82": "extension",
    b"\x83": "extension", b"\x84": "extension", b"\x85": "tuple1", b"\x86": "tuple2", b"\x87": "tuple3",
    b"\x88": "true", b"\x89": "false", b"\x8a": "long1", b"\x8b": "long4", b"\x8c": "short_binunicode",
    b"\x8d": "binunicode8", b"\x8e": "binbytes8", b"\x8f": "empty_set", b"\x90": "additems",
    b"\x91": "frozenset_mark", b"\x92": "newobj_ex", b"\x93": "stack_global", b"\x94": "memoize", b"\x95": "frame",
    b"\x96": "bytearray8", b"\x97": "buffer", b"\x98": "buffer",
}  # fmt: skip
