# SPDX-License-Identifier: Apache-2.0
"""Images for Globus Compute workers, built by sealift: see specs/python.md.

The programs `sealift` and `sealift-upload` do the work; this package says what is wanted, and hands
on who asks. What they tell meanwhile goes to the logger `custom_image_builder`, level INFO.
"""
from custom_image_builder.exception.ImageBuilderException import ImageBuilderException
from custom_image_builder.exception.RegisterImageException import RegisterImageException
from custom_image_builder.image import Image
from custom_image_builder.image_builder import build_and_register_container

__all__ = ["Image", "ImageBuilderException", "RegisterImageException", "build_and_register_container"]
__version__ = "2.0.0"
