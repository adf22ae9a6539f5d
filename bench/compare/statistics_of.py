"""Medians, and how sure one may be of them."""

import math
import statistics


def median_interval(values, confidence=0.95):
    """The interval that holds the true median with at least that confidence, without assuming any distribution: the
    values of rank k and n+1-k, where a fair coin gives fewer than k heads in n throws in at most (1-confidence)/2 of all
    cases. With fewer than 6 values there is none, and all of them are given back."""
    ordered = sorted(values)
    count = len(ordered)
    rank, below = 0, 0.0
    while rank < count // 2:
        below += math.comb(count, rank) / 2**count
        if below > (1 - confidence) / 2:
            break
        rank += 1
    index = max(rank - 1, 0)
    return ordered[index], ordered[count - 1 - index]


def summary(values):
    low, high = median_interval(values)
    return {"median": statistics.median(values), "low": low, "high": high, "runs": len(values)}
