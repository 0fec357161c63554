"""Runs PostgreSQL and Valkey for the demo, for `manage` and for the tests, and leaves nothing behind.

`servers.start` is the way in. It starts a small keeper process, which owns the servers and ends them when
its starter ends, for whatever reason. Servers listen on unix sockets only, in a directory that no other
user may enter. Nothing here runs in a real deployment, which has servers of its own.
"""
