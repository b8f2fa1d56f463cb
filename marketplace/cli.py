"""`duijie`: everything an operator does from a terminal.

Only what declares the commands is imported with this module; the web, the database and the mathematics, which take
seconds, are imported by the command that needs them.
"""

# ruff: noqa: PLC0415

import gc
import sys
from enum import StrEnum
from typing import Annotated, Final

import typer
import uvloop
from rich.console import Console

from marketplace.imports import command as imports
from marketplace.pairings import command as rematching
from marketplace.settings import Settings, settings
from marketplace.verdicts import command as learning


class Kind(StrEnum):
    ACHIEVEMENT = "achievement"
    PROBLEM = "problem"
    INSTRUMENT = "instrument"
    EXPERT = "expert"


app = typer.Typer(
    name="duijie",
    help="对接：省校合作与科技大市场 · where universities and industry find each other.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
admin = typer.Typer(help="平台管理员 · Platform administrators.", no_args_is_help=True)
app.add_typer(admin, name="admin")
imports.register(app)
rematching.register(app)
learning.register(app)

console = Console()
errors = Console(stderr=True)


def _ready() -> Settings:
    found = settings()
    from marketplace.kernel import log

    log.configure(found.format, found.log_level)
    return found


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="地址 · address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口 · port")] = 8000,
    worker: Annotated[bool, typer.Option(help="同时运行后台任务 · run jobs in this process too")] = True,
) -> None:
    """启动网站与接口 · Serve the web pages and the API."""
    found = _ready().listening(port)
    from marketplace.opening import open_database

    async def run() -> bool:
        async with open_database(found, name="duijie-serve") as database:
            # What stands in the way is said before the web takes its seconds to import.
            from marketplace import serving

            return await serving.serve(found, database, host=host, port=port, with_worker=worker)

    _served(uvloop.run(run()), port)


@app.command()
def worker() -> None:
    """运行后台任务 · Run jobs: mail, imports, expiry."""
    found = _ready()
    from marketplace.opening import open_database

    async def run() -> None:
        async with open_database(found, name="duijie-worker") as database:
            from marketplace import serving

            await serving.work(found, database)

    uvloop.run(run())


@app.command()
def migrate() -> None:
    """升级数据库结构 · Bring the database to this program's schema."""
    found = _ready()
    from marketplace import schema
    from marketplace.opening import database_url

    with database_url(found) as url:
        before = uvloop.run(schema.current(url))
        uvloop.run(schema.migrate(url))
        console.print(f"数据库结构 · schema: {before or '空 · empty'} → {schema.newest()}")


@app.command()
def match(
    text: Annotated[
        str, typer.Argument(help="一段技术难题或成果 · a problem or achievement in words; - reads standard input")
    ],
    kind: Annotated[Kind, typer.Option(help="找什么 · what to find")] = Kind.ACHIEVEMENT,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="条数 · how many")] = 5,
    minutes: Annotated[
        int | None, typer.Option(min=1, help="仪器：要用多少分钟 · instruments: for how many minutes")
    ] = None,
    organisation: Annotated[
        str | None,
        typer.Option(
            help="仪器：按哪个单位计价（统一社会信用代码） · instruments: for whom the price is (credit code)"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
) -> None:
    """匹配一段文字并说明理由 · Rank records for a text, with reasons."""
    from marketplace import commands
    from marketplace.opening import open_database

    found = _ready()
    words = sys.stdin.read() if text == "-" else text

    async def run() -> None:
        async with open_database(found, name="duijie-match") as database:
            asked = commands.Asked(words, kind.value, limit, minutes, organisation)
            await commands.match(database, found.home, asked, as_json=as_json, console=console)

    uvloop.run(run())


@app.command()
def demo(
    serve_after: Annotated[bool, typer.Option("--serve/--no-serve", help="随后启动网站 · serve afterwards")] = True,
    host: Annotated[str, typer.Option(help="地址 · address")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口 · port")] = 8000,
) -> None:
    """载入示例数据，展示三个难题的匹配，然后启动网站 · Load sample data, rank three problems, then serve."""
    from marketplace import demo as demonstration
    from marketplace import serving
    from marketplace.opening import open_database

    found = _ready().listening(port)

    async def run() -> bool:
        async with open_database(found, name="duijie-demo") as database:
            await demonstration.show(found, database, console)
            if not serve_after:
                return True
            demonstration.invite(found, console, host=host, port=port)
            return await serving.serve(found, database, host=host, port=port, with_worker=True)

    _served(uvloop.run(run()), port)


def _served(started: bool, port: int) -> None:
    if not started:
        errors.print(
            f"没能在端口 {port} 上启动（原因见上）。可换一个端口：--port {port + 1}\n"
            f"Could not listen on port {port} (see above). Try another one: --port {port + 1}",
            highlight=False,
        )
        raise typer.Exit(1)


@admin.command("create")
def create_admin(
    email: Annotated[str, typer.Option(prompt="邮箱 · e-mail")],
    name: Annotated[str, typer.Option(prompt="姓名 · name")],
    password: Annotated[
        str,
        typer.Option(
            prompt="密码（至少 10 个字符） · password (10 characters or more)",
            hide_input=True,
            confirmation_prompt=True,
            envvar="DUIJIE_ADMIN_PASSWORD",
            help="也可用环境变量 · or set the environment variable",
        ),
    ],
    auditor: Annotated[
        bool, typer.Option("--auditor", help="审计员：只看不改 · an auditor, who looks and changes nothing")
    ] = False,
) -> None:
    """新建平台管理员或审计员；已有账号的，恢复停用并重设密码 · Make a platform administrator (the first one, or another) or an auditor; an account that is there gets the password, and is no longer suspended."""
    from marketplace import commands
    from marketplace.opening import open_database
    from schemas.identity import Role

    found = _ready()

    async def run() -> None:
        async with open_database(found, name="duijie-admin") as database:
            await commands.create_admin(
                database,
                email=email,
                name=name,
                password=password,
                console=console,
                role=Role.AUDITOR if auditor else Role.PLATFORM_ADMIN,
            )

    uvloop.run(run())


_KNOWN: Final = {
    "marketplace.settings": "SettingsWrong",
    "marketplace.kernel.embedded": "EmbeddedPostgresError",
    "marketplace.schema": "SchemaBehind",
    "marketplace.commands": "CommandRefused",
}
"""The errors whose text says to the person at the terminal what to do, and where they are from."""


def _is_known(error: Exception) -> bool:
    """Whether it is one of these; a module that nobody imported raised nothing."""
    return any(
        home in sys.modules and isinstance(error, getattr(sys.modules[home], name)) for home, name in _KNOWN.items()
    )


def main() -> None:
    """The entry point; what goes wrong for a known reason is said in a line, not in a traceback."""
    # Importing makes 350,000 objects that stay; looking for garbage among them as often as Python does took a fifth of it.
    gc.set_threshold(50_000, 20, 20)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not _is_known(error):
            raise
        errors.print(f"[red]{error}[/red]", highlight=False)
        sys.exit(2)
