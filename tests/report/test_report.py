"""``lethe report``: one page, whole and by itself, of whatever results and figures there are."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lethe import report
from lethe.cli import main
from lethe.experiments import TABLES, Task
from lethe.experiments.results import append
from lethe.experiments.tables import cerg, nto
from lethe.figures import FIGURES
from lethe.report import pictures
from lethe.report.loaded import ranges
from lethe.report.strips import axis, outcomes

VOID = {"meta", "link", "br", "img"}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><path id="same"/></svg>'
MADE = {
    "seconds": 1.5,
    "version": "0.0.9",
    "dtype": "float64",
    "instruction_set": "avx2",
}


class Page(HTMLParser):
    """What a page holds, read strictly: each element that is opened is closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.ids += [str(held["id"])] if "id" in held else []
        self.links += [str(held[name]) for name in ("href", "src") if name in held]
        self.pictures += [held] if tag == "img" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def record(table: Any, name: str, row: str, seed: int, **result: Any) -> dict[str, Any]:
    key = Task(name, row, seed, table.ROWS[row].trial).key()
    return key | {"diverged": 0} | MADE | result


def of_cerg(row: str, seed: int, streams: int | None) -> dict[str, Any]:
    """A trial of Table 2 that was perfect after so many training streams, or never."""
    found = {"perfect": streams is not None, "training_streams": streams or 30_000}
    return record(cerg, "cerg", row, seed, best_mean_stream=100_000.0 if streams else 30.0, **found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of one table, and a figure."""
    for seed, streams in enumerate((2_000, 20_000, None, 5_000)):
        append(tmp_path / "results" / "cerg.jsonl", of_cerg("forget_gates", seed, streams))
    append(tmp_path / "results" / "cerg.jsonl", of_cerg("standard", 7, None))
    (tmp_path / "figures").mkdir()
    for name in ("4", "topology"):
        (tmp_path / "figures" / f"figure-{name}.svg").write_bytes(SVG)
    return tmp_path


def write(folder: Path, *options: str) -> Page:
    places = ("--results", str(folder / "results"), "--figures", str(folder / "figures"))
    out = folder / "page.html"
    (folder / "figures").mkdir(exist_ok=True)
    assert main(["report", *places, "--no-draw", "--out", str(out), *options]) == 0
    return Page(out.read_text(encoding="utf-8"))


def complaint(
    capsys: pytest.CaptureFixture[str], folder: Path, *options: str, out: str = "page.html"
) -> str:
    places = ["--results", str(folder / "results"), "--figures", str(folder / "figures")]
    assert main(["report", *places, "--no-draw", "--out", str(folder / out), *options]) == 2
    said, err = capsys.readouterr()
    assert said == ""
    assert err.startswith("lethe report: ")
    assert err.count("\n") == 1
    return err


def test_page_is_whole_and_needs_nothing_else(folder: Path) -> None:
    page = write(folder)
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link.startswith("data:") or link[1:] in page.ids, link
    text = (folder / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(|<script|\son\w+=", text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_page_shows_a_table_with_what_made_it(folder: Path) -> None:
    page = write(folder)
    assert cerg.TITLE in page.text
    assert "18 %  (18889)" in page.text  # the report's
    assert "75 %   (9000) [30, 95]" in page.text  # ours
    for made in ("lethe 0.0.9", "float64", "avx2", "0–3, 7", "7.5 s in all"):
        assert made in page.text
    assert "againlethe reproduce cerg --full" in page.text
    assert f"missing trialslethe reproduce cerg --full --resume --out {folder}" in page.text
    assert "3 of 4 perfect, after 2,000 to 20,000 training streams, the median 5,000" in page.text
    assert "none of 1 perfect within 30,000 training streams" in page.text


def test_the_page_begins_with_the_verdict(folder: Path) -> None:
    for seed, streams in enumerate((2_000, 20_000, None, 5_000)):
        judged = of_cerg("forget_gates_eq19_decays", seed, streams)
        append(folder / "results" / "cerg.jsonl", judged)
    page = write(folder)
    assert page.ids.index("verdict") < page.ids.index("twins") < page.ids.index("about")
    text = (folder / "page.html").read_text(encoding="utf-8")
    verdict = text.partition('<section id="verdict">')[2].partition("</section>")[0]
    # Three of four networks, where the report has 18 per cent.
    assert (
        '<td>solved</td><td class="verdict above"><a href="#readings">lies above</a></td>'
        '<td class="number">18 %</td><td class="number">75 %</td>'
        '<td class="number">30 to 95</td><td class="number">4</td>'
    ) in verdict
    assert '<th scope="rowgroup" rowspan="6">LSTM with forget gates<small>Table 2' in verdict
    assert '<td class="verdict missing">not run</td>' in verdict
    twins = text.partition('<section id="twins">')[2].partition("</section>")[0]
    assert '3 of 4<small>30 to 95 %</small></td><td class="number">9,000<small>' in twins
    assert '<td class="outcome">not run</td>' in twins


def test_page_names_what_was_not_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = write(folder, "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["tables"] == ["cerg"]
    assert said["missing"] == [name for name in TABLES if name != "cerg"]
    assert said["figures"] == ["4", "topology"]
    assert said["bytes"] == (folder / "page.html").stat().st_size
    assert f"Not run yet: lethe reproduce nto --full --out {folder}" in page.text
    assert {*TABLES, "figure-4", "about"} <= set(page.ids)


def test_figures_lie_in_the_page_and_others_are_named(folder: Path) -> None:
    page = write(folder)
    assert [picture["src"] for picture in page.pictures] == [
        "data:image/svg+xml;base64," + b64encode(SVG).decode()
    ] * 2
    assert page.pictures[0]["alt"] == f"Figure 4: {FIGURES['4']}"
    assert f"Figure 7: {FIGURES['7']} lethe figure 7" in page.text


def test_missing_figures_are_drawn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def draw(name: str) -> report.Picture:
        drawn.append(name)
        return report.Picture(name, SVG)

    monkeypatch.setattr(report, "can_draw", lambda: True)
    monkeypatch.setattr(report, "draw", draw)
    places = ["--results", str(folder / "results"), "--figures", str(folder / "figures")]
    assert main(["report", *places, "--out", str(folder / "page.html")]) == 0
    assert drawn == [name for name in FIGURES if name not in ("4", "topology")]
    page = Page((folder / "page.html").read_text(encoding="utf-8"))
    assert [picture["alt"] for picture in page.pictures] == [
        f"{pictures.title(name)}: {line}" for name, line in FIGURES.items()
    ]


def test_a_figure_is_drawn_as_the_figure_command_does() -> None:
    pytest.importorskip("matplotlib")
    picture = report.draw("topology")
    assert b"<svg" in picture.svg
    assert picture == report.draw("topology")


def test_without_matplotlib_the_page_says_what_is_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "can_draw", lambda: False)
    places = ["--results", str(folder / "results"), "--figures", str(folder / "figures")]
    assert main(["report", *places, "--out", str(folder / "page.html")]) == 0
    err = capsys.readouterr().err
    assert err.startswith("lethe report: left out figures 5, 7")
    assert 'pip install "lethe-ml[plot]"' in err
    assert 'pip install "lethe-ml[plot]"' in Page((folder / "page.html").read_text()).text


def test_what_records_hold_is_escaped(folder: Path) -> None:
    wild = "<script>alert('&')</script>\ud800"
    append(folder / "results" / "cerg.jsonl", of_cerg("standard", 8, None) | {"version": wild})
    (folder / "results" / "bench.json").write_text(json.dumps({wild: wild, "rows": [{wild: wild}]}))
    page = write(folder)
    assert "<script" not in (folder / "page.html").read_text(encoding="utf-8")
    assert page.text.count(r"<script>alert('&')</script>\ud800") == 5  # lone surrogates are no text


def test_the_same_inputs_give_the_same_page_but_for_the_date(folder: Path) -> None:
    pages = []
    for _ in range(2):
        write(folder)
        text = (folder / "page.html").read_text(encoding="utf-8")
        pages.append(re.sub(r"<dt>written</dt><dd>[^<]+", "", text))
    assert pages[0] == pages[1]


def test_repeated_and_foreign_records_are_left_out(folder: Path) -> None:
    path = folder / "results" / "cerg.jsonl"
    append(path, of_cerg("forget_gates", 0, 9))  # repeated: the first counts
    other = of_cerg("forget_gates", 0, 9)
    append(path, other | {"configuration": other["configuration"] | {"bound": 0.3}})
    append(path, of_cerg("standard", 9, None) | {"row": "no such row"})
    append(path, record(nto, "nto", "standard", 0) | {"row": "standard"} | {
        "perfect": True, "training_streams": 1, "best_mean_stream": 1.0,
    })  # fmt: skip
    path.write_text(path.read_text() + '{"experiment": "cerg", "ro')  # a torn last line
    page = write(folder)
    assert "4 records of the file are left out" in page.text
    assert "3 of 4 perfect, after 2,000 to 20,000 training streams" in page.text


def test_a_shortened_run_says_in_what_it_differs(tmp_path: Path) -> None:
    short = replace(cerg.ROWS["standard"].trial, stream_length=10_000)
    made = of_cerg("standard", 0, None) | {"configuration": short.configuration()}
    append(tmp_path / "results" / "cerg.jsonl", made)
    page = write(tmp_path)
    assert "not as in the table: stream length 10,000 instead of 100,000" in page.text


def test_measurements_are_shown_as_tables(folder: Path) -> None:
    values = {
        "machine": "a machine", "peers": {"torch": None, "jax": "1.2"}, "rounds": 7,
        "rows": [{"network": "small", "microseconds_per_step": 1234.5}, {"ratio": 0.12345}],
    }  # fmt: skip
    (folder / "results" / "bench.json").write_text(json.dumps(values))
    page = write(folder)
    for text in ("a machine", "peers torch", "1.2", "microseconds per step", "1,234", "0.123"):
        assert text in page.text
    assert "bench" in page.ids
    assert "complexity" not in page.ids


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("cerg.jsonl", "nonsense\n", "line 1 of the results file"),
        (
            "cerg.jsonl",
            json.dumps(of_cerg("standard", 0, 1) | {"seconds": "long"}) + "\n",
            "line 1",
        ),
        ("bench.json", "[1]", "is not a JSON object"),
        ("bench.json", "{", "is not a JSON object"),
    ],
)
def test_unreadable_results_end_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, said: str
) -> None:
    (folder / "page.html").write_text("old")
    (folder / "results" / name).write_text(text)
    assert said in complaint(capsys, folder)
    assert (folder / "page.html").read_text() == "old"


def test_records_that_the_table_cannot_read_end_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = of_cerg("standard", 0, 1) | {"configuration": {"other": 1}}
    (folder / "results" / "cerg.jsonl").write_text(json.dumps(made) + "\n")
    assert "holds records that cerg cannot read" in complaint(capsys, folder)


def test_wrong_places_end_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "must be a folder" in complaint(capsys, folder, "--results", str(folder / "none"))
    said = complaint(capsys, folder, "--results", str(folder / "figures"))
    assert "--results must be a folder with results files, and" in said
    said = complaint(capsys, folder, "--figures", str(folder / "none"))
    assert "--figures must be a folder with figures, and" in said
    assert "Is a directory" in complaint(capsys, folder, out="figures")
    assert "cannot be written" in complaint(capsys, folder, out="results/cerg.jsonl/page")
    assert "is an HTML page" in complaint(capsys, folder, out="results/cerg.jsonl")
    (folder / "figures" / "figure-5.svg").write_text("<svg torn")
    assert "is not an SVG picture" in complaint(capsys, folder)
    assert {file.name for file in folder.iterdir()} == {"results", "figures"}


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError, ValueError])
def test_a_page_that_is_not_finished_leaves_the_old_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise stop

    (folder / "page.html").write_text("old")
    monkeypatch.setattr(report, "html_page", fail)
    places = ["--results", str(folder / "results"), "--figures", str(folder / "figures")]
    assert main(["report", *places, "--no-draw", "--out", str(folder / "page.html")]) != 0
    assert (folder / "page.html").read_text() == "old"
    assert {file.name for file in folder.iterdir()} == {"results", "figures", "page.html"}


def test_a_link_stays_a_link_and_folders_are_made(folder: Path) -> None:
    (folder / "page.html").symlink_to("site/index.html")
    write(folder)
    assert (folder / "page.html").is_symlink()
    assert (folder / "site" / "index.html").read_text(encoding="utf-8").startswith("<!DOCTYPE")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_without_results_is_there(name: str, tmp_path: Path) -> None:
    table = report.read_table(name, tmp_path)
    assert table.comparison == ""
    assert table.missing == sum(row.planned for row in table.rows)
    assert [row.title for row in table.rows]


def test_strips_span_what_was_tried() -> None:
    rows = [[of_cerg("standard", seed, None) for seed in range(3)], [of_cerg("standard", 0, 700)]]
    ended = [outcomes(row) for row in rows]
    assert ended[0] is not None
    assert ended[1] is not None
    assert (ended[0].limit, ended[0].taken, ended[1].taken) == (30_000, [], [700])
    on = axis([one for one in ended if one])
    assert list(on.decades()) == [3, 4]
    assert on.x(30_000) == max(on.x(units) for units in (1, 100, 700, 10**9))
    assert outcomes([]) is None
    assert outcomes([{"configuration": {}, "learned": True}]) is None
    assert ranges([]) == ""
