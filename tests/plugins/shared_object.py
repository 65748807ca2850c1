# SPDX-License-Identifier: GPL-2.0-or-later
"""A plugin of this tree, built as a shared object, gives one symbol and takes none but libc's:
nothing of xdp-auditor, so that it loads into whatever lends it the functions of its host."""

import re
import subprocess
import sys

import pluginlib

# What compilers and libc add to every shared object.
BOILERPLATE = re.compile(r"__cxa_finalize|__gmon_start__|_ITM_\w+|_init|_fini|_edata|_end|__bss_start")


def symbols(path, which):
    command = ["nm", "--dynamic", which, "--format=posix", path]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in out.splitlines()]
    return [name for name in names if not BOILERPLATE.fullmatch(name.partition("@")[0])]


def needed(path):
    command = ["readelf", "--dynamic", "--wide", path]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out)


def links_faults(path, undefined):
    for library in needed(path):
        if not library.startswith("libc.so"):
            yield f"links against {library}"
    for name in undefined:
        if "@GLIBC" not in name and "@" in name:
            yield f"wants {name}, which is not libc's"
        if name.startswith("xa_"):
            yield f"wants {name} of xdp-auditor"


def main():
    root, path = sys.argv[1:]
    if pluginlib.is_sanitized(path):
        print("skipped: what a sanitizer adds is not the plugin's")
        return 77
    exported = symbols(path, "--defined-only")
    faults = [] if exported == ["xa_plugin"] else [f"exports {exported}, not xa_plugin alone"]
    faults += links_faults(path, symbols(path, "--undefined-only"))
    faults += pluginlib.faults_of(path, pluginlib.abi_of(f"{root}/plugins/xa_plugin.h"))
    for fault in faults:
        print(f"{path}: {fault}")
    print(f"{int(not faults)} passed, {int(bool(faults))} failed, 0 skipped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
