# SPDX-License-Identifier: Apache-2.0
"""The agent judges plans as the rest of sealift does: the table of tests/data/plan, to which
tests/bundles/recipe/plan_cases_test.c holds the reader in C. A rule that only one of them has shows here."""
import copy
import json
import os
import re
import unittest

import support

TABLE = os.path.join(support.ROOT, "tests", "data", "plan", "cases.json")


def changed(document, changes):
    document = copy.deepcopy(document)
    for change in changes:
        container, last = document, change["path"][-1]
        for step in change["path"][:-1]:
            container = container[step]
        if "remove" in change:
            del container[last]
        elif "repeat" in change:
            how = change["repeat"]
            container[last] = how["before"] + how["text"] * how["count"] + how["after"]
        elif "fill" in change:
            container[last] = [change["fill"]["item"]] * change["fill"]["count"]
        else:
            container[last] = change["value"]
    return document


class Plans(unittest.TestCase):
    def test_plans_are_judged_as_the_table_says(self):
        with open(TABLE, encoding="utf-8") as file:
            table = json.load(file)
        accepted = 0
        for case in table["cases"]:
            with self.subTest(case=case["name"]):
                data = support.canonical(changed(table["document"], case["changes"]))
                if "refused_at" not in case:
                    support.LIFTED.parse_plan(data)
                    accepted += 1
                    continue
                with self.assertRaises(support.LIFTED.Refusal) as caught:
                    support.LIFTED.parse_plan(data)
                self.assertEqual("format", caught.exception.kind)
                self.assertRegex(str(caught.exception), "^plan[. ]?%s(?![A-Za-z0-9])" % re.escape(case["refused_at"]))
        self.assertGreater(accepted, 60)
        self.assertGreater(len(table["cases"]) - accepted, 200)


if __name__ == "__main__":
    unittest.main()
