"""Reads what the program `values` wrote, compares it with the JSON of the same values, and damages it."""

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pipex_read

out = Path(sys.argv[1])


def plain(value):
    """As JSON has it."""
    if hasattr(value, "dtype"):
        if value.dtype.names and value.dtype.names[0] == "f0":
            return [list(map(plain, row)) for row in value.tolist()]
        if value.dtype.names:
            return [{name: plain(row[name]) for name in value.dtype.names} for row in value]
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def compare():
    names = sorted(path.stem for path in out.glob("*.json"))
    assert len(names) >= 18, names
    for name in names:
        expected = json.loads((out / f"{name}.json").read_text())
        for end in ["", ".zst"]:
            found = plain(pipex_read.load(out / f"{name}{end}"))
            assert found == expected, f"{name}{end}: {found!r} is not {expected!r}"
    # And what the first version wrote.
    fixtures = Path(__file__).parents[1] / "fixtures/format-1/out"
    for end in ["", ".bin", ".zst", ".json.zst"]:
        assert plain(pipex_read.load(fixtures / f"everything{end}")) == json.loads((fixtures / "everything.json").read_text())


def refused(kind, data, name="x"):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            pipex_read.load(path)
        except pipex_read.PipexError as error:
            assert type(error) is kind and str(path) in str(error), repr(error)
        else:
            raise AssertionError(f"{kind} was not raised")


def main():
    import numpy

    compare()
    floats = pipex_read.load(out / "floats")
    assert floats.dtype == numpy.float64 and floats.shape == (100_000,) and floats.flags.writeable
    assert pipex_read.load(out / "points").shape == (4, 3)
    assert pipex_read.load(out / "particles")["id"].tolist() == [0, 1, 2]
    assert pipex_read.load(out / "pairs").tolist() == [(1, 0.5), (2, 1.5)]
    about = pipex_read.describe(out / "readings")
    assert about.task.endswith("::readings") and about.shape == "[Reading{station,celsius,at}(str,?f64,(u32,u8))]", about

    whole = (out / "readings").read_bytes()
    # Any byte that is another is told, and any that is missing.
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        if at < len(whole) - 8:
            refused(pipex_read.Damaged, damaged)
    refused(pipex_read.NewerFormat, whole[:-2] + b"\2\0")
    for end in range(len(whole) - 1, 0, -7):
        kind = pipex_read.Truncated if end >= about.length + 4 else pipex_read.Foreign
        refused(kind, whole[:end])
    refused(pipex_read.Foreign, b"")
    refused(pipex_read.Foreign, b"station,celsius\n", "x.csv")
    refused(pipex_read.OtherCodec, (out / "other.jsonl.zst").read_bytes(), "x.jsonl.zst")
    compressed = bytearray((out / "floats.zst").read_bytes())
    compressed[1000] ^= 1
    refused(pipex_read.Damaged, compressed, "x.zst")

    # With nothing but Python all is read, too, and it is said that no checksum was.
    bare = "import sys; sys.modules['numpy'] = sys.modules['xxhash'] = None; sys.argv = ['check', sys.argv[1]]; import check; check.bare()"
    subprocess.run([sys.executable, "-c", bare, str(out)], check=True, cwd=Path(__file__).parent)
    print("Python has read all that Rust wrote")


def bare():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        compare()
        assert pipex_read.load(out / "halves") == [0.5, -1.5]
    assert any("xxhash is not installed" in str(warning.message) for warning in told)


if __name__ == "__main__":
    main()
