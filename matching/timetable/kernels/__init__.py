"""Machine code, apart so that a change elsewhere does not have it compiled anew."""
