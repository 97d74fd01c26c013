"""A published corpus of scripted source faults, and five systems that live through them.

`python -m tests.faults.corpus` plays every story against Verbund and against the deletion rules of DataHub, Backstage,
Integreat's iCal import and udata, and prints who withdrew what truly exists and who kept what is truly gone.
"""
