"""Hostile pickles: each is refused with one sentence, soon, in bounded memory, and none runs anything.

The oracle is the format itself (CPython's pickletools): every opcode that can import or call is tried with a payload
that would create a canary file if anything executed it.
"""

from __future__ import annotations

import os
import pickle
import struct
import time
import tracemalloc
from pathlib import Path

import pytest

from segue.checkpoints import read
from segue.errors import CheckpointError

from .files import bare, integer, legacy, text, weights, zipped

CANARY = "canary"


class Payload:
    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.canary}",)


class NestedPayload(dict):
    """A dict that runs something only when its state is set."""

    def __reduce__(self) -> tuple[object, ...]:
        return dict, (), None, None, iter([("a", Payload("canary"))])


def memo_bomb(levels: int) -> bytes:
    """Each list holds the one before twice: 2**levels leaves in a few bytes."""
    return (
        b"\x80\x02]q\x00"
        + b"".join(b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(levels))
        + b"."
    )


def tuple_bomb_key(levels: int) -> bytes:
    """A dictionary key whose hash would take 2**levels steps: Python does not cache hashes of tuples."""
    return b"\x80\x02})" + b"2\x86" * levels + b"Ns."


CALL = b"(" + text("touch canary") + b"t"
RAW: dict[str, bytes] = {
    **{f"reduce, protocol {n}": pickle.dumps(Payload(CANARY), n) for n in range(6)},
    **{f"nested, protocol {n}": pickle.dumps({"state_dict": [{"w": Payload(CANARY)}]}, n) for n in range(6)},
    "posix.system by GLOBAL": b"cposix\nsystem\n" + CALL + b"R.",
    "nt.system": b"cnt\nsystem\n" + CALL + b"R.",
    "builtins.eval": b"c__builtin__\neval\n" + CALL + b"R.",
    "builtins.exec by STACK_GLOBAL": b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93" + CALL + b"R.",
    "builtins.getattr of a class": b"c__builtin__\ngetattr\n(ccollections\nOrderedDict\n" + text("fromkeys") + b"tR.",
    "builtins.__import__": b"c__builtin__\n__import__\n(" + text("os") + b"tR.",
    "functools.partial": b"cfunctools\npartial\n(cos\nsystem\ntR.",
    "operator.methodcaller": b"coperator\nmethodcaller\n(" + text("system") + b"tR.",
    "subprocess.Popen": b"csubprocess\nPopen\n" + CALL + b"R.",
    "torch.load": b"ctorch\nload\n(" + text("x.pth") + b"tR.",
    "torch.hub.load": b"ctorch.hub\nload\n" + CALL + b"R.",
    "torch.storage._load_from_bytes": b"ctorch.storage\n_load_from_bytes\n(C\x01xtR.",
    "numpy's exec helper": b"cnumpy.testing._private.utils\nrunstring\n(" + text("1") + b"}tR.",
    "dotted name": b"\x80\x04\x8c\x05torch\x8c\x09os.system\x93" + CALL + b"R.",
    "dotted name of a class": b"\x80\x04\x8c\x05torch\x8c\x10Tensor.__class__\x93" + CALL + b"R.",
    "module path trick": b"cmmengine/../os\nSystem\n" + CALL + b"R.",
    "name with control characters": b"cos\x1b[2J\nsystem\n" + CALL + b"R.",
    "INST": b"(" + text("touch canary") + b"ios\nsystem\n.",
    "OBJ": b"(cos\nsystem\n" + text("touch canary") + b"o.",
    "NEWOBJ": b"\x80\x02cos\nsystem\n" + CALL + b"\x81.",
    "NEWOBJ_EX": b"\x80\x04cos\nsystem\n" + CALL + b"}\x92.",
    "BUILD on a function": b"ccollections\nOrderedDict\n}" + text("__class__") + b"Nsb.",
    "EXT1": b"\x80\x02\x82\x01.",
    "EXT2": b"\x80\x02\x83\x01\x00.",
    "EXT4": b"\x80\x02\x84\x01\x00\x00\x00.",
    "NEXT_BUFFER": b"\x80\x05\x97.",
    "READONLY_BUFFER": b"\x80\x05\x97\x98.",
    "REDUCE of a text": text("os.system") + CALL + b"R.",
    "REDUCE of a stand-in": b"cmmengine.x\nRunner\n)R" + CALL + b"R.",
    "REDUCE of a method": b"c__builtin__\ngetattr\n(cmmengine.x\nRunner\n" + text("train") + b"tR)R.",
    "REDUCE of a dtype": b"ctorch\nfloat32\n)R.",
    "persistent id as a line": b"Pos.system\n.",
    "persistent id of a module": b"(" + text("module") + b"cos\nsystem\ntQ.",
    "persistent id that is no tuple": b"NQ.",
    "out of stack": b"\x80\x020R.",
    "mark without end": b"(((N.",
    "unknown opcode": b"\x80\x02\xff.",
    "protocol 9": b"\x80\x09N.",
    "no STOP": b"\x80\x02}" + b"N0" * 10,
    "text longer than the file": b"X\xff\xff\xff\x7fab.",
    "bytes of 2**62": b"\x8e" + struct.pack("<Q", 1 << 62) + b"ab.",
    "integer of 2**31 bytes": b"\x8b\xff\xff\xff\x7f.",
    "integer of many digits": b"L" + b"9" * 5000 + b"L\n.",
    "bytearray(10**12)": b"c__builtin__\nbytearray\n(" + integer(10**12) + b"tR.",
    "bytes(10**12)": b"c__builtin__\nbytes\n(" + integer(10**12) + b"tR.",
    "list of a range": b"c__builtin__\nlist\n(c__builtin__\nrange\n(" + integer(10**12) + b"tRtR.",
    "numpy array of 2**60": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR(K\x01("
    + integer(1 << 60) + b"tcnumpy\ndtype\n(" + text("f8") + b"\x89\x88tR\x89C\x00tb.",
    "memo never stored": b"\x80\x02h\x07.",
    "memo bomb of lists": memo_bomb(60),
    "tuple bomb as a key": tuple_bomb_key(60),
    "list as a key": b"\x80\x02}]Ns.",
    "list that holds itself": b"\x80\x02]q\x00h\x00a.",
    "deep tuples": b"\x80\x02)" + b"\x85" * 30_000 + b".",
    "deep lists": b"\x80\x02" + b"]" * 30_000 + b"a" * 29_999 + b".",
    "many sets": b"\x80\x04(" + b"\x8f" * 400_000 + b"l.",
    "large memo": b"\x80\x04N" + b"\x94" * 700_000 + b".",
    "list copied many times": (
        b"\x80\x04(" + b"N" * 100_000 + b"lq\x000(" + b"c__builtin__\nlist\nh\x00\x85R" * 500 + b"l."
    ),
    "colliding integer keys": b"\x80\x04}(" + b"".join(
        b"\x8a\x14" + (k * (2**61 - 1)).to_bytes(20, "little") + b"N" for k in range(1, 20_000)
    ) + b"u.",
}  # fmt: skip


@pytest.mark.parametrize("container", [bare, zipped, legacy])
@pytest.mark.parametrize("name", RAW)
def test_hostile_pickle_is_refused(
    name: str, container: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence that names the file; no canary; a few seconds at most."""
    monkeypatch.chdir(tmp_path)
    path = container(tmp_path / "bad.pth", RAW[name])
    started = time.perf_counter()
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert time.perf_counter() - started < 15
    message = str(caught.value)
    assert message.startswith(str(path)) and message.endswith(".") and "\n" not in message
    assert message.isprintable() and len(message) < len(str(path)) + 300
    assert not (tmp_path / CANARY).exists()


@pytest.mark.parametrize(
    "name", ["memo bomb of lists", "many sets", "large memo", "list copied many times", "deep tuples"]
)
def test_bombs_stay_small(name: str, tmp_path: Path) -> None:
    """Peak memory: the fixed allowance of 64 MiB plus a small multiple of the file."""
    path = bare(tmp_path / "bomb.pth", RAW[name])
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (96 << 20) + 4 * path.stat().st_size


def test_endless_small_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opcodes that do nothing end at the limit, which is lowered here to save time."""
    monkeypatch.setattr("segue.checkpoints.pickles.MAX_OPCODES", 100_000)
    with pytest.raises(CheckpointError, match="has more parts than any checkpoint needs"):
        read(bare(tmp_path / "long.pth", b"\x80\x02" + b"N0" * 60_000 + b"."))


def test_refusal_names_the_global(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bad.pth", pickle.dumps(Payload(CANARY), 2))
    with pytest.raises(CheckpointError, match=r"bad\.pth names posix\.system, which has no place in a checkpoint"):
        read(path)


def test_every_cut_of_a_good_file_is_refused(tmp_path: Path) -> None:
    """A pickle that ends early at any byte is damaged, never half read."""
    data = pickle.dumps({"meta": {"epoch": 3, "classes": ("a", "b")}, "lr": 0.1}, 2)
    for length in range(1, len(data)):
        with pytest.raises(CheckpointError):
            read(bare(tmp_path / "cut.pth", data[:length]))


def test_every_flipped_byte_is_read_or_refused(tmp_path: Path) -> None:
    """Random damage ends in a CheckpointError or in a readable file, never in another exception."""
    data = weights(
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR(K\x01(K\x02tcnumpy\ndtype\n("
        + text("f4") + b"\x89\x88tR(K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89C\x08"
        + b"\0" * 8 + b"tb"
    )  # fmt: skip
    assert read(bare(tmp_path / "good.pth", data)).state_dict["w"].tolist() == [0, 0]
    for position in range(len(data)):
        for value in (0, 0x29, 0x52, 0x7F, 0xFF):
            changed = data[:position] + bytes([value]) + data[position + 1 :]
            try:
                read(bare(tmp_path / "flipped.pth", changed))
            except CheckpointError:
                continue


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_survives_every_protocol(protocol: int, tmp_path: Path) -> None:
    """Oracle: Python's own pickle module wrote it, and the values are known."""
    import numpy as np
    import torch

    notes = {
        "none": None, "yes": True, "no": False, "int": -5, "big": 2**70, "float": 1.5, "text": "Straße 街\n",
        "bytes": b"\0\xff",
        "list": [1, [2, 3]], "tuple": (1, 2, 3, 4), "set": {1, 2}, "frozen": frozenset({"a"}), "complex": 1j,
        "long": "x" * 70_000,
        "scalar": np.float64(2.5), "array": np.arange(6, dtype=np.int16).reshape(2, 3),
        "flags": np.array([True, False]),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "path": Path("a/b.py"), "slice": slice(1, 2),
        "bytearray": bytearray(b"xy"), "swapped": np.arange(3, dtype=">i4"), "name": np.str_("abc"),
    }  # fmt: skip
    data = pickle.dumps({"meta": notes, "state_dict": {"w": np.ones(2, np.float32)}}, protocol)
    checkpoint = read(bare(tmp_path / "plain.pkl", data))
    assert checkpoint.state_dict["w"].equal(torch.ones(2))
    for key, value in notes.items():
        found = checkpoint.meta[key]
        if isinstance(value, np.ndarray):
            assert np.array_equal(found, value) and found.dtype.name == value.dtype.name, key
        else:
            assert found == (str(value) if isinstance(value, Path) else value), key
