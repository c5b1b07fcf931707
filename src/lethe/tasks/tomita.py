"""Tomita's seven languages over 0 and 1 (Tomita 1982; as Watrous & Kuhn 1992 list them).

    1. 1*
    2. (10)*
    3. no odd run of 0's after an odd run of 1's, at once or later
    4. never more than two 0's in a row
    5. pairs of bits; the pairs 01 and 10 are even in number together
    6. as many 1's as 0's, modulo 3
    7. 0*1*0*1*

A sequence is a string of the symbols 0 and 1 and then the end marker 2, with which the target
comes: 1 if the language has the string, else 0. The marker lets the empty string be one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lethe.core._checks import check_int
from lethe.tasks.checks import check_sequences
from lethe.tasks.layout import laid_out
from lethe.tasks.steps import Steps

__all__ = ["AUTOMATA", "Tomita"]

#: By language: where 0 and 1 lead from each state of its smallest automaton, and the states that
#: accept. Strings start in state 0.
AUTOMATA: dict[int, tuple[tuple[tuple[int, int], ...], frozenset[int]]] = {
    1: (((1, 0), (1, 1)), frozenset({0})),
    2: (((2, 1), (0, 2), (2, 2)), frozenset({0})),
    # Even 1's; odd 1's; odd 0's after odd 1's; even 0's after them, and 1's; never again.
    3: (((0, 1), (2, 0), (3, 4), (2, 3), (4, 4)), frozenset({0, 1, 3})),
    4: (((1, 0), (2, 0), (3, 0), (3, 3)), frozenset({0, 1, 2})),
    # Parities of the 0's and 1's.
    5: (((1, 2), (0, 3), (3, 0), (2, 1)), frozenset({0})),
    6: (((2, 1), (0, 2), (1, 0)), frozenset({0})),
    7: (((0, 1), (2, 1), (2, 3), (4, 3), (4, 4)), frozenset({0, 1, 2, 3})),
}
_LONGEST = 1000  # There are more strings beyond than a float can count.


@dataclass(frozen=True)
class Tomita:
    """Say whether a string is one of a language: Tomita's languages.

    Languages such as 1* have one string of each length, or none, so strings drawn bit by bit would
    nearly all be rejected. So the class is drawn first, both equally likely; then the length, of
    those up to `longest` that strings of the class have, all equally likely; then one of the
    strings of this length and class, all equally likely (by counting the ways that lead there).

    Parameters
    ----------
    n : int
        The language, from 1 to 7.
    longest : int
        At least 1, at most 1000: bits of the longest strings; a sequence is a step longer.

    Raises
    ------
    ValueError
        If `n` or `longest` is out of range.

    Examples
    --------
    >>> steps = Tomita(2, longest=6).sequences(np.random.default_rng(1), 2)
    >>> steps.inputs
    array([1, 1, 0, 0, 0, 2, 1, 0, 1, 0, 1, 0, 2])
    >>> steps.targets[steps.has_target]
    array([[0.],
           [1.]])
    """

    n: int
    longest: int = 10

    inputs: ClassVar[int] = 3
    outputs: ClassVar[int] = 1
    target_table: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Check the parameters."""
        object.__setattr__(self, "n", check_int("n", self.n, 1, len(AUTOMATA)))
        object.__setattr__(self, "longest", check_int("longest", self.longest, 1, _LONGEST))

    def accepts(self, string: str) -> bool:
        """Whether the language has this string of "0" and "1"."""
        leads, accepting = AUTOMATA[self.n]
        state = 0
        for bit in string:
            state = leads[state]["01".index(bit)]
        return state in accepting

    def sequences(self, generator: np.random.Generator, n: int) -> Steps:
        """The steps of `n` new sequences, one after the other; see `Steps`."""
        n = check_sequences(generator, n, self.longest + 1)
        ways = self._ways()
        which = generator.integers(2, size=n)
        lengths = np.empty(n, np.int64)
        for group in (0, 1):
            possible = np.flatnonzero(ways[group, :, 0])
            chosen = which == group
            lengths[chosen] = generator.choice(possible, chosen.sum())
        layout = laid_out(lengths + 1)
        symbols = np.full(len(layout.starts), 2)
        leads = np.array(AUTOMATA[self.n][0])
        state = np.zeros(n, np.int64)
        for step in range(self.longest):
            still = np.flatnonzero(lengths > step)
            left = lengths[still] - step
            by_zero, by_one = leads[state[still]].T
            ones = ways[which[still], left - 1, by_one]
            bit = generator.random(len(still)) * (ones + ways[which[still], left - 1, by_zero])
            bit = (bit < ones).astype(np.int64)
            symbols[layout.first[still] + step] = bit
            state[still] = np.where(bit, by_one, by_zero)
        targets = np.zeros((len(symbols), 1))
        targets[layout.last, 0] = which
        return Steps(symbols, targets, layout.starts, layout.ends)

    def _ways(self) -> NDArray[np.float64]:
        """How many strings (2, longest + 1, states) of so many bits lead a state to a class."""
        leads, accepting = np.array(AUTOMATA[self.n][0]), AUTOMATA[self.n][1]
        accepted = np.isin(np.arange(len(leads)), list(accepting))
        ways = np.empty((2, self.longest + 1, len(leads)))
        ways[:, 0] = ~accepted, accepted
        for bits in range(1, self.longest + 1):
            ways[:, bits] = ways[:, bits - 1][:, leads].sum(axis=2)
        return ways
