# SPDX-License-Identifier: Apache-2.0
"""Values of a policy, good and bad, for the tests of those who read one."""

GOOD = (
    {}, {"approvals": 0}, {"approvals": 64}, {"signed_since": "2026-01-31T00:00:00Z"}, {"signed_within_days": 36500}, {"older": "allow"},
    {"older": "refuse"}, {"closure": "open"}, {"closure": "sealed"}, {"largest": 1 << 42}, {"largest": 1},
    {"versions": [{"name": "demo", "lowest": "1.0", "highest": "1.0.0"}, {"name": "demo2", "highest": "1!2.0rc1.post2.dev3+cpu.1"}]},
    {"bases": ["docker.io", "localhost", "localhost:5000/a/b", "quay.io/a__b/c-d", "sha256:" + "0" * 64]},
    {"bases": ["localhost:5000", "localhost/x"]}, {"bases": ["a.b/" + "x" * 251]}, {"bases": ["a.b" + "c" * 250]},
    {"indexes": ["https://index.example/simple", "https://index.example/simple/", "http://a:81", "https://a-b.c/~x/y+z"]},
    {"indexes": ["https://a/" + "x" * 2038]}, {"indexes": ["https://a..b"]},
    {"denied": ["numpy", "numpy<1", "a<1!2,>=1.0a1,!=1.5", "b" + ",".join("<%d" % at for at in range(1, 9))]})

BAD = {
    "approvals": [-1, 65, True, "1", 1.5], "signed_within_days": [0, 36501], "largest": [0, (1 << 42) + 1],
    "signed_since": ["2026-02-30T00:00:00Z", "2026-01-01", "1969-01-01T00:00:00Z", "2026-01-01T00:00:60Z",
                     "2026-01-01T24:00:00Z", 5, " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z\n", "2026-1-01T00:00:000Z"],
    "older": ["no", True], "closure": ["tight", ""], "approve": [1], "keys": [{}, [1]], "sealift_policy": [2, True, "1"],
    "versions": [[], {}, [{"name": "a"}], [{"name": "A", "lowest": "1"}], [{"name": "a", "lowest": "v1"}], [{"lowest": "1"}],
                 [{"name": "a", "lowest": "1.1", "highest": "1.1rc1"}], [{"name": "a", "lowest": "1", "x": 1}],
                 [{"name": "a", "lowest": "1"}, {"name": "a", "highest": "1"}]],
    "bases": [[], ["a.b", "a.b"], ["python"], ["docker.io/"], ["Docker.io/x"], ["docker.io/x:1"], ["docker.io/x@sha256:" + "0" * 64],
              ["sha256:" + "0" * 63], ["sha256:" + "A" * 64], ["docker.io//x"], [""], ["docker.io/x/"], ["/x"], ["a.b/x y"],
              ["a.b/" + "x" * 252], ["a.b" + "c" * 251], ["a.b/x___y"], ["a_b.c/x"], [5], "a.b"],
    "indexes": [[], ["https://a", "https://a"], ["ftp://a"], ["https://A/x"], ["https://u@a/x"], ["https://a/x?y"], ["https://a/x#y"],
                ["https://a/../x"], ["https://a//x"], ["https://a/./x"], ["https://"], ["https://a:0/x"], ["https://a:123456"],
                ["https://a:/x"], ["https://a/%41"], ["https://-a"], ["https://a."], ["https://a/\n"], ["https://a/" + "x" * 2039],
                ["HTTPS://a"], ["https://[::1]/x"]],
    "denied": [[], ["a", "a"], ["Numpy"], ["numpy_x"], ["numpy <1"], ["numpy<"], ["numpy<1,"], ["numpy==1.0+cpu"], ["numpy===1"],
               ["numpy~=1.0"], ["numpy<1.0.0.alpha"], ["<1"], ["a" + ",".join(["<1"] * 9)], ["a--b"], ["a-"], [""], ["a<,<1"], ["a<!1"],
               ["a<1;"], ["a<" + "1" * 1023]]}

BAD_OF_A_KEY = {
    "roles": [[], ["approve", "approve"], ["revoke"], ["owner"], "prepare"], "more": [1],
    "bundles": [[], ["a", "a"], ["Demo"], [".demo"], ["-a"], ["a?"], ["a" * 64], [""], ["a", 1], "a"],
    "name": ["a\u202eb", "a\xadb", "\u3164", "a\u200bb", "\ue000", "a\\b", "\xa0", "a\tb", "", "a" * 101, "0" * 64, "\ufe0f", "\U000e0041"]}
GOOD_OF_A_KEY = {
    "bundles": [["demo", "x-*", "*"], ["a" * 63]], "roles": [["approve", "prepare"]],
    "name": ["Zo\xeb \u6771", "a" * 100, "0" * 63, "A" * 64, "\u0378", "a b"]}


def with_key(key, **changes):
    return {"keys": [dict(key.entry(), **changes)], "sealift_policy": 1}


def bad(key):
    """[(member, policy)]"""
    found = [(member, dict(with_key(key), **{member: value})) for member in BAD for value in BAD[member]]
    found += [(member, with_key(key, **{member: value})) for member in BAD_OF_A_KEY for value in BAD_OF_A_KEY[member]]
    return found + [("keys", {"sealift_policy": 1}), ("keys", {"keys": [key.entry()] * 2, "sealift_policy": 1}),
                    ("keys", {"keys": [key.entry(), dict(key.entry(), name="again")], "sealift_policy": 1}),
                    ("sealift_policy", {"keys": []})]


def good(key):
    found = [dict(with_key(key), **demands) for demands in GOOD]
    found += [with_key(key, **{member: value}) for member in GOOD_OF_A_KEY for value in GOOD_OF_A_KEY[member]]
    return found + [{"keys": [], "sealift_policy": 1}]


def all_of(key):
    return good(key) + [policy for _, policy in bad(key)]
