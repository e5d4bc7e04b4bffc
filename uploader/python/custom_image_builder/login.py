# SPDX-License-Identifier: Apache-2.0
"""The caller's login, out of a client of globus_compute_sdk.

The token is written into a file that only this account can read, and nowhere else: it is never an
argument, a variable of the environment, a line of a log or a part of an exception.
"""
import json
import os

from custom_image_builder.exception.ImageBuilderException import ImageBuilderException

RESOURCE_SERVER = "funcx_service"  # what Globus Auth calls Globus Compute


def _authorizer(client):
    """Of SDK 4: `authorizer` or `app`. Of SDK 2 and 3: the web client, or the login manager's."""
    if getattr(client, "authorizer", None) is not None:
        return client.authorizer
    if getattr(client, "app", None) is not None:
        return client.app.get_authorizer(RESOURCE_SERVER)
    web_client = getattr(client, "web_client", None)
    if web_client is None and getattr(client, "login_manager", None) is not None:
        web_client = client.login_manager.get_web_client(base_url=service_of(client))
    return getattr(web_client, "authorizer", None)


def token_of(client):
    """An access token for Globus Compute, refreshed by the SDK if that is needed."""
    kind = type(client).__name__
    header = failure = None
    try:
        authorizer = _authorizer(client)
        header = authorizer.get_authorization_header() if authorizer is not None else None
    except Exception as error:
        failure = type(error).__name__
    if failure:  # outside of the handler: what the SDK put into its own exception stays out of ours
        raise ImageBuilderException(
            f"gcc_client: this {kind} gives no authorization for Globus Compute ({failure}); see that a call with "
            "it succeeds first, like gcc_client.version_check()", "network")
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ImageBuilderException(
            f"gcc_client: this {kind} has no access token; a Client of globus_compute_sdk that is logged in has "
            "one, and None stands for the login of sealift-upload", "usage")
    return token.strip()


def service_of(client):
    """The web service that this client speaks to, or None: its token goes to no other."""
    address = getattr(client, "web_service_address", None) or getattr(client, "funcx_service_address", None)
    if not isinstance(address, str):
        return None
    address = address.rstrip("/")
    return address[:-len("/v2")] if address.endswith("/v2") else address


def write_token(token, path):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"access_token": token}, file)
