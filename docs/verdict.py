"""Write results/verdict.md, and the table that docs/reproduction.md begins with.

Both are what ``lethe verdict`` says of results/.
"""

from pathlib import Path

from lethe.experiments.readings import find_readings
from lethe.experiments.twins import find_twins
from lethe.experiments.verdict import judge
from lethe.experiments.verdict_page import as_markdown, verdict_lines

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reproduction.md"
BEGIN, END = "<!-- verdict: docs/verdict.py writes this table -->", "<!-- end of verdict -->"


def with_verdict(page: str) -> str:
    """The page of the reproduction with the verdict of the results as they are."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE} must have the lines {BEGIN} and {END}")
    lines = "\n".join(verdict_lines(judge(ROOT / "results"), "docs"))
    return f"{before}{begin}\n{lines}\n{end}{after}"


if __name__ == "__main__":
    results = ROOT / "results"
    page = as_markdown(judge(results), find_twins(results), find_readings(results), "results")
    (results / "verdict.md").write_text(page, "utf-8")
    PAGE.write_text(with_verdict(PAGE.read_text("utf-8")), "utf-8")
