"""Read by gunicorn from the folder it starts in."""

import os

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
# Longer than the proxy keeps a connection: the proxy ends it, never in the middle of a request.
keepalive = 75
# SIGTERM: requests that are being served may take this many seconds to end.
graceful_timeout = 20
# Only the proxy reaches an instance, so its X-Forwarded-* headers may be believed.
forwarded_allow_ips = "*"
# The workers' heartbeat files: /tmp is the one writable place of a read-only container.
worker_tmp_dir = "/tmp"
# Nobody asks it for anything, and it would want a home to write to.
control_socket_disable = True
accesslog = "-"
