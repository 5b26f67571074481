"""Reading out of archives: what is found where, and what archives that were made to do harm cannot do."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from segue.convert.archives import Sources, safe_name
from segue.convert.members import Limits
from segue.errors import DataError, InputError


def zipped(content: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return target.getvalue()


def tarred(content: dict[str, bytes], mode: str = "w") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def placed(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def paths(sources: Sources) -> list[str]:
    return [member.path for member in sources.members]


def test_everything_is_one_tree(tmp_path: Path) -> None:
    """Folders, archives of all kinds, and archives in archives; an archive counts as a folder of its name."""
    root = tmp_path / "data"
    placed(root / "plain" / "a.txt", b"a")
    placed(root / "b.zip", zipped({"x/b.txt": b"b", "./y/c.txt": b"c", "win\\d.txt": b"d"}))
    for kind in ("gz", "bz2", "xz"):
        placed(root / f"{kind}.tar.{kind}", tarred({f"{kind}.txt": kind.encode()}, f"w:{kind}"))
    placed(root / "t.tgz", tarred({"in.zip": zipped({"e.txt": b"e"}), "f.ppm.gz": gzip.compress(b"f")}, "w:gz"))
    placed(root / "g.txt.gz", gzip.compress(b"g"))
    with Sources([root]) as sources:
        assert {member.path: member.read() for member in sources.members} == {
            "data/plain/a.txt": b"a",
            "data/b/x/b.txt": b"b",
            "data/b/y/c.txt": b"c",
            "data/b/win/d.txt": b"d",
            "data/gz/gz.txt": b"gz",
            "data/bz2/bz2.txt": b"bz2",
            "data/xz/xz.txt": b"xz",
            "data/t/in/e.txt": b"e",
            "data/t/f.ppm": b"f",
            "data/g.txt": b"g",
        }
        assert [member.read() for member in reversed(sources.members)][-1] == b"d"  # in any order, and again


def test_find_by_the_end_of_the_path(tmp_path: Path) -> None:
    names = ["train/images/part1/P1.png", "train/images/P2.PNG", "val/images/P3.png", "train/images/P4.jpg"]
    archive = placed(tmp_path / "set.zip", zipped(dict.fromkeys(names, b"x")))
    with Sources([archive]) as sources:
        found = {
            pattern: [m.name for m in sources.find(pattern)] for pattern in ("images/*.png", "Train/**/*.png", "P1*")
        }
        assert found == {
            "images/*.png": ["P2.PNG", "P3.png"],
            "Train/**/*.png": ["P2.PNG", "P1.png"],
            "P1*": ["P1.png"],
        }
        assert sources.find("mages/*.png") == []
        assert sources.found() == (
            "set/train/images/*.jpg (1), set/train/images/*.png (1), set/train/images/part1/*.png (1), "
            "set/val/images/*.png (1)"
        )
        member = sources.find("P1.png")[0]
        assert (member.stem, member.suffix, member.folders) == ("P1", ".png", ["set", "train", "images", "part1"])


def test_what_systems_leave_behind_is_no_data(tmp_path: Path) -> None:
    content = {"__MACOSX/._a.png": b"x", "a.png": b"a", ".DS_Store": b"x", "b/Thumbs.db": b"x", "empty/": b""}
    with Sources(
        [placed(tmp_path / "a.zip", zipped(content)), placed(tmp_path / "b.tar", tarred({"c/._d": b"x"}))]
    ) as s:
        assert paths(s) == ["a/a.png"]


def test_results_in_the_folder_are_no_input(tmp_path: Path) -> None:
    placed(tmp_path / "in" / "a.png", b"a")
    placed(tmp_path / "in" / "out" / "b.png", b"b")
    with Sources([tmp_path / "in"], without=tmp_path / "in" / "out") as sources:
        assert paths(sources) == ["in/a.png"]
    for elsewhere in (tmp_path / "in", tmp_path, tmp_path / "other"):
        with Sources([tmp_path / "in"], without=elsewhere) as sources:
            assert paths(sources) == ["in/a.png", "in/out/b.png"]


def test_a_member_as_a_file_of_the_disk(tmp_path: Path) -> None:
    plain = placed(tmp_path / "scan.nii", b"plain")
    packed = placed(tmp_path / "packed.zip", zipped({"scan.nii.gz": gzip.compress(b"packed")}))
    with Sources([plain, packed]) as sources:
        one, two = sources.members
        with two.local() as path:
            assert path == plain
        with one.local() as path:
            assert path.suffix == ".nii"
            assert path.read_bytes() == b"packed"
        assert not path.exists()


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "a/../../evil.png", "/etc/passwd", "C:/evil.png", "C:evil", "..\\evil.png", "\\\\host\\evil"],
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_leave_the_archive_are_refused(name: str, pack: object, tmp_path: Path) -> None:
    suffix = "zip" if pack is zipped else "tar"
    archive = placed(tmp_path / "in" / f"bad.{suffix}", pack({"good.png": b"x", name: b"evil"}))  # type: ignore[operator]
    with pytest.raises(DataError, match=rf"bad.{suffix}: .*a path that leads out of the archive"):
        Sources([archive])
    assert [path.name for path in tmp_path.rglob("*")] == ["in", f"bad.{suffix}"]


def test_names_that_only_look_strange_are_kept() -> None:
    assert safe_name("./a//..b/c..png", "x") == "a/..b/c..png"
    with pytest.raises(DataError, match="x: a path that leads out"):
        safe_name("a\0b", "x")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_tar_are_refused(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        info = tarfile.TarInfo("image.png")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(DataError, match=r"bad.tar: image.png: is a link or a device, not a file; unpack the archive"):
        Sources([tmp_path / "bad.tar"])


def test_links_in_zip_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        info = zipfile.ZipInfo("image.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match=r"bad.zip: image.png: is a link; unpack the archive and give the folder"):
        Sources([tmp_path / "bad.zip"])


ZEROS = bytes(4 << 20)
SMALL = Limits(free=1 << 20)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bomb.zip", zipped({"a.png": ZEROS})),
        ("bomb.zip", zipped({f"{i}.png": bytes(1 << 20) for i in range(4)})),
        ("bomb.zip", zipped({"inner.zip": zipped({"a.png": ZEROS})}, zipfile.ZIP_STORED)),
        ("bomb.zip", zipped({f"{i}.zip": zipped({"a": bytes(800_000)}, zipfile.ZIP_STORED) for i in range(4)})),
        ("bomb.tar.gz", tarred({"a.png": ZEROS}, "w:gz")),
        ("bomb.tar.bz2", tarred({"a.png": ZEROS}, "w:bz2")),
        ("bomb.tar.xz", tarred({"a.png": ZEROS}, "w:xz")),
        ("bomb.tar", tarred({"inner.tgz": tarred({"a.png": ZEROS}, "w:gz")})),
    ],
)
def test_bombs_are_refused_before_they_are_read(name: str, data: bytes, tmp_path: Path) -> None:
    message = (
        r"bomb.*: [\d,]+ bytes would become [\d,]+ or more, over 500 times as many: .* unpack it and give the folder"
    )
    with pytest.raises(DataError, match=message):
        Sources([placed(tmp_path / name, data)], limits=SMALL)
    with Sources([placed(tmp_path / "fine.zip", zipped({"a.png": ZEROS}))]) as sources:  # flat, but not large
        assert sources.members[0].read() == ZEROS


def test_a_bomb_of_gz_stops_while_it_is_read(tmp_path: Path) -> None:
    """Its size is declared nowhere."""
    with Sources([placed(tmp_path / "a.ppm.gz", gzip.compress(ZEROS))], limits=SMALL) as sources:
        with pytest.raises(DataError, match=r"a.ppm.gz: [\d,]+ bytes would become [\d,]+ or more"):
            sources.members[0].read()
        with pytest.raises(DataError, match=r"a.ppm.gz: [\d,]+ bytes would become"), sources.members[0].local():
            pass


def test_the_usual_limits_refuse_a_gigabyte_of_nothing(tmp_path: Path) -> None:
    """Its size is only declared: what is declared is believed if it is large, and not read if it is small."""
    honest = zipped({"a.png": bytes(70_000)})
    for declared, message in ((1 << 30, "would become 1,073,741,824"), (10, "damaged or incomplete")):
        forged = honest.replace(struct.pack("<I", 70_000), struct.pack("<I", declared))
        assert forged != honest
        with pytest.raises(DataError, match=message), Sources([placed(tmp_path / "a.zip", forged)]) as sources:
            sources.members[0].read()


def test_files_that_overlap_are_refused(tmp_path: Path) -> None:
    """As in the bombs of David Fifield: the members claim more bytes than the archive has."""
    honest = zipped({"a.png": bytes(range(256)) * 4}, zipfile.ZIP_STORED)
    forged = honest.replace(struct.pack("<I", 1024), struct.pack("<I", 9000))
    with pytest.raises(DataError, match=r"a.zip: its files overlap, which only an archive made to do harm does"):
        Sources([placed(tmp_path / "a.zip", forged)])


def test_limits_of_depth_number_and_memory(tmp_path: Path) -> None:
    data = zipped({"a.png": b"a" * 100})
    for _ in range(3):
        data = zipped({"inner.zip": data})
    with pytest.raises(DataError, match="archives within archives within archives; unpack it, give the folder"):
        Sources([placed(tmp_path / "deep.zip", data)])
    for pack, name in ((zipped, "many.zip"), (tarred, "many.tar")):
        with pytest.raises(DataError, match=f"{name}: has more than 3 files"):
            Sources([placed(tmp_path / name, pack({f"{i}": b"x" for i in range(5)}))], limits=Limits(members=3))
    with (
        Sources([placed(tmp_path / "big.bin", b"x" * 100)], limits=Limits(memory=99)) as sources,
        pytest.raises(DataError, match=r"big.bin: larger than 99 bytes"),
    ):
        sources.members[0].read()


@pytest.mark.parametrize("name", ["cut.zip", "cut.tar", "cut.tar.gz", "cut.tgz", "cut.tar.xz", "cut.tar.bz2"])
def test_archives_that_are_cut_off_are_named(name: str, tmp_path: Path) -> None:
    content = {"a.bin": bytes(range(256)) * 100, "b.bin": bytes(range(255)) * 100}
    mode = {"cut.tar": "w", "cut.tar.xz": "w:xz", "cut.tar.bz2": "w:bz2"}.get(name, "w:gz")
    data = zipped(content) if name == "cut.zip" else tarred(content, mode)
    with (
        pytest.raises(DataError, match=rf"{name}.*: damaged or incomplete \(.+\); download it again"),
        Sources([placed(tmp_path / name, data[: len(data) * 2 // 3])]) as sources,
    ):
        [member.read() for member in sources.members]


def test_damage_inside_is_named(tmp_path: Path) -> None:
    data = bytearray(zipped({"a/b.bin": bytes(range(256)) * 100}, zipfile.ZIP_STORED))
    data[5000] ^= 255
    with (
        Sources([placed(tmp_path / "a.zip", bytes(data))]) as sources,
        pytest.raises(DataError, match=r"a.zip: a/b.bin: damaged or incomplete \(Bad CRC-32 .*\); download it again"),
    ):
        sources.members[0].read()
    for name, text in (("page.zip", b"<html>"), ("page.tar", b"<html>"), ("page.tgz", b"<html>")):
        with pytest.raises(DataError, match=rf"{name}: damaged or incomplete"):
            Sources([placed(tmp_path / name, text)])
    with (
        Sources([placed(tmp_path / "page.gz", b"<html>")]) as sources,
        pytest.raises(DataError, match=r"page.gz: damaged or incomplete \(Not a gzipped file"),
    ):
        sources.members[0].read()


def test_a_password_is_named(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.bin": b"secret"}))
    for start, flags in ((data.find(b"PK\x03\x04"), 6), (data.find(b"PK\x01\x02"), 8)):
        data[start + flags] |= 1
    with (
        Sources([placed(tmp_path / "a.zip", bytes(data))]) as sources,
        pytest.raises(DataError, match=r"a.zip: a.bin: is locked with a password; unpack it and give the folder"),
    ):
        sources.members[0].read()


def test_files_that_are_empty_or_not_there(tmp_path: Path) -> None:
    with (
        Sources([placed(tmp_path / "a.zip", zipped({"a.png": b""}))]) as sources,
        pytest.raises(DataError, match=r"a.zip: a.png: the file is empty \(0 bytes\); download it again"),
    ):
        sources.members[0].read()
    with pytest.raises(InputError, match="nothing: does not exist"):
        Sources([tmp_path / "nothing"])
    with pytest.raises(InputError, match=r"set.rar: such archives are not read; unpack it and give the folder"):
        Sources([placed(tmp_path / "set.rar", b"x")])
    with (
        Sources([placed(tmp_path / "list.txt", b"\xff\xfe")]) as sources,
        pytest.raises(DataError, match=r"list.txt: not a text file"),
    ):
        sources.members[0].text()
