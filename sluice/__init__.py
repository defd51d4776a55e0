"""Sluice: liberated payouts for a weekly staking tournament."""
