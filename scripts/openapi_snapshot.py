"""Write the API's contract to docs/openapi.json; a test holds the running program against it.

python scripts/openapi_snapshot.py
"""

import json
from pathlib import Path
from typing import Any

from marketplace.app import create_app
from marketplace.kernel.db import Database
from marketplace.settings import Settings

WHERE = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"


def contract() -> dict[str, Any]:
    """The OpenAPI document of this program; no database is asked."""
    settings = Settings(secret="0" * 48)  # type: ignore[arg-type]
    made: dict[str, Any] = create_app(settings, Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")).openapi()
    return made


def text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    WHERE.write_text(text(contract()), encoding="utf-8")
    print(f"written: {WHERE}")
