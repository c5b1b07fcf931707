"""Results files: whole lines or none, and the interval of a count."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lethe.experiments import results
from lethe.experiments.formatting import interval
from lethe.experiments.results import append, key, opened, read


def record(seed: int) -> dict[str, object]:
    return {
        "experiment": "cerg",
        "row": "standard",
        "seed": seed,
        "configuration": {"b": 1, "a": [2.5]},
        "perfect": False,
    }


def test_what_is_appended_is_read(tmp_path) -> None:
    path = tmp_path / "new folder" / "cerg.jsonl"
    assert read(path) == []
    for seed in range(3):
        append(path, record(seed))
    assert read(path) == [record(0), record(1), record(2)]
    assert path.read_text().count("\n") == 3


@pytest.mark.parametrize("rest", ['{"experiment": "ce', "x" * 9000, json.dumps(record(7))])
def test_a_cut_off_last_line_is_dropped(tmp_path, rest: str) -> None:
    path = tmp_path / "cerg.jsonl"
    append(path, record(0))
    with path.open("a") as file:
        file.write(rest)
    assert read(path) == [record(0)]
    append(path, record(1))
    assert read(path) == [record(0), record(1)]


def test_a_file_with_nothing_but_a_cut_off_line(tmp_path) -> None:
    path = tmp_path / "cerg.jsonl"
    path.write_text("{")
    assert read(path) == []
    append(path, record(1))
    assert read(path) == [record(1)]


@pytest.mark.parametrize("line", ["{", "[]", "3", "{}", '{"experiment": "cerg"}'])
def test_a_spoiled_line_is_named(tmp_path, line: str) -> None:
    path = tmp_path / "cerg.jsonl"
    append(path, record(0))
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match=r"line 2 of .*cerg\.jsonl is no record"):
        read(path)


@pytest.mark.parametrize("mean", [{}, {"best": None}, {"best": "1"}])
def test_a_record_without_its_result_is_named(tmp_path, mean: dict[str, object]) -> None:
    path = tmp_path / "cerg.jsonl"
    needed = {"perfect": bool, "best": (int, float)}
    append(path, record(0) | {"best": 1.5})
    assert len(read(path, needed)) == 1
    append(path, record(1) | mean)
    with pytest.raises(ValueError, match=r"line 2 of .*cerg\.jsonl is no record"):
        read(path, needed)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seed": -1}, "seed must be a whole number from 0 to 9223372036854775807, got -1"),
        ({"seed": True}, "seed must be .*, got True"),
        ({"seed": "0"}, "seed must be .*, got '0'"),
        ({"seed": 2**63}, "at most 64 bits"),
        ({"row": 3}, "row must be a string, got 3"),
        ({"configuration": None}, "configuration must be an object, got None"),
        ({"training_streams": -3}, "training_streams must be"),
        ({"training_sequences": 1.5}, "training_sequences must be"),
        ({"solved": 1}, "solved must be true or false or null, got 1"),
        ({"seconds": -0.1}, "seconds must be a number from 0 to 1"),
        ({"seconds": True}, "seconds must be"),
        ({"best_mean_stream": 1e308}, r"best_mean_stream must be .*, got 1e\+308"),
        ({"test_mean_error": 1e308}, "test_mean_error must be"),
        ({"test_wrong": 1.01}, "test_wrong must be a number from 0 to 1.0, got 1.01"),
        ({"first": [1, -1]}, "first must be a list, each a number"),
    ],
    ids=str,
)
def test_a_record_that_no_trial_can_have_made_is_named(
    tmp_path, wrong: dict[str, object], said: str
) -> None:
    path = tmp_path / "nto.jsonl"
    path.write_text(json.dumps(record(0) | wrong) + "\n")
    with pytest.raises(ValueError, match=rf"line 1 of .*nto\.jsonl is no record: .*{said}"):
        read(path)


@pytest.mark.parametrize("seed", [-1, True, "0", 2**63])
def test_nothing_is_written_that_could_not_be_read(tmp_path, seed: object) -> None:
    path = tmp_path / "nto.jsonl"
    with pytest.raises(ValueError, match="seed must be a whole number from 0"):
        append(path, record(0) | {"seed": seed})
    assert not path.exists()


def test_no_file_or_line_grows_beyond_what_is_read(tmp_path, monkeypatch) -> None:
    path = tmp_path / "nto.jsonl"
    append(path, record(0))
    with pytest.raises(ValueError, match="a record must take at most 65,536 bytes, got 6"):
        append(path, record(1) | {"row": "x" * results.MOST_LINE})
    monkeypatch.setattr(results, "MOST_BYTES", path.stat().st_size + 10)
    with pytest.raises(ValueError, match=r"nto\.jsonl must be at most \d+ bytes, and is full"):
        append(path, record(1))
    assert read(path) == [record(0)]


def test_a_file_is_made_and_what_it_holds_is_kept(tmp_path) -> None:
    path = tmp_path / "new folder" / "cerg.jsonl"
    with opened(path):
        assert read(path) == []
    append(path, record(0))
    with opened(path) as append_one:
        assert read(path) == [record(0)]
        append_one(record(1))
        assert read(path) == [record(0), record(1)]
    with pytest.raises(ValueError, match="cannot be written"), opened(path / "cerg.jsonl"):
        pass


def test_a_run_is_the_only_one_that_appends(tmp_path) -> None:
    path = tmp_path / "cerg.jsonl"
    match = r"cerg\.jsonl cannot be written: .*process.* is writing it"
    with opened(path), pytest.raises(ValueError, match=match), opened(path):
        pass
    with opened(path) as append_one:
        append_one(record(0))
        path.unlink()
        with pytest.raises(ValueError, match="it was removed or replaced while"):
            append_one(record(1))


def test_unreadable_and_unwritable(tmp_path) -> None:
    with pytest.raises(ValueError, match="cannot be read: Is a directory"):
        read(tmp_path)
    with pytest.raises(ValueError, match="cannot be written: Is a directory"):
        append(tmp_path, record(0))
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        append(tmp_path / "file" / "cerg.jsonl", record(0))


def test_only_plain_json_is_written(tmp_path) -> None:
    path = tmp_path / "cerg.jsonl"
    with pytest.raises(ValueError, match="JSON"):
        append(path, record(0) | {"seconds": float("nan")})
    with pytest.raises(KeyError):
        append(path, {"experiment": "cerg"})
    assert not path.exists()


def test_the_key_is_which_trial_it_was() -> None:
    reordered = record(0) | {"configuration": {"a": [2.5], "b": 1}, "perfect": True}
    assert key(record(0)) == key(reordered)
    others = [{"seed": 1}, {"row": "other"}, {"experiment": "erg"}, {"configuration": {}}]
    assert len({key(record(0) | other) for other in [{}, *others]}) == 5


def test_interval_against_known_values() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    known = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611)}
    for (successes, trials), expected in known.items():
        assert interval(successes, trials) == pytest.approx(expected, abs=5e-5)
    assert interval(29, 29) == pytest.approx((0.8830, 1.0), abs=5e-5)
    assert interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 10_000), st.data())
def test_interval_holds_the_rate(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    mirror = interval(trials - successes, trials)
    assert (1 - high, 1 - low) == pytest.approx(mirror, abs=1e-12)


@pytest.mark.parametrize("successes", [-1, 6])
def test_impossible_counts_are_refused(successes: int) -> None:
    with pytest.raises(ValueError, match="successes must be from 0 to 5"):
        interval(successes, 5)
