"""The one validator of both doors, stream and HTTP: what may be said, and what is answered if something else is.

`fields` reads JSON strictly and words the refusals; `parameters` and `metrics` know what can be set and measured,
`experiment` what is made of them; `assignments` checks a configuration against it; `result` checks what was measured.
"""
