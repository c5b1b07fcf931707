"""What an installed package must do, with NumPy alone: learn, save, load, and the command."""

import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import distribution
from pathlib import Path

import lethe


def learn_save_load(folder: Path) -> None:
    """A loaded model predicts what the saved one does."""
    model = lethe.Model("load", horizon=24)
    for hour in range(500):
        model.learn(
            {"load": 20 + abs(hour % 24 - 12), "day": "work" if hour % 168 < 120 else "rest"}
        )
    model.save(folder / "load.safetensors")
    loaded = lethe.load(folder / "load.safetensors")
    assert loaded.predict().forecast == model.predict().forecast


def commands(folder: Path) -> None:
    """The command that the package installs learns, and describes what it saved."""
    lethe_command = Path(sysconfig.get_path("scripts")) / "lethe"
    state = str(folder / "state")
    for words in (["learn", "sine", "--limit", "200", "--checkpoint", state], ["info", state]):
        subprocess.run([lethe_command, *words], check=True)


def licences() -> None:
    """The notices of what the compiled module contains are installed with it."""
    files = {Path(file).name for file in distribution("lethe-ml").files or ()}
    assert {"LICENSE", "nanobind.txt", "robin-map.txt"} <= files, files


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        learn_save_load(Path(made))
        commands(Path(made))
    licences()
    heavy = {"rich", "joblib", "psutil"} & set(sys.modules)
    assert not heavy, heavy
    print(f"lethe {lethe.__version__} works: {Path(lethe.__file__).parent}")
