"""Alerts: who answers for a source is told when it needs a person; never about single records.

`due` decides, from data alone, what is to be said; `outbox` remembers it so that nothing is lost or said twice; `mail` and
`webhook` carry it; `sender` lets all of them work together.
"""
