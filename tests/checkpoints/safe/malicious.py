"""Malicious and damaged checkpoint files by name, and the words in which each must be refused.

    python -m tests.checkpoints.safe.malicious

prints the table: name, container, size, memory taken, sentence.
"""

from __future__ import annotations

import gzip
import json
import os
import pickle
import random
import struct
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from .files import bare, legacy, storage, tensor, text, weights, zipped
from .payloads import MORE, RAW, TENSORS

DATA = struct.pack("<4f", 1, 2, 3, 4)
GOOD = weights(tensor())
Make = Callable[[Path], object]


def changed(make: Make, change: Callable[[bytearray], object]) -> Make:
    """A file that is made and then altered."""

    def build(path: Path) -> None:
        make(path)
        data = bytearray(path.read_bytes())
        result = change(data)
        path.write_bytes(bytes(result) if isinstance(result, (bytes, bytearray)) else data)

    return build


def cut(make: Make, share: float) -> Make:
    """A file of which only the beginning is left."""
    return changed(make, lambda data: data[: int(len(data) * share)])


# Zip files ------------------------------------------------------------------------------------------------------------


def good_zip(path: Path) -> None:
    zipped(path, GOOD, {"0": DATA})


def saved(path: Path, *, new: bool = True) -> None:
    torch.manual_seed(0)
    torch.save({"state_dict": {"w": torch.randn(300, 300)}}, path, _use_new_zipfile_serialization=new)


def zip_of(entries: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> Make:
    def build(path: Path) -> None:
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in entries.items():
                archive.writestr(name, content)

    return build


def with_entry(name: str, content: bytes, mode: int = 0o644) -> Make:
    """A good zip file with one more entry."""

    def build(path: Path) -> None:
        good_zip(path)
        with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
            warnings.simplefilter("ignore")  # of names that are there twice
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)

    return build


def symlink(path: Path) -> None:
    """The storage is a symbolic link to a file of the system."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", GOOD)
        info = zipfile.ZipInfo("archive/data/0")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, b"/etc/passwd")


def directory(data: bytearray, name: bytes) -> int:
    """Where the directory's entry for a name begins."""
    return data.rindex(name) - 46


def put(data: bytearray, where: int, layout: str, *values: Any) -> None:
    struct.pack_into(layout, data, where, *values)


def in_directory(name: bytes, offset: int, layout: str, *values: Any) -> Make:
    return changed(good_zip, lambda data: put(data, directory(data, name) + offset, layout, *values))


def in_end(offset: int, layout: str, *values: Any) -> Make:
    return changed(good_zip, lambda data: put(data, len(data) - 22 + offset, layout, *values))


def zip64(count: int, size: int, offset: int, where: int | None = None) -> Make:
    """A good zip file with a second end record for large files, which lies."""

    def change(data: bytearray) -> bytes:
        end, record = data[-22:], len(data) - 22
        end64 = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
        locator = struct.pack("<4sIQI", b"PK\6\7", 0, record if where is None else where, 1)
        return bytes(data[:-22]) + end64 + locator + bytes(end)

    return changed(good_zip, change)


def overlapping(data: bytearray) -> None:
    for start in [i for i in range(len(data)) if data[i : i + 4] == b"PK\1\2"]:
        put(data, start + 20, "<2I", 5000, 5000)


def npz(header: str, data: bytes = DATA) -> Make:
    """An archive of one array of numpy, with a header of our choice."""
    array = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + data
    return zip_of({"w.npy": array})


def big_endian_untyped(path: Path) -> None:
    value = weights(tensor(where=storage(numel=16, kind="UntypedStorage")))
    zip_of({"a/byteorder": b"big", "a/data.pkl": value, "a/data/0": DATA})(path)


ZIPS: dict[str, tuple[Make, str]] = {
    "storage bomb": (lambda p: zipped(p, GOOD, {"0": bytes(30 << 20)}, zipfile.ZIP_DEFLATED), "to many times its"),
    "pickle bomb": (lambda p: zipped(p, GOOD + bytes(30 << 20), {}, zipfile.ZIP_DEFLATED), "to many times its"),
    "bomb that understates itself": (
        changed(
            lambda p: zipped(p, GOOD, {"0": bytes(1 << 20)}, zipfile.ZIP_DEFLATED),
            lambda data: put(data, directory(data, b"archive/data/0") + 24, "<I", 16),
        ),
        "unpacks to more than it declares",
    ),
    "overlapping entries": (
        changed(lambda p: zipped(p, GOOD, {str(i): DATA for i in range(20)}), overlapping),
        "the entries of its zip directory overlap",
    ),
    "entry that leads upwards": (with_entry("../../etc/cron.d/x", b"x"), "names that lead elsewhere"),
    "entry with an absolute name": (with_entry("/etc/passwd", b"x"), "names that lead elsewhere"),
    "entry with backslashes": (with_entry("a\\..\\b", b"x"), "names that lead elsewhere"),
    "data.pkl twice": (with_entry("archive/data.pkl", pickle.dumps(1)), "names that lead elsewhere"),
    "two data.pkl": (with_entry("other/data.pkl", pickle.dumps(1)), "without the parts of a torch checkpoint"),
    "storage that is a symbolic link": (symlink, "storage 0 has 11 bytes where 16 are declared"),
    "storage key that leads upwards": (
        lambda p: zipped(p, weights(tensor(where=storage("../../etc/passwd"))), {"0": DATA}),
        "the bytes of a storage are missing",
    ),
    "TorchScript program": (zip_of({"a/data.pkl": GOOD, "a/constants.pkl": b"", "a/code/x.py": b""}), "TorchScript"),
    "no data.pkl": (zip_of({"a/readme": b"hello"}), "without the parts of a torch checkpoint"),
    "encrypted": (in_directory(b"archive/data.pkl", 8, "<H", 1), "is encrypted"),
    "unknown compression": (in_directory(b"archive/data/0", 10, "<H", 99), "compressed by a method (number 99)"),
    "LZMA": (lambda p: zipped(p, GOOD, {"0": DATA}, zipfile.ZIP_LZMA), "compressed by a method (number 14)"),
    "two sizes of one entry": (in_directory(b"archive/data/0", 24, "<I", 12), "storage 0 has 12 bytes where 16"),
    "entry of 4 GB": (in_directory(b"archive/data/0", 24, "<I", 0xFFFFFFF0), "to many times its size"),
    "entry elsewhere": (in_directory(b"archive/data/0", 42, "<I", 5), "is not where the directory says"),
    "entry outside": (in_directory(b"archive/data/0", 42, "<I", 0x7FFFFFFF), "it ends too early"),
    "wrong checksum": (in_directory(b"archive/data/0", 16, "<I", 1), "the checksum of its entry"),
    "headers that disagree": (
        changed(good_zip, lambda data: put(data, data.index(b"archive/data/0") - 2, "<H", 60_000)),
        "ends outside the file",
    ),
    "endless directory": (in_end(12, "<I", 0xFFFFFFFE), "more zip entries than any checkpoint needs"),
    "directory outside": (in_end(16, "<I", 0x7FFFFFFF), "it ends too early"),
    "65,535 entries": (in_end(10, "<H", 0xFFFF), "describes far more objects|its zip directory"),
    "zip64 of 2**63 entries": (zip64(1 << 63, 100, 0), "more zip entries than any checkpoint needs"),
    "zip64 directory of 2**62 bytes": (zip64(1, 1 << 62, 0), "more zip entries than any checkpoint needs"),
    "zip64 directory elsewhere": (zip64(3, 100, 1 << 62), "it ends too early"),
    "zip64 record elsewhere": (zip64(3, 100, 0, where=1 << 61), "it ends too early"),
    "zip64 record that is no record": (zip64(3, 100, 0, where=0), "its zip directory is broken"),
    "bytes after the end": (changed(good_zip, lambda data: data + b"#" * 100), "which stands at the end, is missing"),
    "40,000 empty entries": (zip_of({f"archive/{i}": b"" for i in range(40_000)}), "without the parts of a torch"),
    "big-endian bytes of unknown type": (big_endian_untyped, "big-endian machine with storages of unknown type"),
    "npz of objects": (npz("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", RAW["nt.system"]), "an array of"),
    "npz with a header of code": (npz("__import__('os').system('touch canary')"), "has no readable header"),
    "npz of 2**62 numbers": (
        npz("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}"), "which do not fit its shape"
    ),
    "npz with an endless header": (npz("(" * 60_000), "has no readable header"),
    "boolean of two": (
        lambda p: zipped(p, weights(tensor(where=storage(kind="BoolStorage"))), {"0": b"\0\1\2\1"}),
        "a boolean tensor holds other values",
    ),
    "many views of one storage": (
        lambda p: zipped(
            p,
            b"\x80\x02}(" + b"".join(text(f"w{i}") + tensor((250_000,)) for i in range(200)).replace(
                storage(), storage(numel=250_000)) + b"u.",
            {"0": bytes(1_000_000)},
        ),
        "declares tensors many times larger than the file",
    ),
    "flipped bit of a weight": (
        changed(saved, lambda data: put(data, len(data) // 2, "<B", data[len(data) // 2] ^ 1)),
        "the checksum of its entry",
    ),
    **{f"first {share:.0%}": (cut(saved, share), "is damaged") for share in (0.01, 0.5, 0.99)},
}  # fmt: skip

# Legacy streams -------------------------------------------------------------------------------------------------------


def old(path: Path) -> None:
    saved(path, new=False)


def tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for name in ("sys_info", "pickle", "storages"):
            source = path.with_name("source")
            source.write_bytes(GOOD)
            archive.add(source, name)
            source.unlink()


def legacy_of(*parts: Any, tail: bytes = b"") -> Make:
    return lambda path: bare(path, b"".join(p if type(p) is bytes else pickle.dumps(p, 2) for p in parts) + tail)


MAGIC, PROTOCOL, SYSTEM = 0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}
LEGACY: dict[str, tuple[Make, str]] = {
    "tar archive of torch 0.1": (tar, "is a tar archive"),
    "protocol of the future": (legacy_of(MAGIC, 1002, SYSTEM, GOOD, ["0"]), "older than PyTorch 0.1.10"),
    "big-endian machine": (legacy_of(MAGIC, PROTOCOL, {"little_endian": False}, GOOD, ["0"]), "big-endian machine"),
    "payload as the magic number": (legacy_of(RAW["reduce, protocol 2"], PROTOCOL), "could run code"),
    "payload as the system": (legacy_of(MAGIC, PROTOCOL, RAW["reduce, protocol 2"]), "could run code"),
    "payload as the list of storages": (
        legacy_of(MAGIC, PROTOCOL, SYSTEM, GOOD, RAW["reduce, protocol 4"]),
        "could run code",
    ),
    "no storages": (lambda p: legacy(p, GOOD, {}), "list of storages does not fit"),
    "one storage too many": (lambda p: legacy(p, GOOD, {"0": (4, DATA), "1": (4, DATA)}), "does not fit its tensors"),
    "storage of 2**62 elements": (lambda p: legacy(p, GOOD, {"0": (1 << 62, DATA)}), "elements where 4 are declared"),
    "storage of -1 elements": (lambda p: legacy(p, GOOD, {"0": (-1, DATA)}), "elements where 4 are declared"),
    "storage cut off": (lambda p: legacy(p, GOOD, {"0": (4, DATA[:-1])}), "it ends too early"),
    "each storage as large as the file": (
        lambda p: legacy(
            p,
            b"\x80\x02}(" + b"".join(
                text(f"w{i}") + tensor(where=storage(str(i), numel=200_000)) for i in range(100)
            ) + b"u.",
            {"0": (200_000, bytes(800_000))},
        ),
        "it declares more bytes than it has",
    ),
    **{f"first {share:.0%}": (cut(old, share), "is damaged") for share in (0.01, 0.5, 0.99)},
}  # fmt: skip

# safetensors ----------------------------------------------------------------------------------------------------------


def st(header: Any, data: bytes = DATA, length: int | None = None) -> Make:
    """A safetensors file with a header given as data, text or bytes."""
    raw = header if type(header) is bytes else header.encode() if type(header) is str else json.dumps(header).encode()
    return lambda path: bare(path, struct.pack("<Q", len(raw) if length is None else length) + raw + data)


def entry(dtype: Any = "F32", shape: Any = (4,), offsets: Any = (0, 16)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def saved_safetensors(path: Path) -> None:
    save_file({"w": torch.ones(300, 300)}, path)


ONE = json.dumps(entry())
SAFETENSORS: dict[str, tuple[Make, str]] = {
    "header of 2**62 bytes": (st({"w": entry()}, length=1 << 62), "a header of 4611686018427387904 bytes is announced"),
    "header longer than the file": (st({"w": entry()}, length=100_000), "a header of 100000 bytes is announced"),
    "header shorter than it is": (st({"w": entry()}, length=20), "header is not JSON"),
    "header that is not JSON": (st("{nonsense}"), "header is not JSON"),
    "header that is not UTF-8": (st(b'{"\xff\xfe": 1}'), "header is not JSON"),
    "header of nested lists": (st('{"w": ' + "[" * 200_000 + "]" * 200_000 + "}"), "header is not JSON"),
    "header of a million digits": (st('{"w": ' + "9" * 500_000 + "}"), "header is not JSON"),
    "header as large as the file": (
        st({f"w{i}": entry(shape=(0,), offsets=(0, 0)) for i in range(40_000)}, b""), "more header than"
    ),
    "a key twice": (st(f'{{"w": {ONE}, "w": {ONE}}}'), "names 'w' twice"),
    "overlapping tensors": (st({"a": entry(), "b": entry(offsets=(8, 24))}, bytes(24)), "is damaged"),
    "hole between tensors": (st({"a": entry(), "b": entry(offsets=(32, 48))}, bytes(48)), "is damaged"),
    "offsets backwards": (st({"w": entry(offsets=(16, 0))}), "is damaged"),
    "negative offset": (st({"w": entry(offsets=(-16, 0))}), "is damaged"),
    "offset of 2**64": (st({"w": entry(offsets=(0, 1 << 64))}), "is damaged"),
    "data outside": (st({"w": entry(shape=(1000,), offsets=(0, 4000))}), "is damaged"),
    "shape that does not fit": (st({"w": entry(shape=(5,))}), "is damaged"),
    "shape whose product wraps around": (st({"w": entry(shape=(1 << 33, 1 << 31), offsets=(0, 0))}, b""), "is damaged"),
    "negative shape": (st({"w": entry(shape=(-4,))}), "is damaged"),
    "shape of text": (st({"w": entry(shape="4")}), "is damaged"),
    "unknown dtype": (st({"w": entry("F1000")}), "is damaged"),
    "dtype of text": (st({"w": entry(5)}), "is damaged"),
    "bytes after the tensors": (st({"w": entry()}, DATA + b"x"), "is damaged"),
    "notes that are not text": (st({"__metadata__": {"a": 1}, "w": entry()}), "is damaged"),
    "notes of nested lists": (
        st({"__metadata__": {"segue": "[" * 100_000}, "w": entry()}), "its notes are not JSON"
    ),
    "no tensors": (st({"__metadata__": {"a": "b"}}, b""), "holds no weights"),
    **{f"first {share:.0%}": (cut(saved_safetensors, share), "is damaged") for share in (0.01, 0.5, 0.99)},
}  # fmt: skip

# What is found in place of a checkpoint -------------------------------------------------------------------------------

noise = random.Random(0).randbytes
OTHERS: dict[str, tuple[Make, str]] = {
    "empty": (lambda p: bare(p, b""), "is empty"),
    "one byte": (lambda p: bare(p, b"\x80"), "is damaged"),
    "web page": (lambda p: bare(p, b"<!DOCTYPE html><html><title>404</title></html>"), "is a web page"),
    "XML error of a store": (lambda p: bare(p, b'<?xml version="1.0"?><Error>AccessDenied</Error>'), "is a web page"),
    "Git LFS pointer": (lambda p: bare(p, b"version https://git-lfs.github.com/spec/v1\noid "), "git lfs pull"),
    "YAML": (lambda p: bare(p, b"Collections:\n- Name: PSPNet\n  License: Apache-2.0\n"), "is damaged"),
    "JSON": (lambda p: bare(p, b'{"message": "Not Found", "status": 404}'), "is damaged"),
    "config": (lambda p: bare(p, b"model = dict(type='EncoderDecoder')\n"), "is damaged"),
    "gzip": (lambda p: bare(p, gzip.compress(GOOD)), "is damaged"),
    "PNG": (lambda p: bare(p, b"\x89PNG\r\n\x1a\n" + bytes(100)), "is damaged"),
    "HDF5": (lambda p: bare(p, b"\x89HDF\r\n\x1a\n" + bytes(100)), "is damaged"),
    "GGUF": (lambda p: bare(p, b"GGUF\3\0\0\0" + bytes(100)), "is damaged"),
    "a million zeros": (lambda p: bare(p, bytes(1 << 20)), "is damaged"),
    "noise": (lambda p: bare(p, noise(1 << 20)), "is damaged"),
    "text": (lambda p: bare(p, pickle.dumps("weights")), "holds a str rather than weights"),
    "list of tensors": (lambda p: torch.save([torch.ones(2)], p), "holds a list rather than weights"),
    "whole model": (lambda p: torch.save(torch.nn.Linear(1, 1), p), "holds a whole pickled object"),
    "numbers and no tensors": (lambda p: torch.save({"epoch": 3}, p), "holds no weights that Segue can find"),
}  # fmt: skip

CONTAINERS: dict[str, Callable[[Path, bytes], object]] = {"pickle": bare, "zip": zipped, "legacy": legacy}


def good(path: Path, *, new: bool = True) -> None:
    state = {"w": torch.ones(6_000_000), "b": torch.zeros(8_000_000, dtype=torch.bool)}
    torch.save(state, path, _use_new_zipfile_serialization=new)


def good_log(path: Path) -> None:
    """Few weights and the log of a long training, as mmengine keeps it."""
    one = {"log_history": np.random.default_rng(0).random(160_000), "count_history": np.ones(160_000, np.int64)}
    hub = {f"train/loss_{i}": {key: value.copy() for key, value in one.items()} for i in range(4)}
    torch.save({"meta": {"iter": 160_000}, "state_dict": {"w": torch.ones(9)}, "message_hub": hub}, path)


#: Files that are as they should be, to see that the measure is not blind and that the limits let honest files pass.
GOOD_ONES: dict[str, Make] = {
    "good.pth": good,
    "good_legacy.pth": lambda path: good(path, new=False),
    "good_log.pth": good_log,
}


def tensor_file(name: str, container: str) -> Make:
    value = weights(TENSORS[name][0])
    if container == "zip":
        return lambda path: zipped(path, value, {"0": DATA})
    return lambda path: legacy(path, value, {"0": (4, DATA)})


def pickled(name: str, container: str) -> Make:
    payload = (RAW | MORE)[name]
    return lambda path: CONTAINERS[container](path, payload)


#: (container, name): how to make the file, and a pattern of what is said about it.
FILES: dict[tuple[str, str], tuple[Make, str]] = {
    **{(box, name): (pickled(name, box), r"\.$") for box in CONTAINERS for name in RAW | MORE},
    **{(box, name): (tensor_file(name, box), TENSORS[name][1]) for box in ("zip", "legacy") for name in TENSORS},
    **{("zip", name): value for name, value in ZIPS.items()},
    **{("legacy", name): value for name, value in LEGACY.items()},
    **{("safetensors", name): value for name, value in SAFETENSORS.items()},
    **{("other", name): value for name, value in OTHERS.items()},
}


def write_all(folder: Path) -> dict[tuple[str, str], Path]:
    """Make every file."""
    found = {}
    for number, ((container, name), (make, _)) in enumerate(FILES.items()):
        found[container, name] = folder / f"{number:04}.{'safetensors' if container == 'safetensors' else 'pth'}"
        make(found[container, name])
    return found


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """What became of each file of a folder, by file name; the processes that read run in the folder above."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.checkpoints.safe.measure", str(folder)]
    done = subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True, text=True, check=True)
    return {result["name"]: result for result in map(json.loads, done.stdout.splitlines())}


def main() -> None:
    """Print the table."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "files").mkdir()
        paths = write_all(Path(scratch) / "files")
        found = results(Path(scratch) / "files")
        table = Table("container", "name", "bytes", "taken", "outcome", box=None)
        for (container, name), path in paths.items():
            one = found[path.name]
            said = one["message"].replace(str(path), "FILE")
            row = (container, name, f"{one['size']:,}", f"{one['peak'] / (1 << 20):.1f} MiB", f"{one['ended']}: {said}")
            table.add_row(*map(escape, row))
        Console(width=260).print(table)
        refused = sum(one["ended"] == "refused" for one in found.values())
        canary = "made" if (Path(scratch) / "canary").exists() else "never made"
        worst = max((one["peak"] - 2 * one["size"]) / (1 << 20) for one in found.values())
        print(f"{refused} of {len(found)} files refused; canary {canary}; at most {worst:.1f} MiB above twice the size")


if __name__ == "__main__":
    main()
