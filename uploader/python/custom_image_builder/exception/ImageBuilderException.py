# SPDX-License-Identifier: Apache-2.0
"""There is no image."""


class ImageBuilderException(Exception):
    """`kind` is a word of specs/exit-codes.md; `problems` are the sentences of `message`, one each."""

    def __init__(self, message, kind="internal", problems=()):
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.problems = list(problems)
