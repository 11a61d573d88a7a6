"""Any page as it is sent to the browser: all of it, whatever it is made of."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

PROJECT = Path(__file__).parents[2]


def pages() -> list[str]:
    """Return the names of all pages."""
    return sorted(path.stem for path in (PROJECT / "pages").glob("*.py"))


def visit(page: str, /, **view: str) -> AppTest:
    """Open a page with its view in the address."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    app.switch_page(f"pages/{page}.py")
    for name, value in view.items():
        app.query_params[name] = value
    return app.run()


def messages(app: AppTest) -> str:
    """Return everything that is sent to the browser as one text, blanks folded."""
    parts = [" ".join(_said(element)) for element in app._tree]
    return " ".join(" ".join(parts).split())


def _said(element: object) -> list[str]:
    proto = getattr(element, "proto", None)
    said = list(_texts(proto)) if isinstance(proto, Message) else []
    frame = getattr(element, "value", None)
    if hasattr(frame, "to_csv"):
        said.append(frame.to_csv())
    return said


def _texts(message: Message) -> list[str]:
    """Return every text of a message, however deep; documents in addresses as what they say."""
    found: list[str] = []
    for field, value in message.ListFields():
        several = value if field.is_repeated else [value]
        for one in several:
            if isinstance(one, Message):
                found += _texts(one)
            elif isinstance(one, str):
                kind, _, document = one.partition(";base64,")
                found.append(b64decode(document).decode() if kind.startswith("data:text") else one)
            elif isinstance(one, bytes):
                found.append(one.decode("utf-8", "replace"))
    return found
