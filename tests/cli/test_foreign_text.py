"""What files, users and checkpoints say is shown, never obeyed: no command lets it through."""

from __future__ import annotations

import csv
import io
import json
import os
import select
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from support.command_runs import ENVIRONMENT

import lethe
from lethe import storage
from lethe.cli import main
from lethe.experiments import Task
from lethe.experiments.results import opened
from lethe.experiments.tables import cerg

#: Sets a terminal's title, clears its screen, colours (C1), turns the direction of writing, hides,
#: breaks the line in ways of its own, and is markup for rich and HTML.
WILD = "y\x1b]0;pwned\x07\x1b[2J\x9b31m\u202e\u200b\u2028\x7f\ufeff[/x][bold]<b>"
FORGED = "line 7: 1.000000  forged"


def rows(names: list[str], n: int = 60) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([i % 3, i % 7 + 900 * (i == 50)] for i in range(n))
    return text.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hostile files of every kind, and checkpoints that have learned them."""
    folder = tmp_path_factory.mktemp("foreign")
    files = {
        "wild.csv": rows(["a", WILD]),
        "ragged.csv": f"a,{WILD}\n1,2\n1,2,3\n",
        f"{WILD.replace('/', '')}.csv": rows(["a", "b"]),
        "keys.jsonl": "".join(
            json.dumps({"a": n % 2, f"y\n  {FORGED}": n % 7 + 900 * (n == 50)}) + "\n"
            for n in range(60)
        ),
        "nested.jsonl": json.dumps({WILD: [1]}) + "\n",
        "classes.csv": "a,kind\n" + "".join(f"{n % 3},{n % 2}{WILD}\n" for n in range(60)),
        "mixed.csv": f"a,{WILD}\n" + f"1,2\n1,{WILD}\n" * 20,
        "wild.txt": f"{WILD}\n" * 30,
        "odd.csv": f"a,b\n1,{WILD}\n2,{WILD},{WILD}\n" * 3,
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    with opened(folder / "results" / "cerg.jsonl") as append:
        found = {"perfect": False, "training_streams": 30_000, "best_mean_stream": 30.0}
        record = Task("cerg", "standard", 0, cerg.ROWS["standard"].trial).key()
        record["configuration"] |= {WILD: WILD}
        of = {"seconds": 1.0, "version": WILD, "dtype": WILD, "instruction_set": WILD}
        append({**record, **found, **of})
    (folder / "results" / "bench.json").write_text(json.dumps({WILD: WILD, "rows": [{WILD: WILD}]}))
    here = Path.cwd()
    os.chdir(folder)
    try:
        few = ["--cells", "2"]
        assert main(["learn", "wild.csv", *few, "--detect", "--checkpoint", "state"]) == 0
        classify = ["--target", "kind", "--classify"]
        assert main(["learn", "classes.csv", *classify, *few, "--checkpoint", "kinds"]) == 0
        assert main(["learn", "wild.txt", *few, "--layers", "1", "--checkpoint", "text"]) == 0
    finally:
        os.chdir(here)
    newest = max((folder / "state").glob("*.safetensors"))
    arrays, metadata = storage.read(newest)
    storage.write(folder / "other.safetensors", arrays, {**metadata, "version": WILD})
    return folder


def steering(text: str) -> set[str]:
    """The characters of a text that a terminal or a reader would follow."""
    kinds = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    return {one for one in text if unicodedata.category(one) in kinds} - {"\n"}


NAMED = f"{WILD.replace('/', '')}.csv"
FEW = ["--cells", "2"]
COMMANDS = {
    "learn": (0, ["learn", "wild.csv", *FEW, "--detect"]),
    "learn, JSON": (0, ["learn", "wild.csv", *FEW, "--detect", "--json"]),
    "learn, JSON log": (0, ["learn", "mixed.csv", *FEW, "--target", "a", "--log-format", "json"]),
    "learn, keys": (0, ["learn", "keys.jsonl", *FEW, "--detect"]),
    "learn, guess": (0, ["learn", "mixed.csv", *FEW, "--target", "a"]),
    "learn, path": (0, ["learn", NAMED, *FEW, "--detect"]),
    "learn, classes": (0, ["learn", "classes.csv", *FEW, "--target", "kind", "--classify"]),
    "learn, lines": (0, ["learn", "wild.csv", *FEW, "--out", "-"]),
    "learn, rows": (0, ["learn", "wild.csv", *FEW, "--out", "-", "--format", "csv"]),
    "learn, skipped": (0, ["learn", "odd.csv", *FEW, "--target", "a", "--bad", "skip"]),
    "learn, bad line": (2, ["learn", "ragged.csv", *FEW]),
    "learn, bad value": (2, ["learn", "odd.csv", *FEW, "--target", "b"]),
    "learn, bad object": (2, ["learn", "nested.jsonl", *FEW]),
    "learn, no file": (2, ["learn", f"{WILD}.csv"]),
    "learn, no pattern": (2, ["learn", f"{WILD}*.csv"]),
    "learn, no target": (2, ["learn", "wild.csv", "--target", f"{WILD}z"]),
    "learn, no text": (2, ["learn", "wild.csv", "--text", f"{WILD}z"]),
    "learn, no folder": (2, ["learn", "wild.csv", *FEW, "--out", f"{WILD}/x/y"]),
    "learn, no rule": (2, ["learn", "wild.txt", "--update", WILD]),
    "learn, no number": (2, ["learn", "wild.txt", "--rate", WILD]),
    "learn, no option": (2, ["learn", f"--{WILD}"]),
    "learn, every": (2, ["learn", "wild.csv", "--every", WILD, "--checkpoint", "z"]),
    "no command": (2, [WILD]),
    "info": (0, ["info", "state"]),
    "info, JSON": (0, ["info", "state", "--json"]),
    "info, version": (0, ["info", "other.safetensors"]),
    "info, classes": (0, ["info", "kinds"]),
    "info, no file": (2, ["info", WILD]),
    "predict": (0, ["predict", "state", "wild.csv"]),
    "predict, rows": (0, ["predict", "state", "wild.csv", "--format", "csv"]),
    "predict, classes": (0, ["predict", "kinds", "classes.csv"]),
    "predict, class rows": (0, ["predict", "kinds", "classes.csv", "--format", "csv"]),
    "predict, other file": (2, ["predict", "state", "ragged.csv"]),
    "sample": (0, ["sample", "text", "--length", "200", "--prompt", WILD]),
    "sample, no text": (2, ["sample", "state"]),
    "report": (0, ["report", "--results", "results", "--no-draw", "--out", "page.html"]),
    "report, no folder": (2, ["report", "--results", WILD]),
    "report, no page": (2, ["report", "--results", "results", "--no-draw", "--out", f"{WILD}.svg"]),
    "figure": (2, ["figure", WILD]),
    "reproduce": (2, ["reproduce", WILD]),
    "reproduce, row": (2, ["reproduce", "cerg", "--row", WILD]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_lets_it_through(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    name: str,
) -> None:
    monkeypatch.chdir(folder)
    expected, words = COMMANDS[name]
    try:
        code = main(words)
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = (part.decode() for part in capfdbinary.readouterr())
    assert code == expected, err
    assert steering(out + err) == set()
    lines = (out + err).splitlines()
    assert not any(line.strip().startswith(FORGED) for line in lines)
    if "JSON" not in name:
        assert all(line.startswith("lethe") for line in err.splitlines() if code)


def test_the_rule_has_one_home() -> None:
    """Nothing else makes a console, which would read markup, or escapes HTML on its own."""
    package = Path(lethe.__file__).parent
    texts = {
        str(file.relative_to(package)): file.read_text(encoding="utf-8")
        for file in package.rglob("*.py")
    }
    consoles = {name for name, text in texts.items() if "Console(" in text}
    assert consoles == {"cli/_support/printable.py"}
    assert {name for name, text in texts.items() if "from html" in text} == {"_printable.py"}


def test_a_page_shows_it_as_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert main(["report", "--results", "results", "--no-draw", "--out", "shown.html"]) == 0
    page = (folder / "shown.html").read_text(encoding="utf-8")
    assert steering(page) == set()
    assert "<b>" not in page
    assert "y\\x1b]0;pwned\\x07" in page


def test_json_stays_exact(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert main(["info", "state", "--json"]) == 0
    assert WILD in json.loads(capsys.readouterr().out)["targets"]
    assert main(["predict", "kinds", "classes.csv", "--out", "kinds.jsonl"]) == 0
    first = json.loads((folder / "kinds.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["actual"] == f"0{WILD}"


FORMULAS = ["=1+1", "+1", "-x", "@SUM(A1)", "\t=1", "＝1", " =1"]


def test_csv_has_no_formulas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    objects = ({"=cmd": n % 5 - 2, "kind": FORMULAS[n % len(FORMULAS)]} for n in range(70))
    Path("a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in objects))
    csv_out = ["--cells", "2", "--format", "csv", "--out"]
    assert main(["learn", "a.jsonl", "--target", "kind", "--classify", *csv_out, "k.csv"]) == 0
    assert main(["learn", "a.jsonl", "--target", "=cmd", "--horizon", "1", *csv_out, "n.csv"]) == 0
    two = ["--target", "=cmd,n", "--horizon", "1"]
    Path("b.jsonl").write_text("".join(f'{{"=cmd":{n},"n":{-n}}}\n' for n in range(9)))
    assert main(["learn", "b.jsonl", *two, *csv_out, "t.csv"]) == 0
    for name in ("k.csv", "n.csv", "t.csv"):
        for row in csv.reader(io.StringIO(Path(name).read_text(encoding="utf-8"))):
            for cell in row:
                number = cell.lstrip("-").replace(".", "").replace("e-", "").isdigit()
                assert number or not cell.startswith(("=", "+", "-", "@", "\t", "＝", " "))
    assert "'=cmd.prediction" in Path("t.csv").read_text(encoding="utf-8")
    table = csv.DictReader(Path("n.csv").read_text(encoding="utf-8").splitlines())
    actual = [row["actual"] for row in table]
    assert [float(cell) for cell in actual[:5]] == [-2, -1, 0, 1, 2]  # numbers stay numbers


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_what_cannot_be_encoded_is_replaced(tmp_path: Path, encoding: str) -> None:
    text = "a,温度\n" + "".join(f"{n},{n % 7}\n" for n in range(40))
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    (tmp_path / "a.txt").write_text("温度 " * 40, encoding="utf-8")
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    few = ["--cells", "2"]

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "lethe", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr
        return (done.stdout + done.stderr).decode(encoding)

    shown = "温度" if encoding == "utf-8" else "\\u6e29\\u5ea6"
    assert shown in run("learn", "a.csv", *few, "--detect", "--checkpoint", "state")
    assert shown in run("info", "state")
    run("learn", "a.txt", *few, "--layers", "1", "--checkpoint", "text")
    run("sample", "text", "--prompt", "温度")


def on_a_terminal(words: list[str], folder: Path) -> tuple[int, str]:
    """Run a command on a pseudo-terminal; its exit code, and all that was written to it."""
    pty = pytest.importorskip("pty")
    terminal, other_end = pty.openpty()  # and no fork, of which JAX warns where it is loaded
    environment = {**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [sys.executable, "-m", "lethe", *words],
        cwd=folder,
        env=environment,
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
    )
    os.close(other_end)
    data = b""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and select.select([terminal], [], [], 120)[0]:
        try:
            block = os.read(terminal, 1 << 16)
        except OSError:
            break
        data += block
    os.close(terminal)
    return process.wait(timeout=120), data.decode(errors="replace")


@pytest.mark.parametrize(
    "words",
    [
        ["learn", "long.csv", "--target", "flow [/min]", "--cells", "1"],
        ["learn", "long.csv", "--target", WILD, "--cells", "1", "--bad", "skip"],
        ["predict", "state", "wild.csv", "--out", "predicted.jsonl"],
        ["sample", "text", "--length", "50"],
        ["info", "state"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_terminal_does_not_obey_either(folder: Path, words: list[str]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["flow [/min]", WILD])
    writer.writerows([n % 7, n % 5 or "1,2"[: n % 3]] for n in range(3000))
    (folder / "long.csv").write_text(text.getvalue() + f"1,{WILD},3\n" * 9, encoding="utf-8")
    if "skip" not in words:
        (folder / "long.csv").write_text(text.getvalue(), encoding="utf-8")
    code, shown = on_a_terminal(words, folder)
    assert code == 0, shown
    assert "Traceback" not in shown
    for part in ("\x1b]0;pwned", "\x1b[2J", "\x9b", "\u202e", "\u200b", "\u2028", "\x07", "\x7f"):
        assert part not in shown
