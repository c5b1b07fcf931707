"""Work that kills its process."""

import os
import signal
from typing import Any


def die(task: int, send_news: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
