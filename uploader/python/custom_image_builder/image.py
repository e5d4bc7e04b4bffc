# SPDX-License-Identifier: Apache-2.0
"""What build_and_register_container() returns."""
import copy
import json
import os

from custom_image_builder.exception.ImageBuilderException import ImageBuilderException


class Image(str):
    """An image on an endpoint. As text: the container's id if it has one, else the bundle's.

    container_id  of the container service; None where none was asked for or given
    bundle_id     sha256 of the bundle's manifest
    path          of the image on the endpoint
    receipt       how it was built: a dict, see specs/receipt.schema.json
    registration  the folder, here, with what the endpoint's operator needs
    bundle_file   the bundle, if it was to be kept (`output`); else None
    """

    container_id = bundle_id = path = receipt = registration = bundle_file = None
    _values = None

    @classmethod
    def of(cls, row, bundle_file=None):
        """Of a submission as `sealift-upload push --json` prints it, in state "done"."""
        image = cls(row.get("container") or row["bundle"])
        image.container_id = row.get("container")
        image.bundle_id = row["bundle"]
        image.receipt = row["receipt"]
        image.path = row["receipt"]["image"]["path"]
        image.registration = row["registration"]
        image.bundle_file = bundle_file
        # Without a worker in the image there is nothing that an endpoint could start.
        if os.path.exists(os.path.join(image.registration, "user_config_template.yaml.j2")):
            with open(os.path.join(image.registration, "user_endpoint_config.json"), encoding="utf-8") as file:
                image._values = json.load(file)
        return image

    def executor_args(self):
        """Keyword arguments for globus_compute_sdk.Executor: its workers run inside this image."""
        if self._values is None:
            raise ImageBuilderException("this image has no Globus Compute worker: it was built with "
                                        "worker_version='none'", "usage")
        return {"user_endpoint_config": copy.deepcopy(self._values)}
