# SPDX-License-Identifier: GPL-2.0-or-later
"""A plugin of somebody else's: what is installed for plugins goes into a folder of its own, and the
example is copied out of the tree, built against that alone, installed and loaded."""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

import pluginlib

NAME = "xdp-auditor-plugin"


def say(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def install(build, folder):
    say(["meson", "install", "-C", build, "--no-rebuild", "--tags", "devel", "--destdir", folder])
    return next(pathlib.Path(folder).rglob(f"{NAME}.pc"))


def without_the_tree(pc, prefix):
    """An environment in which pkg-config knows what was installed and nothing else, and the
    compiler takes every warning for an error."""
    environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    environment["PKG_CONFIG_LIBDIR"] = str(pc.parent)
    environment["PKG_CONFIG"] = f"pkg-config --define-variable=prefix={prefix}"
    environment["CFLAGS"] = "-O2 -Wall -Wextra -Wpedantic -Wcast-qual -Wmissing-prototypes -Werror"
    return environment


def variable(environment, name):
    return say([*environment["PKG_CONFIG"].split(), f"--variable={name}", NAME], env=environment)


def try_it(root, build, folder):
    staged = folder / "staged"
    pc = install(build, staged)
    header = next(staged.rglob("xa_plugin.h"))
    prefix = header.parents[2]
    environment = without_the_tree(pc, prefix)
    shutil.copytree(root / "examples/plugin", folder / "portclass")
    plugindir = pathlib.Path(variable(environment, "plugindir"))
    if folder not in plugindir.parents:
        yield f"pkg-config says {plugindir}, which does not follow the prefix"
        return
    say(["make", "-C", folder / "portclass", "install"], env=environment)
    abi = pluginlib.abi_of(header)
    if variable(environment, "abi") != str(abi):
        yield f"pkg-config says ABI {variable(environment, 'abi')}, the header {abi}"
    yield from pluginlib.faults_of(plugindir / "portclass.so", abi)


def main():
    for tool in ("meson", "make", "pkg-config", "cc"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            return 77
    root, build = map(pathlib.Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        faults = list(try_it(root, build, pathlib.Path(folder)))
    for fault in faults:
        print(fault)
    print(f"{int(not faults)} passed, {int(bool(faults))} failed, 0 skipped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
