"""JSON read without the freedoms that later become errors: no NaN, no name twice, no number cut short."""

import json
from decimal import Decimal
from typing import Any

from starlette.requests import ClientDisconnect, Request

from marketplace.kernel.refusals import Malformed, TooLarge


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


# Nothing in the world is measured in more digits, and int() of a Decimal writes every one of them out.
MOST_DIGITS = 1000


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    for name in found:
        name.encode()  # half of a character pair cannot be told back to the sender
    return found


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if len(text) > MOST_DIGITS or abs(number.adjusted()) > MOST_DIGITS:
        raise ValueError("a number is too long")
    return number


_decoder = json.JSONDecoder(parse_constant=_no_constant, parse_float=_number, object_pairs_hook=_no_name_twice)


def loads(body: bytes) -> Any:
    """The value that `body` writes, or a refusal. Numbers with a point stay exact (`Decimal`)."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("正文不是 UTF-8。 · The body is not UTF-8.") from error
    try:
        return _decoder.decode(text)
    except RecursionError as error:
        raise Malformed("JSON 嵌套太深。 · The JSON is nested too deeply.") from error
    except (ValueError, ArithmeticError) as error:
        place = f" ({error.lineno}:{error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Malformed(
            f"正文不是有效的 JSON{place}：不允许 NaN、重复的名字或多余内容。"
            f" · The body is not valid JSON{place}: no NaN, no name twice, nothing behind the end."
        ) from error


class StrictRequest(Request):
    async def read(self, most: int) -> None:
        """Take the whole body in; refuse it as soon as it is known to be longer than `most` bytes."""
        refusal = TooLarge(f"正文至多 {most} 字节。 · The body holds at most {most} bytes.")
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and (len(declared) > 18 or int(declared) > most):
            raise refusal
        body = bytearray()
        try:
            async for part in self.stream():
                body += part
                if len(body) > most:
                    raise refusal
        except ClientDisconnect as error:
            raise Malformed("正文没有发完。 · The body broke off.") from error
        self._body = bytes(body)

    def again(self) -> "StrictRequest":
        """The same request for another try: what the first one made of the body was closed with it."""
        other = StrictRequest(self.scope, self.receive)
        other._body = self._body
        return other

    async def json(self) -> Any:
        if not hasattr(self, "_strict"):
            self._strict = loads(await self.body())
        return self._strict
