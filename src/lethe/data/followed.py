"""A path that is followed through every rotation: which file comes next, and where it goes on."""

from __future__ import annotations

import os
from io import FileIO
from typing import TYPE_CHECKING, Literal, TypeAlias

from lethe.data.present import Present
from lethe.data.rotation import (
    HEAD,
    AnotherFileError,
    Known,
    Sibling,
    bytes_at,
    compressed,
    counts,
    find,
    find_copy,
    is_beginning,
    key_of,
    later,
    modified_at,
    open_regular,
    siblings,
)
from lethe.data.waiting import POLL, Notice, Wait

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

__all__ = ["Followed"]


_Opened: TypeAlias = tuple[FileIO, str]  # and its path


class Followed:
    """The bytes of a path, as they are written, through every rotation.

    A renamed file is read on until its name is another file's that is not empty; then to its end,
    and the rotations that came between the two follow. What a file held when it was cut is read
    from its copy, if there is one beside it: it is known by its SHA-256.

    Parameters
    ----------
    name : str
        The path, or the name of an open file that has none.
    file : FileIO or None
        None if it is not there yet.
    patient : bool
        Wait at the end for more.
    has_path : bool
        Whether `name` is a path.
    at : int
        Where in the file to begin.
    wait : Wait
    notice : Notice

    Attributes
    ----------
    name, here, inode, offset
        As for `lethe.data.blocks.Blocks`. A copy has the inode of what it is a copy of.
    """

    def __init__(
        self,
        name: str,
        file: FileIO | None,
        *,
        wait: Wait,
        notice: Notice,
        patient: bool = True,
        has_path: bool = True,
        at: int = 0,
    ) -> None:
        self.name = name
        self.patient = self._watched = patient
        self._has_path = has_path
        self._wait = wait
        self._notice = notice
        self._said: set[str] = set()  # notices that do not come twice
        self._now = Present(file, name, base=at, watched=patient)
        self._next: _Opened | None = None
        self._lost = False  # whether the present file was cut, and what it held is not there
        self._cut = 0  # the inode of a file that was cut, while its copies are read
        self._chase = False  # whether the next file is read without patience too
        self._folder = 0  # when it was changed last
        self._old = Known(self._siblings())  # they have nothing new

    @property
    def here(self) -> str:
        """The present file's path."""
        return self._now.path

    @property
    def inode(self) -> int:
        """The present file's, or that of the file it is a copy of."""
        return self._now.inode if self._has_path else 0

    @property
    def offset(self) -> int:
        """How many bytes of the present file have been read."""
        return self._now.offset

    @property
    def has_path(self) -> bool:
        """Whether it can be found again."""
        return self._has_path

    def hash(self) -> Hash:
        """The SHA-256 of what was passed over of the present file, before anything is read."""
        return self._now.hash.copy()

    def ends_a_line(self) -> bool:
        """Whether the last byte that was passed over is a line feed."""
        return self._now.last_byte() == b"\n"

    def be_patient(self, patient: bool) -> None:
        """Wait at the end from now on, or do not, if the file is followed."""
        self.patient = patient and self._watched

    def close(self) -> None:
        """Close what is open."""
        self._now.close()
        if self._next is not None:
            self._next[0].close()

    def _siblings(self) -> list[Sibling]:
        return siblings(self.name) if self._has_path else []

    def read(self, n: int) -> bytes:
        """At least one and at most `n` bytes; none where the present file ends."""
        while True:
            there = self._now.file is not None or self._appeared()
            cut = there and self._now.may_be_cut() and self._must_be_cut()
            block = None if cut else self._now.read(n)
            if block:
                return block
            if block is None and self._was_cut():
                continue
            if self._next is not None:  # and the present one was read to its end once more
                return b""
            self._next = self._successor()
            if self._next is None:
                if not self.patient:
                    return b""
                self._wait(None, POLL)

    def _appeared(self) -> bool:
        """Open a file that was not there."""
        file = self._opened()
        if file is None:
            self._say(f"waiting for {self.name}, which is not there yet")
            return False
        self._now = Present(file, self.name, watched=self._watched)
        return True

    def _opened(self) -> FileIO | None:
        """The file of the name; None where there is none, or it cannot be read at present."""
        try:
            return open_regular(self.name)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._say(f"{self.name} cannot be read: {error.strerror}; waiting until it can be")
            return None

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._notice(sentence)

    # --- A file that was cut

    def _must_be_cut(self) -> bool:
        """Whether there is a copy that holds more, and something else, than the file does now."""
        copy = self._copy()
        if copy is None:
            return False
        with copy[0] as file:
            return not is_beginning(file, self._now.open_file())

    def _copy(self) -> _Opened | None:
        """The first new file beside it that begins with all that was read, or a longer copy."""
        now = self._now
        # Files that were written after this one are no copies of it, if it has made way for them.
        newer = {now.key}
        if self._key_of_name() != now.key:
            newer.update(one.key for one in later(self.name, now.key, now.modified))
        every = sorted(self._siblings(), key=Sibling.age)
        beside = [one for one in every if not (one.key in newer or self._old.has(one))]
        return find_copy(beside, now.offset, now.hash.hexdigest(), now.head)

    def _was_cut(self) -> bool:
        """Go on in the copy of what the file held; without one, let it begin again."""
        now = self._now
        read = f"after {now.offset:,} bytes ({now.lines:,} lines) of it had been read"
        copy = self._copy()
        if copy is not None:
            now.exchange(*copy)
            self._cut, self._chase = now.inode, True
            self._notice(
                f"{self.name} was cut {read}; its copy {now.path} is read to the end, then "
                f"{self.name} from its start"
            )
            return True
        self._notice(
            f"{self.name} was cut {read}, and there is no copy of it: what was written to it in "
            "between may be lost"
        )
        self._lost = True
        if self._next is None:
            self._next = self._successor(cut=True) or (now.open_file(), now.path)
        return False

    def _key_of_name(self) -> tuple[int, int] | None:
        """The file that has the name now."""
        try:
            status = os.stat(self.name)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    # --- What comes next

    def _successor(self, cut: bool = False) -> _Opened | None:
        """The file that goes on after the present one, if that is no longer its name's."""
        now = self._now
        wanted = self.patient or self._chase or cut
        if now.file is None or not self._has_path or not wanted:
            return None
        if self._key_of_name() == now.key and not cut:
            return None
        # It is opened before the others are looked for: what is renamed meanwhile is this one.
        first = self._opened()
        if first is not None and self.patient and not (cut or os.fstat(first.fileno()).st_size):
            first.close()  # while it is empty, the writer still has the old one
            first = None
        between = self._between(first)
        if between is None and first is not None:
            return None if not cut and self._goes_on(first) else (first, self.name)
        if first is not None:
            first.close()
        return between

    def _goes_on(self, first: FileIO) -> bool:
        """Go on in a file that replaced the present one and holds it all, as rsync leaves it."""
        now = self._now
        if not now.offset or not is_beginning(now.open_file(), first):
            return False
        now.exchange(first, self.name)
        self._notice(
            f"{self.name} was replaced by a file that begins with all {now.offset:,} bytes that "
            "were read of the old one; it is read on from there"
        )
        return True

    def _between(self, first: FileIO | None) -> _Opened | None:
        """The first rotation that was written after the present file and before `first`."""
        now, key = self._now, None
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
                self._say(f"{one.path} is left out: it cannot be read: {error.strerror}")
                continue
            found = key_of(file)
            if found not in (key, now.key) and not self._is_known(file, found, one.path, first):
                return file, one.path
            file.close()
        return None

    def _is_known(
        self, file: FileIO, key: tuple[int, int], path: str, first: FileIO | None
    ) -> bool:
        """Whether a rotation holds what was read before, or a copy of what comes."""
        if self._old.is_one(file, key):
            return True
        if self._lost:  # the file itself is no longer what was read
            head, ours = bytes_at(file, 0, HEAD), self._now.head
            length = min(len(head), len(ours))
            copied = head[:length] == ours[:length]
        else:
            copied = is_beginning(file, self._now.open_file())
        if copied or (first is not None and is_beginning(file, first)):
            self._say(f"{path} is left out: it is a copy of what is read elsewhere")
            return True
        return False

    def next(self) -> Literal["whole", "joined", "lost"] | None:
        """Go on to the next file after the end of one; None where there is none."""
        if self._next is None:
            return None
        before = self._now
        (file, path), self._next = self._next, None
        if not self._lost:
            what = f"the new {path}" if path == before.path else path
            self._notice(
                f"{before.path} ended after {before.offset:,} bytes ({before.lines:,} lines), "
                f"since {self.name} was rotated; next comes {what} from its start"
            )
        self._now = Present(file, path, watched=self._watched)
        self._now.pass_zeros()
        if before.file is not file:
            before.close()
        self._old.add(before.key, before.modified, before.head)
        self._old.keep({one.key for one in self._siblings()})
        self._chase = path != self.name
        lost, cut = self._lost, self._cut
        self._lost = False
        if not self._chase or self._now.inode == cut:
            self._cut = 0
        elif cut:
            self._now.inode = cut  # the next copy of the same file
        return "lost" if lost else "joined" if cut else "whole"

    # --- Where it was left before

    def resume(self, offset: int, line: int, digest: str, inode: int) -> bytes:
        """Go on after so many bytes, in the file that holds them, under whatever name.

        Parameters
        ----------
        offset, line : int
            Bytes and lines that were read.
        digest : str
            Their SHA-256.
        inode : int
            Of the file then, 0 if it is not known.

        Returns
        -------
        bytes
            The beginning of what was read.

        Raises
        ------
        AnotherFileError
            If there is no such file.
        """
        path, there = self.name, self._now
        # Where the same lines come again and again, the newest: rather than learn them twice.
        newest_first = sorted(self._siblings(), key=Sibling.age, reverse=True)
        beside = [one for one in newest_first if one.key != there.key]
        ours = []
        if there.file is not None:
            ours.append(Sibling(path, there.key, 1 << 62, 0, ("", ""), ""))
        same = [one for one in (*ours, *beside) if inode and one.key[1] == inode]
        if offset:
            found = find(same, offset, digest) or find(ours, offset, digest)
            found = found or find(beside, offset, digest)
            if found is None:
                raise AnotherFileError(path, offset, line)
        else:
            found = find(same[:1], 0) or find(ours, 0)
            if found is None:
                return b""  # it is not there yet
        there.close()
        self._now = Present(*found, watched=self._watched)
        if offset:
            self._now.go_to(offset, line)
        else:
            self._now.pass_zeros()
        if self.here != path:
            if same and self._now.inode != inode:  # that file was cut, and this is a copy of it
                self._cut = self._now.inode = inode
            self._was_rotated(offset, line)
        return self._now.head

    def _was_rotated(self, offset: int, line: int) -> None:
        """Go on in a file that has another name now."""
        now, path = self._now, self.name
        self._chase = True
        self._notice(
            f"{path} was rotated: the {counts(offset, line)} that were read of it "
            f"before are in {now.path}, which is read to the end; what came after it follows"
        )
        self._old.forget({one.key for one in later(path, now.key, now.modified)})
        for packed in compressed(path):
            if modified_at(packed) >= now.modified:
                self._say(f"{packed} is left out: it is compressed; unpack it to have it read")

    def go_to_end(self, whole_lines: bool) -> tuple[bytes, int]:
        """Take all that is there as read, perhaps but half a line; its beginning, and its lines."""
        if self._now.file is None:
            return b"", 0
        self._now.go_to_end(whole_lines)
        return self._now.head, self._now.lines
