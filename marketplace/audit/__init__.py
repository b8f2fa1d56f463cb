"""What was done, read: by whom, when, on which record. It writes nothing; rooms record their facts (`kernel/facts.py`)."""
