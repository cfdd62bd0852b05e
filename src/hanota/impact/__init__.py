"""The impact assessment: how long a campaign takes, what it loads, and whom it leaves out.

`profile` is an estate with everything assumed about it, `flow` one run of a campaign over it,
`assessment` many runs and what can be said of them. Needs numpy and matplotlib (the extra
`impact`), which nothing else in hanota imports.
"""
