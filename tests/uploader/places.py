# SPDX-License-Identifier: Apache-2.0
"""Trying one thing at the 1st, 2nd, … call of a kind, until a program runs through."""
import concurrent.futures
import sys

AT_ONCE = 4
MOST = 400  # calls of one kind; the longest run has about a hundred


def try_all(test, call, every, least):
    """test.try_one(call, number), True if the program was killed there, for each number, or each `every`th,
    until it is not; `least` of them have to be there, so that a change of libraries is noticed."""
    number, killed = 1, 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        while number < MOST:
            batch = range(number, number + AT_ONCE * every, every)
            results = list(pool.map(lambda one: test.try_one(call, one), batch))
            killed += sum(results)
            number = batch[-1] + every
            if not all(results):
                break
    test.assertGreaterEqual(killed * every, least)
    test.assertLess(number, MOST + AT_ONCE * every)
    print(f"{call}: killed at {killed} places", file=sys.stderr)
