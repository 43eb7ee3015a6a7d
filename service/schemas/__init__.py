"""The one validator of both doors, stream and HTTP: what may be said, and what is answered if something else is.

`fields` reads JSON strictly and words the refusals; `experiment` knows what an experiment may be; `assignments` checks
a configuration against it; `result` checks what was measured.
"""
