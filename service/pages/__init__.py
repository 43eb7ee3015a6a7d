"""The pages people look at: thin blueprints that lay out what `service.reports` has read, worded and drawn.

They work without a script; their looks are one stylesheet (static/), their words are escaped by Jinja (templates/).
"""
