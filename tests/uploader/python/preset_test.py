#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a file of the preparer's says in the place of a call: image_builder.json."""
import inspect
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import face  # noqa: E402
from custom_image_builder import ImageBuilderException, build_and_register_container, preset  # noqa: E402

DIGEST = "sha256:" + "5" * 64


class Preset(face.Case):
    def setUp(self):
        super().setUp()
        self.file = pathlib.Path(os.environ["SEALIFT_HOME"], "config", preset.LEAF)
        self.sealed_here = {"base_image_type": "localimage", "base_image": str(self.example / "base.sif"),
                            "target": {"python": "3.11.2", "glibc": "2.36"},
                            "lock": str(self.example / "requirements.lock"), "wheelhouse": str(self.example / "wheels")}

    def write(self, value, file=None):
        (file or self.file).write_text(value if isinstance(value, str) else json.dumps(value))

    def preset(self, arguments=None, **images):
        self.write({"sealift_image_builder": 1, "arguments": arguments or {}, "base_images": images})

    def given(self, **more):
        return {**dict.fromkeys(preset.ARGUMENTS), "base_image_type": "docker", "base_image": "python:3.11", **more}

    def refuses(self, text, *words, kind="input"):
        self.write(text)
        with self.assertRaises(ImageBuilderException) as caught:
            build_and_register_container(None, "local", "my-image", "docker", "python:3.11", pip_packages=["alpha"])
        self.assertEqual(caught.exception.kind, kind)
        self.assertTrue(str(caught.exception).startswith(str(self.file)) or kind == "io", caught.exception)
        for word in words:
            self.assertIn(word, str(caught.exception))
        self.assert_nothing_left()
        self.assertEqual(self.host.launches(), 0)


class Calls(Preset):
    def call(self, base_image="python:3.11", client=None, endpoint="local"):
        """As whoever used the predecessor calls it."""
        return build_and_register_container(gcc_client=client, endpoint_id=endpoint, image_file_name="my-image",
                                            base_image_type="docker", base_image=base_image, pip_packages=["alpha"])

    def test_the_predecessors_call_says_enough(self):
        self.preset(**{"docker://python:3.11": self.sealed_here})
        image = self.call()
        self.assertEqual((image.receipt["name"], self.host.launches()), ("my-image", 1))
        self.assertIn(f"docker://docker.io/library/python:3.11 is localimage://{self.example / 'base.sif'}, by {self.file}",
                      self.heard)
        self.assertIn(f"lock, target, wheelhouse: by {self.file}", self.heard)
        self.assertEqual(self.call("docker.io/library/python:3.11"), image)
        with self.assertRaisesRegex(ImageBuilderException, "base_image: 'python:3.12' is a tag"):
            self.call("python:3.12")

    def test_the_predecessors_client_gets_a_container_of_its_service(self):
        self.preset({"timeout": 600, "policy": "policy.json"}, **{"docker://python:3.11": self.sealed_here})
        image = self.call()
        seen = self.recorder({**self.host.rows()[0], "receipt": image.receipt, "container": face.ENDPOINT})
        made = self.call(client=face.Client2(face.Authorizer()), endpoint=face.ENDPOINT)
        self.assertEqual((made, made.bundle_id), (face.ENDPOINT, image.bundle_id))
        words = seen()["words"]
        self.assertIn("--container-service", words)
        self.assertEqual(words[words.index("--policy") + 1], str(self.file.with_name("policy.json")))

    def test_paths_are_relative_to_the_file(self):
        folder = pathlib.Path(self.folder, "kept")
        folder.mkdir()
        for name in ("base.sif", "requirements.lock", "wheels"):
            (folder / name).symlink_to(self.example / name)
        file = folder / "images.json"
        self.write({"sealift_image_builder": 1, "arguments": {"wheelhouse": ["wheels"]}, "base_images": {
            "docker://python:3.11": {**self.sealed_here, "base_image": "base.sif", "lock": "requirements.lock"}}}, file)
        os.environ[preset.VARIABLE] = str(file)
        self.assertTrue(os.path.isfile(self.call().path))

    def test_without_a_file_nothing_is_preset(self):
        with self.assertRaisesRegex(ImageBuilderException, "is a tag"):
            self.call()

    def test_a_file_that_is_named_has_to_be_there(self):
        os.environ[preset.VARIABLE] = str(self.file.with_name("other.json"))
        with self.assertRaisesRegex(ImageBuilderException, "cannot read '.*other.json': No such file") as caught:
            self.call()
        self.assertEqual(caught.exception.kind, "io")


class Precedence(Preset):
    def test_the_call_wins_over_the_image_and_the_image_over_the_rest(self):
        self.preset({"worker_version": "1", "timeout": 10, "allow_open": True, "runner": "r"},
                    **{"docker://python:3.11": {"worker_version": "2", "timeout": 20}})
        filled = preset.fill(self.given(worker_version="3", allow_open=False))
        self.assertEqual([filled[name] for name in ("worker_version", "timeout", "allow_open", "runner", "lock")],
                         ["3", 20, False, "r", None])
        other = preset.fill(self.given(base_image="python:3.10"))
        self.assertEqual([other[name] for name in ("worker_version", "timeout", "base_image")], ["1", 10, "python:3.10"])

    def test_all_that_is_said_by_name_only_can_be_preset_but_what_belongs_to_one_call(self):
        parameters = inspect.signature(build_and_register_container).parameters.values()
        by_name = {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}
        self.assertEqual(by_name, dict.fromkeys([*preset.ARGUMENTS, "version", "output"]))

    def test_an_entry_gives_a_tag_its_digest(self):
        self.preset(**{"docker://python:3.11": {"base_image": "python@" + DIGEST}})
        filled = preset.fill(self.given())
        self.assertEqual((filled["base_image_type"], filled["base_image"]), ("docker", "python@" + DIGEST))
        # Who names a digest means that one.
        named = self.given(base_image="python:3.11@sha256:" + "6" * 64)
        self.assertEqual(preset.fill(named), named)

    def test_other_kinds_are_named_as_they_are_called(self):
        self.preset(**{"localimage:///srv/base.sif": {"target": "3.11.2"}})
        filled = preset.fill(self.given(base_image_type="localimage", base_image=pathlib.Path("/srv/base.sif")))
        self.assertEqual(filled["target"], "3.11.2")

    def test_all_that_is_a_path_is_taken_from_the_files_folder(self):
        self.preset({"lock": "l", "wheelhouse": ["w", "/v"], "key": "k", "password_file": "p", "policy": "o",
                     "builder_config": "b", "runner_config": {"path": "r"}, "files": [{"from": "f", "to": "/f"}]})
        filled, folder = preset.fill(self.given()), self.file.parent
        self.assertEqual({name: filled[name] for name in ("lock", "key", "password_file", "policy", "builder_config")},
                         {"lock": str(folder / "l"), "key": str(folder / "k"), "password_file": str(folder / "p"),
                          "policy": str(folder / "o"), "builder_config": str(folder / "b")})
        self.assertEqual((filled["wheelhouse"], filled["runner_config"], filled["files"]),
                         ([str(folder / "w"), "/v"], {"path": "r"}, [{"from": str(folder / "f"), "to": "/f"}]))

    def test_where_the_file_is(self):
        environment = {"HOME": "/h", "XDG_CONFIG_HOME": "/x", "SEALIFT_HOME": "/s"}
        for removed, wanted in ((None, "/s/config"), ("SEALIFT_HOME", "/x/sealift"),
                                ("XDG_CONFIG_HOME", "/h/.config/sealift"), ("HOME", None)):
            environment.pop(removed, None)
            for name in ("HOME", "XDG_CONFIG_HOME", "SEALIFT_HOME"):
                os.environ.pop(name, None)
            os.environ.update(environment)
            self.assertEqual(preset._default_path(), wanted and f"{wanted}/{preset.LEAF}")


class BadFiles(Preset):
    def test_t15_each_is_one_sentence_with_its_place_and_nothing_is_started(self):
        start = '{"sealift_image_builder": 1, '
        for text, *words in (
                ("", "1:1: is not JSON"), ("[]", "is an object"), ("{}", "sealift_image_builder: is 1"),
                ('{"sealift_image_builder": true}', "sealift_image_builder: is 1"),
                ('{"sealift_image_builder": 2}', "sealift_image_builder: is 1"),
                (start + '\n"arguments": {},, }', "2:17: is not JSON"),
                (start + '"images": {}}', "images: is not known here", "base_images"),
                (start + '"arguments": {"lock": "a", "lock": "b"}}', '"lock": is there twice'),
                (start + '"arguments": {"output": "a"}}', "arguments.output: is not known here"),
                (start + '"arguments": {"pip_packages": ["a"]}}', "arguments.pip_packages: is not known here"),
                (start + '"arguments": {"container_service": "no"}}', 'arguments.container_service: is true or false or "again"'),
                (start + '"arguments": {"runner": ""}}', "arguments.runner: is text"),
                (start + '"arguments": {"lock": null}}', "arguments.lock: is a path"),
                (start + '"arguments": {"lock": "a\\u0000b"}}', "arguments.lock: has a NUL"),
                (start + '"arguments": {"spec": {"env": {"A": ["\\ud800"]}}}}', "arguments.spec: has a NUL or half"),
                (start + '"arguments": {"base_image": "a"}}', "arguments.base_image: is not known here"),
                (start + '"arguments": {"lock": 1}}', "arguments.lock: is a path"),
                (start + '"arguments": {"lock": ""}}', "arguments.lock: is a path"),
                (start + '"arguments": {"timeout": true}}', "arguments.timeout: is a whole number"),
                (start + '"arguments": {"timeout": NaN}}', "NaN is no number"),
                (start + '"arguments": {"allow_open": 1}}', "arguments.allow_open: is true or false"),
                (start + '"arguments": {"files": ["a"]}}', "arguments.files: is a list of objects"),
                (start + '"arguments": {"wheelhouse": ["a", 1]}}', "arguments.wheelhouse: is a path or a list of paths"),
                (start + '"base_images": []}', "base_images: is an object"),
                (start + '"base_images": {"python:3.11": {}}}', 'base_images["python:3.11"]: is named TYPE://IMAGE'),
                (start + '"base_images": {"docker://a": {}, "docker://docker.io/library/a": {}}}', "is there twice"),
                (start + '"base_images": {"docker://a": {"image": "b"}}}', 'base_images["docker://a"].image: is not known'),
                (start + '"base_images": {"docker://a": {"base_image_type": "sif", "base_image": "b"}}}',
                 'base_images["docker://a"].base_image_type: is one of docker, oci-archive'),
                (start + '"base_images": {"docker://a": {"base_image_type": "localimage"}}}', "without its base_image"),
                ("[" * 100000, "no JSON that can be used"), (" " * (preset.LIMIT + 1), "larger than 1048576 bytes")):
            with self.subTest(text[:60]):
                self.refuses(text, *words)
        self.file.write_bytes(b'{"a\xff"}')
        with self.assertRaisesRegex(ImageBuilderException, "is not UTF-8 at byte 3"):
            preset.fill(self.given())
        self.file.unlink()
        for make, words in ((self.file.mkdir, "Is a directory|no regular file"), (lambda: os.mkfifo(self.file), "no regular file"),
                            (lambda: self.file.symlink_to("/dev/zero"), "no regular file"),
                            (lambda: self.file.symlink_to("nowhere"), "No such file or directory")):
            make()
            with self.assertRaisesRegex(ImageBuilderException, f"^cannot read '[^\\n]*': .*({words})$"):
                preset.fill(self.given())
            self.file.rmdir() if self.file.is_dir() else self.file.unlink()

    def test_a_path_with_a_line_break_stays_on_one_line(self):
        self.preset(**{"docker://python:3.11": {**self.sealed_here, "lock": "a\nb", "base_image": "c\x1b.sif"}})
        with self.assertRaises(ImageBuilderException) as caught:
            build_and_register_container(None, "local", "my-image", "docker", "python:3.11", pip_packages=["alpha"])
        self.assertEqual(len(caught.exception.problems), 2)
        for one in caught.exception.problems:
            self.assertTrue(one.isprintable(), one)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
