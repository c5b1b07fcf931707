"""A path that is followed through every rotation: which file comes next, and where it goes on."""

from __future__ import annotations

import os
from io import FileIO
from typing import TYPE_CHECKING, Literal

from lethe.data.beside import Beside
from lethe.data.present import Present
from lethe.data.rotation import (
    AnotherFileError,
    Opened,
    Sibling,
    compressed,
    counts,
    find,
    is_beginning,
    later,
    modified_at,
)
from lethe.data.waiting import POLL, Loss, Notice, Wait, close_quietly, system_errors

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

__all__ = ["Followed"]


class Followed:
    """The bytes of a path, as they are written, through every rotation.

    A renamed file is read on until its name is another file's that is not empty; then to its end,
    and the rotations that came between the two follow. What a file held when it was truncated is
    read from its copy, if there is one beside it: it is known by its SHA-256.

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
        self._beside = Beside(name, has_path, notice)
        self._now = Present(file, name, base=at, watched=patient)
        self._next: Opened | None = None
        self._before = Present(None, name)  # what was read before this one
        self._before.modified = self._now.modified
        # Whether it may have been truncated after it was opened and before anything was read.
        self._unsure = has_path and patient
        self._again = False  # whether it was
        self._was_lost = True  # what `_lost` was for the one before
        self._begins_again = False  # whether this one may hold some of that
        self._moved = False  # whether it was passed over
        self._lost = False  # whether the present file was truncated, and what it held is not there
        self._truncated = 0  # the inode of a truncated file, while its copies are read
        self._chase = False  # whether the next file is read without patience too

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
    def lines(self) -> int:
        """How many line feeds are among them."""
        return self._now.lines

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
        self._before.close()
        if self._next is not None:
            close_quietly(self._next[0])

    def read(self, n: int) -> bytes:
        """At least one and at most `n` bytes; none where the present file ends."""
        while True:
            with system_errors(self.name):
                block = self._read_now(n)
            if block is not None:
                return block
            self._wait(None, POLL)

    def _read_now(self, n: int) -> bytes | None:
        """The same, but None where nothing is there yet."""
        while True:
            there = self._now.file is not None or self._appeared()
            if there and self._is_left_over():
                return b""
            truncated = (
                there and self._now.may_be_truncated() and self._beside.must_be_truncated(self._now)
            )
            block = None if truncated else self._now.read(n)
            if block:
                return b"" if self._unsure and self._was_overtaken() else block
            if block is None and self._was_truncated():
                continue
            if self._next is not None:  # and the present one was read to its end once more
                return b""
            self._next = self._successor()
            if self._next is None:
                return None if self.patient else b""

    def _was_overtaken(self) -> bool:
        """Whether a file was truncated just before its first bytes were read.

        Then its copy comes first, and what has just been read is left for later.
        """
        self._unsure = False
        now, before = self._now, self._before
        found = self._beside.between(before, now.open_file(), self._was_lost)
        before.close_unless(now)
        if found is None:
            return False
        if self._next is not None:
            close_quietly(self._next[0])
        self._next, self._again = found, True
        return True

    def _appeared(self) -> bool:
        """Open a file that was not there."""
        file = self._beside.opened()
        if file is None:
            self._beside.say(f"waiting for {self.name}, which does not exist yet")
            return False
        self._now = Present(file, self.name, watched=self._watched)
        return True

    # --- A file that was truncated

    def _was_truncated(self) -> bool:
        """Continue in the copy of what the file held; without one, let it begin again."""
        now = self._now
        read = f"after {now.offset:,} bytes ({now.lines:,} lines) of it had been read"
        copy = self._beside.copy_of(now)
        if copy is not None:
            now.exchange(*copy)
            self._truncated, self._chase = now.inode, True
            self._notice(
                f"{self.name} was truncated {read}; reading the rest of its copy {now.path}, then "
                f"{self.name} from its start"
            )
            return True
        self._notice(
            Loss(
                f"{self.name} was truncated {read}, and there is no copy of it: what was written "
                "to it in between may be lost"
            )
        )
        self._lost = True
        if self._next is None:
            self._next = self._successor(truncated=True) or (now.open_file(), now.path)
        return False

    def _is_left_over(self) -> bool:
        """Begin anew after what is left of the file before, once there is anything."""
        file = self._now.open_file()
        if not self._begins_again or not os.fstat(file.fileno()).st_size:
            return False
        self._begins_again = False
        self._moved = self._now.begin_after(self._before)
        if self._now.lines:
            self._notice(
                f"{self.name} holds what was read before, up to {self.offset:,} bytes; "
                "reading continues from there"
            )
        return self._moved

    # --- What comes next

    def _successor(self, truncated: bool = False) -> Opened | None:
        """The file that goes on after the present one, if that is no longer its name's."""
        now = self._now
        wanted = self.patient or self._chase or truncated
        if now.file is None or not self._has_path or not wanted:
            return None
        if self._beside.key_of_name() == now.key and not truncated:
            return None
        # It is opened before the others are looked for: what is renamed meanwhile is this one.
        first = self._beside.opened()
        if (
            first is not None
            and self.patient
            and not (truncated or os.fstat(first.fileno()).st_size)
        ):
            close_quietly(first)  # while it is empty, the writer still has the old one
            first = None
        between = self._beside.between(now, first, self._lost)
        if between is None and first is not None:
            return None if not truncated and self._goes_on(first) else (first, self.name)
        if first is not None:
            close_quietly(first)
        return between

    def _goes_on(self, first: FileIO) -> bool:
        """Continue in a file that replaced the present one and holds it all, as rsync leaves it."""
        now = self._now
        if not now.offset or not is_beginning(now.open_file(), first):
            if not os.fstat(now.open_file().fileno()).st_nlink and now.again_in(first):
                self._lost = True  # as an editor leaves it
                self._notice(f"{self.name} was replaced by a file that holds some of the old one")
            return False
        now.exchange(first, self.name)
        self._notice(
            f"{self.name} was replaced by a file that begins with all {now.offset:,} bytes that "
            "were read of the old one; reading continues from there"
        )
        return True

    def next(self) -> Literal["whole", "joined", "lost"] | None:
        """Go on to the next file after the end of one; None where there is none."""
        if self._moved:
            self._moved = False
            return "lost"
        if self._next is None:
            return None
        with system_errors(self.name):
            return self._go_on(self._next)

    def _go_on(self, opened: Opened) -> Literal["whole", "joined", "lost"]:
        """Make a file the present one; how the one before has ended."""
        before = self._before if self._again else self._now
        (file, path), self._next = opened, None
        if self._again:
            self._truncated = self._now.inode
            self._now.close()
            self._notice(
                f"{self.name} was truncated before it was read; its copy {path} comes first"
            )
        elif not self._lost:
            what = f"the new {path}" if path == before.path else path
            self._notice(
                f"{before.path} ended after {before.offset:,} bytes ({before.lines:,} lines), "
                f"since {self.name} was rotated; continuing with {what} from its start"
            )
        self._now = Present(file, path, watched=self._watched)
        self._before, self._begins_again = before, self._lost
        if self._truncated:
            self._now.begin_after(None)
        self._chase = path != self.name
        self._again, self._unsure = False, not self._chase and self._has_path
        if not self._unsure:
            before.close_unless(self._now)
        for packed in compressed(self.name):
            if modified_at(packed) > before.modified:
                self._beside.say_compressed(packed)
        self._beside.old.add(before.key, before.modified, before.head)
        self._beside.old.keep({one.key for one in self._beside.siblings()})
        lost, truncated = self._lost, self._truncated
        self._was_lost, self._lost = lost, False
        if not self._chase or self._now.inode == truncated:
            self._truncated = 0
        elif truncated:
            self._now.inode = truncated  # the next copy of the same file
        return "lost" if lost else "joined" if truncated else "whole"

    # --- Where it was left before

    def resume(self, offset: int, line: int, digest: str, inode: int) -> bytes:
        """Continue after `offset` bytes of the file that holds them, whatever its name is now.

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
        newest_first = sorted(self._beside.siblings(), key=Sibling.age, reverse=True)
        beside = [one for one in newest_first if one.key != there.key]
        ours = []
        if there.file is not None:
            ours.append(Sibling(path, there.key, 1 << 62, 0, ("", ""), ""))
        same = [one for one in (*ours, *beside) if inode and one.key[1] == inode]
        if offset:
            found = find(same, offset, digest) or find(ours, offset, digest)
            found = found or find(beside, offset, digest)
        else:
            found = find(same[:1], 0) or find(ours, 0)
        if found is None:
            if there.file is None and not self.patient:
                raise ValueError(f"source must be readable, got {path}: No such file or directory")
            if offset:
                raise AnotherFileError(path, offset, line)
            return b""  # it is not there yet
        there.close()
        self._now = Present(*found, watched=self._watched)
        self._unsure = self._unsure and not offset and self.here == path
        if offset:
            self._now.go_to(offset, line)
        else:
            self._begins_again = True
        if self.here != path:
            if same and self._now.inode != inode:  # that file was truncated; this is its copy
                self._truncated = self._now.inode = inode
            self._was_rotated(offset, line)
        return self._now.head

    def _was_rotated(self, offset: int, line: int) -> None:
        """Continue in a file that has another name now."""
        now, path = self._now, self.name
        self._chase = True
        self._notice(
            f"{path} was rotated: the {counts(offset, line)} that were read of it "
            f"before are in {now.path}, which is read to the end; what came after it follows"
        )
        self._beside.old.forget({one.key for one in later(path, now.key, now.modified)})
        for packed in compressed(path):
            if modified_at(packed) >= now.modified:
                self._beside.say_compressed(packed)

    def go_to_end(self, whole_lines: bool) -> tuple[bytes, int]:
        """Treat what is there as read, except perhaps a half line; its beginning, and its lines."""
        if self._now.file is None:
            return b"", 0
        self._now.go_to_end(whole_lines)
        self._unsure = False
        return self._now.head, self._now.lines
