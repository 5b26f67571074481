"""Hostile pickles and impossible tensors, by name: each would run something, or ask for what no file can hold.

Every opcode that can import or call is tried, with a payload that would create a file named ``canary``.
"""

from __future__ import annotations

import os
import pickle
import struct

from .files import integer, storage, tensor, text

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


def named(module: str, name: str, arguments: bytes = CALL) -> bytes:
    """A pickle that calls ``module.name``."""
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n" + arguments + b"R."


GETATTR = b"c__builtin__\ngetattr\n"
INNER = pickle.dumps(Payload(CANARY), 2)
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR(K\x01("  # up to its shape
CALL_SYSTEM = named("os", "system")[:-1]
MORE: dict[str, bytes] = {
    **{
        f"{module}.{name}": named(module, name)
        for module, name in (
            ("os", "popen"), ("os", "execv"), ("pty", "spawn"), ("runpy", "run_path"), ("shutil", "rmtree"),
            ("builtins", "open"), ("builtins", "compile"), ("importlib", "import_module"), ("code", "interact"),
            ("ctypes", "CDLL"), ("socket", "create_connection"), ("webbrowser", "open"), ("timeit", "timeit"),
            ("logging.config", "listen"), ("multiprocessing.util", "spawnv_passfds"), ("types", "FunctionType"),
            ("operator", "attrgetter"), ("pathlib", "Path.write_text"), ("pip", "main"), ("numpy", "load"),
            ("torch.jit", "load"), ("torch.ops", "load_library"), ("torch.utils.cpp_extension", "load_inline"),
            ("torch.serialization", "_load"), ("torch._C", "_jit_compile"), ("torch.package", "PackageImporter.load"),
            ("mmengine.config", "Config.fromfile"), ("mmcv.utils", "import_modules_from_strings"),
            ("timm.models", "create_model"), ("joblib", "load"), ("dill._dill", "_create_function"),
            ("cloudpickle", "loads"), ("copyreg", "__newobj__"), ("_codecs", "decode"),
        )
    },
    "_pickle.loads of a pickle": named("_pickle", "loads", b"(C" + bytes([len(INNER)]) + INNER + b"t"),
    "functools.partial called": b"cfunctools\npartial\n(cos\nsystem\n" + text("touch canary") + b"tR)R.",
    "getattr chain from torch": GETATTR + b"(" + GETATTR + b"(ctorch\nTensor\n" + text("os") + b"tR" + text("system")
    + b"tR" + CALL + b"R.",
    "getattr chain from a class": GETATTR + b"(cmmengine.x\nRunner\n" + text("__globals__") + b"tR" + CALL + b"R.",
    "names from the memo": b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93" + CALL + b"R.",
    "name put together by a reduce": b"\x80\x04cpathlib\nPath\n" + text("os") + b"\x85R" + text("system") + b"\x93"
    + CALL + b"R.",
    "INST of an attribute": b"(" + text("touch canary") + b"itorch\nos.system\n.",
    "NEWOBJ_EX with keywords": b"\x80\x04csubprocess\nPopen\n)}" + text("args") + text("touch canary") + b"s\x92.",
    "BUILD with __setstate__": b"cmmengine.x\nRunner\n)\x81}" + text("__setstate__") + b"cos\nsystem\nsb"
    + text("touch canary") + b"b.",
    "BUILD with __reduce__": b"cmmengine.x\nRunner\n)\x81}" + text("__reduce__") + text("os.system") + b"sb)R.",
    "BUILD of a list": b"](cos\nsystem\n" + CALL + b"R}b.",
    "default factory": b"ccollections\ndefaultdict\n(cos\nsystem\ntR.",
    "reconstructor of a function": named("copyreg", "_reconstructor", b"(cos\nsystem\nc__builtin__\nobject\nNt"),
    "tensor subclass by a function": b"ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nctorch\nTensor\n" + CALL
    + b"}tR.",
    "tensor of texts": TENSOR + b"(" + text("storage") + text("0") + b")" + b")\x89}tR.",
    "tensor with sizes of text": TENSOR + b"(" + storage() + b"K\x00" + text("4") + b"\x85K\x01\x85\x89}tR.",
    "tensor without arguments": TENSOR + b")R.",
    "parameter of a text": b"ctorch._utils\n_rebuild_parameter\n(" + text("w") + b"\x88}tR.",
    "sparse tensor": b"ctorch._utils\n_rebuild_sparse_tensor\n)R.",
    "quantised tensor": b"ctorch._utils\n_rebuild_qtensor\n)R.",
    "nested tensor": b"ctorch._utils\n_rebuild_nested_tensor\n)R.",
    "wrapped tensor": b"ctorch._utils\n_rebuild_wrapper_subclass\n)R.",
    "numpy array of objects": ARRAY + b"tcnumpy\ndtype\n(" + text("O8") + b"\x89\x88tR\x89(" + CALL_SYSTEM + b"ltb.",
    "numpy array of negative shape": (
        ARRAY + integer(-1) + b"tcnumpy\ndtype\n(" + text("f8") + b"\x89\x88tR\x89C\x00tb."
    ),
    "numpy type from a text": b"cnumpy\ndtype\n(" + text("O8,(10000000000,)f8") + b"tR.",
    "memo entry of 4000 digits": b"Np" + b"9" * 4000 + b"\n.",
    "memo entry of 5000 digits": b"Np" + b"9" * 5000 + b"\n.",
    "largest memo entry": b"Nr\xff\xff\xff\xff.",
    "frame of 2**63": b"\x80\x04\x95" + b"\xff" * 8 + named("os", "system"),
    "unicode of 2**63": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7fab.",
    "bytearray of 2**62": b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + b"ab.",
    "integer of negative length": b"\x80\x02\x8b\xff\xff\xff\xff.",
    "integer of ten million digits": b"I" + b"9" * 10**7 + b"\n.",
    "float of a million digits": b"F" + b"9" * 10**6 + b"\n.",
    "number from a text": b"c__builtin__\nint\n(" + text("9" * 10**6) + b"tR.",
    "text that is not UTF-8": b"\x80\x04\x8c\x02\xff\xfe.",
    "name that is not UTF-8": b"c\xff\xfe\nsystem\n" + CALL + b"R.",
    "tuple that holds itself": b"\x80\x02]q\x00(h\x00tq\x01a0h\x01.",
    "dict that holds itself": b"\x80\x02}q\x00" + text("a") + b"h\x00s.",
    "dict as its own key": b"\x80\x02}q\x00h\x00Ns.",
    "set of sets": b"\x80\x04\x8f(\x8f\x90.",
    "items of a number": b"\x80\x02K\x01K\x02K\x03s.",
    "marks in the wrong order": b"((()tt(.",
    "protocol 255": b"\x80\xffN.",
    "many objects": b"\x80\x02cmmengine.x\nA\nq\x000(" + b"h\x00)R" * 250_000 + b"l.",
    "many marks": b"\x80\x02" + b"(" * 1_000_000 + b".",
    "many numpy scalars": b"\x80\x02cnumpy.core.multiarray\nscalar\nq\x00cnumpy\ndtype\n" + text("f8")
    + b"\x85Rq\x01C\x08" + b"\0" * 8 + b"q\x02(" + b"h\x00h\x01h\x02\x86R" * 200_000 + b"l.",
    "text of wide characters": (
        b"\x80\x02X" + struct.pack("<I", 4_000_004) + b"a" * 4_000_000 + "\U0001f600".encode() + b"."
    ),
    "list of floats": b"\x80\x02(" + (b"G" + b"\x3d" * 8) * 400_000 + b"l.",
}  # fmt: skip


TENSORS: dict[str, tuple[bytes, str]] = {
    "offset past the end": (tensor(offset=1), "outside its storage"),
    "negative offset": (tensor(offset=-1), "do not fit together"),
    "size past the end": (tensor((5,)), "outside its storage"),
    "stride past the end": (tensor((2,), (4,)), "outside its storage"),
    "negative stride": (tensor((4,), (-1,), 3), "impossible stride"),
    "negative size": (tensor((-4,)), "impossible size"),
    "huge size": (tensor((1 << 40,)), "outside its storage"),
    "sizes whose product wraps around 2**64": (tensor((1 << 32, 1 << 32), (0, 0)), "impossible size"),
    "empty with overflowing size": (tensor((0, 1 << 59, 1 << 59), (0, 0, 0)), "impossible size"),
    "expanded to 2**40": (tensor((1 << 40,), (0,)), "outside its storage"),
    "more strides than sizes": (tensor((4,), (1, 1)), "do not fit together"),
    "65 dimensions": (tensor((1,) * 65, (1,) * 65), "impossible size"),
    "storage larger than the file": (tensor((1,), (1,), 0, storage(numel=1 << 40)), "is declared in a file of"),
    "negative storage": (tensor((1,), (1,), 0, storage(numel=-4)), "not described as torch describes one"),
    "storage of another size": (tensor((1,), (1,), 0, storage(numel=3)), "damaged"),
    "untyped storage": (tensor((1,), (1,), 0, storage(numel=16, kind="UntypedStorage")), "damaged"),
    "quantised storage": (tensor(where=storage(kind="QInt8Storage")), "quantised tensors"),
    "no storage at all": (tensor(where=b"N"), "no typed storage"),
    "one storage, two kinds": (
        b"(" + tensor() + tensor(where=storage(numel=2, kind="DoubleStorage")) + b"t",
        "damaged",
    ),
}
