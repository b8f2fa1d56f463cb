"""Sample records: invented organisations, people, achievements and problems, used by demos and tests."""
