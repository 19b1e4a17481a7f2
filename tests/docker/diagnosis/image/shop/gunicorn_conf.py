"""Counts the time that a worker needs for its start, as gunicorn's own timeout counts only what comes after it."""


def post_fork(server, worker):
    worker.notify()
