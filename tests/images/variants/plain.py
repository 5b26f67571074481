"""PBM, PGM and PPM after the manual of Netpbm, and numpy files."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np

from tests.images.variants.variant import HEIGHT, WIDTH, Array, Variant, drawn


def variants() -> Iterator[Variant]:
    yield from pnm()
    yield from numpy_files()


def pnm() -> Iterator[Variant]:
    one, gray, deep, rgb = drawn(1), drawn(8), drawn(16), drawn(8, 3)
    size = f"{WIDTH} {HEIGHT}\n".encode()
    text = lambda values: " ".join(map(str, values.ravel().tolist())).encode() + b"\n"  # noqa: E731
    bits = np.packbits(one[:, :, 0], axis=1).tobytes()
    # in PBM 1 is black
    yield Variant(name="pbm", suffix=".pbm", data=b"P4\n" + size + bits, samples=one, mode="white", bits=1)
    yield Variant(name="pbm plain", suffix=".pbm", data=b"P1\n" + size + text(one), samples=one, mode="white", bits=1)
    yield Variant(name="pgm 8", suffix=".pgm", data=b"P5\n# one\n" + size + b"255\n" + gray.tobytes(), samples=gray)
    yield Variant(name="pgm plain 8", suffix=".pgm", data=b"P2\n" + size + b"255\n" + text(gray), samples=gray)
    yield Variant(
        name="pgm 16",
        suffix=".pgm",
        data=b"P5\n" + size + b"65535\n" + deep.astype(">u2").tobytes(),
        samples=deep,
        bits=16,
    )
    yield Variant(name="ppm 8", suffix=".ppm", data=b"P6\n" + size + b"255\n" + rgb.tobytes(), samples=rgb, mode="rgb")
    yield Variant(
        name="ppm plain 8", suffix=".ppm", data=b"P3\n" + size + b"255\n" + text(rgb), samples=rgb, mode="rgb"
    )
    wide = drawn(16, 3)
    yield Variant(
        name="ppm 16",
        suffix=".ppm",
        data=b"P6\n" + size + b"65535\n" + wide.astype(">u2").tobytes(),
        samples=wide,
        mode="rgb",
        bits=16,
    )
    low = drawn(8, top=99)
    yield Variant(
        name="pgm of 0 to 99", suffix=".pgm", data=b"P5\n" + size + b"99\n" + low.tobytes(), samples=low, foreign=True
    )
    twelve = drawn(16, top=4095)
    yield Variant(
        name="pgm of 0 to 4095",
        suffix=".pgm",
        data=b"P5\n" + size + b"4095\n" + twelve.astype(">u2").tobytes(),
        samples=twelve,
        bits=16,
        foreign=True,
    )
    pam = b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n" % (WIDTH, HEIGHT)
    yield Variant(name="pam", suffix=".pam", data=pam + gray.tobytes(), samples=gray, foreign=True)
    floats = drawn(32, kind="w")
    yield Variant(
        name="pfm",
        suffix=".pfm",
        data=b"Pf\n" + size + b"-1.0\n" + floats[::-1].tobytes(),
        samples=floats,
        bits=32,
        foreign=True,
    )
    cut = b"P5\n" + size + b"255\n" + gray.tobytes()[:200]
    yield Variant(name="pgm cut off", suffix=".pgm", data=cut, samples=gray, damaged=True)


def numpy_files() -> Iterator[Variant]:
    def saved(array: Array) -> bytes:
        stream = io.BytesIO()
        np.save(stream, array)
        return stream.getvalue()

    for order in "<>":
        for code, bits, kind, top in (
            ("u1", 8, "u", None),
            ("u2", 16, "u", None),
            ("u4", 32, "u", 99),
            ("u8", 64, "u", 99),
            ("i1", 8, "i", None),
            ("i2", 16, "i", None),
            ("i4", 32, "i", 99),
            ("i8", 64, "i", 99),
            ("f2", 16, "w", None),
            ("f4", 32, "w", None),
            ("f8", 64, "w", None),
            ("f4", 32, "f", None),
        ):
            samples = drawn(bits, kind=kind, top=top)
            array = samples[:, :, 0].astype(order + code)
            yield Variant(
                name=f"npy {order}{code}{' fractions' * (kind == 'f')}",
                suffix=".npy",
                data=saved(array),
                samples=samples,
                bits=bits,
            )
    samples = drawn(8)
    yield Variant(
        name="npy in the order of Fortran",
        suffix=".npy",
        data=saved(np.asfortranarray(samples[:, :, 0])),
        samples=samples,
    )
    beyond = drawn(64)
    yield Variant(name="npy u8 beyond 2**31", suffix=".npy", data=saved(beyond[:, :, 0]), samples=beyond, bits=64)
    yield Variant(name="npy cut off", suffix=".npy", data=saved(samples[:, :, 0])[:-50], samples=samples, damaged=True)
