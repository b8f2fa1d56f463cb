"""What is counted for operators, in Prometheus' form at `/metrics`."""

from prometheus_client import Counter, Gauge, Histogram

requests = Counter("duijie_requests_total", "HTTP requests answered", ("method", "route", "status"))
seconds = Histogram(
    "duijie_request_seconds",
    "Time to answer an HTTP request",
    ("method", "route"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 8),
)
jobs_done = Counter("duijie_jobs_total", "Jobs ended, by outcome", ("job", "outcome"))
index_records = Gauge("duijie_index_records", "Records in this process's ranking", ("kind",))
index_changes = Gauge(
    "duijie_index_changes", "Records changed since the version that the ranking is built on", ("kind",)
)
index_version = Gauge("duijie_index_version", "Published version that the ranking is built on", ("kind",))
index_mark = Gauge("duijie_index_mark", "Transaction up to which that version holds everything", ("kind",))
index_lag = Gauge(
    "duijie_index_checked_timestamp_seconds", "When this process last compared its ranking with the database"
)
matching_model = Gauge("duijie_matching_model", "Version of the signals' weights that this process ranks by")
lexicon = Gauge("duijie_lexicon", "Version of the lexicon that this process ranks with")
rankings = Histogram(
    "duijie_ranking_seconds",
    "Time to rank one query",
    ("kind",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5),
)
