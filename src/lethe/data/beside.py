"""What lies beside a followed path: copies of its file, and the files that came after it."""

from __future__ import annotations

import os
from io import FileIO

from lethe.data.present import Present
from lethe.data.rotation import (
    HEAD,
    Known,
    Opened,
    Sibling,
    bytes_at,
    find_copy,
    is_beginning,
    key_of,
    later,
    modified_at,
    open_regular,
    siblings,
)
from lethe.data.waiting import Loss, Notice, close_quietly

__all__ = ["Beside"]


class Beside:
    """The files that a path has, and had, for one who reads them in order.

    Parameters
    ----------
    name : str
        The path, or the name of an open file that has none.
    has_path : bool
        Whether it is a path.
    notice : Notice

    Attributes
    ----------
    old : Known
        Those that have nothing new.
    """

    def __init__(self, name: str, has_path: bool, notice: Notice) -> None:
        self.name = name
        self._has_path = has_path
        self._notice = notice
        self._said: set[str] = set()  # notices that do not come twice
        self._folder = 0  # when it was changed last
        self.old = Known(self.siblings())

    def siblings(self) -> list[Sibling]:
        """Those beside it."""
        return siblings(self.name) if self._has_path else []

    def opened(self) -> FileIO | None:
        """The file of the name; None where there is none, or it cannot be read at present."""
        try:
            return open_regular(self.name)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.say(f"{self.name} cannot be read: {error.strerror}; retrying")
            return None

    def say_compressed(self, path: str) -> None:
        """Say that a rotation cannot be read."""
        self.say(Loss(f"{path} is skipped because it is compressed; decompress it first"))

    def say(self, sentence: str) -> None:
        """Give notice of something once, however often it is found."""
        if sentence not in self._said:
            self._said.add(sentence)
            self._notice(sentence)

    def key_of_name(self) -> tuple[int, int] | None:
        """The file that has the name now."""
        try:
            status = os.stat(self.name)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def must_be_truncated(self, now: Present) -> bool:
        """Whether there is a copy that holds more, and something else, than the file does now."""
        copy = self.copy_of(now)
        if copy is None:
            return False
        with copy[0] as file:
            return not is_beginning(file, now.open_file())

    def copy_of(self, now: Present) -> Opened | None:
        """The first new file beside it that begins with all that was read, or a longer copy."""
        # Files that were written after this one are no copies of it, if it has made way for them.
        newer = {now.key}
        if self.key_of_name() != now.key:
            newer.update(one.key for one in later(self.name, now.key, now.modified))
        every = sorted(self.siblings(), key=Sibling.age)
        beside = [one for one in every if not (one.key in newer or self.old.has(one))]
        return find_copy(beside, now.offset, now.hash.hexdigest(), now.head)

    def between(self, now: Present, first: FileIO | None, lost: bool) -> Opened | None:
        """The first rotation that was written after the present file and before `first`."""
        key = None
        if first is None:
            before, self._folder = self._folder, modified_at(os.path.dirname(self.name))
            if before == self._folder:
                return None  # nothing was renamed since the last look
        else:
            key = key_of(first)
        for one in later(self.name, now.key, now.modified):
            if one.key == key:
                continue
            try:
                file = open_regular(one.path)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.say(Loss(f"{one.path} is skipped: it cannot be read: {error.strerror}"))
                continue
            found = key_of(file)
            if found not in (key, now.key) and not self._is_known(file, one.path, now, first, lost):
                return file, one.path
            close_quietly(file)
        return None

    def _is_known(
        self, file: FileIO, path: str, now: Present, first: FileIO | None, lost: bool
    ) -> bool:
        """Whether a rotation holds what was read before, or a copy of what comes."""
        if self.old.is_one(file, key_of(file)):
            return True
        if lost:  # the file itself is no longer what was read
            head, ours = bytes_at(file, 0, HEAD), now.head
            length = min(len(head), len(ours))
            copied = length > 0 and head[:length] == ours[:length]
        else:
            copied = is_beginning(file, now.open_file())
        if copied or (first is not None and is_beginning(file, first)):
            self.say(f"{path} is skipped: it is a copy of what is read elsewhere")
            return True
        return False
