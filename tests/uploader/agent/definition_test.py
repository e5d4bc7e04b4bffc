# SPDX-License-Identifier: Apache-2.0
"""The agent writes the definition again from plan and lock and builds nothing else (T52 to T56)."""
import json
import os
import unittest

import support
from support import LIFTED, Bundle, canonical, plan, sha256


def load(path):
    with open(path, "rb") as file:
        return file.read()


def cases():
    """(name, plan.json, lock.json, folder of what recipe 1 makes of them in C)"""
    for place, below in (("agent", ""), ("recipe", "expected")):
        parent = os.path.join(support.ROOT, "tests", "data", place)
        for name in sorted(os.listdir(parent)):
            folder = os.path.join(parent, name)
            if os.path.exists(os.path.join(folder, "plan.json")):
                yield (name, load(os.path.join(folder, "plan.json")),
                       load(os.path.join(folder, "lock.json")), os.path.join(folder, below))


class SameAsRecipe1(unittest.TestCase):
    def test_every_case_is_written_alike(self):
        count = 0
        for name, plan_text, lock_text, folder in cases():
            with self.subTest(case=name):
                the_plan, lock = LIFTED.parse_plan(plan_text), LIFTED.parse_lock(lock_text)
                written = LIFTED.render_definition(the_plan, lock, sha256(plan_text + lock_text))
                self.assertEqual(load(os.path.join(folder, "image.def")), written)
                for leaf, text in LIFTED.render_texts(the_plan, lock).items():
                    if os.path.exists(os.path.join(folder, leaf)):
                        self.assertEqual(load(os.path.join(folder, leaf)), text)
                        count += 1
        self.assertGreaterEqual(count, 15)


class Refused(support.Host):
    """None of these may start Apptainer."""

    def refuse(self, pattern, state="failed", **bundle):
        made = Bundle(self.key, **bundle)
        self.put(made.objects())
        self.refused(made.request(), "format", pattern)
        self.assertEqual([], self.launches())
        self.assertEqual(state, self.good({"op": "state", "bundle": made.id})["state"])

    def good_text(self, **bundle):
        return Bundle(self.key, **bundle).files["image.def"].decode()

    def test_t52_every_changed_line_is_named(self):
        lines = self.good_text().splitlines()
        for number in range(1, len(lines) + 1):
            if not lines[number - 1]:
                continue
            changed = list(lines)
            changed[number - 1] += " x"
            with self.subTest(line=number):
                self.refuse("^image.def:%d: " % number, definition="\n".join(changed + [""]).encode())

    def test_t52_an_added_section_is_refused(self):
        for added in ("%setup\n    touch /tmp/owned\n", "%pre\n    id\n", "%post\n    id\n", "%files\n    /etc x\n",
                      "%post -c /bin/sh\n    id\n", "%apprun ../../x\n    id\n", "%arguments\n    a=b\n"):
            for text in (self.good_text() + "\n" + added, self.good_text().replace("%post\n", added + "\n%post\n", 1)):
                with self.subTest(added=added):
                    self.refuse("image.def:[0-9]+: ", definition=text.encode())

    def test_t53_a_second_stage_is_refused(self):
        self.refuse("image.def:", definition=(self.good_text() + "Bootstrap: docker\nFrom: alpine\n").encode())

    def test_bytes_that_are_no_text_are_refused(self):
        good = self.good_text().encode()
        for bad in (b"", b"\xff" + good, good[:-1], good + b"\0", good.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + good):
            self.refuse("image.def:", definition=bad)

    def test_t54_values_that_would_be_more_than_a_value(self):
        """The definition agrees with the plan, but the plan is one that recipe 1 could not have."""
        target = plan()["target"]
        for changes in (
                {"labels": [{"name": "a", "value": "b\n%setup\n    id"}]},
                {"labels": [{"name": "a\tb", "value": "b"}]},
                {"labels": [{"name": "org.sealift.bundle", "value": "b"}]},
                {"labels": [{"name": "a", "value": "{{ word }}"}]},
                {"labels": [{"name": "a", "value": ""}]},
                {"description": "a\nb"},
                {"env": [{"name": "A", "value": "b\n%setup\n    id"}]},
                {"env": [{"name": "A", "value": "b\\u000A%setup"}]},
                {"env": [{"name": "A;id", "value": "b"}]},
                {"env": [{"name": "APPTAINER_BIND", "value": "/"}]},
                {"help": "fine\n  %setup\n"},
                {"help": "fine\n\u00a0%setup\n"},
                {"help": "{{ word }}\n"},
                {"files": [{"from": "a", "mode": "0644", "to": "/etc/$(id)"}]},
                {"files": [{"from": "a", "mode": "0644", "to": "/etc/a b"}]},
                {"files": [{"from": "a", "mode": "0644", "to": "/.singularity.d/runscript"}]},
                {"files": [{"from": "a", "mode": "0644", "to": "/etc/../.singularity.d/x"}]},
                {"files": [{"from": "a", "mode": "4755", "to": "/etc/x"}]},
                {"base": {"kind": "docker", "digest": "0" * 64, "reference": "docker.io/x\n%setup"}},
                {"base": {"kind": "docker", "digest": "0" * 64, "reference": "docker.io/x:tag"}},
                {"base": {"kind": "docker", "digest": "0" * 63, "reference": "docker.io/x"}},
                {"base": {"kind": "debootstrap", "file": "x"}},
                {"build": {"options": ["--bind=/:/host"], "timeout": 60}},
                {"target": dict(target, python="3.11.2; id")},
                {"worker": "4.19.0\"); id #"}, {"version": "1.0 \n"}, {"name": "../x"},
                {"sealift_plan": 2}, {"more": 1},
                {"labels": [{"name": "b", "value": "x"}, {"name": "a", "value": "x"}]},
                {"env": [{"name": "A", "value": "x"}, {"name": "A", "value": "y"}]}):
            with self.subTest(changes=changes):
                state = "none" if set(changes) & {"name", "version"} else "failed"  # the manifest has them, too
                self.refuse("^(plan|manifest)", state, the_plan=plan(**changes), definition=b"Bootstrap: docker\n")

    def test_t55_wheels_whose_names_are_no_names(self):
        bundle = Bundle(self.key)
        for name in ("a b.whl", "../a.whl", "-a.whl", "$(id).whl", "a.tar.gz", "a\n.whl"):
            packages = json.loads(json.dumps(bundle.lock["packages"]))
            packages[0]["file"] = name
            with self.subTest(name=name):
                self.refuse("lock", lock_changes={"packages": packages}, definition=b"x")

    def test_scripts_and_requirements_are_held_against_the_plan(self):
        for name in ("scripts/post-01.sh", "scripts/test.sh", "scripts/runscript.sh", "requirements.txt"):
            def tamper(bundle, name=name):
                bundle.files[name] = b"id\n"
            self.refuse("^%s is not what plan and lock give" % name, tamper=tamper)

            def remove(bundle, name=name):
                del bundle.files[name]
            self.refuse("^%s is not what plan and lock give" % name, tamper=remove)

    def test_manifest_plan_and_lock_must_belong_together(self):
        def swap_file(bundle):
            name = next(name for name in bundle.files if name.startswith("files/"))
            bundle.files[name] = b"[evil]\n"

        def drop_file(bundle):
            del bundle.files[next(name for name in bundle.files if name.startswith("files/"))]

        def drop_wheel(bundle):
            del bundle.blobs[bundle.lock["packages"][0]["wheel"]["sha256"]]

        self.refuse("not named by its digest", tamper=swap_file)
        self.refuse("the manifest lacks files/", tamper=drop_file)
        self.refuse("the manifest lacks blobs/", tamper=drop_wheel)
        self.refuse("which lock.json does not name", tamper=lambda bundle: bundle.keep(b"more"))
        self.refuse("which lock.json does not name", tamper=lambda bundle: bundle.keep_file(b"more"))
        self.refuse("the version of plan.json is not", manifest_changes={"version": "9"}.items())
        self.refuse("the target of plan.json is not",
                    manifest_changes={"target": dict(plan()["target"], glibc="2.17")}.items())
        for closure in ("pinned", "sealed"):
            self.refuse("says that the bundle is %s, but by plan and lock it is open" % closure,
                        manifest_changes={"closure": closure}.items())
        self.refuse("made by recipe 2", manifest_changes={"recipe": 2}.items())
        self.refuse("must carry an installer", lock_changes={"installer": None}, definition=b"x")
        self.refuse("must carry the base", lock_changes={"base": None}, definition=b"x")
        self.refuse("has 2 files, the plan 1", lock_changes={"files": [
            {"sha256": sha256(b"[app]\n"), "size": 6}] * 2}, definition=b"x")

    def test_manifests_out_of_form(self):
        good = Bundle(self.key)
        files = json.loads(good.manifest)["files"]
        for changes in ({"format": 2}, {"recipe": 0}, {"closure": "shut"}, {"more": 1}, {"blobs": None},
                        {"files": files[::-1]}, {"files": files + files[-1:]}, {"files": []},
                        {"files": files + [dict(files[0], name="../x")]},
                        {"files": files + [dict(files[0], name="signatures/x")]},
                        {"files": files + [dict(files[0], name="spec", size=-1)]},
                        {"files": files + [dict(files[0], name="spec", size=1.0)]},
                        {"files": files + [dict(files[0], name="spec", size=True)]},
                        {"name": "Demo"}, {"version": "1 0"}):
            with self.subTest(changes=changes):
                self.refuse("manifest", state="none", manifest_changes=changes.items())

    def test_t61_manifests_in_another_spelling(self):
        good = Bundle(self.key).manifest
        for bad in (good[:-1], good + b"\n", good.replace(b":", b": ", 1), b'{"a":1,"a":2}\n', b"[" * 100000,
                    b"\xff\n", b'{"a":NaN}\n', b'{"a":"\\ud800"}\n', b"", b"null\n", good.replace(b"demo", b"d\\u0065mo")):
            made = Bundle(self.key)
            made.manifest, made.id = bad, sha256(bad)
            made.signatures = [self.key.minisig(bad, made.statement("prepare"))]
            self.put(made.objects())
            with self.subTest(bad=bad[:40]):
                self.refused(made.request(), "format", "manifest")
        self.assertEqual([], self.launches())
        self.assertEqual(canonical(json.loads(good)), good)


if __name__ == "__main__":
    unittest.main()
