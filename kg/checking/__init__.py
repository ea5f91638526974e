"""Check outside data: values, times and lists; keep a quarantine of rows that cannot be used."""
