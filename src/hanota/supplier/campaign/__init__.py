"""Campaigns: waves that grow by proof and stop in time; rules over counts, plan and time."""
