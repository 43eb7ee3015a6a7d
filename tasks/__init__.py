"""The glue between Redis, Celery and the service: ids in, safe to run twice."""
