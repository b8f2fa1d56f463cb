"""Millions of records, ranked exactly: postings on disk, shared by all processes, and what changed since, in memory.

What a ranking is
-----------------
Ids, order and scores are those of ``matching.weighting`` over the whole matrix, in float64, summed in the order of the
terms, rounded to ``tfidf.DECIMALS``, ties by key. Bounds only decide which documents are *not* looked at; every document
that is returned was scored with the same operations in the same order.

Which n, df, cf and mean
------------------------
They belong to the whole collection, so every new record would change every weight. Two rules make "exact" mean one thing
in all processes (``statistics``):

*   Up to ``FRESH_UP_TO`` postings they are counted anew at each refresh, from the records alive then: the result is a fit
    from scratch on them.
*   Above, the numbers of the last publication hold until the next one: n, df, cf and the mean of |d| as counted then,
    also for records that came or went since; a term that was unknown then has df 0. |d| follows from the same numbers, for new records too.
    They are files beside the segments, named in the manifest, so all processes that serve one manifest agree to the bit,
    and the ranking is that of the brute force with these numbers.

A query's length leaves out the terms that nobody has: unknown to the numbers, and in no record that came since.

On disk (``store``)
-------------------
A folder holds ``manifest-N.json``, of which the highest good one counts, and files that never change once they are named
in one. All are written under another name, synced, then renamed; the manifest last. A crash at any byte leaves the last
good version; what no manifest names is swept by the next writer. One writer at a time (``flock``), any number of readers.

``S.segment`` (``segment``, ``files``): named arrays, each with its checksum, and a directory of them at the end.

    keys          S<w>[n]      the records' keys, sorted: row order is key order, so ties fall by row
    term_bytes    u8           the terms in UTF-8, sorted, end to end
    term_start    u32[v+1]     where each begins
    term_slots    u32[2^m]     open addressing: FNV-1a of the term → its number + 1
    df, top_tf    u32[v]       documents that have it (the dead included), its largest tf
    cf            u64[v]       how often it occurs in all of them
    run_first     u32[v+1]     a term's runs: documents of one block with about one tf
    runs          u32[r, 3]    block << 16 | largest tf in the run (65,535: no bound), where its ids begin, how many
    ids           u16[p]       rows within the block, ascending in each run: two bytes a posting, no weight beside it
    forward       u16          document by document its terms and exact tf (``codec``), about two bytes a posting
    forward_start u32[n+1]

``S-N.statistics``: what version N's n and df make of segment S.

    df, cf        u32, u64[v]  of the whole collection
    norms         f64[n]       |d|
    low_norms     u16[n]       |d| rounded down, in units told beside it
    parts         u8[g, n]     the share of |d| that lies in terms of commonness class g, rounded up, in 255ths

``S-N.alive``: one bit a row.

How a query is answered (``ranking``, ``asking``, ``answering``, ``kernels``)
----------------------------------------------------------------------------
Its terms are looked up and weighed in one call of compiled code, and each part is asked in one: for ten thousand records
the calls cost as much as the work. What is computed of a term for the first question, idf and focus, is kept for the next. ``asking`` has the formula of ``weighting``, bit for bit.

Block by block of 65,536 rows, float32 sums of that block are kept in the second-level cache. A posting costs its two bytes
and one addition: all ids of a run carry the same weight, and |d| comes in only at the end. Rare terms go first (``planning``).
For the common ones, which make most of the postings and little of the score, there are two bounds, and of each class of
commonness the better one is asked: Cauchy and Schwarz for each document, |q in class g| · |d in class g|, from one byte; or what
its terms can add to any sum at most, from their largest tf. What cannot reach the k-th best even so is dropped without reading
them (``bounds`` has the inequality, with the pivot). A document that shares single characters only scores 0 although its sum
does not: its bound is the sum's, which is merely too high.
Where the terms but a few rare ones cannot lift any row of the block that far, only the rows of those few are looked at, and
only what was added is set to 0 again: a short question touches a few thousand rows of a block.
The first bar is set by the rows that are best after the first stages; the k-th of the best of many groups of rows tells in one
pass who those are. Where nothing is left to add, as in a collection of one block, that k-th is the bar itself, and one pass
over the rows is enough. After a short question's rarest terms it is the k-th best of the rows that these touch, and the same look
at them says who can reach it; terms like 的 are then not read at all. When few are left these are scored exactly from their own terms (``forward``); when many, the next
class is added first.
Filters and deletions are a byte a row and join in that test; small sets of admitted rows are scored from their own terms
without reading any postings.

Everybody against everybody (``batch``, ``rematch``)
----------------------------------------------------
Records of one collection ask another: their terms are read from ``forward``, translated once for each pair of segments, and
asked one after the other inside one kernel, without Python between. ``rematch.Run`` does that for two whole collections, both
ways, in blocks. A run is a folder with links to the files of the two versions that it began with; a block's answers land there
as one file, the same bytes whoever computes them. Threads of one process (``Run.work``), several processes, or the workers of
a Dask cluster (``matching.cluster``) may share it; it goes on where it was stopped, and a killed worker changes nothing.
"""
