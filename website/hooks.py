"""Adds to MkDocs what the documentation's site has beyond the pages of docs/.

These are the API reference, and a page for each file of the repository that a page links to: there is no other place
on the web to which such a link could lead.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from website import api_reference

ROOT = Path(__file__).resolve().parents[1]
MERMAID = ROOT / ".cache" / "website-assets" / "mermaid.min.js"
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".json": "json", ".toml": "toml", ".sh": "sh"}
_API_INDEX = "api/index.md"
# Pages of the site that stand for files outside of docs/.
_STAND_INS = {"README.md": "index.md"}
_LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=[\"']?(https?:)?//[^>]*>")


def on_config(config: Any) -> Any:
    """Puts the generated pages of the API reference into the navigation."""
    for section in config.nav:
        for entries in section.values():
            for position, entry in enumerate(entries):
                if entry == {"API": _API_INDEX}:
                    pages: list[Any] = [_API_INDEX]
                    pages += [{api_reference.title(name): f"api/{name}.md"} for name in _api_pages() if name != "index"]
                    entries[position] = {"API": pages}
    return config


def on_files(files: Any, config: Any) -> Any:
    """Adds the generated pages and the script that draws diagrams."""
    from mkdocs.structure.files import File  # only the site's own environment has MkDocs

    for name, text in _api_pages().items():
        files.append(File.generated(config, f"api/{name}.md", content=text))
    for path in sorted(_linked()):
        files.append(File.generated(config, _address(path), content=_source_page(path)))
    files.append(File.generated(config, "assets/mermaid.min.js", abs_src_path=str(MERMAID)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Returns the page with links out of docs/ leading to the pages made for those files."""
    if page.file.src_uri.startswith(("api/", "repository/")):
        return markdown
    folder = Path("docs", page.file.src_uri).parent

    def replaced(found: re.Match[str]) -> str:
        outside = _outside(folder, found["target"])
        if outside is None:
            return found[0]
        target = _STAND_INS.get(outside, _address(outside))
        return f"[{found['text']}]({os.path.relpath(target, Path(page.file.src_uri).parent)}{found['anchor'] or ''})"

    return _LINK.sub(replaced, markdown)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Returns the page as it is.

    Raises:
        ValueError: The page would load something from another host.
    """
    for found in _LOADED.finditer(output):
        if 'rel="canonical"' not in found[0]:
            raise ValueError(f"{page.file.src_uri} would load something from another host: {found[0]}")
    return output


def _api_pages() -> dict[str, str]:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    return api_reference.pages(document)


def _linked() -> set[str]:
    """Returns the files outside of docs/ that its pages link to, as paths from the repository's root."""
    found = set()
    for page in (ROOT / "docs").rglob("*.md"):
        for link in _LINK.finditer(page.read_text(encoding="utf-8")):
            path = _outside(page.parent.relative_to(ROOT), link["target"])
            if path is not None and path not in _STAND_INS:
                found.add(path)
    return found


def _outside(folder: Path, target: str) -> str | None:
    if ":" in target:
        return None
    path = os.path.normpath(folder / target)
    return None if path.startswith("docs") or not (ROOT / path).exists() else path


def _address(path: str) -> str:
    """Returns the page for a file of the repository; MkDocs leaves out names that begin with a dot."""
    return f"repository/{path.replace('/.', '/dot-')}.md"


def _source_page(path: str) -> str:
    file = ROOT / path
    if file.is_dir():
        names = sorted(child.name + ("/" if child.is_dir() else "") for child in file.iterdir() if child.name[0] != "_")
        return f"# `{path}/`\n\nA folder of the repository with these files:\n\n" + "".join(f"- `{n}`\n" for n in names)
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        return _LINK.sub(lambda found: found["text"], text)
    language = _LANGUAGES.get(file.suffix, "text")
    return f"# `{path}`\n\n````{language}\n{text.rstrip()}\n````\n"
