# SPDX-License-Identifier: GPL-2.0-or-later
"""The type file for editors against the API that is registered, both ways: all that it describes is
there and of that type, and all that is there is described. What Lua can walk, a rule walks
(lua_api.lua, run by `xdp-auditor test`); the names of what is locked stand in tables of the C."""

import pathlib
import re
import subprocess
import sys
import tempfile

CLASS = re.compile(r"---@class ([\w.]+)")
FIELD = re.compile(r"---@field (\w+)(\??) (\S+)")
OBJECT = re.compile(r"(?:local )?(\w+) = \{\}")
METHOD = re.compile(r"function (\w+)[.:](\w+)\(")
TYPES = {
    "4|6": "integer", "1": "integer", "integer": "integer", "number": "float", "string": "string",
    "boolean": "boolean", "xa.Address": "userdata",
}  # fmt: skip
TEST = """stages:
  - lua: {{file: "{rule}", options: {{{options}}}}}
tests:
  - name: the API
    snapshots:
      - flows:
          - {{src: 10.0.0.1, dst: 192.0.2.1, proto: tcp, packets: 1, bytes: 60}}
        expect: {{hidden: []}}
"""


def described(text):
    """Class -> {name: Lua's type} of the type file."""
    classes, objects, current = {}, {}, None
    for line in text.splitlines():
        if match := CLASS.match(line):
            current = match[1]
            classes[current] = {}
        elif match := FIELD.match(line):
            table = match[3].startswith("table<")
            classes[current][match[1]] = "table" if table else TYPES.get(match[3], match[3])
        elif match := OBJECT.match(line):
            objects[match[1]] = current
        elif match := METHOD.match(line):
            classes[objects[match[1]]][match[2]] = "function"
    return classes


def strings(path, first):
    """The strings in the C table that begins with `first`."""
    text = path.read_text()
    start = text.index(first)
    return set(re.findall(r'"(\w+)"', text[start : text.index("};", start)]))


def run(auditor, root, asked):
    """(word, class) -> {name: type}, as the rule says."""
    options = ", ".join(f"{name}: [{', '.join(names)}]" for name, names in asked.items())
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "api.yaml")
        rule = root / "tests/plugins/lua_api.lua"
        path.write_text(TEST.format(rule=rule, options=options))
        command = [auditor, "test", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    said = {}
    for match in re.finditer(r"info: (has|asked) (\S+) (.*)", done.stdout):
        pairs = (pair.partition("=") for pair in match[3].split())
        said[match[1], match[2]] = {name: kind for name, _, kind in pairs}
    return said


def registered(root, said):
    """Class -> names."""
    lua = root / "plugins/lua"
    errors = re.search(r'"addresses have (.*?), no', (lua / "address.c").read_text())
    names = {name: set(said["has", name]) for name in ("xa", "xa.FlowCopy", "xa.Sum")}
    names["xa.Flow"] = strings(lua / "fields.c", "const char *const xa_lua_field_names[]")
    names["xa.Snapshot"] = strings(lua / "snapshot.c", "static const char *const members[]")
    names["xa.Cidr"] = strings(lua / "address.c", "static const luaL_Reg methods[]")
    names["xa.Address"] = set(re.findall(r"'(\w+)'", errors[1]))
    return names


def differences(what, one, other):
    for name in sorted(one - other):
        yield f"{what}: '{name}' is described and not there"
    for name in sorted(other - one):
        yield f"{what}: '{name}' is there and not described"


def faults(root, types, said):
    for name, names in registered(root, said).items():
        yield from differences(name, set(types[name]), names)
        for field, kind in said["asked", name].items():
            if kind != types[name][field]:
                yield f"{name}.{field}: described as {types[name][field]}, is {kind}"
    luacheck = (root / "lua/.luacheckrc").read_text()
    known = luacheck[luacheck.index("read_globals") : luacheck.index("\txa = {")]
    reach = set(said["has", "_G"]) - {"xa"}
    yield from differences(".luacheckrc", set(re.findall(r'"(\w+)"', known)), reach)
    fields = luacheck[luacheck.index("fields = {") :].partition("state")[0]
    own = set(re.findall(r'"(\w+)"', fields)) | {"state"}
    yield from differences(".luacheckrc, xa", own, set(said["has", "xa"]))


def main():
    root, auditor = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    types = described((root / "lua/xa.d.lua").read_text())
    classes = "xa xa.Address xa.Cidr xa.Flow xa.FlowCopy xa.Snapshot xa.Sum".split()
    said = run(auditor, root, {name: types[name] for name in classes})
    found = list(faults(root, types, said))
    for fault in found:
        print(f"FAIL {fault}")
    count = sum(len(types[name]) for name in classes)
    print(f"{count - len(found)} passed, {len(found)} failed, 0 skipped")
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main())
