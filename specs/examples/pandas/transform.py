# SPDX-License-Identifier: Apache-2.0
"""A function for a worker inside the image: what a researcher would hand to an Executor."""


def transform():
    import pandas

    frame = pandas.DataFrame({"city": ["Urbana", "Chicago"], "people": [38336, 2746388]})
    if frame["people"].sum() != 2784724:
        raise ValueError("pandas cannot add")
    return "Successfully created df"


if __name__ == "__main__":
    print(transform())
