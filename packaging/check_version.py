"""See that a release's tag, the version, the changelog and the citation agree.

Run: python packaging/check_version.py v1.2.3
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def problems(tag: str, version_file: str, changelog: str, citation: str) -> list[str]:
    """What does not agree, in words."""
    version = re.search(r'__version__ = "(.+)"', version_file)
    heads = re.findall(r"^## (\S+)(?: \((.+)\))?$", changelog, re.MULTILINE)
    found = []
    if version is None or tag != f"v{version[1]}":
        found.append(f"src/lethe/version.py must say {tag[1:]}, got {version and version[1]}")
    if not heads or heads[0][0] != tag[1:]:
        found.append(f"CHANGELOG.md must begin with {tag[1:]}, got {heads and heads[0][0]}")
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", heads[0][1]):
        found.append(f"CHANGELOG.md must date {tag[1:]} as YYYY-MM-DD, got {heads[0][1]!r}")
    if f"\nversion: {tag[1:]}\n" not in citation:
        found.append(f"CITATION.cff must say version: {tag[1:]}")
    return found


if __name__ == "__main__":
    wrong = problems(
        sys.argv[1],
        *(
            (ROOT / name).read_text(encoding="utf-8")
            for name in ("src/lethe/version.py", "CHANGELOG.md", "CITATION.cff")
        ),
    )
    sys.exit("\n".join(wrong) or 0)
