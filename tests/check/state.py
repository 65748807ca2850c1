# SPDX-License-Identifier: GPL-2.0-or-later
"""No mutable state at file scope, nor hidden as a static in a function: everything hangs on what a
function is given. The log's level and format are the one exception. The kernel program's globals
are its maps and stand outside of this."""

import re
import sys

from checklib import PRODUCT, Tree, c_units, run

ALLOWED = ("core/base/log.c",)
LOCAL_STATIC = re.compile(r"\bstatic\b[^;={]*")
# Behind a struct's brace a word in capitals is an attribute's macro.
NO_VARIABLE = re.compile(
    r"^(typedef|_Static_assert|static_assert)\b"
    r"|^(struct|union|enum)(\s+\w+)?\s*({}(\s+[A-Z][A-Z0-9_]*)?)?$"
)
CALLED = re.compile(r"^\s*[A-Z]\w*\([^()]*\)\s*|\b__attribute__\s*\(\(.*?\)\)")


def is_mutable(declaration):
    """Of a variable's declaration without its initialiser: can the variable itself change?"""
    pointer = declaration.rpartition("*")
    return not re.search(r"\bconst\b", pointer[2] if pointer[1] else declaration)


def file_scope_variable(unit):
    text = CALLED.sub(" ", unit.text).rstrip("; ").strip()
    if unit.is_function() or not text or NO_VARIABLE.search(text):
        return None
    declaration, equals, _ = text.partition("=")
    pointer_to_function = re.match(r"[^(]*(\(\s*\*[^()]*)\)\s*\(", declaration)
    if pointer_to_function:
        declaration = pointer_to_function.group(1)
    elif "(" in declaration:
        return None
    if re.match(r"extern\b", declaration) and not equals:
        return None
    return declaration


def check(tree: Tree):
    for path in tree.select(".c", ".h", under=PRODUCT):
        if path in ALLOWED or path.endswith(".bpf.c"):
            continue
        for unit in c_units(tree.text(path)):
            declaration = file_scope_variable(unit)
            if declaration and is_mutable(declaration):
                yield f"{path}:{unit.line}: mutable state: {' '.join(declaration.split())}"
            for match in LOCAL_STATIC.finditer(unit.body if unit.is_function() else ""):
                line = unit.first + unit.body.count("\n", 0, match.start())
                if is_mutable(match.group()):
                    yield f"{path}:{line}: mutable state: {' '.join(match.group().split())}"


def mutable(text, line=1):
    return (text, {"core/flow/a.c": text + "\n"}, rf"a\.c:{line}: mutable state")


FIXTURES = [
    mutable("static int count;"),
    mutable("static int count = 3;"),
    mutable("int count;"),
    mutable("\nstruct xa_flow flows[3];", 2),
    mutable("struct xa_flow flow;"),
    mutable("struct { int a; } flow;"),
    mutable("static struct xa_flow flow = { .a = 1 };"),
    mutable('static const char *names[] = { "a", "b" };'),
    mutable("static const char *name;"),
    mutable("static _Thread_local char text[10];"),
    mutable("static int (*hook)(void);"),
    mutable("static int (*hooks[2])(void) = { a, b };"),
    mutable("static struct { int a; } state;"),
    mutable("static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;"),
    mutable("extern int count = 1;"),
    mutable("int f(void)\n{\n\tstatic int calls;\n\treturn calls++;\n}", 3),
    mutable("int f(void)\n{\n\tstatic const char *last = 0;\n\treturn !last;\n}", 3),
    (
        "what may stand",
        {
            "core/flow/a.c": """#define X(a) static int a;
/* static int b; */
struct xa_a;
struct xa_a {
	int b;
};
enum c { D, E };
typedef int (*fn)(void);
extern const char *const names[E];
static const char *const texts[] = { "a;", "b{" };
static const struct xa_a one = { .b = 1 };
static int (*const hook)(void) = f;
_Static_assert(sizeof(int) == 4, "int");
XA_DEFINE_CLEANUP(xa_a)
XA_PRINTF(1, 2) int say(const char *format, ...);
static int f(int a) __attribute__((pure));
int visit(void (*each)(int a, void *cls), void *cls);
static int f(int a)
{
	static const int b = 1;
	struct xa_a c = { .b = a };
	return b + c.b;
}
""",
            "core/base/log.c": "static int level;\n",
            "bpf/a.bpf.c": "__u32 epoch;\n",
        },
        None,
    ),
]

if __name__ == "__main__":
    sys.exit(run(check, FIXTURES))
