# SPDX-License-Identifier: GPL-2.0-or-later
"""Each link of a page to a file of this tree leads somewhere, and so does each to a heading."""

import os
import re
import sys
import urllib.parse

from checklib import Tree, run

FENCE = re.compile(r"^([ \t]*)(```|~~~).*?^[ \t]*\2[ \t]*$", re.M | re.S)
INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*<?([^\s>]+)", re.M)
HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.M)


def prose(text):
    """The page without its code, of the same shape."""
    text = FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    return INLINE_CODE.sub(lambda m: " " * len(m.group()), text)


def anchors(text):
    """What a forge makes of the headings."""
    seen = {}
    for match in HEADING.finditer(FENCE.sub("", text)):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1)).lower()
        slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        count = seen[slug] = seen.get(slug, -1) + 1
        yield f"{slug}-{count}" if count else slug


def broken(tree, page, link):
    """Why the link leads nowhere; None if it does or leads out of the tree."""
    parts = urllib.parse.urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    path = urllib.parse.unquote(parts.path)
    target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
    if path.startswith("/") or target.startswith(".."):
        return "leads out of the tree"
    if not os.path.exists(os.path.join(tree.root, target)):
        return f"there is no {target}"
    if parts.fragment and target.endswith(".md"):
        if parts.fragment not in anchors(tree.text(target)):
            return f"{target} has no heading for #{parts.fragment}"
    return None


def check(tree: Tree):
    for page in tree.select(".md"):
        text = prose(tree.text(page))
        for match in LINK.finditer(text):
            link = match.group(1) or match.group(2)
            why = broken(tree, page, link)
            if why:
                yield f"{page}:{text.count(chr(10), 0, match.start()) + 1}: {link}: {why}"


FIXTURES = [
    ("no file", {"README.md": "\n[a](docs/a.md)\n"}, r"README\.md:2: .*there is no docs/a\.md"),
    ("no picture", {"docs/a.md": "![a](a.png)\n"}, r"no docs/a\.png"),
    ("from its own folder", {"docs/a.md": "[a](docs/b.md)\n", "docs/b.md": ""}, "docs/docs/b"),
    ("reference", {"README.md": "[a][b]\n\n[b]: c.md\n"}, r":3: c\.md: there"),
    ("no heading", {"README.md": "[a](#b)\n\n# C\n"}, "no heading for #b"),
    ("no heading there", {"README.md": "[a](b.md#c)\n", "b.md": "```\n# c\n```\n"}, "for #c"),
    ("out of the tree", {"README.md": "[a](../x)\n"}, "out of the tree"),
    ("absolute", {"README.md": "[a](/x)\n"}, "out of the tree"),
    (
        "right",
        {
            "README.md": "[a](docs/b.md#two-words-it-s) [x](docs) [y](#me) `[n](o)`\n[z](https://a.b/)"
            '\n[t](docs/b.md "title")\n```\n[n](o)\n```\n# Me\n',
            "docs/b.md": "## Two *words*: it-s\n[up](../README.md#me)\n",
        },
        None,
    ),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
