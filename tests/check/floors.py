# SPDX-License-Identifier: GPL-2.0-or-later
"""The floors of the house: who may include whom (docs/architecture.md).

A file sees its own folder and lower floors. source, policy and http, all on floor 3, never see
each other; only auditor, replay and main see several of them. Of what it serves, http sees the
board alone. Plugins see plugins/ alone. The header that kernel and daemon share sees
<linux/types.h> alone.
"""

import re
import sys

from checklib import PRODUCT, Tree, c_code, line_of, run

FLOORS = {
    "core/base": 0,
    "bpf": 0,
    "plugins": 0,
    "core/flow": 1,
    "config": 1,
    "core/metrics": 2,
    "core/source": 3,
    "core/policy": 3,
    "core/http": 3,
    "core": 4,
}
WHOLE_VIEW = re.compile(r"core/(auditor\w*|replay|main)\.[ch]$")
ABI = "bpf/flow_abi.h"
ABI_SEES = "linux/types.h"
PLUGIN_ABI = "plugins/xa_plugin.h"
BOARD = ("core/metrics/board.h", "core/metrics/page.h", "core/metrics/listing.h")
GENERATED = re.compile(
    r"bpf/.*\.bpf\.c vmlinux\.h|core/source/.* \w+\.skel\.h|(core|config)/\w+\.[ch] version\.h"
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]*)[>"]', re.M)


def folder(path):
    return path.rpartition("/")[0]


def lends_to(seen, path):
    """Why `path` may not see the header `seen`; None if it may."""
    own, other = folder(path), folder(seen)
    if own == other:
        return None
    if own.startswith("plugins"):
        return None if other == "plugins" else "a plugin sees plugins/ and nothing else"
    if other.startswith("plugins"):
        hosts = own in ("core/policy", "core") and seen == PLUGIN_ABI
        return None if hosts else "of the plugins, only the policy's host sees their public header"
    if own == "bpf":
        return "the kernel program sees bpf/ alone"
    if own not in FLOORS or other not in FLOORS:
        return f"'{own if own not in FLOORS else other}' stands on no floor"
    if other == "bpf":
        return None if own != "core/base" else "core/base knows nothing of the domain"
    if own == "config":
        return None if other == "core/base" else "config sees core/base alone"
    if other == "config":
        return None if FLOORS[own] >= 3 else "config is for floor 3 and above"
    if FLOORS[other] >= FLOORS[own]:
        return f"{other} (floor {FLOORS[other]}) is not below {own} (floor {FLOORS[own]})"
    if own == "core/http" and other != "core/base" and seen not in BOARD:
        return "http touches nothing but the board"
    return None


def includes(tree, path):
    code = c_code(tree.text(path), strings=True)
    for match in INCLUDE.finditer(code):
        yield line_of(code, match.start(2)), match.group(1) == '"', match.group(2)


def one_include(tree, path, quoted, seen):
    if path == ABI:
        return None if (quoted, seen) == (False, ABI_SEES) else f"sees <{ABI_SEES}> alone"
    if ".." in seen.split("/"):
        return "write it from the root of the tree"
    if not tree.has(seen):
        made = not quoted or GENERATED.fullmatch(f"{path} {seen}")
        return None if made else "not a header of this tree"
    return lends_to(seen, path) if quoted else "a header of this tree wants quotes"


def own_header_first(tree, path, seen):
    own = path.removesuffix(".c") + ".h"
    if path.endswith(".c") and tree.has(own) and (not seen or seen[0][2] != own):
        yield f'{path}:1: #include "{own}" has to come first'


def several_of_three(path, seen):
    three = {folder(name) for _, _, name in seen} & {"core/source", "core/policy", "core/http"}
    if len(three) > 1 and not WHOLE_VIEW.match(path):
        yield f"{path}:1: sees {' and '.join(sorted(three))}: only auditor, replay and main may"


def check(tree: Tree):
    for path in tree.select(".c", ".h", under=PRODUCT):
        seen = list(includes(tree, path))
        for line, quoted, name in seen:
            why = one_include(tree, path, quoted, name)
            if why:
                yield f"{path}:{line}: includes {name}: {why}"
        yield from own_header_first(tree, path, seen)
        yield from several_of_three(path, seen)


def tree_with(path, *lines):
    """A whole small house, in which `path` holds `lines`."""
    house = [ABI, PLUGIN_ABI, "core/base/base.h", "core/flow/flow.h", "config/config.h"]
    house += ["core/metrics/board.h", "core/source/xdp.h", "core/policy/supervisor.h"]
    house += ["core/http/server.h", "core/auditor.h", "plugins/lua/lua_stage.h"]
    files = {name: "#include <stdint.h>\n" for name in house}
    files[ABI] = f"#include <{ABI_SEES}>\n"
    files[path] = "".join(f"#include {line}\n" for line in lines)
    return files


FIXTURES = [
    ("base looks up", tree_with("core/base/log.c", '"core/flow/flow.h"'), r"log\.c:1: .*not below"),
    ("base and the kernel", tree_with("core/base/log.c", f'"{ABI}"'), "nothing of the domain"),
    ("base and config", tree_with("core/base/log.c", '"config/config.h"'), "floor 3 and above"),
    ("flow and config", tree_with("core/flow/a.c", '"config/config.h"'), "floor 3 and above"),
    ("flow looks up", tree_with("core/flow/a.c", '"core/metrics/board.h"'), "not below"),
    ("metrics looks up", tree_with("core/metrics/a.c", '"core/http/server.h"'), "not below"),
    ("source and policy", tree_with("core/source/a.c", '"core/policy/supervisor.h"'), "not below"),
    ("policy and http", tree_with("core/policy/a.c", '"core/http/server.h"'), "not below"),
    ("http and source", tree_with("core/http/a.c", '"core/source/xdp.h"'), "not below"),
    ("source and the root", tree_with("core/source/a.c", '"core/auditor.h"'), "not below"),
    ("config and flow", tree_with("config/a.c", '"core/flow/flow.h"'), "core/base alone"),
    ("config and the kernel", tree_with("config/a.c", '"core/http/server.h"'), "core/base alone"),
    ("a plugin in core", tree_with("plugins/lua/a.c", '"core/base/base.h"'), "nothing else"),
    ("a plugin beside", tree_with("plugins/zones/a.c", '"plugins/lua/lua_stage.h"'), "nothing else"),
    ("core in a plugin", tree_with("core/policy/a.c", '"plugins/lua/lua_stage.h"'), "public header"),
    ("http and flows", tree_with("core/http/a.c", '"core/flow/flow.h"'), "but the board"),
    ("http and plugins", tree_with("core/http/a.c", f'"{PLUGIN_ABI}"'), "public header"),
    ("the kernel and core", tree_with("bpf/a.bpf.c", '"core/base/base.h"'), "bpf/ alone"),
    ("the ABI and libc", tree_with(ABI, "<linux/types.h>", "<stdint.h>"), r"abi\.h:2: .*alone"),
    ("relative", tree_with("core/flow/a.c", '"../base/base.h"'), "from the root"),
    ("own folder, short", tree_with("core/flow/a.c", '"flow.h"'), "not a header of this tree"),
    ("angles", tree_with("core/flow/a.c", "<core/base/base.h>"), "wants quotes"),
    ("spaced", tree_with("core/base/a.c", '"core/base/base.h"', ' "core/flow/flow.h"'), "a.c:2"),
    ("the version", tree_with("core/http/a.c", '"version.h"'), "not a header"),
    ("the skeleton", tree_with("core/flow/a.c", '"netflow_filter.skel.h"'), "not a header"),
    ("no such floor", tree_with("core/extra/a.c", '"core/base/base.h"'), "on no floor"),
    ("own header late", tree_with("core/flow/flow.c", "<stdio.h>", '"core/flow/flow.h"'), "first"),
    (
        "several from a helper",
        tree_with("core/privileges.c", '"core/source/xdp.h"', '"core/http/server.h"'),
        "only auditor",
    ),
    (
        "what stands",
        {
            **tree_with(
                "core/auditor.c",
                '"core/auditor.h"',
                '"config/config.h"',
                '"core/source/xdp.h"',
                '"core/policy/supervisor.h"',
                '"core/http/server.h"',
                '"version.h"',
            ),
            "core/source/xdp.c": '#include "core/source/xdp.h"\n#include "netflow_filter.skel.h"\n'
            '#include "core/flow/flow.h"\n#include "config/config.h"\n#include "bpf/flow_abi.h"\n',
            "core/policy/worker.c": f'#include "{PLUGIN_ABI}"\n/* #include "core/http/server.h" */\n',
            "plugins/lua/stage.c": f'#include "{PLUGIN_ABI}"\n#include "plugins/lua/lua_stage.h"\n',
            "bpf/a.bpf.c": f'#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n#include "{ABI}"\n',
            "core/http/server.c": '#include "core/http/server.h"\n#include "core/metrics/board.h"\n',
        },
        None,
    ),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
