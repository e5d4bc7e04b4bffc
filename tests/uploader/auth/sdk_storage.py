#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A storage.db as the SDK makes it, and another program that uses it.

usage: sdk_storage.py make FILE SCHEMA        schema 1 or 2, without logins; mode 0600
       sdk_storage.py put FILE NAMESPACE SERVER ROW
       sdk_storage.py get FILE NAMESPACE SERVER
       sdk_storage.py hold FILE SECONDS       locks it, says so, changes a row of its own, lets go
"""
import os
import sqlite3
import sys
import time

TOKENS = """CREATE TABLE token_storage (namespace VARCHAR NOT NULL, resource_server VARCHAR NOT NULL,
 token_data_json VARCHAR NOT NULL, PRIMARY KEY (namespace, resource_server));"""
CONFIG = """CREATE TABLE config_storage (namespace VARCHAR NOT NULL, config_name VARCHAR NOT NULL,
 config_data_json VARCHAR NOT NULL, PRIMARY KEY (namespace, config_name));"""
INTERNAL = """CREATE TABLE sdk_storage_adapter_internal (attribute VARCHAR NOT NULL,
 value VARCHAR NOT NULL, PRIMARY KEY (attribute));"""


def make(path, schema):
    os.umask(0o177)
    with sqlite3.connect(path) as database:
        database.executescript((CONFIG if schema == "1" else "") + TOKENS + INTERNAL)
        database.executemany("INSERT INTO sdk_storage_adapter_internal VALUES (?, ?)",
                             [("globus-sdk.version", "3.9.0" if schema == "1" else "4.9.0"),
                              ("globus-sdk.database_schema_version", schema)])


def put(path, namespace, server, row):
    with sqlite3.connect(path) as database:
        database.execute("REPLACE INTO token_storage VALUES (?, ?, ?)", (namespace, server, row))


def get(path, namespace, server):
    rows = sqlite3.connect(path).execute(
        "SELECT token_data_json FROM token_storage WHERE namespace = ? AND resource_server = ?",
        (namespace, server)).fetchall()
    print(rows[0][0] if rows else "")


def hold(path, seconds):
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    print("held", flush=True)
    time.sleep(float(seconds))
    database.execute("REPLACE INTO token_storage VALUES ('user/other', 'funcx_service', '{}')")
    database.execute("COMMIT")


def main():
    verbs = {"make": make, "put": put, "get": get, "hold": hold}
    if len(sys.argv) < 3 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    verbs[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
