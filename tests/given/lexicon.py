"""Requests to the lexicon, by operation: what ``operations.Example`` is made of."""

from typing import Any

_TERMS, _VERSIONS, _PROPOSALS = "/api/v1/terms", "/api/v1/lexicon-versions", "/api/v1/term-proposals"
_ONE, _NOBODY = f"{_VERSIONS}/{{lexicon_number}}", "019aa000-0000-7000-8000-000000000000"

LEXICON: dict[str, dict[str, Any]] = {
    f"GET {_TERMS}": {"query": {"q": "炉", "origin": "user", "limit": "5"}},
    f"POST {_TERMS}": {"json": {"text": "辊道窑炉温场", "note": "行业标准用语"}},
    "POST /api/v1/term-imports": {"json": {"text": "术语\n辊底式焙烧炉,见行业标准\nSiC/Al", "dry_run": True}},
    f"GET {_TERMS}.csv": {},
    f"DELETE {_TERMS}/{{lexicon_term_id}}": {},
    "GET /api/v1/lexicon-draft": {},
    f"GET {_VERSIONS}": {"query": {"limit": "5"}},
    f"POST {_VERSIONS}": {"json": {"note": "第一批"}},
    f"GET {_ONE}": {},
    f"GET {_ONE}/terms": {"query": {"limit": "5"}},
    f"POST {_ONE}/activation": {},
    f"POST {_ONE}/draft": {},
    f"GET {_PROPOSALS}": {"query": {"state": "proposed", "limit": "5"}},
    f"POST {_PROPOSALS}": {},
    f"POST {_PROPOSALS}/decisions": {"json": {"accept": [_NOBODY], "reject": [_NOBODY], "reopen": [_NOBODY]}},
}
