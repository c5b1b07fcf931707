"""The embedded Reber grammar (report, section 4.1 and figure 3), endless, generated in bulk.

A string is B, then T or P, then a string of the Reber grammar, then the same T or P, then E. In
the continual form strings follow each other without an end. The generator walks over the edges of
the transition diagram, since an edge says everything about a step: its symbol, which symbols may
come next, and whether a string starts. The diagram is unrolled for the two second symbols, so an
edge also remembers which of them is due at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import check_choice, check_int
from lethe.tasks import checks
from lethe.tasks.steps import Steps, joined

__all__ = ["SYMBOLS", "TARGETS", "EmbeddedReber", "Reber", "ReberStream"]

#: The symbols by number: 0 is B, 6 is E.
SYMBOLS = "BTPSXVE"

# The Reber grammar (figure 3, left): the edges that leave each node, as (symbol, node it leads to).
_REBER: dict[int, tuple[tuple[str, int], ...]] = {
    0: (("B", 1),),
    1: (("T", 2), ("P", 3)),
    2: (("S", 2), ("X", 4)),
    3: (("T", 3), ("V", 5)),
    4: (("X", 3), ("S", 6)),
    5: (("P", 4), ("V", 6)),
    6: (("E", 7),),
    7: (),
}

_Node = tuple[str, int]


def _embedded() -> dict[_Node, tuple[tuple[str, _Node], ...]]:
    """The embedded grammar (figure 3, right), with one copy of the Reber grammar per branch."""
    diagram: dict[_Node, tuple[tuple[str, _Node], ...]] = {
        ("start", 0): (("B", ("start", 1)),),
        ("start", 1): (("T", ("T", 0)), ("P", ("P", 0))),
        ("end", 0): (("E", ("start", 0)),),
    }
    for branch in "TP":
        for node, edges in _REBER.items():
            diagram[branch, node] = tuple((s, (branch, to)) for s, to in edges)
        diagram[branch, 7] = ((branch, ("end", 0)),)
    return diagram


_DIAGRAM = _embedded()
# Edge 0 is the B that starts a string; _EDGES[e] is (symbol, node that the edge leads to).
_EDGES = [edge for edges in _DIAGRAM.values() for edge in edges]
_LAST = _EDGES.index(("E", ("start", 0)))
_AFTER = len(_EDGES)  # Stands for "the string is over" in the tables below.


def _targets() -> NDArray[np.float32]:
    table = np.zeros((len(_EDGES), len(SYMBOLS)), np.float32)
    for row, (_, node) in zip(table, _EDGES, strict=True):
        for symbol, _ in _DIAGRAM[node]:
            row[SYMBOLS.index(symbol)] = 1.0
    table.setflags(write=False)
    return table


#: The possible next symbols, (edges, 7) zeros and ones; the target codes of a stream are its rows.
TARGETS: NDArray[np.float32] = _targets()

_SYMBOL_OF = np.array([SYMBOLS.index(symbol) for symbol, _ in _EDGES], np.int64)

# Four steps at a look-up: for the edge of the last step and four random bits, the next four edges.
_STEPS = 4


def _walks() -> NDArray[np.uint8]:
    first = {node: _EDGES.index(edges[0]) for node, edges in _DIAGRAM.items()}
    walks = np.full((_AFTER + 1, 1 << _STEPS, _STEPS), _AFTER, np.uint8)
    for edge in range(_AFTER):
        for bits in range(1 << _STEPS):
            at = edge
            for step in range(_STEPS):
                if at == _LAST:
                    break
                node = _EDGES[at][1]
                at = first[node] + (bits >> step & 1) % len(_DIAGRAM[node])
                walks[edge, bits, step] = at
    return walks


# As words of four edges, so that a look-up moves one number.
_WALKS = np.ascontiguousarray(_walks()).view(np.uint32).reshape(-1)

# The generators that a position may name.
_BIT_GENERATORS = {kind.__name__: kind for kind in (np.random.PCG64, np.random.PCG64DXSM)}
_STRINGS = 5461  # Strings in a buffer: about 65,536 symbols, a millisecond.
_MEAN = 12  # Symbols of a string, on average.


class ReberStream:
    """The continual embedded Reber grammar, an endless stream of symbols with their targets.

    Symbols are generated some 65,000 at a time, and handed out in pieces of any size; how a stream
    is cut changes nothing about it.

    Parameters
    ----------
    seed : int, numpy.random.SeedSequence or numpy.random.Generator
        Where the choices come from. A generator belongs to the stream from then on.

    Examples
    --------
    >>> stream = ReberStream(seed=1)
    >>> steps = stream.take(20)
    >>> "".join(SYMBOLS[symbol] for symbol in steps.inputs)
    'BPBPVVEPEBTBPVPXVPSE'
    >>> [SYMBOLS[symbol] for symbol in TARGETS[steps.targets[0]].nonzero()[0]]
    ['T', 'P']
    """

    target_table: ClassVar[NDArray[np.float32]] = TARGETS
    #: Steps that a trial looks at first; most of its streams end within them.
    first_look: ClassVar[int] = 128

    def __init__(self, seed: int | np.random.SeedSequence | np.random.Generator = 0) -> None:
        self._generator = checks.stream_generator(seed)
        self._fill()

    def _fill(self, offset: int = 0) -> None:
        """Make the next buffer, and remember what it was made from."""
        self._made_from = self._generator.bit_generator.state
        edges = _strings(self._generator, _STRINGS)
        self._buffer = Steps(_SYMBOL_OF[edges], edges.astype(np.int64), edges == 0)
        for array in self._buffer[:3]:
            array.setflags(write=False)
        self._starts = np.append(np.flatnonzero(self._buffer.starts), edges.size)
        self._length = edges.size
        self._offset = offset

    def look(self, n: int) -> Steps:
        """Show what comes next, without going on: at least one step and at most `n`.

        Together with `advance` this is the way of a reader who does not know how many steps it will
        use. It copies nothing.

        Parameters
        ----------
        n : int
            At least 1.

        Returns
        -------
        Steps
            Views of the stream's buffer.
        """
        n = checks.check_steps(n)
        if self._offset == self._length:
            self._fill()
        return self._buffer.piece(self._offset, min(self._offset + n, self._length))

    def advance(self, n: int) -> None:
        """Go on by `n` steps, at most as many as the last `look` showed."""
        self._offset += checks.check_in_sight(n, self._length - self._offset)

    def take(self, n: int) -> Steps:
        """The next `n` steps.

        Parameters
        ----------
        n : int
            At least 1.

        Returns
        -------
        Steps
            Arrays of length `n`.
        """
        missing, pieces = check_int("n", n, 1, checks.MOST_AT_ONCE), []
        while missing:
            piece = self.look(missing)
            self.advance(piece.inputs.size)
            missing -= piece.inputs.size
            pieces.append(piece)
        return joined(pieces)

    def next_string(self) -> None:
        """Skip what is left of the current string, so that the next step starts one.

        Where the next step starts a string anyway nothing is skipped.
        """
        self._offset = int(self._starts[self._starts.searchsorted(self._offset)])

    def strings(self, n: int) -> list[Steps]:
        """The next `n` whole strings, for learning with resets between them.

        Parameters
        ----------
        n : int
            At least 0.

        Returns
        -------
        list of Steps
            One for each string, from its first B to its last E. The target of the last E is the B
            of a string that follows, as everywhere in the stream.
        """
        strings = []
        for _ in range(check_int("n", n, 0, checks.MOST_AT_ONCE // _MEAN)):
            self.next_string()
            if self._offset == self._length:
                self._fill()
            end = self._starts[self._starts.searchsorted(self._offset, side="right")]
            strings.append(self.take(int(end) - self._offset))
        return strings

    def position(self) -> dict[str, object]:
        """Where the stream is: plain numbers and text, for a file; `at` continues from there."""
        return {"generator": self._made_from, "offset": self._offset}

    @classmethod
    def at(cls, position: Mapping[str, object]) -> ReberStream:
        """The stream that continues where another was.

        Parameters
        ----------
        position : dict
            What `position` returned.

        Raises
        ------
        ValueError
            If this is no position of such a stream.
        """
        try:
            state, offset = position["generator"], position["offset"]
            if not isinstance(state, dict) or not isinstance(offset, int):
                raise ValueError("no generator or no offset")
            bits: np.random.BitGenerator = _BIT_GENERATORS[state["bit_generator"]]()
            bits.state = state
            stream = cls(np.random.Generator(bits))
            if not 0 <= offset <= stream._length:
                raise ValueError("offset out of range")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                "position must be what ReberStream.position() gave, "
                f"got {position!r:.200} ({error})"
            ) from None
        stream._offset = offset
        return stream


def _next_symbols() -> NDArray[np.float32]:
    """For each row of `_CHOICES`, its second edge's symbol."""
    table = np.zeros((len(_CHOICES), len(SYMBOLS)), np.float32)
    table[np.arange(len(_CHOICES)), _SYMBOL_OF[[to for _, to in _CHOICES]]] = 1.0
    table.setflags(write=False)
    return table


# Pairs of an edge and the edge after it: rows of the tables of targets of `EmbeddedReber`.
_CHOICES = [
    (edge, _EDGES.index(following))
    for edge, (_, node) in enumerate(_EDGES)
    for following in _DIAGRAM[node]
]
_CHOICE_OF = np.zeros((len(_EDGES), len(_EDGES)), np.int64)
for _row, (_edge, _to) in enumerate(_CHOICES):
    _CHOICE_OF[_edge, _to] = _row
_NEXT = _next_symbols()
_POSSIBLE = TARGETS[[edge for edge, _ in _CHOICES]]
_POSSIBLE.setflags(write=False)

# Edges of the Reber grammar inside the embedded one, without its E; and those of its first B.
_FROM = [node for node, edges in _DIAGRAM.items() for _ in edges]
_INNER = np.array([branch in "TP" and at not in (6, 7) for branch, at in _FROM])
_INNER_START = np.array([branch in "TP" and at == 0 for branch, at in _FROM])


def _kind(targets: object) -> str:
    return check_choice("targets", targets, ("next", "possible"))


def _table(targets: str) -> NDArray[np.float32]:
    """The table of targets of this name."""
    return _NEXT if targets == "next" else _POSSIBLE


@dataclass(frozen=True)
class EmbeddedReber:
    """The embedded Reber grammar as sequences (1997, experiment 1; the report's ERG).

    A sequence is a string without its last symbol E, which nothing follows. Both kinds of target
    have the same rows, so that a network can learn from the one and be tested with the other.

    Parameters
    ----------
    targets : {"next", "possible"}
        The target at each step: the symbol that comes next in the string, or all that may come.

    Examples
    --------
    >>> steps = EmbeddedReber("next").sequences(np.random.default_rng(1), 2)
    >>> "".join(SYMBOLS[symbol] for symbol in steps.inputs)
    'BPBPVVEPBTBPVVET'
    """

    targets: Literal["next", "possible"]

    inputs: ClassVar[int] = len(SYMBOLS)
    outputs: ClassVar[int] = len(SYMBOLS)

    def __post_init__(self) -> None:
        """Check the kind of target."""
        object.__setattr__(self, "targets", _kind(self.targets))

    @property
    def target_table(self) -> NDArray[np.float32]:
        """One row for each pair of an edge of the grammar and the edge after it."""
        return _table(self.targets)

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new strings, each up to the symbol before its E."""
        edges = _strings(generator, checks.check_sequences(generator, n, _MEAN))
        here = np.flatnonzero(edges != _LAST)
        starts = edges[here] == 0
        return Steps(_SYMBOL_OF[edges[here]], _CHOICE_OF[edges[here], edges[here + 1]], starts)


@dataclass(frozen=True)
class Reber:
    """The Reber grammar itself as sequences (Reber 1967; Cleeremans et al. 1989).

    Its strings are those that the embedded grammar embeds: what lies between their first and last
    two symbols. For all else see `EmbeddedReber`.

    Parameters
    ----------
    targets : {"next", "possible"}
        The target at each step: the symbol that comes next in the string, or all that may come.

    Examples
    --------
    >>> steps = Reber("next").sequences(np.random.default_rng(1), 2)
    >>> "".join(SYMBOLS[symbol] for symbol in steps.inputs)
    'BPVVBPVV'
    """

    targets: Literal["next", "possible"]

    inputs: ClassVar[int] = len(SYMBOLS)
    outputs: ClassVar[int] = len(SYMBOLS)

    def __post_init__(self) -> None:
        """Check the kind of target."""
        object.__setattr__(self, "targets", _kind(self.targets))

    @property
    def target_table(self) -> NDArray[np.float32]:
        """One row for each pair of an edge of the grammar and the edge after it."""
        return _table(self.targets)

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new strings, each up to the symbol before its E."""
        edges = _strings(generator, checks.check_sequences(generator, n, _MEAN))
        here = np.flatnonzero(_INNER[edges])
        starts = _INNER_START[edges[here]]
        return Steps(_SYMBOL_OF[edges[here]], _CHOICE_OF[edges[here], edges[here + 1]], starts)


def _strings(generator: np.random.Generator, n: int) -> NDArray[np.uint8]:
    """The edges of `n` strings, one after the other."""
    walked = [np.zeros(n, np.uint8)]  # Every string starts with edge 0.
    words: list[tuple[NDArray[np.intp] | slice, NDArray[np.uint32]]] = []
    active: NDArray[np.intp] = np.arange(n)
    last = walked[0]
    while active.size:
        bits = generator.integers(1 << _STEPS, size=active.size, dtype=np.uint8)
        word = _WALKS[(last.astype(np.intp) << _STEPS) + bits]
        words.append((active, word))
        last = word.view(np.uint8)[_STEPS - 1 :: _STEPS]
        going = np.flatnonzero((last != _AFTER) & (last != _LAST))
        active, last = active[going], last[going]
    # A row for each string: its first edge at the end of the first word, then its walks.
    rows = np.empty((n, 1 + len(words)), np.uint32)
    edges = rows.view(np.uint8)
    edges[:] = _AFTER
    edges[:, _STEPS - 1] = 0
    for column, (which, word) in enumerate(words, start=1):
        rows[which, column] = word
    in_order: NDArray[np.uint8] = edges[edges != _AFTER]  # Row by row.
    return in_order
