"""Detectors of anomalies on benchmarks: NAB, the UCR archive, and streams as tables with labels.

    python benchmarks/anomalies/run.py --nab FOLDER [--ucr FOLDER] [--touchstone FOLDER] [--peers]

One pass over each series with the defaults; nothing is chosen by series. Prints tables, and how far
it is on stderr; `--json FILE` keeps the record. None of the data is here: each option says what its
folder must have. nab.py, ucr.py, touchstone.py and measures.py say what is measured and how.

The Numenta Anomaly Benchmark's first events have no windows, and a detector that is cautious while
it knows little gains by it: one mean leaves the first 15 % of each series out, 750 events at most,
as the benchmark's own score does. That score is given for the scores of events and, where there are
any, for alarms: a detection is then an event with which an alarm begins.

The score of events was made on 54 other series with anomalies put into them and 27 without. What
was looked at on 22 series of NAB, in this order, with the predictions of a prototype: the
Gaussians; six forms of the score in one run (mean area: large errors 0.633; large and small ones,
which had been decided on, 0.704, and the same without a share for single events 0.704; the level of
the values too, 0.701 added and 0.709 multiplied; the level alone 0.665). Two later changes:
negligible errors count as equal, for false alarms on one of the series without windows (0.700), and
a whole run counts in the past of runs, for false alarms on plain noise (0.715). The score of NAB
was computed for the first time when all of that was done. Nothing was looked at on the UCR archive
or on Touchstone's streams.
"""

import argparse
import json
import os
import platform
import sys
from pathlib import Path

import nab_series
import touchstone
import ucr
from common import Detector
from detectors import model_scores
from peers import gaussian_of_nab, installed, windowed_gaussian

import lethe
from lethe.cli.bench import machine
from lethe.version import __version__

WINDOWS = (100, 1000, 6400)  # The last is the benchmark's own.


def detectors(peers: bool) -> dict[str, Detector]:
    """By name: Lethe, the Gaussians and, if wanted, what is installed of the others."""
    found: dict[str, Detector] = {"Lethe": model_scores}
    found |= {f"Gaussian, {window:,}": windowed_gaussian(window) for window in WINDOWS}
    found[nab_series.GAUSSIAN] = gaussian_of_nab()
    return found | dict(installed()) if peers else found


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawTextHelpFormatter
    )
    given = os.environ.get("LETHE_NAB")
    parser.add_argument(
        "--nab",
        type=Path,
        metavar="FOLDER",
        default=given and Path(given),
        help=f"{nab_series.WHERE} (by default the variable LETHE_NAB)",
    )
    parser.add_argument("--ucr", type=Path, metavar="FOLDER", help=ucr.WHERE)
    parser.add_argument("--touchstone", type=Path, metavar="FOLDER", help=touchstone.WHERE)
    parser.add_argument("--peers", action="store_true", help="other packages' detectors, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the record")
    return parser.parse_args()


def main() -> int:
    arguments = options()
    wanted = {
        nab_series.run: arguments.nab,
        ucr.run: arguments.ucr,
        touchstone.run: arguments.touchstone,
    }
    if not any(wanted.values()):
        print("--nab, --ucr or --touchstone FOLDER says what to run on", file=sys.stderr)
        return 2
    contestants = detectors(arguments.peers)
    record: dict[str, object] = {
        "machine": machine(),
        "python": platform.python_version(),
        "version": __version__,
        "instruction_set": lethe.instruction_set(),
    }
    try:
        for run, folder in wanted.items():
            if folder:
                record |= run(folder, contestants)
                print()
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{machine()}; lethe {__version__}, {lethe.instruction_set()}; one pass, the defaults.")
    if arguments.json:
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
