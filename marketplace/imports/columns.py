"""What a column of a file is: which field it fills, what it is called, how its cells are read."""

from dataclasses import dataclass
from typing import Final

from marketplace.imports import cells
from marketplace.imports.cells import Reader

SOURCE: Final = "source"
EXTERNAL_ID: Final = "external_id"
IDENTIFIER: Final = "identifier"
"""A record's own address or id, as our exports write it."""
OWNER: Final = "owner"
"""The credit code of the organisation whose record it is."""
REGION_HINT: Final = "代码或全名，例如 220100 或 吉林省长春市 · code or full name"
KEYWORDS_HINT: Final = "以；或，或、分隔，至多 20 个 · divided by ; , or 、, at most 20"
ID_HINT: Final = "您那边的编号；再次导入同一编号即更新 · your own number; importing it again updates the record"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `name` is the API's (`budget.low` is a part of `budget`); the first alias heads the template's column."""

    name: str
    aliases: tuple[str, ...]
    read: Reader
    hint: str = ""
    offered: bool = True
    """Whether the template has a column for it."""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))


CONTACT: Final = (
    Field("contact", (), cells.contact, offered=False),
    Field("contact.name", ("联系人", "联系人姓名", "联系人名称"), cells.text, "登录后可见 · shown to signed-in people"),
    Field("contact.phone", ("联系电话", "电话", "手机", "联系方式", "手机号", "phone"), cells.text),
    Field("contact.email", ("电子邮箱", "邮箱", "联系邮箱", "电子邮件", "email", "e-mail"), cells.text),
)
