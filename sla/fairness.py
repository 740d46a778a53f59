"""Whose turn it is: shares, balances and lots. Pure arithmetic; knows no people and no database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

TIE = 1e-9  # balances that differ by less are the same; sums of shares are not exact


def shares(weights: Mapping[int, float]) -> dict[int, float]:
    """Return what one lead adds to the balance of everybody who is there: weight ÷ all weights; together one lead.

    Args:
        weights: by person; whoever has none gets none.
    """
    there = {person: weight for person, weight in weights.items() if weight > 0}
    total = sum(there.values())
    return {person: weight / total for person, weight in there.items()}


def choose(balances: Mapping[int, float], weights: Mapping[int, float], *, seed: str) -> int | None:
    """Return who is owed most once the new lead is shared out; on ties a lot decides.

    The largest balance of those present is the greedy rule for carpools and rotas (Fagin and Williams, "A fair carpool
    scheduling algorithm", IBM J. Res. Dev. 27, 1983); it keeps every balance within one lead per person.

    Args:
        balances: leads that each person is owed; whoever is missing is owed none.
        weights: of those who are there.
        seed: of the lot; the same seed draws the same lot.

    Returns:
        The person; None when nobody is there.
    """
    owed = {person: balances.get(person, 0.0) + share for person, share in shares(weights).items()}
    if not owed:
        return None
    most = max(owed.values())
    return min((person for person, balance in owed.items() if balance >= most - TIE), key=lambda one: _lot(seed, one))


def _lot(seed: str, person: int) -> bytes:
    return hashlib.sha256(f"{seed}:{person}".encode()).digest()


def change(added: Mapping[int, float], *, to: int) -> dict[int, float]:
    """Return what an assignment does to the balances: everybody's share, and one lead less for who got it.

    Args:
        added: the shares; empty where nobody was there, so that nobody missed a turn.
        to: who got it, also somebody who is not among them.
    """
    changes = dict(added) or {to: 1.0}
    changes[to] = changes.get(to, 0.0) - 1.0
    return changes
