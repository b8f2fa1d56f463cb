"""The tests. Here before anything is imported, because that is when most is made."""

import gc

# A process holds half a million objects that stay until its end. Looking for garbage as often as Python does by itself
# took a tenth of the whole.
gc.set_threshold(50_000, 20, 20)
