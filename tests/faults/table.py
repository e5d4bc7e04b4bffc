# SPDX-License-Identifier: Apache-2.0
"""The commands that write, what each of them makes, and the inputs that they share."""
import os
import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/cli"))
import make_example  # noqa: E402

SEALIFT = os.environ["SEALIFT"]
# When everything is signed, so that the same command writes the same bytes.
EPOCH = "1767225600"


class Case:
    """`words` run in an empty folder beside `inputs`, with a home of its own. `makes` are the files and
    folders that are there whole or as they were before; `old` are copied there first: {name: input}.
    `tolerates`: with this on stderr, 0 is the right status although something was not written.
    `again`: what the same ends with when some of that is there by now; 0: it is replaced."""

    def __init__(self, name, words, makes, old=None, tolerates=None, again=0, new_home=False):
        self.name, self.words, self.makes, self.old = name, words.split(), makes, old or {}
        self.tolerates, self.again, self.new_home = tolerates, again, new_home


SEEN = "home/state/seen.json"
ID = "{id}"  # of the bundle
CASES = [
    Case("compile", "compile ../inputs/example/spec.yaml -o x.sealift", ["x.sealift"]),
    Case("compile-over", "compile ../inputs/example/spec.yaml -o x.sealift", ["x.sealift"], {"x.sealift": "approval"}),
    Case("extract", "extract ../inputs/a.sealift -C out", ["out"], again=5),
    Case("approve", "approve ../inputs/a.sealift --key ../inputs/second.key -C .", [f"{ID}.{{second}}.minisig"], again=5),
    Case("revoke", "revoke ../inputs/a.sealift", [f"{ID}.{{first}}.revoke.minisig"], again=5),
    Case("attach", "attach ../inputs/a.sealift ../inputs/approval -o x.sealift", ["x.sealift"]),
    Case("attach-over", "attach x.sealift ../inputs/approval -o x.sealift", ["x.sealift"], {"x.sealift": "a.sealift"}, again=3),
    Case("key-new", "key new --no-password", ["home/config/sealift.key", "home/config/sealift.pub", "home/config/policy.json"],
         again=5, new_home=True),
    Case("trust-add", "trust add ../inputs/second.pub --role approve", ["home/config/policy.json"]),
    Case("policy-init", "policy init --prepare ../inputs/second.pub -o p.json", ["p.json"], again=5),
    Case("verify-strict", "verify ../inputs/a.sealift --policy ../inputs/strict.json", [SEEN]),
    Case("verify-over", "verify ../inputs/a.sealift --policy ../inputs/strict.json", [SEEN], {SEEN: "seen.json"}),
    Case("verify-evidence", "verify ../inputs/a.sealift --evidence e.json", ["e.json", SEEN], {SEEN: "seen.json"},
         tolerates="it is not remembered"),
]


class Inputs:
    """The folder `inputs` in `folder`, and an environment for what runs beside it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "inputs"
        self.path.mkdir()
        make_example.make(str(self.path / "example"))
        self.home = self.path / "home"
        self.run("key", "new", "--no-password")
        self.run("key", "new", "--no-password", "-o", "second")
        self.run("compile", "example/spec.yaml", "-o", "a.sealift")
        self.run("approve", "a.sealift", "--key", "second.key", "-C", ".")
        approval, = self.path.glob("*.minisig")
        self.names = dict(zip(("id", "second"), approval.name.split(".")))
        approval.rename(self.path / "approval")
        self.run("policy", "init", "--prepare", "home/config/sealift.pub", "-o", "strict.json")
        self.run("verify", "a.sealift")
        seen = (self.home / "state/seen.json").read_text()  # of an older one, so that it is written
        (self.path / "seen.json").write_text(seen.replace('"1.0.0"', '"0.9.0"'))
        shutil.rmtree(self.home / "state")
        self.run("revoke", "a.sealift", "-C", ".")
        revocation, = self.path.glob("*.minisig")
        self.names["first"] = revocation.name.split(".")[1]
        revocation.unlink()
        # The approval's file says nothing by its name, so the policy has to know the key.
        self.run("trust", "add", "second.pub", "--role", "approve")
        self.trusting = self.path / "trusting.json"
        (self.home / "config/policy.json").rename(self.trusting)
        self.run("policy", "init", "--prepare", "home/config/sealift.pub", "--allow-older", "-o", "home/config/policy.json")

    def environment(self, folder):
        return dict(os.environ, SEALIFT_HOME=str(folder / "home"), SOURCE_DATE_EPOCH=EPOCH, LC_ALL="C",
                    ASAN_OPTIONS="detect_leaks=0")

    def run(self, *words):
        subprocess.run([SEALIFT, "-q", *words], cwd=self.path, env=self.environment(self.path), check=True,
                       stdout=subprocess.DEVNULL)

    def lay_out(self, case, folder):
        """A folder for one run."""
        folder.mkdir()
        if not case.new_home:
            shutil.copytree(self.home, folder / "home")
        if case.name.startswith("attach"):
            shutil.copyfile(self.trusting, folder / "home/config/policy.json")
        for name, source in case.old.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.path / source, folder / name)

    def makes(self, case):
        return [name.format(**self.names) for name in case.makes]
