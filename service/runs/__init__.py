"""Training runs, as SigOpt's AI module knows them: told bit by bit, listed by anything they say, observed at their end.

`lifecycle` makes, changes and ends them; `fields` knows what a list can be filtered and sorted by, `listing` walks it
and `defined` says what there is; `checkpoints` and `files` are what runs have beside them. `views` keeps how somebody
wants to see them.
"""
