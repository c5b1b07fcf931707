"""A grammar of files: tables, texts and what only looks like one, from a random source."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

#: Cells of CSV and values of JSON: numbers of every kind, words for missing, and what is hostile.
CELLS = (
    "0", "1", "-1", "2.5", "1e3", "-1e308", "1e309", "5e-324", "inf", "-Infinity", "nan", "NaN",
    "", " ", "NA", "N/A", "null", "None", "?", "-", "*", "1,5", "1.234,5", "1 000", "1_000", "0x1F",
    "٣", "½", "1e", "+-1", "00012", "99999999999999999999", "9" * 400, "1" * 5000, "true", "False",
    "2024-01-01", "2024-01-01T00:00:00Z", "2024-13-45", "24:61", "1700000000", "1700000000000",
    "word", "ünïcödé", "日本", "😀", "=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "[bold]x[/x]", "{x}",
    "%s%n", "\x1b[31mred", "\x1b]0;title\x07", "a\tb", "\x00", "\x7f", "\x85", "\u202eabc",
    "\ufeff", '"', '""', '"a""b"', "'", "\\", "\\n", "${HOME}", "$(touch pwned)",
    "../../etc/passwd", "x" * 3000,
)  # fmt: skip

NAMES = (
    "a", "b", "y", "time", "value", "state", "load", "", " ", "a b", "y ", "1", "ünïcödé", "日本",
    "=cmd", "[/x]", "flow [/min]", "\x1b[2J", "a\tb", "a.b", "nan", "None", "line", "prediction",
    "x" * 300, "\u202ey", '"q"', "y,z", "__proto__",
)  # fmt: skip

WORDS = ("low", "high", "calm", "stuck", "open", "shut")


def _plain_row(draw: Random, number: int, columns: int) -> list[str]:
    """A row as it should be: a time now and then, numbers, a category."""
    cells = []
    for column in range(columns):
        if column == 0:
            cells.append(
                f"2024-01-{1 + number // 288 % 28:02} {number // 12 % 24:02}:{number % 12 * 5:02}"
            )
        elif column % 4 == 3:
            cells.append(WORDS[(number * number) % len(WORDS)])
        else:
            cells.append(f"{draw.gauss(column, 1):.3f}")
    return cells


def _header(draw: Random, columns: int) -> list[str]:
    plain = ["time", "value", "load", "state", *(f"c{n}" for n in range(4, columns))][:columns]
    if draw.random() < 0.75:
        return plain
    return [draw.choice(NAMES) if draw.random() < 0.4 else name for name in plain]


def _quoted(draw: Random, cell: str, separator: str) -> str:
    if any(mark in cell for mark in (separator, '"', "\n", "\r")) and draw.random() < 0.7:
        return '"' + cell.replace('"', '""') + '"'
    return f'"{cell}"' if draw.random() < 0.03 else cell


def csv(draw: Random) -> bytes:
    """A table of separated values, more or less."""
    columns = draw.choice((1, 2, 3, 4, 4, 4, 5, 9, 40))
    if draw.random() < 0.01:
        columns = draw.choice((1000, 5000))
    separator = (
        draw.choice(",,,,,,;;\t|")
        if draw.random() < 0.95
        else draw.choice((" ", ":", "\x01", "::"))
    )
    rows = draw.choice((0, 1, 2, 10, 60)) if columns < 1000 else 5
    dirt = draw.choice((0.0, 0.0, 0.0, 0.01, 0.01, 0.1, 0.6))
    end = draw.choice(("\n", "\n", "\n", "\r\n", "\r", "\n\n"))
    lines = [_header(draw, columns)] if draw.random() < 0.9 else []
    for number in range(rows):
        row = _plain_row(draw, number, columns)
        row = [draw.choice(CELLS) if draw.random() < dirt else cell for cell in row]
        if draw.random() < dirt / 3:
            row = row[: draw.randrange(len(row) + 1)]
        if draw.random() < dirt / 3:
            row += [draw.choice(CELLS)] * draw.choice((1, 2, 100))
        if draw.random() < dirt / 3:
            row[-1:] = ["two\nlines"]
        lines.append(row)
    if draw.random() < 0.01:
        lines.append(["7" * draw.choice((1 << 20, 3 << 20)) + draw.choice(("", "x"))])
    text = end.join(separator.join(_quoted(draw, c, separator) for c in line) for line in lines)
    text += end if draw.random() < 0.8 else ""
    if draw.random() < dirt / 3:
        text = text.replace('"', "", 1) + '"'
    if draw.random() < 0.05:
        text = draw.choice(("# comment\n", "sep=;\n", "\n\n", "  \n", "---\n")) + text
    return _encoded(draw, text)


def _encoded(draw: Random, text: str) -> bytes:
    coding = draw.choice(
        ("utf-8",) * 30 + ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252")
    )
    return text.encode(coding, errors="replace")


def _json_value(draw: Random, depth: int = 0) -> object:
    how = draw.random()
    if how < 0.5:
        return draw.choice((0, 1, -1, 2.5, 1e300, 10**25, True, None, "", *WORDS))
    if how < 0.8 or depth > 4:
        return draw.choice(CELLS)
    if how < 0.9:
        return [_json_value(draw, depth + 1) for _ in range(draw.randrange(4))]
    return {draw.choice(NAMES): _json_value(draw, depth + 1) for _ in range(draw.randrange(4))}


#: Lines that are no object of JSON, or one that is hard to read.
JSON_LINES = (
    "", " ", "null", "7", '"text"', "[]", "[1,2]", "{", "}", '{"a":', '{"a":1,}', "{'a':1}", "NaN",
    '{"value":NaN}', '{"value":-Infinity}', '{"value":1e999}', '{"value":1,"value":2}', "{}{}",
    '{"value":' + "[" * 900 + "]" * 900 + "}", '{"value":' + "[" * 100_000, '{"a":"\\ud800"}',
    '{"\\u0000":1}', '{"value":' + "9" * 5000 + "}", "\x00", '{"a":"' + "x" * 70_000 + '"}',
    "[" + "[]," * 50_000 + "[]]",
)  # fmt: skip


def jsonl(draw: Random) -> bytes:
    """Lines of JSON, more or less."""
    dirt = draw.choice((0.0, 0.0, 0.03, 0.2, 0.7))
    lines = []
    for number in range(draw.choice((0, 1, 2, 10, 60))):
        time, value, load, state = _plain_row(draw, number, 4)
        event: dict[str, object] = {
            "time": time, "value": float(value), "load": float(load), "state": state
        }  # fmt: skip
        if draw.random() < dirt:
            event[draw.choice((*event, *NAMES))] = _json_value(draw)
        if draw.random() < dirt / 2:
            del event[draw.choice(list(event))]
        line = json.dumps(event, ensure_ascii=draw.random() < 0.5)
        lines.append(draw.choice(JSON_LINES) if draw.random() < dirt / 2 else line)
    if draw.random() < 0.02:
        lines.append('{"value":"' + "x" * (3 << 20) + '"}')
    text = draw.choice(("\n", "\n", "\n", "\r\n")).join(lines) + draw.choice(("\n", ""))
    return _encoded(draw, text.encode("utf-8", "replace").decode())


def _parquet_columns(draw: Random, rows: int) -> dict[str, object]:
    import pyarrow as pa

    numbers = [draw.gauss(0, 1) for _ in range(rows)]
    columns: dict[str, object] = {
        "time": pa.array([1_700_000_000_000 + 1000 * n for n in range(rows)], pa.timestamp("ms")),
        "value": pa.array(numbers),
        "load": pa.array([None if n % 9 == 4 else n % 5 for n in range(rows)], pa.int64()),
        "state": pa.array([WORDS[n % 3] for n in range(rows)]).dictionary_encode(),
    }
    strange: dict[str, Callable[[], object]] = {
        "list": lambda: pa.array([[1.0, 2.0]] * rows),
        "struct": lambda: pa.array([{"a": 1, "b": "x"}] * rows),
        "map": lambda: pa.array([[("k", 1)]] * rows, pa.map_(pa.string(), pa.int64())),
        "decimal": lambda: pa.array([1] * rows, pa.decimal128(20, 3)),
        "zone": lambda: pa.array(list(range(rows)), pa.timestamp("ns", "Europe/Berlin")),
        "date": lambda: pa.array(list(range(rows)), pa.date32()),
        "clock": lambda: pa.array(list(range(rows)), pa.time64("us")),
        "span": lambda: pa.array(list(range(rows)), pa.duration("ns")),
        "bytes": lambda: pa.array([b"\x00\xff\x1b[2J"] * rows),
        "none": lambda: pa.nulls(rows),
        "bool": lambda: pa.array([n % 2 == 0 for n in range(rows)]),
        "half": lambda: pa.array(numbers, pa.float32()),
        "big": lambda: pa.array([2**63] * rows, pa.uint64()),
        "nan": lambda: pa.array([float("nan"), *numbers][:rows]),
        "long": lambda: pa.array(["x" * 100_000] * rows).dictionary_encode(),
        "\x1b[2J": lambda: pa.array(numbers),
        "": lambda: pa.array(numbers),
        "[/x]": lambda: pa.array(["[bold]\x1b[2J"] * rows),
    }
    for name in draw.sample(sorted(strange), draw.choice((0, 0, 1, 2, 4))):
        columns[name] = strange[name]()
    return columns


def parquet(draw: Random) -> bytes:
    """A Parquet file, whole or not."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = draw.choice((0, 1, 10, 60))
    table = pa.table(_parquet_columns(draw, rows))
    sink = pa.BufferOutputStream()
    compression = draw.choice(("snappy", "none", "gzip", "zstd"))
    pq.write_table(table, sink, compression=compression, row_group_size=draw.choice((1, 7, 1000)))
    data = bytearray(sink.getvalue().to_pybytes())
    how = draw.random()
    if how < 0.2:
        del data[draw.randrange(len(data)) :]
    elif how < 0.5:
        for _ in range(draw.choice((1, 1, 4, 30))):
            data[draw.randrange(len(data))] = draw.randrange(256)
    elif how < 0.55:
        data[-8:-4] = draw.randrange(1 << 32).to_bytes(4, "little")
    return bytes(data)


def text(draw: Random) -> bytes:
    """Text, or any bytes."""
    how = draw.random()
    if how < 0.5:
        return " ".join(draw.choice(WORDS) for _ in range(draw.choice((0, 1, 30, 200)))).encode()
    if how < 0.8:
        return draw.randbytes(draw.choice((0, 1, 2, 7, 300, 2000)))
    if how < 0.9:
        return bytes([draw.randrange(256)]) * draw.choice((1, 2000))
    return "".join(draw.choice(CELLS) + draw.choice("\n\r\t ") for _ in range(60)).encode()


def archive(draw: Random) -> bytes:
    """A table that is compressed, which nothing here reads."""
    return gzip.compress(csv(draw))


KINDS: dict[str, tuple[Callable[[Random], bytes], str]] = {
    "csv": (csv, ".csv"),
    "tsv": (csv, ".tsv"),
    "jsonl": (jsonl, ".jsonl"),
    "json": (jsonl, ".json"),
    "text": (text, ".txt"),
    "archive": (archive, ".csv.gz"),
}
if importlib.util.find_spec("pyarrow"):
    KINDS["parquet"] = (parquet, ".parquet")

STEMS = (
    "s",
    "s",
    "s",
    "data 1",
    "ünï",
    "a\nb",
    "\x1b[2J",
    "[bold]",
    "-dash",
    "'q'",
    "x" * 200,
    "s.csv",
)


def write_source(draw: Random, folder: Path) -> str:
    """Write one file, and return its name; the suffix fits, mostly."""
    kind = draw.choice(("csv", "csv", "csv", *KINDS))
    make, suffix = KINDS[kind]
    if draw.random() < 0.1:
        suffix = draw.choice((".csv", ".jsonl", ".parquet", ".pq", ".txt", "", ".CSV"))
    name = draw.choice(STEMS) + suffix
    (folder / name).write_bytes(make(draw))
    return name
