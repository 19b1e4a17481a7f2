"""The queue and its one kind of job: `celery --app primes.jobs worker`."""

from celery import Celery

from primes.settings import settings
from primes.sieve import count_primes

app = Celery("primes", broker=settings.redis_url, backend=settings.redis_url)
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    # A worker that dies gives its job back; a job may therefore run twice, which is harmless here.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=60,
    task_track_started=True,
    result_expires=3600,
    broker_connection_retry_on_startup=True,
    # The web answers an error within seconds when Redis is away, instead of waiting for it.
    broker_transport_options={"socket_connect_timeout": 2, "visibility_timeout": 120},
    redis_socket_connect_timeout=2,
    redis_socket_timeout=5,
)


@app.task(name="primes.count")
def count(below: int) -> int:
    return count_primes(below)
