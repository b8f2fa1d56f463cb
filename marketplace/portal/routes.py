"""How a page's route differs from the API's: its address may carry what chats and mail clients add to links."""

from marketplace.kernel.db import LoggedReadRoute, TransactionRoute, UploadRoute


class PageRoute(TransactionRoute):
    takes_any_parameter = True


class LoggedPageRoute(LoggedReadRoute):
    """A page whose reading is written down."""

    takes_any_parameter = True


class UploadPageRoute(UploadRoute):
    """A form that brings a file."""

    takes_any_parameter = True
