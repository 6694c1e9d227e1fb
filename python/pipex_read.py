"""Reads the outputs of pipex: files of bincode, with or without .zst.

    import pipex_read
    readings = pipex_read.load("out/clean/EWR-1")
    print(pipex_read.describe("out/clean/EWR-1").task)

Structs become dicts, enums and options what JSON has for them, and vectors of numbers arrays of numpy, if it is installed (else lists);
vectors of structs that have nothing but numbers become structured arrays, which pandas and polars take as tables. With xxhash
installed, checksums are checked; .zst needs Python 3.14, or the module zstandard.

One file without dependencies: copy it to where you need it. docs/src/format.md of pipex specifies what it reads.
"""

import json
import os
import struct
import sys
import warnings
from dataclasses import dataclass, field

try:
    import numpy
except ImportError:
    numpy = None
try:
    import xxhash
except ImportError:
    xxhash = None

__all__ = ["load", "describe", "Description", "PipexError", "Damaged", "Truncated", "Foreign", "NewerFormat", "OtherCodec", "Unreadable"]

FORMAT = 1
SKIPPABLE = b"\x50\x2a\x4d\x18"
SHORTEST = 116
PLAIN = {"jsonl": "jsonl", "ndjson": "jsonl", "toml": "toml", "yaml": "yaml", "yml": "yaml", "msgpack": "msgpack", "mpk": "msgpack"}


class PipexError(Exception):
    """The file cannot be read."""


class Damaged(PipexError):
    """It is not what was saved."""


class Truncated(PipexError):
    """Its end is missing."""


class Foreign(PipexError):
    """Something other than pipex wrote it, or nothing is left of its end."""


class NewerFormat(PipexError):
    """A newer pipex wrote it."""


class OtherCodec(PipexError):
    """It is not bincode."""


class Unreadable(PipexError):
    """Its shape does not say enough, or what is there has another."""


@dataclass(frozen=True)
class Description:
    """What the footer says."""

    task: str
    type_name: str
    shape: str
    pipex: str
    codec: str
    length: int
    expanded: int = None
    checksum: int = field(default=0, repr=False)
    code: int = field(default=0, repr=False)
    arguments: int = field(default=0, repr=False)
    inputs: int = field(default=0, repr=False)


def load(path):
    """The value of an output."""
    path = os.fspath(path)
    data = _read(path)
    found, payload = _split(path, data)
    _check(path, found, payload)
    if path.endswith(".zst"):
        payload = _expand(path, payload, found.expanded)
    if found.codec == "json":
        return json.loads(bytes(payload))
    if found.codec != "bincode":
        raise OtherCodec(f"{path} was written as {found.codec}, and only bincode and JSON are read here")
    reader = _Reader(path, payload)
    try:
        value = reader.read(_Shape(path, found.shape).parse())
    except RecursionError:
        raise Unreadable(f"{path} nests too deep") from None
    if reader.at != len(payload):
        raise Unreadable(f"{path} has {len(payload) - reader.at} bytes more than its shape says")
    return value


def describe(path):
    """What pipex recorded of an output: a Description."""
    path = os.fspath(path)
    return _split(path, _read(path))[0]


def _read(path):
    # What numpy shows of it can be written to.
    data = bytearray(os.path.getsize(path))
    with open(path, "rb", buffering=0) as file:
        view = memoryview(data)
        at = 0
        while at < len(data):
            read = file.readinto(view[at:])
            if not read:
                break
            at += read
    return view[:at]


def _split(path, data):
    """The description, and the payload."""
    if bytes(data[-8:-2]) != b"pipex\0":
        extension = _extension(path)
        if not path.endswith(".zst") and (extension in PLAIN or extension in ("json", "csv")):
            raise Foreign(f"{path} is plain, and has no footer of pipex: read it as what it is")
        if SKIPPABLE in bytes(data[-4096:]):
            raise Truncated(f"{path} is cut short: its last part is missing")
        raise Foreign(f"{path} does not end as outputs of pipex do: something else wrote it, or it is cut short")
    (version,) = struct.unpack("<H", data[-2:])
    if version > FORMAT:
        raise NewerFormat(f"{path} has format {version}, and this reads {FORMAT}: take a newer pipex_read.py")
    damaged = Damaged(f"{path} is damaged: its checksum does not match what was saved")
    if len(data) < SHORTEST:
        raise damaged
    (length,) = struct.unpack("<I", data[-20:-16])
    if not SHORTEST <= length <= len(data):
        raise damaged
    start = len(data) - length
    footer = data[start:]
    if xxhash and struct.pack("<Q", xxhash.xxh3_64_intdigest(footer[:-16])) != footer[-16:-8]:
        raise damaged
    try:
        found = _parse_footer(path, footer[8:-20])
    except (struct.error, UnicodeDecodeError):
        raise damaged from None
    if found.length != start:
        raise damaged
    return found, data[:start]


def _parse_footer(path, rest):
    at = 0

    def take(form):
        nonlocal at
        (value,) = struct.unpack_from(form, rest, at)
        at += struct.calcsize(form)
        return int.from_bytes(value, "little") if isinstance(value, bytes) else value

    def text():
        nonlocal at
        length = take("<I")
        value = bytes(rest[at : at + length])
        if len(value) != length:
            raise struct.error
        at += length
        return value.decode()

    length = take("<Q")
    prints = [take("16s") for _ in range(4)]
    task, type_name, shape, version = [text() for _ in range(4)]
    # What the first footers do not have.
    expanded = take("<Q") if at + 8 <= len(rest) else None
    codec = text() if at + 4 <= len(rest) else {"json": "json", "csv": "csv"}.get(_extension(path), "bincode")
    checksum, code, arguments, inputs = prints
    return Description(task, type_name, shape, version, codec, length, expanded, checksum, code, arguments, inputs)


def _extension(path):
    name = path[: -len(".zst")] if path.endswith(".zst") else path
    head, dot, extension = name.rpartition(".")
    return extension if dot else ""


def _check(path, found, payload):
    if xxhash is None:
        warnings.warn("xxhash is not installed: checksums of pipex's outputs are not checked", stacklevel=3)
        return
    checksum = xxhash.xxh3_128_intdigest(payload)
    # Zero stands for what is not known.
    if checksum & (2**64 - 1) == 0:
        checksum |= 1
    if checksum != found.checksum:
        raise Damaged(f"{path} is damaged: its checksum does not match what was saved")


def _expand(path, payload, expanded):
    try:
        from compression import zstd
    except ImportError:
        zstd = None
    try:
        if zstd:
            data = zstd.decompress(payload)
        else:
            try:
                import zstandard
            except ImportError:
                raise PipexError(f"{path} is compressed: install zstandard, or use Python 3.14") from None
            data = zstandard.ZstdDecompressor().decompressobj().decompress(payload)
    except PipexError:
        raise
    except Exception as error:
        raise Damaged(f"{path} cannot be expanded: {error}") from error
    if expanded is not None and len(data) != expanded:
        raise Damaged(f"{path} expands to {len(data)} bytes, and not to the {expanded} that it is said to")
    return memoryview(bytearray(data))


SCALARS = {name: "<" + form for name, form in zip(["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64"], "bhiqBHIQfd")}


class _Shape:
    """Parses the shape of a type, as `[Reading{station,celsius}(str,?f64)]`, to tuples that begin with a word for what it is."""

    def __init__(self, path, text):
        self.path, self.text, self.at, self.enums = path, text, 0, {}

    def parse(self):
        if not self.text:
            raise Unreadable(f"{self.path}: its codec did not say the shape of the type")
        shape = self.one()
        # The names of enums stand in front, what they are behind.
        while self.take(";"):
            name = self.name()
            self.expect("=")
            variants = [self.variant()]
            while self.take("|"):
                variants.append(self.variant())
            self.enums[name] = variants
        if self.at != len(self.text):
            self.fail()
        return self.resolve(shape)

    def resolve(self, shape):
        """With the enums in their places."""
        kind = shape[0]
        if kind == "name":
            if shape[1] not in self.enums:
                return ("unit",)
            enum = ("enum", [])
            variants = self.enums[shape[1]]
            self.enums[shape[1]] = None
            if variants is None:
                return ("unknown",)
            enum[1].extend((name, how, self.resolve(content)) for name, how, content in variants)
            self.enums[shape[1]] = variants
            return enum
        return tuple(self.resolve(part) if _is_shape(part) else [self.resolve(each) for each in part] if _is_shapes(part) else part for part in shape)

    def fail(self):
        raise Unreadable(f"{self.path}: its shape cannot be read behind `{self.text[: self.at]}`")

    def take(self, text):
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def expect(self, text):
        if not self.take(text):
            self.fail()

    def name(self):
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in "(){}[],:;|=?*":
            self.at += 1
        return self.text[start : self.at]

    def one(self):
        if self.take("?"):
            return ("option", self.inner(",)]}:;|"))
        if self.take("["):
            element = self.inner("]")
            self.expect("]")
            return ("sequence", element)
        if self.take("{"):
            if self.take("}"):
                return ("map", ("unknown",), ("unknown",))
            key = self.one()
            self.expect(":")
            value = self.one()
            self.expect("}")
            return ("map", key, value)
        if self.take("("):
            parts = self.several()
            return ("tuple", parts) if parts else ("unit",)
        if self.take("*") or self.take(".."):
            return ("unknown",)
        name = self.name()
        if not name:
            self.fail()
        if name in SCALARS:
            return ("number", SCALARS[name])
        if name in ("i128", "u128", "bool", "char", "str", "bytes"):
            return (name,)
        if self.take("("):
            parts = self.several()
            return parts[0] if len(parts) == 1 else ("tuple", parts)
        if self.take("{"):
            return self.fields()
        return ("name", name)

    def inner(self, ends):
        """Nothing, where a type that contains itself had to end."""
        is_end = self.at >= len(self.text) or self.text[self.at] in ends
        return ("unknown",) if is_end else self.one()

    def several(self):
        parts = []
        while not self.take(")"):
            if parts:
                self.expect(",")
            # The trace may end anywhere.
            parts.append(self.one())
            if self.at >= len(self.text):
                break
        return parts

    def fields(self):
        end = self.text.find("}", self.at)
        names = self.text[self.at : end].split(",") if end > self.at else []
        self.at = end + 1
        parts = self.several() if self.take("(") else [("unknown",)]
        return ("struct", names, parts)

    def variant(self):
        name = self.name()
        if self.take("("):
            parts = self.several()
            return (name, "newtype", parts[0]) if len(parts) == 1 else (name, "content", ("tuple", parts))
        if self.take("{"):
            return (name, "content", self.fields())
        return (name, "unit", ("unit",))


def _is_shape(part):
    return isinstance(part, tuple) and bool(part) and isinstance(part[0], str)


def _is_shapes(part):
    return isinstance(part, list) and bool(part) and all(_is_shape(each) for each in part)


class _Reader:
    def __init__(self, path, data):
        self.path, self.data, self.at = path, data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Unreadable(f"{self.path} ends before its value does")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, form):
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return value

    def read(self, shape):
        return getattr(self, "read_" + shape[0])(*shape[1:])

    read_number = number

    def read_i128(self):
        return int.from_bytes(self.take(16), "little", signed=True)

    def read_u128(self):
        return int.from_bytes(self.take(16), "little")

    def read_bool(self):
        (byte,) = self.take(1)
        if byte > 1:
            raise Unreadable(f"{self.path} has {byte} where a bool should be")
        return byte == 1

    def read_char(self):
        (first,) = self.take(1)
        rest = self.take(0 if first < 0x80 else 1 if first < 0xE0 else 2 if first < 0xF0 else 3)
        return self.decode(bytes([first]) + bytes(rest))

    def read_str(self):
        return self.decode(bytes(self.take(self.number("<Q"))))

    def decode(self, text):
        try:
            return text.decode()
        except UnicodeDecodeError:
            raise Unreadable(f"{self.path} has text that is not UTF-8") from None

    def read_bytes(self):
        return bytes(self.take(self.number("<Q")))

    def read_unit(self):
        return None

    def read_unknown(self):
        raise Unreadable(f"{self.path}: its shape does not say what is behind byte {self.at} (a type that contains itself, or refuses made-up values)")

    def read_option(self, inner):
        return self.read(inner) if self.read_bool() else None

    def read_tuple(self, parts):
        return tuple(self.read(part) for part in parts)

    def read_struct(self, names, parts):
        values = [self.read(part) for part in parts]
        # Aliases are names as well, and nothing says of what.
        return dict(zip(names, values)) if len(names) == len(values) else tuple(values)

    def read_map(self, key, value):
        pairs = {}
        for _ in range(self.number("<Q")):
            name = self.read(key)
            pairs[_hashable(name)] = self.read(value)
        return pairs

    def read_enum(self, variants):
        number = self.number("<I")
        if number >= len(variants):
            raise Unreadable(f"{self.path} has variant {number} of an enum with {len(variants)}")
        name, how, content = variants[number]
        return name if how == "unit" else {name: self.read(content)}

    def read_sequence(self, element):
        count = self.number("<Q")
        if numpy is not None and (dtype := _dtype(element)) is not None:
            dtype = numpy.dtype(dtype)
            array = numpy.frombuffer(self.take(count * dtype.itemsize), dtype)
            return array.astype(dtype.newbyteorder("="), copy=False) if sys.byteorder == "big" else array
        if element[0] == "number":
            form = element[1]
            data = self.take(count * struct.calcsize(form))
            return list(struct.unpack(f"<{count}{form[1]}", data))
        if count > len(self.data) - self.at and element != ("unit",):
            raise Unreadable(f"{self.path} ends before its value does")
        return [self.read(element) for _ in range(count)]


def _dtype(shape):
    """The dtype of numpy that has these bytes, if there is one."""
    kind = shape[0]
    if kind == "number":
        return shape[1].replace("b", "i1").replace("B", "u1") if shape[1][1] in "bB" else shape[1]
    if kind == "tuple" and shape[1]:
        parts = [_dtype(part) for part in shape[1]]
        if None in parts:
            return None
        if all(part == parts[0] for part in parts):
            return (parts[0], (len(parts),))
        return [(f"f{number}", part) for number, part in enumerate(parts)]
    if kind == "struct" and len(shape[1]) == len(shape[2]) and shape[1]:
        parts = [_dtype(part) for part in shape[2]]
        return None if None in parts else list(zip(shape[1], parts))
    return None


def _hashable(key):
    if isinstance(key, (list, tuple)):
        return tuple(_hashable(part) for part in key)
    if isinstance(key, dict):
        return tuple((name, _hashable(value)) for name, value in key.items())
    if numpy is not None and isinstance(key, numpy.ndarray):
        return tuple(key.tolist())
    return key
