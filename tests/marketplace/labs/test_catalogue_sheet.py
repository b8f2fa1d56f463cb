"""The catalogue as a workbook: what the list shows and no more, under the names of the core metadata."""

import io

import python_calamine

from tests.given.labs import an_instrument

URL = "/api/v1/instrument-catalogue.xlsx"


def table(content: bytes) -> list[dict]:
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    head, *rows = sheet.to_python()
    return [dict(zip(head, row, strict=True)) for row in rows]


async def test_the_workbook_holds_what_the_list_shows(manager, client, session):
    made = await an_instrument(
        session, manager.organisation, name="=HYPERLINK(1)", value="3200000.5", keywords=["电镜", "形貌"],
        contact={"name": "王某", "phone": "0431-1"}, publicly_funded=True,
    )  # fmt: skip
    await an_instrument(session, manager.organisation, name="内部的", audience="own")
    answer = await client.get(URL)
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    [row] = table(answer.content)
    for name, value in {
        "资源名称": "'=HYPERLINK(1)",
        "描述": "拉伸、三点弯曲。",
        "关键词": "电镜；形貌",
        "原值（元）": 3200000.5,
        "财政资金购置": "是",
        "提供机构": manager.organisation.name,
        "状态": "开放共享",
    }.items():
        assert row[name] == value
    assert row["标识符"].endswith(f"/instruments/{made.id}")
    assert row["生成日期"] == row["注册日期"]
    assert row["仪器分类"].startswith("02-01 ")
    assert b"0431" not in answer.content
    assert len(table((await manager.get(URL, params={"mine": "true"})).content)) == 2
    assert table((await client.get(URL, params={"q": "没有这样的"})).content) == []
