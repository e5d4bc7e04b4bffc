# SPDX-License-Identifier: Apache-2.0
"""build_and_register_container(): from nine arguments to an image that workers run in."""
import json
import os
import shutil
import tempfile

from custom_image_builder import login, preset, programs
from custom_image_builder.exception.ImageBuilderException import ImageBuilderException
from custom_image_builder.exception.RegisterImageException import RegisterImageException
from custom_image_builder.image import Image
from custom_image_builder.order import Order

FINAL = ("done", "failed", "refused")


def build_and_register_container(gcc_client, endpoint_id, image_file_name, base_image_type, base_image,
                                 payload_url=None, pip_packages=None, conda_packages=None, apt_packages=None, *,
                                 target=None, lock=None, wheelhouse=None, worker_version=None, version=None,
                                 files=None, spec=None, timeout=None, allow_open=None,
                                 key=None, password_file=None, output=None, policy=None,
                                 builder_config=None, runner=None, runner_config=None,
                                 container_service=None, force_tasks=None):
    """Builds an image by the endpoint `endpoint_id` and makes it known; returns an Image.

    Raises ImageBuilderException when there is no image, RegisterImageException when there is one
    that could not be made known. Both have `message` and `kind`. specs/python.md has every argument,
    and the file that says what a call does not.
    """
    call = preset.fill(dict(
        image_file_name=image_file_name, base_image_type=base_image_type, base_image=base_image,
        payload_url=payload_url, pip_packages=pip_packages, conda_packages=conda_packages,
        apt_packages=apt_packages, target=target, lock=lock, wheelhouse=wheelhouse,
        worker_version=worker_version, version=version, files=files, spec=spec, timeout=timeout,
        allow_open=allow_open, key=key, password_file=password_file, policy=policy,
        builder_config=builder_config, runner=runner, runner_config=runner_config,
        container_service=container_service, force_tasks=force_tasks))
    tell = call["container_service"]
    if tell is None:
        # Such a client's Executor takes a container's id (SDK before 4.6).
        tell = hasattr(gcc_client, "register_container") and str(endpoint_id) != "local"
    with _Folder() as folder:
        bundle = os.path.abspath(output) if output is not None else os.path.join(folder, "image.sealift")
        _compile(Order(folder, call).write(), bundle, call)
        runs = call["runner"] if call["runner"] is not None else endpoint_id
        push = _Push(folder, bundle, str(endpoint_id), str(runs))
        push.option("--policy", call["policy"])
        push.configuration("--builder-config", call["builder_config"])
        push.configuration("--runner-config", call["runner_config"])
        push.flag("--container-service", tell)
        push.flag("--again", tell == "again")
        push.flag("--force-tasks", call["force_tasks"])
        row = push.run(gcc_client, tell)
        if tell and not row.get("container"):
            programs.log.warning("the container service gave no id: use Executor(endpoint_id, **image.executor_args())")
        return Image.of(row, bundle if output is not None else None)


class _Folder:
    """A folder of this call alone, which is gone after it, whatever happens."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="sealift-")
        return self.path

    def __exit__(self, *_):
        with programs.Undisturbed():
            shutil.rmtree(self.path)


def _compile(spec, bundle, call):
    words = ["compile", "--json", "-o", bundle]
    wheelhouse = call["wheelhouse"]
    houses = [wheelhouse] if isinstance(wheelhouse, (str, os.PathLike)) else wheelhouse or []
    for house in houses:
        words += ["--wheelhouse", os.fspath(house)]
    for option, value in (("--key", call["key"]), ("--password-file", call["password_file"])):
        words += [option, os.fspath(value)] if value is not None else []
    words += ["--allow-open"] if call["allow_open"] else []
    done = programs.run("sealift", *words, spec)
    if done.code == 0:
        return
    answer = done.json() or {}
    problems = answer.get("problems") or []
    text = "\n".join([programs.by_argument(answer["error"]), *(f"- {one}" for one in problems)]) \
        if "error" in answer else done.complaint(whole=True)
    raise ImageBuilderException(f"cannot make the bundle: {text}", answer.get("kind") or done.kind, problems)


class _Push:
    """`sealift-upload push` of one bundle: one row of the ledger (specs/ledger.md)."""

    def __init__(self, folder, bundle, builder, runner):
        self.folder, self.bundle = folder, bundle
        self.words = ["push", "--json", "--builder", builder]
        self.words += ["--runner", runner] if runner != builder else []
        self.remote = builder != "local" or runner != "local"
        # A row that is left in the ledger must not name what goes away with the folder.
        self.stays = not bundle.startswith(folder + os.sep)

    def option(self, name, value):
        self.words += [name, os.path.abspath(value)] if value is not None else []

    def flag(self, name, value):
        self.words += [name] if value else []

    def configuration(self, name, value):
        """A path, or what the file would say."""
        if isinstance(value, dict):
            path = os.path.join(self.folder, name.strip("-") + ".json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(value, file)
            value, self.stays = path, False
        self.option(name, value)

    def run(self, client, container_service):
        token = self._authorize(client) if client is not None and (self.remote or container_service) else None
        try:
            done = programs.run("sealift-upload", *self.words, self.bundle, secret=token, apart=True)
        except BaseException:
            self._leave()
            raise
        row = done.json()
        if row is not None and row.get("state") == "done":
            return row
        self._leave(row)
        raise self._failure(done, row)

    def _authorize(self, client):
        token = login.token_of(client)
        path = os.path.join(self.folder, "token")
        login.write_token(token, path)
        self.words += ["--token-file", path]
        service = login.service_of(client)
        self.words += ["--compute-url", service] if service else []
        return token

    # ---- when it does not work --------------------------------------------------------------

    def _failure(self, done, row):
        if row is None:
            return ImageBuilderException(done.complaint(), done.kind)
        text = "\n".join([row.get("reason") or done.complaint(), *self._advice(row)])
        kind = row.get("kind") or done.kind
        if row.get("receipt"):
            where = row["receipt"].get("image", {}).get("path")
            return RegisterImageException(f"the image is built ('{where}'), but not registered: {text}", kind,
                                          row["receipt"])
        return ImageBuilderException(f"cannot build the image: {text}", kind)

    def _advice(self, row):
        """What would help; but what has been taken out of the queue cannot be gone on with from there."""
        parts = programs.by_argument(row.get("remedy") or "").split("; ")
        if self.stays:
            yield "; ".join([*filter(None, parts), f"it is submission {row['number']} of 'sealift-upload status'"])
            return
        parts = [part for part in parts if part and "'sealift-upload run'" not in part]
        if row["state"] not in FINAL:
            parts.append("the same call again goes on from here")
        if parts:
            yield "; ".join(parts)

    def _leave(self, row=None):
        """Takes a submission out of the queue whose bundle goes away now. What was built, or is being
        built, is found again by the next call: the builder knows it by the bundle's id."""
        if self.stays:
            return
        try:
            with programs.Undisturbed():
                self._withdraw(row)
        except ImageBuilderException as error:
            programs.log.debug("cannot tidy up the ledger: %s", error)

    def _withdraw(self, row):
        if row is None:
            answer = programs.run("sealift-upload", "status", "--json", apart=True).json() or {}
            row = next((one for one in answer.get("submissions", []) if one["path"] == self.bundle), None)
        if row is not None and row["state"] not in FINAL:
            programs.run("sealift-upload", "cancel", str(row["number"]), apart=True)
        if row is not None and not row.get("receipt"):
            programs.run("sealift-upload", "forget", str(row["number"]), apart=True)
