# SPDX-License-Identifier: Apache-2.0
"""The image is there, but has not been made known."""


class RegisterImageException(Exception):
    """`kind` is a word of specs/exit-codes.md; `receipt` says where the image is."""

    def __init__(self, message, kind="internal", receipt=None):
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.receipt = receipt
