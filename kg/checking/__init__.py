"""Check what comes from outside: values, times, lists, and a quarantine for rows that cannot be used."""
